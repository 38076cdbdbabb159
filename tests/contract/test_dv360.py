"""Our dv360 connector against its simulator: the ledger to the cent, and every row of the error table.

Through the real transport over HTTP, with its breaker; and Google's own client and schemas against
the simulator and against what we send.
"""

import datetime as dt
import functools
import json
import random
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tactics.config import Settings, TransportSettings
from tactics.connectors import base_urls_of, options_of
from tactics.connectors.dv360 import connector
from tactics.connectors.dv360.query import SavedQuery, date_range
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.transport import (
    Breaker,
    Call,
    Client,
    Endpoints,
    GoogleServiceAccount,
    MemoryBreakers,
    Request,
    Throttle,
)
from tests.support import FakeClock
from tests.unit.connectors.builders import Silver

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the libraries' own imports
    import googleapiclient
    import httplib2
    from google.oauth2 import service_account
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError

TODAY = dt.date(2026, 11, 21)
DAYS = Window(dt.date(2026, 11, 10), TODAY)
ACCOUNT = "700001"
DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
MOST_STEPS = 60


class Connection:
    """acme's connection, as the pipeline opens it, under a clock that tests move."""

    def __init__(self, world: World, url: str, **options: object) -> None:
        config = Settings.model_validate(tomllib.loads(world.config_toml(url)))
        settings = config.orgs["acme"].sources["dv360"]
        key = world.environment(url)["TACTICS_ACME_DV360_SERVICE_ACCOUNT"]
        manifest = connector.manifest
        self.clock, self.calls, self.breakers = FakeClock(), list[Call](), MemoryBreakers()
        self.options = options_of(settings, connector).model_copy(update=options)
        self.job: str | None = None
        self.client = Client(
            Endpoints(base_urls_of(settings, connector), hosts=manifest.hosts),
            settings=TransportSettings(),
            breaker=Breaker(manifest.breaker, self.breakers, clock=self.clock),
            throttle=Throttle(
                requests_per_second=manifest.requests_per_second,
                burst=manifest.burst,
                clock=self.clock,
            ),
            auth=GoogleServiceAccount(key, manifest.scopes, clock=self.clock),
            clock=self.clock,
            random=random.Random(7),
            record=self.calls.append,
        )

    @functools.cached_property
    def account(self) -> AccountInfo:
        """Return what Google says of the advertiser."""
        request = connector.ask_account(ACCOUNT, self.options)
        return self.client.exchange(
            request, lambda answer: connector.read_account(ACCOUNT, self.options, answer)
        )

    def fetch(self, window: Window = DAYS) -> bytes:
        """Return the page of a slice, going on with the job of the last attempt."""
        key = StreamKey("acme", "dv360", ACCOUNT, "campaign_report")
        work = Slice(key, window, Priority.LIVE, self.account, job=self.job)
        request = connector.ask(work, self.options)
        for _ in range(MOST_STEPS):
            step = self.client.exchange(
                request, lambda answer, asked=request: connector.read(work, self.options, asked, answer)
            )  # fmt: skip
            self.job = step.job or self.job
            self.clock.sleep(step.wait_seconds)
            if step.page is not None:
                self.job = None
                return step.page
            assert step.next is not None
            request = step.next
        pytest.fail("the slice does not end")

    def count(self, endpoint: str) -> int:
        """Return how many calls of an endpoint were made."""
        return sum(call.endpoint == endpoint for call in self.calls)

    def open_seconds(self) -> float | None:
        """Return how long the breaker stays open, None when it is closed."""
        allowed, _, until = self.breakers.admit(
            connector.manifest.breaker, owner="probe", now=self.clock.now(), lease_seconds=0
        )
        assert allowed is (until is None)
        return None if until is None else (until - self.clock.now()).total_seconds()


RUN = "POST api/v2/queries/{id}:run"
CREATE = "POST api/v2/queries"
LIST = "GET api/v2/queries"
LOOK = "GET api/v2/queries/{id}/reports"
POLL = "GET api/v2/queries/{id}/reports/{id}"
FILE = "GET download"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, days=14, sources=("dv360",))


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world."""
    with serve(world) as sandbox:
        yield sandbox


@pytest.fixture
def connection(world: World, sandbox: Sandbox) -> Iterator[Connection]:
    """Return acme's connection."""
    connection = Connection(world, sandbox.url)
    yield connection
    connection.client.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return one database for all tests of this file."""
    silver = Silver(connector, "campaign_report", tmp_path_factory.mktemp("scratch"))
    # The builder's pages are of account act_1, these are the advertiser's.
    own = f"SELECT * REPLACE ('{ACCOUNT}' AS account_id) FROM pages"
    silver.sql = silver.sql.replace("FROM pages", f"FROM ({own})", 1)
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(engine: Silver) -> Silver:
    """Return the database without pages."""
    return engine.clear()


def rows_of(connection: Connection, page: bytes, silver: Silver) -> list[dict[str, Any]]:
    """Return what silver makes of a page."""
    account = connection.account
    facts = {"account": {"currency": account.currency, "timezone": account.timezone}}
    options = {"options": connection.options.model_dump(mode="json")}
    silver.add(page, request=facts | options, window=DAYS)
    return silver.rows()


def ledger(world: World) -> list[tuple[object, ...]]:
    """Return what the vendor would sign for these days."""
    return sorted(
        (
            day.campaign_id,
            day.day,
            day.campaign_name,
            day.currency,
            day.impressions,
            day.clicks,
            day.spend,
            day.conversions,
            day.conversion_value,
            day.video_views,
        )
        for day in world.totals().of("acme").between(DAYS.start, DAYS.end).ads
    )


def silver_rows(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Return the rows in the ledger's form."""
    assert {row["rule"] for row in rows} == {None}
    return sorted(
        (
            row["campaign_id"],
            row["date"],
            row["campaign_name"],
            row["currency"],
            row["impressions"],
            row["clicks"],
            row["spend"],
            row["conversions"],
            row["conversion_value"],
            row["video_views"],
        )
        for row in rows
    )


def test_silver_is_the_ledger_to_the_cent(
    world: World, connection: Connection, silver: Silver
) -> None:
    """Every day, after restatements, a rename and vanished rows."""
    world.restate(14)
    world.rename_campaign()
    world.drop_rows(2)
    rows = rows_of(connection, connection.fetch(), silver)
    assert silver_rows(rows) == ledger(world)
    assert {(row["channel"], row["timezone"]) for row in rows} == {
        ("programmatic", "Europe/Vienna")
    }


def test_one_query_is_saved_for_all_slices(connection: Connection) -> None:
    """Four calls bring the first slice after the query was created, three more each next one."""
    for window in DAYS.halves():
        connection.fetch(window)
    counts = [connection.count(name) for name in (LIST, CREATE, RUN, LOOK, POLL, FILE)]
    assert counts == [2, 1, 2, 0, 2, 2]


def test_the_file_is_asked_for_without_a_token(connection: Connection, sandbox: Sandbox) -> None:
    """The simulated storage, like the real one, refuses a request that signs in as well."""
    connection.fetch()
    [download] = [entry for entry in sandbox.requests if "/storage/" in entry.path]
    assert download.status == 200


@pytest.mark.parametrize(
    ("options", "factor"), [({"cost": "media_cost"}, 0.8), ({"cost": "total_media_cost"}, 0.9)]
)
def test_another_cost_is_another_query(  # noqa: PLR0917 - a row of the table
    world: World, sandbox: Sandbox, silver: Silver, options: dict[str, str], factor: float
) -> None:
    """The option changes the column, the title and so the saved query."""
    connection = Connection(world, sandbox.url, **options)
    rows = rows_of(connection, connection.fetch(), silver)
    connection.client.close()
    spend, whole = sum(row["spend"] for row in rows), sum(row[6] for row in ledger(world))  # type: ignore[misc]
    assert float(spend) == pytest.approx(float(whole) * factor, abs=0.5)


def test_without_cm360_the_value_is_unknown(world: World, sandbox: Sandbox, silver: Silver) -> None:
    """Two columns less; completions instead of starts."""
    connection = Connection(world, sandbox.url, cm360_revenue=False, video_views="completions")
    rows = rows_of(connection, connection.fetch(), silver)
    connection.client.close()
    assert {row["conversion_value"] for row in rows} == {None}
    assert sum(row["video_views"] for row in rows) < sum(row[9] for row in ledger(world))  # type: ignore[misc]


@dataclass(frozen=True)
class Lasting:
    """A fault that stays: the error, the calls of one endpoint, and the breaker after it.

    `opened` is how long it is open: None is closed, 0 any time. `calls` None is any number: just
    before midnight Pacific the daily limit is short enough to be waited out.
    """

    fault: str
    kind: type[TacticsError]
    endpoint: str
    calls: int | None
    opened: float | None = None
    path: str = "*"
    api: str = "dv360"


LASTING = [
    Lasting("daily_limit", RateLimited, LIST, None, opened=0, path="/v2/*"),
    Lasting("user_rate_limit", RateLimited, LIST, 4, opened=300, path="/v2/*"),
    Lasting("rate_limit", RateLimited, LIST, 4, opened=300, path="/v2/*"),
    Lasting("run_exhausted", RateLimited, RUN, 1, opened=1800),
    Lasting("http_500", UpstreamUnavailable, LIST, 4, path="/v2/*"),
    Lasting("http_502", UpstreamUnavailable, LIST, 4, path="/v2/*"),
    Lasting("http_503", UpstreamUnavailable, LIST, 4, path="/v2/*"),
    Lasting("http_504", UpstreamUnavailable, LIST, 4, path="/v2/*"),
    Lasting("http_503", UpstreamUnavailable, RUN, 4, path="*:run"),
    Lasting("auth_expired", CredentialError, LIST, 2, path="/v2/*"),
    Lasting("invalid_grant", CredentialError, LIST, 0, api="token"),
    Lasting("permission", PermissionDenied, LIST, 1, path="/v2/*"),
    Lasting("invalid_argument", ContractChanged, CREATE, 1),
    Lasting("not_found", PermissionDenied, RUN, 2),
    Lasting("report_failed", ContractChanged, RUN, 2),
    Lasting("link_stale", ContractChanged, RUN, 2),
    Lasting("http_503", UpstreamUnavailable, FILE, 4, path="/storage/*"),
    Lasting("disconnect", UpstreamUnavailable, FILE, 4, path="/storage/*"),
    Lasting("file_cut_off", UpstreamUnavailable, FILE, 4),
    Lasting("other_columns", ContractChanged, FILE, 1),
]


@pytest.mark.parametrize("case", LASTING, ids=lambda case: f"{case.fault}-{case.endpoint}")
def test_the_error_table(world: World, connection: Connection, case: Lasting) -> None:
    """Each signal has its error, its number of calls, and its effect on the breaker."""
    fault = world.faults.plant(Fault(case.fault, case.api, path=case.path, times=None))
    with pytest.raises(TacticsError) as caught:
        connection.fetch()
    assert type(caught.value) is case.kind, caught.value
    assert fault.fired >= 1
    assert case.calls in {None, connection.count(case.endpoint)}
    seconds = connection.open_seconds()
    if case.opened is None:
        assert seconds is None
    else:
        assert seconds is not None
        assert seconds >= 300
        assert case.opened in {0, seconds}


def test_five_failures_open_the_breaker(world: World, connection: Connection) -> None:
    """The second fetch finds the server still down and leaves it alone for five minutes."""
    assert connection.account.currency == "EUR"
    world.faults.plant(Fault("http_503", "dv360", times=None))
    kinds = []
    for _ in range(3):
        with pytest.raises(TacticsError) as caught:
            connection.fetch()
        kinds.append(type(caught.value))
    assert kinds == [UpstreamUnavailable, UpstreamUnavailable, CircuitOpen]
    assert len(connection.calls) == 1 + 4 + 1
    assert connection.open_seconds() == 300


PASSING = [
    ("auth_expired", 1, "/v2/*", (1, 1)),
    ("http_503", 2, "/v2/queries", (1, 1)),
    ("http_503", 2, "*:run", (3, 1)),
    ("run_lost", 1, "*", (1, 1)),
    ("not_found", 1, "*:run", (2, 1)),
    ("not_found", 1, "*/reports/*", (2, 1)),
    ("report_slow", 6, "*", (1, 1)),
    ("report_failed", 1, "*", (2, 1)),
    ("link_stale", 1, "*", (1, 2)),
    ("link_stale", 2, "*", (2, 3)),
    ("http_500", 2, "/storage/*", (1, 3)),
    ("disconnect", 1, "/storage/*", (1, 2)),
    ("file_cut_off", 1, "*", (1, 2)),
    ("truncated_json", 1, "/storage/*", (1, 2)),
    ("file_without_totals", 1, "*", (1, 1)),
    ("file_with_bom", 1, "*", (1, 1)),
    ("header_drift", 1, "*", (1, 1)),
    ("unknown_field", None, "/v*", (1, 1)),
]


@pytest.mark.parametrize(
    ("name", "times", "path", "calls"), PASSING, ids=[f"{p[0]}-{p[1]}-{p[2]}" for p in PASSING]
)
def test_what_passes_costs_no_row(  # noqa: PLR0917 - a row of the table
    world: World,
    connection: Connection,
    silver: Silver,
    name: str,
    times: int | None,
    path: str,
    calls: tuple[int, int],
) -> None:
    """A fault that ends is survived within the slice; never more runs and downloads than needed."""
    fault = world.faults.plant(Fault(name, "dv360", path=path, times=times))
    rows = rows_of(connection, connection.fetch(), silver)
    assert silver_rows(rows) == ledger(world)
    assert fault.fired == (times or fault.fired) >= 1
    assert (connection.count(RUN), connection.count(FILE)) == calls
    assert connection.open_seconds() is None


@pytest.mark.parametrize("status", [403, 404, 410])
def test_every_form_of_a_stale_link(world: World, connection: Connection, status: int) -> None:
    """Storage says it in several ways."""
    world.faults.plant(Fault("link_stale", "dv360", options={"status": status}))
    connection.fetch()
    assert (connection.count(POLL), connection.count(FILE)) == (2, 2)


def test_a_slow_report_is_polled_after_growing_waits(world: World, connection: Connection) -> None:
    """Seven looks: after 2 s, 5 s, 15 s, 30 s, 1 min, 2 min, 5 min."""
    world.faults.plant(Fault("report_slow", "dv360", times=6))
    connection.fetch()
    waits = [seconds for seconds in connection.clock.slept if seconds >= 2]
    assert waits == [2, 5, 15, 30, 60, 120, 300]


def test_a_restart_starts_no_second_report(world: World, connection: Connection) -> None:
    """The sync that could not download goes on with the same report the next time."""
    fault = world.faults.plant(Fault("file_cut_off", "dv360", times=4))
    with pytest.raises(UpstreamUnavailable):
        connection.fetch()
    connection.fetch()
    assert fault.fired == 4
    assert connection.count(RUN) == 1


def test_a_run_without_an_answer_is_found_by_the_next_sync(
    world: World, connection: Connection
) -> None:
    """The connection broke while the report was being started: it is not started again."""
    world.faults.plant(Fault("disconnect", "dv360", path="*:run"))
    with pytest.raises(UpstreamUnavailable):
        connection.fetch()
    connection.fetch()
    assert (connection.count(RUN), connection.count(LOOK)) == (1, 1)


def test_a_report_of_nothing_is_a_success(world: World, connection: Connection) -> None:
    """`No data returned` and no rows."""
    world.faults.plant(Fault("file_without_data", "dv360"))
    assert json.loads(connection.fetch())["rows"] == []


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        ("not_a_number", {None, "spend_not_a_number"}),
        ("small_numbers", {None, "impressions_not_a_number"}),
        ("negative_spend", {None}),
        ("nulls", {None}),
    ],
)
def test_odd_cells(  # noqa: PLR0917 - a row of the table
    world: World, connection: Connection, silver: Silver, fault: str, rules: set[str | None]
) -> None:
    """What is no number is refused, what is null is unknown, a credit is kept."""
    world.faults.plant(Fault(fault, "dv360"))
    rows = rows_of(connection, connection.fetch(), silver)
    assert {row["rule"] for row in rows} == rules
    assert len(rows) == len(ledger(world))


class Schemas:
    """One API's discovery document as a checker of JSON."""

    def __init__(self, name: str) -> None:
        document = json.loads((DOCUMENTS / f"{name}.json").read_text())
        self._schemas: dict[str, Any] = document["schemas"]

    def check(self, value: object, name: str) -> None:
        """Fail where `value` is not what schema `name` says, unknown fields included."""
        self._check(value, {"$ref": name}, name)

    def _check(self, value: Any, schema: dict[str, Any], place: str) -> None:
        schema = self._schemas[schema["$ref"]] if "$ref" in schema else schema
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
        assert isinstance(value, kinds[schema["type"]]), place
        assert value in schema.get("enum", [value]), place
        if schema.get("format") == "int64":
            assert value.isdigit(), place
        if isinstance(value, dict):
            assert value.keys() <= schema["properties"].keys(), place
            for key, inner in value.items():
                self._check(inner, schema["properties"][key], f"{place}.{key}")
        if isinstance(value, list):
            for item in value:
                self._check(item, schema["items"], place)


REPORTS = Schemas("doubleclickbidmanager.v2")
ENTITIES = Schemas("displayvideo.v4")


def body_of(window: Window) -> dict[str, object]:
    """Return our own query, and the body of its run."""
    query = SavedQuery(ACCOUNT, connector.options.model_validate({})).body()
    return {"query": query, "run": {"dataRange": date_range(window)}}


@pytest.mark.parametrize("cost", ["revenue", "media_cost", "total_media_cost"])
def test_what_we_send_is_what_google_describes(cost: str) -> None:
    """The discovery document knows every field and value of our bodies."""
    options = connector.options.model_validate({"cost": cost, "cm360_revenue": cost == "revenue"})
    REPORTS.check(SavedQuery(ACCOUNT, options).body(), "Query")
    REPORTS.check({"dataRange": date_range(DAYS)}, "RunQueryRequest")


class Google:
    """Both services in Google's own client, signed in as acme's service account."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        key = world.service_account("acme", sandbox.url)
        scopes = list(connector.manifest.scopes)
        signer = service_account.Credentials.from_service_account_info(key, scopes=scopes)
        self.http = AuthorizedHttp(signer, http=httplib2.Http())
        url = f"{sandbox.url}/dv360"
        self.reports = self._build("doubleclickbidmanager", "v2", f"{url}/v2/")
        self.entities = self._build("displayvideo", "v4", f"{url}/")

    def _build(self, name: str, version: str, endpoint: str) -> Any:
        options = {"api_endpoint": endpoint}
        return build(name, version, http=self.http, client_options=options, static_discovery=True)


@pytest.fixture
def google(world: World, sandbox: Sandbox) -> Iterator[Google]:
    """Return the signed-in services."""
    google = Google(world, sandbox)
    yield google
    google.http.close()


def test_googles_client_makes_a_report(google: Google) -> None:
    """Create, run, poll, list, delete; every answer is as the discovery document describes it."""
    queries = google.reports.queries()
    body = body_of(DAYS)
    query = queries.create(body=body["query"]).execute()
    REPORTS.check(query, "Query")
    run = queries.run(queryId=query["queryId"], synchronous=False, body=body["run"]).execute()
    REPORTS.check(run, "Report")
    found = queries.reports().get(queryId=query["queryId"], reportId=run["key"]["reportId"])
    report = found.execute()
    REPORTS.check(report, "Report")
    assert report["metadata"]["status"]["state"] == "DONE"
    REPORTS.check(queries.reports().list(queryId=query["queryId"]).execute(), "ListReportsResponse")
    REPORTS.check(queries.get(queryId=query["queryId"]).execute(), "Query")
    queries.delete(queryId=query["queryId"]).execute()
    assert queries.list().execute() == {}


def test_googles_client_pages_through_queries(google: Google) -> None:
    """`list_next` follows the token until there is none."""
    queries = google.reports.queries()
    body = body_of(DAYS)["query"]
    made = [queries.create(body=body).execute()["queryId"] for _ in range(3)]
    request, found = queries.list(pageSize=2, orderBy="queryId desc"), []
    while request is not None:
        page = request.execute()
        REPORTS.check(page, "ListQueriesResponse")
        found += [query["queryId"] for query in page["queries"]]
        request = queries.list_next(request, page)
    assert found == made[::-1]


def test_googles_client_finds_our_query(google: Google, connection: Connection) -> None:
    """What the connector saved is there for everybody with its identity, under its title."""
    connection.fetch()
    [query] = google.reports.queries().list().execute()["queries"]
    assert query["metadata"]["title"].startswith(f"tactics {ACCOUNT} ")
    [report] = (
        google.reports.queries().reports().list(queryId=query["queryId"]).execute()["reports"]
    )
    assert report["metadata"]["reportDataEndDate"] == {"year": 2026, "month": 11, "day": 21}


def test_googles_client_reads_advertisers_and_campaigns(google: Google) -> None:
    """Ids are text, pages follow each other, and every field is a known one."""
    advertisers = google.entities.advertisers()
    ENTITIES.check(advertisers.get(advertiserId=ACCOUNT).execute(), "Advertiser")
    listed = advertisers.list(partnerId="600001").execute()
    ENTITIES.check(listed, "ListAdvertisersResponse")
    campaigns = advertisers.campaigns()
    request, found = campaigns.list(advertiserId=ACCOUNT, pageSize=1), []
    while request is not None:
        page = request.execute()
        ENTITIES.check(page, "ListCampaignsResponse")
        found += [campaign["campaignId"] for campaign in page["campaigns"]]
        request = campaigns.list_next(request, page)
    assert found == ["880001", "880002"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("daily_limit", 403),
        ("rate_limit", 429),
        ("http_503", 503),
        ("permission", 403),
        ("http_504", 504),
    ],
)
def test_googles_client_understands_the_errors(
    world: World, google: Google, fault: str, status: int
) -> None:
    """The bodies are Google's: its client finds status and message in them."""
    world.faults.plant(Fault(fault, "dv360", times=None))
    with pytest.raises(HttpError) as caught:
        google.reports.queries().list().execute()
    assert caught.value.status_code == status
    assert caught.value.reason


def test_a_stranger_host_is_never_asked(connection: Connection) -> None:
    """A link that leads away from Google's storage is refused, and nothing is sent there."""
    request = replace(Request("GET", "https://evil.example/report.csv"), auth=False)
    with pytest.raises(ContractChanged, match="not its own"):
        connection.client.exchange(request, lambda answer: answer)
    assert connection.calls == []
