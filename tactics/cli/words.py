"""Numbers, ages and dates as a person reads them.

Knows no terminal and no table.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

NOTHING = "-"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
MILLION, BILLION = 10**6, 10**9


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
    """Return `11-01/11-30`, or `25-12-01/26-01-31` when the flight crosses a year."""
    if start is None or end is None:
        return NOTHING
    form = "%m-%d" if start.year == end.year else "%y-%m-%d"
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


def visible(text: str) -> str:
    """Return vendor text with its control characters made harmless for a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
