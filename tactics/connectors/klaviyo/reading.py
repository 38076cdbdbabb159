"""What each of Klaviyo's answers means for a slice, and which request follows.

The conversion metric is looked up, then the campaigns or flows are listed, then comes the report;
the pages of the last two are kept, and silver joins them. Never parses a number.
"""

import datetime as dt
import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from zoneinfo import ZoneInfo

import msgspec

from tactics.connectors.base import Step
from tactics.connectors.carry import carried, carried_count, carry
from tactics.connectors.klaviyo import asking
from tactics.connectors.klaviyo.answers import (
    Aggregate,
    Envelope,
    Items,
    Kept,
    Metric,
    Metrics,
    Report,
    Single,
    decode,
    next_of,
)
from tactics.connectors.klaviyo.options import KlaviyoOptions
from tactics.connectors.scrub import Shape, keep_declared
from tactics.errors import ContractChanged, CursorRejected, SliceTooLarge
from tactics.model import Slice
from tactics.transport import Request, Response

# A campaign may go out over days (1 % an hour takes four): the report reaches so far beyond its
# window that each campaign that began in the window is in it whole.
LONGEST_SENDING = dt.timedelta(days=5)
MAX_METRIC_PAGES = 100  # of 200 metrics: far above any account, so that a cursor cannot circle

_PARENT_PAGE: Shape = {
    "data": {"type": None, "id": None, "attributes": {"name": None, "send_time": None}}
}
_AUDIENCE_PAGE: Shape = {
    "data": {
        "type": None,
        "id": None,
        "attributes": {"name": None, "opt_in_process": None, "profile_count": None},
    }
}
_REPORT_PAGE: Shape = {
    "data": {
        "type": None,
        "attributes": {
            "results": {
                "groupings": {
                    "campaign_id": None,
                    "campaign_message_id": None,
                    "flow_id": None,
                    "flow_message_id": None,
                    "send_channel": None,
                },
                "statistics": dict.fromkeys(asking.STATISTICS),
            },
            "date_times": None,
        },
    }
}
_AGGREGATE_PAGE: Shape = {
    "data": {
        "type": None,
        "attributes": {
            "dates": None,
            "data": {"dimensions": None, "measurements": {"count": None, "sum_value": None}},
        },
    }
}


def begin(work: Slice, mine: KlaviyoOptions) -> Request:
    """Return the first request of a slice."""
    if work.key.stream == "subscribers":
        return asking.audiences("lists")
    if mine.conversion_metric_id is None:
        return asking.metrics(mine)
    return _measure(work, mine.conversion_metric_id)


def _measure(work: Slice, metric_id: str) -> Request:
    """Return what is asked once the conversion metric is known."""
    match work.key.stream:
        case "attributed_revenue":
            return asking.aggregate(work, metric_id)
        case "campaign_values":
            return asking.parents("campaigns", metric_id)
        case _:
            return asking.parents("flows", metric_id)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer in its context."""

    work: Slice
    mine: KlaviyoOptions
    request: Request
    response: Response

    def step(self) -> Step:
        """Return what the answer means."""
        stages: dict[str, Callable[[], Step]] = {
            "metrics": self._read_metrics,
            "parents": self._read_parents,
            "report": self._read_report,
            "aggregate": self._read_aggregate,
            "audiences": self._read_audiences,
            "audience": self._read_audience,
        }
        return stages[self._facts["stage"]]()

    @property
    def _facts(self) -> dict[str, str]:
        return carried(self.request)

    def _read_metrics(self) -> Step:
        """Collect the metrics of the wanted name, over all pages.

        Raises:
            ContractChanged: there is none, or more than one: a report on a guess would be empty,
                or of another shop.
            CursorRejected: the pages do not end.
        """
        answer = decode(self.request, self.response, Metrics)
        name = self.mine.conversion_metric
        found = [_label(metric) for metric in answer.data if metric.attributes.name == name]
        known = [label for label in self._facts.get("found", "").split("|") if label] + found
        pages = carried_count(self.request, "pages") + 1
        if link := next_of(answer):
            if pages >= MAX_METRIC_PAGES:
                raise CursorRejected("klaviyo's list of metrics has no end", pages=pages)
            onward = asking.following(self.request, link)
            return Step(next=carry(onward, stage="metrics", found="|".join(known), pages=pages))
        return Step(next=_measure(self.work, _only(known, name)))

    def _read_parents(self) -> Step:
        answer = decode(self.request, self.response, Items)
        page = keep_declared(self.response.body, _PARENT_PAGE)
        metric_id = self._facts["metric"]
        if link := next_of(answer):
            return Step(page=page, next=asking.following(self.request, link))
        if self._facts["archived"] == "0":
            kind = "campaigns" if self.work.key.stream == "campaign_values" else "flows"
            return Step(page=page, next=asking.parents(kind, metric_id, archived=True))
        return Step(page=page, next=asking.report(self.work, metric_id, self._last_day()))

    def _last_day(self) -> dt.date:
        """Return up to which day the report reaches: of campaigns beyond the window, to today."""
        end = self.work.window.end
        if self.work.key.stream != "campaign_values":
            return end
        today = _day_of(self.response.headers.get("date", ""), self.work.account.timezone)
        return max(end, min(end + LONGEST_SENDING, today or end))

    def _read_report(self) -> Step:
        answer = decode(self.request, self.response, Report)
        _check_type(answer.data.type, asking.REPORTS[self.work.key.stream])
        page = self._keep(
            _REPORT_PAGE,
            metric_id=self._facts["metric"],
            start=self.work.window.start.isoformat(),
            end=self._facts["until"],
        )
        link = next_of(answer)
        return Step(page=page, next=asking.following(self.request, link) if link else None)

    def _read_aggregate(self) -> Step:
        """Keep a page of groups, and go on after it.

        Raises:
            CursorRejected: the cursor is the one we came with.
            SliceTooLarge: the page is full and names no next one.
        """
        answer = decode(self.request, self.response, Aggregate)
        metric_id, warnings = self._facts["metric"], []
        if link := next_of(answer):
            cursor = asking.cursor_of(link)
            if cursor == self._facts.get("cursor"):
                raise CursorRejected("klaviyo repeats its cursor", path=self.request.path)
            onward = asking.aggregate(self.work, metric_id, cursor)
        else:
            onward = None
            # Where the cursor stands is not documented: a full page may not be the last one.
            if len(answer.data.attributes.data) >= asking.AGGREGATE_ROWS:
                if not self.work.deep:
                    raise SliceTooLarge("klaviyo's page is full and names no next one")
                warnings = ["klaviyo: attributed revenue of a day may be cut off at 500 messages"]
        page = self._keep(_AGGREGATE_PAGE, metric_id=metric_id, by=asking.dimensions(self.work))
        return Step(page=page, next=onward, warnings=tuple(warnings))

    def _read_audiences(self) -> Step:
        answer = decode(self.request, self.response, Items)
        ids = [item.id for item in answer.data]
        return Step(next=_next_audience(self._facts["kind"], ids, next_of(answer) or ""))

    def _read_audience(self) -> Step:
        """Keep the size of one list or segment; one that was just deleted is passed over."""
        facts = self._facts
        pending = [text for text in facts["pending"].split(",") if text]
        onward = _next_audience(facts["kind"], pending, facts["after"])
        if self.response.status == HTTPStatus.NOT_FOUND:
            gone = f"klaviyo: {self.request.path} was deleted while its size was read"
            return Step(next=onward, warnings=(gone,))
        answer = decode(self.request, self.response, Single)
        _check_type(answer.data.type, facts["kind"].removesuffix("s"))
        return Step(page=keep_declared(self.response.body, _AUDIENCE_PAGE), next=onward)

    def _keep(self, shape: Shape, **asked: object) -> bytes:
        kept = msgspec.json.decode(keep_declared(self.response.body, shape), type=Envelope)
        return msgspec.json.encode(Kept(kept.data, asked))


def _next_audience(kind: str, pending: list[str], after: str) -> Request | None:
    if pending:
        return asking.audience(kind, pending, after)
    if after:
        return asking.audiences(kind, after)
    return asking.audiences("segments") if kind == "lists" else None


def _check_type(got: str, wanted: str) -> None:
    if got != wanted:
        raise ContractChanged("klaviyo answers with another thing", wanted=wanted, got=got)


def _label(metric: Metric) -> str:
    integration = metric.attributes.integration
    name = integration.name if integration and integration.name else "API"
    return f"{metric.id} ({name.replace('|', '/')})"


def _only(labels: list[str], name: str) -> str:
    if len(labels) == 1:
        return labels[0].partition(" ")[0]
    if not labels:
        raise ContractChanged(
            "klaviyo has no such conversion metric",
            hint="set conversion_metric, or conversion_metric_id; docs/connectors/klaviyo.md",
            name=name,
        )
    raise ContractChanged(
        "klaviyo has several conversion metrics of this name",
        hint="choose with conversion_integration or conversion_metric_id",
        name=name,
        found=" and ".join(labels),
    )


def _day_of(http_date: str, zone: str) -> dt.date | None:
    try:
        moment = email.utils.parsedate_to_datetime(http_date)
    except ValueError:
        return None
    return moment.astimezone(ZoneInfo(zone or "UTC")).date()
