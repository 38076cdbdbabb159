"""Decides which days of a stream are due and in which order they are fetched.

The order is such that the caller may stop at any failed slice without leaving a new hole between
covered days. Knows no vendor and sees no store.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tactics.connectors.base import StreamSpec, finality
from tactics.model import AccountInfo, CoveredDay, Finality, Priority, Slice, StreamKey, Window

_DAY = dt.timedelta(days=1)
_Planned: TypeAlias = tuple[Priority, Window]


def local_day(account: AccountInfo, instant: dt.datetime) -> dt.date:
    """Return the calendar day of `instant` in the account's time zone (UTC when it has none)."""
    return instant.astimezone(ZoneInfo(account.timezone or "UTC")).date()


def plan_slices(
    spec: StreamSpec,
    key: StreamKey,
    account: AccountInfo,
    *,
    covered: Mapping[dt.date, CoveredDay],
    today: dt.date,
    history_days: int,
    lookback_days: int | None = None,
    only: Window | None = None,
    now: dt.datetime,
) -> list[Slice]:
    """Return the slices of a stream that are due, in the order in which to fetch them.

    1. what is newer than the newest covered day, oldest first; a first sync begins with the newest
       slice and goes back from there; 2. holes between covered days, oldest first; 3. covered days
    that the vendor may have restated (the look-back, the stream's tiers, days fetched while they
    were still running, days not fetched again since they became final), oldest first; 4. older
    history, newest first. `today` is the account's day; `lookback_days` None takes the stream's own.
    `only` asks for these days, held or not, and for what lies between them and the days held.
    A state without days (`snapshot`, `daily`) is due as a whole, unless today's is young enough.
    """
    if not spec.can_miss_days:
        if only is None and _is_fresh(spec, covered.get(today), now):
            return []
        return [Slice(key, Window(today, today), Priority.LIVE, account)]
    last = min(today, local_day(account, now - dt.timedelta(seconds=spec.settle_seconds)))
    reach = dt.date.min if spec.max_history_days is None else today - spec.max_history_days * _DAY
    first = max(reach, today - history_days * _DAY)
    lookback = spec.lookback_days if lookback_days is None else lookback_days
    held = sorted(day for day in covered if day <= last)

    def restated(day: dt.date) -> bool:
        return day >= today - lookback * _DAY or _due_again(spec, covered[day], today, now)

    if only is not None:
        wanted = [day for day in _bridged(only, held).days() if reach <= day <= last]
        plan = _chosen(held, wanted, spec.slice_days)
    elif not held:
        windows = _newest_first(_days(first, last), spec.slice_days)
        plan = [(Priority.BACKFILL if n else Priority.LIVE, w) for n, w in enumerate(windows)]
    else:
        again = [day for day in held if day >= reach and restated(day)]
        plan = _due(held, again, Window(min(first, last), last), reach=reach, size=spec.slice_days)
    return [Slice(key, window, priority, account) for priority, window in plan]


def _due(
    held: Sequence[dt.date], again: Sequence[dt.date], wanted: Window, *, reach: dt.date, size: int
) -> list[_Planned]:
    covered = set(held)
    newer = _days(max(reach, held[-1] + _DAY), wanted.end)
    holes = [day for day in _days(max(reach, held[0]), held[-1]) if day not in covered]
    older = _days(wanted.start, held[0] - _DAY)
    return [
        *((Priority.LIVE, window) for window in _oldest_first(newer, size)),
        *((Priority.LIVE, window) for window in _oldest_first(holes, size)),
        *((Priority.RESTATEMENT, window) for window in _oldest_first(again, size)),
        *((Priority.BACKFILL, window) for window in _newest_first(older, size)),
    ]


def _chosen(held: Sequence[dt.date], wanted: Sequence[dt.date], size: int) -> list[_Planned]:
    before = [day for day in wanted if held and day < held[0]]
    windows = [*_newest_first(before, size), *_oldest_first(wanted[len(before) :], size)]
    return [(Priority.LIVE, window) for window in windows]


def _is_fresh(spec: StreamSpec, held: CoveredDay | None, now: dt.datetime) -> bool:
    """Return whether what was read of this day stands for it for a while."""
    if spec.slicing != "daily" or held is None:
        return False
    return now - held.fetched_at < dt.timedelta(hours=spec.reread_hours)


def _due_again(spec: StreamSpec, held: CoveredDay, today: dt.date, now: dt.datetime) -> bool:
    age, back = now - held.fetched_at, (today - held.day).days
    outdated = any(back <= days and age >= dt.timedelta(hours=hours) for days, hours in spec.tiers)
    return outdated or _unsettled(spec, held, today)


def _unsettled(spec: StreamSpec, held: CoveredDay, today: dt.date) -> bool:
    if held.finality is Finality.OPEN:
        return True
    return held.finality is not Finality.FINAL and finality(spec, held.day, today) is Finality.FINAL


def _bridged(only: Window, held: Sequence[dt.date]) -> Window:
    """Return the window made so wide that no hole is left between it and the days held."""
    if not held:
        return only
    return Window(min(only.start, held[-1] + _DAY), max(only.end, held[0] - _DAY))


def _days(start: dt.date, end: dt.date) -> list[dt.date]:
    return list(Window(start, end).days()) if start <= end else []


def _oldest_first(days: Sequence[dt.date], size: int) -> list[Window]:
    return [
        Window(run[at], run[min(at + size, len(run)) - 1])
        for run in _runs(days)
        for at in range(0, len(run), size)
    ]


def _newest_first(days: Sequence[dt.date], size: int) -> list[Window]:
    return [
        Window(run[max(at - size, 0)], run[at - 1])
        for run in reversed(list(_runs(days)))
        for at in range(len(run), 0, -size)
    ]


def _runs(days: Sequence[dt.date]) -> Iterator[list[dt.date]]:
    """Yield the stretches of consecutive days; `days` are in ascending order."""
    run: list[dt.date] = []
    for day in days:
        if run and day != run[-1] + _DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run
