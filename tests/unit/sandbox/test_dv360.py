"""The Bid Manager simulator: strict about queries, faithful in its files, silent about failures."""

import csv
import datetime as dt
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tactics.transport import GoogleServiceAccount, Request, Response
from tests.support import FakeClock
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
SCOPE = "https://www.googleapis.com/auth/"
QUERY: dict[str, Any] = {
    "metadata": {"title": "t", "dataRange": {"range": "LAST_7_DAYS"}, "format": "CSV"},
    "params": {
        "type": "STANDARD",
        "groupBys": ["FILTER_DATE", "FILTER_MEDIA_PLAN"],
        "filters": [{"type": "FILTER_ADVERTISER", "value": "700001"}],
        "metrics": ["METRIC_IMPRESSIONS", "METRIC_REVENUE_ADVERTISER"],
    },
    "schedule": {"frequency": "ONE_TIME"},
}


class Manager:
    """Asks one world's Bid Manager as the identity of one organisation."""

    def __init__(self, world: World, org_id: str = "acme", scope: str = "doubleclickbidmanager"):
        key = json.dumps(world.service_account(org_id, ORIGIN))
        account = GoogleServiceAccount(key, [SCOPE + scope], clock=FakeClock())
        self.world = world
        self.headers = dict(account.sign(Request("GET", "/"), self._send_token).headers)

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Reply:
        """Return the answer to a signed call."""
        content = b"" if body is None else json.dumps(body).encode()
        pairs = tuple(query.items())
        return self.world.answer(Call(method, ORIGIN, "dv360", path, pairs, self.headers, content))

    def create(self, **params: object) -> str:
        """Save a query and return its id."""
        query = {**QUERY, "params": {**QUERY["params"], **params}}
        return str(self.ask("POST", "/v2/queries", query).document["queryId"])

    def report(self, query_id: str, **body: object) -> dict[str, Any]:
        """Run a query and poll its report."""
        key = self.ask("POST", f"/v2/queries/{query_id}:run", body).document["key"]
        path = f"/v2/queries/{query_id}/reports/{key['reportId']}"
        document: dict[str, Any] = self.ask("GET", path).document
        return document

    def download(self, link: str, **headers: str) -> Reply:
        """Follow a link."""
        parts = urlsplit(link)
        path = parts.path.removeprefix("/dv360")
        query = tuple(parse_qsl(parts.query))
        return self.world.answer(Call("GET", ORIGIN, "dv360", path, query, headers))

    def file(self, query_id: str, **body: object) -> list[list[str]]:
        """Return the lines of a report's file."""
        link = self.report(query_id, **body)["metadata"]["googleCloudStoragePath"]
        return list(csv.reader(self.download(link).content().decode().splitlines()))

    def _send_token(self, request: Request) -> Response:
        call = Call("POST", ORIGIN, "token", "/", body=request.body)
        return Response(200, self.world.answer(call).content())


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("dv360",))


@pytest.fixture
def manager(world: World) -> Manager:
    """Return Bid Manager as acme sees it."""
    return Manager(world)


def test_a_query_does_not_run_by_itself(manager: Manager) -> None:
    """Creating a ONE_TIME query makes no report, and an empty list is left out."""
    query_id = manager.create()
    assert manager.ask("GET", f"/v2/queries/{query_id}/reports").document == {}


def test_a_report_is_queued_then_done(manager: Manager) -> None:
    """Its link is there only then, and is another one each time."""
    query_id = manager.create()
    run = manager.ask("POST", f"/v2/queries/{query_id}:run", {}).document
    path = f"/v2/queries/{query_id}/reports/{run['key']['reportId']}"
    first, second = (manager.ask("GET", path).document["metadata"] for _ in range(2))
    assert run["metadata"]["status"] == {"state": "QUEUED", "format": "CSV"}
    assert "googleCloudStoragePath" not in run["metadata"]
    assert first["status"]["state"] == "DONE"
    assert first["status"]["finishTime"] == "2026-11-21T06:00:00Z"
    assert first["googleCloudStoragePath"] != second["googleCloudStoragePath"]


def test_a_file_holds_the_ledger(world: World, manager: Manager) -> None:
    """Rows by day, rounded to cents, are the ledger's; the totals are their sum."""
    header, *lines = manager.file(manager.create())
    end = lines.index([])
    *rows, totals = lines[:end]
    week = world.totals().between(TODAY - dt.timedelta(days=7), TODAY - dt.timedelta(days=1))
    assert header == ["Date", "Campaign ID", "Impressions", "Revenue (Adv Currency)"]
    assert {
        (row[0].replace("/", "-"), row[1]): (int(row[2]), round(Decimal(row[3]), 2)) for row in rows
    } == {
        (str(day.day), day.campaign_id): (day.impressions, day.spend) for day in week.of("acme").ads
    }
    assert totals[:2] == ["", ""]
    assert int(totals[2]) == sum(int(row[2]) for row in rows)
    assert lines[end + 1][0] == "Report Time:"


def test_without_the_date_days_are_added_up(manager: Manager) -> None:
    """Any of the dimensions may be left out."""
    by_day = manager.file(manager.create())
    whole = manager.file(manager.create(groupBys=["FILTER_ADVERTISER"]))
    totals = next(row for row in by_day if row and row[0] == "" and row[1] == "")
    assert whole[1] == ["700001", *totals[2:]]


def test_nothing_delivered_is_said_in_words(manager: Manager) -> None:
    """The header, a sentence, the trailer."""
    old = {"year": 2020, "month": 1, "day": 1}
    days = {"range": "CUSTOM_DATES", "customStartDate": old, "customEndDate": old}
    lines = manager.file(manager.create(), dataRange=days)
    assert lines[1:3] == [["No data returned by the reporting service."], []]


def test_a_partner_has_all_its_advertisers(manager: Manager) -> None:
    """FILTER_PARTNER stands for every advertiser below it."""
    partner = [{"type": "FILTER_PARTNER", "value": "600001"}]
    assert manager.file(manager.create(filters=partner)) == manager.file(manager.create())


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("params", {"type": "GALAXY"}),
        ("params", {"groupBys": []}),
        ("params", {"groupBys": ["FILTER_CAMPAIGN"]}),
        ("params", {"metrics": ["METRIC_TRUEVIEW_VIEWS"]}),
        ("params", {"filters": []}),
        ("params", {"filters": [{"type": "FILTER_DATE", "value": "1"}]}),
        ("params", {"surprise": 1}),
        ("metadata", {"title": ""}),
        ("metadata", {"format": "XML"}),
        ("metadata", {"dataRange": {"range": "LAST_8_DAYS"}}),
        ("metadata", {"dataRange": {"range": "CUSTOM_DATES"}}),
        ("schedule", {"frequency": "HOURLY"}),
        ("metadata", {"dataRange": None}),
    ],
)
def test_wrong_queries_are_refused(manager: Manager, part: str, change: dict[str, object]) -> None:
    """400 INVALID_ARGUMENT; nothing is saved."""
    reply = manager.ask("POST", "/v2/queries", {**QUERY, part: {**QUERY[part], **change}})
    assert (reply.status, reply.document["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert manager.ask("GET", "/v2/queries").document == {}


@pytest.mark.parametrize(
    "days",
    [
        {"customStartDate": {"year": 2026, "month": 11, "day": 31}},
        {"customStartDate": {"year": 2026, "month": 11, "day": 9}},
        {"customStartDate": {"year": 2026}},
    ],
)
def test_impossible_days_are_refused(manager: Manager, days: dict[str, object]) -> None:
    """A run needs two days that exist, in their order."""
    end = {"year": 2026, "month": 11, "day": 8}
    wrong = {"range": "CUSTOM_DATES", "customEndDate": end, **days}
    path = f"/v2/queries/{manager.create()}:run"
    assert manager.ask("POST", path, {"dataRange": wrong}).status == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"pageSize": "0"}, 400),
        ({"pageSize": "101"}, 400),
        ({"orderBy": "title"}, 400),
        ({"pageToken": "???"}, 400),
        ({"page": "2"}, 400),
        ({"orderBy": "queryId desc", "pageSize": "100"}, 200),
    ],
)
def test_the_list_is_strict(manager: Manager, query: dict[str, str], status: int) -> None:
    """Unknown parameters and values are refused, not ignored."""
    assert manager.ask("GET", "/v2/queries", **query).status == status


def test_queries_are_paged_in_both_orders(manager: Manager) -> None:
    """The token leads on; the last page has none."""
    ids = [manager.create() for _ in range(3)]
    first = manager.ask("GET", "/v2/queries", pageSize="2", orderBy="queryId desc").document
    token = first["nextPageToken"]
    last = manager.ask(
        "GET", "/v2/queries", pageSize="2", orderBy="queryId desc", pageToken=token
    ).document
    found = [query["queryId"] for page in (first, last) for query in page["queries"]]
    assert found == ids[::-1]
    assert "nextPageToken" not in last


def test_a_query_is_its_creators_alone(world: World, manager: Manager) -> None:
    """For everybody else it does not exist: 404, and no list shows it."""
    query_id = manager.create()
    other = Manager(world, "globex")
    assert other.ask("GET", f"/v2/queries/{query_id}").status == 404
    assert other.ask("POST", f"/v2/queries/{query_id}:run", {}).status == 404
    assert other.ask("GET", "/v2/queries").document == {}
    assert other.ask("POST", "/v2/queries", QUERY).status == 403  # acme's advertiser


def test_a_deleted_query_takes_its_reports_along(manager: Manager) -> None:
    """Its files are gone, too."""
    query_id = manager.create()
    link = manager.report(query_id)["metadata"]["googleCloudStoragePath"]
    assert manager.ask("DELETE", f"/v2/queries/{query_id}").document == {}
    assert manager.ask("GET", f"/v2/queries/{query_id}").status == 404
    assert manager.download(link).status == 404


def test_storage_wants_the_link_and_nothing_else(world: World, manager: Manager) -> None:
    """A wrong signature is refused, and an Authorization header as well."""
    link = manager.report(manager.create())["metadata"]["googleCloudStoragePath"]
    signed = dict(parse_qsl(urlsplit(link).query))
    wrong = f"{link.partition('?')[0]}?{urlencode({**signed, 'Signature': 'x'})}"
    assert manager.download(link).status == 200
    assert manager.download(wrong).status == 403
    assert manager.download(link, authorization="Bearer x").status == 400
    assert manager.download(link.replace(".csv", ".xlsx")).status == 404
    assert signed["Signature"] in world.secrets()


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/v2/queries", "display-video", 403),
        ("/v2/queries", "doubleclickbidmanager", 200),
        ("/v4/advertisers/700001", "doubleclickbidmanager", 403),
        ("/v4/advertisers/700001", "display-video", 200),
        ("/v4/advertisers/700201", "display-video", 403),
        ("/v4/advertisers/700001/campaigns", "display-video", 200),
        ("/v3/advertisers/700001", "display-video", 404),
        ("/v1.1/queries", "doubleclickbidmanager", 404),
    ],
)
def test_scopes_accounts_and_versions(world: World, path: str, scope: str, status: int) -> None:
    """Each API has its scope, each identity its advertisers, and old versions have ended."""
    assert Manager(world, scope=scope).ask("GET", path).status == status


def test_an_advertiser_says_what_days_and_money_mean(world: World) -> None:
    """Currency and time zone; ids are text."""
    about = Manager(world, scope="display-video").ask("GET", "/v4/advertisers/700001").document
    assert about["advertiserId"] == "700001"
    assert about["generalConfig"]["currencyCode"] == "EUR"
    assert about["generalConfig"]["timeZone"] == "Europe/Vienna"


def test_nobody_comes_in_without_a_token(world: World) -> None:
    """401, in Google's form."""
    reply = world.answer(Call("GET", ORIGIN, "dv360", "/v2/queries"))
    assert (reply.status, reply.document["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_lost_run_has_started_a_report(world: World, manager: Manager) -> None:
    """The answer is 503; the report is there."""
    query_id = manager.create()
    fault = world.faults.plant(Fault("run_lost", "dv360"))
    assert manager.ask("POST", f"/v2/queries/{query_id}:run", {}).status == 503
    reports = manager.ask("GET", f"/v2/queries/{query_id}/reports").document["reports"]
    assert (len(reports), fault.fired) == (1, 1)


def test_a_failed_report_gives_no_reason(world: World, manager: Manager) -> None:
    """The state is all there is, and it stays."""
    world.faults.plant(Fault("report_failed", "dv360"))
    status = manager.report(manager.create())["metadata"]["status"]
    assert (status["state"], status.keys()) == ("FAILED", {"state", "format", "finishTime"})
