"""How Meta says no, and the faults that wear its form.

Source: the meta contract sheet of 2026-11-21, sections 4 and 6. Nearly every refusal has status 400;
the code and subcode tell what it means.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from tactics.sandbox.api import After, Before, Call, Refused, Reply, constant
from tactics.sandbox.faults import Fault


def error_reply(
    message: str,
    *,
    code: int,
    subcode: int | None = None,
    status: int = 400,
    kind: str = "OAuthException",
    transient: bool = False,
) -> Reply:
    """Return the vendor's error envelope."""
    error: dict[str, object] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    error |= {"is_transient": transient, "fbtrace_id": f"Asandbox{code}"}
    return Reply({"error": error}, status=status)


def usage_headers(account_id: str, percent: int, minutes: int = 0) -> dict[str, str]:
    """Return the throttle headers; some values are text and some keys missing, as in the wild."""
    usage = {
        "type": "ads_insights",
        "call_count": percent,
        "total_cputime": percent // 2,
        "total_time": percent // 2,
        "estimated_time_to_regain_access": minutes,
        "ads_api_access_tier": "development_access",
    }
    return {
        "x-app-usage": json.dumps({"call_count": percent, "total_time": percent // 3}),
        "x-business-use-case-usage": json.dumps({account_id: [usage]}),
        "x-ad-account-usage": json.dumps({"acc_id_util_pct": float(percent), "reset_time_duration": 60 * minutes}),
        "x-fb-ads-insights-throttle": json.dumps({"app_id_util_pct": str(percent), "acc_id_util_pct": percent}),
    }  # fmt: skip


def not_ready() -> Reply:
    """Return the answer to whoever fetches a report too early."""
    return error_reply(
        "(#2601) Loading async data from report that is not ready",
        code=2601,
        subcode=1815107,
        transient=True,
    )


def missing(node: str) -> Reply:
    message = (
        f"Unsupported get request. Object with ID '{node}' does not exist, cannot be loaded due to"
        " missing permissions, or does not support this operation."
    )
    return error_reply(message, code=100, subcode=33, kind="GraphMethodException")


def _fails(
    status: int, message: str, *, code: int, subcode: int | None = None, transient: bool = False
) -> Before:
    return constant(
        error_reply(message, code=code, subcode=subcode, status=status, transient=transient)
    )


def _rate_limited(call: Call, fault: Fault) -> Reply:
    code = fault.option("code", 80000)
    minutes = fault.option("minutes", 1)
    message = (
        f"(#{code}) There have been too many calls from this ad-account. Wait a bit and try again."
    )
    account_id = call.match.get("node", "").removeprefix("act_")
    reply = error_reply(message, code=code, subcode=2446079)
    return reply.with_headers(usage_headers(account_id, 100, minutes))


def _bad_field(call: Call, fault: Fault) -> Reply | None:
    """Refuse the whole request because of one field, as long as it is asked for."""
    name = fault.text("field", "video_play_actions")
    asked = call.first("fields") or dict(call.form()).get("fields", "")
    if name not in field_list(asked):
        return None
    return error_reply(
        f"(#100) {name} is not valid for fields param. please check the reference", code=100
    )


def _usage_high(call: Call, fault: Fault, reply: Reply) -> Reply | None:
    if "insights" not in call.path:
        return None
    account_id = call.match.get("node", "").removeprefix("act_")
    return reply.with_headers(usage_headers(account_id, fault.option("percent", 96), 3))


def _version_warning(_call: Call, _fault: Fault, reply: Reply) -> Reply:
    text = "The call has been auto-upgraded to the next version"
    return reply.with_headers({"x-ad-api-version-warning": text})


def _change_row(change: Callable[[dict[str, Any]], dict[str, Any]]) -> After:
    """Return an effect that changes the first row of an insights page."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        rows = _insight_page(call, reply)
        if not rows:
            return None
        return replace(reply, document={**reply.document, "data": [change(rows[0]), *rows[1:]]})

    return effect


def _empty_page(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Put an empty page before the one that was asked for; its `next` leads on."""
    if not _insight_page(call, reply):
        return None
    return _lead_to(offset(call.first("after")), call, reply, rows=[], mark="E")


def _loop(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Let `next` lead to where we are already; planted for ever, it never ends."""
    rows = _insight_page(call, reply)
    return _lead_to(offset(call.first("after")), call, reply, rows=rows) if rows else None


def _lead_to(
    place: int, call: Call, reply: Reply, *, rows: list[dict[str, Any]], mark: str = "Z"
) -> Reply:
    here = cursor(place, mark)
    query = [*((name, value) for name, value in call.query if name != "after"), ("after", here)]
    paging = {
        "cursors": {"before": here, "after": here},
        "next": f"{call.base}{call.path}?{urlencode(query)}",
    }
    return replace(reply, document={"data": rows, "paging": paging})


def _insight_page(call: Call, reply: Reply) -> list[dict[str, Any]]:
    good = "insights" in call.path and isinstance(reply.document, dict)
    return reply.document.get("data", []) if good else []


def cursor(place: int, mark: str = "Z") -> str:
    """Return the opaque cursor of a place in a list; `mark` makes another one of the same place."""
    return base64.b64encode(f"M{place}{mark}".encode()).decode().rstrip("=")


def offset(text: str) -> int:
    """Return the place that a cursor means; no cursor is the beginning.

    Raises:
        Refused: it is none of ours.
    """
    if not text:
        return 0
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
        return int(plain[1:-1])
    except (binascii.Error, ValueError) as exc:
        message = "(#100) Invalid parameter: after is not a valid cursor"
        raise Refused(error_reply(message, code=100)) from exc


def field_list(text: str) -> tuple[str, ...]:
    """Return field names that came as JSON or joined with commas; the vendor takes both."""
    items = json.loads(text) if text.startswith("[") else text.split(",")
    return tuple(str(item).strip() for item in items if str(item).strip())


BEFORE: dict[str, Before] = {
    "http_500": _fails(500, "An unknown error occurred", code=1, transient=True),
    "http_503": _fails(503, "Service temporarily unavailable", code=2, transient=True),
    "error_200": _fails(200, "An unexpected error has occurred", code=2, transient=True),
    "auth_expired": _fails(
        400, "Error validating access token: Session has expired", code=190, subcode=463
    ),
    "permission": _fails(
        403, "(#200) Ad account owner has NOT grant ads_management or ads_read permission", code=200
    ),
    "rate_limit": _rate_limited,
    "bad_field": _bad_field,
}
AFTER: dict[str, After] = {
    "usage_high": _usage_high,
    "version_warning": _version_warning,
    "not_a_number": _change_row(lambda row: row | {"spend": "N/A"}),
    "negative_spend": _change_row(lambda row: row | {"spend": f"-{row.get('spend', '12.34')}"}),
    "unknown_field": _change_row(lambda row: row | {"sandbox_new_metric": {"nested": ["1"]}}),
    "empty_page_with_next": _empty_page,
    "cursor_loop": _loop,
}
