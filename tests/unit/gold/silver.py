"""Small silver tables as Parquet files, and the build that reads them: the tests' side of the lake."""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tactics import duck
from tactics.config import GoldSettings, PacingSettings
from tactics.gold import Change, Generation, Gold, GoldBuild, OrgFacts, StreamFacts
from tactics.home import Home
from tactics.lake import TABLES
from tactics.metrics import Registry, render

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()

GOALS = {
    "goal": "VARCHAR",
    "booked_clicks": "BIGINT",
    "booked_views": "BIGINT",
    "booked_conversions": "DECIMAL(15,4)",
    "booked_spend": "DECIMAL(15,2)",
    "start_share": "DECIMAL(9,8)",
    "hiatus": "VARCHAR",
    "plan": "VARCHAR",
}
COLUMNS = {
    "ad_performance": {
        "org_id": "VARCHAR",
        "source": "VARCHAR",
        "account_id": "VARCHAR",
        "stream": "VARCHAR",
        "entity_id": "VARCHAR",
        "date": "DATE",
        "campaign_id": "VARCHAR",
        "campaign_name": "VARCHAR",
        "channel": "VARCHAR",
        "impressions": "BIGINT",
        "clicks": "BIGINT",
        "spend": "DECIMAL(15,2)",
        "currency": "VARCHAR",
        "conversions": "DECIMAL(15,4)",
        "conversion_value": "DECIMAL(15,2)",
        "video_views": "BIGINT",
        "timezone": "VARCHAR",
        "finality": "VARCHAR",
        "log_seq": "BIGINT",
    },
    "transactions": {
        "org_id": "VARCHAR",
        "source": "VARCHAR",
        "account_id": "VARCHAR",
        "date": "DATE",
        "txn_id": "VARCHAR",
        "order_ref": "VARCHAR",
        "reporting_category": "VARCHAR",
        "status": "VARCHAR",
        "currency": "VARCHAR",
        "amount_minor": "BIGINT",
        "fee_minor": "BIGINT",
        "net_minor": "BIGINT",
        "amount": "DECIMAL(18,3)",
        "fee": "DECIMAL(18,3)",
        "net": "DECIMAL(18,3)",
        "finality": "VARCHAR",
    },
    "bookings": {
        "org_id": "VARCHAR",
        "source": "VARCHAR",
        "account_id": "VARCHAR",
        "booking_id": "VARCHAR",
        "client": "VARCHAR",
        "campaign": "VARCHAR",
        "campaign_id": "VARCHAR",
        "platform": "VARCHAR",
        "channel": "VARCHAR",
        "flight_start": "DATE",
        "flight_end": "DATE",
        "booked_impressions": "BIGINT",
        "booking_revenue": "DECIMAL(15,2)",
        "currency": "VARCHAR",
        "status": "VARCHAR",
        "make_good_for": "VARCHAR",
        "sheet_row": "INTEGER",
        "extras": "VARCHAR",
        **GOALS,
        "quality_score": "INTEGER",
        "fetched_at": "TIMESTAMPTZ",
        "date": "DATE",
    },
    "bookings_history": {
        "org_id": "VARCHAR",
        "source": "VARCHAR",
        "account_id": "VARCHAR",
        "booking_id": "VARCHAR",
        "flight_start": "DATE",
        "flight_end": "DATE",
        "booked_impressions": "BIGINT",
        "booking_revenue": "DECIMAL(15,2)",
        "currency": "VARCHAR",
        **GOALS,
        "date": "DATE",
    },
    "crm_deals": {
        "org_id": "VARCHAR",
        "deal_id": "VARCHAR",
        "company": "VARCHAR",
        "deal_stage": "VARCHAR",
        "amount": "DECIMAL(15,2)",
        "currency": "VARCHAR",
        "booking_id": "VARCHAR",
        "date": "DATE",
    },
    **{
        name: dict(TABLES[name].columns)
        for name in (
            "web_traffic",
            "search_performance",
            "sitemaps",
            "url_inspections",
            "orders",
            "order_refunds",
            "email_performance",
            "email_subscribers",
            "email_revenue",
        )
    },
}
STREAMS = (
    StreamFacts("meta", "meta", "insights", "ad_performance", final_after_days=28),
    StreamFacts("ttd", "ttd", "reports", "ad_performance", final_after_days=7),
    StreamFacts("stripe", "stripe", "balance_transactions", "transactions", final_after_days=35),
    StreamFacts("sheets", "sheets", "bookings", "bookings", snapshot=True),
)
ACME = OrgFacts("acme", "Acme", "EUR", "Europe/Vienna", STREAMS)


@functools.cache
def registry() -> Registry:
    """Return the built-in metrics."""
    return Registry.load(None)


def render_metrics(text: str) -> str:
    """Return `text` with the built-in metrics in it."""
    return render(text, registry())


def day(text: str) -> dt.date:
    """Return `11-05` of 2026."""
    return dt.date.fromisoformat(f"2026-{text}")


def span(start: dt.date, end: dt.date) -> list[dt.date]:
    """Return every day, both ends inclusive."""
    return [start + dt.timedelta(days=offset) for offset in range((end - start).days + 1)]


class Silver:
    """Rows of silver and days of coverage that a test plants, and gold built from them."""

    def __init__(self, home: Home, *, keep: int = 3) -> None:
        self.home = home.create()
        self.folder = home.root / "silver"
        self.folder.mkdir(exist_ok=True)
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in COLUMNS}
        self.coverage: dict[tuple[str, str, str, str, dt.date], tuple[str, dt.datetime]] = {}
        self.limits = duck.DuckLimits(home.scratch, threads=1)
        self.gold = Gold(home, self.limits, GoldSettings(keep_generations=keep))
        self.orgs: tuple[OrgFacts, ...] = (ACME,)
        self.asked: list[tuple[Any, ...]] = []

    def deliver(self, campaign_id: str = "c1", **facts: Any) -> None:
        """Plant one row a day from `start` to `end` (or on `date`) for a campaign."""
        start = facts.pop("start", facts.get("date"))
        end = facts.pop("end", start)
        row = {
            "org_id": "acme",
            "source": "meta",
            "account_id": "act_1",
            "stream": "insights",
            "entity_id": campaign_id,
            "campaign_id": campaign_id,
            "campaign_name": f"Campaign {campaign_id}",
            "channel": "paid_social",
            "impressions": 1000,
            "clicks": 10,
            "spend": "5.00",
            "currency": "EUR",
            "conversions": "1",
            "conversion_value": "20.00",
            "video_views": 0,
            "timezone": "Europe/Vienna",
            "finality": "final",
            "log_seq": 1,
        }
        self.rows["ad_performance"] += [{**row, **facts, "date": d} for d in span(start, end)]

    def cover(self, start: dt.date, end: dt.date, **facts: Any) -> None:
        """Plant coverage of every day from `start` to `end`."""
        key = {"org_id": "acme", "source": "meta", "account_id": "act_1", "stream": "insights"}
        key |= {name: facts[name] for name in key if name in facts}
        for d in span(start, end):
            self.coverage[*key.values(), d] = (facts.get("finality", "final"), NOW)

    def book(self, booking_id: str = "BK-1", **facts: Any) -> None:
        """Plant one booking: by default 10,000 impressions from 1 to 10 November."""
        row = {
            "org_id": "acme",
            "source": "sheets",
            "account_id": "sheet",
            "booking_id": booking_id,
            "client": "Client",
            "campaign": "Spring push",
            "campaign_id": "c1",
            "platform": "meta",
            "channel": None,
            "flight_start": day("11-01"),
            "flight_end": day("11-10"),
            "booked_impressions": 10_000,
            "booking_revenue": "100.00",
            "currency": "EUR",
            "status": "confirmed",
            "make_good_for": None,
            "sheet_row": 2,
            "extras": "{}",
            "quality_score": 100,
            "fetched_at": NOW,
        }
        row |= facts
        self.rows["bookings"].append({**row, "date": row["flight_start"]})

    def transact(self, category: str, amount_minor: int, fee_minor: int = 0, **facts: Any) -> None:
        """Plant one Stripe balance transaction; `scale` is the number of decimals of its currency."""
        scale = facts.pop("scale", 2)
        minor = {"amount": amount_minor, "fee": fee_minor, "net": amount_minor - fee_minor}
        row: dict[str, Any] = {
            "org_id": "acme",
            "source": "stripe",
            "account_id": "main",
            "date": day("11-01"),
            "txn_id": f"txn_{len(self.rows['transactions'])}",
            "reporting_category": category,
            "status": "available",
            "currency": "EUR",
            "finality": "final",
        }
        row |= {f"{name}_minor": value for name, value in minor.items()}
        row |= {name: f"{value / 10**scale:.3f}" for name, value in minor.items()}
        self.rows["transactions"].append(row | facts)

    def deal(self, deal_id: str = "D-1", **facts: Any) -> None:
        """Plant one CRM deal."""
        row = {
            "org_id": "acme",
            "deal_id": deal_id,
            "company": "Deal Company",
            "deal_stage": "won",
            "amount": "100.00",
            "currency": "EUR",
            "booking_id": "BK-1",
            "date": day("11-01"),
        }
        self.rows["crm_deals"].append(row | facts)

    def request(self, **facts: Any) -> GoldBuild:
        """Return the build of what is planted; full unless `changes` are given."""
        files = self._write()
        coverage = [
            (*key, finality, "request", fetched_at)
            for key, (finality, fetched_at) in sorted(self.coverage.items())
        ]
        build = GoldBuild(
            relation=functools.partial(self._relation, files),
            render=render_metrics,
            orgs=self.orgs,
            built_at=NOW,
            pacing=PacingSettings(),
            coverage=coverage,
            folders=[self.folder],
            full="changes" not in facts,
        )
        return replace(build, **facts)

    def build(self, **facts: Any) -> Generation:
        """Build what is planted, and publish it."""
        generation = self.gold.build(self.request(**facts))
        self.gold.publish(generation)
        return generation

    def change(self, table: str, start: dt.date, end: dt.date, org_id: str = "acme") -> Change:
        """Return a change."""
        return Change(org_id, table, start, end)

    def read(self, sql: str, *params: object) -> list[dict[str, Any]]:
        """Return rows of the published generation."""
        answer = self.gold.query(sql, params)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    def tables(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of these tables of the published generation, each in an order of its own."""
        with self.gold.open() as (connection, _):
            return {
                name: sorted(connection.execute(f"FROM {name}").fetchall(), key=repr)
                for name in names
            }

    def line(self, booking_id: str = "BK-1") -> dict[str, Any]:
        """Return one line of campaign_pacing."""
        (row,) = self.read("SELECT * FROM campaign_pacing WHERE booking_id = ?", booking_id)
        return row

    def margin(self, booking_id: str = "BK-1") -> dict[str, Any]:
        """Return one line of campaign_margin."""
        (row,) = self.read("SELECT * FROM campaign_margin WHERE booking_id = ?", booking_id)
        return row

    def pace(self, **facts: Any) -> dict[str, Any]:
        """Build and return the line BK-1."""
        self.build(**facts)
        return self.line()

    def _relation(
        self,
        files: Mapping[tuple[str, str], Path],
        table: str,
        org_id: str,
        *days: Any,
    ) -> str | None:
        self.asked.append((table, org_id, *days))
        path = files.get((table, org_id))
        return f"read_parquet('{path}')" if path else None

    def _write(self) -> dict[tuple[str, str], Path]:
        """Write the rows of each table and organisation as a Parquet file, a new one when they changed."""
        files = {}
        parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for table, rows in self.rows.items():
            for row in rows:
                parts.setdefault((table, row["org_id"]), []).append(row)
        for (table, org_id), rows in parts.items():
            text = "\n".join(json.dumps(row, default=str) for row in rows)
            name = hashlib.sha256(text.encode()).hexdigest()[:16]
            files[table, org_id] = path = self.folder / f"{table}-{name}.parquet"
            if not path.exists():
                self._write_file(path, table, text)
        return files

    def _write_file(self, path: Path, table: str, text: str) -> None:
        lines = path.with_suffix(".json")
        lines.write_text(text, encoding="utf-8")
        kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS[table].items())
        held = f"read_json('{lines}', format = 'newline_delimited', columns = {{{kinds}}})"
        self._writer.execute(f"COPY (FROM {held}) TO '{path}'")

    @functools.cached_property
    def _writer(self) -> duck.Connection:
        return duck.connect(None, self.limits, folders=[self.folder])
