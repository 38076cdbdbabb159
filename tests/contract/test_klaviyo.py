"""Klaviyo: our connector and Klaviyo's own SDK read the simulator, and get what the ledger says."""

import datetime as dt
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

from tactics.config import BreakerSettings, TransportSettings
from tactics.connectors.klaviyo import connector
from tactics.connectors.klaviyo.asking import REVISION, STATISTICS
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Window
from tactics.sandbox import Fault, Limits, Sandbox, World, serve
from tactics.transport import Breaker, Client, Endpoints, HeaderToken, MemoryBreakers, Throttle
from tests.support import FakeClock
from tests.unit.connectors.klaviyo.wire import Wire

TODAY = dt.date(2026, 11, 21)
DAYS = 100
HISTORY = Window(TODAY - dt.timedelta(days=DAYS - 1), TODAY)
MONTH = Window(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
STREAMS = {
    "subscribers": "email_subscribers",
    "attributed_revenue": "email_revenue",
    "campaign_values": "email_performance",
    "flow_series": "email_performance",
}
REPORTS = ("campaign_values", "flow_series")


def ledger(
    world: World, stream: str, window: Window = HISTORY, org_id: str = "acme"
) -> list[tuple[Any, ...]]:
    """Return what the vendor says of a stream: entity, day and values by column."""
    kind = {"campaign_values": "campaign", "flow_series": "flow"}.get(stream)
    totals = world.totals().of(org_id).between(window.start, window.end)
    return sorted(
        (fact.entity_id, fact.day, sorted(fact.values.items()))
        for fact in totals.facts
        if fact.table == STREAMS[stream] and (kind is None or fact.values["kind"] == kind)
    )


def comparable(rows: list[dict[str, Any]], like: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return silver rows in the form of the ledger's."""
    assert {row["rule"] for row in rows} <= {None}
    names = [name for name, _ in like[0][2]]
    return sorted(
        (row["entity_id"], row["date"], [(name, row[name]) for name in names]) for row in rows
    )


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, days=DAYS, sources=("klaviyo",))


@pytest.mark.parametrize("org_id", ["acme", "globex"])
@pytest.mark.parametrize("stream", ["attributed_revenue", *REPORTS])
def test_rows_are_the_ledgers(world: World, tmp_path: Path, stream: str, org_id: str) -> None:
    """Two windows give the vendor's history to the cent, after changes by the vendor."""
    world.restate(14)
    middle = TODAY - dt.timedelta(days=40)
    older = Window(HISTORY.start, middle)
    newer = Window(middle + dt.timedelta(days=1), TODAY)
    rows = Wire(world, org_id).silver(stream, [older, newer], tmp_path)
    expected = ledger(world, stream, HISTORY, org_id)
    assert len(expected) > 20
    assert comparable(rows, expected) == expected


def test_every_list_and_segment_has_a_size_of_today(world: World, tmp_path: Path) -> None:
    """Over two pages of ten lists, one call for each size; segments follow."""
    wire = Wire(world)
    rows = wire.silver("subscribers", Window(TODAY, TODAY), tmp_path)
    expected = ledger(world, "subscribers")
    assert comparable(rows, expected) == expected
    assert {row["kind"] for row in rows} == {"list", "segment"}
    sizes = [request for request in wire.sent if "additional-fields" in str(request.query)]
    assert len(sizes) == len(expected) > 10


def test_windows_that_overlap_give_the_same_rows(world: World, tmp_path: Path) -> None:
    """A message has one day and one set of numbers, whatever the window: nothing can be doubled."""
    starts = [MONTH.start + dt.timedelta(days=later) for later in (0, 7, 13)]
    windows = [Window(start, MONTH.end) for start in starts]
    rows = Wire(world).silver("campaign_values", windows, tmp_path)
    found: dict[tuple[str, dt.date], list[Any]] = {}
    for row in rows:
        assert row["date"] >= row["window_start"]
        numbers = [row["recipients"], row["conversions"], row["conversion_value"]]
        assert found.setdefault((row["entity_id"], row["date"]), numbers) == numbers
    assert len(rows) > len(found) == len(ledger(world, "campaign_values", MONTH))


def test_a_campaign_that_goes_out_over_two_days_is_whole(world: World, tmp_path: Path) -> None:
    """Each day as a window of its own gives the same numbers as the month."""
    days = [Window(day, day) for day in MONTH.days()]
    rows = Wire(world).silver("campaign_values", days, tmp_path)
    expected = ledger(world, "campaign_values", MONTH)
    assert comparable(rows, expected) == expected


def test_numbers_grow_after_the_sending(world: World, tmp_path: Path) -> None:
    """A day later the same message has more opens, at the same day; as_of tells them apart."""
    window = Window(TODAY - dt.timedelta(days=4), TODAY - dt.timedelta(days=1))
    wire = Wire(world)
    before = {row["message_id"]: row for row in wire.silver("campaign_values", window, tmp_path)}
    world.advance(1)
    after = {row["message_id"]: row for row in wire.silver("campaign_values", window, tmp_path)}
    assert before.keys() == after.keys()
    assert all(after[key]["opens_unique"] > row["opens_unique"] for key, row in before.items())
    assert all(after[key]["date"] == row["date"] for key, row in before.items())


@pytest.mark.parametrize("stream", REPORTS)
def test_a_report_of_many_pages_is_read_to_its_end(
    world: World, tmp_path: Path, stream: str
) -> None:
    """`links.next` is followed with the same question until it is null."""
    world.faults.plant(Fault("small_pages", "klaviyo", times=None, options={"rows": 2}))
    rows = Wire(world).silver(stream, MONTH, tmp_path)
    expected = ledger(world, stream, MONTH)
    assert comparable(rows, expected) == expected


@pytest.mark.parametrize("org_id", ["acme", "globex"])
@pytest.mark.parametrize("stream", ["attributed_revenue", "flow_series"])
def test_days_may_come_as_instants(world: World, tmp_path: Path, stream: str, org_id: str) -> None:
    """Local midnights written in UTC mean the same days, over the change of the clocks."""
    zone = {"acme": "Europe/Vienna", "globex": "America/New_York"}[org_id]
    fault = world.faults.plant(Fault("instants", "klaviyo", times=None, options={"zone": zone}))
    rows = Wire(world, org_id).silver(stream, Window(MONTH.start, TODAY), tmp_path)
    expected = ledger(world, stream, Window(MONTH.start, TODAY), org_id)
    assert fault.fired
    assert comparable(rows, expected) == expected


@pytest.mark.parametrize("stream", REPORTS)
def test_an_empty_report_is_no_row(world: World, tmp_path: Path, stream: str) -> None:
    """Nothing sent is nothing stored, and no error."""
    world.faults.plant(Fault("empty_results", "klaviyo"))
    assert Wire(world).silver(stream, MONTH, tmp_path) == []


def test_orders_in_another_currency_keep_it(world: World, tmp_path: Path) -> None:
    """`$value_currency` overrides the account's currency."""
    rows = Wire(world).silver("attributed_revenue", MONTH, tmp_path)
    assert {row["currency"] for row in rows} == {"EUR", "CHF"}


def test_the_currency_can_be_left_out(world: World, tmp_path: Path) -> None:
    """Refused as a group, it is the only field that is named, and orders stay complete."""
    world.faults.plant(Fault("no_currency_groups", "klaviyo", times=None))
    wire = Wire(world)
    with pytest.raises(FieldRejected) as caught:
        wire.silver("attributed_revenue", MONTH, tmp_path)
    left_out = frozenset({str(caught.value.facts["field"])})
    rows = wire.silver("attributed_revenue", MONTH, tmp_path, without=left_out)
    expected = ledger(world, "attributed_revenue", MONTH)
    orders = [dict(values)["orders"] for _, _, values in expected]
    assert sum(row["orders"] for row in rows) == sum(orders)
    assert {row["currency"] for row in rows} == {"EUR"}


@pytest.mark.parametrize("stream", ["attributed_revenue", *REPORTS])
@pytest.mark.parametrize("fault", ["no_metric", "two_metrics"])
def test_a_metric_that_cannot_be_resolved_is_loud(
    world: World, tmp_path: Path, stream: str, fault: str
) -> None:
    """No report is asked for on a guess: the stream stops and says what to set."""
    world.faults.plant(Fault(fault, "klaviyo"))
    wire = Wire(world)
    with pytest.raises(ContractChanged, match="conversion metric") as caught:
        wire.silver(stream, MONTH, tmp_path)
    assert "conversion_metric_id" in caught.value.hint
    assert not [request for request in wire.sent if request.method == "POST"]


@pytest.mark.parametrize(
    "option", [{"conversion_integration": "Shopify"}, {"conversion_metric_id": "ID"}]
)
def test_an_option_settles_which_metric(
    world: World, tmp_path: Path, option: dict[str, str]
) -> None:
    """By its integration, or by its id; then nothing is looked up."""
    metric_id = dict(ledger(world, "campaign_values")[0][2])["conversion_metric_id"]
    chosen = {name: text.replace("ID", str(metric_id)) for name, text in option.items()}
    wire = Wire(world, **chosen)
    rows = wire.silver("campaign_values", MONTH, tmp_path)
    assert {row["conversion_metric_id"] for row in rows} == {metric_id}
    looked_up = any(request.path == "/api/metrics" for request in wire.sent)
    assert looked_up is ("conversion_integration" in option)


def test_another_revision_is_told(world: World) -> None:
    """A server that falls forward is noticed at the first answer."""
    world.faults.plant(Fault("other_revision", "klaviyo", times=None))
    wire = Wire(world)
    list(wire.pages("flow_series", MONTH))
    [warning] = set(wire.warnings)
    assert REVISION in warning
    assert "2025-01-15" in warning


def test_a_list_that_is_deleted_meanwhile_is_passed_over(world: World, tmp_path: Path) -> None:
    """404 for one list costs that list only."""
    fault = Fault("not_found", "klaviyo", path="/api/lists/*", after=2)
    world.faults.plant(fault)
    wire = Wire(world)
    rows = wire.silver("subscribers", Window(TODAY, TODAY), tmp_path)
    assert len(rows) == len(ledger(world, "subscribers")) - 1
    assert [text for text in wire.warnings if "was deleted" in text]


def test_the_numbers_of_a_deleted_campaign_are_refused(world: World, tmp_path: Path) -> None:
    """Without the campaign nobody knows the day: its rows wait in quarantine."""
    world.faults.plant(Fault("forget_campaign", "klaviyo"))
    rows = Wire(world).silver("campaign_values", HISTORY, tmp_path)
    assert {row["rule"] for row in rows} == {None, "campaign_unknown"}


@pytest.mark.parametrize(
    "spoiled",
    [
        ("not_a_number", "campaign_values", "recipients_not_an_integer"),
        ("not_a_number", "flow_series", "recipients_not_an_integer"),
        ("misaligned_series", "flow_series", "series_misaligned"),
        ("unknown_field", "campaign_values", None),
        ("missing_statistic", "campaign_values", None),
    ],
)
def test_a_spoiled_result_costs_one_row(
    world: World, tmp_path: Path, spoiled: tuple[str, str, str | None]
) -> None:
    """The neighbours of a row that cannot be read arrive."""
    fault, stream, rule = spoiled
    planted = world.faults.plant(Fault(fault, "klaviyo"))
    rows = Wire(world).silver(stream, MONTH, tmp_path)
    assert planted.fired == 1
    assert [row["rule"] for row in rows if row["rule"]] == ([rule] if rule else [])
    assert len([row for row in rows if row["rule"] is None]) > 5


@pytest.mark.parametrize("stream", STREAMS)
def test_nothing_personal_is_kept(world: World, stream: str) -> None:
    """No page holds an address, a segment's conditions, or the key."""
    wire = Wire(world)
    kept = b"".join(wire.pages(stream, Window(TODAY, TODAY))).decode()
    assert kept
    assert not [word for word in ("@", "condition", "sender", "Ring 1", wire.key) if word in kept]


@pytest.mark.parametrize("stream", ["attributed_revenue", *REPORTS])
def test_a_cursor_that_leads_nowhere_is_refused(world: World, stream: str) -> None:
    """A next page that is this page, a foreign host, and a cursor that Klaviyo itself refuses."""
    world.faults.plant(Fault("cursor_loop", "klaviyo", times=None))
    with pytest.raises(CursorRejected):
        list(Wire(world).pages(stream, MONTH))
    world.faults.clear()
    world.faults.plant(Fault("foreign_next", "klaviyo", path="/api/metrics"))
    with pytest.raises(ContractChanged):
        list(Wire(world).pages(stream, MONTH))


def test_a_refused_cursor_starts_the_slice_again(world: World) -> None:
    """Klaviyo says so with 400 and the parameter's name."""
    world.faults.plant(Fault("bad_cursor", "klaviyo"))
    world.faults.plant(Fault("small_pages", "klaviyo", times=None))
    with pytest.raises(CursorRejected):
        list(Wire(world).pages("flow_series", MONTH))


@dataclass
class Rig:
    """A client as the pipeline builds it, and its breaker."""

    client: Client
    breakers: MemoryBreakers
    clock: FakeClock

    def ask(self, wire: Wire) -> None:
        """Exchange the first request of a slice."""
        work = wire.work("flow_series", MONTH)
        request = connector.ask(work, wire.options)
        self.client.exchange(
            request, lambda response: connector.read(work, wire.options, request, response)
        )

    def open_for(self) -> float | None:
        """Return how long the breaker stays open; None when it is closed."""
        now = self.clock.now()
        allowed, _, until = self.breakers.admit(
            connector.manifest.breaker, owner="test", now=now, lease_seconds=1
        )
        return None if allowed or until is None else (until - now).total_seconds()


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world."""
    with serve(world) as sandbox:
        yield sandbox


@pytest.fixture
def rig(world: World, sandbox: Sandbox) -> Iterator[Rig]:
    """Return a client that talks to the sandbox over HTTP, and never really waits."""
    manifest, clock, breakers = connector.manifest, FakeClock(), MemoryBreakers()
    name, prefix = manifest.auth_header
    client = Client(
        Endpoints({"api": f"{sandbox.url}/klaviyo"}),
        settings=TransportSettings(),
        breaker=Breaker(manifest.breaker, breakers, clock=clock, settings=BreakerSettings()),
        throttle=Throttle(requests_per_second=1000, burst=1000, clock=clock),
        auth=HeaderToken(name, Wire(world).key, prefix=prefix),
        clock=clock,
        random=random.Random(7),
        record=lambda _call: None,
    )
    with client:
        yield Rig(client, breakers, clock)


PERMANENT: list[tuple[str, type[TacticsError], str]] = [
    ("auth", CredentialError, "tactics auth set"),
    ("forbidden", PermissionDenied, "metrics:read"),
    ("invalid", ContractChanged, ""),
    ("bad_metric", ContractChanged, "conversion_metric"),
    ("not_found", ContractChanged, ""),
    ("conflict", ContractChanged, ""),
    ("gone", ContractChanged, "upgrade"),
]


@pytest.mark.parametrize("row", PERMANENT, ids=[row[0] for row in PERMANENT])
def test_what_a_retry_cannot_help_is_not_retried(
    world: World, rig: Rig, row: tuple[str, type[TacticsError], str]
) -> None:
    """One attempt, the class that says who acts next, and a breaker that stays closed."""
    fault, kind, hint = row
    wire = Wire(world)
    wire.account()
    planted = world.faults.plant(Fault(fault, "klaviyo", times=None))
    with pytest.raises(kind) as caught:
        rig.ask(wire)
    assert type(caught.value) is kind
    assert hint in caught.value.hint
    assert planted.fired == 1
    assert rig.open_for() is None


@pytest.mark.parametrize("fault", ["http_500", "http_502", "http_503", "http_504", "http_524"])
def test_a_vendor_that_is_down_opens_the_breaker(world: World, rig: Rig, fault: str) -> None:
    """Each attempt is retried after 1, 2 and 4 s; the fifth failure in a row opens."""
    wire = Wire(world)
    wire.account()
    planted = world.faults.plant(Fault(fault, "klaviyo", times=None))
    with pytest.raises(UpstreamUnavailable):
        rig.ask(wire)
    assert planted.fired == 4
    assert rig.open_for() is None
    with pytest.raises(UpstreamUnavailable):
        rig.ask(wire)
    assert planted.fired == 5
    assert rig.open_for() == 300


@pytest.mark.parametrize("seconds", [1, 40])
def test_a_short_limit_is_waited_for(world: World, rig: Rig, seconds: int) -> None:
    """A Retry-After of up to two minutes is slept, and the call repeated."""
    wire = Wire(world)
    wire.account()
    world.faults.plant(Fault("rate_limit", "klaviyo", options={"seconds": seconds}))
    rig.ask(wire)
    assert seconds <= sum(rig.clock.slept) <= seconds + 1
    assert rig.open_for() is None


def test_a_limit_of_hours_parks_the_source(world: World, rig: Rig) -> None:
    """The day's quota is gone: no retry, nothing is slept, the breaker opens until it is back."""
    wire = Wire(world)
    wire.account()
    planted = world.faults.plant(
        Fault("rate_limit", "klaviyo", times=None, options={"seconds": 73_473})
    )
    with pytest.raises(RateLimited) as caught:
        rig.ask(wire)
    assert caught.value.retry_after_seconds == 73_473
    assert planted.fired == 1
    assert rig.clock.slept == []
    assert rig.open_for() == 73_473


@pytest.fixture
def sdk(world: World, sandbox: Sandbox) -> KlaviyoAPI:
    """Return Klaviyo's client for the sandbox, at our revision."""
    client = KlaviyoAPI(
        Wire(world).key, test_host=f"{sandbox.url}/klaviyo", max_retries=1, max_delay=1
    )
    client.api_client.default_headers["revision"] = REVISION
    return client


def report_body(world: World, kind: str, **more: object) -> dict[str, Any]:
    """Return the question for a report of October."""
    attributes = {
        "statistics": list(STATISTICS),
        "timeframe": {"start": "2026-10-01T00:00:00+00:00", "end": "2026-10-31T23:59:59+00:00"},
        "conversion_metric_id": dict(ledger(world, "flow_series")[0][2])["conversion_metric_id"],
        **more,
    }
    return {"data": {"type": kind, "attributes": attributes}}


def cursor_in(link: str) -> str:
    """Return the cursor of a link: the SDK finds it itself only behind https."""
    return next(iter(parse_qs(urlsplit(link).query).values()))[0]


def test_the_sdk_reads_lists_segments_and_their_sizes(world: World, sdk: KlaviyoAPI) -> None:
    """The SDK's strict models take every page, and the sizes are the ledger's."""
    first = sdk.Lists.get_lists()
    second = sdk.Lists.get_lists(page_cursor=cursor_in(first.links.next))
    assert (len(first.data), second.links.next) == (10, None)
    found = {
        ("list", item.id): sdk.Lists.get_list(item.id, additional_fields_list=["profile_count"])
        for item in (*first.data, *second.data)
    } | {
        ("segment", item.id): sdk.Segments.get_segment(
            item.id, additional_fields_segment=["profile_count"]
        )
        for item in sdk.Segments.get_segments().data
    }
    sizes = {
        f"{kind}|{key}": one.data.attributes.profile_count for (kind, key), one in found.items()
    }
    assert sizes == {
        entity: dict(values)["profile_count"] for entity, _, values in ledger(world, "subscribers")
    }


def test_the_sdk_reads_account_metrics_and_flows(sdk: KlaviyoAPI) -> None:
    """Time zone and currency, the conversion metric by its integration, flows by state."""
    about = sdk.Accounts.get_accounts().data[0].attributes
    metrics = sdk.Metrics.get_metrics(filter='equals(integration.name,"Shopify")').data
    archived = sdk.Flows.get_flows(filter="equals(archived,true)").data
    assert (about.timezone, about.preferred_currency) == ("Europe/Vienna", "EUR")
    assert [metric.attributes.name for metric in metrics] == ["Placed Order", "Refunded Order"]
    assert [flow.attributes.name for flow in archived] == ["Win-back"]


def test_the_sdk_reads_the_campaign_report(world: World, sdk: KlaviyoAPI) -> None:
    """Every message of October is there; what goes out in November is not in its numbers."""
    body = report_body(world, "campaign-values-report", filter='equals(send_channel,"email")')
    rows = sdk.Reporting.query_campaign_values(body).data.attributes.results
    found = {row.groupings["campaign_message_id"]: row.statistics for row in rows}
    whole = [
        found[entity.partition("|")[2]]["conversion_value"]
        == float(dict(values)["conversion_value"])
        for entity, day, values in ledger(world, "campaign_values", MONTH)
        if day < MONTH.end
    ]
    assert len(whole) > 10
    assert all(whole)


def test_the_sdk_reads_the_flow_report(world: World, sdk: KlaviyoAPI) -> None:
    """One array per statistic, aligned with the days, equal to the ledger."""
    answer = sdk.Reporting.query_flow_series(
        report_body(world, "flow-series-report", interval="daily")
    )
    report = answer.data.attributes
    found = {
        (row.groupings["flow_message_id"], moment.date()): Decimal(str(value))
        for row in report.results
        for moment, value in zip(report.date_times, row.statistics["conversion_value"], strict=True)
    }
    expected = {
        (entity.partition("|")[2], day): dict(values)["conversion_value"]
        for entity, day, values in ledger(world, "flow_series", MONTH)
    }
    assert {key: value for key, value in found.items() if key in expected} == expected


def test_the_sdk_reads_attributed_revenue(world: World, sdk: KlaviyoAPI) -> None:
    """Sums by day and message, equal to the ledger."""
    attributes = {
        "metric_id": dict(ledger(world, "flow_series")[0][2])["conversion_metric_id"],
        "measurements": ["count", "sum_value"],
        "by": ["$attributed_message"],
        "filter": [
            "greater-or-equal(datetime,2026-10-01T00:00:00)",
            "less-than(datetime,2026-11-01T00:00:00)",
            'equals($attributed_channel,"email")',
        ],
        "timezone": "Europe/Vienna",
    }
    answer = sdk.Metrics.query_metric_aggregates({
        "data": {"type": "metric-aggregate", "attributes": attributes}
    })
    rows = answer.data.attributes.data
    total = sum(Decimal(str(value)) for row in rows for value in row.measurements["sum_value"])
    expected = ledger(world, "attributed_revenue", MONTH)
    assert total == sum(dict(values)["revenue"] for _, _, values in expected)


def test_the_sdk_meets_the_errors(world: World, sdk: KlaviyoAPI) -> None:
    """A missing filter and a missing scope are refused in the form that the SDK reads."""
    with pytest.raises(ApiException) as refused:
        sdk.Campaigns.get_campaigns()
    world.faults.plant(Fault("forbidden", "klaviyo", options={"scope": "lists:read"}))
    with pytest.raises(ApiException) as forbidden:
        sdk.Lists.get_lists()
    assert (refused.value.status, forbidden.value.status) == (400, 403)
    assert json.loads(refused.value.body)["errors"][0]["source"] == {"parameter": "filter"}


def test_the_real_limits_are_counted(tmp_path: Path) -> None:
    """At Klaviyo's own limits the third report of a minute is refused, and ours never asks it."""
    clock = FakeClock()
    world = World(
        today=TODAY,
        days=DAYS,
        sources=("klaviyo",),
        clock=clock,
        limits=Limits(klaviyo_limit_factor=1),
    )
    wire = Wire(world, pause=clock.sleep)
    for _ in range(3):
        wire.silver("flow_series", MONTH, tmp_path)
    assert 60 <= clock.monotonic() <= 70
