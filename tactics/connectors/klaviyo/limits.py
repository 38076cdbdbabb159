"""Klaviyo's rate-limit headers: how long to leave an account alone.

`RateLimit-Remaining` and `RateLimit-Reset` speak of the tightest of the windows that count a call
(a second, a minute, for reports also a day). They may be missing or nonsense: that reads as "no
limit known". Source: contract sheet "Klaviyo", section 5 (2026-11-21).
"""

from collections.abc import Mapping

# Up to here a window is waited for; what is longer is the daily quota of the reports.
LONGEST_PAUSE_SECONDS = 120.0


def pause_seconds(headers: Mapping[str, str]) -> float:
    """Return how long no further call can succeed; 0 when there is room, or none for hours."""
    reset = _reset_of_full_window(headers)
    return reset if reset <= LONGEST_PAUSE_SECONDS else 0.0


def is_quota_spent(headers: Mapping[str, str]) -> bool:
    """Return whether this answer used up what Klaviyo gives for the day."""
    return _reset_of_full_window(headers) > LONGEST_PAUSE_SECONDS


def _reset_of_full_window(headers: Mapping[str, str]) -> float:
    remaining = headers.get("ratelimit-remaining", "").strip()
    reset = headers.get("ratelimit-reset", "").strip()
    return float(reset) if remaining == "0" and reset.isdecimal() else 0.0
