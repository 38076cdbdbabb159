"""The faults that wear Klaviyo's form: its error bodies, its limits, answers it should not give.

Source: the klaviyo contract sheet of 2026-11-21, sections 5, 10 and 12.
"""

import copy
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tactics.sandbox.api import After, Before, Call, Reply, constant
from tactics.sandbox.faults import Fault
from tactics.sandbox.klaviyo_access import OLDEST_SERVED, error_reply, too_many

Change: TypeAlias = Callable[[dict[str, Any]], object]

_UNAVAILABLE = {
    "http_500": (500, "internal_server_error", "A server error occurred."),
    "http_502": (502, "bad_gateway", "Bad gateway."),
    "http_503": (503, "service_unavailable", "The service is temporarily unavailable."),
    "http_504": (504, "gateway_timeout", "The request timed out."),
    "http_524": (524, "timeout", "A timeout occurred."),
}
_REFUSALS = {
    "auth": (401, "not_authenticated", "Missing or invalid private key."),
    "not_found": (404, "not_found", "The requested resource does not exist."),
    "conflict": (409, "conflict", "The request conflicts with another one."),
    "gone": (410, "gone", "This revision has been retired."),
    "bad_metric": (
        400, "invalid", "Passed in conversion metric does not support querying for values data",
    ),
}  # fmt: skip


def _forbidden(_call: Call, fault: Fault) -> Reply:
    scope = fault.text("scope", "the scope of this call")
    detail = f"The API key is missing required scopes: {scope}"
    return error_reply(403, "permission_denied", detail)


def _invalid(_call: Call, fault: Fault) -> Reply:
    pointer = fault.text("pointer", "/data/attributes/statistics")
    return error_reply(400, "invalid", "Invalid input.", source={"pointer": pointer})


def _bad_cursor(call: Call, _fault: Fault) -> Reply | None:
    """Refuse the cursor of whatever is not the first page."""
    names = [name for name, _ in call.query if "cursor" in name]
    if not names:
        return None
    return error_reply(400, "invalid", "Invalid page cursor.", source={"parameter": names[0]})


def _no_currency_groups(call: Call, _fault: Fault) -> Reply | None:
    """Refuse `$value_currency` as long as it is asked for."""
    if b"$value_currency" not in call.body:
        return None
    pointer = {"pointer": "/data/attributes/by"}
    return error_reply(400, "invalid", "'$value_currency' is not a valid choice.", source=pointer)


def _on(wanted: str, change: Change) -> After:
    """Return an effect that changes a good answer of the paths that contain `wanted`."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        if wanted not in call.path or not isinstance(reply.document, dict):
            return None
        document = copy.deepcopy(reply.document)
        if "data" not in document or change(document) is False:
            return None
        return replace(reply, document=document)

    return effect


def _other_revision(_call: Call, _fault: Fault, reply: Reply) -> Reply:
    return reply.with_headers({"x-klaviyo-api-revision": OLDEST_SERVED})


def _repeat_cursor(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Let `links.next` lead to where the call stands."""
    if not isinstance(reply.document, dict) or "links" not in reply.document:
        return None
    here = reply.document["links"]["self"]
    return replace(reply, document=reply.document | {"links": {"self": here, "next": here}})


def _foreign_next(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Let `links.next` lead to another host."""
    if not isinstance(reply.document, dict) or "links" not in reply.document:
        return None
    links = reply.document["links"] | {"next": "https://elsewhere.example/steal"}
    return replace(reply, document=reply.document | {"links": links})


def _first_result(report: dict[str, Any]) -> dict[str, Any] | None:
    results = report["data"]["attributes"]["results"]
    return results[0]["statistics"] if results else None


def _spoil_number(report: dict[str, Any]) -> bool:
    stats = _first_result(report)
    if stats is None:
        return False
    spoiled = ["N/A", *stats["recipients"][1:]] if isinstance(stats["recipients"], list) else "N/A"
    stats["recipients"] = spoiled
    return True


def _drop_statistic(report: dict[str, Any]) -> bool:
    stats = _first_result(report)
    return stats is not None and stats.pop("spam_complaints") is not None


def _shorten_series(report: dict[str, Any]) -> bool:
    stats = _first_result(report)
    return stats is not None and stats["delivered"].pop() is not None


def _forget_campaign(page: dict[str, Any]) -> bool:
    """Delete a campaign in the middle of the list: its rows stay in the report."""
    sent = [item for item in page["data"] if item["attributes"].get("send_time")]
    if sent:
        page["data"].remove(sent[len(sent) // 2])
    return bool(sent)


def _copy_metric(page: dict[str, Any]) -> None:
    wanted = next(item for item in page["data"] if item["attributes"]["name"] == "Placed Order")
    twin = copy.deepcopy(wanted) | {"id": "TwiN99"}
    twin["attributes"]["integration"] = {"name": "WooCommerce", "category": "eCommerce"}
    page["data"].append(twin)


def _drop_metric(page: dict[str, Any]) -> None:
    page["data"] = [i for i in page["data"] if i["attributes"]["name"] != "Placed Order"]


def _as_instants(zone: str) -> Change:
    """Write midnights as the instants that they are in the account's time zone."""

    def change(document: dict[str, Any]) -> None:
        attributes = document["data"]["attributes"]
        name = "dates" if "dates" in attributes else "date_times"
        attributes[name] = [
            dt.datetime
            .fromisoformat(f"{text[:10]}T00:00:00")
            .replace(tzinfo=ZoneInfo(zone))
            .astimezone(dt.UTC)
            .isoformat()
            for text in attributes[name]
        ]

    return change


def _instants(call: Call, fault: Fault, reply: Reply) -> Reply | None:
    change = _as_instants(fault.text("zone", "Europe/Vienna"))
    path = call.path.rpartition("/")[2]
    wanted = path if path in {"flow-series-reports", "metric-aggregates"} else "never"
    return _on(wanted, change)(call, fault, reply)


BEFORE: dict[str, Before] = {
    **{name: constant(error_reply(*facts)) for name, facts in (_UNAVAILABLE | _REFUSALS).items()},
    "rate_limit": lambda _call, fault: too_many(fault.option("seconds", 1)),
    "forbidden": _forbidden,
    "invalid": _invalid,
    "bad_cursor": _bad_cursor,
    "no_currency_groups": _no_currency_groups,
}
AFTER: dict[str, After] = {
    "other_revision": _other_revision,
    "cursor_loop": _repeat_cursor,
    "foreign_next": _foreign_next,
    "empty_results": _on("-reports", lambda page: page["data"]["attributes"].update(results=[])),
    "not_a_number": _on("-reports", _spoil_number),
    "missing_statistic": _on("-reports", _drop_statistic),
    "misaligned_series": _on("flow-series-reports", _shorten_series),
    "forget_campaign": _on("/api/campaigns", _forget_campaign),
    "two_metrics": _on("/api/metrics", _copy_metric),
    "no_metric": _on("/api/metrics", _drop_metric),
    "instants": _instants,
    "unknown_field": _on("", lambda page: page.update(sandbox_new_field={"nested": [1]})),
}
