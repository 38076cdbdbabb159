"""Search Console's error table: which of our errors an answer is.

The reason in the body decides, not the status: quotas arrive as 403.
Source: contract sheet "Google Search Console API", section 5 (2026-11-21).
"""

import datetime as dt
import email.utils
from collections.abc import Mapping
from http import HTTPStatus
from zoneinfo import ZoneInfo

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

TIMEZONE = "America/Los_Angeles"
# Calls are counted per minute, and a call has three retries: together they must outlast a minute.
# Source: contract sheet, section 5: 1,200 a minute, backoff from about 15 s (2026-11-21).
THROTTLED_SECONDS = 20.0
LOAD_SECONDS = 900.0  # the short-term load quota is measured over ten minutes
UNKNOWN_RESET_SECONDS = 3600.0  # a guess, for an answer without a date

_NOT_ADDED = (
    "write the property exactly as Search Console does (https://www.example.com/ or"
    " sc-domain:example.com) and add the service account's e-mail to it (Settings, Users)"
)
_NOT_ENABLED = "enable the Google Search Console API in the service account's project"

_THROTTLED = {"rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED"}
_HINTS = {
    "accessNotConfigured": _NOT_ENABLED,
    "SERVICE_DISABLED": _NOT_ENABLED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "sign in again with the scope webmasters.readonly",
}
_KINDS: dict[int, type[TacticsError]] = {
    HTTPStatus.UNAUTHORIZED: CredentialExpired,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.REQUEST_TIMEOUT: UpstreamUnavailable,
}


class _Reason(msgspec.Struct):
    reason: str = ""


class ApiError(msgspec.Struct):
    """Google's error envelope: the newer status beside the older reasons."""

    message: str = ""
    status: str = ""
    errors: list[_Reason] = []
    details: list[_Reason] = []

    @property
    def reason(self) -> str:
        """Return the most telling word that the body has for it."""
        told = (item.reason for item in (*self.errors, *self.details) if item.reason)
        return next(told, self.status)


class _Body(msgspec.Struct):
    error: ApiError


def error_of(response: Response) -> TacticsError:
    """Return the error of an answer with a status other than 200."""
    error, status = _envelope(response.body), response.status
    text = f"google says: {error.message or 'no message'}"
    wait = _wait_seconds(status, error.reason, response.headers)
    if wait is not None:
        return RateLimited(text, retry_after_seconds=wait, status=status, reason=error.reason)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable(text, status=status)
    kind = _KINDS.get(status, ContractChanged)
    hint = ""
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        hint = _HINTS.get(error.reason, _NOT_ADDED)
    return kind(text, hint=hint, status=status, reason=error.reason)


def refuses_page(error: TacticsError) -> bool:
    """Return whether an error may be of the one page that was inspected: the others go on.

    Google says the same of a page that is not in the property and of a property that is not ours:
    when all pages are refused, it was the property.
    """
    status, reason = error.facts.get("status"), error.facts.get("reason")
    if status == HTTPStatus.BAD_REQUEST:
        return True
    return status == HTTPStatus.FORBIDDEN and reason in {"forbidden", "PERMISSION_DENIED"}


def _envelope(body: bytes) -> ApiError:
    try:
        return msgspec.json.decode(body, type=_Body).error
    except msgspec.DecodeError:
        return ApiError()  # an HTML page of a proxy: the status has to do


def _wait_seconds(status: int, reason: str, headers: Mapping[str, str]) -> float | None:
    """Return how long a quota keeps us out; None when it is no quota that refuses."""
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    if reason == "quotaExceeded":
        usual = LOAD_SECONDS
    elif reason == "dailyLimitExceeded":
        usual = _seconds_to_next_day(headers)
    elif reason in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        usual = THROTTLED_SECONDS
    else:
        return None
    told = retry_after_seconds(headers)
    return usual if told is None else told


def _seconds_to_next_day(headers: Mapping[str, str]) -> float:
    """Return the seconds until the Pacific midnight that follows the answer's own `date`."""
    try:
        now = email.utils.parsedate_to_datetime(headers.get("date", "")).astimezone(dt.UTC)
    except ValueError:
        return UNKNOWN_RESET_SECONDS
    tomorrow = now.astimezone(ZoneInfo(TIMEZONE)).date() + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time(), ZoneInfo(TIMEZONE))
    return (midnight - now).total_seconds()
