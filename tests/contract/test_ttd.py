"""Our connector against The Trade Desk's simulator, through the real transport.

Silver is what the ledger says, whatever the file looks like, and each row of the error table ends as
the contract says, breaker included. There is no official MyReports SDK: the simulator is checked
against files of our own (tests/unit/connectors/ttd/golden).
"""

import datetime as dt
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tactics.config import Settings
from tactics.connectors import base_urls_of, find_connector, options_of
from tactics.errors import (
    ContractChanged,
    CredentialError,
    DecodeError,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.transport import (
    Breaker,
    Client,
    Endpoints,
    HeaderToken,
    MemoryBreakers,
    Request,
    Response,
    Throttle,
)
from tests.support import FakeClock
from tests.unit.connectors.builders import Silver

TODAY = dt.date(2026, 11, 21)
WINDOW = Window(dt.date(2026, 10, 22), TODAY)
ACCOUNT = "acmead1"
CREATE = "POST /ttd/v3/myreports/reportschedule -> 200"


class Desk:
    """The connection of acme: asks, waits on a clock of its own, remembers the schedule."""

    def __init__(self, world: World, sandbox: Sandbox, **extra: object) -> None:
        settings = Settings.model_validate(tomllib.loads(world.config_toml(sandbox.url)))
        mine = settings.orgs["acme"].sources["ttd"]
        self.world, self.connector = world, find_connector("ttd")
        self.options = options_of(mine.model_copy(update=extra), self.connector)
        self.clock, self.breakers = FakeClock(), MemoryBreakers()
        self.job: str | None = None
        self.warnings: list[str] = []
        manifest = self.connector.manifest
        token = world.environment(sandbox.url)["TACTICS_ACME_TTD_TOKEN"]
        name, prefix = manifest.auth_header
        self.client = Client(
            Endpoints(base_urls_of(mine, self.connector), manifest.hosts, manifest.trusted_hosts),
            settings=settings.transport,
            breaker=Breaker(manifest.breaker, self.breakers, clock=self.clock),
            throttle=Throttle(requests_per_second=1000, burst=1000, clock=self.clock),
            auth=HeaderToken(name, token, prefix=prefix),
            clock=self.clock,
            random=random.Random(7),
            record=lambda _call: None,
        )

    def work(self, window: Window = WINDOW) -> Slice:
        """Return a slice, with the schedule that is remembered."""
        request = self.connector.ask_account(ACCOUNT, self.options)

        def read(response: Response) -> Any:
            return self.connector.read_account(ACCOUNT, self.options, response)

        key = StreamKey("acme", "ttd", ACCOUNT, "campaign_report")
        account = self.client.exchange(request, read)
        return Slice(key, window, Priority.LIVE, account, job=self.job)

    def pages(self, work: Slice) -> Iterator[bytes]:
        """Follow a slice to its end."""
        request: Request | None = self.connector.ask(work, self.options)
        while request is not None:
            asked = request

            def read(response: Response, asked: Request = asked) -> Any:
                return self.connector.read(work, self.options, asked, response)

            step = self.client.exchange(asked, read)
            self.job = step.job or self.job
            self.warnings += step.warnings
            self.clock.sleep(step.wait_seconds)
            if step.page is not None:
                yield step.page
            request = step.next

    def load(self, silver: Silver, window: Window = WINDOW) -> list[dict[str, Any]]:
        """Return the rows that a slice leaves in silver."""
        work = self.work(window)
        silver.clear()
        for page in self.pages(work):
            account = {"currency": work.account.currency, "timezone": work.account.timezone}
            request = {"account": account, "options": self.options.model_dump(mode="json")}
            silver.add(page, request=request, window=window)
        rows = silver.rows()
        # the builders' pages are of account act_1
        return [{**row, "account_id": ACCOUNT} for row in rows]

    def is_left_alone(self) -> bool:
        """Return whether the breaker is open."""
        now = self.clock.now()
        return not self.breakers.admit("ttd_breaker", owner="test", now=now, lease_seconds=1)[0]


def make_world() -> World:
    """Return a fresh world of this vendor."""
    return World(today=TODAY, days=40, sources=("ttd",))


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """Run one server for all tests of this file."""
    with serve(make_world()) as sandbox:
        yield sandbox


@pytest.fixture
def served(server: Sandbox) -> Sandbox:
    """Return the server with a fresh world: no schedule of another test is adopted."""
    server.world = make_world()
    server.clear_requests()
    return server


@pytest.fixture
def world(served: Sandbox) -> World:
    """Return that world."""
    assert isinstance(served.world, World)
    return served.world


@pytest.fixture
def desk(world: World, served: Sandbox) -> Iterator[Desk]:
    """Return a connection."""
    desk = Desk(world, served)
    yield desk
    desk.client.close()


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open a database with the stream's SQL."""
    silver = Silver(find_connector("ttd"), "campaign_report", tmp_path_factory.mktemp("scratch"))
    silver.sql = silver.sql.replace("lower(account_id)", f"'{ACCOUNT}'")
    yield silver
    silver.connection.close()


COLUMNS = (
    "campaign_id", "date", "campaign_name", "currency", "impressions", "clicks", "spend",
    "conversions", "conversion_value", "video_views",
)  # fmt: skip


def ledger(world: World, window: Window = WINDOW) -> list[tuple[Any, ...]]:
    """Return what the vendor would sign."""
    rows = world.totals().of("acme").between(window.start, window.end).ads
    names = ["day" if name == "date" else name for name in COLUMNS]
    return sorted(tuple(getattr(row, name) for name in names) for row in rows)


def held(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the same columns of silver rows."""
    assert {row["rule"] for row in rows} <= {None}
    return sorted(tuple(row[name] for name in COLUMNS) for row in rows)


def test_rows_are_the_ledgers(world: World, desk: Desk, silver: Silver) -> None:
    """A month of campaign days, after changes by the vendor, to the cent."""
    world.restate(14)
    world.rename_campaign()
    assert held(desk.load(silver)) == ledger(world)
    assert desk.warnings == []


@pytest.mark.parametrize(
    "name", ["gzip_file", "zip_file", "byte_order_mark", "tabs", "extra_dimension"]
)
def test_disguised_files_cost_no_row(world: World, desk: Desk, silver: Silver, name: str) -> None:
    """Packed, marked, separated by tabs, or with one dimension more: the same rows."""
    fault = world.faults.plant(Fault(name, "ttd"))
    assert held(desk.load(silver)) == ledger(world)
    assert fault.fired == 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("report_state", {"state": "InQueue"}),
        ("report_state", {"state": "Pending"}),
        ("report_state", {"state": "Meditating"}),
        ("empty_deliveries", {}),
        ("other_executions", {}),
        ("no_content", {}),
    ],
)
def test_polls_go_on_until_the_file_is_there(
    desk: Desk, silver: Silver, name: str, options: dict[str, object]
) -> None:
    """Other states, no delivery yet, executions of others, no content: one report, all rows."""
    path, world = "*/reportexecution/*", desk.world
    fault = world.faults.plant(Fault(name, "ttd", path=path, times=3, options=options))
    assert held(desk.load(silver)) == ledger(world)
    assert fault.fired == 3 if name != "other_executions" else fault.fired == 1
    assert len(desk.warnings) == (3 if "Meditating" in options.values() else 0)


@pytest.mark.parametrize("name", ["answer_lost", "conflict", "http_503"])
def test_an_unclear_creation_makes_no_second_report(
    served: Sandbox, desk: Desk, silver: Silver, name: str
) -> None:
    """Looked for by name, then adopted or made again: one schedule in the end, and none left."""
    fault = desk.world.faults.plant(Fault(name, "ttd", path="*/reportschedule"))
    assert held(desk.load(silver)) == ledger(desk.world)
    assert fault.fired == 1
    asked = [str(request) for request in served.requests]
    assert asked.count(CREATE) == (0 if name == "answer_lost" else 1)
    assert len([one for one in asked if one.startswith("DELETE")]) == 1


def test_a_vanished_schedule_is_made_again(
    world: World, served: Sandbox, desk: Desk, silver: Silver
) -> None:
    """404 for a deleted schedule: once more from the beginning."""
    world.faults.plant(Fault("schedule_gone", "ttd", path="*/reportexecution/*"))
    assert held(desk.load(silver)) == ledger(world)
    assert [str(request) for request in served.requests].count(CREATE) == 2


def test_a_failed_report_is_made_again(
    world: World, served: Sandbox, desk: Desk, silver: Silver
) -> None:
    """A new schedule in place of the failed one, which is deleted."""
    world.faults.plant(Fault("report_failed", "ttd"))
    assert held(desk.load(silver)) == ledger(world)
    asked = [str(request) for request in served.requests]
    assert asked.count(CREATE) == len([one for one in asked if one.startswith("DELETE")]) == 2


def test_a_link_that_ran_out_is_asked_for_again(world: World, desk: Desk, silver: Silver) -> None:
    """The execution names a new one."""
    fault = world.faults.plant(Fault("link_refused", "ttd", times=2))
    assert held(desk.load(silver)) == ledger(world)
    assert fault.fired == 2


def test_no_delivery_is_no_rows(world: World, desk: Desk, silver: Silver) -> None:
    """An empty file: the slice ends with a page, and without a row."""
    assert desk.load(silver, Window(dt.date(2020, 1, 1), dt.date(2020, 1, 31))) == []


def test_a_cost_that_is_no_number_is_refused(world: World, desk: Desk, silver: Silver) -> None:
    """Its row only."""
    world.faults.plant(Fault("not_a_number", "ttd"))
    rows = desk.load(silver)
    assert [row["rule"] for row in rows if row["rule"]] == ["spend_not_a_number"]
    assert len(rows) == len(ledger(world))


@dataclass(frozen=True)
class Case:
    """A fault, what it ends as, how often it is asked, and whether the source is then left alone."""

    fault: str
    kind: type[TacticsError]
    requests: int = 1
    left_alone: bool = False
    waited: float = 0.0
    text: str = ""
    options: dict[str, object] = field(default_factory=dict)
    path: str = "*/query"


CASES = [
    Case("rate_limit", RateLimited, 4, left_alone=True, waited=21, text="Too Many Requests"),
    Case("rate_limit", RateLimited, 4, left_alone=True, waited=195, options={"seconds": 0}),
    Case("rate_limit", RateLimited, 1, left_alone=True, options={"seconds": 300}),
    Case("http_500", UpstreamUnavailable, 4, waited=7, text="An error has occurred"),
    Case("http_502", UpstreamUnavailable, 4, waited=7),
    Case("http_503", UpstreamUnavailable, 4, waited=7),
    Case("http_503", UpstreamUnavailable, 4, waited=60, options={"seconds": 20}),
    Case("http_504", UpstreamUnavailable, 4, waited=7),
    Case("disconnect", UpstreamUnavailable, 4, waited=7),
    Case("auth_expired", CredentialError, text="no longer accepts the token"),
    Case("permission", PermissionDenied, text="permission"),
    Case("myreports_disabled", PermissionDenied, text="Access to MyReports is denied"),
    Case("bad_request", ContractChanged, text="'ReportName' is not a valid property"),
    Case("not_found", ContractChanged, text="status=404"),
    Case("conflict", ContractChanged, text="status=409"),
    Case("gone", ContractChanged, text="has been retired"),
    Case("too_large", SliceTooLarge, path="*/reportschedule", text="too much data"),
    Case("no_content", ContractChanged, 3, path="*/reportschedule", text="names no id"),
    Case("http_503", UpstreamUnavailable, 3, path="*/reportschedule"),
    Case("report_failed", ContractChanged, 2, path="*", text="reports fail"),
    Case("other_days", ContractChanged, path="*", text="other days"),
    Case("link_refused", PermissionDenied, 3, path="*", text="expired"),
    Case("link_refused", ContractChanged, 3, path="*", options={"status": 404}),
    Case("link_refused", CredentialError, path="*", options={"status": 401}),
    Case("excel_file", ContractChanged, path="*", text="Excel"),
    Case("international", ContractChanged, path="*", text="date format (Sortable)"),
    Case("renamed_column", ContractChanged, path="*", text="missing=Campaign ID"),
    Case("html_200", DecodeError, path="*/download/*", text="web page"),
    Case("truncated_json", DecodeError, text="not JSON"),
    Case("cross_host_redirect", ContractChanged, text="not its own"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.kind.code}")
def test_the_error_table(world: World, desk: Desk, case: Case) -> None:
    """Each row ends in its class, is repeated only where that may help, and spares the source."""
    fault = world.faults.plant(
        Fault(case.fault, "ttd", path=case.path, times=None, options=case.options)
    )
    work = desk.work()
    before = desk.clock.monotonic()
    with pytest.raises(case.kind) as caught:
        list(desk.pages(work))
    assert isinstance(caught.value, case.kind)
    assert case.text in f"{caught.value}: {caught.value.__cause__}"
    assert fault.fired == case.requests
    assert desk.is_left_alone() is case.left_alone
    if case.waited:
        assert case.waited <= desk.clock.monotonic() - before <= 1.5 * case.waited + 4


@pytest.mark.parametrize("name", ["http_500", "disconnect"])
def test_five_failures_in_a_row_open_the_breaker(world: World, desk: Desk, name: str) -> None:
    """Four attempts of one request and one of the next; then nobody asks for a while."""
    world.faults.plant(Fault(name, "ttd", path="*/query", times=None))
    work = desk.work()
    for left_alone in (False, True):
        with pytest.raises(UpstreamUnavailable):
            list(desk.pages(work))
        assert desk.is_left_alone() is left_alone


def test_a_refusal_says_what_to_do(world: World, desk: Desk) -> None:
    """The causes of a 403 are named, and a dead token leads to `auth set`."""
    work = desk.work()
    world.faults.plant(Fault("myreports_disabled", "ttd"))
    with pytest.raises(PermissionDenied) as refused:
        list(desk.pages(work))
    assert "MyReports API is not" in refused.value.hint
    world.faults.plant(Fault("auth_expired", "ttd"))
    with pytest.raises(CredentialError) as dead:
        list(desk.pages(work))
    assert "tactics auth set" in dead.value.hint


def test_a_dead_sync_is_gone_on_with(
    world: World, served: Sandbox, desk: Desk, silver: Silver
) -> None:
    """Killed while it waited: the next one polls the remembered schedule and makes none."""
    world.faults.plant(Fault("report_state", "ttd", times=2))
    pages = desk.pages(desk.work())
    world.faults.plant(Fault("http_500", "ttd", path="*/reportexecution/*", times=4, after=1))
    with pytest.raises(UpstreamUnavailable):
        next(pages)
    assert desk.job is not None
    assert held(desk.load(silver)) == ledger(world)
    assert [str(request) for request in served.requests].count(CREATE) == 1


def test_a_sync_that_forgot_its_schedule_finds_it_by_name(
    world: World, served: Sandbox, desk: Desk, silver: Silver
) -> None:
    """Killed before the id was written down: the name says whose it is."""
    world.faults.plant(Fault("http_500", "ttd", path="*/reportexecution/*", times=4))
    with pytest.raises(UpstreamUnavailable):
        list(desk.pages(desk.work()))
    desk.job = None
    assert held(desk.load(silver)) == ledger(world)
    assert [str(request) for request in served.requests].count(CREATE) == 1
