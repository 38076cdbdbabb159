"""Numbers, ages and dates as a person reads them.

Knows no terminal and no table.
"""

import datetime as dt
import re
import textwrap
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

NOTHING = "-"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
MILLION, BILLION = 10**6, 10**9
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")
_COMMAND = re.compile(r"`[^`]+`")
_GLUE = "\0"  # stands for a blank that must not become the end of a line


def age(seconds: float | None) -> str:
    """Return `45 s`, `12 min`, `9 h` or `3 d`: the largest unit that is at least two, or one."""
    if seconds is None:
        return NOTHING
    seconds = max(seconds, 0)
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} d"


def age_since(moment: dt.datetime | None, now: dt.datetime) -> str:
    """Return how long ago `moment` was."""
    return NOTHING if moment is None else age((now - moment).total_seconds())


def until(moment: dt.datetime | None, now: dt.datetime) -> str:
    """Return `in 4 s`, or `now` once it is due."""
    if moment is None:
        return NOTHING
    return f"in {age((moment - now).total_seconds())}" if moment > now else "now"


def count(value: Number | None, *, longest: Number = 10 * MILLION) -> str:
    """Return `12,340`; from `longest` on `12.3M`, so that a column stays narrow."""
    if value is None:
        return NOTHING
    number = float(value)
    if abs(number) >= BILLION:
        return f"{number / BILLION:,.1f}B"
    if abs(number) >= longest:
        return f"{number / MILLION:,.1f}M"
    return f"{value:,.0f}"


def money(value: Number | None) -> str:
    """Return `1,234.50`; the currency stands in the heading or beside it."""
    return NOTHING if value is None else f"{value:,.2f}"


def percent(value: Number | None, digits: int = 1) -> str:
    """Return `97.5%` of a number that counts per cent."""
    return NOTHING if value is None else f"{value:.{digits}f}%"


def flight(start: dt.date | None, end: dt.date | None) -> str:
    """Return `11-01/11-30`; with the years, `25-11-01/27-01-31`, when it is a year or longer."""
    if start is None or end is None:
        return NOTHING
    short = end.year - start.year == ((end.month, end.day) < (start.month, start.day))
    form = "%m-%d" if short else "%y-%m-%d"
    return f"{start:{form}}/{end:{form}}"


def instant(moment: dt.datetime | None) -> str:
    """Return `2026-11-21 09:00 UTC`-style time without the zone's name: all times are UTC."""
    return NOTHING if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M}"


def plural(number: int, noun: str, many: str = "") -> str:
    """Return `1 page`, `2 pages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {many or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Return `meta`, `meta and stripe`, `meta, sheets and stripe`."""
    if len(names) < 2:  # noqa: PLR2004
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def brief(text: str) -> str:
    """Return a message without the query of the addresses in it; `--json` keeps them whole."""
    return _QUERY.sub(r"\1", text)


def folded(text: str, width: int, indent: str = "  ") -> str:
    """Return `text` in lines of at most `width`; a command in backticks stays in one piece."""
    glued = _COMMAND.sub(lambda command: command[0].replace(" ", _GLUE), text)
    lines = textwrap.wrap(
        glued, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace(_GLUE, " ")


def visible(text: str) -> str:
    """Return vendor text with its control characters made harmless for a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
