"""Hands the events of a topic to a sink; what fails waits in the retry queue, never in memory.

The one place that decides between acknowledge, retry later, dead letter and stand still. Knows
neither pages nor tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tactics.crashpoint import reach
from tactics.errors import CircuitOpen, IntegrityError, RecordError, TransientError
from tactics.model import StreamKey
from tactics.pipeline.result import Problem, StageReport
from tactics.pipeline.workspace import Workspace
from tactics.store import DeadLetterFilter, Event, Job

BATCH_EVENTS = 256
BATCH_BYTES = 96 * 2**20
RETRY_JOBS = 16 * BATCH_EVENTS  # taken at once: memory must not grow with the queue


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
    batch_bytes: int = BATCH_BYTES
    rows: int = 0
    queued: int = 0
    dead: int = 0
    seconds: float = 0.0  # in the sink
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = self.workspace.breaker(sink_breaker(self.stage))

    def drain(self) -> None:
        """Deliver everything that is new; stand still while the sink's breaker is open."""
        while self._deliver_next():
            pass

    def drain_full(self) -> None:
        """Deliver full batches only: many small commits cost more than their rows."""
        full = min(self.batch_events, self.workspace.settings.bus.high_watermark)
        while self.workspace.store.bus.lag(self.topic, self.stage) >= full:
            if not self._deliver_next():
                return

    def retry(self, *, ignore_schedule: bool = False) -> None:
        """Try again what is due, and the transient dead letters once the sink takes writes again."""
        jobs = self.workspace.store.jobs
        while due := jobs.claim_due(self.stage, RETRY_JOBS, ignore_schedule=ignore_schedule):
            if not self._retry_jobs(due):
                return
        if self.workspace.settings.queue.auto_redrive:
            self._redrive()

    def report(self) -> StageReport:
        """Return what was moved so far."""
        return StageReport(
            self.stage,
            self.rows,
            round(self.seconds, 3),
            self.queued,
            self.dead,
            tuple(self.problems),
        )

    def deliver(self, events: Sequence[Event]) -> bool:
        """Hand one batch to the sink; False means: stand still, the sink is left alone."""
        try:
            written = self._write(events)
        except CircuitOpen as error:
            self._remember(error)
            return False
        except TransientError as error:
            self._queue(events, error)
        except RecordError as error:
            return self._isolate(events, error)
        else:
            self._acknowledge(events, written)
        return True

    def renew(self) -> None:
        """Let the sink make anew what it derives, though no event asks for it; or the next run does."""
        try:
            written = self._write(())
        except TransientError as error:
            self._remember(error)
            return
        with self.workspace.store.transaction():
            self._emit(written)
        self.rows += written.rows

    def _deliver_next(self) -> bool:
        """Deliver the oldest new events, a batch at most; return whether to go on."""
        bus, limit = self.workspace.store.bus, self.batch_bytes
        events = bus.read(self.topic, self.stage, self.batch_events, max_bytes=limit)
        return bool(events) and self.deliver(events)

    def _write(self, events: Sequence[Event]) -> Written:
        clock = self.workspace.clock
        began = clock.monotonic()
        try:
            with self.breaker.attempt():
                return self.write(events)
        finally:
            self.seconds += clock.monotonic() - began

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
        jobs = self.workspace.store.jobs
        jitter = jobs.draw_jitter()
        with self.workspace.store.transaction():
            for event in events:
                jobs.enqueue(self.stage, event.seq, event.key, error, jitter=jitter)
            self._settle(events)
        self.queued += len(events)
        self._remember(error)
        reach("retry.enqueued")

    def _isolate(self, events: Sequence[Event], error: RecordError) -> bool:
        """Find the event that cannot be written; its neighbours go on.

        False means: stand still. An event that was held back must not be passed over.
        """
        if len(events) > 1:
            return all(self.deliver([event]) for event in events)
        with self.workspace.store.transaction():
            key = events[0].key
            self.workspace.store.jobs.discard_now(self.stage, key, error, event_seq=events[0].seq)
            self._settle(events)
        self.dead += 1
        reach("dead_letter.discarded")
        return True

    def _retry_jobs(self, jobs: Sequence[Job], size: int | None = None) -> bool:
        """Return whether the sink takes writes (also when there was nothing to write)."""
        jobs = sorted(jobs, key=lambda job: job.event_seq or 0)
        start = 0
        while start < len(jobs):
            events = self._events_of(jobs[start : start + (size or self.batch_events)])
            if not self._retry_batch(jobs[start : start + len(events)], events):
                self.workspace.store.jobs.release([job.job_id for job in jobs[start:]])
                return False
            start += len(events)
        return True

    def _events_of(self, jobs: Sequence[Job]) -> list[Event]:
        """Return the events of the first jobs, no more bytes than a new batch may have.

        Raises:
            IntegrityError: the log has lost an event that is still queued.
        """
        events: list[Event] = []
        total = 0
        for job in jobs:
            event = self.workspace.store.bus.get(job.event_seq or 0)
            if event is None:
                raise IntegrityError("a queued event is gone from the log", job_id=job.job_id)
            if job.edited_at is not None:  # a person has mended what the log holds
                event = event._replace(body=job.payload)
            events.append(event)
            total += len(event.body or b"")
            if total >= self.batch_bytes:
                break
        return events

    def _retry_batch(self, jobs: Sequence[Job], events: Sequence[Event]) -> bool:
        store = self.workspace.store
        try:
            written = self._write(events)
        except CircuitOpen as error:
            self._remember(error)
            return False
        except TransientError as error:
            self._fail(jobs, error)
            return False
        except RecordError as error:
            if len(jobs) > 1:
                return self._retry_jobs(jobs, size=1)
            self._fail(jobs, error)
            return True
        reach("retry.attempted")
        with store.transaction():
            store.jobs.succeed([job.job_id for job in jobs])
            self._emit(written)
        self.rows += written.rows
        return True

    def _fail(self, jobs: Sequence[Job], error: TransientError | RecordError) -> None:
        self._remember(error)
        queue = self.workspace.store.jobs
        jitter = queue.draw_jitter()
        dead = sum(queue.fail(job.job_id, error, jitter=jitter) for job in jobs)
        self.dead += dead
        if dead:
            reach("dead_letter.discarded")

    def _redrive(self) -> None:
        """Try one transient dead letter; when the sink takes it, try them all."""
        jobs = self.workspace.store.jobs
        wanted = DeadLetterFilter(stage=self.stage, transient=True, limit=RETRY_JOBS)
        while dead := [job.job_id for job in jobs.list_dead(wanted)]:
            for some in filter(None, (dead[:1], dead[1:])):
                jobs.redrive(some)
                if not self._retry_jobs(jobs.claim_due(self.stage, RETRY_JOBS)):
                    return

    def _remember(self, error: TransientError | RecordError) -> None:
        problem = Problem.of(error)
        if problem not in self.problems:
            self.problems.append(problem)
