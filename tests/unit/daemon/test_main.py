"""The daemon put together, in this process: how it begins and ends."""

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tactics.clock import SystemClock
from tactics.daemon import DaemonLock, run_daemon
from tactics.daemon.main import Daemon
from tactics.errors import ConfigError, StoreCorrupt
from tactics.home import Home
from tactics.pipeline import Workspace
from tests.unit.daemon.conftest import Open

CONFIG = "[daemon]\nport = 0\nheartbeat_seconds = 0.05\n"
NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Put back what a daemon takes over in its process."""
    root, own = logging.getLogger(), logging.getLogger("tactics.daemon")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    hook, signals = threading.excepthook, [(n, signal.getsignal(n)) for n in NUMBERS]
    yield
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    own.setLevel(own_level)
    for number, handler in signals:
        signal.signal(number, handler)


@pytest.fixture
def config(home: Home) -> Path:
    """Return a configuration without sources."""
    path = home.root / "tactics.toml"
    path.write_text(CONFIG)
    return path


@contextmanager
def once_it_runs(home: Home, act: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread when the daemon has said where it answers."""

    def wait_and_act() -> None:
        paused = threading.Event()
        while not (home.root / "daemon.json").exists():
            paused.wait(0.01)
        act()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive()


def test_it_runs_until_a_signal(home: Home, config: Path, capfd: pytest.CaptureFixture[str]):
    """It says that it runs, looks when it is told to, and ends with 0; nothing is left behind."""

    def end() -> None:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGTERM):
            os.kill(os.getpid(), number)

    environment = {"TACTICS_HOME": str(home.root), "JOURNAL_STREAM": "8:1"}
    with once_it_runs(home, end):
        code = run_daemon(home, config, environment=environment, clock=SystemClock())
    assert code == 0
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith(f"the daemon runs as process {os.getpid()} and answers at http://")
    assert said[-1] == "stopped"
    assert not (home.root / "daemon.json").exists()
    assert DaemonLock(home).running() is None


def test_a_second_one_is_refused(home: Home, config: Path):
    """It opens nothing, and names the first."""
    clock = SystemClock()
    with DaemonLock(home) as first:
        first.acquire(clock.now(), clock)
        with pytest.raises(ConfigError, match="a daemon runs here already"):
            run_daemon(home, config, environment={}, clock=clock)
    assert not home.database.exists()


def test_a_broken_state_is_exit_70(open_workspace: Open, home: Home, config: Path):
    """The daemon does not limp on, and a service manager must not start it again and again."""
    settings = {"daemon": {"port": 0, "heartbeat_seconds": 0.05}}
    workspace = open_workspace(**settings)
    daemon = daemon_of(workspace, home, config)
    with once_it_runs(home, lambda: daemon.board.despair(StoreCorrupt("damaged"))):
        assert daemon.run() == 70
    beat = workspace.store.heartbeats.latest()
    assert beat is not None
    assert beat.stopped_at is not None


def test_a_signal_while_it_begins_ends_it(
    open_workspace: Open, home: Home, config: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whoever sees where it answers may end it at once."""
    daemon = daemon_of(open_workspace(daemon={"port": 0}), home, config)
    announce = daemon.lock.announce

    def announce_and_end(*facts: Any) -> None:
        announce(*facts)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(daemon.lock, "announce", announce_and_end)
    assert daemon.run() == 0


def daemon_of(workspace: Workspace, home: Home, config: Path) -> Daemon:
    """Return a daemon that holds its lock."""
    clock = SystemClock()
    lock = DaemonLock(home)
    lock.acquire(clock.now(), clock)
    return Daemon(workspace, config, lock, clock.now())


def test_a_service_that_does_not_end_is_left_behind(
    open_workspace: Open, home: Home, config: Path, caplog: pytest.LogCaptureFixture
):
    """What hangs in a service does not keep the daemon from ending in time."""
    workspace = open_workspace(daemon={"port": 0, "drain_seconds": 0.05})
    daemon = daemon_of(workspace, home, config)
    hanging = threading.Event()
    daemon.loops["notifier"].service.step = lambda _: hanging.wait(30)  # type: ignore[method-assign]
    with once_it_runs(home, lambda: daemon.signals.tell(signal.SIGTERM)):
        assert daemon.run() == 0
    hanging.set()
    assert daemon.loops["notifier"].join(5)
    assert "left behind: notifier" in caplog.text


def test_where_it_answers_is_told_once_it_does(home: Home, config: Path):
    """Whoever reads the file can ask at once."""
    seen: list[dict[str, object]] = []

    def look_and_end() -> None:
        seen.append(json.loads((home.root / "daemon.json").read_text()))
        os.kill(os.getpid(), signal.SIGINT)

    with once_it_runs(home, look_and_end):
        run_daemon(home, config, environment=dict(os.environ), clock=SystemClock())
    assert seen[0]["pid"] == os.getpid()
    assert str(seen[0]["url"]).startswith("http://127.0.0.1:")
