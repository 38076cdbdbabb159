"""What a stage does with events that its sink takes, cannot take now, or can never take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tactics.errors import CircuitOpen, IntegrityError, MappingError, SinkUnavailable, TacticsError
from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, StreamKey
from tactics.pipeline import Problem, Workspace
from tactics.pipeline.delivery import Delivery, Emission, Written, sink_breaker
from tactics.store import Event, JobState
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open

KEY = StreamKey("acme", "meta", "act_1", "ads")
DOWN = SinkUnavailable("no space left")
POISON = MappingError("cannot be mapped")


@dataclass
class Sink:
    """Takes numbers, unless `refuse` names an error for the batch; remembers what it was given."""

    refuse: Callable[[list[int]], TacticsError | None] = lambda _: None
    offered: list[list[int]] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def __call__(self, events: Sequence[Event]) -> Written:
        numbers = [event.header["n"] for event in events]
        self.offered.append(numbers)
        if error := self.refuse(numbers):
            raise error
        self.taken += numbers
        return Written(len(numbers), (Emission(TOPIC_PROCESSED, None, {"n": numbers}),))


def fill(workspace: Workspace, *numbers: int) -> list[int]:
    """Put one event per number on the topic."""
    return workspace.store.bus.append_many(TOPIC_CLEANED, [(KEY, {"n": n}, None) for n in numbers])


def deliver(workspace: Workspace, sink: Sink, size: int = 256) -> Delivery:
    """Return a stage in front of `sink`."""
    return Delivery(workspace, "silver", TOPIC_CLEANED, sink, batch_events=size)


def lag(workspace: Workspace) -> int:
    """Return how many events the stage has yet to do."""
    return workspace.store.bus.lag(TOPIC_CLEANED, "silver")


def states(workspace: Workspace) -> dict[str, int]:
    """Return how many jobs stand where."""
    return {count.state.value: count.jobs for count in workspace.store.jobs.stats()}


def emitted(workspace: Workspace) -> list[list[int]]:
    """Return what the next stage is told."""
    return [event.header["n"] for event in workspace.store.bus.read(TOPIC_PROCESSED, "gold", 99)]


@pytest.fixture
def fragile(open_workspace: Open) -> Workspace:
    """Return a workspace whose breakers open at the first failure."""
    return open_workspace(breakers={"failure_threshold": 1}, queue={"max_retries": 0})


def test_what_is_taken_is_acknowledged_and_told(workspace: Workspace):
    """Batches that the sink takes move the position and reach the next stage, in order."""
    fill(workspace, 1, 2, 3)
    stage = deliver(workspace, Sink(), size=2)
    stage.drain()
    assert lag(workspace) == 0
    assert emitted(workspace) == [[1, 2], [3]]
    report = stage.report()
    assert (report.name, report.rows, report.queued, report.dead_lettered) == ("silver", 3, 0, 0)


def test_a_report_tells_the_seconds(workspace: Workspace, clock: FakeClock):
    """A stage reports how long its sink worked, also in vain; waiting for what is fetched is not work."""

    def slow(numbers: list[int]) -> TacticsError | None:
        clock.advance(2.5)
        return DOWN if numbers == [2] else None

    fill(workspace, 1, 2)
    stage = deliver(workspace, Sink(slow), size=1)
    clock.advance(60)
    stage.drain()
    assert stage.report().seconds == 5


def test_a_transient_error_queues_each_event(workspace: Workspace):
    """A batch that fails for now becomes one waiting job per event, and the position moves on."""
    seqs = fill(workspace, 1, 2)
    stage = deliver(workspace, Sink(lambda _: DOWN))
    stage.drain()
    assert lag(workspace) == 0
    jobs = workspace.store.jobs.claim_due("silver", 9, ignore_schedule=True)
    assert sorted((job.event_seq, job.key) for job in jobs) == [(seq, KEY) for seq in seqs]
    assert stage.report().queued == 2
    assert stage.report().problems == (Problem.of(DOWN),)


def test_what_failed_together_is_tried_together(workspace: Workspace):
    """One wait for a whole batch, each time it fails: a jitter of its own would tear it apart."""
    seqs = fill(workspace, *range(50))
    stage = deliver(workspace, Sink(lambda _: DOWN))
    stage.drain()
    for _ in range(2):
        jobs = workspace.store.jobs.claim_due("silver", 99, ignore_schedule=True)
        assert len({job.scheduled_at for job in jobs}) == 1
        assert [job.event_seq for job in jobs] == seqs
        workspace.store.jobs.release([job.job_id for job in jobs])
        stage.retry(ignore_schedule=True)


def test_a_batch_is_queued_whole_or_not_at_all(workspace: Workspace):
    """When one event cannot be queued, no other is, and the position stays."""
    first, second = read(workspace, 1, 2)
    broken = second._replace(seq="not a number")  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        deliver(workspace, Sink(lambda _: DOWN)).deliver([first, broken])
    assert states(workspace) == {}
    assert lag(workspace) == 2


def read(workspace: Workspace, *numbers: int) -> list[Event]:
    """Return new events."""
    fill(workspace, *numbers)
    return workspace.store.bus.read(TOPIC_CLEANED, "silver", 99)


def test_the_same_error_is_told_once(workspace: Workspace):
    """Ten batches that fail for one reason are one problem."""
    fill(workspace, 1, 2, 3)
    stage = deliver(workspace, Sink(lambda _: DOWN), size=1)
    stage.drain()
    assert len(stage.report().problems) == 1


def test_an_open_breaker_stands_still(fragile: Workspace, clock: FakeClock):
    """With the breaker open nothing is tried and nothing moves; afterwards all of it arrives."""
    fill(fragile, 1, 2, 3)
    sink = Sink(lambda _: DOWN)
    stage = deliver(fragile, sink, size=1)
    stage.drain()
    assert sink.offered == [[1]]
    assert lag(fragile) == 2
    assert [problem.code for problem in stage.problems] == ["sink_unavailable", "circuit_open"]
    sink.refuse = lambda _: None
    stage.drain()
    assert lag(fragile) == 2
    clock.advance(301)
    stage.retry()
    stage.drain()
    assert sink.taken == [1, 2, 3]


def test_a_record_error_isolates_one_event_of_many(workspace: Workspace):
    """One event that can never be written becomes a dead letter; the other ones arrive."""
    seqs = fill(workspace, 1, 2, 3)
    sink = Sink(lambda numbers: POISON if 2 in numbers else None)
    stage = deliver(workspace, sink)
    stage.drain()
    assert sink.taken == [1, 3]
    [letter] = workspace.store.jobs.list_dead()
    assert (letter.event_seq, letter.key, letter.error_type) == (seqs[1], KEY, "mapping_error")
    assert stage.report().dead_lettered == 1
    assert lag(workspace) == 0


def test_isolating_stops_where_the_sink_is_left_alone(workspace: Workspace):
    """An event that the breaker holds back is not passed over by its neighbours."""
    fill(workspace, 1, 2, 3)
    sink = Sink(lambda numbers: POISON if len(numbers) > 1 else leave_alone(numbers))
    stage = deliver(workspace, sink)
    stage.drain()
    assert sink.taken == [1]
    assert lag(workspace) == 2
    sink.refuse = lambda _: None
    stage.drain()
    assert sink.taken == [1, 2, 3]


def leave_alone(numbers: list[int]) -> TacticsError | None:
    """Return the refusal of a breaker further down for number 2."""
    return CircuitOpen("a breaker further down is open") if numbers == [2] else None


def test_a_broken_state_is_not_queued(workspace: Workspace):
    """An integrity error stops the stage with its events unacknowledged."""
    fill(workspace, 1)
    with pytest.raises(IntegrityError):
        deliver(workspace, Sink(lambda _: IntegrityError("broken"))).drain()
    assert lag(workspace) == 1
    assert states(workspace) == {}


def queue_up(workspace: Workspace, *numbers: int) -> None:
    """Let events fail once, so that they wait in the retry queue."""
    deliver(workspace, Sink(), size=1)
    for event in read(workspace, *numbers):
        workspace.store.jobs.enqueue("silver", event.seq, event.key, DOWN)
        workspace.store.bus.acknowledge(TOPIC_CLEANED, "silver", event.seq)


def test_a_retry_waits_for_its_time(workspace: Workspace, clock: FakeClock):
    """What failed is tried again once it is due, and completes."""
    queue_up(workspace, 1, 2)
    sink = Sink()
    stage = deliver(workspace, sink)
    stage.retry()
    assert sink.offered == []
    clock.advance(2)
    stage.retry()
    assert sink.taken == [1, 2]
    assert states(workspace) == {"completed": 2}
    assert emitted(workspace) == [[1, 2]]
    assert stage.rows == 2


def test_a_retried_batch_is_no_larger_than_a_new_one(workspace: Workspace):
    """Large events are retried a few at a time, in the order of the log."""
    for n in (1, 2, 3):
        seq = workspace.store.bus.append(TOPIC_CLEANED, key=KEY, header={"n": n}, body=b"x" * 60)
        workspace.store.jobs.enqueue("silver", seq, KEY, DOWN, scheduled_in=10.0 - n)
    sink = Sink()
    stage = Delivery(workspace, "silver", TOPIC_CLEANED, sink, batch_bytes=100)
    stage.retry(ignore_schedule=True)
    assert sink.offered == [[1, 2], [3]]


def test_a_retry_releases_what_was_not_tried(workspace: Workspace):
    """When the first batch fails again, the others go back without a spent attempt."""
    queue_up(workspace, 1, 2, 3)
    sink = Sink(lambda _: DOWN)
    stage = deliver(workspace, sink, size=1)
    stage.retry(ignore_schedule=True)
    assert len(sink.offered) == 1
    assert states(workspace) == {"available": 2, "retryable": 1}
    jobs = workspace.store.jobs.claim_due("silver", 9, ignore_schedule=True)
    assert sorted(job.attempt for job in jobs) == [1, 1, 2]


def test_a_retry_leaves_an_open_breaker_alone(fragile: Workspace):
    """With the breaker open every claimed job goes back untried."""
    queue_up(fragile, 1, 2)
    fragile.breaker(sink_breaker("silver")).open_for(60, "closed for repairs")
    sink = Sink()
    stage = deliver(fragile, sink)
    stage.retry(ignore_schedule=True)
    assert sink.offered == []
    assert states(fragile) == {"available": 2}
    assert [problem.code for problem in stage.problems] == ["circuit_open"]


def test_a_last_retry_makes_a_dead_letter(workspace: Workspace, clock: FakeClock):
    """After three failed retries the event is a dead letter, and counted."""
    queue_up(workspace, 1)
    stage = deliver(workspace, Sink(lambda _: DOWN))
    for _ in range(3):
        clock.advance(10)
        stage.retry()
    [letter] = workspace.store.jobs.list_dead()
    assert (letter.attempt, letter.transient) == (4, True)
    assert stage.dead == 1


def test_a_record_error_on_retry_isolates_its_event(workspace: Workspace):
    """Of a batch that is tried again, only the event that can never be written is given up."""
    queue_up(workspace, 1, 2, 3)
    sink = Sink(lambda numbers: POISON if 2 in numbers else None)
    stage = deliver(workspace, sink)
    stage.retry(ignore_schedule=True)
    assert sink.taken == [1, 3]
    assert states(workspace) == {"completed": 2, "discarded": 1}
    assert stage.dead == 1


def test_isolating_on_retry_stops_where_the_sink_fails(workspace: Workspace):
    """While a retried batch is taken apart, a failing sink ends it and the rest goes back."""
    queue_up(workspace, 1, 2, 3)
    sink = Sink(lambda numbers: POISON if len(numbers) > 1 else DOWN)
    deliver(workspace, sink).retry(ignore_schedule=True)
    assert len(sink.offered) == 2
    assert states(workspace) == {"available": 2, "retryable": 1}


def test_a_queued_event_that_is_gone_stops_the_process(workspace: Workspace):
    """A job without its event is our own broken state, never a success."""
    workspace.store.jobs.enqueue("silver", 99, KEY, DOWN)
    with pytest.raises(IntegrityError, match="gone"):
        deliver(workspace, Sink()).retry(ignore_schedule=True)


def kill_letters(workspace: Workspace, *numbers: int) -> None:
    """Let events fail until they are dead letters (the workspace allows no retry)."""
    queue_up(workspace, *numbers)
    for job in workspace.store.jobs.claim_due("silver", 99, ignore_schedule=True):
        workspace.store.jobs.fail(job.job_id, DOWN)


def test_a_redrive_tries_one_letter_first(fragile: Workspace, clock: FakeClock):
    """One dead letter is the probe; only when the sink takes it, the others follow."""
    kill_letters(fragile, 1, 2, 3)
    sink = Sink(lambda _: DOWN)
    deliver(fragile, sink).retry()
    assert [len(numbers) for numbers in sink.offered] == [1]
    assert states(fragile) == {"discarded": 3}
    clock.advance(301)
    sink.refuse = lambda _: None
    deliver(fragile, sink).retry()
    assert [len(numbers) for numbers in sink.offered] == [1, 1, 2]
    assert states(fragile) == {"completed": 3}


def test_a_redrive_takes_only_letters_along(workspace: Workspace):
    """What waits for its own time is not tried early because a dead letter is."""
    kill_letters_of(workspace, 1)
    queue_up(workspace, 2)
    sink = Sink(lambda _: DOWN)
    deliver(workspace, sink).retry()
    assert sink.offered == [[1]]


def kill_letters_of(workspace: Workspace, *numbers: int) -> None:
    """Let events fail as often as it takes."""
    queue_up(workspace, *numbers)
    while not workspace.store.jobs.list_dead():
        for job in workspace.store.jobs.claim_due("silver", 99, ignore_schedule=True):
            workspace.store.jobs.fail(job.job_id, DOWN)


def test_a_redrive_leaves_hopeless_letters_alone(workspace: Workspace):
    """A dead letter that can never be written is not tried again by itself."""
    [event] = read(workspace, 1)
    workspace.store.jobs.discard_now("silver", event.key, POISON, event_seq=event.seq)
    sink = Sink()
    deliver(workspace, sink).retry()
    assert sink.offered == []


def test_a_redrive_can_be_turned_off(open_workspace: Open):
    """With `auto_redrive` off, dead letters wait for a person."""
    workspace = open_workspace(queue={"max_retries": 0, "auto_redrive": False})
    kill_letters(workspace, 1)
    sink = Sink()
    deliver(workspace, sink).retry()
    assert sink.offered == []
    [letter] = workspace.store.jobs.list_dead()
    assert letter.state is JobState.DISCARDED


def test_a_renewal_needs_no_event_and_moves_none(fragile: Workspace):
    """What a sink derives is made anew and told; events that wait go on waiting."""
    fill(fragile, 1)
    sink = Sink()
    deliver(fragile, sink).renew()
    assert (sink.offered, emitted(fragile), lag(fragile)) == ([[]], [[]], 1)


def test_a_renewal_that_fails_is_told_and_left_to_the_next_run(fragile: Workspace):
    """Nothing is queued for it: the next run sees for itself."""
    stage = deliver(fragile, Sink(lambda _: DOWN))
    stage.renew()
    stage.renew()
    assert [problem.code for problem in stage.problems] == ["sink_unavailable", "circuit_open"]
    assert (states(fragile), emitted(fragile)) == ({}, [])


def test_a_batch_that_is_not_full_waits(workspace: Workspace):
    """While more is being fetched few events wait for others, so that a commit is worth it."""
    sink = Sink()
    stage = deliver(workspace, sink, size=3)
    fill(workspace, 1, 2)
    stage.drain_full()
    assert sink.offered == []
    fill(workspace, 3)
    stage.drain_full()
    assert sink.offered == [[1, 2, 3]]
    fill(workspace, 4, 5, 6, 7, 8, 9, 10)
    stage.drain_full()
    assert sink.offered == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert lag(workspace) == 1


def test_a_sink_that_is_left_alone_ends_the_full_batches(workspace: Workspace):
    """What lies in the log stays there; nobody turns in circles."""
    sink = Sink(lambda _: DOWN)
    stage = deliver(workspace, sink, size=1)
    fill(workspace, *range(1, 9))
    stage.drain_full()
    assert len(sink.offered) == 5
    assert lag(workspace) == 3
