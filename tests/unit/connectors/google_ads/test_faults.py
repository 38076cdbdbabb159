"""Google's error table, row by row."""

from typing import Any

import pytest

from tactics.connectors.google_ads import GoogleAdsOptions, connector
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CredentialExpired,
    CursorRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond, slice_of

OPTIONS = GoogleAdsOptions()
WORK = slice_of("campaign_performance", account_id="1112223330")


def classify(body: object, status: int) -> TacticsError:
    """Return the error of an answer."""
    with pytest.raises(TacticsError) as caught:
        connector.read(WORK, OPTIONS, connector.ask(WORK, OPTIONS), respond(body, status))
    return caught.value


def failure(code: str, *, delay: str | None = None) -> list[dict[str, Any]]:
    """Return the refusal of a stream."""
    category, name = code.split(".")
    error: dict[str, Any] = {"errorCode": {category: name}, "message": "no"}
    if delay is not None:
        error["details"] = {"quotaErrorDetails": {"rateScope": "ACCOUNT", "retryDelay": delay}}
    return [{"error": {"code": 400, "message": "failed", "details": [{"errors": [error]}]}}]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", RateLimited),
        ("quotaError.RESOURCE_EXHAUSTED", RateLimited),
        ("quotaError.EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", RateLimited),
        ("quotaError.EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION", RateLimited),
        ("quotaError.NEW_QUOTA", RateLimited),
        ("quotaError.ACCESS_PROHIBITED", CredentialError),
        ("internalError.TRANSIENT_ERROR", UpstreamUnavailable),
        ("internalError.INTERNAL_ERROR", UpstreamUnavailable),
        ("internalError.DEADLINE_EXCEEDED", UpstreamUnavailable),
        ("requestError.RPC_DEADLINE_TOO_SHORT", UpstreamUnavailable),
        ("authenticationError.OAUTH_TOKEN_EXPIRED", CredentialExpired),
        ("authenticationError.OAUTH_TOKEN_INVALID", CredentialExpired),
        ("authenticationError.OAUTH_TOKEN_REVOKED", CredentialError),
        ("authenticationError.OAUTH_TOKEN_DISABLED", CredentialError),
        ("authenticationError.GOOGLE_ACCOUNT_DELETED", CredentialError),
        ("authenticationError.NOT_ADS_USER", CredentialError),
        ("authenticationError.TWO_STEP_VERIFICATION_NOT_ENROLLED", CredentialError),
        ("authenticationError.NEW_REASON", CredentialError),
        ("authenticationError.CUSTOMER_NOT_FOUND", PermissionDenied),
        ("authorizationError.USER_PERMISSION_DENIED", PermissionDenied),
        (
            "authorizationError.INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION",
            PermissionDenied,
        ),
        ("headerError.INVALID_LOGIN_CUSTOMER_ID", PermissionDenied),
        ("authorizationError.CUSTOMER_NOT_ENABLED", PermissionDenied),
        ("authorizationError.ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT", PermissionDenied),
        ("authorizationError.NEW_REASON", PermissionDenied),
        ("authorizationError.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", CredentialError),
        ("authorizationError.DEVELOPER_TOKEN_NOT_APPROVED", CredentialError),
        ("authorizationError.PROJECT_DISABLED", CredentialError),
        ("authorizationError.MISSING_TOS", CredentialError),
        ("requestError.CLOUD_PROJECT_NOT_FOUND", CredentialError),
        ("requestError.EXPIRED_PAGE_TOKEN", CursorRejected),
        ("requestError.INVALID_PAGE_TOKEN", CursorRejected),
        ("requestError.UNSUPPORTED_VERSION", ContractChanged),
        ("queryError.PROHIBITED_FIELD_IN_SELECT_CLAUSE", ContractChanged),
        ("queryError.UNRECOGNIZED_FIELD", ContractChanged),  # it does not say which
        ("queryError.DATE_RANGE_TOO_WIDE", SliceTooLarge),
        ("dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED", ContractChanged),
        ("newError.NEW_REASON", ContractChanged),
    ],
)
def test_the_name_decides(code: str, kind: type[TacticsError]) -> None:
    """Every row of the contract, and what nobody has heard of, whatever the status says."""
    for status in (200, 400, 403, 500):
        error = classify(failure(code), status)
        assert type(error) is kind
        assert error.facts["code"] == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialExpired),
        (403, PermissionDenied),
        (404, ContractChanged),
        (408, UpstreamUnavailable),
        (429, RateLimited),
        (500, UpstreamUnavailable),
        (502, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (504, UpstreamUnavailable),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"<html>Error</html>",
        b"\xff",
        [],
        [{"error": {"code": 0, "message": "no", "details": []}}],
        {"error": {"message": "no", "details": [{"@type": "x", "reason": "SERVICE_DISABLED"}]}},
        {"error": {"message": "no", "details": [{"errors": [{"message": "nameless"}]}]}},
        {"error": {"message": "no", "details": "of another shape"}},
    ],
)
def test_without_a_name_the_status_decides(
    status: int, body: object, kind: type[TacticsError]
) -> None:
    """A gateway's page, an envelope without a failure, a failure without a code."""
    assert type(classify(body, status)) is kind


@pytest.mark.parametrize(
    ("code", "delay", "seconds"),
    [
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", "30s", 30),
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", "1.500s", 1.5),
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", None, 5),
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", "0s", 5),
        ("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", "soon", 5),
        ("quotaError.RESOURCE_EXHAUSTED", "40591s", 40591),
        ("quotaError.RESOURCE_EXHAUSTED", None, 3600),
        ("quotaError.EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", None, 300),
        ("quotaError.EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION", None, 14400),
    ],
)
def test_google_says_how_long_to_wait(code: str, delay: str | None, seconds: float) -> None:
    """`retryDelay` where it is there and sensible; else seconds, minutes or hours by the name."""
    error = classify(failure(code, delay=delay), 429)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("authorizationError.USER_PERMISSION_DENIED", "login_account"),
        ("headerError.INVALID_LOGIN_CUSTOMER_ID", "login_account"),
        ("authorizationError.CUSTOMER_NOT_ENABLED", "take it out of accounts"),
        ("authenticationError.CUSTOMER_NOT_FOUND", "take it out of accounts"),
        ("authenticationError.OAUTH_TOKEN_REVOKED", "tactics auth set"),
        ("authenticationError.TWO_STEP_VERIFICATION_NOT_ENROLLED", "2-step"),
        ("authorizationError.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", "Cloud project"),
        ("requestError.UNSUPPORTED_VERSION", "api_version"),
        ("dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED", "37 months"),
    ],
)
def test_the_hint_says_what_to_do(code: str, words: str) -> None:
    """Whoever reads it knows which setting, account or project to mend."""
    assert words in classify(failure(code), 403).hint
