"""What is asked of Google Analytics: the traffic report, a look at the property, a preflight.

Reads no answer. Source: contract sheet "Google Analytics 4, Data API v1beta", section 3 (2026-11-21).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from tactics.model import Slice
from tactics.transport import Request, post_json

API_VERSION = "v1beta"
DIMENSIONS = (
    "date",
    "sessionDefaultChannelGroup",
    "sessionSource",
    "sessionMedium",
    "sessionCampaignName",
)
REQUIRED_METRICS = ("sessions",)
OPTIONAL_METRICS = (
    "engagedSessions",
    "totalUsers",
    "newUsers",
    "screenPageViews",
    "keyEvents",
    "ecommercePurchases",
    "purchaseRevenue",
    "totalRevenue",
)
MAX_PAGE_SIZE = 250_000

_RUN, _CHECK = "runReport", "checkCompatibility"


class _Place(msgspec.Struct):
    offset: str = "0"


def traffic(work: Slice, page_size: int) -> Request:
    """Return the request for the first page of a window.

    The order is stated on every dimension: without it the pages of one report may overlap.
    """
    metrics = [*REQUIRED_METRICS, *(name for name in OPTIONAL_METRICS if name not in work.without)]
    body = {
        "dateRanges": [
            {"startDate": work.window.start.isoformat(), "endDate": work.window.end.isoformat()}
        ],
        "dimensions": _names(DIMENSIONS),
        "metrics": _names(metrics),
        "orderBys": [{"dimension": {"dimensionName": name}} for name in DIMENSIONS],
        "limit": str(page_size),
        "offset": "0",
        "keepEmptyRows": False,
        "returnPropertyQuota": True,
    }
    return _post(work.key.account_id, _RUN, body)


def property_facts(account_id: str) -> Request:
    """Return the cheapest report: its metadata tells currency and time zone, rows or not."""
    body = {
        "dateRanges": [{"startDate": "yesterday", "endDate": "yesterday"}],
        "metrics": _names(REQUIRED_METRICS),
        "limit": "1",
        "returnPropertyQuota": True,
    }
    return _post(account_id, _RUN, body)


def compatibility(account_id: str) -> Request:
    """Return the question which metrics may be added to what silver cannot do without."""
    body = {"dimensions": _names(DIMENSIONS), "metrics": _names(REQUIRED_METRICS)}
    return _post(account_id, _CHECK, body)


def is_compatibility(request: Request) -> bool:
    """Return whether this is the preflight."""
    return request.path.endswith(f":{_CHECK}")


def offset_of(request: Request) -> int:
    """Return where the page begins."""
    return int(msgspec.json.decode(request.body, type=_Place).offset)


def page_at(request: Request, offset: int) -> Request:
    """Return the same report from row `offset` on."""
    body: dict[str, Any] = msgspec.json.decode(request.body)
    return replace(request, body=msgspec.json.encode({**body, "offset": str(offset)}))


def _post(account_id: str, method: str, body: dict[str, Any]) -> Request:
    number = quote(account_id.removeprefix("properties/"), safe="")
    return post_json(f"/{API_VERSION}/properties/{number}:{method}", body)


def _names(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"name": name} for name in names]
