"""`python -m tactics.daemon.worker`: does one job for the daemon, and ends.

Standard output belongs to the daemon; whatever else is said goes to standard error, its log.
"""

import datetime as dt
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import BinaryIO

from tactics.clock import Clock, SystemClock, clock_from_environment
from tactics.config import load_settings
from tactics.daemon.signals import Signals
from tactics.daemon.wire import decode_job, encode_beat, encode_done
from tactics.daemon.work import Done, Ending, Job, perform
from tactics.errors import Interrupted, TacticsError
from tactics.home import find_config, find_home
from tactics.pipeline import Workspace
from tactics.transport import redact

QUIET_SECONDS = 1.0  # a sign of life is worth a line no more often


class StoppableClock:
    """The machine's clock, on which nobody sleeps on once the process is to stop."""

    def __init__(self, inner: SystemClock, stopping: threading.Event, mouth: "Mouth") -> None:
        self._inner = inner
        self._stopping = stopping
        self._mouth = mouth

    def now(self) -> dt.datetime:
        """Return the current instant, UTC."""
        return self._inner.now()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._inner.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; who waits for a vendor is at work.

        Raises:
            Interrupted: the process is to stop.
        """
        self._mouth.hint("waits")
        if self._stopping.wait(seconds):
            raise Interrupted("the run was asked to stop")


class Mouth:
    """Tells the daemon how it goes; from several threads."""

    def __init__(self, stream: BinaryIO, clock: Clock, stopping: threading.Event) -> None:
        self._stream = stream
        self._clock = clock
        self._stopping = stopping
        self._lock = threading.Lock()
        self._said = float("-inf")
        self._stage = "starts"

    def begin(self, org_id: str, source: str, *, slices: int) -> None:
        """Hear that a source has so many more slices to fetch."""
        self.hint(f"fetches {org_id}/{source}: {slices} slices")

    def advance(self, org_id: str, source: str, *, pages: int) -> None:
        """Hear that a slice is complete."""
        self.hint(f"fetches {org_id}/{source}: {pages} pages more")

    def stage(self, name: str) -> None:
        """Hear that a stage starts."""
        self._stage = name
        self._tell(encode_beat(name))

    def done(self) -> None:
        """Hear that the run is over."""

    def hint(self, doing: str) -> None:
        """Give a sign of life, unless one was given just now."""
        if self._clock.monotonic() - self._said >= QUIET_SECONDS:
            self._tell(encode_beat(f"{self._stage}: {doing}"))

    def end(self, done: Done) -> None:
        """Say how the job ended."""
        self._tell(encode_done(done))

    def _tell(self, line: bytes) -> None:
        with self._lock:
            self._said = self._clock.monotonic()
            try:
                self._stream.write(line)
                self._stream.flush()
            except BrokenPipeError:  # the daemon has died: what is fetched is kept, end soon
                self._stopping.set()


def main() -> int:
    """Do the job that stands on standard input, and return the exit code."""
    stream = _own_stdout()
    stopping = threading.Event()
    signals = Signals()
    signals.catch((signal.SIGINT, signal.SIGTERM))  # Ctrl-C reaches the whole group
    job = decode_job(_read_line(0))
    threading.Thread(target=_await_stop, args=(signals, stopping), daemon=True).start()
    inner = clock_from_environment()
    mouth = Mouth(stream, inner, stopping)
    clock = StoppableClock(inner, stopping, mouth)
    done = _do(job, os.environ, clock, mouth=mouth, stopping=stopping)
    mouth.end(done)
    return done.exit_code


def _do(
    job: Job,
    environment: Mapping[str, str],
    clock: StoppableClock,
    *,
    mouth: Mouth,
    stopping: threading.Event,
) -> Done:
    try:
        settings = load_settings(find_config(environment), environment)
        home = find_home(environment)
        with Workspace.open(settings, home, clock, environment=environment) as workspace:
            workspace.stopping = stopping
            return perform(workspace, job, mouth)
    except Interrupted:
        return Done(Ending.STOPPED)
    except TacticsError as error:
        return Done(Ending.REFUSED, "", error.exit_code, redact(str(error)), error.hint)
    except Exception as error:  # noqa: BLE001 (the process's top: it becomes an exit code)
        sys.stderr.write(redact("".join(traceback.format_exception(error))))
        return Done(Ending.CRASHED, "", 1, f"our fault: {type(error).__name__}")


def _own_stdout() -> BinaryIO:
    """Return the way to the daemon, and lead what others print to the log."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream


def _read_line(handle: int) -> bytes:
    # Not through sys.stdin: a thread that reads from it would hold its lock when Python ends.
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(handle, 1)):
        line += piece
    return line


def _await_stop(signals: Signals, stopping: threading.Event) -> None:
    """Wait until the daemon closes our input, has died, or a signal comes."""
    select.select([0, signals.fileno()], [], [])
    stopping.set()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # all is closed and durable; DuckDB's bindings only complain of the tear-down
