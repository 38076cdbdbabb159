"""Loops: what a step leaves on the board."""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest

from tactics.clock import SystemClock
from tactics.daemon.board import Board
from tactics.daemon.service import Loop, to_json
from tactics.daemon.work import Ending
from tactics.errors import SinkUnavailable, StoreCorrupt
from tests.support import FakeClock


@dataclass(frozen=True, slots=True)
class Report:
    """What a step did."""

    at: dt.datetime
    ending: Ending = Ending.DONE
    names: tuple[str, ...] = ("a",)


@dataclass
class Steps:
    """A service that does what a test says."""

    does: Callable[[], object] = lambda: None
    seconds: float = 30.0
    name: ClassVar[str] = "steps"

    def step(self, now: dt.datetime) -> Report:
        self.does()
        return Report(now)


@pytest.fixture
def board(clock: FakeClock) -> Board:
    """Return an empty board."""
    return Board(clock)


def failing(error: Exception) -> Callable[[], object]:
    """Return what fails."""

    def fail() -> None:
        raise error

    return fail


def test_a_step_leaves_its_report(board: Board, clock: FakeClock):
    """The board has the report as JSON-able values, and counts the steps."""
    loop = Loop(Steps(), board, clock)
    loop.turn()
    line = board.to_json()["steps"]
    assert line["steps"] == 1
    report = {"at": "2026-11-21T09:00:00Z", "ending": "done", "names": ["a"]}
    assert line["report"] == report


def test_a_failure_that_is_known_is_progress(
    board: Board, clock: FakeClock, caplog: pytest.LogCaptureFixture
):
    """A full disk is told once, and a new start of the daemon would not mend it."""
    service = Steps(failing(SinkUnavailable("full")))
    loop = Loop(service, board, clock)
    for _ in range(3):
        clock.advance(200)
        loop.turn()
    assert board.stuck() == ()
    assert board.to_json()["steps"]["failures"] == 3
    assert [record.message for record in caplog.records] == ["steps: full"]
    service.does = lambda: None
    loop.turn()
    assert board.to_json()["steps"]["error"] == ""


def test_a_fault_of_ours_is_no_progress(
    board: Board, clock: FakeClock, caplog: pytest.LogCaptureFixture
):
    """A service that only crashes counts as stuck in the end; the log has the traceback."""
    loop = Loop(Steps(failing(ZeroDivisionError())), board, clock)
    for _ in range(3):
        clock.advance(100)
        loop.turn()
    assert board.stuck() == ("steps",)
    assert "Traceback" in caplog.text


def test_a_broken_state_ends_the_daemon(clock: FakeClock, caplog: pytest.LogCaptureFixture):
    """What our own state says must not be limped past."""
    told: list[str] = []
    board = Board(clock, doomed=lambda: told.append("doom"))
    Loop(Steps(failing(StoreCorrupt("damaged"))), board, clock).turn()
    assert told == ["doom"]
    assert isinstance(board.doom, StoreCorrupt)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


def test_a_loop_steps_when_it_is_woken(board: Board):
    """It steps at once, again when it is woken, and no more once it is stopped."""
    turns: list[int] = []
    seen = threading.Semaphore(0)

    def count() -> None:
        turns.append(1)
        seen.release()

    loop = Loop(Steps(count), board, SystemClock())
    loop.start()
    assert seen.acquire(timeout=5)
    loop.wake()
    assert seen.acquire(timeout=5)
    loop.stop()
    assert loop.join(5)
    assert len(turns) <= 3


def test_only_dataclasses_are_reports():
    """A report has names; anything else is a mistake."""
    with pytest.raises(AssertionError):
        to_json("done")
