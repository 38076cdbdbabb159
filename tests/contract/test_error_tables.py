"""Meta, Stripe and Google Sheets refuse: each row of their error tables, at the vendor's own words.

The other vendors have such a test in a file of their own. A row is named after its number in the
contract sheet's table (section 6 of each).
"""

import functools
import json
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tactics.config import Settings, TransportSettings
from tactics.connectors import base_urls_of, find_connector, options_of
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    CursorRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox import drive as drive_api
from tactics.sandbox import google as google_api
from tactics.sandbox import meta_errors as meta_api
from tactics.sandbox import stripe as stripe_api
from tactics.sandbox.api import Call, Reply
from tactics.transport import (
    Auth,
    BearerToken,
    Breaker,
    Client,
    Endpoints,
    GoogleServiceAccount,
    MemoryBreakers,
    QueryToken,
    Request,
    Throttle,
)
from tests.lab import PILLARS, TODAY
from tests.support import FakeClock

COOL_DOWN = 300
MONTH = Window(TODAY.replace(day=1), TODAY)
NOW = Window(TODAY, TODAY)  # of snapshots, which have no days
STREAMS = {
    "meta": ("campaign_insights", MONTH),
    "stripe": ("transactions", MONTH),
    "sheets": ("bookings", NOW),
}
ROWS = {"meta": "*/insights", "stripe": "/v1/balance_transactions", "sheets": "*/values*"}


class Refusing(World):
    """A world in which one endpoint says what the test has it say, in the vendor's own form."""

    def __init__(self) -> None:
        super().__init__(today=TODAY, days=30, orgs=("acme",), sources=PILLARS)
        self.heal()

    def heal(self) -> None:
        """Answer everything again."""
        self.faults.clear()
        self._refusal: tuple[str, str, Reply] | None = None
        self.refused = 0

    def refuse(self, mount: str, path: str, reply: Reply) -> None:
        """Answer every call to this path of an API so."""
        self._refusal = (mount, path, reply)

    def answer(self, call: Call) -> Reply:
        """Return the refusal, or what the simulator says."""
        if self._refusal is not None:
            mount, path, reply = self._refusal
            if call.mount == mount and fnmatchcase(call.path, path):
                self.refused += 1
                return reply
        return super().answer(call)


class Line:
    """One connection of acme to the served simulator, with a breaker of its own."""

    def __init__(self, world: World, sandbox: Sandbox, kind: str, **extra: object) -> None:
        settings = Settings.model_validate(tomllib.loads(world.config_toml(sandbox.url)))
        source = settings.orgs["acme"].sources[kind].model_copy(update=extra)
        self.kind = kind
        self.clock, self.breakers = FakeClock(), MemoryBreakers()
        self.connector = find_connector(kind)
        self.options = options_of(source, self.connector)
        self.account_id = source.accounts[0]
        self.name = self.connector.manifest.breaker
        self.pauses: list[float] = []
        self.client = Client(
            Endpoints(base_urls_of(source, self.connector)),
            settings=TransportSettings(),
            breaker=Breaker(self.name, self.breakers, clock=self.clock),
            throttle=Throttle(requests_per_second=1000, burst=1000, clock=self.clock),
            auth=self._auth(world.environment(sandbox.url)),
            clock=self.clock,
            random=random.Random(7),
            record=lambda _call: None,
        )

    def _auth(self, secrets: dict[str, str]) -> Auth:
        match self.kind:
            case "meta":
                return QueryToken("access_token", secrets["TACTICS_ACME_META_ACCESS_TOKEN"])
            case "stripe":
                return BearerToken(secrets["TACTICS_ACME_STRIPE_API_KEY"])
            case _:
                key, scopes = (
                    secrets["TACTICS_ACME_SHEETS_SERVICE_ACCOUNT"],
                    self.connector.manifest.scopes,
                )
                return GoogleServiceAccount(key, scopes, clock=self.clock)

    def account(self) -> AccountInfo:
        """Return what the vendor says of the account."""
        read = functools.partial(self.connector.read_account, self.account_id, self.options)
        return self.client.exchange(self.connector.ask_account(self.account_id, self.options), read)

    def work(self, **changes: Any) -> Slice:
        """Return a slice of the first stream."""
        stream, window = STREAMS[self.kind]
        key = StreamKey("acme", self.kind, self.account_id, stream)
        return Slice(key, window, Priority.LIVE, self.account(), **changes)

    def fetch(self, work: Slice) -> list[bytes]:
        """Return the pages of a slice; every error goes to the caller."""
        pages: list[bytes] = []
        request: Request | None = self.connector.ask(work, self.options)
        while request is not None:
            read = functools.partial(self.connector.read, work, self.options, request)
            step = self.client.exchange(request, read)
            pages += [step.page] if step.page is not None else []
            self.pauses.append(step.pause_seconds)
            self.clock.sleep(step.wait_seconds)
            request = step.next
        return pages

    def open_seconds(self) -> float | None:
        """Return how long the breaker stays open; None when it lets the next attempt through."""
        now = self.clock.now()
        allowed, _, until = self.breakers.admit(self.name, owner="test", now=now, lease_seconds=1)
        return None if allowed or until is None else (until - now).total_seconds()


@dataclass(frozen=True)
class Row:
    """A refusal, the error that it is, how many tries it is worth, and how long the breaker opens."""

    number: int
    kind: type[TacticsError]
    reply: Reply
    tries: int = 1
    opened: float | None = None
    mount: str = ""
    path: str = ""

    def __str__(self) -> str:
        error = (self.reply.document or {}).get("error", {})
        facts = (error.get("code", ""), error.get("error_subcode", ""))
        return "-".join(str(part) for part in (self.number, self.reply.status, *facts) if part)


def meta(code: int, subcode: int | None = None, **facts: Any) -> Reply:
    """Return an error of Meta."""
    text = facts.pop("text", "sandbox refusal")
    return meta_api.error_reply(text, code=code, subcode=subcode, **facts)


def stripe(status: int, code: str = "", param: str = "", **headers: str) -> Reply:
    """Return an error of Stripe."""
    facts = {name: text for name, text in (("code", code), ("param", param)) if text}
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return stripe_api.error_reply(status, "sandbox refusal", **facts).with_headers(named)


def busy(minutes: int) -> Reply:
    """Return Meta's throttling with the time until access is given again."""
    return meta(80000).with_headers(meta_api.usage_headers("1", 100, minutes))


THROTTLED = [(4, 1504022), (4, 1504039), (17, 2446079), (32, None), (613, None), (80008, None),
             (80014, None), *((code, None) for code in range(80000, 80007))]  # fmt: skip
PASSING = [(1, None), (2, None), (341, None), (368, None), (960, None), (104, None), (100, 99),
           (2, 1504043), (2, 1504044)]  # fmt: skip
EXPIRED = [(190, None), *((190, sub) for sub in (458, 459, 460, 463, 464, 467)), (102, None)]
TOO_BIG = meta(1, text="Please reduce the amount of data you're asking for, then retry")
HTML = Reply(body=b"<html>bad gateway</html>", status=502, media_type="text/html")
SERVICE = Reply(body=b"Service Unavailable", media_type="text/plain")

META = [
    *(Row(1, RateLimited, meta(*code), opened=COOL_DOWN) for code in THROTTLED),
    Row(1, RateLimited, busy(1), tries=4, opened=COOL_DOWN),
    Row(1, RateLimited, busy(30), opened=1800),
    *(Row(3, UpstreamUnavailable, meta(*code), tries=4) for code in PASSING),
    *(
        Row(3, UpstreamUnavailable, meta(777, status=status), tries=4)
        for status in (500, 502, 503, 504)
    ),
    Row(3, UpstreamUnavailable, meta(777, transient=True), tries=4),
    Row(3, UpstreamUnavailable, Reply(meta(1).document, disconnect=True), tries=4),
    *(Row(4, UpstreamUnavailable, meta(code, 1815107), tries=4) for code in (2601, 2637)),
    *(
        Row(5, SliceTooLarge, reply)
        for reply in (meta(100, 1487534), meta(100, 1504018), meta(2, 1504038), TOO_BIG)
    ),
    *(Row(7, CredentialError, meta(*code)) for code in EXPIRED),
    *(Row(8, PermissionDenied, meta(code, status=403)) for code in (10, 200, 299, 294, 3)),
    *(Row(9, ContractChanged, meta(2, subcode)) for subcode in (1504041, 1504042)),
    Row(10, ContractChanged, meta(100)),
    Row(10, ContractChanged, meta(100, 2446289)),
    Row(11, ContractChanged, meta(2635)),
    Row(12, UpstreamUnavailable, meta(2, status=200), tries=4),
    Row(12, CredentialError, meta(190, status=200)),
    Row(12, UpstreamUnavailable, SERVICE, tries=4),
]
STRIPE = [
    Row(1, RateLimited, stripe(429, "rate_limit"), tries=4, opened=COOL_DOWN),
    Row(1, RateLimited, stripe(400, "rate_limit"), tries=4, opened=COOL_DOWN),
    Row(1, RateLimited, stripe(429, stripe_should_retry="false"), opened=COOL_DOWN),
    Row(2, UpstreamUnavailable, stripe(429, "lock_timeout"), tries=4),
    Row(3, UpstreamUnavailable, stripe(409), tries=4),
    *(Row(4, UpstreamUnavailable, stripe(status), tries=4) for status in (500, 502, 503, 504)),
    Row(4, UpstreamUnavailable, HTML, tries=4),
    Row(4, UpstreamUnavailable, Reply(stripe(500).document, disconnect=True), tries=4),
    Row(4, ContractChanged, stripe(500, stripe_should_retry="false")),
    Row(5, CredentialError, stripe(401, "api_key_expired")),
    Row(6, PermissionDenied, stripe(403, "more_permissions_required")),
    Row(7, ContractChanged, stripe(400, "parameter_unknown", "frobnicate")),
    Row(7, CursorRejected, stripe(400, "resource_missing", "starting_after")),
    Row(8, ContractChanged, stripe(404, "resource_missing", "id")),
    Row(9, ContractChanged, stripe(402)),
]

sheet = google_api.error_reply
DRIVE = {"mount": "drive", "path": "/v3/files/*"}
FORBIDDEN = drive_api.error_reply(403, "not for you", "forbidden")
SHEETS = [
    Row(1, RateLimited, sheet(429, "Quota exceeded"), tries=4, opened=COOL_DOWN),
    *(
        Row(2, RateLimited, drive_api.error_reply(403, "slow", name), 4, COOL_DOWN, **DRIVE)
        for name in ("rateLimitExceeded", "userRateLimitExceeded")
    ),
    Row(3, UpstreamUnavailable, sheet(500, "Internal error"), tries=4),
    Row(3, UpstreamUnavailable, HTML, tries=4),
    Row(3, SliceTooLarge, sheet(503, "The service is currently unavailable.")),
    Row(3, SliceTooLarge, sheet(504, "Deadline exceeded", name="DEADLINE_EXCEEDED")),
    Row(3, UpstreamUnavailable, drive_api.error_reply(503, "down", "backendError"), 4, **DRIVE),
    Row(4, CredentialError, sheet(401, "Request had invalid credentials"), tries=2),
    Row(6, PermissionDenied, sheet(403, "The caller does not have permission")),
    Row(6, PermissionDenied, FORBIDDEN, **DRIVE),
    Row(7, PermissionDenied, sheet(404, "Requested entity was not found.")),
    Row(7, PermissionDenied, drive_api.error_reply(404, "not found", "notFound"), **DRIVE),
    Row(
        9,
        ContractChanged,
        sheet(400, "not supported for this document", name="FAILED_PRECONDITION"),
    ),
]
CASES = [
    pytest.param(kind, row, id=f"{kind}-{row}")
    for kind, table in (("meta", META), ("stripe", STRIPE), ("sheets", SHEETS))
    for row in table
]


@dataclass
class Stage:
    """A served world and how to get a line to it."""

    world: Refusing
    sandbox: Sandbox
    lines: list[Line] = field(default_factory=list)

    def line(self, kind: str, **extra: object) -> Line:
        """Return a new connection."""
        self.lines.append(Line(self.world, self.sandbox, kind, **extra))
        return self.lines[-1]


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """Serve a world; starting a server costs more than a test."""
    with serve(Refusing()) as sandbox:
        yield sandbox


@pytest.fixture
def stage(served: Sandbox) -> Iterator[Stage]:
    """Return the served world, healed; connections are closed afterwards."""
    assert isinstance(served.world, Refusing)
    served.world.heal()
    stage = Stage(served.world, served)
    yield stage
    for line in stage.lines:
        line.client.close()


@pytest.mark.parametrize(("kind", "row"), CASES)
def test_each_row_has_its_class(stage: Stage, kind: str, row: Row) -> None:
    """The class says who acts next; only what may pass is repeated; the breaker opens or not."""
    line = stage.line(kind)
    work = line.work()
    stage.world.refuse(row.mount or kind, row.path or ROWS[kind], row.reply)
    with pytest.raises(TacticsError) as caught:
        line.fetch(work)
    assert type(caught.value) is row.kind, caught.value
    assert stage.world.refused == row.tries
    assert line.open_seconds() == pytest.approx(row.opened)


@pytest.mark.parametrize(
    ("kind", "mount", "path"),
    [
        ("meta", "meta", ROWS["meta"]),
        ("stripe", "stripe", ROWS["stripe"]),
        ("sheets", *DRIVE.values()),
    ],
)
def test_five_failures_in_a_row_open_the_breaker(
    stage: Stage, kind: str, mount: str, path: str
) -> None:
    """Four tries of one request and one of the next; then nothing is sent for the cool-down."""
    line = stage.line(kind)
    work = line.work()
    stage.world.refuse(mount, path, HTML)
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            line.fetch(work)
    assert line.open_seconds() == COOL_DOWN
    with pytest.raises(CircuitOpen):
        line.fetch(work)
    assert stage.world.refused == 5


@pytest.mark.parametrize(("percent", "seconds"), [(84, 0), (85, 120), (94, 120), (95, 600)])
def test_meta_is_slowed_down_before_it_refuses(stage: Stage, percent: int, seconds: float) -> None:
    """Row 2: the rows arrive, the account is paused, the breaker stays closed."""
    line = stage.line("meta")
    fault = stage.world.faults.plant(
        Fault("usage_high", "meta", times=None, options={"percent": percent})
    )
    assert line.fetch(line.work())
    assert fault.fired
    assert set(line.pauses) == {seconds}
    assert line.open_seconds() is None


@pytest.mark.parametrize("name", ["job_failed", "job_skipped"])
def test_a_report_of_meta_that_is_lost_is_made_three_times(stage: Stage, name: str) -> None:
    """Row 6: submitted again twice, then a smaller window is asked for."""
    line = stage.line("meta", report_mode="async")
    work = line.work()
    stage.sandbox.clear_requests()
    stage.world.faults.plant(Fault(name, "meta", times=None))
    with pytest.raises(SliceTooLarge):
        line.fetch(work)
    made = [entry for entry in stage.sandbox.requests if entry.method == "POST"]
    assert len(made) == 3
    assert line.open_seconds() is None


def test_a_revoked_grant_of_google_needs_a_person(stage: Stage) -> None:
    """Row 5 of Sheets: `invalid_grant` is asked for once and says nothing about Sheets."""
    line = stage.line("sheets")
    fault = stage.world.faults.plant(Fault("invalid_grant", "token", times=None))
    with pytest.raises(CredentialError):
        line.account()
    assert fault.fired == 1
    assert line.open_seconds() is None


def test_a_tab_that_is_gone_is_looked_for_once(stage: Stage) -> None:
    """Row 8 of Sheets: discovery by the tab's id, then the stream stops and names the tab."""
    line = stage.line("sheets")
    work = line.work()
    text = "Unable to parse range: 'Bookings'"
    stage.world.refuse("sheets", ROWS["sheets"], google_api.error_reply(400, text))
    with pytest.raises(ContractChanged, match="Bookings"):
        line.fetch(work)
    assert stage.world.refused == 2
    assert line.open_seconds() is None


@pytest.mark.parametrize("api", ["sheets", "drive"])
def test_an_uploaded_workbook_is_refused(stage: Stage, api: str) -> None:
    """Row 9 of Sheets: Drive's type tells it before Sheets does; either says what to do."""
    line = stage.line("sheets")
    work = line.work()
    stage.world.faults.plant(Fault("xlsx", api, times=None))
    with pytest.raises(ContractChanged) as caught:
        line.fetch(work)
    assert "Google Sheet" in f"{caught.value}{caught.value.hint}"
    assert line.open_seconds() is None


def test_a_range_that_is_too_much_arrives_in_halves(stage: Stage) -> None:
    """Row 3 of Sheets: 503 on the whole tab, then blocks of its rows, down to what is served."""
    line = stage.line("sheets")
    whole = json.loads(line.fetch(line.work())[0])
    fault = stage.world.faults.plant(
        Fault("too_complex", "sheets", times=None, options={"over_rows": 300})
    )
    pages = [json.loads(page) for page in line.fetch(line.work(deep=True))]
    assert fault.fired
    assert [row for page in pages for row in page["rows"]] == whole["rows"]
    assert line.open_seconds() is None
