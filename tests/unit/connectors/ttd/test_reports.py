"""The way of a slice through MyReports, one answer at a time."""

import json
from dataclasses import replace

import pytest

from tactics.connectors import Step
from tactics.connectors.ttd import connector
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    CursorRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    UpstreamUnavailable,
)
from tactics.transport import Request
from tests.unit.connectors.builders import respond
from tests.unit.connectors.ttd.answers import (
    GOLDEN,
    OPTIONS,
    TAG,
    WORK,
    after,
    execution,
    executions,
    follow,
    read,
    schedules,
)

NONE = schedules()
MADE = respond({"ReportScheduleId": 456, "ReportScheduleName": f"{TAG} made 2026-11-21"})
PENDING = executions(execution(ReportExecutionState="Pending", ReportDeliveries=[]))
FAILED = executions(execution(ReportExecutionState="Failed", ReportDeliveries=[]))
DONE = executions(execution())
EMPTY = respond(b"", 240)


def described(request: Request) -> list[object]:
    """Return method, path and JSON body of a request."""
    return [request.method, request.path, json.loads(request.body) if request.body else None]


def test_a_slice_from_the_first_question_to_the_last() -> None:
    """Look up, create, poll, download, delete: exactly these requests, with the vendor's names."""
    done = respond((GOLDEN / "execution.json").read_bytes())
    file = respond((GOLDEN / "report.csv").read_bytes())
    asked = [connector.ask(WORK, OPTIONS)]
    for answer in (NONE, MADE, done, file):
        asked.append(after(read(asked[-1], answer)))
    assert list(map(described, asked)) == json.loads((GOLDEN / "requests.json").read_text())
    assert read(asked[-1], EMPTY) == Step()


def test_only_the_creation_must_not_be_repeated() -> None:
    """Reads are POSTs, too, and may be repeated; a second creation would be a second report."""
    looked = connector.ask(WORK, OPTIONS)
    made = after(follow(NONE))
    polled = after(follow(NONE, MADE))
    assert [one.idempotent for one in (looked, made, polled)] == [True, False, True]


def test_the_schedules_id_is_remembered_as_soon_as_it_is_known() -> None:
    """From then on a dead sync can be gone on with."""
    step = follow(NONE, MADE)
    assert (step.job, step.wait_seconds, step.page) == ("456", 2, None)


def test_waits_are_short_at_first() -> None:
    """2 s after the creation, then 5, 15, 30, and 60 s again and again."""
    waits = [follow(NONE, MADE, *[PENDING] * count).wait_seconds for count in range(7)]
    assert waits == [2, 5, 15, 30, 60, 60, 60]


@pytest.mark.parametrize(
    "state", ["Pending", "InQueue", "InProgress", "pending", "Sleeping", "COMPLETE"]
)
def test_whatever_is_not_complete_is_still_running(state: str) -> None:
    """States are compared without case; an unknown one is waited for, with a warning."""
    step = follow(NONE, MADE, executions(execution(ReportExecutionState=state)))
    waiting = "reportexecution" in after(step).path
    assert waiting is (state != "COMPLETE")
    assert bool(step.warnings) is (state == "Sleeping")


def test_a_complete_report_may_have_no_file_yet() -> None:
    """Deliveries are empty for a while, or without an address; the last one with one counts."""
    for deliveries in ([], None, [{"DownloadURL": None}]):
        step = follow(NONE, MADE, executions(execution(ReportDeliveries=deliveries)))
        assert "reportexecution" in after(step).path
        assert step.warnings == ()
    urls = [{"DownloadURL": f"https://api.thetradedesk.com/{n}"} for n in (1, 2)]
    several = executions(execution(ReportDeliveries=[*urls, {"DownloadURL": None}]))
    assert after(follow(NONE, MADE, several)).path.endswith("/2")


def test_an_execution_must_be_of_this_schedule_and_these_days() -> None:
    """A stale execution at the top of the list is not taken for ours (gotcha 4)."""
    other = execution(ReportScheduleId=1, ReportExecutionId=9999)
    stale = execution(ReportExecutionId=9000, ReportEndDateExclusive="2026-11-07T00:00:00")
    mine = execution(ReportDeliveries=[{"DownloadURL": "https://api.thetradedesk.com/mine"}])
    assert after(follow(NONE, MADE, executions(other, stale, mine))).path.endswith("/mine")
    assert "reportexecution" in after(follow(NONE, MADE, executions(other))).path


def test_a_report_over_other_days_is_refused() -> None:
    """It would overwrite days with what is not theirs, or leave some out."""
    short = executions(execution(ReportEndDateExclusive="2026-11-07T00:00:00"))
    with pytest.raises(ContractChanged, match="other days") as caught:
        follow(NONE, MADE, short)
    assert caught.value.facts["covered"] == "2026-11-01..2026-11-07"


def test_an_execution_under_way_need_not_tell_its_days() -> None:
    """A failed one is seen although it names no days; a complete one must name them."""
    nameless = {"ReportStartDateInclusive": None, "ReportEndDateExclusive": None}
    failed = executions(execution(ReportExecutionState="Failed", **nameless))
    assert after(follow(NONE, MADE, failed)).method == "DELETE"
    with pytest.raises(ContractChanged, match="other days"):
        follow(NONE, MADE, executions(execution(**nameless)))


def test_lists_are_paged_by_rows() -> None:
    """`PageStartIndex` counts rows (gotcha 3): the second page starts at 100, the third at 200."""
    strangers = [(number, "somebody else's") for number in range(100)]
    first = follow(schedules(*strangers, total=250))
    second = read(after(first), schedules(*strangers, total=250))
    third = read(after(second), schedules(*strangers[:50], total=250))
    starts = [json.loads(after(step).body)["PageStartIndex"] for step in (first, second)]
    assert starts == [100, 200]
    assert after(third).path == "/myreports/reportschedule"
    exact = schedules(*strangers, total=100)
    assert after(follow(exact)).path == "/myreports/reportschedule"


def test_executions_are_paged_too() -> None:
    """When the vendor ignores the filter, ours may stand on a later page."""
    crowd = [execution(ReportScheduleId=1)] * 100
    step = follow(NONE, MADE, executions(*crowd, total=101))
    assert json.loads(after(step).body)["PageStartIndex"] == 100
    assert after(read(after(step), DONE)).method == "GET"
    again = read(after(step), executions(total=101))
    assert (json.loads(after(again).body)["PageStartIndex"], again.wait_seconds) == (0, 5)


def test_a_list_without_an_end_is_refused() -> None:
    """A vendor that ignores the offset does not keep us for ever."""
    full = schedules(*[(number, "x") for number in range(100)], total=10**9)
    with pytest.raises(CursorRejected):
        follow(*[full] * 1000)


def test_a_schedule_of_this_slice_is_adopted() -> None:
    """A sync that died left it; no second one is made, and its id is remembered again."""
    step = follow(schedules((455, f"{TAG} made 2026-11-20"), (456, f"{TAG} made 2026-11-21")))
    assert (step.job, step.wait_seconds) == ("456", 0)
    assert json.loads(after(step).body)["ReportScheduleIds"] == [456]


@pytest.mark.parametrize(
    "name",
    [
        "tactics acme.source act_1 t124 2026-11-01..2026-11-08 made 2026-11-21",
        "tactics acme.source act_1 t123 2026-11-01..2026-11-07 made 2026-11-21",
        "tactics acme.source act_2 t123 2026-11-01..2026-11-08 made 2026-11-21",
        f"{TAG} made 2026-11-21 (copy)",
        "acme daily",
    ],
)
def test_the_schedule_of_another_slice_is_left_alone(name: str) -> None:
    """Another template, other days, another account, or a person's own: neither used nor deleted."""
    assert after(follow(schedules((7, name)))).path == "/myreports/reportschedule"


def test_old_schedules_of_ours_are_deleted_first() -> None:
    """Their numbers have changed since; what cannot be deleted is reported and left."""
    step = follow(schedules((7, f"{TAG} made 2026-11-19"), (8, f"{TAG} made 2026-11-01")))
    assert described(after(step)) == ["DELETE", "/myreports/reportschedule/7", None]
    step = read(after(step), respond({"Message": "locked"}, 409))
    assert "status 409" in step.warnings[0]
    assert described(after(step)) == ["DELETE", "/myreports/reportschedule/8", None]
    assert after(read(after(step), EMPTY)).path == "/myreports/reportschedule"


def test_a_remembered_schedule_is_confirmed_and_gone_on_with() -> None:
    """One question whether it is still there, then the poll."""
    step = follow(MADE, job="456")
    assert json.loads(after(step).body)["ReportScheduleIds"] == [456]


@pytest.mark.parametrize(
    "answer", [respond({}, 404), respond({}, 403), respond({"ReportScheduleId": 456})]
)
def test_a_remembered_schedule_that_is_gone_is_looked_for(answer: object) -> None:
    """Unknown ids are masked as 403; a schedule of another name is not ours any more."""
    assert after(follow(answer, job="456")).path.endswith("/reportschedule/query")  # type: ignore[arg-type]


def test_a_schedule_that_vanishes_is_made_again_once() -> None:
    """404 on the poll leads back to the beginning, a second time to an error."""
    gone = respond({"Message": "no such schedule"}, 404)
    step = follow(NONE, MADE, gone)
    assert after(step).path.endswith("/reportschedule/query")
    with pytest.raises(ContractChanged):
        follow(NONE, MADE, gone, NONE, MADE, gone)
    with pytest.raises(PermissionDenied):
        follow(NONE, MADE, respond({}, 403), NONE, MADE, respond({}, 403))


@pytest.mark.parametrize("status", [409, 500, 502, 503, 504, 240])
def test_a_creation_without_a_clear_answer_is_looked_for(status: int) -> None:
    """It may have been made: it is looked for by its name, and adopted or made again."""
    unclear = respond({"Message": "?"} if status != 240 else b"", status)
    step = follow(NONE, unclear)
    assert (after(step).path, step.wait_seconds) == ("/myreports/reportschedule/query", 2)
    found = read(after(step), schedules((456, f"{TAG} made 2026-11-21")))
    assert (found.job, "reportexecution" in after(found).path) == ("456", True)
    kind = UpstreamUnavailable if status >= 500 else ContractChanged
    with pytest.raises(kind):
        follow(NONE, unclear, NONE, unclear, NONE, unclear)


def test_a_failed_report_is_made_again_once() -> None:
    """The failed schedule is deleted, a new one made; the second failure ends the stream."""
    step = follow(NONE, MADE, FAILED)
    assert described(after(step))[:2] == ["DELETE", "/myreports/reportschedule/456"]
    again = read(after(step), EMPTY)
    assert json.loads(after(again).body)["ReportScheduleName"] == f"{TAG} made 2026-11-21"
    with pytest.raises(ContractChanged, match="fail") as caught:
        follow(NONE, MADE, FAILED, EMPTY, MADE, FAILED)
    assert "MyReports" in caught.value.hint


def test_what_an_earlier_sync_left_is_made_anew_if_it_is_refused() -> None:
    """The template may have been mended since; a new report that is refused, too, is an error."""
    useless = respond(b"Some,Other,Columns")
    short = executions(execution(ReportEndDateExclusive="2026-11-07T00:00:00"))
    for step in (follow(MADE, DONE, useless, job="456"), follow(MADE, short, job="456")):
        assert described(after(step))[:2] == ["DELETE", "/myreports/reportschedule/456"]
        assert after(read(after(step), EMPTY)).path == "/myreports/reportschedule"
    with pytest.raises(ContractChanged, match="lacks a column"):
        follow(MADE, DONE, useless, EMPTY, MADE, DONE, useless, job="456")


@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_ran_out_is_asked_for_again(status: int) -> None:
    """Twice; then it is an error."""
    refused = respond({"Message": "expired"}, status)
    step = follow(NONE, MADE, DONE, refused)
    assert ("reportexecution" in after(step).path, step.wait_seconds) == (True, 5)
    kind = PermissionDenied if status == 403 else ContractChanged
    with pytest.raises(kind):
        follow(NONE, MADE, DONE, refused, DONE, refused, DONE, refused)


def test_a_download_needs_the_token() -> None:
    """401 is a matter of the token, not of the link."""
    with pytest.raises(CredentialExpired):
        follow(NONE, MADE, DONE, respond({}, 401))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RateLimited), (503, UpstreamUnavailable), (410, ContractChanged), (413, SliceTooLarge)],
)
def test_other_failures_of_a_download_are_errors(status: int, kind: type[Exception]) -> None:
    """The transport tries again what may help."""
    with pytest.raises(kind):
        follow(NONE, MADE, DONE, respond({"Message": "x"}, status))


def test_success_without_content_is_no_news() -> None:
    """240 as the answer to a poll: nothing there yet (gotcha 10)."""
    assert follow(NONE, MADE, EMPTY).wait_seconds == 5


@pytest.mark.parametrize("status", [200, 204, 240, 299, 404])
def test_the_schedule_is_deleted_at_the_end(status: int) -> None:
    """Any success will do, and one that is gone already, too (gotcha 7)."""
    file = respond((GOLDEN / "report.csv").read_bytes())
    assert follow(NONE, MADE, DONE, file, respond(b"", status)) == Step()


@pytest.mark.parametrize("status", [400, 403, 409, 429, 500])
def test_a_schedule_that_cannot_be_deleted_costs_no_data(status: int) -> None:
    """The page is kept; the schedule is reported, and deleted by a later sync."""
    file = respond((GOLDEN / "report.csv").read_bytes())
    answer = replace(respond({}, status), headers={"retry-after": "9"})
    step = follow(NONE, MADE, DONE, file, answer)
    assert (step.next, step.pause_seconds, len(step.warnings)) == (None, 9, 1)


def test_a_token_that_dies_at_the_end_is_told() -> None:
    """Everything after it would fail, too."""
    file = respond((GOLDEN / "report.csv").read_bytes())
    with pytest.raises(CredentialExpired):
        follow(NONE, MADE, DONE, file, respond({}, 401))


def test_a_vendor_without_a_clock_is_no_problem() -> None:
    """Without a date header the schedule is named after the end of its window."""
    step = follow(respond({"Result": []}))
    assert json.loads(after(step).body)["ScheduleStartDate"] == "2026-11-07T00:00:00"
