"""Small tables for the checks: a good row of every view, changed where a test says so."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb  # noqa: F401 - it teaches DuckDB's core to read Arrow
import pyarrow as pa

from tactics.config import GuardSettings
from tactics.duck import Connection
from tactics.guard import GuardReport, load_checks, run_checks
from tactics.lake import TABLES
from tactics.model import Finding

Row = dict[str, object]

TODAY = dt.date(2026, 11, 20)
FETCHED = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)
MONEY = pa.decimal128(15, 2)
STRIPE_MONEY = pa.decimal128(18, 3)
INSTANT = pa.timestamp("us", tz="UTC")


def _arrow_type(kind: str) -> pa.DataType:
    """Return the Arrow type of a column of the lake."""
    if kind.startswith("DECIMAL("):
        precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW[kind]


_HEAD = {
    "org_id": pa.string(),
    "source": pa.string(),
    "account_id": pa.string(),
    "stream": pa.string(),
    "entity_id": pa.string(),
    "date": pa.date32(),
}
_TAIL = {
    "quality_score": pa.int32(),
    "finality": pa.string(),
    "fetched_at": INSTANT,
    "request_id": pa.string(),
    "log_seq": pa.int64(),
}
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "ad_performance": _HEAD
    | {
        "campaign_id": pa.string(),
        "campaign_name": pa.string(),
        "channel": pa.string(),
        "impressions": pa.int64(),
        "clicks": pa.int64(),
        "spend": MONEY,
        "currency": pa.string(),
        "conversions": pa.decimal128(15, 4),
        "conversion_value": MONEY,
        "video_views": pa.int64(),
        "timezone": pa.string(),
    }
    | _TAIL,
    "transactions": _HEAD
    | {
        "txn_id": pa.string(),
        "created_at": INSTANT,
        "available_on": pa.date32(),
        "type": pa.string(),
        "reporting_category": pa.string(),
        "status": pa.string(),
        "source_id": pa.string(),
        "amount_minor": pa.int64(),
        "fee_minor": pa.int64(),
        "net_minor": pa.int64(),
        "amount": STRIPE_MONEY,
        "fee": STRIPE_MONEY,
        "net": STRIPE_MONEY,
        "currency": pa.string(),
        "exchange_rate": pa.float64(),
        "payout_id": pa.string(),
        "order_ref": pa.string(),
    }
    | _TAIL,
    "bookings": _HEAD
    | {
        "booking_id": pa.string(),
        "client": pa.string(),
        "campaign": pa.string(),
        "campaign_id": pa.string(),
        "platform": pa.string(),
        "channel": pa.string(),
        "flight_start": pa.date32(),
        "flight_end": pa.date32(),
        "booked_impressions": pa.int64(),
        "booking_revenue": MONEY,
        "currency": pa.string(),
        "status": pa.string(),
        "make_good_for": pa.string(),
        "sheet_row": pa.int32(),
        "extras": pa.string(),
    }
    | _TAIL,
    "crm_deals": _HEAD
    | {
        "deal_id": pa.string(),
        "company": pa.string(),
        "deal_stage": pa.string(),
        "amount": MONEY,
        "currency": pa.string(),
        "probability": pa.decimal128(5, 4),
        "expected_close": pa.date32(),
        "created_on": pa.date32(),
        "updated_on": pa.date32(),
        "owner": pa.string(),
        "booking_id": pa.string(),
    }
    | _TAIL,
    "quarantine": {
        "org_id": pa.string(),
        "source": pa.string(),
        "account_id": pa.string(),
        "stream": pa.string(),
        "table_name": pa.string(),
        "rule": pa.string(),
        "request_id": pa.string(),
        "date": pa.date32(),
        "record": pa.string(),
        "fetched_at": INSTANT,
        "log_seq": pa.int64(),
        "position": pa.int64(),
    },
    "coverage": {
        "org_id": pa.string(),
        "source": pa.string(),
        "account_id": pa.string(),
        "stream": pa.string(),
        "day": pa.date32(),
        "finality": pa.string(),
        "request_id": pa.string(),
        "fetched_at": INSTANT,
        "can_miss_days": pa.bool_(),
    },
    "orgs": {
        "org_id": pa.string(),
        "name": pa.string(),
        "currency": pa.string(),
        "timezone": pa.string(),
        "today": pa.date32(),
    },
}
_ARROW = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DATE": pa.date32(),
    "TIMESTAMPTZ": INSTANT, "BOOLEAN": pa.bool_(), "DOUBLE": pa.float64(),
}  # fmt: skip
for _name, _spec in TABLES.items():
    if _spec.namespace == "silver" and _name not in SCHEMAS:
        SCHEMAS[_name] = {column: _arrow_type(kind) for column, kind in _spec.columns}

_META = {"org_id": "acme", "source": "meta", "account_id": "act_1", "stream": "campaign_insights"}
_SHEET = {"org_id": "acme", "source": "sheets", "account_id": "sheet_1"}
_SHOP = {"org_id": "acme", "source": "shopify", "account_id": "acme.myshopify.com"}
_FETCH = {"finality": "final", "fetched_at": FETCHED, "request_id": "r1", "quality_score": 100}


def day(offset: int) -> dt.date:
    """Return the day so many days after the last closed one."""
    return TODAY + dt.timedelta(days=offset)


def ad(**changes: object) -> Row:
    """Return a good row of ad_performance."""
    row = {
        **_META,
        **_FETCH,
        "date": TODAY,
        "campaign_id": "c1",
        "campaign_name": "Spring",
        "channel": "social",
        "impressions": 1_000,
        "clicks": 20,
        "spend": "10.00",
        "currency": "EUR",
        "conversions": "1",
        "conversion_value": "30.00",
        "video_views": 0,
        "timezone": "UTC",
        **changes,
    }
    return {"entity_id": row["campaign_id"], **row}


def total(**changes: object) -> Row:
    """Return a good row of ad_account_totals: what the account of `ad` says itself."""
    row = {
        **_META,
        "stream": "account_insights",
        **_FETCH,
        "date": TODAY,
        "currency": "EUR",
        "impressions": 1_000,
        "clicks": 20,
        "spend": "10.00",
        "conversions": "1",
        "conversion_value": "30.00",
        "timezone": "UTC",
        **changes,
    }
    return {"entity_id": row["account_id"], **row}


def transaction(**changes: object) -> Row:
    """Return a good row of transactions: a charge of 120.50, fee 2.01."""
    row = {
        "org_id": "acme",
        "source": "stripe",
        "account_id": "main",
        "stream": "balance_transactions",
        **_FETCH,
        "date": TODAY,
        "txn_id": "txn_1",
        "type": "charge",
        "reporting_category": "charge",
        "status": "available",
        "amount_minor": 12_050,
        "fee_minor": 201,
        "net_minor": 11_849,
        "amount": "120.500",
        "fee": "2.010",
        "net": "118.490",
        "currency": "GBP",
        **changes,
    }
    return {"entity_id": row["txn_id"], **row}


def booking(**changes: object) -> Row:
    """Return a good row of bookings: campaign c1 on meta, ten days either side of today."""
    row = {
        **_SHEET,
        "stream": "bookings",
        **_FETCH,
        "booking_id": "BK-1",
        "client": "Client",
        "campaign": "Spring",
        "campaign_id": "c1",
        "platform": "meta",
        "channel": "social",
        "flight_start": day(-10),
        "flight_end": day(10),
        "booked_impressions": 250_000,
        "booking_revenue": "5000.00",
        "currency": "EUR",
        "status": "confirmed",
        "sheet_row": 2,
        **changes,
    }
    return {"entity_id": row["booking_id"], "date": row["flight_start"], **row}


def deal(**changes: object) -> Row:
    """Return a good row of crm_deals."""
    row = {
        **_SHEET,
        "stream": "crm_deals",
        **_FETCH,
        "deal_id": "D-1",
        "company": "Client",
        "deal_stage": "won",
        "amount": "5000.00",
        "currency": "EUR",
        "created_on": day(-30),
        "expected_close": day(30),
        **changes,
    }
    return {"entity_id": row["deal_id"], "date": row["created_on"], **row}


def order(**changes: object) -> Row:
    """Return a good row of orders: 120.50 euros, paid through Stripe, a week old."""
    row = {
        **_SHOP,
        "stream": "orders",
        **_FETCH,
        "date": day(-7),
        "order_id": "5001",
        "order_name": "#1001",
        "financial_status": "paid",
        "is_test": False,
        "gateways": "stripe",
        "total": "120.50",
        "refunded": "0.00",
        "currency": "EUR",
        **changes,
    }
    return {"entity_id": row["order_id"], **row}


def refund(**changes: object) -> Row:
    """Return a good row of order_refunds: 20 euros of the order."""
    row = {
        **_SHOP,
        "stream": "refunds",
        **_FETCH,
        "date": day(-5),
        "refund_id": "9",
        "order_id": "5001",
        "amount": "20.00",
        "currency": "EUR",
        **changes,
    }
    return {"entity_id": row["refund_id"], **row}


def traffic(**changes: object) -> Row:
    """Return a good row of web_traffic."""
    row = {
        "org_id": "acme",
        "source": "ga4",
        "account_id": "properties/1",
        "stream": "traffic",
        **_FETCH,
        "date": TODAY,
        "entity_id": "Direct",
        "sessions": 500,
        "engaged_sessions": 300,
        "purchase_revenue": "50.00",
        "total_revenue": "50.00",
        "currency": "EUR",
    }
    return row | changes


def search(**changes: object) -> Row:
    """Return a good row of search_performance: the whole site on a day."""
    row = {
        "org_id": "acme",
        "source": "gsc",
        "account_id": "sc-domain:acme.example",
        "stream": "site_totals",
        **_FETCH,
        "date": TODAY,
        "search_type": "web",
        "report": "site",
        "clicks": 50,
        "impressions": 900,
        "is_final": True,
        **changes,
    }
    return {"entity_id": f"{row['report']}|{row.get('query')}", **row}


def mail(**changes: object) -> Row:
    """Return a good row of email_performance."""
    row = {
        "org_id": "acme",
        "source": "klaviyo",
        "account_id": "main",
        "stream": "campaign_values",
        **_FETCH,
        "date": TODAY,
        "entity_id": "M1",
        "kind": "campaign",
        "recipients": 1000,
        "delivered": 990,
        "opens_unique": 400,
        "conversion_value": "10.00",
        "currency": "EUR",
    }
    return row | changes


def org(**changes: object) -> Row:
    """Return a row of orgs, on the day after the last closed one."""
    row = {"org_id": "acme", "name": "Acme", "currency": "EUR", "timezone": "UTC", "today": day(1)}
    return row | changes


def refused(count: int = 1, **changes: object) -> list[Row]:
    """Return rows of quarantine, by default of the current fetch of the ads."""
    row = {**_META, "table_name": "ad_performance", "rule": "spend_not_a_number"}
    row |= {"request_id": "r1", "date": TODAY, "record": "{}", "fetched_at": FETCHED, **changes}
    return [row | {"position": position} for position in range(count)]


def covered(*offsets: int, **changes: object) -> list[Row]:
    """Return rows of coverage for days relative to today."""
    row = {**_META, "finality": "final", "request_id": "r1", "fetched_at": FETCHED, **changes}
    row.setdefault("can_miss_days", row["stream"] not in {"bookings", "crm_deals"})
    return [row | {"day": day(offset)} for offset in offsets]


def arrow(name: str, rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table of the view's types; what a row leaves out is NULL."""
    schema = SCHEMAS[name]
    unknown = {key for row in rows for key in row} - schema.keys()
    assert not unknown, (name, unknown)
    columns = {
        key: pa.array([_value(row.get(key), kind) for row in rows], kind)
        for key, kind in schema.items()
    }
    return pa.table(columns)


def _value(value: object, kind: pa.DataType) -> object:
    return Decimal(str(value)) if pa.types.is_decimal(kind) and value is not None else value


@dataclass
class Bench:
    """A connection with the views; `run` fills them and runs the checks."""

    connection: Connection

    def run(self, settings: GuardSettings | None = None, **views: list[Row]) -> GuardReport:
        """Return the report over these rows; views that are not named are empty."""
        for name in SCHEMAS:
            self.connection.register(name, arrow(name, views.get(name, [])))
        return run_checks(self.connection, settings or GuardSettings())

    def find(self, check: str, **views: list[Row]) -> Finding | None:
        """Return what one check finds in these rows of one org."""
        others = tuple(other.name for other in load_checks() if other.name != check)
        report = self.run(GuardSettings(disabled=others), **views)
        assert report.checks_run == 1
        found = report.findings
        assert len(found) <= 1, found
        return found[0] if found else None
