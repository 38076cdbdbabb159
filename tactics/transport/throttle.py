"""Spends a vendor's request budget evenly, and on the most urgent request first.

One token bucket per account. Knows no vendor: the rates come from its manifest, the pauses from
what its answers say.
"""

import itertools
import threading
from dataclasses import dataclass, field

from tactics.clock import Clock
from tactics.model import Priority

_Ticket = tuple[int, int]  # priority, then order of arrival
_EPSILON = 1e-9


@dataclass(slots=True)
class _Bucket:
    """Tokens of one account; sees no clock and no lock."""

    rate: float
    burst: float
    tokens: float
    updated: float
    blocked_until: float = 0.0
    waiting: set[_Ticket] = field(default_factory=set)

    def claim(self, ticket: _Ticket, now: float) -> float:
        """Take a token for `ticket` and return 0, or return how long it has to wait."""
        if now < self.blocked_until:
            return self.blocked_until - now
        self.tokens = min(self.burst, self.tokens + (now - self.updated) * self.rate)
        self.updated = now
        # One token for each ticket ahead, too: they were only not awake in time to take theirs.
        missing = 1 + sum(other < ticket for other in self.waiting) - self.tokens
        if missing > _EPSILON:
            return missing / self.rate
        self.tokens -= 1
        self.waiting.discard(ticket)
        return 0.0

    def block(self, until: float) -> None:
        """Give out nothing before `until`, and begin again with an empty bucket."""
        self.blocked_until = max(self.blocked_until, until)
        self.tokens = 0.0
        self.updated = self.blocked_until


class Throttle:
    """The buckets of one source; safe to share between threads."""

    def __init__(self, *, requests_per_second: float, burst: int, clock: Clock) -> None:
        self._rate = requests_per_second
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._arrivals = itertools.count()

    def acquire(self, account_id: str, priority: Priority = Priority.LIVE) -> None:
        """Return when a request of this account may leave; live ones overtake the others."""
        with self._lock:
            ticket = (int(priority), next(self._arrivals))
            self._bucket(account_id).waiting.add(ticket)
        try:
            while seconds := self._claim(account_id, ticket):
                self._clock.sleep(seconds)
        finally:
            with self._lock:
                self._bucket(account_id).waiting.discard(ticket)

    def slow_down(self, account_id: str, seconds: float) -> None:
        """Let no request of this account leave for `seconds`, because the vendor says so."""
        if seconds > 0:
            with self._lock:
                self._bucket(account_id).block(self._clock.monotonic() + seconds)

    def _claim(self, account_id: str, ticket: _Ticket) -> float:
        with self._lock:
            return self._bucket(account_id).claim(ticket, self._clock.monotonic())

    def _bucket(self, account_id: str) -> _Bucket:
        now = self._clock.monotonic()
        return self._buckets.setdefault(
            account_id, _Bucket(self._rate, self._burst, self._burst, now)
        )
