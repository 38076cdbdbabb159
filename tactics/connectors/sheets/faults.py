"""The error table of Google Sheets and Drive: which of our errors an answer is.

Source: contract sheet "Google Sheets v4 (+ Drive v3)" section 6 (2026-11-21).
"""

import email.utils
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response, retry_after_seconds

MINUTE_SECONDS = 60.0  # the quota is refilled each minute

_RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded"}
_SHARE = (
    "share the spreadsheet with the service account's e-mail address (Viewer), and check the id"
)
_KINDS: dict[int, tuple[type[TacticsError], str]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialExpired, ""),
    HTTPStatus.TOO_MANY_REQUESTS: (RateLimited, ""),
    HTTPStatus.FORBIDDEN: (PermissionDenied, f"enable the API in the project; {_SHARE}"),
    HTTPStatus.NOT_FOUND: (PermissionDenied, _SHARE),
}


class _Reason(msgspec.Struct):
    reason: str = ""


class ApiError(msgspec.Struct):
    """Google's error envelope, in the form of Sheets and the older one of Drive."""

    message: str = ""
    status: str = ""
    errors: list[_Reason] = []


class _Body(msgspec.Struct):
    error: ApiError


def envelope(response: Response) -> ApiError:
    """Return what the body says of the error; a proxy's HTML says nothing."""
    try:
        return msgspec.json.decode(response.body, type=_Body).error
    except msgspec.DecodeError:
        return ApiError()


def is_unknown_range(response: Response) -> bool:
    """Return whether the tab was renamed or deleted."""
    text = envelope(response).message
    return response.status == HTTPStatus.BAD_REQUEST and text.startswith("Unable to parse range")


def is_too_complex(response: Response) -> bool:
    """Return whether a smaller range may work (503 on large or slow sheets, timeouts)."""
    return response.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


def error_of(response: Response) -> TacticsError:
    """Return the error of an answer with a status other than 200."""
    error, status = envelope(response), response.status
    kind, hint = _KINDS.get(status, (ContractChanged, ""))
    if any(item.reason in _RATE_REASONS for item in error.errors):
        kind = RateLimited  # Drive still uses 403 for it
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = UpstreamUnavailable
    if error.status == "FAILED_PRECONDITION":
        kind, hint = ContractChanged, "it is an uploaded .xlsx: save it as a Google Sheet"
    text = f"google says: {error.message or 'no message'}"
    if kind is RateLimited:
        wait = _wait_seconds(response.headers)
        return RateLimited(text, retry_after_seconds=wait, status=status)
    return kind(text, hint=hint, status=status)


def _wait_seconds(headers: Mapping[str, str]) -> float:
    if (told := retry_after_seconds(headers)) is not None:
        return told
    date = email.utils.parsedate(headers.get("date", ""))
    return MINUTE_SECONDS - date[5] if date else MINUTE_SECONDS
