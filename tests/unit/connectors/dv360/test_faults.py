"""Every row of the error table has its error."""

import pytest

from tactics.connectors.dv360.faults import error_of
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response
from tests.unit.connectors.dv360.builders import refused

PER_MINUTE = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ContractChanged),
        (401, CredentialExpired),
        (403, PermissionDenied),
        (404, PermissionDenied),
        (408, UpstreamUnavailable),
        (409, ContractChanged),
        (500, UpstreamUnavailable),
        (502, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (504, UpstreamUnavailable),
    ],
)
def test_the_status_decides(status: int, kind: type[TacticsError]) -> None:
    """Also when a proxy answers in place of Google."""
    assert type(error_of(refused(status))) is kind
    assert type(error_of(Response(status, b"<html>"))) is kind


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("Sat, 21 Nov 2026 09:00:00 GMT", 23.0),  # 01:00 in Los Angeles
        ("Sun, 08 Nov 2026 07:30:00 GMT", 0.5),
        ("Sun, 01 Nov 2026 07:00:00 GMT", 25.0),  # the day on which summer time ends
    ],
)
def test_the_daily_limit_lasts_until_midnight_pacific(now: str, hours: float) -> None:
    """No call is made before; the hour comes from Google's own clock."""
    error = error_of(refused(403, reason="dailyLimitExceeded", date=now))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == hours * 3600


def test_a_daily_limit_without_a_date_lasts_an_hour() -> None:
    """Also in its newer form, which only the text tells."""
    error = error_of(refused(429, "Quota exceeded for limit 'Queries per day'"))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 3600


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [(403, "slow down", "userRateLimitExceeded"), (429, PER_MINUTE, "")],
)
def test_the_limit_of_a_minute_is_waited_out(
    status: int, message: str, reason: str, *, runs: bool
) -> None:
    """Until Google's next minute begins; its own wish comes first."""
    now = "Sat, 21 Nov 2026 09:00:48 GMT"
    waits = [
        error_of(refused(status, message, reason, **headers), runs=runs)
        for headers in ({"date": now}, {}, {"date": now, "retry_after": "5"})
    ]
    assert all(type(error) is RateLimited for error in waits)
    assert [getattr(error, "retry_after_seconds", 0) for error in waits] == [12, 60, 5]


@pytest.mark.parametrize("reason", ["", "rateLimitExceeded"])
def test_too_many_reports_wait_half_an_hour(reason: str) -> None:
    """The quota of reports is counted by user: only time helps, and only a run can hit it."""
    busy = refused(429, "Too many simultaneous reports", reason)
    error = error_of(busy, runs=True)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 1800
    other = error_of(busy)
    assert isinstance(other, RateLimited)
    assert other.retry_after_seconds == 60


def test_google_is_quoted_and_a_way_out_is_named() -> None:
    """The message says which metric; the hints say what a person can do."""
    bad = error_of(refused(400, "Invalid metric: METRIC_X"))
    assert "METRIC_X" in str(bad)
    assert "Display & Video 360" in bad.hint
    assert "who made them" in error_of(refused(404)).hint
