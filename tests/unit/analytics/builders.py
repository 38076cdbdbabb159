"""Vitals of a home in which all is well, to be spoilt by one test each."""

import datetime as dt
from typing import Any

from tactics.analytics import (
    CheckState,
    Health,
    HealthCheck,
    HeldStream,
    LastRun,
    SourceTrouble,
    Vitals,
    assess,
)
from tactics.config import HealthSettings
from tactics.model import RunStatus

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LIMITS = HealthSettings()
GIB = 2**30


def run(**more: Any) -> LastRun:
    """Return a sync that ended well an hour ago."""
    facts = {"run_id": "r1", "command": "sync", "status": RunStatus.SUCCEEDED}
    times = {"began_at": NOW - HOUR - HOUR / 60, "ended_at": NOW - HOUR}
    return LastRun(**{**facts, **times, **more})


def vitals(**more: Any) -> Vitals:
    """Return the vitals of a healthy home."""
    well = {
        "now": NOW,
        "last_run": run(),
        "disk_free_bytes": 50 * GIB,
        "disk_total_bytes": 99 * GIB,
    }
    return Vitals(**{**well, **more})


def health(**more: Any) -> Health:
    """Return the health of a home that is well but for `more`."""
    return assess(vitals(**more), LIMITS)


def line(name: str, subject: str = "", **more: Any) -> HealthCheck:
    """Return one line of that health."""
    found = health(**more).find(name, subject)
    assert found is not None, (name, subject)
    return found


def state(name: str, subject: str = "", **more: Any) -> CheckState:
    """Return how one check comes out."""
    return line(name, subject, **more).state


def trouble(code: str, message: str = "refused", hint: str = "") -> SourceTrouble:
    """Return what acme/meta had when it was last asked."""
    return SourceTrouble("acme", "meta", code, message, hint)


def stream(**more: Any) -> HeldStream:
    """Return a stream of acme/meta that yesterday's days were fetched of, an hour ago."""
    facts = {"org_id": "acme", "source": "meta", "account_id": "act_1", "stream": "insights"}
    held = {
        "by_day": True,
        "timezone": "Europe/Vienna",
        "every": 26 * HOUR,
        "through": NOW.date() - DAY,
        "newest_day": NOW.date(),
        "checked_at": NOW - HOUR,
    }
    return HeldStream(**{**facts, **held, **more})
