"""What the daemon shows of itself."""

import pytest

from tactics.config import Settings
from tactics.daemon.board import Board
from tactics.daemon.views import Daemon
from tactics.errors import ConfigError
from tactics.home import Home
from tactics.pipeline import Workspace
from tests.support import FakeClock


@pytest.fixture
def board(clock: FakeClock) -> Board:
    """Return the board of a daemon with one service."""
    board = Board(clock)
    board.enter("scheduler", 60)
    return board


@pytest.fixture
def daemon(workspace: Workspace, board: Board, clock: FakeClock) -> Daemon:
    """Return what shows a daemon."""
    return Daemon(lambda: workspace.settings, workspace, board, clock.now())


def test_alive_and_ready(daemon: Daemon):
    """A daemon whose services get on is alive, and ready."""
    assert daemon.views.alive() == (200, {"status": "ok"})
    status, told = daemon.views.ready()
    assert (status, told["status"]) == (200, "ok")


def test_a_stuck_service_is_told(daemon: Daemon, clock: FakeClock):
    """Who asks for liveness hears that it is stuck; by what, only who may know."""
    clock.advance(61)
    assert daemon.alive() == (503, {"status": "stuck"})
    status, told = daemon.ready()
    assert (status, told["stuck"]) == (503, ["scheduler"])


def test_a_draining_daemon_is_alive_but_not_ready(daemon: Daemon, board: Board):
    """While it ends it takes no more work."""
    board.draining = True
    assert daemon.alive() == (200, {"status": "draining"})
    assert daemon.ready()[0] == 503


def test_health_is_that_of_the_command_and_the_daemons_own(daemon: Daemon):
    """The same model as `tactics health`, and how the services stand."""
    status, told = daemon.health()
    assert status == 200
    assert {check["name"] for check in told["checks"]} >= {"last_run", "disk", "clock"}
    assert told["daemon"]["services"]["scheduler"]["steps"] == 0
    assert told["daemon"]["pressure"]["flow"] == "flowing"


def test_numbers_for_prometheus(daemon: Daemon, board: Board):
    """Each family has its help and type, and the daemon's own are among them."""
    board.step("scheduler", {})
    text = daemon.metrics()
    assert 'tactics_daemon_steps_total{service="scheduler"} 1\n' in text
    assert "tactics_health_state" in text
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))


def test_a_wrong_edit_of_the_configuration_hides_nothing(workspace: Workspace, board: Board):
    """Health is told by the last good settings; what is wrong stands with the scheduler."""

    def refuse() -> Settings:
        raise ConfigError("no")

    daemon = Daemon(refuse, workspace, board, workspace.clock.now())
    assert daemon.health()[0] == 200
    assert daemon.metrics()


def test_a_store_that_cannot_be_read_is_told(daemon: Daemon, workspace: Workspace, home: Home):
    """With a damaged store the server still answers, and says so."""
    workspace.store.close()
    home.database.write_bytes(b"not a database" * 4096)
    workspace.store.database._session.connection = None
    assert daemon.ready()[0] == 503
    status, told = daemon.health()
    assert (status, told["state"], told["daemon"]["pressure"]) == (503, "failing", None)
    assert 'tactics_health_state{state="failing"} 1' in daemon.metrics()
