"""A shop with ads, visitors, mails and a payment processor: what the tests of the other pillars plant."""

import datetime as dt
from decimal import Decimal
from typing import Any

from tactics.gold import OrgFacts, StreamFacts
from tests.unit.gold.silver import NOW, Silver, day, span

META = StreamFacts("meta", "meta", "insights", "ad_performance", final_after_days=28)
SHOP = StreamFacts("shopify", "shopify", "orders", "orders", final_after_days=1)
REFUNDS = StreamFacts("shopify", "shopify", "refunds", "order_refunds", final_after_days=1)
STRIPE = StreamFacts("stripe", "stripe", "transactions", "transactions", final_after_days=35)
WEB = StreamFacts("ga4", "ga4", "traffic", "web_traffic", final_after_days=3)
SEARCH = StreamFacts("gsc", "gsc", "site_totals", "search_performance", final_after_days=3)
SITEMAPS = StreamFacts("gsc", "gsc", "sitemaps", "sitemaps", snapshot=True)
INSPECTIONS = StreamFacts("gsc", "gsc", "url_inspections", "url_inspections", snapshot=True)
MAIL = StreamFacts("klaviyo", "klaviyo", "campaign_values", "email_performance", final_after_days=5)
STREAMS = (META, SHOP, REFUNDS, STRIPE, WEB, SEARCH, MAIL)
ACCOUNTS = {"meta": "act_1", "shopify": "demo", "stripe": "main", "ga4": "properties/1"}
ACCOUNTS |= {"gsc": "sc-domain:acme.example", "klaviyo": "mail"}


def at(on: str) -> dt.datetime:
    """Return noon of a day of 2026."""
    return dt.datetime.combine(day(on), dt.time(12), dt.UTC)


_ROWS: dict[str, dict[str, Any]] = {
    "web_traffic": {
        "source": "ga4",
        "channel_group": "Organic Search",
        "traffic_source": "google",
        "medium": "organic",
        "campaign": "(organic)",
        "sessions": 100,
        "engaged_sessions": 60,
        "users": 80,
        "new_users": 40,
        "page_views": 250,
        "key_events": "2.5",
        "purchases": 2,
        "purchase_revenue": "50.00",
        "total_revenue": "60.00",
        "currency": "EUR",
        "timezone": "Europe/Vienna",
        "is_sampled": False,
        "is_thresholded": False,
        "has_other_row": False,
    },
    "search_performance": {
        "source": "gsc",
        "search_type": "web",
        "report": "site",
        "clicks": 100,
        "impressions": 1000,
        "position_weight": "5000",
        "is_final": True,
        "is_truncated": False,
    },
    "sitemaps": {
        "source": "gsc",
        "path": "https://acme.example/sitemap.xml",
        "type": "sitemap",
        "is_pending": False,
        "is_index": False,
        "errors": 0,
        "warnings": 0,
        "submitted_urls": 10,
        "last_submitted": at("05-05"),
        "last_downloaded": at("11-18"),
    },
    "url_inspections": {
        "source": "gsc",
        "page_url": "https://acme.example/",
        "verdict": "PASS",
        "coverage_state": "Submitted and indexed",
        "google_canonical": "https://acme.example/",
        "user_canonical": "https://acme.example/",
        "last_crawl": at("11-18"),
    },
    "orders": {
        "source": "shopify",
        "is_first_order": False,
        "financial_status": "PAID",
        "is_test": False,
        "gateways": "stripe",
        "gross": "100.00",
        "discounts": "0",
        "tax": "0",
        "shipping": "0",
        "total": "100.00",
        "refunded": "0",
        "net_payment": "100.00",
        "currency": "EUR",
        "units": 1,
    },
    "order_refunds": {"source": "shopify", "amount": "10.00", "currency": "EUR"},
    "email_performance": {
        "source": "klaviyo",
        "kind": "campaign",
        "message_id": "m1",
        "send_channel": "email",
        "as_of": day("11-20"),
        "recipients": 1020,
        "delivered": 1000,
        "opens_unique": 400,
        "clicks_unique": 50,
        "bounced": 20,
        "unsubscribes": 3,
        "spam_complaints": 1,
        "conversions": 9,
        "conversion_value": "812.40",
        "currency": "EUR",
        "log_seq": 1,
    },
    "email_subscribers": {
        "source": "klaviyo",
        "list_id": "l1",
        "kind": "list",
        "profile_count": 500,
    },
    "email_revenue": {
        "source": "klaviyo",
        "kind": "campaign",
        "message_id": "m1",
        "orders": 2,
        "revenue": "120.00",
        "currency": "EUR",
    },
}


class Pillars(Silver):
    """Silver of an organisation that has everything; each method plants one row."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.orgs = (org_of(),)

    def plant(self, table: str, on: str, **facts: Any) -> None:
        """Plant a row of any of the tables, by default of acme, final, in the usual account."""
        row = {"org_id": "acme", "finality": "final", "date": day(on), **_ROWS[table], **facts}
        row.setdefault("account_id", ACCOUNTS.get(row["source"], "account"))
        row.setdefault("entity_id", f"e{len(self.rows[table])}")
        self.rows[table].append(row)

    def order(self, name: str, on: str, total: str = "100.00", **facts: Any) -> None:
        """Plant an order that consists of goods only; its id is its number with a 9 in front."""
        money = {"gross": total, "total": total, "net_payment": total}
        named = {"order_name": name, "order_id": "9" + name.lstrip("#")}
        self.plant("orders", on, **{**named, **money, **facts})

    def charge(self, order_ref: str | None, on: str, cents: int = 10_000, **facts: Any) -> None:
        """Plant a charge without a fee."""
        self.transact("charge", cents, **{"order_ref": order_ref, "date": day(on), **facts})

    def load(self, start: str, end: str, *streams: StreamFacts, finality: str = "final") -> None:
        """Cover the days of these streams (all), each in its usual account."""
        for stream in streams or STREAMS:
            for covered in span(day(start), day(end)):
                key = ("acme", stream.source, ACCOUNTS[stream.source], stream.stream, covered)
                self.coverage[key] = (finality, NOW)

    def one(self, sql: str) -> dict[str, Any]:
        """Return the only row of a query."""
        (row,) = self.read(sql)
        return row

    def day_of(self, table: str, on: str) -> dict[str, Any]:
        """Return the only row of a day."""
        return self.one(f"SELECT * FROM {table} WHERE date = DATE '{day(on)}'")


def org_of(*streams: StreamFacts, currency: str = "EUR") -> OrgFacts:
    """Return acme with these streams (all)."""
    return OrgFacts("acme", "Acme", currency, "Europe/Vienna", streams or STREAMS)


def rates(*rows: tuple[str, str, str]) -> list[tuple[dt.date, str, Any]]:
    """Return exchange rates: (month-day, currency, what a euro costs)."""
    return [(day(on), currency, Decimal(rate)) for on, currency, rate in rows]
