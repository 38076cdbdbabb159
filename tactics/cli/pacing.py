"""The pacing screen: 80 columns, one line per booking, the most urgent first.

What a line's status is, and which is more urgent, was decided in gold; this only words it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from tactics.cli.excerpt import Facts, excerpt
from tactics.cli.render import Column, Level, as_table, verdict
from tactics.cli.words import NOTHING, Number, count, flight, percent, plural, visible

MAX_NOTES = 8
UNITS = {"clicks": " clk", "views": " vw", "conversions": " cnv"}  # impressions say nothing


class Status(NamedTuple):
    """How a status of gold is shown: its word, and how loud."""

    word: str
    level: Level


STATUSES = {
    "broken": Status("broken", "bad"),
    "critical": Status("critical", "bad"),
    "warn": Status("warn", "notice"),
    "under_delivered": Status("ended low", "bad"),
    "watch": Status("watch", "notice"),
    "over_delivered": Status("ended high", "notice"),
    "unbooked": Status("unbooked", "notice"),
    "no_data": Status("no data", "notice"),
    "on_pace": Status("on pace", "good"),
    "hiatus": Status("hiatus", "quiet"),
    "too_early": Status("too early", "quiet"),
    "starting": Status("starting", "quiet"),
    "scheduled": Status("scheduled", "quiet"),
    "delivered": Status("delivered", "good"),
}


def pacing_screen(rows: Sequence[Facts], *, whole: bool = False) -> RenderableType:
    """Return one block per organisation: heading, lines, and what was found about the worst."""
    blocks: list[RenderableType] = []
    for org_id in dict.fromkeys(row["org_id"] for row in rows):
        lines = [row for row in rows if row["org_id"] == org_id]
        if blocks:
            blocks.append(Text())
        shown, left = excerpt(lines, whole=whole)
        blocks.extend((
            _heading(org_id, lines),
            as_table(map(_shown, shown), COLUMNS, gap=1),
            *left,
        ))
        blocks.extend(_notes(lines))
    return Group(*blocks)


def status_text(value: str | None) -> Text:
    """Return the status as a word in its colour; an unknown one is shown as it is."""
    status = STATUSES.get(value or "", Status(value or NOTHING, "notice"))
    return verdict(status.word, status.level)


def fresh_text(value: str | None) -> Text:
    """Return gold's `current`, `complete`, `3 days behind` or `no data` in five columns."""
    if value in {"current", "complete"}:
        return verdict("yes" if value == "current" else "done", "good")
    days = re.match(r"\d+", value or "")
    return verdict(f"-{days[0]} d" if days else "none", "notice")


def _heading(org_id: str, lines: Sequence[Facts]) -> Text:
    numbers = Counter(str(status_text(row["status"])) for row in lines)
    told = ", ".join(f"{number} {word}" for word, number in numbers.items())
    last = max((row["as_of"] for row in lines if row["as_of"]), default=None)
    until = f" to {last}" if last else ""
    return Text.assemble(
        (f"Pacing of {visible(org_id)}{until}", "bold"), f"\n{plural(len(lines), 'line')}: {told}"
    )


def _shown(row: Facts) -> dict[str, object]:
    return {
        **row,
        "name": row["campaign_name"] or row["campaign_id"] or row.get("booking_id"),
        "flight": flight(row["flight_start"], row["flight_end"]),
        "need": _needed(row),
    }


def _notes(lines: Sequence[Facts]) -> Iterator[Text]:
    """Yield what gold found about the lines, the most urgent first."""
    noted = [row for row in lines if row.get("findings")]
    for row in noted[:MAX_NOTES]:
        name = visible(str(_shown(row)["name"]))
        yield Text.assemble((f"{name}: ", "bold"), visible(row["findings"]))
    if len(noted) > MAX_NOTES:
        yield Text(f"and notes on {len(noted) - MAX_NOTES} more: see --json", "dim")


def _whole_percent(value: Number | None) -> str:
    return percent(value, 0)


def _needed(row: Facts) -> str:
    """Return what a day must bring, in the units that the line is paced by."""
    value = row["goal_required_daily"]
    if value is None:
        return NOTHING
    unit = f" {row['currency']}" if row["goal"] == "spend" else UNITS.get(row["goal"], "")
    return count(math.ceil(value)) + unit


COLUMNS = (
    Column("name", "Line", shrink="cut"),
    Column("flight", "Flight"),
    Column("elapsed_percent", "Time", _whole_percent, right=True),
    Column("delivery_percent", "Dlvd", _whole_percent, right=True),
    Column("pacing_rate", "Pace", percent, right=True),
    Column("status", "Status", status_text),
    Column("need", "Need/day", right=True),
    Column("margin_percent", "Margin", percent, right=True),
    Column("freshness", "Fresh", fresh_text),
)
