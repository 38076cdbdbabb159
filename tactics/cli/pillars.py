"""The tables of traffic, search, mail and money: 80 columns, one block per organisation.

Computes no metric; gold has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tactics.cli.pacing import fresh_text
from tactics.cli.render import Column, as_table
from tactics.cli.words import NOTHING, Number, count, money, percent, visible

Facts = Mapping[str, Any]
MAX_ORDERS = 12
MAX_NOTES = 4
LINES = {
    "gross_sales": "gross sales",
    "net_sales": "net sales",
    "other_sales": "other sales",
    "total_sales": "total sales",
    "refunds_added_back": "refunds added back",
    "unpaid": "not paid",
    "paid_elsewhere": "paid elsewhere",
    "settled_elsewhere": "settled elsewhere",
    "expected_charges": "expected charges",
    "foreign_orders": "in another currency",
    "stripe_refunds": "refunds at Stripe",
    "stripe_net": "net at Stripe",
}


def revenue_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation and currency: each day from gross to net."""
    return _blocks("Revenue", rows, REVENUE, by=("org_id", "currency"))


def web_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per property: its visits by channel, and what makes them doubtful."""
    return _blocks("Traffic", rows, WEB, by=("org_id", "account_id"), notes=("quality", "warnings"))


def seo_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation: each property against the four weeks before, and its ills."""
    return _blocks("Search", rows, SEO, notes=("notes",))


def email_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation: campaigns and flows by day of sending."""
    return _blocks("Mail", rows, EMAIL)


def blended_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation: spend against what the business took in."""
    return _blocks("Business", rows, BLENDED, by=("org_id", "currency"), notes=("findings",))


def reconciliation_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation and currency: the bridge, and the orders of its residual."""
    blocks: list[RenderableType] = []
    for org_id, currency in dict.fromkeys((row["org_id"], row["currency"]) for row in rows):
        mine = [row for row in rows if (row["org_id"], row["currency"]) == (org_id, currency)]
        bridge = [row for row in mine if row["section"] == "bridge"]
        orders = [row for row in mine if row["section"] == "order"]
        blocks.extend([Text()] if blocks else [])
        blocks.append(_heading("Shop to bank", (org_id, currency), mine))
        blocks.append(as_table(map(_bridge_line, bridge), BRIDGE, gap=1))
        if orders:
            blocks.append(Text("Behind the residual", "bold"))
            blocks.append(as_table(orders[:MAX_ORDERS], RESIDUAL, gap=1))
        if len(orders) > MAX_ORDERS:
            blocks.append(Text(f"and {len(orders) - MAX_ORDERS} more: see --csv", "dim"))
    return Group(*blocks)


def _blocks(
    title: str,
    rows: Sequence[Facts],
    columns: Sequence[Column],
    *,
    by: tuple[str, ...] = ("org_id",),
    notes: tuple[str, ...] = (),
) -> RenderableType:
    blocks: list[RenderableType] = []
    for names in dict.fromkeys(tuple(row[name] for name in by) for row in rows):
        mine = [row for row in rows if tuple(row[name] for name in by) == names]
        blocks.extend([Text()] if blocks else [])
        blocks.append(_heading(title, names, mine))
        blocks.append(as_table(mine, columns, gap=1))
        told = (str(row[note]) for note in notes for row in mine if row.get(note))
        found = dict.fromkeys(part for text in told for part in text.split(" | "))
        blocks.extend(Text(visible(text)) for text in list(found)[:MAX_NOTES])
        if len(found) > MAX_NOTES:
            blocks.append(Text(f"and {len(found) - MAX_NOTES} more notes: see --json", "dim"))
    return Group(*blocks)


def _heading(title: str, names: tuple[object, ...], rows: Sequence[Facts]) -> Text:
    told = "/".join(visible(str(name)) for name in names if name)
    days = [day for row in rows if (day := row.get("last_day") or row.get("date"))]
    return Text(f"{title} of {told}" + (f" to {max(days)}" if days else ""), "bold")


def _bridge_line(row: Facts) -> dict[str, object]:
    word = LINES.get(row["line"], str(row["line"]))
    return {**row, "told": Text(f"= {word}", "bold") if row["is_total"] else Text(f"  {word}")}


def _share(value: Number | None) -> str:
    return percent(None if value is None else value * 100, 1)


def _change(value: Number | None) -> str:
    return NOTHING if value is None else f"{value:+.0f}%"


def _moved(value: Number | None) -> str:
    return NOTHING if value is None else f"{value:+.1f}"


def _position(value: Number | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def _reason(value: str | None) -> str:
    return NOTHING if value is None else value.replace("_", " ")


REVENUE = (
    Column("date", "Day"),
    Column("gross_sales", "Gross", count, right=True),
    Column("discounts", "Disc.", count, right=True),
    Column("refunds", "Refunds", count, right=True),
    Column("total_sales", "Total", count, right=True),
    Column("charges", "Charged", count, right=True),
    Column("fees", "Fees", count, right=True),
    Column("stripe_net", "Net", count, right=True),
    Column("residual", "Residual", money, right=True),
)
WEB = (
    Column("channel", "Channel", shrink="cut"),
    Column("sessions", "Sessions", count, right=True),
    Column("session_percent", "Share", percent, right=True),
    Column("engagement_rate", "Engaged", _share, right=True),
    Column("key_events", "Key ev.", count, right=True),
    Column("purchases", "Orders", count, right=True),
    Column("purchase_revenue", "Revenue", count, right=True),
    Column("currency", "Cur"),
    Column("freshness", "Fresh", fresh_text),
)
SEO = (
    Column("account_id", "Property", shrink="cut"),
    Column("search_type", "Type"),
    Column("clicks", "Clicks", count, right=True),
    Column("clicks_change_percent", "Change", _change, right=True),
    Column("impressions", "Impr.", count, right=True),
    Column("search_ctr", "CTR", _share, right=True),
    Column("search_position", "Pos.", _position, right=True),
    Column("position_change", "Moved", _moved, right=True),
    Column("anonymised_share", "Hidden", _share, right=True),
    Column("freshness", "Fresh", fresh_text),
)
EMAIL = (
    Column("kind", "Kind"),
    Column("messages", "Sends", count, right=True),
    Column("delivered", "Delivered", count, right=True),
    Column("open_rate", "Opens", _share, right=True),
    Column("click_rate", "Clicks", _share, right=True),
    Column("unsubscribe_rate", "Unsub.", _share, right=True),
    Column("conversions", "Orders", count, right=True),
    Column("conversion_value", "Value", count, right=True),
    Column("currency", "Cur"),
    Column("subscribers", "Lists", count, right=True),
    Column("freshness", "Fresh", fresh_text),
)
BLENDED = (
    Column("period", "Period"),
    Column("last_day", "Until"),
    Column("spend", "Spend", count, right=True),
    Column("store_revenue", "Revenue", count, right=True),
    Column("orders", "Orders", count, right=True),
    Column("new_customers", "New", count, right=True),
    Column("mer", "MER", money, right=True),
    Column("amer", "aMER", money, right=True),
    Column("cac", "CAC", money, right=True),
    Column("over_claim", "Claim", money, right=True),
)
BRIDGE = (
    Column("told", "", lambda value: value),
    Column("amount", "Amount", money, right=True),
    Column("percent", "Of charges", percent, right=True),
)
RESIDUAL = (
    Column("date", "Day"),
    Column("line", "Why", _reason, shrink="cut"),
    Column("order_name", "Order"),
    Column("expected", "Expected", money, right=True),
    Column("charged", "Charged", money, right=True),
    Column("amount", "Off by", money, right=True),
)
