"""When services are woken: APScheduler's triggers, which do no more than that.

Nothing is kept in them. They go by the wall clock, so they are made anew when it jumps; a service
that is not woken turns by itself a little later.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from tactics.clock import Clock
from tactics.daemon.due import trigger_of

Wake: TypeAlias = Callable[[str], object]

JUMP_SECONDS = 5.0  # between wall clock and monotonic time: more than any adjustment by NTP
_POLICY: dict[str, Any] = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}

logging.getLogger("apscheduler").setLevel(logging.ERROR)  # each trigger would be a line


class Triggers:
    """Wakes services at their intervals, and the scheduler at every cron time."""

    def __init__(self, wake: Wake, clock: Clock, *, cron_service: str) -> None:
        self._wake = wake
        self._clock = clock
        self._cron_service = cron_service
        self._intervals: dict[str, float] = {}
        self._lines: frozenset[str] = frozenset()
        self._offset = self._measure()
        self._arming = threading.Lock()
        # In the thread that finds a trigger due: to wake somebody needs no pool.
        self._engine = BackgroundScheduler(
            timezone=dt.UTC, executors={"default": DebugExecutor()}, job_defaults=_POLICY
        )

    def start(self, intervals: Mapping[str, float]) -> None:
        """Begin to wake these services every so many seconds."""
        self._intervals = dict(intervals)
        self._engine.start()
        self._arm()

    def follow(self, lines: Iterable[str]) -> None:
        """Wake the scheduler at the times of these cron lines from now on, and no others."""
        if (wanted := frozenset(lines)) != self._lines:
            self._lines = wanted
            self._arm()

    def check(self) -> bool:
        """Make the triggers anew, and wake everybody, if the wall clock has jumped; return that."""
        offset = self._measure()
        jumped = abs(offset - self._offset) > JUMP_SECONDS
        self._offset = offset
        if jumped:
            self._arm()
            for name in self._intervals:
                self._wake(name)
        return jumped

    def stop(self) -> None:
        """Wake nobody any more."""
        if self._engine.running:
            self._engine.shutdown(wait=False)

    def _arm(self) -> None:
        if not self._engine.running:
            return
        with self._arming:  # the scheduler may follow a new configuration at the same moment
            self._engine.remove_all_jobs()
            for name, seconds in self._intervals.items():
                self._engine.add_job(self._wake, IntervalTrigger(seconds=seconds), args=[name])
            for line in self._lines:
                self._engine.add_job(self._wake, trigger_of(line), args=[self._cron_service])

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
