"""How Google Ads says no, and the faults that wear its form.

Source: the google_ads contract sheet of 2026-11-21, sections 4 and 6. A refused stream is an array
with one envelope; a refused search is the envelope itself.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tactics.sandbox.api import After, Before, Call, Reply
from tactics.sandbox.faults import Fault

API_TYPE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
STREAM = ":searchStream"

_STATUSES = {
    "quotaError": (429, "RESOURCE_EXHAUSTED"),
    "internalError": (500, "INTERNAL"),
    "authenticationError": (401, "UNAUTHENTICATED"),
    "authorizationError": (403, "PERMISSION_DENIED"),
}
_SUMMARIES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission",
    429: "Resource has been exhausted (e.g. check quota).",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}
_MESSAGES = {
    "USER_PERMISSION_DENIED": (
        "User doesn't have permission to access customer. Note: If you're accessing a client"
        " customer, the manager's customer id must be set in the 'login-customer-id' header."
    ),
    "REQUESTED_METRICS_FOR_MANAGER": "Metrics cannot be requested for a manager account.",
    "RESOURCE_EXHAUSTED": "Too many requests. Retry in 40591 seconds.",
}


def refusal(
    code: str, message: str = "", *, delay: str = "", status: tuple[int, str] | None = None
) -> Reply:
    """Return the envelope for a code such as `quotaError.RESOURCE_EXHAUSTED`; not yet wrapped."""
    category, name = code.split(".")
    number, text = status or _STATUSES.get(category, (400, "INVALID_ARGUMENT"))
    error: dict[str, Any] = {
        "errorCode": {category: name},
        "message": message or _MESSAGES.get(name, f"The error {name} was planted."),
    }
    if delay:
        quota = {"rateScope": "DEVELOPER", "rateName": "Number of operations", "retryDelay": delay}
        error["details"] = {"quotaErrorDetails": quota}
    failure = {"@type": API_TYPE, "errors": [error], "requestId": "sandbox0000000000000ERR"}
    envelope = {
        "code": number,
        "message": _SUMMARIES[number],
        "status": text,
        "details": [failure],
    }
    return Reply({"error": envelope}, status=number)


def wrapped(call: Call, reply: Reply) -> Reply:
    """Return a refusal as the endpoint of the call sends it."""
    return replace(reply, document=[reply.document]) if call.path.endswith(STREAM) else reply


def query_of(call: Call) -> str:
    """Return the query of a call, empty when there is none."""
    try:
        body = json.loads(call.body or b"{}")
    except ValueError:
        return ""
    return str(body.get("query", "")) if isinstance(body, dict) else ""


def _fails(
    code: str, *, delay: str = "", status: tuple[int, str] | None = None
) -> Callable[[Call, Fault], Reply]:
    return lambda call, fault: wrapped(
        call, refusal(code, delay=fault.text("delay", delay), status=status)
    )


def _failure(call: Call, fault: Fault) -> Reply | None:
    """Refuse with `code`, of queries to `resource` only if that is given."""
    resource = fault.text("resource", "")
    if resource and f"FROM {resource} " not in f"{query_of(call)} ":
        return None
    code = fault.text("code", "internalError.INTERNAL_ERROR")
    return wrapped(call, refusal(code, delay=fault.text("delay", "")))


def _gateway(_call: Call, fault: Fault) -> Reply:
    """Answer as a proxy in between does: a status, and a page for people."""
    body = b"<!DOCTYPE html><html><title>Error</title></html>"
    return Reply(body=body, status=fault.option("status", 502), media_type="text/html")


def _bad_field(call: Call, fault: Fault) -> Reply | None:
    """Refuse the whole request because of one field, as long as it is asked for."""
    name = fault.text("field", "metrics.video_trueview_views")
    if name not in query_of(call).replace(",", " ").split():
        return None
    message = f"Unrecognized field in the query: '{name}'."
    return wrapped(call, refusal("queryError.UNRECOGNIZED_FIELD", message))


def _break_off(call: Call, fault: Fault, reply: Reply) -> Reply | None:
    """Send the first batch with status 200, then the error."""
    if not _is_report(call, reply):
        return None
    code = fault.text("code", "internalError.TRANSIENT_ERROR")
    return replace(reply, document=[reply.document[0], refusal(code).document])


def _add_empty_batch(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    if not _is_report(call, reply):
        return None
    empty = {key: text for key, text in reply.document[0].items() if key != "results"}
    return replace(reply, document=[empty, *reply.document])


def _change_row(part: str, **values: object) -> After:
    """Return an effect that changes the first row of a report."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        if not _is_report(call, reply):
            return None
        first, *rows = reply.document[0]["results"]
        changed = first | {part: first.get(part, {}) | values}
        batch = reply.document[0] | {"results": [changed, *rows]}
        return replace(reply, document=[batch, *reply.document[1:]])

    return effect


def _is_report(call: Call, reply: Reply) -> bool:
    good = call.path.endswith(STREAM) and reply.status == 200 and bool(reply.document)  # noqa: PLR2004
    return good and "FROM campaign " in query_of(call)


BEFORE: dict[str, Before] = {
    "failure": _failure,
    "gateway": _gateway,
    "bad_field": _bad_field,
    "rate_limit": _fails("quotaError.RESOURCE_TEMPORARILY_EXHAUSTED", delay="30s"),
    "quota_exhausted": _fails("quotaError.RESOURCE_EXHAUSTED", delay="40591s"),
    "auth_expired": _fails("authenticationError.OAUTH_TOKEN_REVOKED"),
    "permission": _fails("authorizationError.USER_PERMISSION_DENIED"),
    "http_500": _fails("internalError.INTERNAL_ERROR"),
    "http_503": _fails("internalError.TRANSIENT_ERROR", status=(503, "UNAVAILABLE")),
}
AFTER: dict[str, After] = {
    "error_mid_stream": _break_off,
    "empty_batch": _add_empty_batch,
    "not_a_number": _change_row("metrics", costMicros="N/A"),
    "unknown_field": _change_row("campaign", sandboxNewField={"nested": ["1"]}),
    "new_channel": _change_row("campaign", advertisingChannelType="HOLOGRAM"),
}
