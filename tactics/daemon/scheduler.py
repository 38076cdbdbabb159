"""Asks sources when they are due.

What is due is derived from the store at every step, so nothing is remembered that a crash could
lose. Writes no schedule: the configuration has them.
"""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar

from tactics.clock import Clock
from tactics.config import Settings
from tactics.daemon.due import Source, find_due, group_scopes, next_due, schedules_of
from tactics.daemon.work import Beat, Done, Ending, Job, Verb, Worker
from tactics.store import Store

FIRST_PAUSE_SECONDS = 60.0
LAST_PAUSE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SchedulerReport:
    """Which sources were due (`org/source`), what came of asking them, and when the next one is."""

    due: tuple[str, ...] = ()
    runs: tuple[Done, ...] = ()
    next_at: dt.datetime | None = None
    paused_seconds: float = 0.0


class Scheduler:
    """Has what is due synced, one run for all that is due alike."""

    name: ClassVar[str] = "scheduler"

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        worker: Worker,
        *,
        clock: Clock,
        beat: Beat,
        seconds: float = 30.0,
    ) -> None:
        self.seconds = seconds
        self._settings = settings
        self._store = store
        self._worker = worker
        self._clock = clock
        self._beat = beat
        self._fruitless = 0  # steps in a row whose runs left their sources due
        self._paused_until = 0.0

    def step(self, now: dt.datetime) -> SchedulerReport:
        """Sync what is due; a run that achieves nothing at all is not repeated at once."""
        schedules = schedules_of(self._settings())
        visits = self._store.visits.by_source()
        due = find_due(schedules, visits, now)
        paused = max(self._paused_until - self._clock.monotonic(), 0.0)
        if not due or paused:
            return SchedulerReport(_named(due), (), next_due(schedules, visits, now), paused)
        runs = self._run(due, schedules.keys())
        now = self._clock.now()
        visits = self._store.visits.by_source()
        left = set(due) & set(find_due(schedules, visits, now))
        paused = self._pause(fruitless=bool(left), runs=runs)
        return SchedulerReport(_named(due), runs, next_due(schedules, visits, now), paused)

    def _run(self, due: list[Source], everything: Collection[Source]) -> tuple[Done, ...]:
        runs: list[Done] = []
        for scope in group_scopes(due, everything):
            runs.append(self._worker.run(Job(Verb.SYNC, scope), self._beat))
            if runs[-1].outcome == Ending.STOPPED:
                break
        return tuple(runs)

    def _pause(self, *, fruitless: bool, runs: tuple[Done, ...]) -> float:
        if not fruitless or runs[-1].outcome == Ending.STOPPED:
            self._fruitless = 0
            return 0.0
        seconds = pause_seconds(self._fruitless)
        self._fruitless += 1
        self._paused_until = self._clock.monotonic() + seconds
        return seconds


def pause_seconds(fruitless: int) -> float:
    """Return how long a run that left everything as it was is not repeated: 1, 2, 4 … 60 minutes."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(fruitless, 10), LAST_PAUSE_SECONDS))


def _named(sources: list[Source]) -> tuple[str, ...]:
    return tuple(f"{org_id}/{source}" for org_id, source in sources)
