"""Google Analytics' error table, and how long each refusal keeps us away."""

import pytest

from tactics.connectors.ga4.faults import error_of
from tactics.connectors.ga4.quota import (
    Bucket,
    PropertyQuota,
    seconds_to_next_hour,
    seconds_to_pacific_midnight,
)
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond
from tests.unit.connectors.ga4.reports import failure

AT = "Sat, 21 Nov 2026 09:40:30 GMT"
DAY_LEFT = 22 * 3600 + 19 * 60 + 30  # 01:40:30 in Los Angeles


@pytest.mark.parametrize(
    ("status", "canonical", "kind"),
    [
        (401, "UNAUTHENTICATED", CredentialExpired),
        (403, "PERMISSION_DENIED", PermissionDenied),
        (404, "NOT_FOUND", PermissionDenied),
        (429, "RESOURCE_EXHAUSTED", RateLimited),
        (403, "RESOURCE_EXHAUSTED", RateLimited),
        (400, "INVALID_ARGUMENT", ContractChanged),
        (500, "INTERNAL", UpstreamUnavailable),
        (503, "UNAVAILABLE", UpstreamUnavailable),
        (504, "DEADLINE_EXCEEDED", UpstreamUnavailable),
        (418, "SOMETHING_NEW", ContractChanged),
    ],
)
def test_the_canonical_status_decides(
    status: int, canonical: str, kind: type[TacticsError]
) -> None:
    """The body's own word counts before the HTTP status."""
    assert type(error_of(respond(failure(canonical), status))) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialExpired),
        (403, PermissionDenied),
        (404, PermissionDenied),
        (429, RateLimited),
        (400, ContractChanged),
        (502, UpstreamUnavailable),
    ],
)
def test_a_proxys_page_has_only_its_status(status: int, kind: type[TacticsError]) -> None:
    """Without Google's envelope the HTTP status has to do."""
    assert type(error_of(respond(b"<html>no</html>", status))) is kind


def test_an_api_that_is_not_enabled_is_said_so() -> None:
    """SERVICE_DISABLED leads to the Cloud project, everything else to the property's access list."""
    disabled = failure("PERMISSION_DENIED", details=[{"@type": "x", "reason": "SERVICE_DISABLED"}])
    assert "enable" in error_of(respond(disabled, 403)).hint
    assert "Viewer" in error_of(respond(failure("PERMISSION_DENIED"), 403)).hint


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Exhausted concurrent requests quota. Please send fewer requests at once.", 5),
        ("Exhausted property tokens per hour. These quota tokens will return …", 1170),
        ("Exhausted property tokens for a project per hour.", 1170),
        ("Exhausted potentially thresholded requests quota.", 1170),
        ("Exhausted property server errors for a project per hour.", 1170),
        ("Exhausted property tokens per day. They return in under 24 hours.", DAY_LEFT),
        ("Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'", 60),
        ("Resource has been exhausted.", 1170),
    ],
)
def test_the_bucket_says_how_long(message: str, seconds: float) -> None:
    """Seconds, the rest of the hour, or until midnight in Los Angeles, by the answer's own date."""
    error = error_of(respond(failure("RESOURCE_EXHAUSTED", message), 429, date=AT))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_date_it_is_an_hour(date: str) -> None:
    """An answer without a readable date is waited out for an hour, whatever the bucket."""
    headers = {"date": date} if date else {}
    assert seconds_to_next_hour(headers) == seconds_to_pacific_midnight(headers) == 3600


@pytest.mark.parametrize(
    ("date", "hours"),
    [
        ("Sun, 08 Mar 2026 08:00:00 GMT", 23),  # clocks go forward in Los Angeles
        ("Sun, 01 Nov 2026 07:00:00 GMT", 25),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 24),
    ],
)
def test_a_day_in_los_angeles_may_have_23_hours(date: str, hours: int) -> None:
    """Midnight there is midnight there, also when the clocks change."""
    assert seconds_to_pacific_midnight({"date": date}) == hours * 3600


@pytest.mark.parametrize(
    ("quota", "pause"),
    [
        (PropertyQuota(), 0),
        (PropertyQuota(tokens_per_hour=Bucket(10, 51), tokens_per_day=Bucket(10, 60)), 0),
        (PropertyQuota(tokens_per_hour=Bucket(10, 49)), 120),
        (PropertyQuota(tokens_per_project_per_hour=Bucket(10, 49)), 120),
        (PropertyQuota(tokens_per_day=Bucket(10, 49)), 120),
        (PropertyQuota(tokens_per_day=Bucket(0, 4)), 120),
        (PropertyQuota(potentially_thresholded_requests_per_hour=Bucket(0, 4)), 120),
        (PropertyQuota(server_errors_per_project_per_hour=Bucket(0, 1)), 120),
        (PropertyQuota(server_errors_per_project_per_hour=Bucket(0, 2)), 0),
        (PropertyQuota(concurrent_requests=Bucket(1, 0)), 5),
        (PropertyQuota(concurrent_requests=Bucket(1, 1)), 0),
    ],
)
def test_low_buckets_slow_us_down(quota: PropertyQuota, pause: float) -> None:
    """A bucket that would not pay for five more calls asks for a pause, of two minutes at most."""
    assert quota.pause_seconds({"date": AT}) == pause


def test_the_pause_ends_with_the_hour() -> None:
    """Shortly before the hour turns the pause is short."""
    quota = PropertyQuota(tokens_per_hour=Bucket(10, 0))
    assert quota.pause_seconds({"date": "Sat, 21 Nov 2026 09:59:30 GMT"}) == 30
