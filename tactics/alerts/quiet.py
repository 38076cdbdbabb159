"""When people sleep: the hours in which only what is critical is told.

Decides by the wall clock of a time zone, so that a change to summer time moves nothing.
"""

import datetime as dt
import zoneinfo

from tactics.config import AlertSettings
from tactics.model import AlertSeverity


def severities_now(settings: AlertSettings, now: dt.datetime) -> tuple[AlertSeverity, ...]:
    """Return which alerts may be told now; the others wait for the morning."""
    if is_quiet(settings, now):
        return (AlertSeverity.CRITICAL,)
    return tuple(AlertSeverity)


def is_quiet(settings: AlertSettings, now: dt.datetime) -> bool:
    """Return whether `now` lies in the quiet hours; their end is outside, and they may span midnight."""
    if settings.quiet_hours is None:
        return False
    start, end = map(dt.time.fromisoformat, settings.quiet_hours.split("-"))
    local = now.astimezone(zoneinfo.ZoneInfo(settings.quiet_timezone)).time()
    if start <= end:
        return start <= local < end
    return local >= start or local < end
