"""One daemon for each home: its lock, where it can be reached, and the token to talk to it.

The kernel frees the lock when its process dies, so a file that was left behind is no obstacle.
"""

import datetime as dt
import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tactics.clock import Clock
from tactics.errors import ConfigError
from tactics.home import Home

TOKEN_BYTES = 32
ATTEMPTS = 5
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Announcement:
    """Who runs here, since when, and where it answers (empty until it does)."""

    pid: int
    started_at: dt.datetime
    url: str = ""

    def to_text(self) -> str:
        """Return it as JSON."""
        started_at = f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}"
        return json.dumps(asdict(self) | {"started_at": started_at}) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Announcement | None":
        """Return what `to_text` wrote, None for anything else (a file cut short, say)."""
        try:
            data = json.loads(text)
            started_at = dt.datetime.fromisoformat(data["started_at"])
            return cls(int(data["pid"]), started_at, str(data["url"]))
        except (ValueError, KeyError, TypeError):
            return None


class DaemonLock:
    """The right to be the daemon of a home, and what is told of its holder."""

    def __init__(self, home: Home) -> None:
        self._lock_path = home.root / "daemon.lock"
        self._path = home.root / "daemon.json"
        self._handle: int | None = None

    def acquire(self, started_at: dt.datetime, clock: Clock) -> None:
        """Become the daemon.

        Raises:
            ConfigError: another one runs; the message says which, since when.
        """
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _ in range(ATTEMPTS):  # `running` of another process holds it for a moment, too
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            clock.sleep(PAUSE_SECONDS)
        else:
            os.close(handle)
            raise self._refusal()
        self._handle = handle
        mine = Announcement(os.getpid(), started_at).to_text()
        os.ftruncate(handle, 0)
        os.pwrite(handle, mine.encode(), 0)

    def announce(self, started_at: dt.datetime, url: str) -> None:
        """Write down where the daemon answers, for this user's eyes only."""
        assert self._handle is not None
        write_private(self._path, Announcement(os.getpid(), started_at, url).to_text())

    def running(self) -> Announcement | None:
        """Return the daemon that runs now, None where none does."""
        try:
            handle = os.open(self._lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._holder() or Announcement(0, dt.datetime.min.replace(tzinfo=dt.UTC))
        else:
            return None
        finally:
            os.close(handle)

    def release(self) -> None:
        """Be the daemon no more."""
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
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

    def _holder(self) -> Announcement | None:
        """Return what the holder wrote: where it answers, if it got that far."""
        held = Announcement.from_text(self._lock_path.read_text(encoding="utf-8"))
        with suppress(FileNotFoundError):
            told = Announcement.from_text(self._path.read_text(encoding="utf-8"))
            if held and told and held.pid == told.pid:  # else it was left by one that was killed
                return told
        return held

    def _refusal(self) -> ConfigError:
        holder = self._holder()
        facts = {"pid": holder.pid, "since": holder.started_at.isoformat()} if holder else {}
        return ConfigError(
            "a daemon runs here already",
            hint="see `tactics daemon status`; another home has its own",
            **facts,
        )


def write_private(path: Path, text: str) -> None:
    """Put a file of this user's in its place at once, whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_token(home: Home) -> str:
    """Return the token that this home's daemon asks for, made when it is first needed."""
    path = home.root / "token"
    with suppress(FileNotFoundError):
        if token := path.read_text(encoding="ascii").strip():
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            return token
    write_private(path, secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    return path.read_text(encoding="ascii").strip()
