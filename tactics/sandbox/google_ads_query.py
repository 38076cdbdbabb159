"""Google's query language: text in, rows out, without HTTP.

Knows `campaign`, `customer` and `customer_client`, the fields that a reporting client asks for, and
refuses what the vendor refuses. Source: the google_ads contract sheet of 2026-11-21, sections 3, 4.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tactics.model import Window
from tactics.sandbox.delivery import Delivery, Metrics
from tactics.sandbox.plan import Campaign

HISTORY_MONTHS = 37

_DATE = "segments.date"
_OWN = {
    "campaign": ("id", "name", "status", "advertising_channel_type"),
    "customer": (
        "id",
        "descriptive_name",
        "currency_code",
        "time_zone",
        "manager",
        "status",
        "test_account",
    ),
    "customer_client": (
        "id",
        "descriptive_name",
        "currency_code",
        "time_zone",
        "manager",
        "status",
        "level",
        "test_account",
    ),
}
_METRICS = (
    "impressions",
    "clicks",
    "cost_micros",
    "conversions",
    "conversions_value",
    "video_trueview_views",
)
FIELDS = frozenset({
    *(f"{resource}.{name}" for resource, names in _OWN.items() for name in names),
    *(f"metrics.{name}" for name in _METRICS),
    _DATE,
})
_LITERAL = r"(?:'[^']*'|[\w-]+)"
_CONDITION = re.compile(
    rf"(?P<field>[\w.]+)\s*(?P<operator>BETWEEN|NOT IN|IN|!=|>=|<=|=|>|<)\s*"
    rf"(?P<values>{_LITERAL}\s+AND\s+{_LITERAL}|\([^)]*\)|{_LITERAL})(?:\s+AND\s+|\s*$)"
)
_QUERY = re.compile(
    r"\s*SELECT\s+(?P<fields>[\w.,\s]+?)\s+FROM\s+(?P<resource>\w+)"
    r"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*",
    re.DOTALL,
)


class BadQuery(Exception):
    """A query that the vendor refuses, with the code it refuses it with."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Customer:
    """One account, or a manager of some."""

    customer_id: str
    name: str
    currency: str
    timezone: str
    manager: bool = False

    def values(self, resource: str, level: int = 0) -> dict[str, Any]:
        """Return its attributes as `customer` or as `customer_client` has them."""
        return {
            f"{resource}.id": self.customer_id,
            f"{resource}.descriptive_name": self.name,
            f"{resource}.currency_code": self.currency,
            f"{resource}.time_zone": self.timezone,
            f"{resource}.manager": self.manager,
            f"{resource}.status": "ENABLED",
            f"{resource}.test_account": False,
            "customer_client.level": str(level),
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of the WHERE clause; the values as text."""

    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, row: dict[str, Any]) -> bool:
        """Return whether a row passes; days were looked at before."""
        if self.field == _DATE:
            return True
        here = str(row[self.field])
        found = here.upper() in {value.upper() for value in self.values}
        return found is (self.operator in {"=", "IN"})


@dataclass(frozen=True, slots=True)
class Query:
    """A checked query; `window` is what it says of days."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...] = ()
    window: Window | None = None
    limit: int | None = None

    @property
    def has_metrics(self) -> bool:
        """Return whether it asks for numbers."""
        return any(name.startswith("metrics.") for name in self.fields)

    @property
    def mask(self) -> str:
        """Return the field mask, as it stands beside the rows."""
        return ",".join(_camel(name) for name in self.fields)


def parse_query(text: str, today: dt.date) -> Query:
    """Return the query that a text means.

    Raises:
        BadQuery: the vendor would refuse it.
    """
    found = _QUERY.fullmatch(text)
    if found is None:
        raise BadQuery("queryError.UNEXPECTED_INPUT", "Error in query: unexpected input.")
    fields = tuple(name.strip() for name in found["fields"].split(","))
    conditions = tuple(_parse_where(found["where"] or ""))
    resource = found["resource"]
    if resource not in _OWN:
        raise BadQuery("queryError.BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")
    _check_fields(resource, [*fields, *(one.field for one in conditions)])
    window = _window(fields, conditions, today)
    return Query(fields, resource, conditions, window, int(found["limit"] or 0) or None)


def rows_of(
    query: Query, customer: Customer, clients: Sequence[Customer], delivery: Delivery
) -> list[dict[str, Any]]:
    """Return the rows of a query, nested and named as JSON has them.

    Raises:
        BadQuery: a manager has no metrics.
    """
    if customer.manager and query.has_metrics:
        raise BadQuery("queryError.REQUESTED_METRICS_FOR_MANAGER")
    found = _flat_rows(query, customer, clients, delivery)
    kept = [row for row in found if all(one.holds(row) for one in query.conditions)]
    return [_nest(query, row, customer.customer_id) for row in kept[: query.limit]]


def _flat_rows(
    query: Query, customer: Customer, clients: Sequence[Customer], delivery: Delivery
) -> Iterator[dict[str, Any]]:
    own = customer.values("customer")
    match query.resource:
        case "customer":
            yield own
        case "customer_client":
            # They only exist for managers; the manager itself is at level 0.
            listed = (customer, *clients) if customer.manager else ()
            for one in listed:
                yield own | one.values("customer_client", level=0 if one is customer else 1)
        case _:
            for campaign in delivery.of_account(customer.customer_id):
                for numbers in _numbers(query, campaign, delivery):
                    yield own | _attributes(campaign, delivery) | numbers


def _attributes(campaign: Campaign, delivery: Delivery) -> dict[str, Any]:
    running = campaign.delivers is not None and campaign.delivers.end >= delivery.today
    return {
        "campaign.id": campaign.campaign_id,
        "campaign.name": delivery.names[campaign.campaign_id],
        "campaign.status": "ENABLED" if running else "REMOVED",
        "campaign.advertising_channel_type": campaign.kind,
    }


def _numbers(query: Query, campaign: Campaign, delivery: Delivery) -> Iterator[dict[str, Any]]:
    """Yield one set of numbers a day, or their sum when days are not asked for."""
    if query.window is None:
        yield {}
        return
    days = delivery.rows(campaign, query.window)
    if _DATE in query.fields:
        for day, metrics in days:
            yield {_DATE: day.isoformat(), **_metric_values(metrics)}
    elif days:
        yield _metric_values(sum((metrics for _, metrics in days), Metrics()))


def _metric_values(metrics: Metrics) -> dict[str, Any]:
    return {
        "metrics.impressions": str(metrics.impressions),
        "metrics.clicks": str(metrics.clicks),
        "metrics.cost_micros": str(metrics.spend_minor * 10_000),
        "metrics.conversions": float(metrics.conversions),
        "metrics.conversions_value": metrics.value_minor / 100,
        "metrics.video_trueview_views": str(metrics.video_views),
    }


def _nest(query: Query, row: dict[str, Any], customer_id: str) -> dict[str, Any]:
    nested: dict[str, dict[str, Any]] = {}
    for name in (f"{query.resource}.id", *query.fields):
        resource = name.split(".")[0]
        nested.setdefault(_camel(resource), _resource_name(resource, row, customer_id))
    for name in query.fields:
        resource, field = name.split(".")
        nested[_camel(resource)][_camel(field)] = row[name]
    return nested


def _resource_name(resource: str, row: dict[str, Any], customer_id: str) -> dict[str, Any]:
    match resource:
        case "customer":
            name = f"customers/{customer_id}"
        case "campaign":
            name = f"customers/{customer_id}/campaigns/{row['campaign.id']}"
        case "customer_client":
            name = f"customers/{customer_id}/customerClients/{row['customer_client.id']}"
        case _:
            return {}
    return {"resourceName": name}


def _check_fields(resource: str, fields: list[str]) -> None:
    for name in fields:
        if name not in FIELDS:
            raise BadQuery(
                "queryError.UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{name}'."
            )
        other = name.split(".")[0]
        if other in {"metrics", "segments"} and resource != "campaign":
            raise BadQuery("queryError.PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE")
        if other in _OWN and other not in {resource, "customer"}:
            raise BadQuery("queryError.PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE")


def _parse_where(text: str) -> Iterator[Condition]:
    place = 0
    while place < len(text):
        found = _CONDITION.match(text, place)
        if found is None:
            raise BadQuery("queryError.UNEXPECTED_INPUT", f"Error in query: {text[place:]}")
        place = found.end()
        values = re.findall(_LITERAL, re.sub(r"\s+AND\s+", " ", found["values"]))
        compares = found["operator"] in {"=", "!=", "IN", "NOT IN"}
        if found["field"] != _DATE and (not compares or found["field"].startswith("metrics.")):
            raise BadQuery("queryError.OPERATOR_FIELD_MISMATCH")
        bare = tuple(value.strip("'") for value in values)
        yield Condition(found["field"], found["operator"], bare)


def _window(
    fields: tuple[str, ...], conditions: tuple[Condition, ...], today: dt.date
) -> Window | None:
    """Return the days that are asked for; all that are kept when nothing is said of them.

    Raises:
        BadQuery: a day without both ends, too long ago, or ends the wrong way round.
    """
    bounds = [_bounds(one) for one in conditions if one.field == _DATE]
    if not bounds and not any(name == _DATE or name.startswith("metrics.") for name in fields):
        return None
    starts = [start for start, _ in bounds if start]
    ends = [end for _, end in bounds if end]
    if _DATE in fields and not (starts and ends):
        raise BadQuery("queryError.EXPECTED_FILTERS_ON_DATE_RANGE")
    oldest = _months_before(today, HISTORY_MONTHS)
    since, until = max(starts, default=oldest), min(ends, default=today)
    if since < oldest:
        raise BadQuery("dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED")
    if since > until:
        raise BadQuery("dateRangeError.START_DATE_AFTER_END_DATE")
    return Window(since, until)


def _bounds(condition: Condition) -> tuple[dt.date | None, dt.date | None]:
    try:
        days = [dt.date.fromisoformat(value) for value in condition.values]
    except ValueError as exc:
        raise BadQuery("queryError.INVALID_DATE_FORMAT") from exc
    match condition.operator:
        case "BETWEEN" | "=":
            return days[0], days[-1]
        case ">=":
            return days[0], None
        case "<=":
            return None, days[0]
        case _:
            raise BadQuery("queryError.OPERATOR_FIELD_MISMATCH")


def _months_before(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, 28))


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda hit: hit[1].upper(), name)
