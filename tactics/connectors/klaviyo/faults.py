"""Klaviyo's error table: which of our errors an answer is.

Source: contract sheet "Klaviyo", section 5 (2026-11-21).
"""

import re
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
from tactics.transport import Response, retry_after_seconds

CURRENCY_FIELD = "$value_currency"  # the one field that can be left out (attributed_revenue)

# What each call needs. Source: contract sheet "Klaviyo", section 2, `x-klaviyo-scopes`.
_SCOPES = {
    "accounts": "accounts:read",
    "campaigns": "campaigns:read",
    "campaign-values-reports": "campaigns:read",
    "flows": "flows:read",
    "flow-series-reports": "flows:read",
    "lists": "lists:read",
    "segments": "segments:read",
    "metrics": "metrics:read",
    "metric-aggregates": "metrics:read",
}
_KINDS: dict[int, type[TacticsError]] = {
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    HTTPStatus.UNAUTHORIZED: CredentialError,  # a key does not expire: nothing to refresh
    HTTPStatus.FORBIDDEN: PermissionDenied,
}
_NO_REPORT_METRIC = "does not support querying"  # of the conversion metric of a report


class Source(msgspec.Struct):
    """Which part of the request an error is about."""

    pointer: str | None = None
    parameter: str | None = None


class ApiError(msgspec.Struct):
    """One entry of Klaviyo's error body."""

    id: str | None = None
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    source: Source | None = None


class _Body(msgspec.Struct):
    errors: list[ApiError]


def error_of(response: Response, path: str) -> TacticsError:
    """Return the error of an answer to `path` that is not data."""
    error = _first_error(response.body)
    facts: dict[str, Any] = {"status": response.status, "code": error.code}
    if vendor_id := error.id or response.headers.get("cid"):
        facts["vendor_request"] = vendor_id  # what Klaviyo's support asks for
    if place := error.source and (error.source.pointer or error.source.parameter):
        facts["place"] = place
    text = f"klaviyo says: {error.detail or error.title or 'no message'}"
    kind = _classify(response.status, error)
    if kind is RateLimited:
        wait = retry_after_seconds(response.headers)
        return RateLimited(text, retry_after_seconds=wait, **facts)
    if kind is FieldRejected:
        return FieldRejected(text, field=CURRENCY_FIELD, **facts)
    return kind(text, hint=_hint(kind, response.status, path, error), **facts)


def _first_error(body: bytes) -> ApiError:
    try:
        errors = msgspec.json.decode(body, type=_Body).errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ApiError()  # an HTML page of a proxy: the status has to do
    return errors[0] if errors else ApiError()


def _classify(status: int, error: ApiError) -> type[TacticsError]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable
    if status == HTTPStatus.BAD_REQUEST:
        return _classify_bad_request(error)
    return _KINDS.get(status, ContractChanged)


def _classify_bad_request(error: ApiError) -> type[TacticsError]:
    source = error.source or Source()
    if "cursor" in (source.parameter or "") or (source.pointer or "").endswith("page_cursor"):
        return CursorRejected
    if CURRENCY_FIELD in (error.detail or ""):
        return FieldRejected
    return ContractChanged


def _hint(kind: type[TacticsError], status: int, path: str, error: ApiError) -> str:
    if kind is CredentialError:
        return (
            "the key was deleted or is of another account: tactics auth set <org> klaviyo api_key"
        )
    if kind is PermissionDenied:
        return f"the key needs the scope {_scope_of(path)}: create one that has it"
    if status == HTTPStatus.GONE:
        return "this revision of the API has ended: upgrade tactics"
    if _NO_REPORT_METRIC in (error.detail or ""):
        return "choose another metric: conversion_metric or conversion_metric_id"
    return ""


def _scope_of(path: str) -> str:
    found = re.search(r"/api/([\w-]+)", path)
    return _SCOPES.get(found[1] if found else "", "of this call")
