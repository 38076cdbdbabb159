"""`tactics gaps`: the coverage ledger as a calendar, and the command that fills a hole.

Which days are missing was decided in the pipeline; this draws it.
"""

import calendar
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, Orgs, Sources, new_command

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.cli.session import Session
    from tactics.pipeline import Gap, StreamDays

app = new_command()

MARKS = {"final": "#", "provisional": "+", "open": "o"}
MISSING, OUTSIDE = ".", " "
LEGEND = "# final   + may be restated   o still running   . missing"
WORDS = {
    "hole": "missing between days that are held",
    "behind": "not fetched yet",
    "history": "older days still to come",
    "missed": "not read on that day, and cannot be read any more",
}


@app.command()
def gaps(
    context: typer.Context,
    *,
    orgs: Orgs = None,
    sources: Sources = None,
    every: Annotated[
        bool, typer.Option("--all", help="draw also the streams that miss nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """See which days are held and which are missing.

    One line a month, one mark a day, and the command that fetches what can still be fetched.
    """
    from tactics.cli.render import emit, envelope, say, write_json
    from tactics.pipeline import Scope, list_days

    session: Session = context.obj
    now = session.clock().now()
    scope = Scope(orgs=tuple(orgs or ()), sources=tuple(sources or ()))
    with session.store() as store:
        streams = list_days(session.settings(), store, session.clock(), scope)
    if as_json:
        write_json(envelope("gaps", [as_row(one) for one in streams], now))
        return
    shown = [one for one in streams if every or one.gaps]
    for one in shown:
        emit(*draw(one))
    if shown:
        emit(LEGEND)
    else:
        say("", "no day is missing" if streams else "no stream is configured")
    commands = dict.fromkeys(command_for(one) for one in streams if one.fillable)
    for command in commands:
        say("next: ", command, style="cyan")


def draw(one: "StreamDays") -> "Iterator[Text]":
    """Yield one stream: its name, a line of marks a month, and what is missing."""
    from rich.text import Text

    from tactics.cli.words import visible

    key = one.key
    yield Text(visible(f"{key.org_id}/{key.source}/{key.account_id} {key.stream}"), style="bold")
    for month in _months(one):
        yield Text(f"  {month:%Y-%m}  {_marks(one, month)}")
    for gap in one.gaps:
        yield Text(f"  {_span(gap)}: {WORDS[gap.reason]}", "dim" if gap.reason == "history" else "")


def as_row(one: "StreamDays") -> dict[str, object]:
    """Return one stream as JSON-able values."""
    key = one.key
    return {
        "org_id": key.org_id,
        "source": key.source,
        "account_id": key.account_id,
        "stream": key.stream,
        "wanted_from": one.wanted.start,
        "first_day": min(one.held, default=None),
        "newest_day": max(one.held, default=None),
        "days_held": len(one.held),
        "gaps": [
            {
                "start": gap.window.start,
                "end": gap.window.end,
                "days": len(gap.window),
                "reason": gap.reason,
            }
            for gap in one.gaps
        ],
        "command": command_for(one) if one.fillable else None,
    }


def command_for(one: "StreamDays") -> str:
    """Return the command that fetches what is missing of a stream."""
    return f"tactics sync --org {one.key.org_id} --source {one.key.source}"


def _months(one: "StreamDays") -> list[dt.date]:
    first, last = one.wanted.start.replace(day=1), one.wanted.end
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        dt.date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1)
        for n in range(count)
    ]


def _marks(one: "StreamDays", month: dt.date) -> str:
    days = calendar.monthrange(month.year, month.month)[1]
    return "".join(_mark(one, month.replace(day=number)) for number in range(1, days + 1)).rstrip()


def _mark(one: "StreamDays", day: dt.date) -> str:
    if day in one.held:
        return MARKS[one.held[day].value]
    return MISSING if _is_missing(one.gaps, day) else OUTSIDE


def _is_missing(found: "Sequence[Gap]", day: dt.date) -> bool:
    return any(gap.window.start <= day <= gap.window.end for gap in found)


def _span(gap: "Gap") -> str:
    start, end = gap.window.start, gap.window.end
    if start == end:
        return f"{start}"
    return f"{start} to {end} ({len(gap.window)} days)"
