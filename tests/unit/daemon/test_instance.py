"""One daemon for each home, where it answers, and the token."""

import datetime as dt
import os

import pytest

from tactics.daemon import Announcement, DaemonLock, read_token
from tactics.errors import ConfigError
from tactics.home import Home
from tests.support import FakeClock

URL = "http://127.0.0.1:8737"


def test_a_second_daemon_is_told_which_one_runs(home: Home, clock: FakeClock):
    """It refuses with the process and the time of the first."""
    with DaemonLock(home) as first:
        first.acquire(clock.now(), clock)
        with pytest.raises(ConfigError) as refusal:
            DaemonLock(home).acquire(clock.now(), clock)
    assert refusal.value.facts["pid"] == os.getpid()
    assert refusal.value.facts["since"] == "2026-11-21T09:00:00+00:00"
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("left", ["", "{", '{"pid": 1, "started_at": "2026-01-01T00:00:00Z"}\n'])
def test_files_that_were_left_behind_are_no_obstacle(home: Home, clock: FakeClock, left: str):
    """After kill -9 the files are there, and nobody holds them."""
    (home.root / "daemon.lock").write_text(left)
    (home.root / "daemon.json").write_text(left)
    lock = DaemonLock(home)
    assert lock.running() is None
    lock.acquire(clock.now(), clock)
    assert clock.slept == []
    lock.release()


def test_it_is_told_where_the_daemon_answers(home: Home, clock: FakeClock):
    """The address is there once it answers, for this user alone, and goes with the daemon."""
    with DaemonLock(home) as lock:
        assert DaemonLock(home).running() is None
        lock.acquire(clock.now(), clock)
        assert DaemonLock(home).running() == Announcement(os.getpid(), clock.now())
        lock.announce(clock.now(), URL)
        assert DaemonLock(home).running() == Announcement(os.getpid(), clock.now(), URL)
        path = home.root / "daemon.json"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    assert DaemonLock(home).running() is None


def test_an_address_of_a_killed_daemon_is_not_believed(home: Home, clock: FakeClock):
    """A new daemon that does not answer yet has no address, whatever the last one wrote."""
    dead = Announcement(1, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), URL)
    (home.root / "daemon.json").write_text(dead.to_text())
    with DaemonLock(home) as lock:
        lock.acquire(clock.now(), clock)
        running = DaemonLock(home).running()
    assert running is not None
    assert running.url == ""


def test_a_lock_that_tells_nothing_still_holds(home: Home, clock: FakeClock):
    """Between taking the lock and writing into it, a daemon runs that nobody knows."""
    with DaemonLock(home) as lock:
        lock.acquire(clock.now(), clock)
        (home.root / "daemon.lock").write_text("")
        running = DaemonLock(home).running()
        assert running is not None
        assert running.pid == 0
        with pytest.raises(ConfigError, match="a daemon runs here already"):
            DaemonLock(home).acquire(clock.now(), clock)


def test_releasing_twice_is_harmless(home: Home):
    """Giving back what is not held does nothing."""
    DaemonLock(home).release()


def test_the_token_is_made_once(home: Home):
    """It stays the same over restarts, is long, and only this user may read it."""
    token = read_token(home)
    assert read_token(home) == token
    assert len(token) >= 43
    path = home.root / "token"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    read_token(home)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_token_is_none(home: Home):
    """A file that was cut off by a full disk does not open the door."""
    (home.root / "token").touch()
    assert read_token(home)
