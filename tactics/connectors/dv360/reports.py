"""The way to a report's rows: find the saved query, run it, poll the report, download its file.

What was tried so far travels with the request. The report goes into `Step.job`, so that a restart
polls on and never starts a second one; before a run the query alone does, so that a report whose
start was never confirmed is looked for first. Source: contract sheet "Display & Video 360"
sections 3, 4, 7 and 8 (2026-11-21).
"""

import datetime as dt
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus

from tactics.connectors.base import Step
from tactics.connectors.carry import carried, carried_count, carry
from tactics.connectors.dv360.answers import (
    Day,
    Query,
    QueryList,
    Report,
    ReportList,
    ReportMetadata,
    decode,
)
from tactics.connectors.dv360.faults import answered_at, error_of, is_unavailable
from tactics.connectors.dv360.query import SavedQuery, date_range
from tactics.connectors.dv360.table import read_table
from tactics.errors import ContractChanged, CursorRejected, RateLimited
from tactics.model import Slice
from tactics.transport import Request, Response, get, post_json

# "30 s to 5 min": small reports are done within seconds, so the first looks come earlier. How long
# a slice may wait in all (3 h, as the contract asks) is the pipeline's matter.
POLL_WAITS = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
MAX_LOST_RUNS = 3  # runs answered with 5xx; 2, 4, 8 s
JUST_NOW = dt.timedelta(minutes=10)  # a finished report as young as that need not be made again
REPORTS_LOOKED_AT = "20"

_COUNTS = ("polls", "lost_runs", "reruns", "relinks", "recreated")
_UNFINISHED = ("QUEUED", "RUNNING")
_STALE_LINKS = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Trail:
    """Where a slice is and what it has tried: `phase` names the answer that is awaited."""

    phase: str = "find"
    query: str = ""
    report: str = ""
    polls: int = 0
    lost_runs: int = 0
    reruns: int = 0
    relinks: int = 0
    recreated: int = 0

    @classmethod
    def of(cls, request: Request) -> "Trail":
        """Return the trail that a request carries; without one it is the first request."""
        facts = carried(request)
        counts = {name: carried_count(request, name) for name in _COUNTS}
        return cls(
            facts.get("phase", "find"), facts.get("query", ""), facts.get("report", ""), **counts
        )

    def on(self, request: Request) -> Request:
        """Return `request` carrying this trail."""
        return carry(request, **asdict(self))


class ReportRun:
    """One slice: asks for its report, and says what each answer means."""

    def __init__(self, work: Slice, query: SavedQuery) -> None:
        self._work = work
        self._query = query
        self._range = date_range(work.window)

    def begin(self) -> Request:
        """Return the first request: find the query, or go on with the report of an earlier sync."""
        query, _, report = (self._work.job or "").partition("/")
        trail = Trail(query=query, report=report)
        if report:
            return _poll(trail)
        return _look(trail) if query else _find(trail)

    def read(self, request: Request, response: Response) -> Step:
        """Return what follows an answer, or the page."""
        trail = Trail.of(request)
        match trail.phase:
            case "create":
                return self._created(trail, response)
            case "run":
                return self._ran(trail, response)
            case "look":
                return self._looked(trail, response)
            case "poll":
                return self._polled(trail, response)
            case "download":
                return self._downloaded(trail, response)
            case _:
                return self._found(trail, request, response)

    def _found(self, trail: Trail, request: Request, response: Response) -> Step:
        _check(response)
        answer = decode(response, QueryList)
        for query in answer.queries:
            if query.metadata.title == self._query.title:
                return self._run(replace(trail, query=query.query_id))
        if not (token := answer.next_page_token):
            return self._create(trail)
        if token == dict(request.query).get("pageToken"):
            raise CursorRejected("google's list of queries repeats its page token")
        return Step(next=request.with_query(pageToken=token))

    def _create(self, trail: Trail) -> Step:
        request = replace(post_json("/v2/queries", self._query.body()), idempotent=False)
        return Step(next=replace(trail, phase="create").on(request))

    def _created(self, trail: Trail, response: Response) -> Step:
        _check(response)
        return self._run(replace(trail, query=decode(response, Query).query_id))

    def _run(self, trail: Trail) -> Step:
        """Return the start of a report; the job tells a restart that it may have been started."""
        trail = replace(trail, phase="run", report="", polls=0)
        request = post_json(f"/v2/queries/{trail.query}:run", {"dataRange": self._range})
        request = replace(request.with_query(synchronous="false"), idempotent=False)
        return Step(next=trail.on(request), job=trail.query)

    def _ran(self, trail: Trail, response: Response) -> Step:
        if response.status == HTTPStatus.NOT_FOUND and not trail.recreated:
            return self._create(replace(trail, recreated=1))
        if is_unavailable(response) and trail.lost_runs < MAX_LOST_RUNS:
            trail = replace(trail, lost_runs=trail.lost_runs + 1)
            return Step(next=_look(trail), wait_seconds=2.0**trail.lost_runs)
        _check(response, runs=True)
        return self._await(trail, decode(response, Report))

    def _looked(self, trail: Trail, response: Response) -> Step:
        """Go on with the report of a run whose answer was lost, or run again."""
        if response.status == HTTPStatus.NOT_FOUND and not trail.recreated:
            return Step(next=_find(replace(trail, recreated=1)))
        _check(response)
        now = answered_at(response.headers)
        for report in decode(response, ReportList).reports:
            if self._is_mine(report.metadata) and _is_under_way(report.metadata, now):
                return self._await(trail, report)
        return self._run(trail)

    def _await(self, trail: Trail, report: Report) -> Step:
        trail = replace(trail, report=report.key.report_id, polls=0)
        job = f"{trail.query}/{trail.report}"
        return Step(next=_poll(trail), job=job, wait_seconds=POLL_WAITS[0])

    def _polled(self, trail: Trail, response: Response) -> Step:
        if response.status == HTTPStatus.NOT_FOUND and not trail.recreated:
            return Step(next=_find(replace(trail, recreated=1)))
        _check(response)
        found = decode(response, Report).metadata
        if found.status.state == "FAILED":
            return self._rerun(trail, "google's report fails")
        if found.status.state == "DONE" and found.google_cloud_storage_path:
            return Step(next=_download(trail, found.google_cloud_storage_path))
        # The job is not told again: its age tells whether it is still worth waiting for.
        trail = replace(trail, polls=trail.polls + 1)
        wait = POLL_WAITS[min(trail.polls, len(POLL_WAITS) - 1)]
        known = found.status.state in (*_UNFINISHED, "DONE")
        warning = f"google reports an unknown state: {found.status.state}"
        return Step(next=_poll(trail), wait_seconds=wait, warnings=() if known else (warning,))

    def _downloaded(self, trail: Trail, response: Response) -> Step:
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited("google's storage says: too many calls", status=response.status)
        if response.status in _STALE_LINKS:
            return self._relink(trail)
        _check(response)
        return Step(page=read_table(response.body, self._query.columns))

    def _relink(self, trail: Trail) -> Step:
        """Ask for the report's link again; the second time make the report again."""
        if not trail.relinks:
            return Step(next=_poll(replace(trail, relinks=1)))
        return self._rerun(replace(trail, relinks=0), "storage refuses the report's link")

    def _rerun(self, trail: Trail, problem: str) -> Step:
        """Start the report once more.

        Raises:
            ContractChanged: that was done before.
        """
        if not trail.reruns:
            return self._run(replace(trail, reruns=1))
        raise ContractChanged(
            problem,
            hint="google does not say why: run the query of this title in Display & Video 360",
            query=self._query.title,
            columns=" ".join(column.name for column in self._query.columns),
            days=f"{self._work.window.start} to {self._work.window.end}",
        )

    def _is_mine(self, found: ReportMetadata) -> bool:
        window = self._work.window
        days = (found.report_data_start_date, found.report_data_end_date)
        return days == (_day(window.start), _day(window.end))


def _day(day: dt.date) -> Day:
    return Day(day.year, day.month, day.day)


def _is_under_way(found: ReportMetadata, now: dt.datetime | None) -> bool:
    status = found.status
    if status.state in _UNFINISHED:
        return True
    recent = now and status.finish_time and abs(now - status.finish_time) <= JUST_NOW
    return status.state == "DONE" and bool(recent)


def _check(response: Response, *, runs: bool = False) -> None:
    if response.status != HTTPStatus.OK:
        raise error_of(response, runs=runs)


def _find(trail: Trail) -> Request:
    # The newest first: of two with one title the second was made because the first was gone.
    request = get("/v2/queries", ("orderBy", "queryId desc"), ("pageSize", "100"))
    return replace(trail, phase="find", query="", report="").on(request)


def _look(trail: Trail) -> Request:
    path = f"/v2/queries/{trail.query}/reports"
    request = get(path, ("orderBy", "key.reportId desc"), ("pageSize", REPORTS_LOOKED_AT))
    return replace(trail, phase="look").on(request)


def _poll(trail: Trail) -> Request:
    path = f"/v2/queries/{trail.query}/reports/{trail.report}"
    return replace(trail, phase="poll").on(get(path))


def _download(trail: Trail, link: str) -> Request:
    if not link.startswith(("https://", "http://")):
        raise ContractChanged("the report's link is no web address")
    return replace(trail, phase="download").on(replace(get(link), auth=False))
