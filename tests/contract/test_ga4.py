"""Google Analytics: what the connector makes of the simulator is the simulator's ledger."""

import datetime as dt
import functools
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import pytest

from tactics.config import BreakerSettings, TransportSettings
from tactics.connectors.ga4 import GoogleAnalyticsOptions, connector
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox.ga4_quota import LIMITS
from tactics.transport import (
    Breaker,
    Client,
    Endpoints,
    GoogleServiceAccount,
    MemoryBreakers,
    Request,
    Response,
    Throttle,
)
from tests.contract.test_sandbox_sdk_ga4 import violations
from tests.support import FakeClock
from tests.unit.connectors.builders import Silver, described

TODAY = dt.date(2026, 11, 21)
SHOP, BLOG = "421000001", "421000002"
HISTORY = Window(TODAY - dt.timedelta(days=20), TODAY)
WEEK = Window(TODAY - dt.timedelta(days=7), TODAY - dt.timedelta(days=1))
DAY = Window(TODAY - dt.timedelta(days=1), TODAY - dt.timedelta(days=1))
RUN = "*:runReport"


class Line:
    """One connection of acme to the served simulator, with a breaker of its own."""

    def __init__(self, world: World, sandbox: Sandbox, page_size: int = 50_000) -> None:
        self.clock, self.breakers = FakeClock(), MemoryBreakers()
        self.options = GoogleAnalyticsOptions(page_size=page_size)
        self.responses: list[tuple[Request, Response]] = []
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        settings = BreakerSettings()
        breaker = Breaker("ga4_breaker", self.breakers, clock=self.clock, settings=settings)
        key = json.dumps(world.service_account("acme", sandbox.url))
        self.client = Client(
            Endpoints({"api": f"{sandbox.url}/ga4"}),
            settings=TransportSettings(),
            breaker=breaker,
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

    def account(self, account_id: str = SHOP) -> AccountInfo:
        """Return what Google says of a property."""
        request = connector.ask_account(account_id, self.options)
        read = functools.partial(connector.read_account, account_id, self.options)
        return self.client.exchange(request, self._noting(request, read))

    def work(self, window: Window, account_id: str = SHOP) -> Slice:
        """Return a slice of the stream."""
        key = StreamKey("acme", "ga4", account_id, "traffic")
        return Slice(key, window, Priority.LIVE, self.account(account_id))

    def pages(self, work: Slice) -> list[bytes]:
        """Return the pages of a slice; every error of ours goes to the caller."""
        found: list[bytes] = []
        request: Request | None = connector.ask(work, self.options)
        while request is not None:
            read = functools.partial(connector.read, work, self.options, request)
            step = self.client.exchange(request, self._noting(request, read))
            found += [step.page] if step.page is not None else []
            self.warnings += step.warnings
            self.pauses.append(step.pause_seconds)
            request = step.next
        return found

    def is_open(self) -> bool:
        """Return whether the breaker refuses the next attempt."""
        return not self.admission()[0]

    def admission(self) -> tuple[bool, bool, dt.datetime | None]:
        """Ask the breaker to admit an attempt."""
        now = self.clock.now()
        return self.breakers.admit("ga4_breaker", owner="test", now=now, lease_seconds=1)

    def _noting(self, request: Request, read: Any) -> Any:
        def note(response: Response) -> Any:
            self.responses.append((request, response))
            return read(response)

        return note


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, Sandbox]]:
    """Serve a world with ad campaigns and web properties; starting a server costs more than a test."""
    world = World(today=TODAY, days=30, sources=("ga4", "meta", "google_ads"))
    with serve(world) as sandbox:
        yield world, sandbox


@pytest.fixture
def world(served: tuple[World, Sandbox]) -> World:
    """Return the world, healed and with full buckets; its data is never changed."""
    world, _ = served
    world.faults.clear()
    for bucket, most in LIMITS.items():
        world.actions()["ga4_drain"](property_id=SHOP, bucket=bucket, leave=most)
    return world


@pytest.fixture
def sandbox(served: tuple[World, Sandbox]) -> Sandbox:
    """Return its server."""
    return served[1]


@pytest.fixture
def other() -> Iterator[tuple[World, Line]]:
    """Return a world of its own to change, and a connection to it."""
    world = World(today=TODAY, days=9, sources=("ga4",))
    with serve(world) as sandbox, Line(world, sandbox) as line:
        yield world, line


@pytest.fixture
def line(world: World, sandbox: Sandbox) -> Iterator[Line]:
    """Return a connection that needs several pages for a window."""
    with Line(world, sandbox, page_size=40) as line:
        yield line


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "traffic", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def rows_of(silver: Silver, line: Line, work: Slice) -> list[dict[str, Any]]:
    """Return the rows that silver makes of a slice."""
    known = {"currency": work.account.currency, "timezone": work.account.timezone}
    for page in line.pages(work):
        silver.add(page, request=described(**known), window=work.window)
    return silver.rows()


def ledger(world: World, window: Window, account_id: str = SHOP) -> list[tuple[object, ...]]:
    """Return what the simulator holds, as sorted rows."""
    facts = world.totals().between(window.start, window.end).facts
    return sorted(
        (fact.day, fact.entity_id, *fact.values.values())
        for fact in facts
        if fact.account_id == account_id
    )


def loaded(world: World, rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Return silver's rows in the form of the ledger."""
    names = next(iter(world.totals().facts)).values
    return sorted((row["date"], row["entity_id"], *(row[name] for name in names)) for row in rows)


@pytest.mark.parametrize("account_id", [SHOP, BLOG])
def test_silver_is_the_ledger_to_the_cent(
    world: World, line: Line, silver: Silver, account_id: str
) -> None:
    """Three weeks in pages of 40 rows, each property in its own currency and time zone."""
    rows = rows_of(silver, line, line.work(HISTORY, account_id))

    assert {row["rule"] for row in rows} == {None}
    assert loaded(world, rows) == ledger(world, HISTORY, account_id)
    assert len(line.responses) > 3
    assert line.warnings == []
    assert set(line.pauses) == {0.0}


def test_purchases_are_the_shops_orders(world: World, line: Line, silver: Silver) -> None:
    """Revenue agrees with what the shop charged in its own currency, whatever the text's noise."""
    rows = rows_of(silver, line, line.work(DAY))

    charges = [
        txn
        for txn in world.totals().of("acme").between(DAY.start, DAY.end).movements
        if (txn.type, txn.currency) == ("charge", "EUR")
    ]
    assert sum(row["purchases"] for row in rows) == len(charges) > 0
    cents = sum(row["purchase_revenue"] for row in rows).scaleb(2)
    assert cents == sum(txn.amount_minor for txn in charges)


def test_a_restated_day_loses_rows_and_names_others(
    other: tuple[World, Line], silver: Silver
) -> None:
    """What was not attributed is now, a small row is gone: only replacing the day is right."""
    world, line = other
    before = rows_of(silver, line, line.work(WEEK))
    world.restate(3)
    after = rows_of(silver.clear(), line, line.work(WEEK))

    assert loaded(world, after) == ledger(world, WEEK)
    gone = {row["entity_id"] for row in before} - {
        row["entity_id"] for row in after if row["date"] >= TODAY - dt.timedelta(days=2)
    }
    assert any("(data not available)" in name for name in gone)
    assert "Referral|partner.example|referral|(referral)" in gone


def test_a_property_without_rows_is_known() -> None:
    """Currency and time zone come with the metadata, also when nothing happened yesterday."""
    world = World(today=TODAY, days=1, sources=("ga4",))
    with serve(world) as sandbox, Line(world, sandbox) as line:
        assert line.account(BLOG) == AccountInfo(BLOG, BLOG, "USD", "America/New_York")
        [page] = line.pages(line.work(WEEK, BLOG))

    assert b'"rows"' not in line.responses[0][1].body
    assert b'"rows"' not in page


# The error table: what the simulator does, what the connector says, and whether the breaker opens.
TABLE: list[tuple[str, type[TacticsError], bool]] = [
    ("quota_concurrentRequests", RateLimited, True),
    ("quota_tokensPerHour", RateLimited, True),
    ("quota_tokensPerProjectPerHour", RateLimited, True),
    ("quota_potentiallyThresholdedRequestsPerHour", RateLimited, True),
    ("quota_serverErrorsPerProjectPerHour", RateLimited, True),
    ("quota_tokensPerDay", RateLimited, True),
    ("quota_minute", RateLimited, True),
    ("http_500", UpstreamUnavailable, False),
    ("http_503", UpstreamUnavailable, False),
    ("auth_expired", CredentialError, False),
    ("permission", PermissionDenied, False),
    ("service_disabled", PermissionDenied, False),
    ("not_found", PermissionDenied, False),
    ("invalid_argument", ContractChanged, False),
    ("truncated_json", DecodeError, False),
    ("html_200", DecodeError, False),
]


@pytest.mark.parametrize(("name", "kind", "opens"), TABLE, ids=[row[0] for row in TABLE])
def test_the_error_table(
    world: World, line: Line, name: str, kind: type[TacticsError], *, opens: bool
) -> None:
    """Each refusal has its class; only being throttled opens the breaker at once."""
    work = line.work(DAY)
    fault = world.faults.plant(Fault(name, "ga4", path=RUN, times=None))

    with pytest.raises(kind) as caught:
        line.pages(work)

    assert type(caught.value) is kind
    assert fault.fired >= 1
    assert line.is_open() is opens


def test_a_dead_grant_asks_for_a_person(world: World, line: Line) -> None:
    """`invalid_grant` at the token endpoint is no outage: the breaker stays closed."""
    fault = world.faults.plant(Fault("invalid_grant", "token", times=None))

    with pytest.raises(CredentialError):
        line.account()

    assert fault.fired >= 1
    assert not line.is_open()


def test_an_expired_token_is_refreshed_once(world: World, line: Line) -> None:
    """One 401 costs one new token and no data."""
    work = line.work(DAY)
    fault = world.faults.plant(Fault("auth_expired", "ga4"))

    assert line.pages(work)
    assert fault.fired == 1


@pytest.mark.parametrize(
    ("bucket", "longest"), [("tokensPerHour", 3600), ("tokensPerDay", 25 * 3600)]
)
def test_an_empty_bucket_parks_the_source_until_it_fills(
    world: World, line: Line, bucket: str, longest: int
) -> None:
    """The breaker stays open at most until the hour turns, or until midnight in Los Angeles."""
    work = line.work(DAY)
    world.actions()["ga4_drain"](property_id=SHOP, bucket=bucket)
    now = line.clock.now()

    with pytest.raises(RateLimited):
        line.pages(work)

    until = line.admission()[2]
    assert until is not None
    assert dt.timedelta(seconds=300) <= until - now <= dt.timedelta(seconds=longest + 600)


def test_a_bucket_that_runs_low_slows_down(world: World, line: Line) -> None:
    """Before the refusal comes, the answers' own numbers ask for a pause."""
    work = line.work(DAY)
    world.actions()["ga4_drain"](property_id=SHOP, bucket="tokensPerProjectPerHour", leave=20)

    line.pages(work)

    assert 0 < line.pauses[-1] <= 120


def test_server_errors_burn_a_bucket_of_their_own(world: World, line: Line) -> None:
    """After ten failures in an hour every call is refused, also what would have worked."""
    work = line.work(DAY)
    fault = world.faults.plant(Fault("http_500", "ga4", times=10))
    request = connector.ask(work, line.options)
    read = functools.partial(connector.read, work, line.options, request)
    for _ in range(10):
        with pytest.raises((UpstreamUnavailable, CircuitOpen)):
            line.client.exchange(request, read, max_retries=0)
        line.clock.advance(301)  # past the breaker's cool-down

    with pytest.raises(RateLimited, match="server errors"):
        line.client.exchange(request, read)
    assert fault.fired == 10


@pytest.mark.parametrize("action", ["ga4_retire", "ga4_make_incompatible"])
def test_a_metric_that_is_refused_is_named(
    other: tuple[World, Line], silver: Silver, action: str
) -> None:
    """Unknown or incompatible: the metric is left out, its column is unknown, all else arrives."""
    world, line = other
    work = line.work(DAY)
    world.actions()[action](metric="keyEvents")

    with pytest.raises(FieldRejected) as caught:
        line.pages(work)
    rows = rows_of(silver, line, replace(work, without=frozenset({"keyEvents"})))

    assert caught.value.facts["field"] == "keyEvents"
    assert not line.is_open()
    assert {(row["rule"], row["key_events"], row["quality_score"] <= 80) for row in rows} == {
        (None, None, True)
    }
    assert sum(row["sessions"] for row in rows) > 0


def test_two_masked_addresses_stay_two_rows(world: World, line: Line, silver: Silver) -> None:
    """No address and no query string is kept, and no session is lost by it."""
    fault = world.faults.plant(Fault("personal", "ga4", path=RUN))
    rows = rows_of(silver, line, line.work(DAY))

    assert fault.fired == 1
    assert sum(row["sessions"] for row in rows) == sum(
        row[6] for row in ledger(world, DAY) if isinstance(row[6], int)
    )
    assert len({row["entity_id"] for row in rows}) == len(rows)
    assert "@" not in str(rows)
    assert "%40" not in str(rows)
    assert {"***", "sale?***"} <= {row["campaign"] for row in rows}
    assert any("masked" in text for text in line.warnings)


SHAPES = ["sampled", "thresholded", "other_row", "truncated", "restricted"]


@pytest.mark.parametrize("name", [None, *SHAPES])
def test_requests_and_answers_follow_the_schema(world: World, line: Line, name: str | None) -> None:
    """What we send and what the simulator answers is as Google describes it, caveats included."""
    if name:
        world.faults.plant(Fault(name, "ga4", path=RUN, times=None))

    line.pages(line.work(DAY))

    assert line.responses
    for request, response in line.responses:
        body, answer = json.loads(request.body), json.loads(response.body)
        assert violations(body, {"$ref": "RunReportRequest"}) == []
        assert violations(answer, {"$ref": "RunReportResponse"}) == []
