"""How The Trade Desk says no, and the faults that wear its form.

Source: the ttd contract sheet of 2026-11-21, section 6. Serves nothing.
"""

import datetime as dt
import json
from typing import Any

from tactics.sandbox.api import Before, Call, Refused, Reply, constant
from tactics.sandbox.faults import Fault

NO_CONTENT = 240


def error_reply(status: int, message: str) -> Reply:
    """Return the vendor's error body; each answer has an id to ask its support about."""
    headers = {"x-ttd-request-id": f"sandbox-{status}"}
    return Reply({"Message": message}, status=status, headers=headers)


def masked() -> Reply:
    """Return the answer to whoever asks for what is not his or does not exist: both look alike."""
    return error_reply(403, "You do not have permission to access this entity.")


def document(call: Call) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Raises:
        Refused: it is none.
    """
    value = peek(call)
    if value is None:
        raise Refused(error_reply(400, "The request body is not valid."))
    return value


def peek(call: Call) -> dict[str, Any] | None:
    """Return the JSON object that was sent, None if there is none."""
    try:
        value = json.loads(call.body or b"null")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def span_of(wanted: dict[str, Any]) -> tuple[dt.date, dt.date]:
    """Return the first day of a custom range and the day after its last one.

    Raises:
        Refused: they are not dates, or in the wrong order.
    """
    try:
        first, after = (
            dt.datetime.fromisoformat(str(wanted.get(name))).date()
            for name in ("ReportStartDateInclusive", "ReportEndDateExclusive")
        )
    except ValueError as exc:
        raise Refused(
            error_reply(400, "ReportStartDateInclusive and ReportEndDateExclusive: dates")
        ) from exc
    if first >= after:
        raise Refused(
            error_reply(400, "ReportEndDateExclusive must be after ReportStartDateInclusive.")
        )
    return first, after


def _fails(status: int, message: str) -> Before:
    return constant(error_reply(status, message))


def _throttled(_call: Call, fault: Fault) -> Reply:
    """Say 429; with the option `seconds` 0 without a word of how long."""
    seconds = fault.option("seconds", 7)
    headers = {"retry-after": str(seconds)} if seconds else {}
    return error_reply(429, "Too Many Requests").with_headers(headers)


def _busy(_call: Call, fault: Fault) -> Reply:
    seconds = fault.option("seconds", 0)
    headers = {"retry-after": str(seconds)} if seconds else {}
    return error_reply(503, "Service Unavailable").with_headers(headers)


def _too_large(call: Call, fault: Fault) -> Reply | None:
    """Refuse reports over more than `over_days` days."""
    if call.method != "POST" or not call.path.endswith("/reportschedule"):
        return None
    try:
        first, after = span_of(document(call))
    except Refused:
        return None  # the handler refuses it
    if (after - first).days <= fault.option("over_days", 0):
        return None
    return error_reply(413, "The report covers too much data.")


def _disabled(call: Call, _fault: Fault) -> Reply | None:
    """Refuse everything below MyReports, as for a partner whose reporting API is off."""
    return (
        error_reply(403, "Access to MyReports is denied.") if "/myreports/" in call.path else None
    )


BEFORE: dict[str, Before] = {
    "http_500": _fails(500, "An error has occurred."),
    "http_502": _fails(502, "Bad Gateway"),
    "http_503": _busy,
    "http_504": _fails(504, "Gateway Timeout"),
    "rate_limit": _throttled,
    "auth_expired": _fails(401, "The authentication token is invalid or has expired."),
    "permission": _fails(403, "You do not have permission to access this entity."),
    "myreports_disabled": _disabled,
    "bad_request": _fails(400, "'ReportName' is not a valid property."),
    "not_found": _fails(404, "Not Found"),
    "conflict": _fails(409, "The entity was changed by somebody else."),
    "gone": _fails(410, "This endpoint has been retired."),
    "too_large": _too_large,
    "no_content": constant(Reply(body=b"", status=NO_CONTENT)),
}
