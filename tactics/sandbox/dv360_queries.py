"""Bid Manager's query documents: which it accepts, and what they mean.

Source: the dv360 contract sheet of 2026-11-21, section 3. Runs nothing and knows no report.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tactics.model import Window

# What the sandbox can report on; Bid Manager has hundreds more. Display names as files show them:
# some say "Adv Currency", some "Advertiser Currency".
DIMENSIONS = {
    "FILTER_DATE": "Date",
    "FILTER_ADVERTISER": "Advertiser ID",
    "FILTER_ADVERTISER_NAME": "Advertiser",
    "FILTER_ADVERTISER_CURRENCY": "Advertiser Currency",
    "FILTER_ADVERTISER_TIMEZONE": "Advertiser Time Zone",
    "FILTER_MEDIA_PLAN": "Campaign ID",
    "FILTER_MEDIA_PLAN_NAME": "Campaign",
}
METRICS = {
    "METRIC_IMPRESSIONS": "Impressions",
    "METRIC_CLICKS": "Clicks",
    "METRIC_REVENUE_ADVERTISER": "Revenue (Adv Currency)",
    "METRIC_MEDIA_COST_ADVERTISER": "Media Cost (Advertiser Currency)",
    "METRIC_TOTAL_MEDIA_COST_ADVERTISER": "Total Media Cost (Advertiser Currency)",
    "METRIC_TOTAL_CONVERSIONS": "Total Conversions",
    "METRIC_CM360_POST_CLICK_REVENUE": "CM360 Post-Click Revenue",
    "METRIC_CM360_POST_VIEW_REVENUE": "CM360 Post-View Revenue",
    "METRIC_RICH_MEDIA_VIDEO_PLAYS": "Starts (Video)",
    "METRIC_RICH_MEDIA_VIDEO_COMPLETIONS": "Complete Views (Video)",
}
_FILTERS = ("FILTER_ADVERTISER", "FILTER_PARTNER")
_FREQUENCIES = ("ONE_TIME", "DAILY", "WEEKLY", "SEMI_MONTHLY", "MONTHLY", "QUARTERLY", "YEARLY")
_RANGES = {"CURRENT_DAY": (0, 0), "PREVIOUS_DAY": (1, 1)} | {
    f"LAST_{days}_DAYS": (days, 1) for days in (7, 14, 30, 60, 90, 365)
}


class BadQuery(Exception):
    """Something the vendor refuses with 400 INVALID_ARGUMENT, and its words."""


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """A checked query."""

    title: str
    group_bys: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: tuple[tuple[str, str], ...]
    data_range: Mapping[str, Any]


def parse_query(document: object) -> QuerySpec:
    """Return what a query document means.

    Raises:
        BadQuery: the vendor refuses it.
    """
    query = _object(document, "query", {"metadata", "params", "schedule", "queryId"})
    metadata = _object(
        query.get("metadata"),
        "metadata",
        {"title", "dataRange", "format", "sendNotification", "shareEmailAddress"},
    )
    schedule = _object(
        query.get("schedule"),
        "schedule",
        {"frequency", "startDate", "endDate", "nextRunTimezoneCode"},
    )
    _one_of(schedule.get("frequency"), _FREQUENCIES, "schedule.frequency")
    _one_of(metadata.get("format"), ("CSV",), "metadata.format")
    if not metadata.get("title"):
        raise BadQuery("metadata.title is required.")
    parse_range(metadata.get("dataRange"), dt.date.max)
    return _parse_params(query.get("params"), metadata)


def parse_range(document: object, today: dt.date) -> Window:
    """Return the days of a data range.

    Raises:
        BadQuery: it is none.
    """
    found = _object(document, "dataRange", {"range", "customStartDate", "customEndDate"})
    name = str(found.get("range"))
    if name in _RANGES:
        first, last = _RANGES[name]
        return Window(today - dt.timedelta(days=first), today - dt.timedelta(days=last))
    _one_of(name, ("CUSTOM_DATES",), "dataRange.range")
    start, end = (_parse_day(found.get(key)) for key in ("customStartDate", "customEndDate"))
    if start > end:
        raise BadQuery("The start date must not be after the end date.")
    return Window(start, end)


def day_document(day: dt.date) -> dict[str, int]:
    """Return a date as Google writes it."""
    return {"year": day.year, "month": day.month, "day": day.day}


def _parse_params(document: object, metadata: Mapping[str, Any]) -> QuerySpec:
    params = _object(document, "params", {"type", "groupBys", "filters", "metrics", "options"})
    _one_of(params.get("type"), ("STANDARD",), "params.type")
    filters = []
    for pair in _list(params.get("filters"), "filters"):
        fields = _object(pair, "filters", {"type", "value"})
        filters.append((_one_of(fields.get("type"), _FILTERS, "filter"), str(fields.get("value"))))
    return QuerySpec(
        title=str(metadata["title"]),
        group_bys=tuple(
            _one_of(name, DIMENSIONS, "dimension")
            for name in _list(params.get("groupBys"), "groupBys")
        ),
        metrics=tuple(
            _one_of(name, METRICS, "metric") for name in _list(params.get("metrics"), "metrics")
        ),
        filters=tuple(filters),
        data_range=metadata["dataRange"],
    )


def _object(value: object, name: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadQuery(f"{name} is required.")
    if unknown := sorted(value.keys() - known):
        raise BadQuery(
            f"Invalid JSON payload received. Unknown name \"{unknown[0]}\" at '{name}':"
            " Cannot find field."
        )
    return value


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise BadQuery(f"params.{name} must not be empty.")
    return value


def _one_of(value: object, known: Mapping[str, Any] | tuple[str, ...], name: str) -> str:
    if value not in known:
        raise BadQuery(f"Invalid {name}: {value}")
    return str(value)


def _parse_day(document: object) -> dt.date:
    fields = _object(document, "date", {"year", "month", "day"})
    try:
        return dt.date(fields["year"], fields["month"], fields["day"])
    except (KeyError, TypeError, ValueError) as exc:
        raise BadQuery("Custom dates need a year, a month and a day.") from exc
