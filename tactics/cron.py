"""What a cron line of five fields means: minute, hour, day of month, month, day of week.

Reads and checks the text; when it is due, the daemon's triggers work out. Sunday is 0 and 7, as in
every crontab, and names (`mon`, `jan`) are known.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: Mapping[str, int]


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1))
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field("weekday", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


@dataclass(frozen=True, slots=True)
class CronLine:
    """The values that each field allows; `weekdays` counts from Sunday, 0.

    Where both days are restricted, a day that fits one of them is meant, as cron has it.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


@functools.cache
def parse_cron(text: str) -> CronLine:
    """Return what a cron line allows.

    Raises:
        ValueError: it has not five fields, one of them cannot be read, or it means no day at all.
    """
    words = text.lower().split()
    if len(words) != len(_FIELDS):
        raise ValueError(
            f"a schedule has five fields (minute hour day month weekday), got {text!r}"
        )
    minutes, hours, days, months, weekdays = (
        _values(word, field) for word, field in zip(words, _FIELDS, strict=True)
    )
    sundays = frozenset(number % 7 for number in weekdays)
    any_day, any_weekday = words[2].startswith("*"), words[4].startswith("*")
    if any_weekday and min(days) > max(_LONGEST[month] for month in months):
        raise ValueError(f"the day of a schedule never comes: {text!r}")
    return CronLine(minutes, hours, days, months, sundays, any_day, any_weekday)


def _values(word: str, field: _Field) -> frozenset[int]:
    return frozenset(number for part in word.split(",") for number in _range(part, field))


def _range(part: str, field: _Field) -> range:
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    leap = _number(step, field) if slash else 1
    if span == "*":
        start, stop = field.low, field.high - (field.name == "weekday")  # 7 is Sunday once more
    else:
        start = _number(first, field)
        stop = _number(last, field) if dash else field.high if slash else start
    if not field.low <= start <= stop <= field.high or leap < 1:
        limits = f"{field.low} to {field.high}"
        raise ValueError(f"the {field.name} of a schedule is from {limits}, got {part!r}")
    return range(start, stop + 1, leap)


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"the {field.name} of a schedule cannot be read: {text!r}")
    return int(text)
