"""One committer: whoever holds `pipeline.lock` writes the lake and gold.

The kernel frees the lock when its process dies, however it dies. Knows nothing of runs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tactics.clock import Clock
from tactics.errors import StoreBusy


class CommitLock:
    """The right to commit; not re-entrant."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it, and write our process id into it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        return True

    def holder(self) -> str:
        """Return the process id that was last written into the lock."""
        try:
            return self._path.read_text(encoding="ascii").strip() or "unknown"
        except FileNotFoundError:
            return "nobody"

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@contextmanager
def commit_lock(path: Path, clock: Clock, *, wait_seconds: float = 600) -> Iterator[CommitLock]:
    """Hold the lock for a block, waiting for a run that is on.

    Raises:
        StoreBusy: the other process still holds it after `wait_seconds`.
    """
    deadline = clock.monotonic() + wait_seconds
    with CommitLock(path) as lock:
        while not lock.try_acquire():
            if clock.monotonic() >= deadline:
                raise StoreBusy(
                    "another tactics process is writing",
                    hint="wait for it, or look at `tactics runs list`",
                    process=lock.holder(),
                )
            clock.sleep(0.1)
        yield lock
