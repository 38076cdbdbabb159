"""The quiet hours."""

import datetime as dt

import pytest

from tactics.alerts import severities_now
from tactics.alerts.quiet import is_quiet
from tactics.config import AlertSettings
from tactics.model import AlertSeverity

NIGHT = AlertSettings(quiet_hours="22:00-07:00", quiet_timezone="Europe/Vienna")


def at(text: str) -> dt.datetime:
    """Return an instant."""
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        ("2026-11-21T21:59:59+01:00", False),
        ("2026-11-21T22:00+01:00", True),
        ("2026-11-22T03:00+01:00", True),
        ("2026-11-22T06:59:59+01:00", True),
        ("2026-11-22T07:00+01:00", False),
        ("2026-11-21T21:30Z", True),
        ("2026-06-21T20:30Z", True),  # summer time: the clock on the wall counts
        ("2026-06-21T05:30Z", False),
        ("2026-03-29T01:30Z", True),  # the night that has no 02:30
        ("2026-10-25T01:30Z", True),  # the night that has it twice
    ],
)
def test_the_night_spans_midnight(now: str, quiet: bool):  # noqa: FBT001
    """By the clock on the wall; the end is outside."""
    assert is_quiet(NIGHT, at(now)) is quiet


def test_quiet_hours_of_one_day():
    """They may lie within a day, in UTC unless a zone is named."""
    nap = AlertSettings(quiet_hours="13:00-14:30")
    assert is_quiet(nap, at("2026-11-21T13:00Z"))
    assert not is_quiet(nap, at("2026-11-21T14:30Z"))


def test_without_quiet_hours_everything_is_told():
    """The default disturbs at any time."""
    assert severities_now(AlertSettings(), at("2026-11-21T03:00Z")) == tuple(AlertSeverity)


def test_what_is_critical_is_told_at_night():
    """The rest waits for the morning."""
    assert severities_now(NIGHT, at("2026-11-21T23:00Z")) == (AlertSeverity.CRITICAL,)
    assert severities_now(NIGHT, at("2026-11-21T12:00Z")) == tuple(AlertSeverity)


@pytest.mark.parametrize("text", ["22-7", "24:00-07:00", "22:00-07:60", "22:00 - 07:00", ""])
def test_other_forms_are_refused(text: str):
    """Hours are written as 22:00-07:00."""
    with pytest.raises(ValueError, match="quiet_hours"):
        AlertSettings(quiet_hours=text)
