"""The outbox, and runs that could not record themselves."""

import pytest

from tactics.daemon.board import Board
from tactics.daemon.notifier import AlarmedWorker, Notifier, NotifierReport
from tactics.daemon.work import Done, Ending, Job, Verb
from tactics.errors import ConfigError, SinkUnavailable
from tactics.model import Alert, AlertSeverity
from tactics.pipeline import Workspace, raise_alerts
from tests.support import FakeClock
from tests.unit.daemon.conftest import Hand, Open, ignore

SYNC = Job(Verb.SYNC)


@pytest.fixture
def board(clock: FakeClock) -> Board:
    """Return the board of a daemon with one service."""
    board = Board(clock)
    board.enter("scheduler", 60)
    return board


@pytest.fixture
def notifier(workspace: Workspace, board: Board) -> Notifier:
    """Return a notifier that has just begun."""
    return Notifier(workspace, board)


def test_what_is_due_is_delivered(notifier: Notifier, workspace: Workspace, clock: FakeClock):
    """An alert that waits in the outbox reaches the log of alerts within one step."""
    raise_alerts(workspace, [Alert("k", AlertSeverity.CRITICAL, "somebody should look")])
    assert notifier.step(clock.now()) == NotifierReport(delivered=1)
    assert notifier.step(clock.now()) == NotifierReport()
    assert "somebody should look" in (workspace.home.root / "alerts.log").read_text()


def test_a_disk_gets_full_while_nothing_runs(open_workspace: Open, board: Board, clock: FakeClock):
    """Every five minutes health is looked at without a run, and what is over is resolved."""
    workspace = open_workspace(health={"disk_warn_bytes": 2**62})
    notifier = Notifier(workspace, board)
    assert notifier.step(clock.now()).raised == ()
    clock.advance(300)
    assert notifier.step(clock.now()).raised == ("disk",)
    clock.advance(15)
    assert notifier.step(clock.now()).raised == ()
    roomy = Notifier(open_workspace(), board)
    clock.advance(300)
    assert roomy.step(clock.now()).resolved == ("disk",)


def test_a_service_that_keeps_failing_is_told(
    notifier: Notifier, board: Board, workspace: Workspace, clock: FakeClock
):
    """A configuration that was edited badly stops the scheduler: somebody hears of it."""
    open_keys = workspace.store.outbox.open_keys
    for _ in range(2):
        board.fail("scheduler", ConfigError("no such key"))
    notifier.step(clock.now())
    assert open_keys() == []
    board.fail("scheduler", ConfigError("no such key"))
    for _ in range(2):
        notifier.step(clock.now())
    [alert] = workspace.store.outbox.list_alerts()
    assert (alert.alert.body, alert.seen) == ("no such key", 1)
    board.step("scheduler", {})
    notifier.step(clock.now())
    assert open_keys() == []


def test_the_notifier_tells_nothing_of_itself_once_it_works(
    notifier: Notifier, board: Board, workspace: Workspace, clock: FakeClock
):
    """The disk was full: the first step that gets through does not tell of those that did not."""
    board.enter(notifier.name, 60)
    for _ in range(3):
        board.fail(notifier.name, SinkUnavailable("the store cannot be used"))
    notifier.step(clock.now())
    assert workspace.store.outbox.open_keys() == []


@pytest.mark.parametrize("ending", [Ending.REFUSED, Ending.STALLED, Ending.CRASHED])
def test_a_run_that_comes_to_nothing_is_an_alert_until_one_comes_to_something(
    workspace: Workspace, ending: Ending
):
    """A run that dies leaves no result behind, so the daemon tells it; a good one ends the alert."""
    hand = Hand(lambda _: Done(ending, message="why", hint="what to do"))
    worker = AlarmedWorker(hand, workspace)
    worker.run(SYNC, ignore)
    worker.run(SYNC, ignore)
    [alert] = workspace.store.outbox.list_alerts()
    assert alert.alert.body == "why\nwhat to do"
    hand.does = lambda _: Done(Ending.STOPPED)
    worker.run(SYNC, ignore)
    assert workspace.store.outbox.open_keys() == ["daemon_run:sync"]
    hand.does = lambda _: Done("degraded")
    worker.run(SYNC, ignore)
    assert workspace.store.outbox.open_keys() == []


def test_it_is_as_busy_as_the_worker_inside(workspace: Workspace):
    """The alarm adds nothing but alerts."""
    assert AlarmedWorker(Hand(busy=True), workspace).busy
