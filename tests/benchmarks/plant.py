"""Lays millions of rows into a home without asking anybody: through the lake's own writers.

They are the rows that the bulk API serves, so that its totals still tell whether nothing was lost.
"""

import datetime as dt
from contextlib import closing
from pathlib import Path

import duckdb  # noqa: F401 - it teaches DuckDB's core to read Arrow
import pyarrow as pa

from tactics.config import load_settings
from tactics.home import Home
from tactics.lake import find_table
from tactics.lake.quarantine import write_outgoing
from tactics.lake.staging import Engine
from tactics.lake.warehouse import Change
from tactics.model import TOPIC_PROCESSED, AccountInfo, Finality, Priority, Slice, StreamKey, Window
from tactics.pipeline import Scope, Workspace, sync
from tactics.sandbox import BulkMeta
from tactics.sandbox.bulk import _ACCOUNT, _FIRST_CAMPAIGN, _VARIANTS, _metrics
from tests.benchmarks.bench import Shape
from tests.lab import NOW
from tests.support import FakeClock

KEY = StreamKey("bulk", "meta", _ACCOUNT, "campaign_insights")
NOWHERE = "http://127.0.0.1:9"  # nobody is asked
ADS = """
    SELECT
        'bulk' AS org_id, 'meta' AS source, '{account}' AS account_id, '{stream}' AS stream,
        f.campaign_id AS entity_id, d.date, f.campaign_id, f.campaign_name, 'social' AS channel,
        f.impressions, f.clicks, f.spend_minor / 100 AS spend, 'EUR' AS currency, f.conversions,
        f.value_minor / 100 AS conversion_value, f.video_views, 'Europe/Vienna' AS timezone,
        100 AS quality_score, 'final' AS finality, TIMESTAMPTZ '{fetched_at}' AS fetched_at,
        '{request_id}' AS request_id, 0 AS log_seq
    FROM days AS d JOIN facts AS f USING (variant)
"""
BOOKINGS = """
    SELECT
        'bulk' AS org_id, 'sheets' AS source, 'sheet' AS account_id, 'bookings' AS stream,
        'BK-' || i AS entity_id, 'BK-' || i AS booking_id, 'Client ' || i % 40 AS client,
        {first} + i AS campaign_id, 'meta' AS platform,
        DATE '{today}' - (10 + i % 60)::INTEGER AS flight_start, DATE '{today}' + (i % 30)::INTEGER AS flight_end,
        DATE '{today}' - (10 + i % 60)::INTEGER AS date, 20000 * (10 + i % 60) AS booked_impressions,
        'Bulk' AS campaign, 5000 + i AS booking_revenue, 'EUR' AS currency,
        'confirmed' AS status, i + 2 AS sheet_row, '{{}}' AS extras,
        100 AS quality_score, 'final' AS finality, TIMESTAMPTZ '{fetched_at}' AS fetched_at,
        '{request_id}' AS request_id, 0 AS log_seq
    FROM range({count}) AS r(i)
"""


def plant(home: str, pages: int, campaigns: int, bookings: int) -> None:
    """Fill a new home: silver and the ledger first, then gold by the pipeline itself."""
    world = Shape(pages, campaigns).world()
    with open_home(home, world) as workspace:
        request_id = cover(workspace, world)
        fetch = {"fetched_at": NOW.isoformat(), "request_id": request_id}
        ads = ADS.format(account=KEY.account_id, stream=KEY.stream, **fetch)
        write_rows(workspace, "ad_performance", ads, world)
        if bookings:
            own = {"first": _FIRST_CAMPAIGN, "today": NOW.date(), "count": bookings}
            write_rows(workspace, "bookings", BOOKINGS.format(**own, **fetch), world)
        tell(workspace, Window(world.start, world.end))
        result = sync(workspace, Scope(offline=True))
        assert not result.exit_code, result.status


def open_home(home: str, world: BulkMeta, url: str = NOWHERE, more: str = "") -> Workspace:
    """Open a home as it is configured for a world."""
    place = Home(Path(home)).create()
    config = place.root / "tactics.toml"
    config.write_text(world.config_toml(url) + more, encoding="utf-8")
    settings = load_settings(config, {})
    return Workspace.open(settings, place, FakeClock(NOW), environment=world.environment(url))


def cover(workspace: Workspace, world: BulkMeta) -> str:
    """Enter all days of the world into the ledger as fetched and final; return the request."""
    store, window = workspace.store, Window(world.start, world.end)
    account = AccountInfo(KEY.account_id, "Bulk", "EUR", "Europe/Vienna")
    store.accounts.put(KEY.org_id, KEY.source, account)
    work = Slice(KEY, window, Priority.LIVE, account)
    request_id = store.fetches.begin(work, api_version="v26.0")
    store.fetches.complete(request_id, days=[(day, Finality.FINAL) for day in window.days()])
    return request_id


def tell(workspace: Workspace, window: Window) -> None:
    """Tell gold that these days of silver are new."""
    days = {"start": window.start.isoformat(), "end": window.end.isoformat()}
    header = {"load_id": "planted", "org_id": KEY.org_id, "source": KEY.source}
    header |= {"table": "ad_performance", **days}
    workspace.store.bus.append(TOPIC_PROCESSED, key=KEY, header=header)


def write_rows(workspace: Workspace, name: str, sql: str, world: BulkMeta) -> None:
    """Write the rows of a query to a silver table in one commit, in files as a load makes them."""
    spec, warehouse = find_table(name), workspace.lake._warehouse
    table = warehouse.table(spec)
    engine = Engine(workspace.lake_limits, warehouse.files)
    with closing(engine), engine.staging() as staging:
        connection = staging._duck
        connection.register("facts", _facts(world._campaigns))
        connection.register("days", _days(world))
        given = {name for name, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()}
        columns = ", ".join(
            f'CAST({column if column in given else "NULL"} AS {kind}) AS "{column}"'
            for column, kind in spec.columns
        )
        connection.execute(f"CREATE TEMP VIEW outgoing AS SELECT {columns} FROM ({sql})")
        added = write_outgoing(staging, table, KEY.org_id, [])
    warehouse.commit(table, Change(added))


def _facts(campaigns: int) -> pa.Table:
    """Return what every campaign delivers on each kind of day."""
    rows = []
    for variant in range(_VARIANTS):
        for campaign in range(campaigns):
            one = _metrics(variant, campaign)
            rows.append({
                "variant": variant,
                "campaign_id": str(_FIRST_CAMPAIGN + campaign),
                "campaign_name": f"Bulk campaign {campaign:05d}",
                **{name: getattr(one, name) for name in one.__slots__},
            })
    return pa.Table.from_pylist(rows)


def _days(world: BulkMeta) -> pa.Table:
    days = [world.start + dt.timedelta(days=number) for number in range(world._days)]
    return pa.table({"date": days, "variant": [world._variant(day) for day in days]})
