"""The way to a report: found, run, polled, downloaded, and what happens when a step fails."""

import json
from dataclasses import replace

import pytest

from tactics.connectors import Step
from tactics.connectors.dv360 import connector
from tactics.connectors.dv360.reports import POLL_WAITS
from tactics.errors import (
    ContractChanged,
    CursorRejected,
    PermissionDenied,
    RateLimited,
    UpstreamUnavailable,
)
from tactics.transport import Request, Response
from tests.unit.connectors.builders import respond
from tests.unit.connectors.dv360.builders import (
    FILE,
    LINK,
    OPTIONS,
    QUERY,
    WORK,
    done,
    queries,
    refused,
    report,
)

MINE = QUERY.title


def read(request: Request, response: Response) -> Step:
    """Return what an answer means."""
    return connector.read(WORK, OPTIONS, request, response)


def follow(*responses: Response, job: str | None = None) -> list[Step]:
    """Return the steps that these answers lead to, one after another."""
    request: Request | None = connector.ask(replace(WORK, job=job), OPTIONS)
    steps = []
    for response in responses:
        assert request is not None
        steps.append(read(request, response))
        request = steps[-1].next
    return steps


def onward(step: Step) -> str:
    """Return the method and path of the next request."""
    assert step.next is not None
    return f"{step.next.method} {step.next.path}"


def test_a_slice_begins_with_the_saved_queries() -> None:
    """The newest first: of two with one title the older one is gone."""
    request = connector.ask(WORK, OPTIONS)
    assert (request.method, request.path) == ("GET", "/v2/queries")
    assert dict(request.query) == {"orderBy": "queryId desc", "pageSize": "100"}


def test_a_saved_query_is_used_again() -> None:
    """It is recognised by its title among other people's kinds of queries."""
    [step] = follow(queries("instant report", MINE))
    assert onward(step) == "POST /v2/queries/42:run"
    assert step.next is not None
    assert dict(step.next.query) == {"synchronous": "false"}


def test_a_missing_query_is_created_then_run() -> None:
    """Creating starts nothing: a ONE_TIME query runs when it is told to."""
    creating, running = follow(queries("other"), respond({"queryId": "43"}))
    assert onward(creating) == "POST /v2/queries"
    assert onward(running) == "POST /v2/queries/43:run"
    assert creating.next is not None
    body = json.loads(creating.next.body)
    assert (body["metadata"]["title"], body["schedule"]) == (MINE, {"frequency": "ONE_TIME"})


def test_every_page_of_the_list_is_looked_at() -> None:
    """The query may be on the second page; a page token that repeats itself ends the slice."""
    first, second = follow(queries("other", token="B"), queries("x", MINE))
    assert first.next is not None
    assert dict(first.next.query)["pageToken"] == "B"
    assert onward(second) == "POST /v2/queries/42:run"
    with pytest.raises(CursorRejected):
        read(first.next, queries("other", token="B"))


def test_a_run_has_the_days_of_the_slice() -> None:
    """CUSTOM_DATES, both ends included; neither start is ever repeated blindly."""
    creating, running = follow(queries(), respond({"queryId": "42"}))
    assert running.next is not None
    assert json.loads(running.next.body) == {
        "dataRange": {
            "range": "CUSTOM_DATES",
            "customStartDate": {"year": 2026, "month": 11, "day": 1},
            "customEndDate": {"year": 2026, "month": 11, "day": 7},
        }
    }
    assert [step.next.idempotent for step in (creating, running) if step.next] == [False, False]


def test_the_title_changes_with_the_spec() -> None:
    """Another advertiser or another column is another query."""
    titles = {
        QUERY.title,
        replace(QUERY, advertiser_id="700002").title,
        replace(QUERY, options=OPTIONS.model_copy(update={"cost": "media_cost"})).title,
        replace(QUERY, options=OPTIONS.model_copy(update={"video_views": "completions"})).title,
        replace(QUERY, options=OPTIONS.model_copy(update={"cm360_revenue": False})).title,
    }
    assert len(titles) == 5
    assert all(title.startswith("tactics 70000") for title in titles)


def test_the_report_is_remembered_from_the_start() -> None:
    """Before the run the query is the job, after it the report is."""
    finding, running, polling = follow(queries("x", MINE), respond(report()), respond(report()))
    assert (finding.job, running.job, polling.job) == ("42", "42/7", None)
    assert onward(running) == "GET /v2/queries/42/reports/7"


def test_a_report_is_polled_more_and_more_slowly() -> None:
    """2 s after its start, then slower, at last every five minutes."""
    running = [respond(report(state)) for state in ["QUEUED"] + ["RUNNING"] * 8]
    steps = follow(queries("x", MINE), *running)
    assert tuple(step.wait_seconds for step in steps[1:]) == (*POLL_WAITS, 300.0, 300.0)


def test_an_unknown_state_is_waited_for_and_told() -> None:
    """A state that Google adds tomorrow is no reason to give up; done without a link neither."""
    *_, odd = follow(respond(report("PAUSED")), job="42/7")
    *_, unlinked = follow(respond(report("DONE")), job="42/7")
    assert odd.warnings == ("google reports an unknown state: PAUSED",)
    assert (onward(unlinked), unlinked.warnings) == ("GET /v2/queries/42/reports/7", ())


def test_the_file_is_fetched_without_the_credential() -> None:
    """The link is signed by itself; the page is the rows as text."""
    polled, loaded = follow(done(), Response(200, FILE.encode()), job="42/7")
    assert polled.next is not None
    assert (polled.next.path, polled.next.auth, polled.wait_seconds) == (LINK, False, 0)
    assert loaded.next is None
    assert loaded.page is not None
    page = json.loads(loaded.page)
    assert [row[0] for row in page["rows"]] == ["2026/11/01", "2026/11/02"]


@pytest.mark.parametrize("link", ["gs://bucket/x.csv", "/v2/queries", "bucket/x"])
def test_a_link_must_be_a_web_address(link: str) -> None:
    """Anything else would be taken for a path of the API."""
    with pytest.raises(ContractChanged, match="no web address"):
        follow(respond(report("DONE", googleCloudStoragePath=link)), job="42/7")


def test_a_restart_polls_the_same_report() -> None:
    """Nothing is listed, created or run again."""
    assert connector.ask(replace(WORK, job="42/7"), OPTIONS).path == "/v2/queries/42/reports/7"


def test_a_restart_after_an_unanswered_run_looks_for_it() -> None:
    """The report that may have been started is gone on with, the newest first."""
    request = connector.ask(replace(WORK, job="42"), OPTIONS)
    assert request.path == "/v2/queries/42/reports"
    assert dict(request.query)["orderBy"] == "key.reportId desc"
    step = read(request, respond({"reports": [report("RUNNING", report_id="9")]}))
    assert (onward(step), step.job) == ("GET /v2/queries/42/reports/9", "42/9")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_run_that_fails_is_looked_for_before_it_is_repeated(status: int) -> None:
    """A server that fails may have started the report all the same."""
    step = follow(queries("x", MINE), refused(status))[-1]
    assert (onward(step), step.wait_seconds) == ("GET /v2/queries/42/reports", 2.0)
    assert step.next is not None
    assert read(step.next, respond({"reports": [report("QUEUED")]})).job == "42/7"
    assert onward(read(step.next, respond({}))) == "POST /v2/queries/42:run"


def test_runs_that_fail_again_and_again_end_the_slice() -> None:
    """After 2, 4 and 8 s the outage is told; the job stays for the next sync."""
    answers = [refused(503), respond({})] * 3
    steps = follow(queries("x", MINE), *answers)
    assert [step.wait_seconds for step in steps[1::2]] == [2.0, 4.0, 8.0]
    last = steps[-1].next
    assert last is not None
    with pytest.raises(UpstreamUnavailable):
        read(last, refused(503))


@pytest.mark.parametrize(
    ("found", "adopted"),
    [
        (report("QUEUED"), True),
        (report("RUNNING"), True),
        (report("DONE", finished="2026-11-21T08:55:00Z"), True),
        (report("DONE", finished="2026-11-21T07:00:00Z"), False),
        (report("DONE"), False),
        (report("FAILED", finished="2026-11-21T08:55:00Z"), False),
        (report("RUNNING", reportDataEndDate={"year": 2026, "month": 11, "day": 8}), False),
    ],
)
def test_only_a_young_report_of_the_same_days_is_gone_on_with(
    found: dict[str, object], *, adopted: bool
) -> None:
    """Older numbers and other days would be wrong: then the query runs again."""
    request = connector.ask(replace(WORK, job="42"), OPTIONS)
    date = "Sat, 21 Nov 2026 09:00:00 GMT"
    step = read(request, respond({"reports": [found]}, date=date))
    assert onward(step) == (
        "GET /v2/queries/42/reports/7" if adopted else "POST /v2/queries/42:run"
    )


def test_a_lost_query_is_recreated_once() -> None:
    """404 for a query of our list: it was deleted, or belongs to another identity."""
    steps = follow(queries("x", MINE), refused(404), respond({"queryId": "50"}), respond(report()))
    assert [onward(step) for step in steps[1:3]] == ["POST /v2/queries", "POST /v2/queries/50:run"]
    with pytest.raises(PermissionDenied):
        follow(queries("x", MINE), refused(404), respond({"queryId": "50"}), refused(404))


@pytest.mark.parametrize("job", ["42", "42/7"])
def test_a_report_of_another_credential_is_asked_for_anew(job: str) -> None:
    """Only who made a query sees it: the remembered one is gone, so it is searched, once."""
    [step] = follow(refused(404), job=job)
    assert onward(step) == "GET /v2/queries"
    again = [refused(404), queries("x", MINE), respond(report()), refused(404)]
    with pytest.raises(PermissionDenied):
        follow(*again, job=job)


def test_a_failed_report_is_made_again_once() -> None:
    """The second failure names the query, because Google gives no reason."""
    failed = respond(report("FAILED"))
    first = follow(failed, job="42/7")[-1]
    assert (onward(first), first.job) == ("POST /v2/queries/42:run", "42")
    with pytest.raises(ContractChanged) as caught:
        follow(failed, respond(report()), failed, job="42/7")
    assert caught.value.facts["query"] == MINE
    assert "METRIC_CLICKS" in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_stale_link_is_renewed_then_the_report_is_made_again(status: int) -> None:
    """First the report is asked for a new link, then run once more, then it is given up."""
    stale = Response(status, b"<Error/>")
    steps = follow(done(), stale, done(), stale, job="42/7")
    assert onward(steps[1]) == "GET /v2/queries/42/reports/7"
    assert onward(steps[3]) == "POST /v2/queries/42:run"
    rest = [respond(report()), done(), stale, done(), stale]
    with pytest.raises(ContractChanged, match="link"):
        follow(done(), stale, done(), stale, *rest, job="42/7")


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(503, b""), UpstreamUnavailable),
        (Response(500, b"oops"), UpstreamUnavailable),
        (Response(429, b""), RateLimited),
        (Response(200, FILE[:300].encode()), UpstreamUnavailable),
    ],
)
def test_a_broken_download_is_tried_again_alone(response: Response, kind: type[Exception]) -> None:
    """An error of the file's own: the transport repeats the download, and nothing else."""
    with pytest.raises(kind):
        follow(done(), response, job="42/7")


def test_a_query_without_an_id_is_refused() -> None:
    """An id goes into a path: it is a number or nothing."""
    for answer in ({}, {"queryId": "4/2"}, {"queryId": ""}):
        with pytest.raises(ContractChanged):
            follow(queries(), respond(answer))
