"""When waiting writes are worked off, step by step."""

from collections.abc import Callable

import pytest

from tactics.daemon.flusher import Flusher, FlusherReport
from tactics.daemon.work import Done, Verb
from tactics.errors import MappingError, SinkUnavailable
from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_RAW, RunStatus
from tactics.pipeline import CommitLock, Scope, Workspace, sink_breaker
from tests.support import FakeClock
from tests.unit.daemon.conftest import Hand, Open, ignore

Step = Callable[[], FlusherReport]


@pytest.fixture
def hand() -> Hand:
    """Return a worker that does nothing."""
    return Hand()


def stepping(workspace: Workspace, hand: Hand) -> Step:
    """Return the flusher's step."""
    flusher = Flusher(
        workspace.settings,
        workspace.home,
        workspace.store,
        hand,
        clock=workspace.clock,
        beat=ignore,
    )
    return lambda: flusher.step(workspace.clock.now())


@pytest.fixture
def step(workspace: Workspace, hand: Hand) -> Step:
    """Return the step of a flusher with the defaults."""
    return stepping(workspace, hand)


def enqueue(workspace: Workspace, stage: str = "silver", seconds: float = 1.0) -> int:
    """Put a write into the retry queue; return its number."""
    error = SinkUnavailable("full")
    return workspace.store.jobs.enqueue(stage, 1, None, error, scheduled_in=seconds)


def end_run(workspace: Workspace, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    """Let a run begin and end now."""
    run_id = workspace.store.runs.start("sync", Scope().to_json())
    workspace.store.runs.finish(run_id, status, {})


def test_nothing_waits(step: Step, hand: Hand):
    """Where nothing waits no run is made."""
    assert step() == FlusherReport()
    assert hand.jobs == []


def test_a_write_is_tried_when_it_is_due(
    step: Step, workspace: Workspace, hand: Hand, clock: FakeClock
):
    """Before its time it is left alone; then a run tries it."""
    enqueue(workspace, seconds=60)
    assert step().reasons == ()
    clock.advance(90)
    report = step()
    assert report.reasons == ("silver: writes that are due",)
    assert [job.verb for job in hand.jobs] == [Verb.FLUSH]


def test_what_a_dead_process_was_trying_is_due(step: Step, workspace: Workspace):
    """A claimed write whose process is gone does not wait for its lease."""
    enqueue(workspace, seconds=0)
    workspace.store.jobs.claim_due("silver", 10, ignore_schedule=True)
    assert step().run is not None


def test_a_sink_with_an_open_breaker_is_left_alone(
    step: Step, workspace: Workspace, hand: Hand, clock: FakeClock
):
    """No attempt is spent while it is open; once it has cooled down, one run tries."""
    enqueue(workspace, seconds=0)
    workspace.breaker(sink_breaker("silver")).open_for(300, "full")
    clock.advance(2)
    assert step().reasons == ()
    clock.advance(300)
    assert step().run is not None
    assert len(hand.jobs) == 1


def test_a_transient_dead_letter_is_probed_after_the_cool_down(
    step: Step, workspace: Workspace, clock: FakeClock
):
    """The sink may have healed: one run sees, and not before a while."""
    workspace.store.jobs.discard_now("gold", None, SinkUnavailable("full"), event_seq=1)
    assert step().reasons == ()
    clock.advance(workspace.settings.breakers.cooldown_seconds)
    assert step().reasons == ("gold: transient dead letters",)


def test_a_dead_letter_that_needs_a_person_waits_for_one(
    step: Step, workspace: Workspace, clock: FakeClock
):
    """What no retry can help is not tried."""
    workspace.store.jobs.discard_now("silver", None, MappingError("no"), event_seq=1)
    clock.advance(86400)
    assert step().reasons == ()


def test_redriving_can_be_turned_off(open_workspace: Open, hand: Hand, clock: FakeClock):
    """Who sets `auto_redrive = false` redrives by hand."""
    workspace = open_workspace(queue={"auto_redrive": False})
    workspace.store.jobs.discard_now("gold", None, SinkUnavailable("full"), event_seq=1)
    clock.advance(86400)
    assert stepping(workspace, hand)().reasons == ()


@pytest.mark.parametrize(
    ("topic", "stage"),
    [(TOPIC_RAW, "bronze"), (TOPIC_CLEANED, "silver"), (TOPIC_PROCESSED, "gold")],
)
def test_what_a_run_left_is_carried_on(
    step: Step, workspace: Workspace, clock: FakeClock, *, topic: str, stage: str
):
    """Events that a run which ended early has left are not left for the next schedule."""
    end_run(workspace, RunStatus.FAILED)
    workspace.store.bus.append(topic, header={"org_id": "acme"})
    assert step().reasons == ()
    clock.advance(300)
    assert step().reasons == (f"{stage}: events that no run has carried on",)


def test_what_dataguard_holds_back_is_left(step: Step, workspace: Workspace, clock: FakeClock):
    """Changes of a halted organisation wait for its data, not for us."""
    end_run(workspace, RunStatus.HALTED)
    workspace.store.bus.append(TOPIC_PROCESSED, header={"org_id": "acme"})
    clock.advance(3600)
    assert step().reasons == ()


def test_a_run_that_changes_nothing_is_repeated_ever_more_slowly(
    step: Step, workspace: Workspace, hand: Hand, clock: FakeClock
):
    """15, 30, 60 … seconds, up to five minutes, until something changes."""
    job_id = enqueue(workspace, seconds=0)
    clock.advance(2)
    pauses = []
    for _ in range(7):
        pauses.append(step().paused_seconds)
        assert step().run is None
        clock.advance(pauses[-1])
    assert pauses == [15, 30, 60, 120, 240, 300, 300]
    hand.does = lambda _: Done(str(workspace.store.jobs.succeed([job_id])))
    assert step().paused_seconds == 0


def test_nobody_is_disturbed_at_work(step: Step, workspace: Workspace, hand: Hand):
    """While a run is on, ours or another process's, it does all this by itself."""
    enqueue(workspace, seconds=0)
    hand.busy = True
    assert step().run is None
    hand.busy = False
    with CommitLock(workspace.home.lock) as other:
        other.try_acquire()
        assert step().run is None
