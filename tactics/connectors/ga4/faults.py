"""Google Analytics' error table: which of our errors an answer is.

The canonical `status` of the body counts before the HTTP status.
Source: contract sheet "Google Analytics 4, Data API v1beta", section 5 (2026-11-21).
"""

import re
from http import HTTPStatus

import msgspec

from tactics.connectors.ga4.quota import seconds_until_refill
from tactics.connectors.ga4.report import OPTIONAL_METRICS
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response

_VIEWER = (
    "add the service account's e-mail address as a Viewer under Admin, Property access management,"
    " and check the property id (digits only, not G-… or UA-…)"
)
_HINTS: dict[type[TacticsError], str] = {
    PermissionDenied: _VIEWER,
    ContractChanged: "check the property id (digits only, not G-… or UA-…)",
}
_DISABLED = "enable the Google Analytics Data API (analyticsdata) in the Google Cloud project"
_CANONICAL: dict[str, type[TacticsError]] = {
    "UNAUTHENTICATED": CredentialExpired,
    "PERMISSION_DENIED": PermissionDenied,
    "NOT_FOUND": PermissionDenied,
    "RESOURCE_EXHAUSTED": RateLimited,
    "INVALID_ARGUMENT": ContractChanged,
    "INTERNAL": UpstreamUnavailable,
    "UNAVAILABLE": UpstreamUnavailable,
    "DEADLINE_EXCEEDED": UpstreamUnavailable,
}
_STATUSES: dict[int, type[TacticsError]] = {
    HTTPStatus.UNAUTHORIZED: CredentialExpired,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.NOT_FOUND: PermissionDenied,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}
_NAMED = re.compile(
    r"Field (?P<unknown>\w+) is not a valid metric"
    r"|Please remove (?P<surplus>\w+) to make the request compatible"
)


class _Detail(msgspec.Struct):
    reason: str = ""


class ApiError(msgspec.Struct):
    """Google's error envelope."""

    message: str = ""
    status: str = ""
    details: list[_Detail] = []


class _Body(msgspec.Struct):
    error: ApiError


def envelope(response: Response) -> ApiError:
    """Return what the body says of the error; a proxy's HTML says nothing."""
    try:
        return msgspec.json.decode(response.body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ApiError()


def is_incompatible(response: Response) -> bool:
    """Return whether dimensions and metrics do not go together, without naming a metric of ours."""
    message = envelope(response).message
    return (
        response.status == HTTPStatus.BAD_REQUEST
        and "dimensions & metrics are incompatible" in message
        and _named_metric(message) is None
    )


def error_of(response: Response) -> TacticsError:
    """Return the error of an answer with a status other than 200.

    `FieldRejected` carries the fact `field`: always a metric that silver can do without.
    """
    error = envelope(response)
    kind = _classify(response.status, error)
    text = f"google says: {error.message or 'no message'}"
    if kind is RateLimited:
        wait = seconds_until_refill(error.message, response.headers)
        return RateLimited(text, retry_after_seconds=wait, status=response.status)
    if kind is ContractChanged and (metric := _named_metric(error.message)):
        return FieldRejected(text, field=metric, status=response.status)
    disabled = any(detail.reason == "SERVICE_DISABLED" for detail in error.details)
    return kind(text, hint=_DISABLED if disabled else _HINTS.get(kind, ""), status=response.status)


def _classify(status: int, error: ApiError) -> type[TacticsError]:
    if kind := _CANONICAL.get(error.status):
        return kind
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable
    return _STATUSES.get(status, ContractChanged)


def _named_metric(message: str) -> str | None:
    found = _NAMED.search(message)
    name = (found["unknown"] or found["surplus"]) if found else None
    return name if name in OPTIONAL_METRICS else None
