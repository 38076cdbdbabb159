"""The retry queue and the dead letters."""

import datetime as dt
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tactics.errors import (
    DecodeError,
    NotFoundError,
    RateLimited,
    SchemaViolation,
    SinkUnavailable,
)
from tactics.model import Window
from tactics.store import DeadLetterFilter, JobState, Store, backoff_seconds
from tests.support import FakeClock
from tests.unit.store.builders import DAY, KEY, ME, OTHER_KEY, WINDOW, fetch_days

DOWN = SinkUnavailable("the lake is down", hint="look at the disk", table="bronze.pages")


def _enqueue(store: Store, stage: str = "bronze", **more) -> int:
    return store.jobs.enqueue(stage, 7, KEY, DOWN, **more)


def _claim(store: Store, stage: str = "bronze") -> list[int]:
    return [job.job_id for job in store.jobs.claim_due(stage, 10, ignore_schedule=True)]


def _fail_until_dead(store: Store, job_id: int) -> None:
    for _ in range(4):
        if store.jobs.get(job_id).state is not JobState.DISCARDED:
            assert _claim(store) == [job_id]
            store.jobs.fail(job_id, DOWN)


@given(st.integers(1, 40), st.floats(0, 1))
def test_backoff_doubles_and_only_lengthens(failures: int, jitter: float) -> None:
    """The n-th wait is 2^(n-1) seconds, at most an hour, at most a quarter longer."""
    base = min(2.0 ** (failures - 1), 3600)
    assert base <= backoff_seconds(failures, jitter) <= base * 1.25


def test_the_first_waits_are_those_of_the_design() -> None:
    """1 s, 2 s, 4 s."""
    assert [backoff_seconds(n, 0) for n in (1, 2, 3)] == [1, 2, 4]


def test_a_failed_write_is_a_row(store: Store, clock: FakeClock) -> None:
    """What failed, why, and when it is tried again."""
    job = store.jobs.get(_enqueue(store, payload=b"x" * 900, window=WINDOW))
    assert (job.stage, job.state, job.event_seq, job.key) == ("bronze", "retryable", 7, KEY)
    assert (job.window, job.payload, job.payload_bytes) == (WINDOW, b"x" * 900, 900)
    assert (job.attempt, job.max_attempts, job.transient) == (1, 4, True)
    assert (job.error_type, job.error_hint) == ("sink_unavailable", "look at the disk")
    assert job.error_message == "the lake is down: table=bronze.pages"
    assert 1 <= (job.scheduled_at - clock.now()).total_seconds() <= 1.25
    assert [entry["attempt"] for entry in job.errors] == [1]


def test_nothing_is_claimed_before_it_is_due(store: Store, clock: FakeClock) -> None:
    """A job waits for its time, unless the schedule is ignored."""
    job_id = _enqueue(store)
    assert store.jobs.claim_due("bronze", 10) == []
    clock.advance(2)
    (job,) = store.jobs.claim_due("bronze", 10)
    assert (job.job_id, job.state, job.attempted_at) == (job_id, "running", clock.now())


def test_a_claimed_job_is_not_claimed_again(store: Store) -> None:
    """A running job belongs to one worker; other stages are not touched."""
    job_id = _enqueue(store)
    _enqueue(store, "silver")
    assert _claim(store) == [job_id]
    assert _claim(store) == []


def test_the_longest_waiting_come_first(store: Store) -> None:
    """Jobs are claimed in the order they became due, no more than asked for."""
    late, soon = _enqueue(store, scheduled_in=60), _enqueue(store)
    claimed = [store.jobs.claim_due("bronze", 1, ignore_schedule=True)[0].job_id for _ in range(2)]
    assert claimed == [soon, late]


def test_a_batch_is_claimed_in_order(store: Store) -> None:
    """A batch comes in the order of its due times."""
    late, soon = _enqueue(store, scheduled_in=60), _enqueue(store)
    assert _claim(store) == [soon, late]


def test_a_success_ends_a_job(store: Store, clock: FakeClock) -> None:
    """A completed job is final and carries its payload no longer."""
    job_id = _enqueue(store, payload=b"{}")
    _claim(store)
    assert store.jobs.succeed([job_id]) == 1
    assert store.jobs.succeed([job_id]) == 0
    job = store.jobs.get(job_id)
    assert (job.state, job.finalized_at, job.payload) == ("completed", clock.now(), None)


def test_three_failed_retries_make_a_dead_letter(store: Store, clock: FakeClock) -> None:
    """The waits are 1 s, 2 s, 4 s; the fourth failed try discards."""
    job_id = _enqueue(store)
    waits = []
    for _ in range(3):
        job = store.jobs.get(job_id)
        waits.append((job.scheduled_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
        assert [job.job_id for job in store.jobs.claim_due("bronze", 10)] == [job_id]
        dead = store.jobs.fail(job_id, DOWN)
    assert dead
    assert [int(wait / 1.0) for wait in waits] == [1, 2, 4]
    job = store.jobs.get(job_id)
    assert (job.state, job.attempt, job.finalized_at) == ("discarded", 4, clock.now())
    assert [entry["attempt"] for entry in job.errors] == [1, 2, 3, 4]


def test_the_server_s_wait_is_honoured(store: Store, clock: FakeClock) -> None:
    """A job is never due before retry_after_seconds."""
    job_id = store.jobs.enqueue("bronze", 1, KEY, RateLimited("slow", retry_after_seconds=90))
    assert (store.jobs.get(job_id).scheduled_at - clock.now()).total_seconds() == 90
    _claim(store)
    store.jobs.fail(job_id, RateLimited("slow", retry_after_seconds=30))
    assert (store.jobs.get(job_id).scheduled_at - clock.now()).total_seconds() == 30


def test_a_hopeless_error_is_not_retried(store: Store) -> None:
    """Any error that is not transient makes a dead letter at once."""
    job_id = _enqueue(store)
    _claim(store)
    assert store.jobs.fail(job_id, SchemaViolation("spend is not a number"))
    job = store.jobs.get(job_id)
    assert (job.state, job.attempt, job.transient) == ("discarded", 2, False)
    assert job.error_type == "schema_violation"


def test_a_job_that_is_not_running_cannot_fail(store: Store) -> None:
    """A worker that lost its lease has no say any more."""
    job_id = _enqueue(store)
    assert not store.jobs.fail(job_id, DOWN)
    assert store.jobs.get(job_id).attempt == 1


def test_a_bad_record_goes_straight_to_the_dead_letters(store: Store, clock: FakeClock) -> None:
    """A record that can never succeed is kept with what came, and its neighbours go on."""
    job_id = store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), payload=b'{"da')
    job = store.jobs.get(job_id)
    assert (job.state, job.transient, job.payload) == ("discarded", False, b'{"da')
    assert job.finalized_at == clock.now()
    assert _claim(store, "ingest") == []


def test_an_open_breaker_spends_no_attempt(store: Store, clock: FakeClock) -> None:
    """Released jobs are due again, at once or later, with the attempts they had."""
    now_id, later_id = _enqueue(store), _enqueue(store)
    _claim(store)
    assert store.jobs.release([now_id]) == 1
    assert store.jobs.release([later_id], delay_seconds=300) == 1
    jobs = [store.jobs.get(now_id), store.jobs.get(later_id)]
    assert [(job.state, job.attempt) for job in jobs] == [("available", 1), ("scheduled", 1)]
    assert [job.job_id for job in store.jobs.claim_due("bronze", 10)] == [now_id]
    clock.advance(300)
    assert [job.job_id for job in store.jobs.claim_due("bronze", 10)] == [later_id]


def test_a_lost_lease_counts_as_a_failure(store: Store, clock: FakeClock) -> None:
    """A job whose worker died is tried again, and one that always kills its worker is discarded."""
    job_id = _enqueue(store)
    for attempt in (2, 3):
        assert _claim(store) == [job_id]
        clock.advance(601)
        job = store.jobs.claim_due("other stage", 1) or store.jobs.get(job_id)
        assert (job.state, job.attempt, job.error_type) == ("retryable", attempt, "interrupted")
    assert _claim(store) == [job_id]
    clock.advance(601)
    assert _claim(store) == []
    assert store.jobs.get(job_id).state == "discarded"


def test_the_next_holder_of_the_lock_does_not_wait_for_leases(store: Store) -> None:
    """After a crash the claimed jobs are taken over at once."""
    job_id = _enqueue(store)
    _claim(store)
    assert store.jobs.abandon_running() == 1
    assert _claim(store) == [job_id]


def test_a_redriven_letter_has_all_its_tries(store: Store) -> None:
    """A dead letter that a person retries is due now and may fail as often as a new one."""
    job_id = _enqueue(store, payload=b"{}")
    _fail_until_dead(store, job_id)
    assert store.jobs.redrive([job_id]) == 1
    job = store.jobs.get(job_id)
    assert (job.state, job.attempt, job.finalized_at) == ("available", 0, None)
    assert (job.payload, len(job.errors)) == (b"{}", 4)
    _fail_until_dead(store, job_id)
    assert store.jobs.get(job_id).attempt == 4


def test_only_dead_letters_are_redriven(store: Store) -> None:
    """Waiting, running and completed jobs stay as they are."""
    waiting, done = _enqueue(store), _enqueue(store)
    store.jobs.succeed([done])
    assert store.jobs.redrive([waiting, done, 99]) == 0


def test_a_healed_sink_redrives_what_was_transient(store: Store) -> None:
    """Bad records stay dead; other stages only if asked for."""
    job_id = _enqueue(store)
    _fail_until_dead(store, job_id)
    store.jobs.discard_now("bronze", KEY, DecodeError("cut off"))
    assert store.jobs.redrive_transient("silver") == 0
    assert store.jobs.redrive_transient() == 1
    assert _claim(store) == [job_id]


def test_dead_letters_are_listed_newest_first(store: Store, clock: FakeClock) -> None:
    """Listings have no payloads, but say how large they are."""
    for _ in range(3):
        store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), payload=b"12345")
        clock.advance(1)
    letters = store.jobs.list_dead(DeadLetterFilter(limit=2))
    assert [letter.job_id for letter in letters] == [3, 2]
    assert {(letter.payload, letter.payload_bytes) for letter in letters} == {(None, 5)}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (DeadLetterFilter(), [3, 2, 1]),
        (DeadLetterFilter(orgs=("acme",)), [2, 1]),
        (DeadLetterFilter(orgs=("beta",)), []),
        (DeadLetterFilter(orgs=("acme", "beta"), sources=("stripe",)), [2]),
        (DeadLetterFilter(sources=("stripe", "meta")), [2, 1]),
        (DeadLetterFilter(stage="bronze"), [3]),
        (DeadLetterFilter(error_types=("schema_violation",)), [2]),
        (DeadLetterFilter(transient=True), []),
        (DeadLetterFilter(transient=False), [3, 2, 1]),
        (DeadLetterFilter(since=dt.datetime(2026, 11, 21, 9, 0, 2, tzinfo=dt.UTC)), [3]),
        (DeadLetterFilter(sources=("stripe",), stage="bronze"), []),
    ],
)
def test_dead_letters_are_filtered(
    store: Store, clock: FakeClock, wanted: DeadLetterFilter, found: list[int]
) -> None:
    """Every filter restricts, and they restrict together."""
    store.jobs.discard_now("ingest", KEY, DecodeError("cut off"))
    clock.advance(1)
    store.jobs.discard_now("ingest", OTHER_KEY, SchemaViolation("no amount"))
    clock.advance(1)
    store.jobs.discard_now("bronze", None, DecodeError("cut off"))
    assert [letter.job_id for letter in store.jobs.list_dead(wanted)] == found


def test_an_unknown_job_is_not_found(store: Store) -> None:
    """The error says where to look."""
    with pytest.raises(NotFoundError, match="no such job: job_id=99") as caught:
        store.jobs.get(99)
    assert "dlq list" in caught.value.hint


def test_stats_count_by_stage_and_state(store: Store, clock: FakeClock) -> None:
    """The age of the oldest follows from its instant."""
    born = clock.now()
    _enqueue(store)
    clock.advance(60)
    _enqueue(store)
    store.jobs.discard_now("ingest", KEY, DecodeError("cut off"))
    counts = {(count.stage, count.state): count for count in store.jobs.stats()}
    assert set(counts) == {("bronze", "retryable"), ("ingest", "discarded")}
    waiting = counts["bronze", JobState.RETRYABLE]
    assert (waiting.jobs, waiting.oldest_created_at) == (2, born)
    assert (waiting.next_scheduled_at - born).total_seconds() < 2


@pytest.mark.parametrize(
    ("window", "healed"),
    [
        (WINDOW, 1),
        (Window(WINDOW.start - dt.timedelta(days=5), WINDOW.end), 1),
        (Window(DAY, DAY), 0),
        (Window(WINDOW.end + dt.timedelta(days=1), WINDOW.end + dt.timedelta(days=2)), 0),
    ],
    ids=["same", "larger", "part", "other"],
)
def test_a_good_fetch_heals_the_letters_of_its_slice(
    store: Store, clock: FakeClock, window: Window, healed: int
) -> None:
    """A dead letter of ingest is done once its whole window came in well."""
    letter = store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), window=WINDOW)
    other = store.jobs.discard_now("ingest", OTHER_KEY, DecodeError("cut off"), window=WINDOW)
    clock.advance(60)
    fetch_days(store, window)
    assert store.jobs.complete_for_slice(KEY, window) == healed
    assert (store.jobs.get(letter).state == "completed") is bool(healed)
    assert store.jobs.get(other).state == "discarded"


def test_fetches_in_pieces_heal_together(store: Store, clock: FakeClock) -> None:
    """A window that was cut into days is healed by the last of them, not by older coverage."""
    fetch_days(store, WINDOW)
    clock.advance(60)
    store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), window=WINDOW)
    clock.advance(60)
    healed = []
    for day in WINDOW.days():
        fetch_days(store, Window(day, day))
        healed.append(store.jobs.complete_for_slice(KEY, Window(day, day)))
    assert healed == [0, 1]


def test_a_snapshot_heals_all_of_its_stream(store: Store) -> None:
    """A snapshot reads everything, so earlier failures of any day are done."""
    store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), window=WINDOW)
    tomorrow = WINDOW.end + dt.timedelta(days=1)
    assert store.jobs.complete_for_slice(KEY, Window(tomorrow, tomorrow), snapshot=True) == 1


def test_a_slice_that_fails_at_every_sync_is_one_dead_letter(
    store: Store, clock: FakeClock
) -> None:
    """It counts its failures, and keeps the first, the last ones, and what came last."""
    ids = set()
    for number in range(30):
        payload = f"answer {number}".encode()
        broken = DecodeError(f"cut off {number}", hint="ask again")
        ids.add(store.jobs.discard_now("ingest", KEY, broken, payload=payload, window=WINDOW))
        clock.advance(3600)
    (job_id,) = ids
    job = store.jobs.get(job_id)
    assert (job.state, job.attempt, job.payload) == ("discarded", 30, b"answer 29")
    assert [entry["attempt"] for entry in job.errors] == [1, *range(12, 31)]
    assert job.finalized_at == clock.now() - dt.timedelta(hours=1)
    assert store.jobs.discard_now("ingest", KEY, DecodeError("empty"), window=WINDOW) == job_id
    assert store.jobs.get(job_id).payload == b"answer 29"


def test_a_retried_slice_that_fails_again_is_the_same_dead_letter(store: Store) -> None:
    """Nothing waits for ever beside a letter that says the same."""
    job_id = store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), window=WINDOW)
    store.jobs.redrive([job_id])
    assert store.jobs.discard_now("ingest", KEY, DecodeError("cut off"), window=WINDOW) == job_id
    assert [count.state for count in store.jobs.stats()] == [JobState.DISCARDED]


def test_another_failure_is_another_dead_letter(store: Store) -> None:
    """Other errors, other days, other streams and edited letters stand for themselves."""
    cut_off = DecodeError("cut off")
    edited = store.jobs.discard_now("ingest", KEY, cut_off, window=WINDOW)
    store.letters.edit(edited, b"{}", ME)
    ids = [
        edited,
        store.jobs.discard_now("ingest", KEY, cut_off, window=WINDOW),
        store.jobs.discard_now("ingest", KEY, SchemaViolation("no amount"), window=WINDOW),
        store.jobs.discard_now("ingest", KEY, cut_off, window=Window(DAY, DAY)),
        store.jobs.discard_now("ingest", OTHER_KEY, cut_off, window=WINDOW),
    ]
    assert ids == [1, 2, 3, 4, 5]


def test_only_edited_jobs_are_claimed_where_asked_for(store: Store) -> None:
    """What a person has mended is worked on; the others wait for the vendor."""
    plain, mended = (
        store.jobs.discard_now("ingest", key, DecodeError("cut off"), window=WINDOW)
        for key in (KEY, OTHER_KEY)
    )
    store.letters.edit(mended, b"{}", ME)
    store.letters.retry([plain, mended], ME)
    claimed = store.jobs.claim_due("ingest", 10, edited_only=True)
    assert [(job.job_id, job.payload) for job in claimed] == [(mended, b"{}")]
    assert claimed[0].edited_at is not None


def test_ended_jobs_are_forgotten_after_a_while(store: Store, clock: FakeClock) -> None:
    """Completed and cancelled jobs go; dead letters stay until a person decides."""
    done, dead, gone = (_enqueue(store) for _ in range(3))
    store.jobs.succeed([done])
    for job_id in (dead, gone):
        _claim(store)
        store.jobs.fail(job_id, SchemaViolation("no"))
    store.letters.purge([gone], ME)
    clock.advance(91 * 86400)
    assert store.jobs.prune(90) == 2
    assert [letter.job_id for letter in store.jobs.list_dead()] == [dead]


FINAL = {"completed", "discarded", "cancelled"}


class JobMachine(RuleBasedStateMachine):
    """Everything that can happen to jobs, in any order, against a small model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = FakeClock()
        path = Path(self.folder.name) / "tactics.db"
        self.store = Store.open(path, self.clock, rng=random.Random(7), max_retries=2)
        self.jobs = self.store.jobs
        self.model: dict[int, tuple[str, int]] = {}  # job_id to state and attempt

    def _some(self, data: st.DataObject, *states: str) -> list[int]:
        known = sorted(job_id for job_id, (state, _) in self.model.items() if state in states)
        return data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []

    def _move(self, job_ids: list[int], state: str, attempt: int | None = None) -> None:
        for job_id in job_ids:
            self.model[job_id] = (state, self.model[job_id][1] if attempt is None else attempt)

    def _count_failure(self, job_id: int, *, transient: bool) -> None:
        attempt = self.model[job_id][1] + 1
        state = "retryable" if transient and attempt < 3 else "discarded"
        self.model[job_id] = (state, attempt)

    @rule()
    def enqueue(self) -> None:
        """A write has failed."""
        self.model[self.jobs.enqueue("bronze", 1, KEY, DOWN)] = ("retryable", 1)

    @rule()
    def discard(self) -> None:
        """A record can never succeed."""
        self.model[self.jobs.discard_now("bronze", KEY, DecodeError("no"))] = ("discarded", 1)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        """A worker takes what waits."""
        waiting = {j for j, (state, _) in self.model.items() if state not in FINAL | {"running"}}
        claimed = [job.job_id for job in self.jobs.claim_due("bronze", limit, ignore_schedule=True)]
        assert set(claimed) <= waiting
        assert len(claimed) == min(limit, len(waiting))
        self._move(claimed, "running")

    @rule(data=st.data(), transient=st.booleans())
    def fail(self, data: st.DataObject, transient: bool) -> None:  # noqa: FBT001
        """Some running jobs fail."""
        for job_id in self._some(data, "running"):
            dead = self.jobs.fail(job_id, DOWN if transient else DecodeError("no"))
            self._count_failure(job_id, transient=transient)
            assert dead == (self.model[job_id][0] == "discarded")

    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        """Some writes are done."""
        chosen = self._some(data, "running", "retryable", "available", "completed")
        open_jobs = [job_id for job_id in chosen if self.model[job_id][0] not in FINAL]
        assert self.jobs.succeed(chosen) == len(open_jobs)
        self._move(open_jobs, "completed")

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """The breaker is open."""
        chosen = self._some(data, "running")
        assert self.jobs.release(chosen) == len(chosen)
        self._move(chosen, "available")

    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        """A person retries dead letters."""
        chosen = self._some(data, "discarded")
        assert self.jobs.redrive(chosen) == len(chosen)
        self._move(chosen, "available", attempt=0)

    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        """A person drops dead letters."""
        chosen = self._some(data, "discarded")
        assert sorted(self.store.letters.purge(chosen, ME)) == sorted(chosen)
        self._move(chosen, "cancelled")

    @rule()
    def crash(self) -> None:
        """The worker dies; the next one takes over."""
        running = [job_id for job_id, (state, _) in self.model.items() if state == "running"]
        assert self.jobs.abandon_running() == len(running)
        for job_id in running:
            self._count_failure(job_id, transient=True)

    @invariant()
    def the_rows_agree(self) -> None:
        """State, attempts and history of each job are those of the model, and none is lost."""
        for job_id, (state, attempt) in self.model.items():
            job = self.jobs.get(job_id)
            assert (job.state, job.attempt) == (state, attempt)
            assert job.attempt <= job.max_attempts
            assert (job.finalized_at is not None) == (state in FINAL)
            assert len(job.errors) >= attempt
        assert sum(count.jobs for count in self.jobs.stats()) == len(self.model)

    def teardown(self) -> None:
        """Remove the file."""
        self.store.close()
        self.folder.cleanup()


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
