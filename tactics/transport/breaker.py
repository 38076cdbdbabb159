"""Leaves a source or sink alone that keeps failing, in every process at once.

The states are pybreaker's, the admission is not: pybreaker lets every process through when
half-open, counts excluded exceptions as success and Ctrl-C as failure, and serialises threads.
Here admission is one atomic step of a shared `BreakerStore`, a half-open breaker gives one trial
under a lease, and the outcome is reported after the body was read. Knows nothing of HTTP.
"""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import pybreaker

from tactics.clock import Clock
from tactics.config import BreakerSettings
from tactics.errors import CircuitOpen, NetworkUnreachable, RateLimited, TransientError
from tactics.transport.redaction import redact

Admission = tuple[bool, bool, dt.datetime | None]

# Longer than the longest attempt: a whole response, after a whole answer of the token endpoint.
LEASE_SECONDS = 660.0

TRIAL_PATIENCE_SECONDS = 10.0  # how long others wait for the outcome of the one that tries
TRIAL_POLL_SECONDS = 0.2

# So many connections have to fail before what they share is to blame, and not each of them.
_WITNESSES = 2


class BreakerStore(Protocol):
    """Where breakers live. Every method is one atomic step, also between processes.

    A name that was never seen is closed. `owner` names one attempt. Times are aware, UTC.
    """

    def admit(
        self, name: str, *, owner: str, now: dt.datetime, lease_seconds: float
    ) -> tuple[bool, bool, dt.datetime | None]:
        """Return (allowed, is this the trial, open until).

        Closed: allowed. Open: refused until the cool-down is over; then one owner gets the trial,
        and the others are refused while its lease runs.
        """
        ...

    def succeed(self, name: str, *, owner: str, now: dt.datetime) -> bool:
        """Forget the failures; return True when this was the trial, and closed the breaker."""
        ...

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
        """Count a failure; return True when it opened the breaker (a failed trial does).

        Failures under one name (`failed_by`) in a row count once: another name has to fail as well,
        also after a trial, for the breaker to open (again).
        """
        ...

    def release(self, name: str, *, owner: str, now: dt.datetime) -> None:
        """Give the trial back, if `owner` has it: the attempt said nothing about the vendor."""
        ...

    def open_until(self, name: str, *, until: dt.datetime, reason: str, now: dt.datetime) -> bool:
        """Open it at least until `until`; return True when it was not open before."""
        ...


@dataclass(slots=True)
class Attempt:
    """What became of one attempt."""

    opened: bool = False


class Breaker:
    """One breaker by name; safe to share between threads.

    `connection` names a second one, for the one connection that asks, where several share the
    vendor. It is blamed first: whatever fails counts there, and once it opens, that counts for the
    vendor's breaker, which opens when a second connection opens before anybody got through. The
    quota of a connection is never the vendor's fault.
    """

    def __init__(
        self,
        name: str,
        store: BreakerStore,
        *,
        clock: Clock,
        connection: str | None = None,
        settings: BreakerSettings | None = None,
        on_open: Callable[[str, str], None] | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name
        self.connection = connection or name
        self._store = store
        self._clock = clock
        self._settings = settings or BreakerSettings()
        self._on_open = on_open
        self._lease_seconds = lease_seconds

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Admit the block, or refuse it, and learn from how it ends.

        A `TransientError` is a failure, except an inner breaker's refusal and a machine without a
        network: nothing has reached the other side. Any other exception says nothing about it
        either, Ctrl-C included: the trial, if this was it, is given back.

        Raises:
            CircuitOpen: the block does not run.
            NetworkUnreachable: the block raised it; it counts nothing.
            TransientError: the block raised it.
        """
        owner = uuid.uuid4().hex
        is_trial = self._admit_all(owner)
        result = Attempt()
        try:
            yield result
        except (CircuitOpen, NetworkUnreachable):
            self._release(owner, *self._names())
            raise
        except TransientError as exc:
            result.opened = self._blame(exc, owner, is_trial=is_trial)
            raise
        except BaseException:
            self._release(owner, *self._names())
            raise
        for name in self._names():
            self._store.succeed(name, owner=owner, now=self._clock.now())

    def open_for(self, seconds: float, reason: str, *, quota: bool = False) -> None:
        """Open the connection's at once, for `seconds` or the cool-down, whichever is longer.

        Unless this is its own `quota`, that counts for the vendor's breaker.
        """
        if self._open(seconds, redact(reason)) and not quota:
            self._bear_witness(uuid.uuid4().hex, redact(reason))

    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.name, self.connection)))

    def _release(self, owner: str, *names: str) -> None:
        for name in names:
            self._store.release(name, owner=owner, now=self._clock.now())

    def _admit_all(self, owner: str) -> bool:
        """Return once every breaker lets the block run: whether it is the trial of the vendor's.

        Raises:
            CircuitOpen: one does not; the trial of another is given back.
        """
        is_trial = self._admit(self.name, owner)
        if self.connection != self.name:
            try:
                self._admit(self.connection, owner)
            except CircuitOpen:
                self._release(owner, self.name)
                raise
        return is_trial

    def _admit(self, name: str, owner: str) -> bool:
        """Return once the block may run, and whether it is the trial.

        While another one tries, this waits for what it finds out.

        Raises:
            CircuitOpen: it may not, or the other one takes too long.
        """
        patience = self._clock.monotonic() + TRIAL_PATIENCE_SECONDS
        while True:
            now = self._clock.now()
            allowed, is_trial, until = self._store.admit(
                name, owner=owner, now=now, lease_seconds=self._lease_seconds
            )
            if allowed:
                return is_trial
            if until is not None and until > now:
                _refuse(name, now, until)
            if self._clock.monotonic() >= patience:
                raise CircuitOpen(f"{name} is open, and somebody else is trying")
            self._clock.sleep(TRIAL_POLL_SECONDS)

    def _blame(self, error: TransientError, owner: str, *, is_trial: bool) -> bool:
        """Count a failure where it belongs; return whether it opened the connection's breaker."""
        reason = redact(f"{error.code}: {error}")
        opened = self._fail(self.connection, owner, reason, self._settings.failure_threshold)
        if self.connection == self.name:
            return opened
        if isinstance(error, RateLimited):
            self._release(owner, self.name)
            return opened
        if is_trial:  # one attempt was all that there was to try
            opened = self._open(0.0, reason) or opened
        if opened:
            self._bear_witness(owner, reason)
        else:
            self._release(owner, self.name)
        return opened

    def _bear_witness(self, owner: str, reason: str) -> None:
        """Count for the vendor's breaker that this connection's has opened."""
        if self.connection != self.name:
            reason = f"{self.connection}: {reason}"
            self._fail(self.name, owner, reason, _WITNESSES, failed_by=self.connection)

    def _fail(
        self, name: str, owner: str, reason: str, threshold: int, *, failed_by: str = ""
    ) -> bool:
        opened = self._store.fail(
            name,
            owner=owner,
            now=self._clock.now(),
            threshold=threshold,
            cooldown_seconds=self._settings.cooldown_seconds,
            reason=reason,
            failed_by=failed_by,
        )
        if opened:
            self._report(name, reason)
        return opened

    def _open(self, seconds: float, reason: str) -> bool:
        now = self._clock.now()
        until = now + dt.timedelta(seconds=max(seconds, self._settings.cooldown_seconds))
        opened = self._store.open_until(self.connection, until=until, reason=reason, now=now)
        if opened:
            self._report(self.connection, reason)
        return opened

    def _report(self, name: str, reason: str) -> None:
        if self._on_open is not None:
            self._on_open(name, reason)


def _refuse(name: str, now: dt.datetime, until: dt.datetime) -> None:
    raise CircuitOpen(
        f"{name} is open after repeated failures",
        hint=f"it tries again by itself; `tactics breakers reset {name}` tries now",
        retry_after_seconds=(until - now).total_seconds(),
        until=until.isoformat(timespec="seconds"),
    )


@dataclass(slots=True)
class _Local:
    state: pybreaker.CircuitMemoryStorage = field(
        default_factory=lambda: pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
    )
    until: dt.datetime | None = None
    owner: str = ""
    lease_ends: dt.datetime | None = None
    failed_by: str = ""


class MemoryBreakers:
    """Breakers of this process only, for a check that must not move the shared ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, _Local] = {}

    def admit(self, name: str, *, owner: str, now: dt.datetime, lease_seconds: float) -> Admission:
        """Return (allowed, is this the trial, open until)."""
        with self._lock:
            one = self._all.setdefault(name, _Local())
            if one.state.state == pybreaker.STATE_CLOSED:
                return True, False, None
            leased = one.lease_ends is not None and now < one.lease_ends
            if leased or (one.until is not None and now < one.until):
                return False, False, one.until
            one.state.state = pybreaker.STATE_HALF_OPEN
            one.owner, one.lease_ends = owner, now + dt.timedelta(seconds=lease_seconds)
            return True, True, one.until

    def succeed(self, name: str, *, owner: str, now: dt.datetime) -> bool:  # noqa: ARG002
        """Forget the failures; return True when this closed the breaker."""
        with self._lock:
            one = self._all.setdefault(name, _Local())
            trial = _has_trial(one, owner)
            if trial:
                self._all[name] = _Local()
            elif one.state.state == pybreaker.STATE_CLOSED:
                one.state.reset_counter()
                one.failed_by = ""
            return trial

    def fail(
        self,
        name: str,
        *,
        owner: str,
        now: dt.datetime,
        threshold: int,
        cooldown_seconds: float,
        reason: str,  # noqa: ARG002  a store that is looked at keeps it
        failed_by: str = "",
    ) -> bool:
        """Count a failure; return True when it opened the breaker."""
        with self._lock:
            one = self._all.setdefault(name, _Local())
            if one.state.state != pybreaker.STATE_CLOSED and not _has_trial(one, owner):
                return False
            opens = _count(one, threshold, failed_by)
            one.owner, one.lease_ends, one.failed_by = "", None, failed_by
            if opens:
                _open(one, now + dt.timedelta(seconds=cooldown_seconds), now)
            return opens

    def release(self, name: str, *, owner: str, now: dt.datetime) -> None:  # noqa: ARG002
        """Give the trial back, if `owner` has it."""
        with self._lock:
            one = self._all.setdefault(name, _Local())
            if _has_trial(one, owner):
                one.owner, one.lease_ends = "", None

    def open_until(self, name: str, *, until: dt.datetime, reason: str, now: dt.datetime) -> bool:  # noqa: ARG002
        """Open it at least until `until`; return True when it was not open before."""
        with self._lock:
            one = self._all.setdefault(name, _Local())
            was_open = one.state.state == pybreaker.STATE_OPEN
            _open(one, until, now)
            return not was_open


def _has_trial(one: _Local, owner: str) -> bool:
    return one.state.state == pybreaker.STATE_HALF_OPEN and one.owner == owner


def _count(one: _Local, threshold: int, failed_by: str) -> bool:
    """Count one more failure; return whether it is enough to open."""
    first = not failed_by or one.failed_by != failed_by
    if one.state.state != pybreaker.STATE_CLOSED:
        return first and (not failed_by or bool(one.failed_by))
    if first:
        one.state.increment_counter()
    return bool(one.state.counter >= threshold)


def _open(one: _Local, until: dt.datetime, now: dt.datetime) -> None:
    one.state.state = pybreaker.STATE_OPEN
    one.state.opened_at = now
    one.until = max(until, one.until or until)
    one.owner, one.lease_ends, one.failed_by = "", None, ""
