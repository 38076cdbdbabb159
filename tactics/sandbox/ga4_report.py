"""Makes the simulated Google Analytics' reports: checks a request, groups, sorts and cuts the rows.

Source: ga4 contract sheet of 2026-11-21, section 3 (limits of the body, values are text, `rows` is
left out when empty). Knows no quota and no HTTP.
"""

import datetime as dt
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from tactics.model import Window
from tactics.sandbox.api import Refused, Reply
from tactics.sandbox.ga4_traffic import Property, Visits
from tactics.sandbox.google import error_reply

DIMENSIONS: dict[str, Callable[[Visits], str]] = {
    "date": lambda row: f"{row.day:%Y%m%d}",
    "sessionDefaultChannelGroup": lambda row: row.origin[0],
    "sessionSource": lambda row: row.origin[1],
    "sessionMedium": lambda row: row.origin[2],
    "sessionCampaignName": lambda row: row.origin[3],
}
METRICS: dict[str, tuple[str, Callable[[Visits], Decimal]]] = {
    "sessions": ("TYPE_INTEGER", lambda row: Decimal(row.sessions)),
    "engagedSessions": ("TYPE_INTEGER", lambda row: Decimal(row.engaged)),
    "totalUsers": ("TYPE_INTEGER", lambda row: Decimal(row.users)),
    "newUsers": ("TYPE_INTEGER", lambda row: Decimal(row.new_users)),
    "screenPageViews": ("TYPE_INTEGER", lambda row: Decimal(row.views)),
    "keyEvents": ("TYPE_FLOAT", lambda row: row.key_events),
    "ecommercePurchases": ("TYPE_INTEGER", lambda row: Decimal(row.purchases)),
    "purchaseRevenue": ("TYPE_CURRENCY", lambda row: row.revenue),
    "totalRevenue": ("TYPE_CURRENCY", lambda row: row.total_revenue),
}
_SIMULATED = {
    "dateRanges",
    "dimensions",
    "metrics",
    "orderBys",
    "limit",
    "offset",
    "keepEmptyRows",
    "returnPropertyQuota",
    "property",
}
_NOT_SIMULATED = {
    "dimensionFilter",
    "metricFilter",
    "metricAggregations",
    "currencyCode",
    "cohortSpec",
    "comparisons",
}
_MAX_RANGES, _MAX_DIMENSIONS, _MAX_METRICS, _MAX_ROWS = 4, 9, 10, 250_000
_DEFAULT_LIMIT = 10_000
_SCHEMA = "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
_EXPLORER = "https://ga-dev-tools.web.app/ga4/dimensions-metrics-explorer/"

Row: TypeAlias = tuple[tuple[str, ...], tuple[Decimal, ...]]


@dataclass(slots=True)
class Schema:
    """Which metrics exist, and which do not go with campaigns; tests change it."""

    retired: set[str] = field(default_factory=set)
    incompatible: set[str] = field(default_factory=set)

    def retire(self, metric: str) -> None:
        """Know a metric no more."""
        self.retired.add(metric)

    def make_incompatible(self, metric: str) -> None:
        """Let a metric not go with campaigns from now on."""
        self.incompatible.add(metric)

    def known(self) -> list[str]:
        """Return the metrics that may be asked for."""
        return [name for name in METRICS if name not in self.retired]

    def check(self, dimensions: Sequence[str], metrics: Sequence[str]) -> None:
        """Refuse what does not exist or does not go together.

        Raises:
            Refused: 400 INVALID_ARGUMENT.
        """
        for kind, names, known in (
            ("dimension", dimensions, DIMENSIONS),
            ("metric", metrics, self.known()),
        ):
            for name in names:
                if name not in known:
                    raise Refused(
                        bad(
                            f"Field {name} is not a valid {kind}. For a list of valid dimensions and"
                            f" metrics, see {_SCHEMA} "
                        )
                    )
        if "sessionCampaignName" in dimensions and self.incompatible & set(metrics):
            raise Refused(
                bad(
                    "Please remove sessionCampaignName to make the request compatible for example. The"
                    " request's dimensions & metrics are incompatible. To learn more, see "
                    + _EXPLORER
                )
            )


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request."""

    windows: tuple[Window, ...]
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]  # names, and whether descending
    limit: int
    offset: int
    keep_empty: bool
    wants_quota: bool

    @property
    def days(self) -> int:
        """Return how many days are asked for."""
        return sum(len(window) for window in self.windows)


def bad(message: str) -> Reply:
    """Return the answer to a request that is wrong."""
    return error_reply(400, message)


def check_body(body: Mapping[str, Any], schema: Schema, today: dt.date) -> Asked:
    """Return what a RunReportRequest asks for.

    Raises:
        Refused: 400 INVALID_ARGUMENT.
    """
    for name in body:
        if name in _NOT_SIMULATED:
            raise Refused(bad(f"The sandbox does not simulate {name}."))
        if name not in _SIMULATED:
            raise Refused(
                bad(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
            )
    dimensions, metrics = names_of(body, "dimensions"), names_of(body, "metrics")
    ranges = body.get("dateRanges", [])
    if not metrics and not dimensions:
        raise Refused(bad("The request must have at least one dimension or metric."))
    for found, most in (
        (ranges, _MAX_RANGES),
        (dimensions, _MAX_DIMENSIONS),
        (metrics, _MAX_METRICS),
    ):
        if len(found) > most:
            raise Refused(bad(f"Requests are limited to {most} of these within a nested request."))
    schema.check(dimensions, metrics)
    return Asked(
        windows=tuple(_window(item, today) for item in ranges),
        dimensions=dimensions,
        metrics=metrics,
        order=_order(body.get("orderBys", []), (*dimensions, *metrics)),
        limit=_count(body, "limit", _DEFAULT_LIMIT),
        offset=_count(body, "offset", 0),
        keep_empty=bool(body.get("keepEmptyRows", False)),
        wants_quota=bool(body.get("returnPropertyQuota", False)),
    )


def names_of(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the names of dimensions or metrics."""
    return tuple(str(item["name"]) for item in body.get(key, []))


def make_report(
    asked: Asked, visits: Iterable[Visits], web: Property, dice: random.Random
) -> dict[str, Any]:
    """Return a RunReportResponse without its quota."""
    rows = _sorted(_grouped(asked, visits), asked, dice)
    cut = rows[asked.offset : asked.offset + min(asked.limit, _MAX_ROWS)]
    report: dict[str, Any] = {
        "dimensionHeaders": [{"name": name} for name in asked.dimensions],
        "metricHeaders": [{"name": name, "type": METRICS[name][0]} for name in asked.metrics],
        "rows": [_rendered(row) for row in cut],
        "rowCount": len(rows),
        "metadata": {"currencyCode": web.currency, "timeZone": web.timezone},
        "kind": "analyticsData#runReport",
    }
    # proto3's JSON leaves out what is empty or zero
    return {name: value for name, value in report.items() if value not in ([], 0)}


def _grouped(asked: Asked, visits: Iterable[Visits]) -> list[Row]:
    sums: dict[tuple[str, ...], list[Decimal]] = {}
    for row in visits:
        key = tuple(DIMENSIONS[name](row) for name in asked.dimensions)
        held = sums.setdefault(key, [Decimal(0)] * len(asked.metrics))
        for place, name in enumerate(asked.metrics):
            held[place] += METRICS[name][1](row)
    return [
        (key, tuple(values))
        for key, values in sums.items()
        if asked.keep_empty or any(values) or not values
    ]


def _sorted(rows: list[Row], asked: Asked, dice: random.Random) -> list[Row]:
    """Return the rows in the order asked for; what the order leaves open differs from call to call."""
    dice.shuffle(rows)
    for name, descending in reversed(asked.order):
        if name in asked.dimensions:
            place = asked.dimensions.index(name)
            rows.sort(key=lambda row: row[0][place], reverse=descending)
        else:
            place = asked.metrics.index(name)
            rows.sort(key=lambda row: row[1][place], reverse=descending)
    return rows


def _rendered(row: Row) -> dict[str, Any]:
    keys, values = row
    found = {
        "dimensionValues": [{"value": key} for key in keys],
        "metricValues": [{"value": _text(value)} for value in values],
    }
    return {name: items for name, items in found.items() if items}


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _window(item: Mapping[str, str], today: dt.date) -> Window:
    start, end = (_day(item.get(name, ""), today) for name in ("startDate", "endDate"))
    if start > end:
        raise Refused(bad("Invalid date range: startDate must be before or equal to endDate."))
    return Window(start, end)


def _day(text: str, today: dt.date) -> dt.date:
    ago = {"today": 0, "yesterday": 1}.get(text)
    if found := re.fullmatch(r"(\d{1,4})daysAgo", text):
        ago = int(found[1])
    if ago is not None:
        return today - dt.timedelta(days=ago)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass  # the same refusal as for other nonsense
    raise Refused(bad(f"Invalid date: {text!r}. Use YYYY-MM-DD, NdaysAgo, yesterday, or today."))


def _order(
    items: Iterable[Mapping[str, Any]], names: Sequence[str]
) -> tuple[tuple[str, bool], ...]:
    found = []
    for item in items:
        by = item.get("dimension", {}).get("dimensionName") or item.get("metric", {}).get(
            "metricName"
        )
        if by not in names:
            raise Refused(bad(f"Field {by} in orderBys is not in the request."))
        found.append((str(by), bool(item.get("desc", False))))
    return tuple(found)


def _count(body: Mapping[str, Any], name: str, default: int) -> int:
    text = str(body.get(name, default))
    if not text.isdigit():
        raise Refused(bad(f"Invalid value at '{name}' (TYPE_INT64), \"{text}\""))
    return int(text) or (default if name == "limit" else 0)
