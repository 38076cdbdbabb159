"""The token buckets of the simulated Google Analytics: what a call costs, and who is refused.

Source: ga4 contract sheet of 2026-11-21, section 5 (a standard property: 200k tokens a day, 40k an
hour, 14k an hour and project, 10 server errors and 120 thresholded requests an hour). The cost of a
call is made up. Knows no report.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from tactics.clock import Clock
from tactics.errors import ConfigError
from tactics.sandbox.api import Reply
from tactics.sandbox.google import error_reply

_PACIFIC = ZoneInfo("America/Los_Angeles")
_HOURLY = "These quota tokens will return in under one hour."
LIMITS = {
    "tokensPerDay": 200_000,
    "tokensPerHour": 40_000,
    "tokensPerProjectPerHour": 14_000,
    "serverErrorsPerProjectPerHour": 10,
    "potentiallyThresholdedRequestsPerHour": 120,
}
_TOKENS = ("tokensPerDay", "tokensPerHour", "tokensPerProjectPerHour")
_ERRORS = "serverErrorsPerProjectPerHour"
_CONCURRENT = 10

MESSAGES = {
    "tokensPerDay": "Exhausted property tokens per day. These quota tokens will return in under 24 hours.",
    "tokensPerHour": f"Exhausted property tokens per hour. {_HOURLY}",
    "tokensPerProjectPerHour": f"Exhausted property tokens for a project per hour. {_HOURLY}",
    _ERRORS: "Exhausted property server errors for a project per hour. Please fix the requests.",
    "potentiallyThresholdedRequestsPerHour": "Exhausted potentially thresholded requests quota.",
    "concurrentRequests": "Exhausted concurrent requests quota. Please send fewer requests at once.",
}


def refusal(bucket: str) -> Reply:
    """Return the 429 that names an empty bucket."""
    return error_reply(429, MESSAGES[bucket])


class Quotas:
    """What every property has used of its buckets; each fills up by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str, dt.datetime | dt.date], int] = {}

    def charge(self, property_id: str, tokens: int) -> None:
        """Take the tokens of one report."""
        for bucket in _TOKENS:
            self._add(property_id, bucket, tokens)

    def fail(self, property_id: str) -> None:
        """Count a server error."""
        self._add(property_id, _ERRORS, 1)

    def drain(self, property_id: str, bucket: str, leave: int = 0) -> None:
        """Leave only so much in a bucket.

        Raises:
            ConfigError: there is no such bucket.
        """
        if bucket not in LIMITS:
            raise ConfigError("no such bucket", hint=", ".join(LIMITS), bucket=bucket)
        self._used[self._key(property_id, bucket)] = LIMITS[bucket] - leave

    def exhausted(self, property_id: str) -> str | None:
        """Return a bucket that is empty: then every call is refused."""
        return next((name for name in LIMITS if self._remaining(property_id, name) <= 0), None)

    def state(self, property_id: str, tokens: int) -> dict[str, dict[str, int]]:
        """Return `propertyQuota` after a call of so many tokens; zeros are left out, as proto3 does."""
        consumed = dict.fromkeys(_TOKENS, tokens)
        state = {
            name: {
                "consumed": consumed.get(name, 0),
                "remaining": max(0, self._remaining(property_id, name)),
            }
            for name in LIMITS
        } | {"concurrentRequests": {"consumed": 0, "remaining": _CONCURRENT}}
        return {name: {k: n for k, n in facts.items() if n} for name, facts in state.items()}

    def _remaining(self, property_id: str, bucket: str) -> int:
        return LIMITS[bucket] - self._used.get(self._key(property_id, bucket), 0)

    def _add(self, property_id: str, bucket: str, count: int) -> None:
        key = self._key(property_id, bucket)
        self._used[key] = self._used.get(key, 0) + count

    def _key(self, property_id: str, bucket: str) -> tuple[str, str, dt.datetime | dt.date]:
        now = self._clock.now()
        if bucket == "tokensPerDay":
            return property_id, bucket, now.astimezone(_PACIFIC).date()
        return property_id, bucket, now.replace(minute=0, second=0, microsecond=0)
