"""The Trade Desk simulator: tokens, paging by rows, schedules, executions, files, faults."""

import csv
import datetime as dt
import gzip
import io
import json
from typing import Any

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
SCHEDULE = {
    "ReportScheduleName": "acme weekly",
    "ReportTemplateId": 70_001,
    "ReportFileFormat": "CSV",
    "ReportDateRange": "Custom",
    "ReportStartDateInclusive": "2026-11-01T00:00:00",
    "ReportEndDateExclusive": "2026-11-08T00:00:00",
    "ReportFrequency": "Once",
    "ScheduleStartDate": "2026-11-21T00:00:00",
    "TimeZone": "UTC",
    "ReportDateFormat": "Sortable",
    "ReportNumericFormat": "US",
    "IncludeHeaders": True,
    "AdvertiserFilters": ["acmead1"],
}
PAGE = {"PageStartIndex": 0, "PageSize": 100}
EXECUTIONS = "myreports/reportexecution/query/advertisers"


@pytest.fixture
def world() -> World:
    """Return a fresh world of this vendor."""
    return World(today=TODAY, sources=("ttd",))


def ask(
    world: World, path: str, body: object = None, *, method: str = "", org: str = "ACME"
) -> Reply:
    """Return the answer to an organisation: to a POST when there is a body."""
    headers = {"ttd-auth": world.environment(ORIGIN)[f"TACTICS_{org}_TTD_TOKEN"]}
    verb = method or ("GET" if body is None else "POST")
    content = b"" if body is None else json.dumps(body).encode()
    return world.answer(Call(verb, ORIGIN, "ttd", f"/v3/{path}", (), headers, content))


def make(world: World, **changes: object) -> int:
    """Return the id of a new schedule."""
    reply = ask(world, "myreports/reportschedule", SCHEDULE | changes)
    assert reply.status == 200, reply.document
    return int(reply.document["ReportScheduleId"])


def poll(world: World, schedule: int, **more: object) -> dict[str, Any]:
    """Return the execution of a schedule."""
    wanted = {"AdvertiserIds": ["acmead1"], "ReportScheduleIds": [schedule], **PAGE, **more}
    [row] = ask(world, EXECUTIONS, wanted).document["Result"]
    return dict(row)


def load(world: World, schedule: int) -> bytes:
    """Return the file of a schedule, by its link."""
    url = poll(world, schedule)["ReportDeliveries"][-1]["DownloadURL"]
    return ask(world, url.removeprefix(f"{ORIGIN}/ttd/v3/")).content()


def table(body: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a file by their titles."""
    return list(csv.DictReader(io.StringIO(body.decode()), delimiter=delimiter))


@pytest.mark.parametrize("token", ["", "wrong", "Bearer x"])
def test_without_the_token_there_is_nothing(world: World, token: str) -> None:
    """401, also for a file: links alone open nothing."""
    for path in ("/v3/advertiser/acmead1", "/v3/myreports/download/12501"):
        call = Call("GET", ORIGIN, "ttd", path, headers={"ttd-auth": token})
        assert world.answer(call).status == 401


def test_an_advertiser_says_who_it_is(world: World) -> None:
    """By its id and in the partner's list."""
    wanted = {
        "AdvertiserId": "acmead1",
        "AdvertiserName": "Acme TTD",
        "PartnerId": "acmeprt",
        "CurrencyCode": "EUR",
    }
    assert ask(world, "advertiser/acmead1").document == wanted
    listed = ask(world, "advertiser/query/partner", {"PartnerId": "acmeprt", **PAGE}).document
    assert listed["Result"] == [wanted]
    partners = ask(world, "partner/query", PAGE).document["Result"]
    assert [partner["PartnerId"] for partner in partners] == ["acmeprt"]


def test_campaigns_and_templates_are_listed(world: World) -> None:
    """With their names; the template is the one of the settings."""
    listed = ask(world, "campaign/query/advertiser", {"AdvertiserId": "acmead1", **PAGE}).document
    names = {row.campaign_name for row in world.totals().ads if row.account_id == "acmead1"}
    assert {row["CampaignName"] for row in listed["Result"]} == names
    templates = ask(world, "myreports/reporttemplateheader/query", PAGE).document["Result"]
    assert [row["ReportTemplateHeaderId"] for row in templates] == [70_001]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("advertiser/nobody", None),
        ("advertiser/globad1", None),
        ("advertiser/query/partner", {"PartnerId": "globprt", **PAGE}),
        ("myreports/reportschedule/1", None),
        ("myreports/reportschedule", SCHEDULE | {"ReportTemplateId": 70_002}),
        ("myreports/reportschedule", SCHEDULE | {"AdvertiserFilters": ["globad1"]}),
        (EXECUTIONS, {"AdvertiserIds": ["globad1"], **PAGE}),
    ],
)
def test_the_unknown_and_the_foreign_look_alike(world: World, path: str, body: object) -> None:
    """403, so that nobody learns what exists."""
    assert ask(world, path, body).status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"ReportName": "x"},
        {"ReportScheduleName": None},
        {"ReportTemplateId": None},
        {"ReportDateRange": "Sometimes"},
        {"ReportFrequency": "Hourly"},
        {"TimeZone": "Moon"},
        {"ReportDateFormat": "ISO"},
        {"ReportEndDateExclusive": "2026-11-01T00:00:00"},
        {"ReportStartDateInclusive": "soon"},
    ],
)
def test_a_wrong_schedule_is_refused(world: World, changes: dict[str, object]) -> None:
    """400 with a message, as for `ReportName` instead of `ReportScheduleName` (gotcha 2)."""
    reply = ask(world, "myreports/reportschedule", SCHEDULE | changes)
    assert (reply.status, bool(reply.document["Message"])) == (400, True)
    assert reply.headers["x-ttd-request-id"]


def test_other_wrong_requests_are_refused(world: World) -> None:
    """No JSON, no paging, an unknown sorting; a path that only looks right is 404 (gotcha 2)."""
    assert ask(world, "partner/query", "text").status == 400
    headers = {"ttd-auth": world.environment(ORIGIN)["TACTICS_ACME_TTD_TOKEN"]}
    broken = Call("POST", ORIGIN, "ttd", "/v3/partner/query", (), headers, b'{"PageSize": ')
    assert world.answer(broken).status == 400
    assert ask(world, "partner/query", {"PageSize": 10}).status == 400
    assert ask(world, "partner/query", {**PAGE, "PageSize": 20_000}).status == 400
    sort = {"SortFields": [{"FieldId": "Nonsense"}]}
    assert ask(world, EXECUTIONS, {"AdvertiserIds": ["acmead1"], **PAGE, **sort}).status == 400
    assert ask(world, "myreports/reportexecution/query", PAGE).status == 404


def test_pages_count_rows(world: World) -> None:
    """`PageStartIndex` is an offset in rows, not a page (gotcha 3)."""
    made = [make(world, ReportScheduleName=f"acme {number}") for number in range(5)]
    wanted = {"PartnerId": "acmeprt", "NameContains": "ACME", "PageSize": 2}
    found = [
        ask(world, "myreports/reportschedule/query", {**wanted, "PageStartIndex": start}).document
        for start in (0, 2, 4, 6)
    ]
    assert [[row["ReportScheduleId"] for row in page["Result"]] for page in found] == [
        made[:2],
        made[2:4],
        made[4:],
        [],
    ]
    assert {page["TotalFilteredCount"] for page in found} == {5}


def test_a_schedule_made_twice_is_two(world: World) -> None:
    """The vendor does not notice; both are found by their name, and deleted with 240."""
    first, second = make(world), make(world)
    assert first != second
    assert ask(world, f"myreports/reportschedule/{first}").document["ReportScheduleId"] == first
    assert ask(world, f"myreports/reportschedule/{first}", method="DELETE").status == 240
    wanted = {"PartnerId": "acmeprt", "NameContains": "weekly", **PAGE}
    left = ask(world, "myreports/reportschedule/query", wanted).document["Result"]
    assert [row["ReportScheduleId"] for row in left] == [second]
    assert ask(world, f"myreports/reportschedule/{first}").status == 403


def test_a_file_says_what_the_ledger_says(world: World) -> None:
    """One row for each campaign and day of the window, to the cent."""
    rows = table(load(world, make(world)))
    ledger = world.totals().of("acme").between(dt.date(2026, 11, 1), dt.date(2026, 11, 7)).ads
    found = {
        (r["Date"], r["Campaign ID"]): float(r["Advertiser Cost (Adv Currency)"]) for r in rows
    }
    assert found == {(str(r.day), r.campaign_id): float(r.spend) for r in ledger}
    assert len(rows) == len(ledger)
    assert sum(int(r["Player Starts"]) for r in rows) == sum(r.video_views for r in ledger)


def test_a_file_is_of_the_moment_it_was_made(world: World) -> None:
    """A restatement changes later reports, not this one."""
    schedule = make(world, ReportEndDateExclusive="2026-11-22T00:00:00")
    before = load(world, schedule)
    world.restate(14)
    assert load(world, schedule) == before
    assert load(world, make(world, ReportEndDateExclusive="2026-11-22T00:00:00")) != before


def test_a_file_comes_as_it_was_asked_for(world: World) -> None:
    """Formats of dates and numbers, TSV, no header, Excel; no delivery is an empty file."""
    [foreign, *_] = table(
        load(
            world,
            make(world, ReportDateFormat="International", ReportNumericFormat="International"),
        )
    )
    assert foreign["Date"] == "01/11/2026"
    assert "," in foreign["Advertiser Cost (Adv Currency)"]
    assert table(load(world, make(world, ReportDateFormat="US")))[0]["Date"] == "11/01/2026"
    assert table(load(world, make(world, ReportFileFormat="TSV")), "\t")[0]["Date"] == "2026-11-01"
    assert load(world, make(world, IncludeHeaders=False)).startswith(b"2026-11-01")
    assert load(world, make(world, ReportFileFormat="ExcelPivot")).startswith(b"PK")
    old = {"ReportStartDateInclusive": "2020-01-01", "ReportEndDateExclusive": "2020-02-01"}
    assert load(world, make(world, **old)) == b""


def test_executions_are_filtered_and_sorted(world: World) -> None:
    """By schedule, state and advertiser or partner; the newest end first when asked so."""
    first = make(world)
    second = make(world, ReportEndDateExclusive="2026-11-09T00:00:00")
    newest = {"SortFields": [{"FieldId": "ReportEndDateExclusive", "Ascending": False}]}
    wanted = {"AdvertiserIds": ["acmead1"], **PAGE, **newest}
    rows = ask(world, EXECUTIONS, wanted).document["Result"]
    assert [row["ReportScheduleId"] for row in rows] == [second, first]
    none = ask(world, EXECUTIONS, {**wanted, "ReportExecutionStates": ["Failed"]})
    assert none.document["Result"] == []
    partners = "myreports/reportexecution/query/partners"
    assert len(ask(world, partners, PAGE).document["Result"]) == 2
    assert ask(world, partners, PAGE, org="GLOBEX").document["Result"] == []
    assert ask(world, f"myreports/download/{first + 8_000}", org="GLOBEX").status == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("http_500", 500),
        ("http_502", 502),
        ("http_503", 503),
        ("http_504", 504),
        ("rate_limit", 429),
        ("auth_expired", 401),
        ("permission", 403),
        ("myreports_disabled", 403),
        ("bad_request", 400),
        ("not_found", 404),
        ("conflict", 409),
        ("gone", 410),
        ("too_large", 413),
        ("no_content", 240),
        ("answer_lost", 504),
    ],
)
def test_errors_have_the_vendors_form(world: World, name: str, status: int) -> None:
    """Once, addressed by the advertiser that the call is about; then all is well again."""
    fault = world.faults.plant(Fault(name, "ttd", account="acmead1"))
    assert ask(world, "myreports/reportschedule", SCHEDULE).status == status
    assert fault.fired == 1
    assert make(world)


def test_a_wait_can_be_told_or_not(world: World) -> None:
    """Retry-After in seconds, on 429 and 503."""
    for name, seconds in (("rate_limit", 0), ("rate_limit", 9), ("http_503", 0), ("http_503", 9)):
        world.faults.plant(Fault(name, "ttd", options={"seconds": seconds}))
        told = ask(world, "partner/query", PAGE).headers.get("retry-after")
        assert told == (str(seconds) if seconds else None)


def test_reports_can_be_slow_lost_or_wrong(world: World) -> None:
    """States, empty deliveries, executions of others, other days, failures, links that ran out."""
    schedule = make(world)
    world.faults.plant(Fault("answer_lost", "ttd"))
    world.faults.plant(Fault("too_large", "ttd", options={"over_days": 100}))
    for name, check in (
        ("report_state", lambda row: row["ReportExecutionState"] == "InProgress"),
        ("empty_deliveries", lambda row: row["ReportDeliveries"] == []),
        ("other_days", lambda row: row["ReportEndDateExclusive"].startswith("2026-01")),
    ):
        world.faults.plant(Fault(name, "ttd"))
        assert check(poll(world, schedule))
    world.faults.plant(Fault("other_executions", "ttd"))
    wanted = {"AdvertiserIds": ["acmead1"], "ReportScheduleIds": [schedule], **PAGE}
    assert len(ask(world, EXECUTIONS, wanted).document["Result"]) == 3
    world.faults.plant(Fault("link_refused", "ttd", options={"status": 404}))
    assert load(world, schedule) == b'{"Message": "expired"}'
    world.faults.plant(Fault("report_failed", "ttd"))
    assert poll(world, schedule)["ReportExecutionState"] == "Failed"
    assert poll(world, schedule)["ReportExecutionState"] == "Failed"


def test_a_schedule_can_vanish(world: World) -> None:
    """As if somebody had deleted it in the vendor's pages."""
    schedule = make(world)
    world.faults.plant(Fault("schedule_gone", "ttd", account="acmead1"))
    assert ask(world, f"myreports/reportschedule/{schedule}").status == 404
    assert ask(world, f"myreports/reportschedule/{schedule}").status == 403


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("gzip_file", b"\x1f\x8b"),
        ("zip_file", b"PK"),
        ("byte_order_mark", b"\xef\xbb\xbfDate,"),
        ("tabs", b"Date\tAdvertiser ID"),
        ("excel_file", b"PK"),
        ("international", b"Date,"),
        ("renamed_column", b"Date,"),
        ("not_a_number", b"Date,"),
        ("extra_dimension", b"Date,"),
        ("empty_file", b""),
    ],
)
def test_a_file_can_be_disguised(world: World, name: str, start: bytes) -> None:
    """Only the file, once."""
    schedule = make(world)
    plain = load(world, schedule)
    fault = world.faults.plant(Fault(name, "ttd"))
    disguised = load(world, schedule)
    assert disguised.startswith(start)
    assert disguised != plain
    assert fault.fired == 1
    assert load(world, schedule) == plain
    if name == "gzip_file":
        assert gzip.decompress(disguised) == plain


def test_a_column_can_be_renamed(world: World) -> None:
    """Or taken away, with its cells."""
    schedule = make(world)
    world.faults.plant(
        Fault("renamed_column", "ttd", options={"from": "Date", "to": "Report Date"})
    )
    assert table(load(world, schedule))[0]["Report Date"] == "2026-11-01"
    world.faults.plant(Fault("renamed_column", "ttd", options={"from": "Clicks"}))
    assert "Clicks" not in table(load(world, schedule))[0]
