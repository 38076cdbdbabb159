"""Signs of life: the row and the watchdog."""

import os
from dataclasses import dataclass, field

import pytest

from tactics.daemon.board import Board
from tactics.daemon.heartbeat import Heartbeat, status_line
from tactics.daemon.systemd import Systemd
from tactics.errors import SinkUnavailable
from tactics.model import TOPIC_RAW
from tactics.pipeline import Flow, Workspace
from tests.support import FakeClock
from tests.unit.daemon.conftest import Open


@dataclass
class Ear(Systemd):
    """A service manager that remembers."""

    watchdog_seconds: float | None = None
    heard: list[str] = field(default_factory=list)

    def alive(self, status: str) -> None:
        self.heard.append(f"alive: {status}")

    def status(self, status: str) -> None:
        self.heard.append(status)


@pytest.fixture
def board(clock: FakeClock) -> Board:
    """Return the board of a daemon with one service."""
    board = Board(clock)
    board.enter("scheduler", 60)
    return board


def beating(workspace: Workspace, board: Board, ear: Ear) -> Heartbeat:
    """Return a heartbeat that has begun."""
    heartbeat = Heartbeat(workspace.settings, workspace.store, board, systemd=ear)
    heartbeat.begin()
    return heartbeat


def test_the_row_tells_who_lives(workspace: Workspace, board: Board, clock: FakeClock):
    """Another process reads who runs, since when, when it beat last and what it has done."""
    heartbeat = beating(workspace, board, Ear())
    started_at = clock.now()
    clock.advance(20)
    board.step("scheduler", {"due": []})
    heartbeat.step(clock.now())
    beat = workspace.store.heartbeats.latest()
    assert beat is not None
    assert (beat.pid, beat.started_at, beat.beat_at) == (os.getpid(), started_at, clock.now())
    assert beat.stopped_at is None
    assert beat.progress["state"] == "running"
    assert beat.progress["services"]["scheduler"]["steps"] == 1
    assert beat.progress["vitals"]["memory_bytes"] > 0


def test_a_daemon_that_was_stopped_is_not_missed(
    workspace: Workspace, board: Board, clock: FakeClock
):
    """Its last word says that it was stopped on purpose; a new one takes the row over."""
    heartbeat = beating(workspace, board, Ear())
    heartbeat.end()
    beat = workspace.store.heartbeats.latest()
    assert beat is not None
    assert beat.stopped_at == clock.now()
    heartbeat.begin()
    beat = workspace.store.heartbeats.latest()
    assert beat is not None
    assert beat.stopped_at is None


def test_the_watchdog_is_fed_by_progress_alone(
    workspace: Workspace, board: Board, clock: FakeClock
):
    """A service without progress lets the watchdog starve, though the heartbeat still beats."""
    ear = Ear()
    heartbeat = beating(workspace, board, ear)
    heartbeat.step(clock.now())
    clock.advance(61)
    report = heartbeat.step(clock.now())
    assert ear.heard == ["alive: idle", "no progress: scheduler"]
    assert report.stuck == ("scheduler",)
    board.beat("scheduler", "silver")
    heartbeat.step(clock.now())
    assert ear.heard[-1] == "alive: scheduler: silver"


def test_it_beats_thrice_within_the_watchdogs_time(workspace: Workspace, board: Board):
    """A watchdog that is in a hurry is fed more often than the row is written."""
    assert beating(workspace, board, Ear()).seconds == 20
    assert beating(workspace, board, Ear(watchdog_seconds=30)).seconds == 10


def test_pressure_is_visible(open_workspace: Open, board: Board, clock: FakeClock):
    """Who looks at the row sees that fetching is slowed, and for whom."""
    workspace = open_workspace(bus={"high_watermark": 10})
    for _ in range(15):
        workspace.store.bus.append(TOPIC_RAW, header={})
    report = beating(workspace, board, Ear()).step(clock.now())
    assert (report.pressure.flow, report.pressure.consumer) == (Flow.SLOWED, "bronze")
    beat = workspace.store.heartbeats.latest()
    assert beat is not None
    assert beat.progress["pressure"]["lag"] == 15


def test_the_status_says_what_is_wrong(board: Board):
    """One line tells what is being done, and what fails."""
    board.enter("notifier", 60)
    board.beat("scheduler", "gold")
    board.fail("notifier", SinkUnavailable("full"))
    assert status_line(board.to_json()) == "scheduler: gold; notifier fails: full"
