"""The screens of traffic, search, mail and money at 80 columns."""

import datetime as dt
from decimal import Decimal

import pytest

from tactics.cli import pillars
from tests.unit.cli.test_pacing import drawn

DAY = dt.date(2026, 11, 20)
BIG = 1_234_567
DAY_OF_SALES = {
    "org_id": "acme", "currency": "EUR", "date": DAY, "gross_sales": BIG, "discounts": -12_345,
    "refunds": -23_456, "total_sales": BIG, "charges": BIG, "fees": -12_345, "stripe_net": BIG,
    "residual": Decimal("-120.50"),
}  # fmt: skip
VISITS = {
    "org_id": "acme", "account_id": "properties/1", "channel": "Organic Search", "sessions": BIG,
    "session_percent": 41.5, "engagement_rate": 0.613, "key_events": 12_345.5, "purchases": 4_321,
    "purchase_revenue": BIG, "currency": "EUR", "last_day": DAY, "freshness": "current",
    "quality": "sampled", "warnings": None,
}  # fmt: skip
PROPERTY = {
    "org_id": "acme", "account_id": "sc-domain:a-very-long-name.example", "search_type": "web",
    "clicks": 123_456, "clicks_change_percent": -12.4, "impressions": BIG, "search_ctr": 0.0312,
    "search_position": 12.34, "position_change": 0.4, "anonymised_share": 0.471, "last_day": DAY,
    "freshness": "current", "notes": None,
}  # fmt: skip
ILL = PROPERTY | {"notes": "sitemap https://a.example/s.xml: 3 errors"}
NOBODY = dict.fromkeys(PROPERTY) | {
    "org_id": "acme", "account_id": "sc-domain:acme.example", "freshness": "no data",
    "notes": "page https://acme.example/: not indexed",
}  # fmt: skip
SENDS = {
    "org_id": "acme", "kind": "campaign", "messages": 12, "delivered": 123_456, "open_rate": 0.412,
    "click_rate": 0.031, "unsubscribe_rate": 0.002, "conversions": 321, "conversion_value": 45_678,
    "currency": "EUR", "subscribers": 98_765, "last_day": DAY, "freshness": "current",
}  # fmt: skip
WEEKS = {
    "org_id": "acme", "currency": "EUR", "period": "28 days before", "last_day": DAY, "spend": 123_456,
    "store_revenue": 987_654, "orders": 4_321, "new_customers": 1_234, "mer": 8.0, "amer": 3.21,
    "cac": 100.05, "over_claim": 1.31, "findings": "no revenue is known for 1 day",
}  # fmt: skip
BRIDGE = {
    "org_id": "acme", "currency": "EUR", "section": "bridge", "line": "net_sales", "is_total": True,
    "amount": Decimal("1234567.89"), "percent": 102.5, "last_day": DAY,
}  # fmt: skip
OFF = BRIDGE | {
    "section": "order", "line": "charge_without_order", "date": DAY, "order_name": "#1042",
    "expected": None, "charged": Decimal("120.50"), "amount": Decimal("120.50"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("screen", "row", "words"),
    [
        (pillars.revenue_screen, DAY_OF_SALES, ["Revenue of acme/EUR to 2026-11-20", "-120.50"]),
        (pillars.web_screen, VISITS, ["Traffic of acme/properties/1", "61.3%", "sampled"]),
        (pillars.seo_screen, PROPERTY, ["Search of acme", "-12%", "12.3", "+0.4", "47.1%"]),
        (pillars.seo_screen, ILL, ["sitemap https://a.example/s.xml: 3 errors"]),
        (pillars.seo_screen, NOBODY, ["sc-domain:acme", "page https://acme.example/: not indexed"]),
        (pillars.email_screen, SENDS, ["Mail of acme", "campaign", "41.2%", "98,765"]),
        (pillars.blended_screen, WEEKS, ["Business of acme/EUR", "8.00", "1.31", "no revenue"]),
        (pillars.reconciliation_screen, BRIDGE, ["Shop to bank of acme/EUR", "= net sales"]),
    ],
)
def test_a_screen_fits_80_columns(screen, row, words):
    """Large numbers keep to one line of 80 columns, and the words are there."""
    text = drawn(screen([row]))
    assert max(map(len, text.splitlines())) <= 80
    assert [word for word in words if word not in text] == []
    table = [line for line in text.splitlines() if line.strip()]
    assert len(table) <= 4


def test_the_orders_behind_the_residual_are_listed():
    """The largest dozen, and where the others are."""
    text = drawn(pillars.reconciliation_screen([BRIDGE, *[OFF] * 14]))
    assert text.count("charge without order") == 12
    assert "and 2 more: see --csv" in text
    assert "#1042" in text


def test_a_note_of_many_rows_is_told_once():
    """What several periods lack is one line, however it is combined with other notes."""
    rows = [WEEKS | {"findings": text} for text in ("no GBP | no JPY", "no JPY", "no GBP")]
    text = drawn(pillars.blended_screen(rows))
    assert (text.count("no GBP"), text.count("no JPY"), text.count("|")) == (1, 1, 0)


def test_two_currencies_are_two_blocks():
    """Euros and dollars never share a table."""
    text = drawn(pillars.revenue_screen([DAY_OF_SALES, DAY_OF_SALES | {"currency": "USD"}]))
    assert text.count("Residual") == 2


@pytest.mark.parametrize("name", ["revenue", "web", "seo", "email", "blended", "reconciliation"])
def test_what_is_unknown_is_a_dash(name):
    """NULL is neither zero nor an error."""
    rows = {
        "revenue": DAY_OF_SALES, "web": VISITS, "seo": PROPERTY, "email": SENDS, "blended": WEEKS,
        "reconciliation": BRIDGE,
    }  # fmt: skip
    kept = {"org_id", "currency", "account_id", "section", "line", "is_total", "date", "period"}
    row = {key: value if key in kept else None for key, value in rows[name].items()}
    assert " - " in drawn(getattr(pillars, f"{name}_screen")([row])) + " "


def test_a_channel_is_explained(tactics):
    """The channel, the rule, the version, and what makes the answer doubtful."""
    told = tactics("channel", "--source", "linkedin", "--medium", "social")
    assert told.out.startswith("Organic Social (rule social_medium, taxonomy ")
    assert "paid_social" in told.err
    assert tactics("channel", "--ad", "performance_max").out.startswith("Cross-network")
