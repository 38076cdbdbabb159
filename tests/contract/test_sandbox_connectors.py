"""Our connectors read the simulators, and the silver SQL gives what the ledger says, to the cent."""

import datetime as dt
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tactics.config import Settings
from tactics.connectors import base_urls_of, find_connector, options_of, spec_of, stream_sql
from tactics.duck import DuckLimits, connect
from tactics.model import Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call
from tactics.transport import Request, Response
from tests.lab import PILLARS
from tests.unit.connectors.builders import rows_of
from tests.unit.sandbox.asking import ORIGIN, google_token

TODAY = dt.date(2026, 11, 21)
NOW = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
MOST_STEPS = 400


class Wire:
    """Carries the requests of one connection of acme to the simulators, without a socket."""

    def __init__(self, world: World, source: str) -> None:
        settings = Settings.model_validate(tomllib.loads(world.config_toml(ORIGIN)))
        self.world = world
        self.source = source
        self.settings = settings.orgs["acme"].sources[source]
        self.connector = find_connector(source)
        self.options = options_of(self.settings, self.connector)
        self._urls = base_urls_of(self.settings, self.connector)
        self._secrets = world.environment(ORIGIN)
        self._token = google_token(world) if source == "sheets" else ""

    def send(self, request: Request) -> Response:
        """Return the answer to one request, signed as the source wants it."""
        query, headers = request.query, {name.lower(): value for name, value in request.headers}
        match self.source:
            case "meta":
                query += (("access_token", self._secrets["TACTICS_ACME_META_ACCESS_TOKEN"]),)
            case "stripe":
                key = self._secrets["TACTICS_ACME_STRIPE_API_KEY"]
                headers["authorization"] = f"Bearer {key}"
            case _:
                headers["authorization"] = f"Bearer {self._token}"
        url = self._urls[request.base] + request.path
        mount, _, path = url.removeprefix(f"{ORIGIN}/").partition("/")
        call = Call(request.method, ORIGIN, mount, f"/{path}", query, headers, request.body)
        reply = self.world.answer(call)
        names = {name.lower(): value for name, value in reply.headers.items()}
        return Response(reply.status, reply.content(), names)

    def fetch(
        self, account_id: str, stream: str, window: Window, *, deep: bool = False
    ) -> list[tuple[Request, bytes]]:
        """Return the pages of one slice with the requests they answer."""
        asked = self.connector.ask_account(account_id, self.options)
        account = self.connector.read_account(account_id, self.options, self.send(asked))
        key = StreamKey("acme", self.source, account_id, stream)
        work = Slice(key, window, Priority.LIVE, account, deep=deep)
        pages: list[tuple[Request, bytes]] = []
        request: Request | None = self.connector.ask(work, self.options)
        for _ in range(MOST_STEPS):
            assert request is not None
            step = self.connector.read(work, self.options, request, self.send(request))
            if step.page is not None:
                pages.append((request, step.page))
            request = step.next
            if request is None:
                return pages
        pytest.fail("the slice does not end")

    def silver(self, stream: str, window: Window, tmp_path: Path, **how: bool) -> list[Any]:
        """Return the rows of the stream's SQL over all accounts of the connection."""
        connection = connect(None, DuckLimits(tmp_path))
        connection.execute(
            "CREATE TABLE pages (log_seq BIGINT, org_id VARCHAR, source VARCHAR, account_id VARCHAR,"
            " stream VARCHAR, request_id VARCHAR, window_start DATE, window_end DATE, page INTEGER,"
            " fetched_at TIMESTAMPTZ, api_version VARCHAR, request VARCHAR, payload VARCHAR)"
        )
        for account_id in self.settings.accounts:
            asked = self.connector.ask_account(account_id, self.options)
            account = self.connector.read_account(account_id, self.options, self.send(asked))
            for number, (request, page) in enumerate(self.fetch(account_id, stream, window, **how)):
                facts = {"name": account.name, "timezone": account.timezone, **account.facts}
                described = {
                    "method": request.method,
                    "path": request.path,
                    "query": dict(request.query),
                    "account": {"currency": account.currency or "EUR", **facts},
                    "options": self.options.model_dump(mode="json"),
                }
                row = [number, "acme", self.source, account_id, stream, account_id, window.start]
                row += [window.end, number, NOW, "v", json.dumps(described), page.decode()]
                connection.execute(f"INSERT INTO pages VALUES ({', '.join('?' * 13)})", row)
        sql = stream_sql(self.connector, stream)
        rows: list[Any] = rows_of(connection.execute(sql))
        connection.close()
        return rows


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=PILLARS)


@pytest.mark.parametrize("deep", [False, True])
def test_ad_rows_are_the_ledgers(world: World, tmp_path: Path, *, deep: bool) -> None:
    """A month of campaign days, direct and through a report job, after changes by the vendor."""
    world.restate(14)
    world.rename_campaign()
    world.drop_rows(2)
    window = Window(dt.date(2026, 10, 21), dt.date(2026, 11, 20))

    rows = Wire(world, "meta").silver("campaign_insights", window, tmp_path, deep=deep)

    ledger = world.totals().of("acme").between(window.start, window.end).ads
    assert {row["rule"] for row in rows} == {None}
    assert sorted(
        (
            row["account_id"],
            row["campaign_id"],
            row["date"],
            row["campaign_name"],
            row["impressions"],
            row["clicks"],
            row["spend"],
            row["conversions"],
            row["conversion_value"],
            row["video_views"],
        )
        for row in rows
    ) == sorted(
        (
            row.account_id,
            row.campaign_id,
            row.day,
            row.campaign_name,
            row.impressions,
            row.clicks,
            row.spend,
            row.conversions,
            row.conversion_value,
            row.video_views,
        )
        for row in ledger
    )


def test_account_totals_are_the_ledgers(world: World, tmp_path: Path) -> None:
    """The accounts' own days are what their campaigns add up to."""
    window = Window(dt.date(2026, 10, 21), dt.date(2026, 11, 20))

    rows = Wire(world, "meta").silver("account_insights", window, tmp_path)

    ledger = world.totals().of("acme").between(window.start, window.end)
    assert {row["rule"] for row in rows} == {None}
    assert {
        (row["account_id"], row["date"]): (row["impressions"], row["clicks"], row["spend"],
                                           row["conversions"], row["conversion_value"])
        for row in rows
    } == {
        key: (sums.impressions, sums.clicks, sums.spend, sums.conversions, sums.conversion_value)
        for key, sums in ledger.ad_sums("account_id", "day").items()
    }  # fmt: skip


def test_transactions_are_the_ledgers(world: World, tmp_path: Path) -> None:
    """Every balance transaction of the whole history, in minor and major units."""
    window = Window(dt.date(2026, 7, 25), TODAY)

    rows = Wire(world, "stripe").silver("transactions", window, tmp_path)

    assert {row["rule"] for row in rows} == {None}
    assert sorted(
        (
            row["txn_id"],
            row["date"],
            row["currency"],
            row["amount_minor"],
            row["fee_minor"],
            row["net_minor"],
            row["status"],
        )
        for row in rows
    ) == sorted(
        (m.txn_id, m.day, m.currency, m.amount_minor, m.fee_minor, m.net_minor, m.status)
        for m in world.totals().of("acme").movements
    )
    yen = next(row for row in rows if row["currency"] == "JPY")
    dinar = next(row for row in rows if row["currency"] == "KWD")
    assert yen["amount"] == yen["amount_minor"]
    assert dinar["amount"] == Decimal(dinar["amount_minor"]).scaleb(-3)
    assert any(str(row["order_ref"]).startswith("#") for row in rows)


def test_bookings_are_the_ledgers(world: World, tmp_path: Path) -> None:
    """Clean rows are typed right whatever they look like; the others are refused, none is lost."""
    world.workbook("acme").sort_bookings()

    rows = Wire(world, "sheets").silver("bookings", Window(TODAY, TODAY), tmp_path)

    totals = world.totals().of("acme")
    good = [row for row in rows if row["rule"] is None]
    assert sorted(
        (
            row["booking_id"],
            row["client"],
            row["campaign_id"],
            row["flight_start"],
            row["flight_end"],
            row["booked_impressions"],
            row["booking_revenue"],
            row["currency"],
            row["make_good_for"] or "",
        )
        for row in good
    ) == sorted(
        (
            line.booking_id,
            line.client,
            line.campaign_id,
            line.flight_start,
            line.flight_end,
            line.booked_impressions,
            line.booking_revenue,
            line.currency,
            line.make_good_for or "",
        )
        for line in (row.booking for row in totals.bookings)
    )
    refused = {row["sheet_row"] for row in rows if row["rule"] is not None}
    assert refused == {row.sheet_row for row in totals.unreadable}


def test_deals_are_the_ledgers(world: World, tmp_path: Path) -> None:
    """Amounts, probabilities (0.6 or 60%) and dates, without the contact's address and phone."""
    rows = Wire(world, "sheets").silver("crm_deals", Window(TODAY, TODAY), tmp_path)

    deals = [row.deal for row in world.totals().of("acme").deals]
    assert sorted(
        (row["deal_id"], row["amount"], row["probability"], row["created_on"]) for row in rows
    ) == sorted((deal.deal_id, deal.amount, deal.probability, deal.created_on) for deal in deals)
    assert deals[0].contact_email not in str(rows)
    assert deals[0].phone not in str(rows)


@pytest.mark.parametrize("name", ["empty_page_with_next", "job_stuck_at_100"])
def test_the_meta_connector_gets_through(world: World, tmp_path: Path, name: str) -> None:
    """An empty page in the middle and a report that hangs at 100 % cost no row."""
    window = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 20))
    wire = Wire(world, "meta")
    deep = name.startswith("job")
    whole = wire.silver("campaign_insights", window, tmp_path, deep=deep)
    fault = world.faults.plant(Fault(name, "meta", path="*[0-9]*"))

    again = wire.silver("campaign_insights", window, tmp_path, deep=deep)

    assert len(again) == len(whole)
    assert fault.fired == 1


def test_the_stream_specs_exist(world: World) -> None:
    """Every configured source of the world has a connector with the streams that are tested here."""
    for source, stream in (
        ("meta", "campaign_insights"),
        ("stripe", "transactions"),
        ("sheets", "bookings"),
        ("sheets", "crm_deals"),
    ):
        assert spec_of(Wire(world, source).connector, stream).name == stream
