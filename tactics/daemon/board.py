"""What each background service has achieved, and whether one of them has got stuck.

The watchdog is fed from here: by progress, never by a timer alone. Starts no thread.
"""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tactics.clock import Clock
from tactics.errors import IntegrityError, TacticsError


@dataclass(slots=True)
class _Line:
    allowance_seconds: float
    progressed: float  # monotonic
    progressed_at: dt.datetime
    steps: int = 0
    failures: int = 0  # in a row
    error: str = ""
    doing: str = ""
    report: dict[str, Any] | None = None


class Board:
    """One line per service; safe to share between threads."""

    def __init__(self, clock: Clock, *, doomed: Callable[[], object] = lambda: None) -> None:
        self._clock = clock
        self._doomed = doomed
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self.draining = False
        self.doom: IntegrityError | None = None

    def despair(self, error: IntegrityError) -> None:
        """Note that our own state is broken: the daemon must not limp on."""
        self.doom = error
        self._doomed()

    def enter(self, name: str, allowance_seconds: float) -> None:
        """Add a service, which may be silent for so long before it counts as stuck."""
        line = _Line(allowance_seconds, self._clock.monotonic(), self._clock.now())
        with self._lock:
            self._lines[name] = line

    def beat(self, name: str, doing: str) -> None:
        """Note that a service gets on within a step."""
        self._progress(name).doing = doing

    def step(self, name: str, report: dict[str, Any]) -> None:
        """Note that a service has done a step."""
        line = self._progress(name)
        line.steps += 1
        line.failures, line.error, line.doing, line.report = 0, "", "", report

    def fail(self, name: str, error: TacticsError) -> bool:
        """Note that a step failed for a reason we know; return whether it is another than before.

        It counts as progress: to start the daemon anew would not mend a full disk.
        """
        line = self._progress(name)
        new = line.error != str(error)
        line.failures, line.error, line.doing = line.failures + 1, str(error), ""
        return new

    def break_down(self, name: str, error: Exception) -> None:
        """Note that a step failed by a fault of ours, which is no progress."""
        with self._lock:
            line = self._lines[name]
            line.failures, line.error = line.failures + 1, type(error).__name__

    def stuck(self) -> tuple[str, ...]:
        """Return the services without progress for longer than they may."""
        now = self._clock.monotonic()
        with self._lock:
            return tuple(
                name
                for name, line in self._lines.items()
                if now - line.progressed > line.allowance_seconds
            )

    def to_json(self) -> dict[str, Any]:
        """Return every line as JSON-able values."""
        with self._lock:
            return {
                name: {
                    "steps": line.steps,
                    "failures": line.failures,
                    "error": line.error,
                    "doing": line.doing,
                    "progressed_at": f"{line.progressed_at:%Y-%m-%dT%H:%M:%SZ}",
                    "report": line.report,
                }
                for name, line in self._lines.items()
            }

    def _progress(self, name: str) -> _Line:
        with self._lock:
            line = self._lines[name]
            line.progressed, line.progressed_at = self._clock.monotonic(), self._clock.now()
            return line
