"""The Trade Desk's error table: which of our errors an answer is.

Source: contract sheet "The Trade Desk" section 6 (2026-11-21).
"""

from http import HTTPStatus
from typing import Any

import msgspec

from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response, retry_after_seconds

# Observed waits are 65 s and 300 s; the breaker's cool-down is the second one.
THROTTLED_SECONDS = 65.0

_KINDS: dict[int, type[TacticsError]] = {
    # A token of this kind cannot be renewed: the transport asks for a new one and says how.
    HTTPStatus.UNAUTHORIZED: CredentialExpired,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: SliceTooLarge,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}
_HINTS: dict[int, str] = {
    HTTPStatus.FORBIDDEN: (
        "one of: the API user has no reporting role for the partner; the MyReports API is not"
        " enabled for the partner (ask the Trade Desk representative); partner_id is wrong; the"
        " advertiser or template does not exist (unknown ids are answered with 403, too)"
    ),
    HTTPStatus.NOT_FOUND: "base_url is wrong, or the address has moved: upgrade tactics",
    HTTPStatus.GONE: "the Trade Desk has retired this part of its API: upgrade tactics",
    HTTPStatus.BAD_REQUEST: "see what it says of the request; is report_template_id right?",
}


class _Body(msgspec.Struct):
    Message: str = ""


def error_of(response: Response) -> TacticsError:
    """Return the error of an answer with a status other than 2xx."""
    status = response.status
    kind = _KINDS.get(status, ContractChanged)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = UpstreamUnavailable
    facts: dict[str, Any] = {"status": status}
    if request_id := response.headers.get("x-ttd-request-id"):
        facts["vendor_request"] = request_id
    text = f"the trade desk says: {_message(response.body) or 'no message'}"
    if kind is RateLimited or kind is UpstreamUnavailable:
        wait = retry_after_seconds(response.headers)
        if wait is None and kind is RateLimited:
            wait = THROTTLED_SECONDS
        return kind(text, retry_after_seconds=wait, **facts)
    return kind(text, hint=_HINTS.get(status, ""), **facts)


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Body).Message[:500]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""  # a page of a proxy: the status has to do
