"""Search Console: what the connector makes of the simulator is the simulator's ledger."""

import datetime as dt
import functools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pytest

from tactics.config import BreakerSettings, TransportSettings
from tactics.connectors import pseudonymize
from tactics.connectors.gsc import GscOptions, connector
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    DecodeError,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox.ledger import Fact
from tactics.transport import (
    Breaker,
    Client,
    Endpoints,
    GoogleServiceAccount,
    MemoryBreakers,
    Request,
    Throttle,
)
from tests.support import FakeClock
from tests.unit.connectors.builders import Silver, described

TODAY = dt.date(2026, 11, 21)
DOMAIN, PREFIX = "sc-domain:acme.example", "https://www.globex.example/"
TABLES = {spec.name: spec.table for spec in connector.manifest.streams}
STATES = ("sitemaps", "url_inspections")
REPORTS = tuple(name for name in TABLES if name not in STATES)
WATCHED = {
    "acme": ("/", "/services", "/prices", "/drafts/offer", "/moved"),
    "globex": ("/", "/prices"),
}
HISTORY = Window(TODAY - dt.timedelta(days=13), TODAY)
SETTLED = TODAY - dt.timedelta(days=3)
EMPTY = "https://shop.acme-outlet.example/"
QUERY, INSPECT = "*/query", "*index:inspect"
PERSONAL = ("jane.doe", "660 1234567", "utm_source", "ref=")


class Line:
    """One connection to the served simulator, with a breaker of its own."""

    def __init__(
        self, world: World, sandbox: Sandbox, org_id: str = "acme", **options: Any
    ) -> None:
        self.clock, self.breakers = FakeClock(), MemoryBreakers()
        watched = tuple(f"https://www.{org_id}.example{path}" for path in WATCHED[org_id])
        self.options = GscOptions(**{"inspect_urls": watched, **options})
        self.org_id, self.account_id = org_id, {"acme": DOMAIN, "globex": PREFIX}[org_id]
        self.sandbox = sandbox
        self.warnings: list[str] = []
        settings = BreakerSettings()
        key = json.dumps(world.service_account(org_id, sandbox.url))
        self.client = Client(
            Endpoints({"api": f"{sandbox.url}/gsc"}),
            settings=TransportSettings(),
            breaker=Breaker("gsc_breaker", self.breakers, clock=self.clock, settings=settings),
            throttle=Throttle(requests_per_second=1000, burst=1000, clock=self.clock),
            auth=GoogleServiceAccount(key, connector.manifest.scopes, clock=self.clock),
            clock=self.clock,
            random=random.Random(7),
            record=lambda _call: None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def account(self, account_id: str = "") -> AccountInfo:
        """Return what Google says of a property."""
        account_id = account_id or self.account_id
        read = functools.partial(connector.read_account, account_id, self.options)
        return self.client.exchange(connector.ask_account(account_id, self.options), read)

    def work(self, stream: str, window: Window = HISTORY) -> Slice:
        """Return a slice of a stream."""
        key = StreamKey(self.org_id, "gsc", self.account_id, stream)
        return Slice(key, window, Priority.LIVE, self.account())

    def pages(self, work: Slice) -> list[bytes]:
        """Return the pages of a slice as they are stored."""
        found: list[bytes] = []
        request: Request | None = connector.ask(work, self.options)
        while request is not None:
            read = functools.partial(connector.read, work, self.options, request)
            step = self.client.exchange(request, read)
            if step.page is not None:
                found.append(pseudonymize(step.page, step.pseudonyms, b"local key"))
            self.warnings += step.warnings
            request = step.next
        return found

    def fetch(self, stream: str, window: Window, silver: Silver) -> list[dict[str, Any]]:
        """Return the rows that silver makes of a slice."""
        work = self.work(stream, window)
        options = self.options.model_dump(mode="json")
        for page in self.pages(work):
            silver.add(page, request=described(options), window=window)
        return silver.rows()

    def asked(self) -> int:
        """Return how many queries were made."""
        return sum("searchAnalytics" in entry.path for entry in self.sandbox.requests)

    def is_open(self) -> bool:
        """Return whether the breaker refuses the next attempt."""
        return not self.admission()[0]

    def admission(self) -> tuple[bool, bool, dt.datetime | None]:
        """Ask the breaker to admit an attempt."""
        now = self.clock.now()
        return self.breakers.admit("gsc_breaker", owner="test", now=now, lease_seconds=1)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, Sandbox]]:
    """Serve a world; starting a server costs more than a test."""
    world = World(today=TODAY, days=14, sources=("gsc",))
    with serve(world) as sandbox:
        yield world, sandbox


@pytest.fixture
def world(served: tuple[World, Sandbox]) -> World:
    """Return the world, healed; its data is never changed."""
    world, sandbox = served
    world.faults.clear()
    sandbox.clear_requests()
    return world


@pytest.fixture
def line(world: World, served: tuple[World, Sandbox]) -> Iterator[Line]:
    """Return a connection of acme."""
    with Line(world, served[1]) as line:
        yield line


@pytest.fixture
def other() -> Iterator[tuple[World, Line]]:
    """Return a world of its own to change, and a connection to it."""
    world = World(today=TODAY, days=9, sources=("gsc",))
    with serve(world) as sandbox, Line(world, sandbox) as line:
        yield world, line


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Silver]]:
    """Open a database for each stream's SQL."""
    scratch = tmp_path_factory.mktemp("scratch")
    found = {name: Silver(connector, name, scratch / name) for name in TABLES}
    yield found
    for silver in found.values():
        silver.connection.close()


@pytest.fixture
def silver(databases: dict[str, Silver]) -> dict[str, Silver]:
    """Return each stream's SQL over no pages yet."""
    return {name: database.clear() for name, database in databases.items()}


def facts(world: World, stream: str, account_id: str) -> list[Fact]:
    """Return what the simulator holds of a stream."""
    report = {"site_totals": "site", "pages": "page", "queries": "query"}.get(stream, "query_page")
    return [
        fact
        for fact in world.totals().facts
        if (fact.table, fact.account_id) == (TABLES[stream], account_id)
        and fact.values.get("report", report) == report
    ]


def ledger(world: World, stream: str, account_id: str = DOMAIN) -> list[tuple[object, ...]]:
    """Return the same as sorted rows."""
    found = facts(world, stream, account_id)
    return sorted((fact.day, fact.entity_id, *fact.values.values()) for fact in found)


def loaded(
    world: World, rows: list[dict[str, Any]], stream: str = "site_totals"
) -> list[tuple[object, ...]]:
    """Return silver's rows in the form of the ledger."""
    assert {row["rule"] for row in rows} <= {None}
    names = facts(world, stream, DOMAIN)[0].values
    return sorted((row["date"], row["entity_id"], *(row[name] for name in names)) for row in rows)


@pytest.mark.parametrize("org_id", ["acme", "globex"])
@pytest.mark.parametrize("stream", REPORTS)
def test_silver_is_the_ledger(
    served: tuple[World, Sandbox], silver: dict[str, Silver], stream: str, org_id: str
) -> None:
    """Every report of both kinds of property, to the last position."""
    world, sandbox = served
    world.faults.clear()
    with Line(world, sandbox, org_id) as line:
        rows = line.fetch(stream, HISTORY, silver[stream])
    assert loaded(world, rows) == ledger(world, stream, line.account_id)
    assert rows


@pytest.mark.parametrize("org_id", ["acme", "globex"])
@pytest.mark.parametrize("stream", STATES)
def test_states_are_the_ledger(
    served: tuple[World, Sandbox], silver: dict[str, Silver], stream: str, org_id: str
) -> None:
    """Sitemaps and chosen pages of a domain and of a URL prefix, as they are today (gotcha 6)."""
    world, sandbox = served
    world.faults.clear()
    with Line(world, sandbox, org_id) as line:
        rows = line.fetch(stream, Window(TODAY, TODAY), silver[stream])
    watched = {f"https://www.{org_id}.example{path}" for path in WATCHED[org_id]}
    wanted = [
        row
        for row in ledger(world, stream, line.account_id)
        if stream == "sitemaps" or row[1] in watched
    ]
    assert loaded(world, rows, stream) == wanted
    assert len(rows) == (5 if stream == "sitemaps" else len(watched))


def test_a_property_without_sitemaps(line: Line, silver: dict[str, Silver]) -> None:
    """Google leaves the only key of its answer out: the day is read, and has no rows (gotcha 9)."""
    line.account_id = EMPTY
    assert line.fetch("sitemaps", Window(TODAY, TODAY), silver["sitemaps"]) == []
    assert line.pages(line.work("sitemaps")) == [b'{"sitemap":[]}']


def test_nobody_who_links_is_kept(line: Line) -> None:
    """Who refers to a page, and the address of Google's own screen, stay away."""
    pages = b"".join(line.pages(line.work("url_inspections")))
    assert b"google_canonical" not in pages
    assert b"googleCanonical" in pages
    for word in (b"referring", b"mail.example", b"inspectionResultLink", b"email"):
        assert word not in pages


def test_a_page_that_is_refused_stops_no_other(world: World, line: Line) -> None:
    """The others are read, and a warning names it; in whichever place it stands."""
    work = line.work("url_inspections")
    whole = line.pages(work)
    for place in range(5):
        line.warnings.clear()
        world.faults.plant(Fault("not_in_property", "gsc", path=INSPECT, after=place))
        assert line.pages(work) == whole[:place] + whole[place + 1 :]
        [warning] = line.warnings
        assert "google refuses to inspect https://www.acme.example/" in warning


def test_a_malformed_page_is_refused_alone(world: World, line: Line) -> None:
    """A 400 may be of the page as well."""
    world.faults.plant(Fault("bad_request", "gsc", path=INSPECT))
    assert len(line.pages(line.work("url_inspections"))) == 4
    assert len(line.warnings) == 1


@pytest.mark.parametrize(
    ("fault", "error"), [("not_in_property", PermissionDenied), ("bad_request", ContractChanged)]
)
def test_when_all_pages_are_refused_it_is_the_property(
    world: World, line: Line, fault: str, error: type[TacticsError]
) -> None:
    """The stream fails and says why: nothing was read."""
    work = line.work("url_inspections")
    planted = world.faults.plant(Fault(fault, "gsc", path=INSPECT, times=None))
    with pytest.raises(error):
        line.pages(work)
    assert planted.fired == 5
    assert not line.is_open()


@pytest.mark.parametrize("fault", ["insufficient_permissions", "access_not_configured"])
def test_what_stops_all_inspections_stops_at_once(world: World, line: Line, fault: str) -> None:
    """It is not about a page."""
    work = line.work("url_inspections")
    planted = world.faults.plant(Fault(fault, "gsc", path=INSPECT, times=None))
    with pytest.raises(PermissionDenied):
        line.pages(work)
    assert planted.fired == 1


def test_pages_of_no_property_are_told(line: Line) -> None:
    """Those of another property that the identity may read are that property's business."""
    outlet, nowhere = "https://shop.acme-outlet.example/sale", "https://www.elsewhere.example/"
    line.options = GscOptions(inspect_urls=(outlet, nowhere, "https://www.acme.example/"))
    assert len(line.pages(line.work("url_inspections"))) == 1
    assert line.warnings == [f"gsc: no property contains {nowhere}: not inspected"]


def test_a_property_without_any_of_the_pages_is_not_asked_about_them(line: Line) -> None:
    """There is nothing to keep, and no error."""
    line.account_id = EMPTY
    assert line.pages(line.work("url_inspections")) == []
    assert line.warnings == []


def test_spent_inspections_are_a_quota(other: tuple[World, Line]) -> None:
    """2,000 a day and property, then 403: no retry, and the source rests for a quarter of an hour."""
    world, line = other
    world.actions()["gsc_drain"](leave=2)
    work = line.work("url_inspections")
    line.sandbox.clear_requests()
    with pytest.raises(RateLimited):
        line.pages(work)
    assert [entry.status for entry in line.sandbox.requests] == [200, 200, 200, 403]
    assert line.is_open()


def test_many_small_pages_are_the_same(world: World, line: Line, silver: dict[str, Silver]) -> None:
    """Rows that were made equal lie on different pages, and are added up all the same."""
    line.options = GscOptions(page_size=20)
    rows = line.fetch("query_pages", HISTORY, silver["query_pages"])
    assert loaded(world, rows) == ledger(world, "query_pages")
    assert line.asked() > 10


def test_nothing_personal_is_stored(line: Line) -> None:
    """Neither what people typed nor what addresses carried, in no report."""
    text = b"".join(page for stream in TABLES for page in line.pages(line.work(stream))).decode()
    assert "(personal)" in text
    assert [secret for secret in PERSONAL if secret in text] == []
    assert [secret for secret in PERSONAL if secret.encode().hex() in text] == []


def test_queries_are_below_the_totals_and_pages_above(world: World, silver: dict[str, Silver]) -> None:  # fmt: skip
    """Rare queries are missing, pages shown together count twice: only totals are true (gotcha 1)."""
    sums = world.totals().of("acme").fact_sums("search_performance", "impressions", by=("report",))
    found = {report: impressions for (report,), (impressions,) in sums.items()}
    assert found["query"] < found["site"] < found["page"]
    assert found["query_page"] < found["page"]


def test_a_day_without_searches_has_no_row(line: Line, silver: dict[str, Silver]) -> None:
    """The totals are the calendar: the thirteenth is covered and has no row, so it was zero."""
    days = {row["date"] for row in line.fetch("site_totals", HISTORY, silver["site_totals"])}
    assert dt.date(2026, 11, 12) in days
    assert dt.date(2026, 11, 13) not in days
    assert TODAY not in days


def test_fresh_days_move_and_settle(other: tuple[World, Line], silver: dict[str, Silver]) -> None:
    """Yesterday is not final and grows until it is; then nothing moves it (gotcha 5)."""
    world, line = other
    yesterday = Window(TODAY - dt.timedelta(days=1), TODAY - dt.timedelta(days=1))
    seen = []
    for _ in range(4):
        [row] = line.fetch("site_totals", yesterday, silver["site_totals"].clear())
        seen.append((row["is_final"], row["quality_score"], row["impressions"]))
        world.advance(1)
        line.clock.advance(86_400)
    assert [final for final, _, _ in seen] == [False, False, True, True]
    assert [quality for _, quality, _ in seen] == [70, 70, 100, 100]
    assert seen[0][2] < seen[1][2] < seen[2][2] == seen[3][2]


def test_a_restated_fresh_day_is_read_again(other: tuple[World, Line], silver: dict[str, Silver]) -> None:  # fmt: skip
    """The ledger after a restatement is what the next reading finds."""
    world, line = other
    before = ledger(world, "queries")
    world.restate(14)
    assert ledger(world, "queries") != before
    rows = line.fetch("queries", HISTORY, silver["queries"])
    assert loaded(world, rows) == ledger(world, "queries")


def test_google_may_take_longer(other: tuple[World, Line], silver: dict[str, Silver]) -> None:
    """What is final is Google's word, not the calendar's."""
    world, line = other
    world.actions()["gsc_lag"](days=6)
    rows = line.fetch("site_totals", HISTORY, silver["site_totals"])
    assert {row["date"] for row in rows if not row["is_final"]} == {
        TODAY - dt.timedelta(days=back) for back in range(1, 6)
    }


@pytest.mark.parametrize(
    ("rows", "queries", "read"), [(25_000, 2, 25_000), (25_003, 2, 25_003), (50_007, 3, 50_000)]
)
def test_pages_of_the_largest_size(
    other: tuple[World, Line], rows: int, queries: int, read: int
) -> None:
    """A full last page costs one more query; at 50,000 rows Google stops, which is told."""
    world, line = other
    world.actions()["gsc_flood"](day=SETTLED.isoformat(), rows=rows)
    pages = line.pages(line.work("queries", Window(SETTLED, SETTLED)))
    columns = [json.loads(page)["columns"]["query"] for page in pages]
    assert len({query for column in columns for query in column}) == sum(map(len, columns)) == read
    assert line.asked() == queries
    assert len(line.warnings) == (read == 50_000)


def test_a_repeated_tie_is_a_duplicate(other: tuple[World, Line], silver: dict[str, Silver]) -> None:  # fmt: skip
    """The row comes out twice with the same key: the lake keeps one, and counts the other."""
    world, line = other
    line.options = GscOptions(page_size=10)
    fault = world.faults.plant(Fault("ties_repeat", "gsc", path=QUERY, times=None))
    window = Window(SETTLED, SETTLED)
    rows = line.fetch("query_pages", window, silver["query_pages"])
    assert fault.fired == 1
    wanted = [row for row in ledger(world, "query_pages") if row[0] == SETTLED]
    assert len(rows) == len(wanted) + 1
    assert sorted(set(loaded(world, rows))) == wanted


def test_a_swapped_tie_is_lost(other: tuple[World, Line], silver: dict[str, Silver]) -> None:
    """Google may leave a row out where pages meet; nobody can tell, the totals still stand."""
    world, line = other
    line.options = GscOptions(page_size=10)
    fault = world.faults.plant(Fault("ties_swap", "gsc", path=QUERY))
    window = Window(SETTLED, SETTLED)
    rows = line.fetch("query_pages", window, silver["query_pages"])
    assert fault.fired == 1
    wanted = {row[1] for row in ledger(world, "query_pages") if row[0] == SETTLED}
    assert len(wanted - {row["entity_id"] for row in rows}) == 1


def test_long_doubles_change_nothing(world: World, line: Line, silver: dict[str, Silver]) -> None:
    """Positions of 25 decimals are read as text and rounded (gotcha 8)."""
    fault = world.faults.plant(Fault("long_doubles", "gsc", path=QUERY, times=None))
    rows = line.fetch("pages", HISTORY, silver["pages"])
    assert fault.fired == 1
    assert loaded(world, rows) == ledger(world, "pages")


def test_new_fields_are_dropped(world: World, line: Line) -> None:
    """Google may add what it likes."""
    before = line.pages(line.work("pages"))
    fault = world.faults.plant(Fault("unknown_field", "gsc", path=QUERY))
    assert line.pages(line.work("pages")) == before
    assert fault.fired == 1


def test_a_metric_that_is_no_number_is_refused_alone(
    world: World, line: Line, silver: dict[str, Silver]
) -> None:
    """Its neighbours arrive."""
    world.faults.plant(Fault("not_a_number", "gsc", path=QUERY))
    rows = line.fetch("queries", HISTORY, silver["queries"])
    assert [row["rule"] for row in rows if row["rule"]] == ["clicks_not_a_count"]
    assert len(rows) == len(ledger(world, "queries"))


def test_overlapping_properties_are_told(other: tuple[World, Line]) -> None:
    """As soon as the identity may read both; an unverified one is no overlap."""
    world, line = other
    line.pages(line.work("site_totals"))
    assert line.warnings == []
    added = world.actions()["gsc_overlap"](org_id="acme")
    line.pages(line.work("site_totals"))
    assert [str(added) in text for text in line.warnings] == [True]


@pytest.mark.parametrize(
    "account_id",
    ["sc-domain:acme.example/", "https://acme.example/", "https://www.acme.example/", PREFIX],
)
def test_another_property_is_refused(line: Line, account_id: str) -> None:
    """Misspelt, unverified or somebody else's: byte for byte, or not at all (gotcha 10)."""
    with pytest.raises(PermissionDenied):
        line.account(account_id)
    line.account_id = account_id
    work = Slice(
        StreamKey("acme", "gsc", account_id, "pages"),
        HISTORY,
        Priority.LIVE,
        AccountInfo(account_id, account_id, None, "America/Los_Angeles"),
    )
    with pytest.raises(PermissionDenied, match="does not have sufficient permission"):
        line.pages(work)
    assert not line.is_open()


@dataclass(frozen=True)
class Case:
    """A row of the contract's error table: what it ends as, after how many requests, how long open."""

    fault: str
    error: type[TacticsError]
    requests: int = 1
    open_seconds: tuple[float, float] | None = None


WHILE = (300, 300)  # the cool-down of the breaker
CASES = [
    Case("rate_limit", RateLimited, requests=4, open_seconds=WHILE),
    Case("project_rate_limit", RateLimited, requests=4, open_seconds=WHILE),
    Case("user_rate_limit", RateLimited, requests=4, open_seconds=WHILE),
    Case("quota_exceeded", RateLimited, open_seconds=(900, 900)),
    Case("daily_limit", RateLimited, open_seconds=(300, 90_000)),
    Case("permission", PermissionDenied),
    Case("insufficient_permissions", PermissionDenied),
    Case("access_not_configured", PermissionDenied),
    Case("auth_expired", CredentialError, requests=2),
    Case("bad_request", ContractChanged),
    Case("invalid_parameter", ContractChanged),
    Case("not_found", ContractChanged),
    Case("http_500", UpstreamUnavailable, requests=4),
    Case("http_503", UpstreamUnavailable, requests=4),
    Case("truncated_json", DecodeError),
    Case("html_200", DecodeError),
    Case("cross_host_redirect", ContractChanged),
    Case("disconnect", UpstreamUnavailable, requests=4),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_every_row_of_the_error_table(world: World, line: Line, case: Case) -> None:
    """The class says who acts next; the breaker opens for quotas and repeated failures only."""
    work = line.work("queries")
    fault = world.faults.plant(Fault(case.fault, "gsc", path=QUERY, times=None))
    with pytest.raises(case.error) as caught:
        line.pages(work)
    assert (type(caught.value), line.asked()) == (case.error, case.requests)
    assert fault.fired == case.requests
    allowed, _, until = line.admission()
    if case.open_seconds is None:
        assert allowed
        return
    assert until is not None
    least, most = case.open_seconds
    assert least <= (until - line.clock.now()).total_seconds() <= most


@pytest.mark.parametrize("name", ["http_500", "http_503"])
def test_failures_in_a_row_open_the_breaker(world: World, line: Line, name: str) -> None:
    """Four attempts leave it closed, the fifth failure opens it, and nothing more is sent."""
    work = line.work("queries")
    world.faults.plant(Fault(name, "gsc", path=QUERY, times=None))
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            line.pages(work)
    assert line.is_open()
    with pytest.raises(CircuitOpen):
        line.pages(work)
    assert line.asked() == 5


@pytest.mark.parametrize(
    "name", ["rate_limit", "user_rate_limit", "http_500", "http_503", "auth_expired", "disconnect"]
)
def test_what_passes_is_waited_for(world: World, line: Line, name: str) -> None:
    """One bad answer is repeated, after a new token where it was the token, and costs nothing."""
    before = line.pages(line.work("queries"))
    world.faults.plant(Fault(name, "gsc", path=QUERY))
    assert line.pages(line.work("queries")) == before
    assert line.asked() == 3
    assert not line.is_open()


def test_throttled_attempts_outlast_the_minute(world: World, line: Line) -> None:
    """Calls are counted per minute and no header tells more: three waits of 20 s are one."""
    work = line.work("queries")
    world.faults.plant(Fault("rate_limit", "gsc", path=QUERY, times=3))
    line.pages(work)
    assert [20 <= seconds <= 23 for seconds in line.clock.slept] == [True] * 3
    assert sum(line.clock.slept) >= 60


def test_a_revoked_grant_needs_a_person(world: World, line: Line) -> None:
    """The token endpoint's `invalid_grant` is permanent and says nothing about Search Console."""
    world.faults.plant(Fault("invalid_grant", "token", times=None))
    with pytest.raises(CredentialError):
        line.account()
    assert not line.is_open()


def test_an_expired_token_is_renewed(other: tuple[World, Line]) -> None:
    """401, a new token, the same query again."""
    world, line = other
    before = line.pages(line.work("queries"))
    world.expire_tokens()
    assert line.pages(line.work("queries")) == before
