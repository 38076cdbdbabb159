"""Hands the events of a topic to a sink; what fails waits in the retry queue, never in memory.

The one place that decides between acknowledge, retry later, dead letter and stand still. Knows
neither pages nor tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tactics.crashpoint import reach
from tactics.errors import CircuitOpen, RecordError, TransientError
from tactics.model import StreamKey
from tactics.pipeline.result import Problem, StageReport
from tactics.pipeline.workspace import Workspace
from tactics.store import DeadLetterFilter, Event, Job

BATCH_EVENTS = 256
BATCH_BYTES = 96 * 2**20
RETRY_LIMIT = 100_000


def sink_breaker(stage: str) -> str:
    """Return the name of the breaker in front of a stage's sink."""
    return f"{stage}_breaker"


@dataclass(frozen=True, slots=True)
class Emission:
    """An event that a stage leaves for the next one, in the transaction of its acknowledgement."""

    topic: str
    key: StreamKey | None
    header: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink did with some events: rows in its own unit, and what it tells the next stage."""

    rows: int
    emissions: tuple[Emission, ...] = ()


@dataclass
class Delivery:
    """One stage: a topic, its consumer position, a sink with its breaker, and the retry queue.

    `write` commits a batch of events to the sink and must be idempotent: the same events may come
    again after a crash. Transient errors queue the batch, a record error isolates the event.
    """

    workspace: Workspace
    stage: str
    topic: str
    write: Callable[[Sequence[Event]], Written]
    batch_events: int = BATCH_EVENTS
    rows: int = 0
    queued: int = 0
    dead: int = 0
    started: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = self.workspace.breaker(sink_breaker(self.stage))
        self.started = self.workspace.clock.monotonic()

    def drain(self) -> None:
        """Deliver everything that is new; stand still while the sink's breaker is open."""
        bus = self.workspace.store.bus
        while events := bus.read(self.topic, self.stage, self.batch_events, max_bytes=BATCH_BYTES):
            if not self.deliver(events):
                return

    def retry(self, *, ignore_schedule: bool = False) -> None:
        """Try again what is due, and the transient dead letters once the sink takes writes again."""
        jobs = self.workspace.store.jobs
        due = jobs.claim_due(self.stage, RETRY_LIMIT, ignore_schedule=ignore_schedule)
        if self._retry_jobs(due) and self.workspace.settings.queue.auto_redrive:
            self._redrive()

    def report(self) -> StageReport:
        """Return what was moved so far."""
        return StageReport(
            self.stage,
            self.rows,
            round(self.workspace.clock.monotonic() - self.started, 3),
            self.queued,
            self.dead,
            tuple(self.problems),
        )

    def deliver(self, events: Sequence[Event]) -> bool:
        """Hand one batch to the sink; False means: stand still, the sink is left alone."""
        try:
            with self.breaker.attempt():
                written = self.write(events)
        except CircuitOpen as error:
            self._remember(error)
            return False
        except TransientError as error:
            self._queue(events, error)
        except RecordError as error:
            self._isolate(events, error)
        else:
            self._acknowledge(events, written)
        return True

    def _acknowledge(self, events: Sequence[Event], written: Written) -> None:
        with self.workspace.store.transaction():
            self._settle(events)
            self._emit(written)
        self.rows += written.rows
        reach(f"{self.stage}.acknowledged")

    def _settle(self, events: Sequence[Event]) -> None:
        self.workspace.store.bus.acknowledge(self.topic, self.stage, events[-1].seq)

    def _emit(self, written: Written) -> None:
        for emission in written.emissions:
            self.workspace.store.bus.append(
                emission.topic, key=emission.key, header=emission.header
            )

    def _queue(self, events: Sequence[Event], error: TransientError) -> None:
        with self.workspace.store.transaction():
            for event in events:
                self.workspace.store.jobs.enqueue(self.stage, event.seq, event.key, error)
            self._settle(events)
        self.queued += len(events)
        self._remember(error)
        reach("retry.enqueued")

    def _isolate(self, events: Sequence[Event], error: RecordError) -> None:
        """Find the event that cannot be written; its neighbours go on."""
        if len(events) > 1:
            for event in events:
                self.deliver([event])
            return
        with self.workspace.store.transaction():
            key = events[0].key
            self.workspace.store.jobs.discard_now(self.stage, key, error, event_seq=events[0].seq)
            self._settle(events)
        self.dead += 1
        reach("dead_letter.discarded")

    def _retry_jobs(self, jobs: Sequence[Job]) -> bool:
        """Return whether the sink took everything (also when there was nothing)."""
        for start in range(0, len(jobs), self.batch_events):
            batch = jobs[start : start + self.batch_events]
            if not self._retry_batch(batch):
                self.workspace.store.jobs.release([job.job_id for job in jobs[start:]])
                return False
        return True

    def _retry_batch(self, jobs: Sequence[Job]) -> bool:
        store = self.workspace.store
        found = [event for job in jobs if job.event_seq and (event := store.bus.get(job.event_seq))]
        try:
            with self.breaker.attempt():
                written = self.write(found)
        except CircuitOpen as error:
            self._remember(error)
            return False
        except (TransientError, RecordError) as error:
            self._remember(error)
            dead = sum(store.jobs.fail(job.job_id, error) for job in jobs)
            self.dead += dead
            if dead:
                reach("dead_letter.discarded")
            return False
        reach("retry.attempted")
        with store.transaction():
            store.jobs.succeed([job.job_id for job in jobs])
            self._emit(written)
        self.rows += written.rows
        return True

    def _redrive(self) -> None:
        """Try one transient dead letter; when the sink takes it, try them all."""
        jobs = self.workspace.store.jobs
        wanted = DeadLetterFilter(stage=self.stage, transient=True, limit=RETRY_LIMIT)
        dead = [job.job_id for job in jobs.list_dead(wanted)]
        for some in (dead[:1], dead[1:]):
            if not some:
                return
            jobs.redrive(some)
            due = jobs.claim_due(self.stage, RETRY_LIMIT, ignore_schedule=True)
            if not self._retry_jobs(due):
                return

    def _remember(self, error: TransientError | RecordError) -> None:
        problem = Problem.of(error)
        if problem not in self.problems:
            self.problems.append(problem)
