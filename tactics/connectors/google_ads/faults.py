"""Google's error table: which of our errors an answer is.

The name inside `errorCode` decides; the HTTP status only where there is none.
Source: contract sheet "Google Ads API (REST search / searchStream)" section 6 (2026-11-21).
"""

import re
from http import HTTPStatus
from typing import Any

import msgspec

from tactics.errors import (
    ContractChanged,
    CredentialError,
    CredentialExpired,
    CursorRejected,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)

REQUESTED_FROM_MANAGER = "REQUESTED_METRICS_FOR_MANAGER"
HOUR_SECONDS = 3600.0

_CATEGORIES: dict[str, type[TacticsError]] = {
    "quotaError": RateLimited,
    "internalError": UpstreamUnavailable,
    "authenticationError": CredentialError,
    "authorizationError": PermissionDenied,
    "headerError": PermissionDenied,
}
_SIGN_IN = "sign in again: tactics auth set <org> google_ads refresh_token (or service_account)"
_LOGIN = (
    "set login_account to the manager account through which this one is reached, or give the"
    " signed-in user access to it"
)
_CLOSED = "it is cancelled, suspended or does not exist: take it out of accounts, or reactivate it"
_PROJECT = (
    "the Cloud project that owns the credential needs access to production accounts: enable the"
    " Google Ads API there, accept its terms and apply for an access level"
)
_KINDS: dict[str, tuple[type[TacticsError], str]] = {
    **dict.fromkeys(("OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"), (CredentialExpired, _SIGN_IN)),
    **dict.fromkeys(
        (
            "USER_PERMISSION_DENIED",
            "INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION",
            "INVALID_LOGIN_CUSTOMER_ID",
            "LOGIN_CUSTOMER_ID_PARAMETER_MISSING",
        ),
        (PermissionDenied, _LOGIN),
    ),
    **dict.fromkeys(
        (
            "CUSTOMER_NOT_ENABLED",
            "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT",
            "CUSTOMER_NOT_FOUND",
            "CLIENT_CUSTOMER_ID_INVALID",
        ),
        (PermissionDenied, _CLOSED),
    ),
    # Another project, or a person at Google, has to act before any account can be read.
    **dict.fromkeys(
        (
            "ACCESS_PROHIBITED",
            "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION",
            "CLOUD_PROJECT_NOT_FOUND",
            "CLOUD_PROJECT_NOT_UNDER_ORGANIZATION",
            "DEVELOPER_TOKEN_NOT_APPROVED",
            "DEVELOPER_TOKEN_NOT_ON_ALLOWLIST",
            "DEVELOPER_TOKEN_PROHIBITED",
            "MISSING_TOS",
            "PROJECT_DISABLED",
        ),
        (CredentialError, _PROJECT),
    ),
    "TWO_STEP_VERIFICATION_NOT_ENROLLED": (
        CredentialError,
        f"switch on 2-step verification for the Google account, then {_SIGN_IN}",
    ),
    "NOT_ADS_USER": (CredentialError, f"this Google account has no Google Ads; {_SIGN_IN}"),
    **dict.fromkeys(("EXPIRED_PAGE_TOKEN", "INVALID_PAGE_TOKEN"), (CursorRejected, "")),
    "RPC_DEADLINE_TOO_SHORT": (UpstreamUnavailable, ""),
    "DATE_RANGE_TOO_WIDE": (SliceTooLarge, ""),
    "REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED": (
        ContractChanged,
        "Google keeps days for 37 months: lower history_days",
    ),
    "UNSUPPORTED_VERSION": (
        ContractChanged,
        "this API version has ended: upgrade tactics, or set api_version",
    ),
}
# Without `retryDelay`: from 5 s on, minutes, hours; a rolling day frees operations all the time,
# so an hourly try finds them soon and costs at most 24 of them.
_WAITS = {
    "RESOURCE_EXHAUSTED": HOUR_SECONDS,
    "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION": 300.0,
    "EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION": 4 * HOUR_SECONDS,
}
_SHORTEST_WAIT = 5.0
_STATUSES: dict[int, tuple[type[TacticsError], str]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialExpired, _SIGN_IN),
    HTTPStatus.FORBIDDEN: (
        PermissionDenied,
        "enable the Google Ads API in the Cloud project, and sign in with the scope adwords",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (RateLimited, ""),
}
_FIELD = re.compile(r"'([a-z_]+(?:\.[a-z_0-9]+)+)'")


class _Quota(msgspec.Struct, rename="camel"):
    retry_delay: str = ""


class _Details(msgspec.Struct, rename="camel"):
    quota_error_details: _Quota | None = None


class _Error(msgspec.Struct, rename="camel"):
    error_code: dict[str, str] = {}
    message: str = ""
    details: _Details | None = None


class _Failure(msgspec.Struct):
    errors: list[_Error] = []


class ApiError(msgspec.Struct):
    """Google's error envelope with the `GoogleAdsFailure` in its details, if there is one."""

    code: int = 0
    message: str = ""
    details: list[_Failure] = []


def error_of(error: ApiError, status: int) -> TacticsError:
    """Return the error that an envelope stands for; `FieldRejected` carries the fact `field`."""
    found = next((one for failure in error.details for one in failure.errors), None)
    if found is None or not found.error_code:
        return error_without_reason(error.code or status, error.message)
    [(category, name), *_] = found.error_code.items()
    facts: dict[str, Any] = {"status": error.code or status, "code": f"{category}.{name}"}
    text = f"google says: {found.message or error.message or name}"
    if name == "UNRECOGNIZED_FIELD" and (field := _FIELD.search(found.message)):
        return FieldRejected(text, field=field[1], **facts)
    kind, hint = _KINDS.get(name, (_CATEGORIES.get(category, ContractChanged), ""))
    if kind is RateLimited:
        wait = _seconds(found) or _WAITS.get(name, _SHORTEST_WAIT)
        return RateLimited(text, retry_after_seconds=wait, **facts)
    if kind is CredentialError:
        hint = hint or _SIGN_IN
    return kind(text, hint=hint, **facts)


def error_without_reason(status: int, message: str = "no reason") -> TacticsError:
    """Return the error of an answer that only has a status."""
    kind, hint = _STATUSES.get(status, (ContractChanged, ""))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        kind = UpstreamUnavailable
    text = f"google says: {message}"
    if kind is RateLimited:
        return RateLimited(text, retry_after_seconds=_SHORTEST_WAIT, status=status)
    return kind(text, hint=hint, status=status)


def is_manager_refusal(error: TacticsError) -> bool:
    """Return whether metrics were refused because the account is a manager."""
    return str(error.facts.get("code", "")).endswith(f".{REQUESTED_FROM_MANAGER}")


def _seconds(error: _Error) -> float | None:
    """Return `retryDelay` ("30s", "40591s", "1.500s"), None when Google does not say."""
    quota = error.details.quota_error_details if error.details else None
    text = quota.retry_delay.removesuffix("s") if quota else ""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
