"""The error table of Bid Manager and Display & Video 360: which of our errors an answer is.

Source: contract sheet "Display & Video 360" section 7 (2026-11-21).
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

RUN_QUOTA_SECONDS = 1800.0  # "wait tens of minutes": too many reports of this user run at once
UNKNOWN_DAY_SECONDS = 3600.0  # until the daily quota is full again, when the answer has no date
MINUTE_SECONDS = 60.0

_DAILY = "dailyLimitExceeded"
_LIMITS = {_DAILY, "userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"}
_QUOTA_ZONE = ZoneInfo("America/Los_Angeles")  # the daily quota begins anew at midnight Pacific

_ROLE = (
    "give the identity a reporting role on this advertiser in Display & Video 360, and enable"
    " the Bid Manager and Display & Video 360 APIs in the project"
)
_BUILD = (
    "build the same report in Display & Video 360 to see which column it refuses;"
    " docs/connectors/dv360.md names the options"
)
_KINDS: dict[int, tuple[type[TacticsError], str]] = {
    HTTPStatus.BAD_REQUEST: (ContractChanged, _BUILD),
    HTTPStatus.UNAUTHORIZED: (CredentialExpired, ""),
    HTTPStatus.FORBIDDEN: (PermissionDenied, _ROLE),
    HTTPStatus.NOT_FOUND: (
        PermissionDenied,
        f"check the advertiser's id; queries are visible to who made them only; {_ROLE}",
    ),
    HTTPStatus.REQUEST_TIMEOUT: (UpstreamUnavailable, ""),
}


class _Reason(msgspec.Struct):
    reason: str = ""


class ApiError(msgspec.Struct):
    """Google's error envelope."""

    message: str = ""
    errors: list[_Reason] = []


class _Body(msgspec.Struct):
    error: ApiError


def error_of(response: Response, *, runs: bool = False) -> TacticsError:
    """Return the error of an answer with a status other than 200; `runs`: it started a report."""
    error, status = _envelope(response), response.status
    text = f"google says: {error.message or 'no message'}"
    if _is_limit(error, status):
        wait = _wait_seconds(error, response.headers, runs=runs)
        return RateLimited(text, retry_after_seconds=wait, status=status)
    if is_unavailable(response):
        return UpstreamUnavailable(text, status=status)
    kind, hint = _KINDS.get(status, (ContractChanged, ""))
    return kind(text, hint=hint, status=status)


def is_unavailable(response: Response) -> bool:
    """Return whether the server failed; what was asked for may have happened all the same."""
    return response.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def answered_at(headers: Mapping[str, str]) -> dt.datetime | None:
    """Return the server's own time of an answer."""
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _envelope(response: Response) -> ApiError:
    try:
        return msgspec.json.decode(response.body, type=_Body).error
    except msgspec.DecodeError:
        return ApiError()  # a proxy's HTML, storage's XML: the status has to do


def _is_limit(error: ApiError, status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or bool(_reasons(error) & _LIMITS)


def _wait_seconds(error: ApiError, headers: Mapping[str, str], *, runs: bool) -> float:
    text = error.message.lower()
    if _DAILY in _reasons(error) or "per day" in text:
        return _until_quota_day(answered_at(headers))
    if (told := retry_after_seconds(headers)) is not None:
        return told
    if runs and "per minute" not in text and "userRateLimitExceeded" not in _reasons(error):
        return RUN_QUOTA_SECONDS
    now = answered_at(headers)
    return MINUTE_SECONDS - now.second if now else MINUTE_SECONDS


def _reasons(error: ApiError) -> set[str]:
    return {item.reason for item in error.errors}


def _until_quota_day(now: dt.datetime | None) -> float:
    if now is None:
        return UNKNOWN_DAY_SECONDS
    tomorrow = now.astimezone(_QUOTA_ZONE).date() + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time(), _QUOTA_ZONE)
    return (midnight - now).total_seconds()
