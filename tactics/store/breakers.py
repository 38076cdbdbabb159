"""Circuit breakers that all processes share: who may try, and what came of it.

Counts and leases; when an error counts as a failure is decided in transport.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tactics.clock import Clock
from tactics.sql import load_statements
from tactics.store.codec import from_instant, from_optional_instant, to_instant
from tactics.store.database import Database, Row

# allowed, is this the trial, open until (past while somebody else is trying)
Admitted: TypeAlias = tuple[bool, bool, dt.datetime | None]

REASON_LIMIT = 500

_SQL = load_statements("tactics.store", "breakers.sql")


class BreakerState(StrEnum):
    """Calls pass, fail at once, or one trial may pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """How a breaker stands now."""

    name: str
    state: BreakerState
    failures: int
    reason: str
    opened_at: dt.datetime | None
    open_until: dt.datetime | None
    trial_until: dt.datetime | None

    def awaits_trial(self, now: dt.datetime) -> bool:
        """Return whether it has cooled down and nobody is trying."""
        taken = self.trial_until is not None and self.trial_until > now
        return self.state is BreakerState.HALF_OPEN and not taken


class Breakers:
    """The state behind `transport.Breaker`; satisfies its `BreakerStore`.

    `owner` names one attempt: two threads that share one name would share one lease. A healthy
    breaker is only ever read, so a busy store does not slow down good calls.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def admit(self, name: str, *, owner: str, now: dt.datetime, lease_seconds: float) -> Admitted:
        """Return whether `owner` may try, whether it is the trial, and until when it is open.

        After the cool-down the first caller gets the trial and has `lease_seconds` to report.
        """
        row = self._get(name, now)
        if row is not None and row.awaits_trial(now):
            parameters = {
                "name": name,
                "owner": owner,
                "now": to_instant(now),
                "lease_until": to_instant(now + dt.timedelta(seconds=lease_seconds)),
            }
            if won := self._database.write(_SQL["take_trial"], parameters):
                return True, True, from_instant(won[0][0])
            row = self._get(name, now)  # somebody was faster; perhaps has closed it already
        if row is None or row.state is BreakerState.CLOSED:
            return True, False, None
        return False, False, row.open_until

    def succeed(self, name: str, *, owner: str, now: dt.datetime) -> bool:
        """Report a success; return whether it closed the breaker."""
        row = self._get(name, now)
        if row is None or (row.state is BreakerState.CLOSED and not row.failures):
            return False
        if row.state is BreakerState.CLOSED:
            self._database.write(_SQL["clear_failures"], {"name": name})
            return False
        parameters = {"name": name, "owner": owner}
        return bool(self._database.write(_SQL["close_breaker"], parameters))

    def fail(
        self,
        name: str,
        *,
        owner: str,
        now: dt.datetime,
        threshold: int,
        cooldown_seconds: float,
        reason: str,
        failed_by: str = "",
    ) -> bool:
        """Report a failed attempt; return whether the breaker opened (again) by it.

        What fails under a name counts once, however often: another name has to fail as well.
        """
        rows = self._database.write(
            _SQL["count_failure"],
            {
                "name": name,
                "owner": owner,
                "now": to_instant(now),
                "until": to_instant(now + dt.timedelta(seconds=cooldown_seconds)),
                "threshold": threshold,
                "reason": reason[:REASON_LIMIT],
                "failed_by": failed_by,
            },
        )
        return rows == [(1,)]

    def release(self, name: str, *, owner: str, now: dt.datetime) -> None:
        """Report an attempt that says nothing about the other side: the lease is given back."""
        row = self._get(name, now)
        if row is not None and row.trial_until is not None:
            self._database.write(_SQL["release_trial"], {"name": name, "owner": owner})

    def open_until(self, name: str, *, until: dt.datetime, reason: str, now: dt.datetime) -> bool:
        """Open at once, or longer than so far; return whether calls had been let through."""
        parameters = {
            "name": name,
            "until": to_instant(until),
            "now": to_instant(now),
            "reason": reason[:REASON_LIMIT],
        }
        with self._database.transaction():
            opened = self._database.write(_SQL["open_breaker"], parameters)
            if not opened:
                self._database.write(_SQL["prolong_breaker"], parameters)
        return bool(opened)

    def list_all(self) -> list[BreakerStatus]:
        """Return every breaker that has ever failed, by name."""
        now = self._clock.now()
        return [_to_status(row, now) for row in self._database.read(_SQL["list_breakers"])]

    def reset(self, name: str) -> bool:
        """Close a breaker by hand; return whether it was known."""
        return bool(self._database.write(_SQL["reset_breaker"], {"name": name}))

    def _get(self, name: str, now: dt.datetime) -> BreakerStatus | None:
        row = self._database.read_one(_SQL["get_breaker"], {"name": name})
        return None if row is None else _to_status(row, now)


def _to_status(row: Row, now: dt.datetime) -> BreakerStatus:
    name, state, failures, reason, opened_at, open_until, trial_until = row
    until = from_optional_instant(open_until)
    cooled_down = until is not None and until <= now
    return BreakerStatus(
        name=name,
        state=BreakerState.HALF_OPEN if cooled_down else BreakerState(state),
        failures=failures,
        reason=reason,
        opened_at=from_optional_instant(opened_at),
        open_until=until,
        trial_until=from_optional_instant(trial_until),
    )
