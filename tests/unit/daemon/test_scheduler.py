"""When sources are asked, step by step."""

import datetime as dt
from collections.abc import Callable

import pytest

from tactics.daemon.scheduler import Scheduler, SchedulerReport, pause_seconds
from tactics.daemon.work import Done, Ending, Job, Verb
from tactics.pipeline import Workspace
from tactics.store import Visit
from tests.support import FakeClock
from tests.unit.daemon.conftest import Hand, Open, ignore, jump, orgs_of

HOUR = 3600.0


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with two sources, due each full hour."""
    return open_workspace(orgs=orgs_of(acme__meta="0 * * * *", acme__stripe="0 * * * *"))


@pytest.fixture
def hand(workspace: Workspace) -> Hand:
    """Return a worker that visits every source it is asked for."""
    return Hand(visiting(workspace))


def scheduler_of(workspace: Workspace, hand: Hand) -> Scheduler:
    """Return a scheduler that has not done anything yet."""
    clock = workspace.clock
    return Scheduler(lambda: workspace.settings, workspace.store, hand, clock=clock, beat=ignore)


@pytest.fixture
def step(workspace: Workspace, hand: Hand, clock: FakeClock) -> Callable[[], SchedulerReport]:
    """Return the scheduler's step."""
    scheduler = scheduler_of(workspace, hand)
    return lambda: scheduler.step(clock.now())


def visiting(workspace: Workspace, outcome: str = "ok") -> Callable[[Job], Done]:
    """Return what a run does to the visits."""

    def visit(job: Job) -> Done:
        for chosen in job.scope.chosen(workspace.settings):
            facts = (chosen.org_id, chosen.source, workspace.clock.now(), outcome)
            failed = outcome == "failed"
            workspace.store.visits.note(Visit(*facts, failures=int(failed), transient=failed))
        return Done("succeeded", "r1")

    return visit


def test_new_sources_are_asked_in_one_run(step: Callable[[], SchedulerReport], hand: Hand):
    """What was never asked is asked at once, all in one run; then nothing is due."""
    report = step()
    assert [job.verb for job in hand.jobs] == [Verb.SYNC]
    assert report.due == ("acme/meta", "acme/stripe")
    assert report.next_at == dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
    assert step().runs == ()


def test_a_night_asleep_is_caught_up_once(
    step: Callable[[], SchedulerReport], hand: Hand, clock: FakeClock
):
    """Ten missed hours are one run."""
    step()
    clock.advance(10 * HOUR)
    step()
    step()
    assert len(hand.jobs) == 2


def test_a_restart_asks_nothing_twice(workspace: Workspace, hand: Hand, clock: FakeClock):
    """What is due is in the store: a new scheduler knows what the last one did."""
    for _ in range(3):
        scheduler_of(workspace, hand).step(clock.now())
    assert len(hand.jobs) == 1


def test_a_clock_set_back_stops_nothing(
    step: Callable[[], SchedulerReport], hand: Hand, clock: FakeClock
):
    """A visit that now lies a day ahead is none, and the hours go on from where the clock is."""
    step()
    jump(clock, -24 * HOUR)
    step()
    clock.advance(HOUR)
    step()
    assert len(hand.jobs) == 3


def test_sources_with_schedules_of_their_own(open_workspace: Open, clock: FakeClock):
    """Only what is due is asked."""
    workspace = open_workspace(orgs=orgs_of(acme__meta="0 * * * *", acme__stripe="0 6 * * *"))
    hand = Hand(visiting(workspace))
    scheduler = scheduler_of(workspace, hand)
    scheduler.step(clock.now())
    clock.advance(HOUR)
    scheduler.step(clock.now())
    assert [job.scope.sources for job in hand.jobs] == [(), ("meta",)]


def test_a_failure_is_tried_again_before_its_schedule(
    step: Callable[[], SchedulerReport], workspace: Workspace, hand: Hand, clock: FakeClock
):
    """Failures in a row wait ever longer, and a success begins anew."""
    hand.does = visiting(workspace, "failed")
    waits = []
    for _ in range(3):
        report = step()
        assert report.next_at is not None
        waits.append((report.next_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
    assert waits == [300, 600, 1200]
    hand.does = visiting(workspace)
    step()
    assert workspace.store.visits.by_source()["acme", "meta"].failures == 0


def test_a_run_that_achieves_nothing_is_not_repeated_at_once(
    step: Callable[[], SchedulerReport], hand: Hand, clock: FakeClock
):
    """A run that dies before it has asked anybody is tried again after 1, 2, 4 minutes."""
    hand.does = lambda _: Done(Ending.CRASHED)
    pauses = []
    for _ in range(3):
        pauses.append(step().paused_seconds)
        assert step().runs == ()
        clock.advance(pauses[-1])
    assert pauses == [60, 120, 240]
    assert len(hand.jobs) == 3
    assert pause_seconds(1000) == 3600


def test_no_further_run_begins_once_it_is_to_stop(open_workspace: Open, clock: FakeClock):
    """When a run was told to stop, what is still due stays due, without a pause."""
    orgs = orgs_of(acme__meta=None, acme__gsc="0 0 29 2 *", beta__stripe=None)
    workspace = open_workspace(orgs=orgs)
    workspace.store.visits.note(Visit("acme", "gsc", clock.now(), "ok"))
    hand = Hand(lambda _: Done(Ending.STOPPED))
    report = scheduler_of(workspace, hand).step(clock.now())
    assert report.due == ("acme/meta", "beta/stripe")
    assert len(hand.jobs) == 1
    assert report.paused_seconds == 0
