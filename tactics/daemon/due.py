"""What is due: decided from schedules and the last visit to each source, never from memory.

So a laptop that slept, a restart and a clock that jumped are all the same case: what was missed is
due, once. Sees no store and no clock.
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from tactics.config import Settings
from tactics.cron import CronLine, parse_cron
from tactics.pipeline import Scope
from tactics.store import Visit

Source: TypeAlias = tuple[str, str]  # organisation, its name for the connection

OFF = "off"
TOLERANCE = dt.timedelta(minutes=2)  # a visit further in the future is of a clock that was wrong
FIRST_RETRY = dt.timedelta(minutes=5)  # as long as a breaker stays open by default
LAST_RETRY = dt.timedelta(hours=1)
_JUST_AFTER = dt.timedelta(microseconds=1)
_WEEKDAYS = (
    "sun",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
)  # the library's numbers begin on Monday


def schedules_of(settings: Settings) -> dict[Source, str]:
    """Return the cron line of every enabled source that the daemon may ask."""
    found = {
        (org_id, name): source.schedule or settings.daemon.schedule
        for org_id, org in settings.orgs.items()
        for name, source in org.sources.items()
        if source.enabled
    }
    return {source: line for source, line in found.items() if line != OFF}


def find_due(
    schedules: Mapping[Source, str], visits: Mapping[Source, Visit], now: dt.datetime
) -> list[Source]:
    """Return the sources that have to be asked now."""
    return [
        source for source, line in schedules.items() if due_at(line, visits.get(source), now) <= now
    ]


def next_due(
    schedules: Mapping[Source, str], visits: Mapping[Source, Visit], now: dt.datetime
) -> dt.datetime | None:
    """Return when the first source is due, None where none ever is."""
    found = [due_at(line, visits.get(source), now) for source, line in schedules.items()]
    return min(found, default=None)


def due_at(line: str, visit: Visit | None, now: dt.datetime) -> dt.datetime:
    """Return when a source is due; a failure that may pass is tried again before its schedule."""
    if visit is None or visit.visited_at > now + TOLERANCE:
        return now
    scheduled = next_after(line, visit.visited_at)
    if not (visit.failures and visit.transient):
        return scheduled
    return min(scheduled, visit.visited_at + retry_wait(visit.failures))


def retry_wait(failures: int) -> dt.timedelta:
    """Return the wait after the n-th failed visit in a row: 5, 10, 20, 40 minutes, then an hour."""
    assert failures >= 1, failures
    return min(FIRST_RETRY * (1 << min(failures - 1, 10)), LAST_RETRY)


@functools.lru_cache(maxsize=1024)  # asked at every step, and the same until the next visit
def next_after(line: str, instant: dt.datetime) -> dt.datetime:
    """Return the first time after `instant` that a cron line means."""
    at: dt.datetime | None = trigger_of(line).get_next_fire_time(None, instant + _JUST_AFTER)
    assert at is not None, line  # a line that never comes is refused with the configuration
    return at


@functools.cache
def trigger_of(line: str) -> BaseTrigger:
    """Return the trigger of a cron line, in UTC: no hour is skipped or doubled in spring or autumn."""
    cron = parse_cron(line)
    days, weekdays = _listed(cron.days), ",".join(_WEEKDAYS[n] for n in sorted(cron.weekdays))
    if cron.any_day or cron.any_weekday:
        return _trigger(cron, day=days, day_of_week=weekdays)
    return OrTrigger([_trigger(cron, day=days), _trigger(cron, day_of_week=weekdays)])


def _trigger(cron: CronLine, **days: str) -> BaseTrigger:
    return CronTrigger(
        minute=_listed(cron.minutes),
        hour=_listed(cron.hours),
        month=_listed(cron.months),
        timezone=dt.UTC,
        **days,
    )


def _listed(values: Iterable[int]) -> str:
    return ",".join(map(str, sorted(values)))


def group_scopes(due: Iterable[Source], everything: Collection[Source]) -> list[Scope]:
    """Return the fewest runs that ask exactly these sources; one where all of them are due."""
    due = set(due)
    if due >= set(everything):
        return [Scope()] if due else []
    by_org: dict[str, set[str]] = defaultdict(set)
    for org_id, source in due:
        by_org[org_id].add(source)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for org_id, sources in sorted(by_org.items()):
        alike[tuple(sorted(sources))].append(org_id)
    return [Scope(orgs=tuple(orgs), sources=sources) for sources, orgs in alike.items()]
