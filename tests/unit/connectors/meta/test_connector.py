"""What is asked of Meta, and what its answers mean."""

import json
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from tactics.connectors import Step
from tactics.connectors.carry import carried_count
from tactics.connectors.meta import MetaOptions, connector, reports
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    SliceTooLarge,
    UpstreamUnavailable,
)
from tactics.transport import Request, Response
from tests.unit.connectors.builders import account, respond, slice_of

OPTIONS = MetaOptions()
WORK = slice_of("campaign_insights")
TOTALS = slice_of("account_insights")
ASYNC = MetaOptions(report_mode="async")
NEXT = "https://graph.facebook.com/v26.0/act_1/insights?access_token=EAABsecret&after=B"


def page(*rows: object, after: str | None = "B", more: bool = False) -> Response:
    """Return a page; `more` says that `paging.next` is there."""
    paging = {"cursors": {"before": "A", "after": after}} | ({"next": NEXT} if more else {})
    return respond({"data": list(rows), "paging": paging})


def read(response: Response, request: Request | None = None, work: object = WORK) -> Step:
    """Read a response to the first request of the slice, or to `request`."""
    return connector.read(WORK, OPTIONS, request or connector.ask(WORK, OPTIONS), response)


def test_the_account_is_asked_by_its_node() -> None:
    """An account id is the same with and without `act_`."""
    for account_id in ("act_1", "1"):
        request = connector.ask_account(account_id, OPTIONS)
        assert request.path == "/v26.0/act_1"
        assert dict(request.query)["fields"] == "account_id,name,currency,timezone_name"


def test_the_account_tells_currency_and_time_zone() -> None:
    """Days and money are read in what the account says."""
    said = {"account_id": "1", "name": "Acme", "currency": "EUR", "timezone_name": "Europe/Vienna"}
    info = connector.read_account("act_1", OPTIONS, respond(said))
    assert info == account()


@pytest.mark.parametrize("missing", ["currency", "timezone_name"])
def test_an_account_without_currency_or_zone_is_refused(missing: str) -> None:
    """Without them days and money would be guesses."""
    said = {"name": "A", "currency": "EUR", "timezone_name": "Europe/Vienna", missing: None}
    with pytest.raises(ContractChanged, match="currency and time zone"):
        connector.read_account("act_1", OPTIONS, respond(said))


def test_an_expired_token_is_told_at_the_account() -> None:
    """The first call already says that somebody has to sign in."""
    expired = respond({"error": {"code": 190, "error_subcode": 463, "message": "expired"}}, 400)
    with pytest.raises(CredentialError):
        connector.read_account("act_1", OPTIONS, expired)


def test_a_slice_is_asked_by_day_and_campaign() -> None:
    """One request covers the window, with a row for each campaign and day."""
    request = connector.ask(WORK, OPTIONS)
    query = dict(request.query)
    assert (request.method, request.path) == ("GET", "/v26.0/act_1/insights")
    assert json.loads(query["time_range"]) == {"since": "2026-11-01", "until": "2026-11-07"}
    assert (query["level"], query["time_increment"], query["limit"]) == ("campaign", "1", "500")
    # breakdowns and action_breakdowns change the counts, so they are never asked for
    assert query.keys() == {"level", "time_range", "time_increment", "limit", "fields"}


def test_the_totals_are_asked_by_day_and_account() -> None:
    """The account's own total is the same request one level up, without what a campaign has."""
    query = dict(connector.ask(TOTALS, OPTIONS).query)
    campaigns = dict(connector.ask(WORK, OPTIONS).query)
    assert query["level"] == "account"
    assert {name for name in query if query[name] != campaigns[name]} == {"level", "fields"}
    fields = set(query["fields"].split(","))
    assert fields < set(campaigns["fields"].split(","))
    assert not [name for name in fields if name.startswith("campaign")]
    form = parse_qs(connector.ask(TOTALS, ASYNC).body.decode())
    assert (form["level"], set(json.loads(form["fields"][0]))) == (["account"], fields)


def test_the_totals_can_be_switched_off() -> None:
    """Who needs the calls for something else reads the campaigns alone."""
    names = [spec.name for spec in connector.streams(OPTIONS)]
    assert names == ["campaign_insights", "account_insights"]
    assert connector.streams(MetaOptions(rollup_check=False)) == connector.manifest.streams[:1]


def test_refused_fields_are_left_out() -> None:
    """A field that Meta refused is not asked for again, in a query or in a report."""
    work = replace(WORK, without=frozenset({"video_play_actions"}))
    assert "video_play_actions" not in dict(connector.ask(work, OPTIONS).query)["fields"]
    form = parse_qs(connector.ask(work, ASYNC).body.decode())
    assert "video_play_actions" not in form["fields"][0]


def test_the_version_is_configurable() -> None:
    """A new version of the API needs no new release."""
    options = MetaOptions(api_version="v27.0")
    assert connector.ask(WORK, options).path == "/v27.0/act_1/insights"


def test_a_last_page_ends_the_slice() -> None:
    """No `paging.next` is the end, although a cursor is there; the page is kept byte for byte."""
    response = page({"campaign_id": "1"})
    assert read(response) == Step(page=response.body)


def test_a_cursor_is_sent_with_the_original_request() -> None:
    """`paging.next` is a flag only: its URL is not followed, and its token is not kept."""
    step = read(page({"campaign_id": "1"}, more=True))
    assert step.next == connector.ask(WORK, OPTIONS).with_query(after="B")
    assert step.page is not None
    assert b"EAABsecret" not in step.page
    assert b"access_token=***" in step.page


def test_an_empty_page_with_a_next_goes_on() -> None:
    """Meta's own SDK stops here and loses rows."""
    step = read(page(more=True))
    assert step.next is not None
    assert step.page is not None


def test_a_repeated_cursor_is_refused() -> None:
    """A cursor that leads to itself would never end."""
    asked = connector.ask(WORK, OPTIONS).with_query(after="B")
    with pytest.raises(CursorRejected):
        read(page({"campaign_id": "1"}, more=True), asked)
    with pytest.raises(CursorRejected):
        read(page({"campaign_id": "1"}, after=None, more=True))


@pytest.mark.parametrize("body", [{}, {"data": {"campaign_id": "1"}}, {"data": None}])
def test_a_page_without_rows_is_a_changed_contract(body: dict[str, object]) -> None:
    """An answer that has no list of rows is not taken for an empty one."""
    with pytest.raises(ContractChanged):
        read(respond(body))


def test_an_error_with_status_200_is_seen() -> None:
    """The body decides, not the status."""
    with pytest.raises(UpstreamUnavailable):
        read(respond({"error": {"code": 2, "message": "unexpected", "is_transient": True}}))


def test_an_optional_field_can_be_refused() -> None:
    """A field that silver can do without is named for the next try; only once."""
    answer = respond(
        {"error": {"code": 100, "message": "(#100) actions is not valid for fields param"}}, 400
    )
    with pytest.raises(FieldRejected) as caught:
        read(answer)
    assert caught.value.facts["field"] == "actions"
    again = replace(WORK, without=frozenset({"actions"}))
    with pytest.raises(ContractChanged):
        connector.read(again, OPTIONS, connector.ask(again, OPTIONS), answer)


def test_a_required_field_cannot_be_refused() -> None:
    """Without spend the rows would be wrong, so the stream stops."""
    answer = respond(
        {"error": {"code": 100, "message": "(#100) spend is not valid for fields param"}}, 400
    )
    with pytest.raises(ContractChanged):
        read(answer)


def test_headers_pause_and_warn() -> None:
    """High usage pauses the account; an upgraded version is passed on as a warning."""
    response = page({"campaign_id": "1"})
    headers = {"x-app-usage": '{"call_count": 96}', "x-ad-api-version-warning": "auto-upgraded"}
    step = read(replace(response, headers=headers))
    assert step.pause_seconds == 600
    assert step.warnings == ("meta: auto-upgraded",)


@pytest.mark.parametrize(
    ("mode", "deep", "method"),
    [
        ("auto", False, "GET"),
        ("auto", True, "POST"),
        ("sync", True, "GET"),
        ("async", False, "POST"),
    ],
)
def test_the_mode_decides_how_to_ask(mode: str, *, deep: bool, method: str) -> None:
    """`auto` uses a report only for what is too big for the direct way."""
    options = MetaOptions.model_validate({"report_mode": mode})
    assert connector.ask(replace(WORK, deep=deep), options).method == method


def test_a_report_is_submitted_once() -> None:
    """The POST carries JSON lists and is not repeated blindly."""
    request = connector.ask(WORK, ASYNC)
    form = parse_qs(request.body.decode())
    assert json.loads(form["fields"][0])[0] == "account_id"
    assert request.path == "/v26.0/act_1/insights"
    assert not request.idempotent


def test_a_report_from_submission_to_rows() -> None:
    """Submit, poll, poll, read: the run id is handed out as soon as it is known."""
    step = connector.read(
        WORK, ASYNC, connector.ask(WORK, ASYNC), respond({"report_run_id": "777"})
    )
    assert (step.job, step.wait_seconds) == ("777", 5)
    assert step.next is not None
    assert step.next.path == "/v26.0/777"
    running = respond({"async_status": "Job Running", "async_percent_completion": 100})
    step = connector.read(WORK, ASYNC, step.next, running)
    assert (step.job, step.page, step.wait_seconds) == ("777", None, 10)
    assert step.next is not None
    done = respond({"async_status": "Job Completed", "async_percent_completion": 100})
    step = connector.read(WORK, ASYNC, step.next, done)
    assert step.next is not None
    assert step.next.path == "/v26.0/777/insights"
    assert dict(step.next.query)["limit"] == "500"
    last = connector.read(WORK, ASYNC, step.next, page({"campaign_id": "1"}))
    assert (last.page is not None, last.next) == (True, None)


def test_a_known_report_is_gone_on_with() -> None:
    """After a restart the report is polled, not submitted a second time."""
    request = connector.ask(replace(WORK, job="777"), ASYNC)
    assert (request.method, request.path) == ("GET", "/v26.0/777")


def poll(polls: int = 0, **counts: int) -> Request:
    """Return a poll of report 777."""
    return reports.poll("v26.0", "777", polls=polls, **counts)


@pytest.mark.parametrize(
    ("status", "percent"),
    [("Job Not Started", 0), ("Job Started", 3), ("Job Running", 100), ("Job Completed", 99)],
)
def test_an_unready_report_is_polled_again(status: str, percent: int) -> None:
    """Only `Job Completed` at 100 % is ready."""
    answer = respond({"async_status": status, "async_percent_completion": percent})
    step = connector.read(WORK, ASYNC, poll(2), answer)
    assert step.next is not None
    assert step.next.path == "/v26.0/777"
    assert carried_count(step.next, "polls") == 3
    assert step.wait_seconds == 40


def test_an_unknown_state_is_polled_with_a_warning() -> None:
    """A state that Meta invents tomorrow does not stop the stream."""
    step = connector.read(WORK, ASYNC, poll(9), respond({"async_status": "Job Dreaming"}))
    assert step.wait_seconds == 60
    assert step.warnings == ("meta reports an unknown state: Job Dreaming",)


def test_polling_ends_after_an_hour() -> None:
    """A report that hangs for ever fails the slice; the next sync polls it on."""
    with pytest.raises(UpstreamUnavailable, match="job=777"):
        connector.read(
            WORK, ASYNC, poll(reports.MAX_POLLS - 1), respond({"async_status": "Job Running"})
        )


@pytest.mark.parametrize(
    "answer",
    [
        respond({"async_status": "Job Failed", "error_code": 2, "error_message": "x"}),
        respond({"async_status": "Job Skipped"}),
        respond({"error": {"code": 100, "error_subcode": 33, "message": "no such object"}}, 400),
    ],
)
def test_a_lost_report_is_submitted_again(answer: Response) -> None:
    """Failed, skipped and expired reports are replaced, twice; then a smaller window is asked for."""
    step = connector.read(WORK, ASYNC, poll(3), answer)
    assert step.next is not None
    assert (step.next.method, step.next.path) == ("POST", "/v26.0/act_1/insights")
    again = connector.read(WORK, ASYNC, step.next, respond({"report_run_id": 778}))
    assert again.next is not None
    assert carried_count(again.next, "resubmits") == 1
    with pytest.raises(SliceTooLarge):
        connector.read(WORK, ASYNC, poll(resubmits=2), answer)


def test_a_failed_report_says_why() -> None:
    """The vendor's own reason is in the error."""
    answer = respond({"async_status": "Job Failed", "error_code": 2, "error_message": "too slow"})
    with pytest.raises(SliceTooLarge, match="reason=too slow"):
        connector.read(WORK, ASYNC, poll(resubmits=2), answer)


def test_rows_that_are_not_ready_are_waited_for() -> None:
    """2601/1815107 even after `completed` polls again, about eight times."""
    rows = Request("GET", "/v26.0/777/insights", query=(("limit", "500"),))
    early = respond(
        {"error": {"code": 2601, "error_subcode": 1815107, "message": "not ready"}}, 400
    )
    seen = 0
    request = rows
    while True:
        try:
            step = connector.read(WORK, ASYNC, request, early)
        except UpstreamUnavailable:
            break
        seen += 1
        assert step.next is not None
        assert step.next.path == "/v26.0/777"
        done = respond({"async_status": "Job Completed", "async_percent_completion": 100})
        following = connector.read(WORK, ASYNC, step.next, done).next
        assert following is not None
        request = following
    assert seen == reports.MAX_EARLY_READS


def test_direct_rows_that_are_not_ready_are_transient() -> None:
    """The same code on a direct request is an ordinary transient error."""
    early = respond(
        {"error": {"code": 2601, "error_subcode": 1815107, "message": "not ready"}}, 400
    )
    with pytest.raises(UpstreamUnavailable):
        read(early)


def test_a_submission_without_a_run_id_is_refused() -> None:
    """A POST that is answered with something else does not pass silently."""
    with pytest.raises(ContractChanged, match="report_run_id"):
        connector.read(WORK, ASYNC, connector.ask(WORK, ASYNC), respond({"success": True}))


def test_a_throttled_poll_keeps_the_report() -> None:
    """A transient error while polling does not start another report."""
    with pytest.raises(UpstreamUnavailable):
        connector.read(WORK, ASYNC, poll(), respond({"error": {"code": 2, "message": "x"}}, 500))
