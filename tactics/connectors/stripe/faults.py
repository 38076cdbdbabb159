"""Stripe's error table: which of our errors an answer is.

Source: contract sheet "Stripe (v1 REST)" section 6 (2026-11-21).
"""

from http import HTTPStatus
from typing import Any

import msgspec

from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response

EXPANSION = "data.source"
TOLD_NOT_TO_RETRY_SECONDS = 300.0  # longer than the transport waits: the breaker opens instead

_HINTS: dict[type[TacticsError], str] = {
    CredentialError: "the key was revoked or rolled: tactics auth set <org> stripe api_key",
    PermissionDenied: "give the restricted key read access to what the message names",
}


class ApiError(msgspec.Struct):
    """Stripe's error envelope."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


class _Body(msgspec.Struct):
    error: ApiError


def error_of(response: Response) -> TacticsError:
    """Return the error of an answer with a status other than 200."""
    error = _envelope(response.body)
    kind = _classify(response.status, error, response.headers.get("stripe-should-retry", ""))
    facts: dict[str, Any] = {"status": response.status, "code": error.code}
    if request_id := response.headers.get("request-id"):
        facts["vendor_request"] = request_id
    text = f"stripe says: {error.message or error.type or 'no message'}"
    if kind is FieldRejected:
        return FieldRejected(text, field=EXPANSION, **facts)
    if kind is RateLimited:
        told = response.headers.get("stripe-should-retry") == "false"
        wait = TOLD_NOT_TO_RETRY_SECONDS if told else None
        return RateLimited(text, retry_after_seconds=wait, **facts)
    return kind(text, hint=_HINTS.get(kind, ""), **facts)


def _envelope(body: bytes) -> ApiError:
    try:
        return msgspec.json.decode(body, type=_Body).error
    except msgspec.DecodeError:
        return ApiError()  # an HTML page of a proxy: the status has to do


def _classify(status: int, error: ApiError, should_retry: str) -> type[TacticsError]:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialError
        case HTTPStatus.TOO_MANY_REQUESTS:
            return UpstreamUnavailable if error.code == "lock_timeout" else RateLimited
        case HTTPStatus.BAD_REQUEST if error.code == "rate_limit":
            return RateLimited
    if should_retry == "true":  # overrides what we would think of the status
        return UpstreamUnavailable
    if status == HTTPStatus.CONFLICT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ContractChanged if should_retry == "false" else UpstreamUnavailable
    return _classify_request(status, error)


def _classify_request(status: int, error: ApiError) -> type[TacticsError]:
    param = error.param or ""
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDenied
    if error.code == "resource_missing" and param == "starting_after":
        return CursorRejected
    if param.startswith("expand"):
        return FieldRejected
    return ContractChanged
