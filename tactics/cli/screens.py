"""The margin and channels tables, and the words about how old the data is.

Computes no metric; gold has.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tactics.cli.excerpt import Facts, excerpt
from tactics.cli.pacing import fresh_text, status_text
from tactics.cli.render import Column, as_table
from tactics.cli.words import MILLION, Number, count, money, percent, visible

NEVER = 10**6  # days: older than anything that was read


def margin_screen(rows: Sequence[Facts], *, whole: bool = False) -> RenderableType:
    """Return one block per organisation: what each line earns so far and at its end."""
    return _by_org("Margin", rows, MARGIN_COLUMNS, whole=whole)


def channels_screen(rows: Sequence[Facts]) -> RenderableType:
    """Return one block per organisation: the last 28 closed days by channel and source."""
    return _by_org("Channels", rows, CHANNEL_COLUMNS, whole=True)


def stale_sources(freshness: Sequence[Facts]) -> list[str]:
    """Return what is behind, worded `acme/meta is 3 days behind`; one entry per source.

    A snapshot (a sheet) has no closed day of its own: it counts only when it was never read.
    """
    behind: dict[str, tuple[int, str]] = {}
    for row in freshness:
        name = f"{row['org_id']}/{row['source']}"
        if row["newest_day"] is None:
            behind[name] = (NEVER, f"{name} has no data")
        elif row["age_days"] is not None and row["age_days"] > 0:
            found = (row["age_days"], f"{name} is {row['freshness']}")
            behind[name] = max(behind.get(name, found), found)
    return [text for _, text in behind.values()]


def _by_org(
    title: str, rows: Sequence[Facts], columns: Sequence[Column], *, whole: bool
) -> RenderableType:
    blocks: list[RenderableType] = []
    for org_id in dict.fromkeys(row["org_id"] for row in rows):
        lines = [row for row in rows if row["org_id"] == org_id]
        blocks.extend([Text()] if blocks else [])
        blocks.append(Text(f"{title} of {visible(org_id)}", "bold"))
        shown, left = excerpt(lines, whole=whole)
        blocks.extend((as_table(map(_named, shown), columns, gap=1), *left))
    return Group(*blocks)


def _named(row: Facts) -> dict[str, object]:
    name = row.get("campaign_name") or row.get("campaign_id") or row.get("booking_id")
    return {**row, "name": name}


def _rate(value: Number | None) -> str:
    return percent(None if value is None else value * 100, 2)


def _short(value: Number | None) -> str:
    return count(value, longest=MILLION)


MARGIN_COLUMNS = (
    Column("name", "Line", shrink="cut"),
    Column("status", "Status", status_text),
    Column("booking_revenue", "Revenue", count, right=True),
    Column("actual_spend", "Spend", count, right=True),
    Column("currency", "Cur"),
    Column("margin_percent", "Margin", percent, right=True),
    Column("projected_margin_percent", "At end", percent, right=True),
    Column("margin_at_risk", "At risk", count, right=True),
    Column("freshness", "Fresh", fresh_text),
)
CHANNEL_COLUMNS = (
    Column("channel", "Channel", shrink="cut"),
    Column("source", "Source"),
    Column("impressions", "Impr.", _short, right=True),
    Column("clicks", "Clicks", _short, right=True),
    Column("spend", "Spend", count, right=True),
    Column("currency", "Cur"),
    Column("ctr", "CTR", _rate, right=True),
    Column("cpm", "CPM", money, right=True),
    Column("cpa", "CPA", money, right=True),
    Column("roas", "ROAS", money, right=True),
)
