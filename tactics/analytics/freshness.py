"""How old held data is by the time of the data itself, and when newer data should have come.

A run that brought nothing makes nothing fresh. Reads no clock and no store.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tactics.analytics.latency import BUDGETS, Stage

_DAY = dt.timedelta(days=1)
# From the moment something is due until readers may count on it.
GRACE = dt.timedelta(seconds=BUDGETS[Stage.END_TO_END].max_seconds)


@dataclass(frozen=True, slots=True)
class HeldStream:
    """One stream of one account as the coverage ledger knows it.

    `by_day` is false for states (snapshots, daily readings): they are as old as the last reading.
    `through` is the last day of the unbroken run of closed days, None when there is no such day.
    `every` is how often a sync is expected to read it.
    """

    org_id: str
    source: str
    account_id: str
    stream: str
    by_day: bool
    timezone: str
    every: dt.timedelta
    settle: dt.timedelta = dt.timedelta(0)  # the vendor lists what happened only so much later
    through: dt.date | None = None
    newest_day: dt.date | None = None
    checked_at: dt.datetime | None = None  # when the vendor was last asked with success


@dataclass(frozen=True, slots=True)
class StreamAge:
    """How complete a stream is: everything before `data_at` is held, more is expected by `due_at`.

    Both are None for a stream that was never loaded.
    """

    held: HeldStream
    data_at: dt.datetime | None
    due_at: dt.datetime | None

    @property
    def has_hole(self) -> bool:
        """Return whether days are missing between days that are held."""
        through, newest = self.held.through, self.held.newest_day
        return bool(through and newest and newest > through + _DAY)

    def late_seconds(self, now: dt.datetime) -> float:
        """Return for how long newer data has been missing; negative while it may still come."""
        return -float("inf") if self.due_at is None else (now - self.due_at).total_seconds()


@dataclass(frozen=True, slots=True)
class SourceAge:
    """The age of a source: that of its stream that is latest, else of the oldest (`worst`)."""

    org_id: str
    source: str
    worst: StreamAge
    missing: int  # streams that were never loaded
    checked_at: dt.datetime | None
    next_due_at: dt.datetime | None

    def age_seconds(self, now: dt.datetime) -> float | None:
        """Return how long ago the data ends, None when there is none."""
        at = self.worst.data_at
        return None if at is None else max((now - at).total_seconds(), 0.0)


def age_of(held: HeldStream) -> StreamAge:
    """Return up to when a stream is complete, and by when it should be further.

    A day can be held once it is over where the account lives; a sync that comes as often as
    expected then brings it, and the latency budget says how long it may take to arrive. What is
    expected is that newer data was fetched, not that the vendor had any.
    """
    if not held.by_day:
        at = held.checked_at
        return StreamAge(held, at, None if at is None else at + held.every + GRACE)
    if held.newest_day is None:
        return StreamAge(held, None, None)
    through = held.through or held.newest_day - _DAY
    data_at = midnight_after(through, held.timezone)
    next_closes = midnight_after(through + _DAY, held.timezone)
    return StreamAge(held, data_at, next_closes + held.settle + held.every + GRACE)


def midnight_after(day: dt.date, timezone: str) -> dt.datetime:
    """Return the instant at which `day` is over in a time zone, whatever its clocks do."""
    morrow = dt.datetime.combine(day + _DAY, dt.time(), ZoneInfo(timezone))
    return morrow.astimezone(dt.UTC)


def ages_by_source(streams: Iterable[HeldStream], now: dt.datetime) -> tuple[SourceAge, ...]:
    """Return the age of every source, by organisation and name."""
    groups: dict[tuple[str, str], list[StreamAge]] = {}
    for held in streams:
        groups.setdefault((held.org_id, held.source), []).append(age_of(held))
    return tuple(_source_age(key, groups[key], now) for key in sorted(groups))


def _source_age(key: tuple[str, str], ages: list[StreamAge], now: dt.datetime) -> SourceAge:
    # What is late comes first; where nothing is, the oldest data is what a reader must know of.
    worst = max(ages, key=lambda age: (max(age.late_seconds(now), 0.0), now - (age.data_at or now)))
    checked_at = min((age.held.checked_at for age in ages if age.held.checked_at), default=None)
    every = min(age.held.every for age in ages)
    return SourceAge(
        *key,
        worst,
        missing=sum(age.data_at is None for age in ages),
        checked_at=checked_at,
        next_due_at=checked_at and checked_at + every,
    )
