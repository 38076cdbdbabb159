"""Search Console's error table: the reason decides, not the status."""

import pytest

from tactics.connectors.gsc.faults import error_of
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond


def failure(reason: str = "", status: str = "", **more: object) -> dict[str, object]:
    """Return Google's error envelope."""
    errors = [{"reason": reason, "domain": "global"}] if reason else []
    return {"error": {"message": "no", "status": status, "errors": errors, **more}}


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (429, "rateLimitExceeded", RateLimited),
        (429, "", RateLimited),
        (403, "rateLimitExceeded", RateLimited),
        (403, "userRateLimitExceeded", RateLimited),
        (403, "quotaExceeded", RateLimited),
        (403, "dailyLimitExceeded", RateLimited),
        (403, "forbidden", PermissionDenied),
        (403, "insufficientPermissions", PermissionDenied),
        (403, "accessNotConfigured", PermissionDenied),
        (403, "", PermissionDenied),
        (401, "authError", CredentialExpired),
        (401, "", CredentialExpired),
        (400, "badRequest", ContractChanged),
        (400, "invalidParameter", ContractChanged),
        (404, "notFound", ContractChanged),
        (408, "", UpstreamUnavailable),
        (500, "internalError", UpstreamUnavailable),
        (503, "backendError", UpstreamUnavailable),
        (502, "", UpstreamUnavailable),
        (302, "", ContractChanged),
    ],
)
def test_every_row_of_the_table(status: int, reason: str, kind: type[TacticsError]) -> None:
    """Each status and reason is the error that the contract names."""
    assert type(error_of(respond(failure(reason), status))) is kind


@pytest.mark.parametrize(
    ("status", "reason", "headers", "seconds"),
    [
        (429, "rateLimitExceeded", {}, 20),
        (429, "rateLimitExceeded", {"retry_after": "40"}, 40),
        (403, "userRateLimitExceeded", {}, 20),
        (403, "quotaExceeded", {}, 900),
        (403, "dailyLimitExceeded", {}, 3600),
        (403, "dailyLimitExceeded", {"date": "not a date"}, 3600),
        # 23:30 in Los Angeles, in winter and in summer
        (403, "dailyLimitExceeded", {"date": "Sat, 21 Nov 2026 07:30:00 GMT"}, 1800),
        (403, "dailyLimitExceeded", {"date": "Tue, 21 Jul 2026 06:30:00 GMT"}, 1800),
        # the night on which the clock goes back has 25 hours
        (403, "dailyLimitExceeded", {"date": "Sun, 01 Nov 2026 07:30:00 GMT"}, 88_200),
    ],
)
def test_how_long_a_quota_keeps_us_out(
    status: int, reason: str, headers: dict[str, str], seconds: float
) -> None:
    """A moment, a quarter of an hour, or until the next Pacific midnight."""
    error = error_of(respond(failure(reason), status, **headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (failure("accessNotConfigured"), "enable the Google Search Console API"),
        (failure(details=[{"reason": "SERVICE_DISABLED"}]), "enable the Google Search Console API"),
        (failure("forbidden"), "exactly as Search Console does"),
        (failure(details=[{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]), "webmasters.readonly"),
    ],
)
def test_a_refusal_says_what_to_do(body: dict[str, object], hint: str) -> None:
    """A property, a project and a scope are mended in different places."""
    assert hint in error_of(respond(body, 403)).hint


def test_a_proxys_page_is_judged_by_its_status() -> None:
    """HTML says nothing; the status has to do."""
    assert isinstance(error_of(respond(b"<html>", 503)), UpstreamUnavailable)
    assert isinstance(error_of(respond(b"<html>", 403)), PermissionDenied)
