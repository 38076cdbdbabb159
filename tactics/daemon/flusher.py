"""Works off what waits: the retry queue, dead letters of a sink that has healed, what a run left.

Looks with a few cheap queries; only when something can be done it has a run do it, without asking
any vendor. A sink whose breaker is open is left alone.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tactics.clock import Clock
from tactics.config import Settings
from tactics.daemon.work import Beat, Done, Job, Verb, Worker
from tactics.home import Home
from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_RAW, RunStatus
from tactics.pipeline import CommitLock, sink_breaker
from tactics.store import BreakerState, DeadLetterFilter, JobCount, JobState, Store

TOPICS = {"bronze": TOPIC_RAW, "silver": TOPIC_CLEANED, "gold": TOPIC_PROCESSED}
LEFT_SECONDS = 300.0  # what lies in the log for longer was left by a run that ended early
LAST_PAUSE_SECONDS = 300.0
_WAITING = {JobState.AVAILABLE, JobState.SCHEDULED, JobState.RETRYABLE}


@dataclass(frozen=True, slots=True)
class FlusherReport:
    """Why something had to be worked off, what came of it, or how long it is left alone."""

    reasons: tuple[str, ...] = ()
    run: Done | None = None
    paused_seconds: float = 0.0


class Flusher:
    """Has waiting writes tried when they are due."""

    name: ClassVar[str] = "flusher"

    def __init__(
        self,
        settings: Settings,
        home: Home,
        store: Store,
        worker: Worker,
        *,
        clock: Clock,
        beat: Beat,
        seconds: float = 15.0,
    ) -> None:
        self.seconds = seconds
        self._settings = settings
        self._home = home
        self._store = store
        self._worker = worker
        self._clock = clock
        self._beat = beat
        self._pause = 0.0
        self._paused_until = 0.0

    def step(self, now: dt.datetime) -> FlusherReport:
        """Have worked off what can be; what stays as it was is tried again ever more slowly."""
        reasons = self._reasons(now)
        paused = max(self._paused_until - self._clock.monotonic(), 0.0)
        if not reasons or paused or self._somebody_works():
            return FlusherReport(reasons, None, paused)
        done = self._worker.run(Job(Verb.FLUSH), self._beat)
        fruitless = self._reasons(self._clock.now()) == reasons
        self._pause = min(max(2 * self._pause, self.seconds), LAST_PAUSE_SECONDS) * fruitless
        self._paused_until = self._clock.monotonic() + self._pause
        return FlusherReport(reasons, done, self._pause)

    def _somebody_works(self) -> bool:
        """Return whether a run is on, which does all this by itself."""
        if self._worker.busy:
            return True
        with CommitLock(self._home.lock) as lock:
            return not lock.try_acquire()

    def _reasons(self, now: dt.datetime) -> tuple[str, ...]:
        closed = {
            status.name
            for status in self._store.breakers.list_all()
            if status.state is BreakerState.OPEN and not status.awaits_trial(now)
        }
        usable = [stage for stage in TOPICS if sink_breaker(stage) not in closed]
        counts = self._store.jobs.stats()
        return tuple(
            reason
            for stage in usable
            for reason in (
                *due_writes(stage, counts, now),
                *self._healed(stage, counts, now),
                *self._left_behind(stage, now),
            )
        )

    def _healed(self, stage: str, counts: list[JobCount], now: dt.datetime) -> Iterator[str]:
        """Yield a reason where one transient dead letter is worth a try: the sink may take it."""
        if not self._settings.queue.auto_redrive:
            return
        if (stage, JobState.DISCARDED) not in {(count.stage, count.state) for count in counts}:
            return
        wanted = DeadLetterFilter(stage=stage, transient=True, limit=1)
        cooldown = dt.timedelta(seconds=self._settings.breakers.cooldown_seconds)
        for letter in self._store.jobs.list_dead(wanted):
            died_at = letter.finalized_at or letter.created_at
            if not dt.timedelta(0) <= now - died_at < cooldown:
                yield f"{stage}: transient dead letters"

    def _left_behind(self, stage: str, now: dt.datetime) -> Iterator[str]:
        """Yield a reason where a run ended before it had carried everything on."""
        if not self._store.bus.lag(TOPICS[stage], stage):
            return
        latest = self._store.runs.latest()
        if latest is None or (stage == "gold" and latest.status is RunStatus.HALTED):
            return  # what DataGuard holds back waits for its data, not for us
        ended_at = latest.finalized_at or latest.created_at
        if not 0 <= (now - ended_at).total_seconds() < LEFT_SECONDS:
            yield f"{stage}: events that no run has carried on"


def due_writes(stage: str, counts: list[JobCount], now: dt.datetime) -> Iterator[str]:
    """Yield a reason where a write is due, or was being tried by a process that has died."""
    for count in counts:
        due = count.state in _WAITING and count.next_scheduled_at <= now
        if count.stage == stage and (due or count.state is JobState.RUNNING):
            yield f"{stage}: writes that are due"
            return
