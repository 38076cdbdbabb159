"""Google Ads: connector and simulator agree with each other, with Google's protobufs and client.

The official client only speaks gRPC and the sandbox only REST. A bridge of a few lines stands
between them: it hands the client's requests to the simulator and turns its JSON into protobufs.
"""

import datetime as dt
import json
import random
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from tactics.config import TransportSettings
from tactics.connectors import Step
from tactics.connectors.google_ads import GoogleAdsOptions, connector
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox.api import Call
from tactics.transport import (
    Breaker,
    Client,
    Endpoints,
    ExtraHeader,
    GoogleRefreshToken,
    MemoryBreakers,
    Request,
    Response,
    Throttle,
)
from tests.contract.test_sandbox_connectors import Wire
from tests.support import FakeClock
from tests.unit.sandbox.asking import ORIGIN
from tests.unit.sandbox.test_google_ads import CLIENT, QUERY, agency_of, ask, token

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries' own imports
    import grpc
    from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
    from google.ads.googleads.v26.services.services.google_ads_service import GoogleAdsServiceClient
    from google.ads.googleads.v26.services.services.google_ads_service.transports import (
        GoogleAdsServiceGrpcTransport,
    )
    from google.ads.googleads.v26.services.types import google_ads_service as gs
    from google.protobuf import json_format

TODAY = dt.date(2026, 11, 21)
MONTH = Window(dt.date(2026, 10, 21), dt.date(2026, 11, 20))
STREAM = "campaign_performance"


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world that no test of this file changes."""
    return World(today=TODAY, sources=["google_ads"])


@pytest.fixture(scope="module")
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve it on loopback."""
    with serve(world) as running:
        yield running


@pytest.fixture(autouse=True)
def _healed(world: World) -> Iterator[None]:
    """Heal what a test broke."""
    yield
    world.faults.clear()


def wire_to(world: World) -> Wire:
    """Return acme's connection, signed in."""
    wire = Wire(world, "google_ads")
    wire._token = token(world)
    return wire


COLUMNS = (
    "account_id", "campaign_id", "date", "campaign_name", "impressions", "clicks", "spend",
    "conversions", "conversion_value", "video_views", "currency",
)  # fmt: skip


def test_rows_are_the_ledgers(tmp_path: Path) -> None:
    """A month of every campaign and day, to the cent, after changes by the vendor."""
    changed = World(today=TODAY, sources=["google_ads"])
    changed.restate(14)
    changed.rename_campaign()
    changed.drop_rows(2)

    rows = wire_to(changed).silver(STREAM, MONTH, tmp_path)

    ledger = changed.totals().of("acme").between(MONTH.start, MONTH.end).ads
    assert {row["rule"] for row in rows} == {None}
    assert sorted(tuple(row[name] for name in COLUMNS) for row in rows) == sorted(
        (ad.account_id, ad.campaign_id, ad.day, ad.campaign_name, ad.impressions, ad.clicks,
         ad.spend, ad.conversions, ad.conversion_value, ad.video_views, ad.currency)
        for ad in ledger
    )  # fmt: skip
    assert {row["channel"] for row in rows} == {
        "search", "performance_max", "youtube", "shopping", "display",
    }  # fmt: skip


# Google's own schema --------------------------------------------------------------------------


def whole(message: Any, payload: object) -> dict[str, Any]:
    """Return a payload as Google's protobuf has it; unknown fields and enums are refused."""
    kind = message.pb()
    parsed: dict[str, Any] = json_format.MessageToDict(json_format.ParseDict(payload, kind()))
    return parsed


def test_pages_are_googles(world: World) -> None:
    """Every batch of a page is the protobuf's JSON, with int64 as text."""
    for _, page in wire_to(world).fetch(CLIENT, STREAM, MONTH):
        batches = json.loads(page)
        assert len(batches) > 1
        for batch in batches:
            assert whole(gs.SearchGoogleAdsStreamResponse, batch) == batch


def test_searches_are_googles(world: World) -> None:
    """Reports, accounts and the tree of a manager."""
    agency = agency_of(world)
    for query, customer in (
        (QUERY, CLIENT),
        ("SELECT customer.id, customer.currency_code, customer.manager FROM customer", CLIENT),
        ("SELECT customer_client.id, customer_client.level FROM customer_client", agency),
    ):
        payload = ask(world, query, customer=customer).document
        assert whole(gs.SearchGoogleAdsResponse, payload)["results"] == payload["results"]


@pytest.mark.parametrize(
    "code",
    [
        "quotaError.RESOURCE_TEMPORARILY_EXHAUSTED",
        "queryError.REQUESTED_METRICS_FOR_MANAGER",
        "authorizationError.USER_PERMISSION_DENIED",
        "dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED",
    ],
)
def test_refusals_are_googles(world: World, code: str) -> None:
    """The details are a GoogleAdsFailure, quota details included."""
    options = {"code": code, "delay": "30s"}
    world.faults.plant(Fault("failure", "google_ads", options=options))
    envelope = ask(world, QUERY).document["error"]
    [failure] = envelope["details"]
    kind = failure.pop("@type")
    assert kind.endswith("google.ads.googleads.v26.errors.GoogleAdsFailure")
    assert whole(GoogleAdsFailure, failure) == failure


def test_every_field_that_we_ask_for_exists(world: World) -> None:
    """Also in the protobufs: no field of ours was renamed by a version."""
    [(request, page)] = wire_to(world).fetch(CLIENT, STREAM, Window(TODAY, TODAY))
    fields = (
        json.loads(request.body)["query"].removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    )
    row = gs.GoogleAdsRow.pb().DESCRIPTOR
    for name in fields:
        resource, field_name = name.split(".")
        assert field_name in row.fields_by_name[resource].message_type.fields_by_name, name
    assert page


# Google's own client --------------------------------------------------------------------------


class Bridge:
    """Speaks gRPC with the official client and JSON with the simulator."""

    METHOD = "/google.ads.googleads.v26.services.GoogleAdsService/SearchStream"

    def __init__(self, world: World) -> None:
        self._world = world
        self._server = grpc.server(ThreadPoolExecutor(1))
        handler = grpc.unary_stream_rpc_method_handler(
            self._stream,
            request_deserializer=gs.SearchGoogleAdsStreamRequest.deserialize,
            response_serializer=gs.SearchGoogleAdsStreamResponse.serialize,
        )
        name, method = self.METHOD.strip("/").split("/")
        self._server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler(name, {method: handler}),
        ))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def _stream(self, request: Any, context: Any) -> Iterator[Any]:
        sent = {key: str(text) for key, text in context.invocation_metadata()}
        path = f"/v26/customers/{request.customer_id}/googleAds:searchStream"
        body = json.dumps({"query": request.query}).encode()
        reply = self._world.answer(Call("POST", ORIGIN, "google_ads", path, (), sent, body))
        assert reply.status == 200, reply.document
        for batch in reply.document:
            message = gs.SearchGoogleAdsStreamResponse.pb()()
            yield gs.SearchGoogleAdsStreamResponse.wrap(json_format.ParseDict(batch, message))


def test_the_official_client_reads_the_same_world(world: World) -> None:
    """Its rows have the ledger's sums: impressions, cost in millionths, conversions."""
    fields = "metrics.impressions, metrics.cost_micros, metrics.conversions"
    query = (
        f"SELECT campaign.id, segments.date, {fields} FROM campaign"
        f" WHERE segments.date BETWEEN '{MONTH.start}' AND '{MONTH.end}'"
    )
    metadata = (
        ("authorization", f"Bearer {token(world)}"),
        ("login-customer-id", agency_of(world)),
    )
    with Bridge(world) as bridge, grpc.insecure_channel(f"127.0.0.1:{bridge.port}") as channel:
        client = GoogleAdsServiceClient(transport=GoogleAdsServiceGrpcTransport(channel=channel))
        stream = client.search_stream(customer_id=CLIENT, query=query, metadata=metadata)
        rows = [row for batch in stream for row in batch.results]
    ledger = [
        ad for ad in world.totals().between(MONTH.start, MONTH.end).ads if ad.account_id == CLIENT
    ]
    assert len(rows) == len(ledger) > 0
    assert sum(row.metrics.impressions for row in rows) == sum(ad.impressions for ad in ledger)
    assert sum(row.metrics.cost_micros for row in rows) == sum(ad.spend for ad in ledger) * 10**6
    assert sum(row.metrics.conversions for row in rows) == sum(ad.conversions for ad in ledger)


# The error table, over real HTTP, with a breaker ------------------------------------------------


class Line:
    """The real transport to the sandbox, with a breaker of its own."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.clock = FakeClock()
        self.options = GoogleAdsOptions(login_account=agency_of(world))
        self._breakers = MemoryBreakers()
        self._name = connector.manifest.breaker
        found = world.environment(sandbox.url, google="refresh_token")
        names = ("client_id", "client_secret", "refresh_token")
        secrets = [found[f"TACTICS_ACME_GOOGLE_ADS_{name}".upper()] for name in names]
        signed_in = GoogleRefreshToken(*secrets, clock=self.clock, token_uri=f"{sandbox.url}/token")
        self.client = Client(
            Endpoints({"api": f"{sandbox.url}/google_ads"}),
            settings=TransportSettings(),
            breaker=Breaker(self._name, self._breakers, clock=self.clock),
            throttle=Throttle(requests_per_second=100, burst=100, clock=self.clock),
            auth=ExtraHeader(signed_in, "developer-token", "planted-token"),
            clock=self.clock,
            random=random.Random(7),
            record=lambda _: None,
        )

    def fetch(self, account_id: str = CLIENT, **changes: Any) -> list[bytes]:
        """Return the pages of a slice."""
        key = StreamKey("acme", "google_ads", account_id, STREAM)
        info = AccountInfo(account_id, "Acme", "EUR", "Europe/Vienna")
        work = Slice(
            key, **{"window": MONTH, "priority": Priority.LIVE, "account": info, **changes}
        )
        request: Request | None = connector.ask(work, self.options)
        pages: list[bytes] = []
        while request is not None:

            def read(response: Response, asked: Request = request) -> Step:
                return connector.read(work, self.options, asked, response)

            step = self.client.exchange(request, read)
            pages += [step.page] if step.page is not None else []
            request = step.next
        return pages

    def open_seconds(self) -> float:
        """Return how long the breaker stays open, 0 when it is closed."""
        now = self.clock.now()
        allowed, _, until = self._breakers.admit(self._name, owner="test", now=now, lease_seconds=1)
        return 0.0 if allowed or until is None else (until - now).total_seconds()


@pytest.fixture
def line(world: World, sandbox: Sandbox) -> Iterator[Line]:
    """Return the way to the sandbox, through the agency."""
    line = Line(world, sandbox)
    with line.client:
        yield line


@dataclass(frozen=True)
class Row:
    """A row of the error table: what Google answers, and what becomes of it.

    `tries` is how often the same request went out; `opened` how long the breaker is open then.
    """

    code: str
    kind: type[TacticsError]
    tries: int = 1
    opened: float = 0.0
    delay: str = ""
    fault: str = "failure"
    options: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fault}-{self.code.rpartition('.')[2]}{self.delay}{self.options.get('status', '')}"


THROTTLED = "quotaError.RESOURCE_TEMPORARILY_EXHAUSTED"
DAILY = "quotaError.RESOURCE_EXHAUSTED"
TABLE = [
    Row(THROTTLED, RateLimited, tries=4, opened=300, delay="30s"),
    Row(THROTTLED, RateLimited, tries=4, opened=300),
    Row(THROTTLED, RateLimited, tries=1, opened=500, delay="500s"),
    Row(DAILY, RateLimited, opened=40591, delay="40591s"),
    Row(DAILY, RateLimited, opened=3600),
    Row("quotaError.EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION", RateLimited, opened=300),
    Row("quotaError.EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION", RateLimited, opened=14400),
    Row("quotaError.ACCESS_PROHIBITED", CredentialError),
    Row("internalError.TRANSIENT_ERROR", UpstreamUnavailable, tries=4),
    Row("internalError.INTERNAL_ERROR", UpstreamUnavailable, tries=4),
    Row("internalError.DEADLINE_EXCEEDED", UpstreamUnavailable, tries=4),
    *(
        Row("", UpstreamUnavailable, tries=4, fault="gateway", options={"status": status})
        for status in (500, 502, 503, 504)
    ),
    Row("", UpstreamUnavailable, tries=4, fault="disconnect"),
    Row("", UpstreamUnavailable, tries=4, fault="truncated_json"),
    Row("", UpstreamUnavailable, tries=4, fault="error_mid_stream"),
    Row("", CredentialError, tries=2, fault="gateway", options={"status": 401}),
    Row("authenticationError.OAUTH_TOKEN_EXPIRED", CredentialError, tries=2),
    Row("authenticationError.OAUTH_TOKEN_INVALID", CredentialError, tries=2),
    Row("authenticationError.OAUTH_TOKEN_REVOKED", CredentialError),
    Row("authenticationError.OAUTH_TOKEN_DISABLED", CredentialError),
    Row("authenticationError.GOOGLE_ACCOUNT_DELETED", CredentialError),
    Row("authenticationError.NOT_ADS_USER", CredentialError),
    Row("authenticationError.TWO_STEP_VERIFICATION_NOT_ENROLLED", CredentialError),
    Row("authorizationError.USER_PERMISSION_DENIED", PermissionDenied),
    Row(
        "authorizationError.INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION",
        PermissionDenied,
    ),
    Row("headerError.INVALID_LOGIN_CUSTOMER_ID", PermissionDenied),
    Row("authorizationError.CUSTOMER_NOT_ENABLED", PermissionDenied),
    Row("authorizationError.ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT", PermissionDenied),
    Row("authenticationError.CUSTOMER_NOT_FOUND", PermissionDenied),
    Row("authorizationError.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", CredentialError),
    Row("authorizationError.DEVELOPER_TOKEN_NOT_APPROVED", CredentialError),
    Row("authorizationError.PROJECT_DISABLED", CredentialError),
    Row("authorizationError.MISSING_TOS", CredentialError),
    Row("requestError.CLOUD_PROJECT_NOT_FOUND", CredentialError),
    Row("requestError.EXPIRED_PAGE_TOKEN", CursorRejected),
    Row("requestError.INVALID_PAGE_TOKEN", CursorRejected),
    Row("queryError.PROHIBITED_FIELD_IN_SELECT_CLAUSE", ContractChanged),
    Row("", FieldRejected, fault="bad_field"),
    Row("", ContractChanged, fault="bad_field", options={"field": "metrics.clicks"}),
    Row("dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED", ContractChanged),
    Row("requestError.UNSUPPORTED_VERSION", ContractChanged),
]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_error_table(world: World, line: Line, row: Row) -> None:
    """What Google answers ends in the class of the table, after as many tries as that is worth."""
    options = {
        "code": row.code or "internalError.TRANSIENT_ERROR",
        "delay": row.delay,
        **row.options,
    }
    fault = world.faults.plant(Fault(row.fault, "google_ads", times=None, options=options))
    with pytest.raises(TacticsError) as caught:
        line.fetch()
    assert type(caught.value) is row.kind
    assert fault.fired == row.tries
    assert line.open_seconds() == pytest.approx(row.opened)
    assert "planted-token" not in str(caught.value)


def test_a_dead_sign_in_is_asked_once(world: World, line: Line) -> None:
    """`invalid_grant` of the token endpoint waits for a person; the breaker stays closed."""
    fault = world.faults.plant(Fault("invalid_grant", "token", times=None))
    with pytest.raises(CredentialError, match="no longer valid"):
        line.fetch()
    assert (fault.fired, line.open_seconds()) == (1, 0)


def test_an_expired_token_is_refreshed_once(world: World, line: Line) -> None:
    """One refusal costs one more token and one more request, no more."""
    options = {"code": "authenticationError.OAUTH_TOKEN_EXPIRED"}
    fault = world.faults.plant(Fault("failure", "google_ads", options=options))
    assert len(line.fetch()) == 1
    assert (fault.fired, line.open_seconds(), line.clock.slept) == (1, 0, [])


def test_throttling_waits_as_long_as_google_says(world: World, line: Line) -> None:
    """`retryDelay` of 30 s is waited out, then the stream arrives."""
    fault = world.faults.plant(Fault("rate_limit", "google_ads"))
    assert len(line.fetch()) == 1
    assert fault.fired == 1
    [waited] = line.clock.slept
    assert 30 <= waited < 31


def test_five_failures_open_the_breaker(world: World, line: Line) -> None:
    """Four tries of one request and one of the next; then nothing is sent for 300 s."""
    fault = world.faults.plant(Fault("http_503", "google_ads", times=None))
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            line.fetch()
    assert (fault.fired, line.open_seconds()) == (5, 300)
    with pytest.raises(CircuitOpen):
        line.fetch()
    assert fault.fired == 5


@pytest.mark.parametrize("name", ["truncated_json", "disconnect", "error_mid_stream"])
def test_a_broken_stream_is_fetched_again_whole(world: World, line: Line, name: str) -> None:
    """The half that arrived is not kept (gotcha 4)."""
    intact = line.fetch()
    fault = world.faults.plant(Fault(name, "google_ads"))
    again = line.fetch()
    assert fault.fired == 1
    assert [rows(page) for page in again] == [rows(page) for page in intact]


def rows(page: bytes) -> list[Any]:
    """Return the rows of a page."""
    return [row for batch in json.loads(page) for row in batch["results"]]


def test_without_the_managers_id_there_is_no_permission(line: Line) -> None:
    """The hint names the option that is missing (gotcha 2)."""
    line.options = GoogleAdsOptions()
    with pytest.raises(PermissionDenied) as caught:
        line.fetch()
    assert "login_account" in caught.value.hint
    assert line.open_seconds() == 0


def test_a_manager_account_names_its_clients(world: World, line: Line) -> None:
    """Metrics are refused, the clients are listed, and the breaker stays closed (gotcha 1)."""
    with pytest.raises(ContractChanged) as caught:
        line.fetch(agency_of(world))
    assert "1112223330 (Acme Search), 1112223331 (Acme Video)" in caught.value.hint
    assert line.open_seconds() == 0


def test_history_ends_where_google_refuses_days(line: Line) -> None:
    """The oldest day that is ever asked for is served, one of 38 months ago is not."""
    [spec] = connector.manifest.streams
    assert spec.max_history_days is not None
    oldest = TODAY - dt.timedelta(days=spec.max_history_days)
    assert line.fetch(window=Window(oldest, oldest)) == [b"[]"]
    too_old = TODAY - dt.timedelta(days=38 * 30 + 30)
    with pytest.raises(ContractChanged) as caught:
        line.fetch(window=Window(too_old, too_old))
    assert "37 months" in caught.value.hint


def test_an_ended_version_says_what_to_do(world: World, line: Line) -> None:
    """v22 is over; the option or an upgrade helps."""
    line.options = GoogleAdsOptions(api_version="v22", login_account=agency_of(world))
    with pytest.raises(ContractChanged) as caught:
        line.fetch()
    assert "api_version" in caught.value.hint
