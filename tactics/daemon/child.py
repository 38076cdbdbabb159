"""Has jobs done by a process of their own: their memory goes with them, and they can be ended.

Nothing is lost by ending one: what it had not made durable is asked for again. Does no job itself.
"""

import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from tactics.clock import Clock
from tactics.daemon.wire import decode_message, encode_job
from tactics.daemon.work import Beat, Done, Ending, Job
from tactics.errors import IntegrityError
from tactics.model import RunStatus

COMMAND = (sys.executable, "-m", "tactics.daemon.worker")
LOOK_SECONDS = 0.5  # while a job is being done
READ_BYTES = 65536
_BROKEN = IntegrityError.exit_code
_GOOD = {RunStatus.SUCCEEDED, Ending.DONE, Ending.STOPPED}

log = logging.getLogger("tactics.daemon")


@dataclass(slots=True)
class _Limits:
    """When a process is ended by force (monotonic seconds)."""

    stall_seconds: float
    heard: float
    drain_until: float | None = None

    def passed(self, now: float) -> Ending | None:
        if self.drain_until is not None and now >= self.drain_until:
            return Ending.STOPPED
        return Ending.STALLED if now - self.heard >= self.stall_seconds else None


class ChildWorker:
    """A `Worker` that starts a process for each job, in the environment of the daemon."""

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock,
        *,
        stall_seconds: float,
        command: tuple[str, ...] = COMMAND,
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._command = command
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._drain_until: float | None = None

    @property
    def busy(self) -> bool:
        """Return whether a job is being done."""
        return self._turn.locked()

    def stop(self, within_seconds: float) -> None:
        """Begin no more jobs; ask the present one to stop, and end it when it has not in time."""
        with self._state:
            self._drain_until = self._clock.monotonic() + within_seconds
            if self._process is not None:
                _close_input(self._process)

    def run(self, job: Job, beat: Beat) -> Done:
        """Do a job once it is its turn.

        Raises:
            IntegrityError: our own state is broken.
        """
        while not self._turn.acquire(timeout=LOOK_SECONDS):
            beat("waits for its turn")
            if self._drain_until is not None:
                return Done(Ending.STOPPED)
        started = self._clock.monotonic()
        try:
            with self._started(job) as process:
                done = Done(Ending.STOPPED) if process is None else self._follow(process, beat)
        finally:
            self._turn.release()
        _log(job, done, self._clock.monotonic() - started)
        return done

    @contextmanager
    def _started(self, job: Job) -> Iterator[subprocess.Popen[bytes] | None]:
        with self._state:
            if self._drain_until is not None:
                yield None
                return
            process = self._process = subprocess.Popen(
                self._command,
                env=self._shifted(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
        try:
            _say(process, encode_job(job))
            yield process
        finally:
            process.kill()  # it has ended, unless we are thrown out of here ourselves
            process.wait()
            with self._state:
                self._process = None
                _close_input(process)
            _output(process).close()

    def _shifted(self) -> dict[str, str]:
        """Return the environment, in which a shifted clock goes on where it stands now."""
        if "TACTICS_NOW" not in self._environment:
            return dict(self._environment)
        return {**self._environment, "TACTICS_NOW": self._clock.now().isoformat()}

    def _follow(self, process: subprocess.Popen[bytes], beat: Beat) -> Done:
        done: Done | None = None
        limits = _Limits(self._stall_seconds, self._clock.monotonic())
        for line in self._lines(process, limits):
            match decode_message(line):
                case Done() as done:
                    pass
                case str() as doing:
                    beat(doing)
                case None:
                    pass
        ended = limits.passed(self._clock.monotonic()) if done is None else None
        if ended is not None:
            process.kill()
        return _judge(done, ended, process.wait())

    def _lines(self, process: subprocess.Popen[bytes], limits: _Limits) -> Iterator[bytes]:
        """Yield what the process says, until it ends or has to be ended."""
        pending = b""
        while limits.passed(self._clock.monotonic()) is None:
            limits.drain_until = self._drain_until
            ready, _, _ = select.select([_output(process)], [], [], LOOK_SECONDS)
            if not ready:
                continue
            piece = os.read(_output(process).fileno(), READ_BYTES)
            if not piece:
                return
            limits.heard = self._clock.monotonic()
            *lines, pending = (pending + piece).split(b"\n")
            yield from lines


def _judge(done: Done | None, ended: Ending | None, exit_code: int) -> Done:
    """Return how the job ended.

    Raises:
        IntegrityError: the process says that our own state is broken.
    """
    if done is not None and done.exit_code == _BROKEN:
        raise IntegrityError(done.message, hint=done.hint)
    if done is not None:
        return done
    if ended is Ending.STALLED:
        return Done(ended, message="a run made no progress and was ended")
    if ended is Ending.STOPPED:
        return Done(ended, message="a run did not stop in time and was ended")
    return Done(
        Ending.CRASHED, exit_code=exit_code, message=f"a run died with exit code {exit_code}"
    )


def _log(job: Job, done: Done, seconds: float) -> None:
    level = logging.INFO if done.outcome in _GOOD else logging.WARNING
    more = f": {done.message}" if done.message else ""
    log.log(level, "%s %s in %.1f s%s", job.verb.value, done.outcome, seconds, more)


def _say(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(line)
    except BrokenPipeError:  # it died already: its end is told like any other
        return


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout
