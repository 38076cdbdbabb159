"""Which parts of gold a change touches: days, ISO weeks, months, organisations.

Pure: takes values, returns values.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from tactics.model import Window

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """Rows of one silver table that are new: days `start` to `end`, both inclusive."""

    org_id: str
    table: str
    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        assert self.start <= self.end, (self.start, self.end)


class Partitioned(Protocol):
    """What planning needs to know of a model; `part` is day, week, month or org."""

    @property
    def name(self) -> str:
        """Return the table."""
        ...

    @property
    def part(self) -> str:
        """Return how the table is rebuilt."""
        ...

    @property
    def inputs(self) -> frozenset[str]:
        """Return the silver tables it depends on, directly or not."""
        ...

    @property
    def reach(self) -> int:
        """Return how many days before or after its own a row depends on."""
        ...


@dataclass(frozen=True, slots=True)
class Horizon:
    """The days that may be rebuilt: what silver holds whole, and no day that is still to come."""

    first: dt.date | None = None
    last: dt.date = dt.date.max

    def whole_from(self, reach: int) -> dt.date:
        """Return the first day around which silver holds `reach` days; less where it holds few."""
        if self.first is None:
            return dt.date.min
        return self.first + min(reach, max(0, (self.last - self.first).days // 2)) * DAY


@dataclass(frozen=True, slots=True)
class Part:
    """One delete and insert: the days `window` of a model's table for one organisation."""

    model: str
    org_id: str
    window: Window


def plan_parts(
    models: Iterable[Partitioned],
    changes: Iterable[Change],
    horizon: Horizon | None = None,
    small: Collection[str] = (),
) -> list[Part]:
    """Return the parts to rebuild by organisation, models in the order given, each day at most once.

    Long windows are cut into pieces, so that a rebuild of years needs the memory of months; those of
    `small` organisations stay whole. A model with a reach is rebuilt that many days around a change,
    within `horizon`; days whose neighbours silver has begun to forget stay as they are.
    """
    held = sorted(changes)
    within = horizon or Horizon()
    parts = [
        Part(model.name, org_id, piece)
        for model in models
        if model.part != "org"
        for org_id, group in groupby(
            (change for change in held if change.table in model.inputs), attrgetter("org_id")
        )
        for window in merge_windows(_affected(model, group, within))
        for piece in ([window] if org_id in small else cut(window, model.part))
    ]
    return sorted(parts, key=attrgetter("org_id"))


def _affected(model: Partitioned, changes: Iterable[Change], horizon: Horizon) -> Iterator[Window]:
    for change in changes:
        start, end = change.start, change.end
        if model.reach:
            reach = model.reach * DAY
            end = max(end, min(end + reach, horizon.last))
            start = max(start - reach, horizon.whole_from(model.reach))
        if start <= end:
            yield widen(Window(start, end), model.part)


def widen(window: Window, part: str) -> Window:
    """Return the whole days, ISO weeks or months that `window` touches."""
    match part:
        case "week":
            start = window.start - window.start.weekday() * DAY
            return Window(start, window.end + (6 - window.end.weekday()) * DAY)
        case "month":
            return Window(window.start.replace(day=1), _next_month(window.end) - DAY)
        case _:
            return window


def merge_windows(windows: Iterable[Window]) -> list[Window]:
    """Return the same days as few windows, oldest first, none touching another."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end + DAY:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def cut(window: Window, part: str) -> Iterator[Window]:
    """Yield `window` in pieces of whole parts: calendar months of days, quarters of weeks or months."""
    start = window.start
    while start <= window.end:
        match part:
            case "week":
                end = start + 13 * 7 * DAY - DAY
            case "month":
                end = _next_month(_next_month(_next_month(start))) - DAY
            case _:
                end = _next_month(start) - DAY
        yield Window(start, min(end, window.end))
        start = end + DAY


def clip(changes: Sequence[Change], first: dt.date | None) -> list[Change]:
    """Return the changes without the days before `first`, which silver no longer holds."""
    if first is None:
        return list(changes)
    return [
        Change(change.org_id, change.table, max(change.start, first), change.end)
        for change in changes
        if change.end >= first
    ]


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + 32 * DAY).replace(day=1)
