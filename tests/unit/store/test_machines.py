"""Queue and ledger as they live: clocks run, leases end, processes die, the file is opened again."""

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tactics.errors import IntegrityError, RateLimited, SchemaViolation, SinkUnavailable
from tactics.model import TOPIC_CLEANED, Finality, StreamKey, Window
from tactics.store import FetchState, JobState, Store
from tests.effort import effort
from tests.support import FakeClock
from tests.unit.store.builders import DAY, KEY, ME, OTHER_KEY, slice_of

LEASE = dt.timedelta(seconds=600)
RETRIES = 3
WAITING = ("retryable", "available", "scheduled")
ENDED = ("completed", "cancelled")
DOWN, BAD = SinkUnavailable("the lake is down"), SchemaViolation("never")


@cache
def empty_file() -> Path:
    """Return a migrated file to copy: migrating syncs the disk many times."""
    path = Path(mkdtemp(prefix="tactics-machine-")) / "tactics.db"
    Store.open(path, FakeClock()).close()
    return path


class StoreMachine(RuleBasedStateMachine):
    """A store of its own for each example, which may be closed and opened again at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = FakeClock()
        self.path = Path(self.folder.name) / "tactics.db"
        shutil.copy(empty_file(), self.path)
        self.rng = random.Random(7)
        self.store = self.open()

    def open(self) -> Store:
        """Open the file as a new process would."""
        return Store.open(self.path, self.clock, rng=self.rng, max_retries=RETRIES)

    @rule(seconds=st.sampled_from([0.5, 1, 3, 30, 601]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule()
    def open_again(self) -> None:
        """The process ends and another one begins."""
        self.store.close()
        self.store = self.open()

    def teardown(self) -> None:
        """Remove the file."""
        self.store.close()
        self.folder.cleanup()


@dataclass
class Write:
    """What the model knows of one write that failed."""

    seq: int
    due: dt.datetime
    state: str = "retryable"
    attempt: int = 1
    transient: bool = True
    leased_until: dt.datetime | None = None


class QueueMachine(StoreMachine):
    """Log, retry queue and dead letters under a clock: nothing early, nothing twice, nothing lost."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: dict[int, Write] = {}
        self.log: set[int] = set()

    def some_are(self, state: str) -> bool:
        """Return whether a write is in this state."""
        return any(write.state == state for write in self.writes.values())

    def _some(self, data: st.DataObject, state: str) -> list[int]:
        known = sorted(j for j, write in self.writes.items() if write.state == state)
        return data.draw(st.lists(st.sampled_from(known), min_size=1, unique=True))

    def _fail(self, write: Write, *, transient: bool = True) -> None:
        write.attempt += 1
        write.transient, write.leased_until = transient, None
        dead = not transient or write.attempt > RETRIES
        write.state = "discarded" if dead else "retryable"

    def _note_due(self, job_id: int, least: float) -> None:
        """Take over when a job is due: not before `least` seconds, at most a quarter later."""
        due, now = self.store.jobs.get(job_id).scheduled_at, self.clock.now()
        assert least - 0.001 <= (due - now).total_seconds() <= least * 1.25 + 0.001
        self.writes[job_id].due = due

    @rule(delay=st.sampled_from([0.0, 1.0, 20.0]))
    def fail_to_write(self, delay: float) -> None:
        """An event that cannot be written waits in the queue, and the stage goes on after it."""
        with self.store.transaction():
            seq = self.store.bus.append(TOPIC_CLEANED, key=KEY, header={})
            job_id = self.store.jobs.enqueue("silver", seq, KEY, DOWN, scheduled_in=delay)
            self.store.bus.acknowledge(TOPIC_CLEANED, "silver", seq)
        self.log.add(seq)
        self.writes[job_id] = Write(seq, self.clock.now())
        self._note_due(job_id, delay)

    @rule()
    def die_while_queueing(self) -> None:
        """A process that dies before its transaction ends leaves no trace."""
        with pytest.raises(KeyboardInterrupt):
            self._die_while_queueing()

    def _die_while_queueing(self) -> None:
        with self.store.transaction():
            seq = self.store.bus.append(TOPIC_CLEANED, key=KEY, header={})
            self.store.jobs.enqueue("silver", seq, KEY, DOWN)
            raise KeyboardInterrupt

    @precondition(lambda self: self.writes)
    @rule(limit=st.integers(1, 4), pause=st.sampled_from([0, 0, 601]))
    def claim(self, limit: int, pause: int) -> None:
        """Lost leases count as failures; then the longest due are taken, no other, in order."""
        now = self.clock.now()
        for write in self.writes.values():
            if write.leased_until and write.leased_until <= now:
                self._fail(write)
                write.due = now
        due = [j for j, w in self.writes.items() if w.state in WAITING and w.due <= now]
        due.sort(key=lambda job_id: (self.writes[job_id].due, job_id))
        claimed = self.store.jobs.claim_due("silver", limit)
        assert [job.job_id for job in claimed] == due[:limit]
        for job in claimed:
            write = self.writes[job.job_id]
            write.state, write.leased_until = "running", now + LEASE
        self.clock.advance(pause)  # perhaps longer than the lease

    @precondition(lambda self: self.some_are("running"))
    @rule(data=st.data(), after=st.sampled_from([0, 0, 50]), hopeless=st.booleans())
    def fail_again(self, data: st.DataObject, after: int, hopeless: bool) -> None:  # noqa: FBT001
        """A retry fails: 1, 2, 4 s, no sooner than the server says; the third was the last."""
        down = RateLimited("slow", retry_after_seconds=after) if after else DOWN
        for job_id in self._some(data, "running"):
            write = self.writes[job_id]
            self._fail(write, transient=not hopeless)
            dead = self.store.jobs.fail(job_id, BAD if hopeless else down)
            assert dead == (write.state == "discarded")
            if not dead:
                self._note_due(job_id, max(2.0 ** (write.attempt - 1), after))

    @precondition(lambda self: self.some_are("running"))
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        """Some retries are written."""
        chosen = self._some(data, "running")
        assert self.store.jobs.succeed(chosen) == len(chosen)
        for job_id in chosen:
            self.writes[job_id].state, self.writes[job_id].leased_until = "completed", None

    @precondition(lambda self: self.some_are("running"))
    @rule(data=st.data(), delay=st.sampled_from([0.0, 30.0]))
    def release(self, data: st.DataObject, delay: float) -> None:
        """The sink is left alone: what was claimed goes back untried."""
        chosen = self._some(data, "running")
        assert self.store.jobs.release(chosen, delay_seconds=delay) == len(chosen)
        for job_id in chosen:
            write = self.writes[job_id]
            write.state, write.leased_until = "scheduled" if delay else "available", None
            write.due = self.clock.now() + dt.timedelta(seconds=delay)

    @precondition(lambda self: self.some_are("discarded"))
    @rule(data=st.data(), pace=st.sampled_from([0, 10]))
    def retry_letters(self, data: st.DataObject, pace: int) -> None:
        """A person puts letters back at a pace, with all their tries."""
        chosen = self._some(data, "discarded")
        assert self.store.letters.retry(chosen, ME, every_seconds=pace) == sorted(chosen)
        for number, job_id in enumerate(chosen):
            write = self.writes[job_id]
            write.state, write.attempt = "scheduled" if number * pace else "available", 0
            write.due = self.clock.now() + dt.timedelta(seconds=number * pace)

    @rule()
    def heal(self) -> None:
        """The sink takes writes again: letters whose cause has passed are due at once."""
        healed = [w for w in self.writes.values() if w.state == "discarded" and w.transient]
        assert self.store.jobs.redrive_transient("silver") == len(healed)
        for write in healed:
            write.state, write.attempt, write.due = "available", 0, self.clock.now()

    @precondition(lambda self: self.some_are("discarded"))
    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        """A person gives some letters up."""
        chosen = self._some(data, "discarded")
        assert self.store.letters.purge(chosen, ME) == chosen
        for job_id in chosen:
            self.writes[job_id].state = "cancelled"

    @rule()
    def take_over(self) -> None:
        """The worker is dead: what it was trying counts as failed, leases or not."""
        running = [write for write in self.writes.values() if write.state == "running"]
        assert self.store.jobs.abandon_running() == len(running)
        for write in running:
            self._fail(write)
            write.due = self.clock.now()

    @rule()
    def prune(self) -> None:
        """The log keeps exactly what a waiting write or a dead letter is about."""
        kept = {write.seq for write in self.writes.values() if write.state not in ENDED}
        assert self.store.bus.prune(0) == len(self.log - kept)
        self.log &= kept

    @invariant()
    def the_rows_agree(self) -> None:
        """Each job stands as the model says, and what it is about is in the log."""
        for job_id, write in self.writes.items():
            job = self.store.jobs.get(job_id)
            found = (job.state, job.attempt, job.event_seq)
            assert found == (JobState(write.state), write.attempt, write.seq)
            if write.state in WAITING:
                assert job.scheduled_at == write.due
            if write.state not in ENDED:
                assert self.store.bus.get(write.seq) is not None
        assert self.store.bus.lag(TOPIC_CLEANED, "silver") == 0


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = effort(40, steps=30)


@dataclass
class Fetched:
    """What the model knows of one fetch."""

    key: StreamKey
    window: Window
    state: FetchState = FetchState.RUNNING
    pages: list[bytes] = field(default_factory=list)


Held = tuple[Finality, str, dt.datetime]


class LedgerMachine(StoreMachine):
    """Fetches and the days they cover, torn, failed and repeated in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.fetches: dict[str, Fetched] = {}
        self.held: dict[tuple[StreamKey, dt.date], Held] = {}
        self.number = 0

    def some_are(self, *states: FetchState) -> bool:
        """Return whether a fetch is in one of these states."""
        return any(fetch.state in states for fetch in self.fetches.values())

    def _one(self, data: st.DataObject, *states: FetchState) -> str:
        known = [name for name, fetch in self.fetches.items() if fetch.state in states]
        return data.draw(st.sampled_from(known))

    def _body(self) -> bytes:
        self.number += 1
        return b'{"page":%d}' % self.number

    @rule(key=st.sampled_from([KEY, OTHER_KEY]), first=st.integers(0, 3), days=st.integers(1, 4))
    def begin(self, key: StreamKey, first: int, days: int) -> None:
        """A slice is begun."""
        start = DAY + dt.timedelta(days=first)
        window = Window(start, start + dt.timedelta(days=days - 1))
        request_id = self.store.fetches.begin(slice_of(key, window), api_version="v1")
        self.fetches[request_id] = Fetched(key, window)

    @precondition(lambda self: self.some_are(FetchState.RUNNING))
    @rule(data=st.data(), count=st.integers(1, 3))
    def append(self, data: st.DataObject, count: int) -> None:
        """Pages come, of several fetches in turn."""
        for _ in range(count):
            request_id = self._one(data, FetchState.RUNNING)
            body = self._body()
            self.store.fetches.append_page(request_id, body, request="{}")
            self.fetches[request_id].pages.append(body)

    @precondition(lambda self: self.some_are(FetchState.COMPLETED, FetchState.FAILED))
    @rule(data=st.data())
    def append_too_late(self, data: st.DataObject) -> None:
        """An ended fetch takes no page and covers no day."""
        request_id = self._one(data, FetchState.COMPLETED, FetchState.FAILED)
        with pytest.raises(IntegrityError):
            self.store.fetches.append_page(request_id, b"late", request="{}")
        with pytest.raises(IntegrityError):
            self.store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)])

    @precondition(lambda self: self.some_are(FetchState.RUNNING))
    @rule(data=st.data(), finality=st.sampled_from(Finality), whole=st.booleans())
    def complete(self, data: st.DataObject, finality: Finality, whole: bool) -> None:  # noqa: FBT001
        """The last page covers the days of the slice; of a snapshot nothing else is held then."""
        request_id = self._one(data, FetchState.RUNNING)
        fetch, body = self.fetches[request_id], self._body()
        days = [(day, finality) for day in fetch.window.days()]
        with self.store.transaction():
            self.store.fetches.append_page(request_id, body, request="{}")
            self.store.fetches.complete(request_id, days=days, replace=whole)
        if whole:
            self.held = {place: h for place, h in self.held.items() if place[0] != fetch.key}
        for day, _ in days:
            self.held[fetch.key, day] = (finality, request_id, self.clock.now())
        fetch.pages.append(body)
        fetch.state = FetchState.COMPLETED

    @precondition(lambda self: self.some_are(FetchState.RUNNING))
    @rule(data=st.data())
    def die_at_the_last_page(self, data: st.DataObject) -> None:
        """Killed inside the last transaction, neither page nor day is there."""
        request_id = self._one(data, FetchState.RUNNING)
        with pytest.raises(KeyboardInterrupt):
            self._die_at_the_last_page(request_id)

    def _die_at_the_last_page(self, request_id: str) -> None:
        with self.store.transaction():
            self.store.fetches.append_page(request_id, b"torn", request="{}")
            self.store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)], replace=True)
            raise KeyboardInterrupt

    @precondition(lambda self: self.some_are(*FetchState))
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """A slice fails; an ended one stays as it is."""
        request_id = self._one(data, *FetchState)
        self.store.fetches.fail(request_id, DOWN)
        if self.fetches[request_id].state is FetchState.RUNNING:
            self.fetches[request_id].state = FetchState.FAILED

    @rule()
    def take_over(self) -> None:
        """The process is dead: what it was fetching has failed."""
        running = [f for f in self.fetches.values() if f.state is FetchState.RUNNING]
        assert self.store.fetches.abandon_running() == len(running)
        for fetch in running:
            fetch.state = FetchState.FAILED

    @invariant()
    def the_ledger_agrees(self) -> None:
        """Each day belongs to the newest complete fetch of it, and to no other."""
        rows = {(r.key, r.day): r for r in self.store.coverage.all_rows()}
        found = {p: (r.finality, r.request_id, r.fetched_at) for p, r in rows.items()}
        assert found == self.held
        completed = [n for n, f in self.fetches.items() if f.state is FetchState.COMPLETED]
        assert len(self.store.coverage.winners(completed)) == len(self.held)

    @invariant()
    def the_fetches_agree(self) -> None:
        """Each fetch is in its state, and its pages come back whole, in order, unmixed."""
        found = self.store.fetches.get_many(self.fetches)
        assert {n: (f.state, f.pages) for n, f in found.items()} == {
            n: (f.state, len(f.pages)) for n, f in self.fetches.items()
        }
        for request_id in [*self.fetches][-3:]:
            pages = self.store.fetches.pages_of(request_id)
            assert [page.payload for page in pages] == self.fetches[request_id].pages
            assert [page.page for page in pages] == list(range(len(pages)))

    @invariant()
    def the_watermarks_agree(self) -> None:
        """How far a stream has come is what walking over its days says."""
        marks = {mark.key: mark for mark in self.store.coverage.watermarks()}
        assert marks.keys() == {key for key, _ in self.held}
        for key, mark in marks.items():
            days = {day: held[0] for (owner, day), held in self.held.items() if owner == key}
            closed = list(closed_run(days))
            assert (mark.first_day, mark.newest_day, mark.days) == (min(days), max(days), len(days))
            assert mark.closed_through == (closed[-1] if closed else None)
            assert mark.finality is min(days.values(), key=[*Finality].index)


def closed_run(days: dict[dt.date, Any]) -> Iterator[dt.date]:
    """Yield the days from the first one on until one is missing or open."""
    day = min(days)
    while days.get(day, Finality.OPEN) is not Finality.OPEN:
        yield day
        day += dt.timedelta(days=1)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = effort(40, steps=30)
