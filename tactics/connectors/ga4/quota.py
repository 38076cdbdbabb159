"""How long to leave a property alone: before a bucket of tokens is empty, and once it is.

Nearly empty buckets slow us down, so that dashboards that share the property keep some; only an
empty one stops us. Source: contract sheet "Google Analytics 4, Data API v1beta", section 5
(2026-11-21): hourly buckets fill within the hour, daily ones at midnight in Los Angeles.
"""

import datetime as dt
import email.utils
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

HOUR_SECONDS = 3600.0
MINUTE_SECONDS = 60.0
CONCURRENT_SECONDS = 5.0
# A longer pause is not slept through: the vendor's refusal parks the source instead, at no cost.
LONGEST_PAUSE_SECONDS = 120.0

_RESERVE_CALLS = 5  # a bucket that would not pay for so many more calls is nearly empty (a guess)
_PACIFIC = ZoneInfo("America/Los_Angeles")


class Bucket(msgspec.Struct):
    """One bucket after a call; a number that is zero may be left out of the answer."""

    consumed: int = 0
    remaining: int = 0

    @property
    def is_low(self) -> bool:
        """Return whether a few more calls like the last one would empty it."""
        return self.remaining < _RESERVE_CALLS * max(self.consumed, 1)


class PropertyQuota(msgspec.Struct, rename="camel"):
    """The state of a property's buckets; one that is not named is not known."""

    tokens_per_day: Bucket | None = None
    tokens_per_hour: Bucket | None = None
    tokens_per_project_per_hour: Bucket | None = None
    concurrent_requests: Bucket | None = None
    server_errors_per_project_per_hour: Bucket | None = None
    potentially_thresholded_requests_per_hour: Bucket | None = None

    def pause_seconds(self, headers: Mapping[str, str]) -> float:
        """Return how long to pause before the next call, 0 while there is plenty."""
        hourly = (
            self.tokens_per_hour,
            self.tokens_per_project_per_hour,
            self.potentially_thresholded_requests_per_hour,
        )
        waits = [0.0]
        if any(bucket and bucket.is_low for bucket in hourly) or self._errors_run_out:
            waits.append(seconds_to_next_hour(headers))
        if self.tokens_per_day and self.tokens_per_day.is_low:
            waits.append(seconds_to_pacific_midnight(headers))
        if self.concurrent_requests and self.concurrent_requests.remaining < 1:
            waits.append(CONCURRENT_SECONDS)
        return min(max(waits), LONGEST_PAUSE_SECONDS)

    @property
    def _errors_run_out(self) -> bool:
        errors = self.server_errors_per_project_per_hour
        return errors is not None and errors.remaining <= 1


def seconds_until_refill(message: str, headers: Mapping[str, str]) -> float:
    """Return when the bucket is full again that a refusal names."""
    text = message.lower()
    if "concurrent" in text:
        return CONCURRENT_SECONDS
    if "per day" in text or "daily" in text:
        return seconds_to_pacific_midnight(headers)
    if "per minute" in text:  # the project's, as every Google API has it
        return MINUTE_SECONDS
    return seconds_to_next_hour(headers)


def seconds_to_next_hour(headers: Mapping[str, str]) -> float:
    """Return how long the hour of the answer still lasts; a whole one when it has no date."""
    now = _date(headers)
    return HOUR_SECONDS - (now.minute * 60 + now.second) if now else HOUR_SECONDS


def seconds_to_pacific_midnight(headers: Mapping[str, str]) -> float:
    """Return how long the day of the answer lasts in Los Angeles; an hour when it has no date."""
    now = _date(headers)
    if now is None:
        return HOUR_SECONDS
    tomorrow = now.astimezone(_PACIFIC).date() + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time(), _PACIFIC)
    return (midnight.astimezone(dt.UTC) - now).total_seconds()


def _date(headers: Mapping[str, str]) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(headers.get("date", "")).astimezone(dt.UTC)
    except ValueError:
        return None
