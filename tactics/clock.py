"""The only place that reads the time or sleeps.

Everything else takes a `Clock`, so that a month can pass in a test. Knows nothing of schedules.
"""

import datetime as dt
import functools
import os
import time
from typing import Protocol, TypeGuard
from zoneinfo import available_timezones

from tactics.errors import ConfigError


class Clock(Protocol):
    """Wall time (UTC, aware), monotonic seconds, and waiting; safe to share between threads."""

    def now(self) -> dt.datetime:
        """Return the current instant, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


def is_timezone(name: str | None) -> TypeGuard[str]:
    """Return whether `name` is that of a time zone, letter by letter.

    A zone that can be loaded need not be one: `right/…` counts leap seconds, and macOS minds no case.
    """
    return name in _timezones()


@functools.cache
def _timezones() -> set[str]:
    """Return the names of all zones; to walk through their folders takes 20 ms."""
    return available_timezones()


class SystemClock:
    """The machine's clock, optionally shifted so that the process began at `start`."""

    def __init__(self, start: dt.datetime | None = None) -> None:
        real = dt.datetime.now(dt.UTC)  # noqa: TID251
        self._shift = dt.timedelta(0) if start is None else start - real

    def now(self) -> dt.datetime:
        """Return the current (possibly shifted) instant, UTC."""
        return dt.datetime.now(dt.UTC) + self._shift  # noqa: TID251

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: TID251


def clock_from_environment() -> SystemClock:
    """Return the system clock, started at `TACTICS_NOW` when that is set.

    Raises:
        ConfigError: `TACTICS_NOW` is not an ISO 8601 instant.
    """
    text = os.environ.get("TACTICS_NOW", "")
    if not text:
        return SystemClock()
    try:
        start = dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(
            "TACTICS_NOW must be an ISO 8601 instant",
            hint="for example TACTICS_NOW=2026-11-21T09:00:00Z",
            value=text,
        ) from exc
    return SystemClock(start if start.tzinfo else start.replace(tzinfo=dt.UTC))
