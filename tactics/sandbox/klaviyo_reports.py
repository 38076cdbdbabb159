"""Klaviyo's numbers: the campaign and the flow report, and the aggregates of a metric.

Source: the klaviyo contract sheet of 2026-11-21, sections 3 and 6. Campaign values have no day:
whatever was sent within the timeframe is summed over the whole life of the message.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tactics.model import Window
from tactics.sandbox.api import Call, Refused
from tactics.sandbox.klaviyo_access import invalid
from tactics.sandbox.klaviyo_mail import STATISTICS, Mail, Sale, Stats
from tactics.sandbox.klaviyo_query import Document, Term, cut, link, parse_filter

REPORT_ROWS = 1000  # the real cap is not documented
_LONGEST_DAYS = {"daily": 60, "": 366}
_FIELDS = {
    "campaign": ("campaign_id", "campaign_message_id", "send_channel"),
    "flow": ("flow_id", "flow_message_id", "send_channel"),
}
_KEYS = {"statistics", "timeframe", "conversion_metric_id", "group_by", "filter"}
_AGGREGATE_KEYS = {
    "metric_id", "measurements", "interval", "filter", "timezone", "by", "page_size", "page_cursor",
}  # fmt: skip
_DIMENSIONS = {
    "$attributed_message": lambda sale: sale.message_id,
    "$attributed_flow": lambda sale: sale.flow_id,
    "$attributed_channel": lambda sale: sale.channel,
    "$value_currency": lambda sale: sale.currency,
}
_MOST_GROUPS = 500
_AGGREGATE_FILTERS: dict[str, tuple[str, ...]] = {
    "datetime": ("greater-or-equal", "less-than"),
    "$attributed_channel": ("equals",),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A checked question for a report."""

    window: Window
    statistics: list[str]
    group_by: list[str]
    terms: list[Term]

    def wants(self, groups: Mapping[str, str]) -> bool:
        return all(term.holds(groups[term.field]) for term in self.terms)


def campaign_values(mail: Mail, call: Call, rows: int = REPORT_ROWS) -> Document:
    """Return a page of the campaign report."""
    asked = _question(mail, call, "campaign")
    results = []
    for campaign in mail.sent():
        for message_id in campaign.message_ids:
            groups = {
                "campaign_id": campaign.campaign_id,
                "campaign_message_id": message_id,
                "send_channel": campaign.channel,
            }
            stats = mail.campaign_stats(campaign, message_id, asked.window)
            if stats and asked.wants(groups):
                results.append(_result(asked, groups, _scalars(stats)))
    return _report(call, "campaign-values-report", results, rows=rows)


def flow_series(mail: Mail, call: Call, rows: int = REPORT_ROWS) -> Document:
    """Return a page of the flow report, day by day."""
    asked = _question(mail, call, "flow")
    days = list(asked.window.days())
    results = []
    for flow in mail.flows():
        for message_id in flow.message_ids:
            groups = {
                "flow_id": flow.flow_id,
                "flow_message_id": message_id,
                "send_channel": "email",
            }
            found = [_scalars(mail.flow_stats(flow, message_id, day)) for day in days]
            if any(stats["recipients"] for stats in found) and asked.wants(groups):
                series = {name: [stats[name] for stats in found] for name in STATISTICS}
                results.append(_result(asked, groups, series))
    report = _report(call, "flow-series-report", results, rows=rows)
    report["data"]["attributes"]["date_times"] = [_midnight(day) for day in days]
    return report


def aggregate(mail: Mail, call: Call) -> Document:
    """Return a page of a metric's orders and money by day and attributes.

    Raises:
        Refused: the question is wrong.
    """
    body = _attributes(call, "metric-aggregate", _AGGREGATE_KEYS)
    _check_metric(mail, body.get("metric_id"), "metric_id")
    if body.get("timezone", "UTC") != mail.org.timezone:
        raise Refused(
            invalid("The simulator knows the account's time zone only.", pointer="timezone")
        )
    by, window, terms = body.get("by") or [], *_range(body.get("filter") or [])
    if unknown := set(by) - set(_DIMENSIONS):
        raise Refused(invalid(f"Invalid by: {sorted(unknown)}", pointer="/data/attributes/by"))
    wanted = (s for s in mail.sales(window) if all(t.holds(s.channel) for t in terms))
    groups = _grouped(wanted, by, list(window.days()))
    size = min(int(body.get("page_size") or _MOST_GROUPS), _MOST_GROUPS)
    page, cursor = cut(groups, body.get("page_cursor", ""), size)
    for group in page:
        held = group["measurements"]
        group["measurements"] = {name: held[name] for name in body["measurements"]}
    attributes = {"dates": [_midnight(day) for day in window.days()], "data": page}
    links = {"self": link(call), "next": link(call, page_cursor=cursor) if cursor else None}
    data = {"type": "metric-aggregate", "id": "sandbox", "attributes": attributes}
    return {"data": data | {"links": {"self": link(call)}}, "links": links}


def _question(mail: Mail, call: Call, parent: str) -> _Asked:
    kind = "campaign-values-report" if parent == "campaign" else "flow-series-report"
    keys = _KEYS | ({"interval"} if parent == "flow" else set())
    body = _attributes(call, kind, keys)
    _check_metric(mail, body.get("conversion_metric_id"), "conversion_metric_id")
    statistics = body.get("statistics") or []
    if not statistics or set(statistics) - set(STATISTICS):
        raise Refused(invalid("Invalid statistics.", pointer="/data/attributes/statistics"))
    group_by = body.get("group_by") or list(_FIELDS[parent])
    if not set(_FIELDS[parent][:2]) <= set(group_by) <= set(_FIELDS[parent]):
        raise Refused(
            invalid(
                f"group_by must have {_FIELDS[parent][:2]}", pointer="/data/attributes/group_by"
            )
        )
    allowed = dict.fromkeys(_FIELDS[parent], ("equals", "contains-any"))
    terms = parse_filter(body.get("filter") or "", allowed)
    window = _timeframe(body.get("timeframe") or {}, body.get("interval", ""))
    return _Asked(window, statistics, group_by, terms)


def _attributes(call: Call, kind: str, keys: set[str]) -> Document:
    try:
        data = json.loads(call.body)["data"]
        attributes: Document = data["attributes"]
    except (ValueError, KeyError, TypeError) as exc:
        raise Refused(invalid("The body is no JSON:API document.", pointer="/data")) from exc
    if data.get("type") != kind:
        raise Refused(invalid(f"Invalid type, must be {kind}.", pointer="/data/type"))
    if unknown := set(attributes) - keys:
        name = min(unknown)
        raise Refused(
            invalid(f"'{name}' is not a valid field.", pointer=f"/data/attributes/{name}")
        )
    return attributes


def _check_metric(mail: Mail, metric_id: object, name: str) -> None:
    if metric_id != mail.metric_id:
        pointer = f"/data/attributes/{name}"
        raise Refused(
            invalid(
                "Passed in conversion metric does not support querying for values data",
                pointer=pointer,
            )
        )


def _timeframe(timeframe: Mapping[str, str], interval: str) -> Window:
    """Return the days asked for: the offset is ignored, both ends are inclusive.

    Raises:
        Refused: they are no days, or too many.
    """
    try:
        start, end = (dt.date.fromisoformat(timeframe[name][:10]) for name in ("start", "end"))
        window = Window(start, end)
    except (KeyError, ValueError, AssertionError) as exc:
        raise Refused(invalid("Invalid timeframe.", pointer="/data/attributes/timeframe")) from exc
    if interval not in _LONGEST_DAYS or len(window) > _LONGEST_DAYS[interval]:
        raise Refused(invalid("The timeframe is too long.", pointer="/data/attributes/timeframe"))
    return window


def _range(filters: list[str]) -> tuple[Window, list[Term]]:
    terms = [term for text in filters for term in parse_filter(text, _AGGREGATE_FILTERS)]
    times = {
        term.operator: dt.date.fromisoformat(term.value[:10])
        for term in terms
        if term.field == "datetime"
    }
    if set(times) != {"greater-or-equal", "less-than"}:
        raise Refused(invalid("The time range needs both ends.", pointer="/data/attributes/filter"))
    window = Window(times["greater-or-equal"], times["less-than"] - dt.timedelta(days=1))
    return window, [term for term in terms if term.field != "datetime"]


def _grouped(sales: Iterable[Sale], by: list[str], days: list[dt.date]) -> list[Document]:
    places = {day: place for place, day in enumerate(days)}
    groups: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for sale in sales:
        key = tuple(_DIMENSIONS[name](sale) for name in by)
        counts, cents = groups.setdefault(key, ([0] * len(days), [0] * len(days)))
        counts[places[sale.day]] += sale.orders
        cents[places[sale.day]] += sale.cents
    return [
        {
            "dimensions": list(key),
            "measurements": {
                "count": [float(count) for count in counts],
                "sum_value": [cent / 100 for cent in cents],
                "unique": [float(count) for count in counts],
            },
        }
        for key, (counts, cents) in sorted(groups.items())
    ]


def _scalars(stats: Stats) -> dict[str, float]:
    """Return the statistics as Klaviyo writes them: floats, money in whole units."""
    found = {name: float(stats[name]) for name in STATISTICS}
    return found | {"conversion_value": stats["conversion_value"] / 100}


def _result(asked: _Asked, groups: Mapping[str, str], stats: Mapping[str, Any]) -> Document:
    return {
        "groupings": {name: groups[name] for name in asked.group_by},
        "statistics": {name: stats[name] for name in asked.statistics},
    }


def _report(call: Call, kind: str, results: list[Document], *, rows: int) -> Document:
    page, cursor = cut(results, call.first("page_cursor"), rows)
    links = {"self": link(call), "next": link(call, page_cursor=cursor) if cursor else None}
    return {"data": {"type": kind, "attributes": {"results": page}}, "links": links}


def _midnight(day: dt.date) -> str:
    return f"{day}T00:00:00+00:00"
