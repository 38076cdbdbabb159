"""Shopify's error table: which of our errors an answer is.

Most errors come with status 200, so the body is looked at, too.
Source: contract sheet "Shopify Admin API (GraphQL)" section 6 (2026-11-21).
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from tactics.connectors.shopify.answer import Answer, ApiError, Cost, decode
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    CursorRejected,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response, retry_after_seconds

SECURITY_REJECTION = 430  # Shopify's own: it takes us for an attack
SECURITY_WAIT_SECONDS = 3600.0
SHORT_WAIT_SECONDS = 2.0
TOO_DEAR = "MAX_COST_EXCEEDED"

_STATUSES: dict[int, type[TacticsError]] = {
    HTTPStatus.UNAUTHORIZED: CredentialExpired,
    HTTPStatus.PAYMENT_REQUIRED: PermissionDenied,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.REQUEST_TIMEOUT: UpstreamUnavailable,
    HTTPStatus.LOCKED: PermissionDenied,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    SECURITY_REJECTION: RateLimited,
}
_CODES: dict[str, type[TacticsError]] = {
    "THROTTLED": RateLimited,
    "INTERNAL_SERVER_ERROR": UpstreamUnavailable,
    "SHOP_INACTIVE": PermissionDenied,
    "ACCESS_DENIED": PermissionDenied,
}
_FROZEN = "the shop is frozen or locked: it is asked again on every sync, nothing else is needed"
_HINTS: dict[int | str, str] = {
    HTTPStatus.UNAUTHORIZED: "the app was uninstalled, or its token or secret replaced",
    HTTPStatus.PAYMENT_REQUIRED: _FROZEN,
    HTTPStatus.FORBIDDEN: "give the app the scopes that docs/connectors/shopify.md names",
    HTTPStatus.NOT_FOUND: 'accounts = ["<shop>.myshopify.com"] names no shop, or api_version none',
    HTTPStatus.LOCKED: _FROZEN,
    SECURITY_REJECTION: "shopify takes these calls for an attack; they stop for an hour",
    "SHOP_INACTIVE": _FROZEN,
    "ACCESS_DENIED": "give the app the scope that the message names, and install it again",
}
_DENIED_FIELD = re.compile(r"[Aa]ccess denied for (?P<field>\w+) field")


def open_answer(response: Response) -> Answer:
    """Return the answer of a call that HTTP calls good; it may still hold errors.

    Raises:
        TacticsError: the status says that the call failed.
        DecodeError: it did not fail, but this is no JSON.
        ContractChanged: it did not fail, but this is other JSON.
    """
    if response.status == HTTPStatus.OK:
        return decode(response)
    error = _error_of_status(response)
    raise error


def check(answer: Answer, response: Response, optional: Sequence[str] = ()) -> None:
    """Let an answer without errors pass; data beside errors counts as none.

    Raises:
        FieldRejected: only `optional` fields are denied; the fact `field` names one of them.
        TacticsError: what the gravest error stands for.
    """
    errors = answer.listed()
    if not errors:
        return
    gravest = min(errors, key=_rank)
    if gravest.extensions.code == "ACCESS_DENIED" and (field := _denied(gravest, optional)):
        raise FieldRejected(f"shopify says: {gravest.message}", field=field)
    error = _error_of(gravest, answer, response)
    raise error


def is_too_dear(answer: Answer) -> bool:
    """Return whether the query costs more than Shopify ever allows one to cost."""
    if any(error.extensions.code == TOO_DEAR for error in answer.listed()):
        return True
    cost = answer.extensions.cost
    status = cost.throttle_status if cost else None
    if cost is None or status is None or not answer.errors:
        return False
    return (cost.requested_query_cost or 0.0) > status.maximum_available > 0.0


def wait_for_cost(cost: Cost | None) -> float | None:
    """Return how long it takes until the same query can be paid, None when nothing is known."""
    if cost is None or cost.throttle_status is None or cost.requested_query_cost is None:
        return None
    status = cost.throttle_status
    missing = cost.requested_query_cost - status.currently_available
    if missing <= 0 or status.restore_rate <= 0:
        return 0.0
    return missing / status.restore_rate


def _rank(error: ApiError) -> int:
    """Return how much an error weighs among others: what passes first, what is only denied last."""
    order = ("THROTTLED", "INTERNAL_SERVER_ERROR", "SHOP_INACTIVE", None, "ACCESS_DENIED")
    code = error.extensions.code
    return order.index(code if code in order else None)


def _denied(error: ApiError, optional: Sequence[str]) -> str | None:
    places = [place for place in error.path or () if isinstance(place, str)]
    if found := _DENIED_FIELD.search(error.message):
        places.append(found["field"])
    return next((place for place in places if place in optional), None)


def _error_of(error: ApiError, answer: Answer, response: Response) -> TacticsError:
    code = error.extensions.code
    text = f"shopify says: {error.message or code or 'no message'}"
    facts: dict[str, Any] = {"code": code} if code else {}
    request_id = error.extensions.requestId or response.headers.get("x-request-id")
    if request_id:
        facts["vendor_request"] = request_id
    if code == "THROTTLED":
        wait = wait_for_cost(answer.extensions.cost) or SHORT_WAIT_SECONDS
        return RateLimited(text, retry_after_seconds=wait, **facts)
    if "invalid cursor" in error.message.lower():
        return CursorRejected(text, **facts)
    return _CODES.get(code or "", ContractChanged)(text, hint=_HINTS.get(code or "", ""), **facts)


def _error_of_status(response: Response) -> TacticsError:
    status = response.status
    kind = _STATUSES.get(status, ContractChanged)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = UpstreamUnavailable
    text, hint = f"shopify says: {_message(response)}", _HINTS.get(status, "")
    facts: dict[str, Any] = {"status": status}
    if request_id := response.headers.get("x-request-id"):
        facts["vendor_request"] = request_id
    wait = retry_after_seconds(response.headers)
    if kind is UpstreamUnavailable:
        return UpstreamUnavailable(text, retry_after_seconds=wait, **facts)
    if kind is RateLimited:
        least = SECURITY_WAIT_SECONDS if status == SECURITY_REJECTION else SHORT_WAIT_SECONDS
        return RateLimited(text, hint=hint, retry_after_seconds=wait or least, **facts)
    return kind(text, hint=hint, **facts)


def _message(response: Response) -> str:
    try:
        errors = decode(response).listed()
    except (DecodeError, ContractChanged):
        return "no reason"  # a page of a proxy: the status has to do
    return errors[0].message if errors else "no reason"
