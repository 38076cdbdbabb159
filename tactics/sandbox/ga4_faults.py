"""How the simulated Google Analytics misbehaves: refusals in its own words, and spoilt reports.

Source: ga4 contract sheet of 2026-11-21, sections 5, 9, 10 and 12.
"""

import copy
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from tactics.sandbox import google
from tactics.sandbox.api import After, Before, Call, Reply, constant
from tactics.sandbox.faults import Fault
from tactics.sandbox.ga4_quota import MESSAGES, refusal
from tactics.sandbox.google import error_reply

_REVENUE = ("purchaseRevenue", "totalRevenue")
_DISABLED = "Google Analytics Data API has not been used in project 1 before or it is disabled."
_REASON = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "SERVICE_DISABLED",
    "domain": "googleapis.com",
}
_PER_MINUTE = (
    "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service"
    " 'analyticsdata.googleapis.com'"
)

Spoil: TypeAlias = Callable[[dict[str, Any]], None]


def _service_disabled() -> Reply:
    reply = error_reply(403, _DISABLED)
    error = reply.document["error"] | {"details": [_REASON]}
    return replace(reply, document={"error": error})


def _refused_buckets() -> dict[str, Before]:
    """Return a fault `quota_<bucket>` for each bucket."""
    return {f"quota_{bucket}": constant(refusal(bucket)) for bucket in MESSAGES}


def _report(spoil: Spoil) -> After:
    """Return an effect on reports by day that have rows; option `days`: only on windows that long."""

    def effect(call: Call, fault: Fault, reply: Reply) -> Reply | None:
        document = reply.document
        if not isinstance(document, dict) or not {"rows", "dimensionHeaders"} <= document.keys():
            return None
        if _days(call) < fault.option("days", 1):
            return None
        document = copy.deepcopy(document)
        spoil(document)
        return replace(reply, document=document)

    return effect


def _days(call: Call) -> int:
    first = json.loads(call.body)["dateRanges"][0]
    try:
        start, end = (dt.date.fromisoformat(first[name]) for name in ("startDate", "endDate"))
    except ValueError:
        return 1  # `yesterday`
    return (end - start).days + 1


def _flag(**metadata: object) -> After:
    return _report(lambda report: report["metadata"].update(metadata))


def _roll_up(report: dict[str, Any]) -> None:
    """Let the last row be the one into which Google put what was too much."""
    report["metadata"]["dataLossFromOtherRow"] = True
    for header, value in zip(
        report["dimensionHeaders"], report["rows"][-1]["dimensionValues"], strict=True
    ):
        if header["name"] != "date":
            value["value"] = "(other)"


def _restrict(report: dict[str, Any]) -> None:
    """Hide revenue from this credential: zeros, and a note."""
    names = [header["name"] for header in report["metricHeaders"]]
    blocked = [name for name in _REVENUE if name in names]
    report["metadata"]["schemaRestrictionResponse"] = {
        "activeMetricRestrictions": [
            {"metricName": name, "restrictedMetricTypes": ["REVENUE_DATA"]} for name in blocked
        ]
    }
    for row in report["rows"]:
        for name in blocked:
            row["metricValues"][names.index(name)]["value"] = "0"


def _leak(report: dict[str, Any]) -> None:
    """Let two rows of a day differ only by an address, and one carry a query string."""
    texts = ("mail ann@shopper.example", "mail%40bob.example", "sale?uid=42&mail=1")
    for row, text in zip(report["rows"], texts, strict=False):
        row["dimensionValues"][-1]["value"] = text


def _first_metric(text: str) -> Spoil:
    def spoil(report: dict[str, Any]) -> None:
        report["rows"][0]["metricValues"][0]["value"] = text

    return spoil


def _add_fields(report: dict[str, Any]) -> None:
    report["sandboxNewField"] = {"nested": [1]}
    report["rows"][0]["sandboxNewField"] = True


BEFORE: dict[str, Before] = google.BEFORE | {
    **_refused_buckets(),
    "quota_minute": constant(error_reply(429, _PER_MINUTE)),
    "service_disabled": constant(_service_disabled()),
    "not_found": constant(error_reply(404, "Requested entity was not found.")),
    "invalid_argument": constant(error_reply(400, "Request contains an invalid argument.")),
}
AFTER: dict[str, After] = {
    "sampled": _flag(
        samplingMetadatas=[{"samplesReadCount": "250000", "samplingSpaceSize": "1000000"}]
    ),
    "thresholded": _flag(subjectToThresholding=True),
    "other_row": _report(_roll_up),
    "truncated": _flag(
        dataTruncationReasons=[
            {
                "dataTruncationType": "DATA_TRUNCATION_TYPE_DATE_RANGE",
                "dataTruncationMessage": "too old",
            }
        ]
    ),
    "restricted": _report(_restrict),
    "personal": _report(_leak),
    "not_a_number": _report(_first_metric("N/A")),
    "unknown_field": _report(_add_fields),
    "empty_page_with_next": _report(lambda report: report.pop("rows")),
    "rows_moved": _report(lambda report: report.update(rowCount=report["rowCount"] - 1)),
}
