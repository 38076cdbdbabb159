"""What several test tiers share: a clock that tests move, and nothing of ours that is faked."""

import datetime as dt
import threading


class FakeClock:
    """A clock that moves only when somebody sleeps or a test advances it."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self._now = now or dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
        self._monotonic = 0.0
        self._lock = threading.Lock()  # many threads of a sync sleep on one clock
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        """Return the current instant."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Advance at once, and remember it."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._now += dt.timedelta(seconds=seconds)
            self._monotonic += seconds
