"""Who may commit."""

import os
from pathlib import Path

import pytest

from tactics.errors import StoreBusy
from tactics.pipeline.lock import CommitLock, commit_lock
from tests.support import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the lock is."""
    return tmp_path / "pipeline.lock"


def test_one_holder_at_a_time(path: Path):
    """While one holds the lock nobody else gets it, not even through the same file twice."""
    one, two = CommitLock(path), CommitLock(path)
    assert one.try_acquire()
    assert not two.try_acquire()
    one.release()
    assert two.try_acquire()
    two.release()


def test_leaving_the_block_frees_the_lock(path: Path):
    """The lock is free after its block, also when the block fails."""
    with pytest.raises(ZeroDivisionError), CommitLock(path) as lock:
        assert lock.try_acquire() / 0
    assert CommitLock(path).try_acquire()


def test_the_holder_is_named(path: Path):
    """Others can tell which process has the lock, as far as it has said so."""
    lock = CommitLock(path)
    assert lock.holder() == "nobody"
    path.touch()
    assert lock.holder() == "unknown"
    path.write_text("12345678\n")
    with lock:
        lock.try_acquire()
        assert CommitLock(path).holder() == str(os.getpid())


def test_the_file_is_private(path: Path):
    """Only this user may open the lock."""
    with commit_lock(path, FakeClock()):
        assert path.stat().st_mode & 0o777 == 0o600


def test_releasing_twice_is_harmless(path: Path):
    """Giving back what is not held does nothing."""
    lock = CommitLock(path)
    lock.release()
    assert lock.try_acquire()
    lock.release()
    lock.release()


class Patience(FakeClock):
    """A clock whose third wait outlasts the other process."""

    def __init__(self, other: CommitLock) -> None:
        super().__init__()
        self.other = other

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            self.other.release()


def test_waiting_ends_with_the_other_process(path: Path):
    """The lock is had as soon as the other process has gone."""
    other = CommitLock(path)
    other.try_acquire()
    clock = Patience(other)
    with commit_lock(path, clock) as lock:
        assert isinstance(lock, CommitLock)
        assert not other.try_acquire()
    assert clock.slept == [0.1, 0.1, 0.1]


def test_waiting_has_an_end(path: Path):
    """After the given time the wait is given up, and the other process is named."""
    clock = FakeClock()
    with CommitLock(path) as other:
        other.try_acquire()
        with pytest.raises(StoreBusy, match=f"process={os.getpid()}"):  # noqa: SIM117
            with commit_lock(path, clock, wait_seconds=5):
                pytest.fail("two processes hold the lock")
    assert sum(clock.slept) == pytest.approx(5, abs=0.2)
