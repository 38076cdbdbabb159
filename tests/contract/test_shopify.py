"""The Shopify connector against the simulated shop, over HTTP: silver is the shop's own ledger."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tactics.connectors import Step
from tactics.connectors.shopify import connector
from tactics.connectors.shopify.queries import variables_of
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    DecodeError,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox.scene import Limits
from tactics.transport import Request
from tests.unit.connectors.builders import Silver
from tests.unit.connectors.shopify.rig import Rig, open_rig

TODAY = dt.date(2026, 11, 21)
HISTORY = Window(TODAY - dt.timedelta(days=20), TODAY)
WEEK = Window(TODAY - dt.timedelta(days=6), TODAY)
TABLES = {
    "orders": "orders",
    "refunds": "order_refunds",
    "customers": "customers",
    "products": "products",
}
BULK_ONLY: dict[str, object] = {"bulk_over_days": 1}
PAGES_ONLY: dict[str, object] = {"bulk_over_days": 0}


def new_world() -> World:
    """Return a world of two shops, with more points than all tests of this file need.

    Points come back by the shop's own clock, while the clock of the client only pretends to wait.
    """
    limits = Limits(shopify_points_per_second=10_000)
    return World(today=TODAY, days=20, sources=("shopify", "stripe"), limits=limits)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """Serve a world that no test changes, faults apart."""
    with serve(new_world()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """Return the served world, healed afterwards."""
    shared.clear_requests()
    yield shared
    shared.world.faults.clear()


@pytest.fixture
def rig(sandbox: Sandbox) -> Iterator[Rig]:
    """Return the connection of acme's shop, which never uses bulk operations for their length."""
    with open_rig(sandbox.world, sandbox, **PAGES_ONLY) as rig:
        yield rig


@pytest.fixture
def fresh() -> Iterator[Rig]:
    """Return the same over a world of its own, to be changed."""
    with serve(new_world()) as sandbox, open_rig(sandbox.world, sandbox, **PAGES_ONLY) as rig:
        yield rig


def fetch(
    rig: Rig, stream: str, tmp_path: Path, window: Window | None = None, **changes: Any
) -> list[dict[str, Any]]:
    """Return the silver rows of a slice, by default of the whole history."""
    silver = Silver(connector, stream, tmp_path)
    try:
        rig.fetch(rig.work(stream, window or HISTORY, **changes), silver)
        return silver.rows()
    finally:
        silver.connection.close()


def held(rows: list[dict[str, Any]], facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return of each row the columns that the ledger knows, by entity."""
    names = next(iter(facts.values())).keys()
    return {row["entity_id"]: {name: row[name] for name in names} for row in rows}


def ledger(world: World, stream: str, org_id: str = "acme") -> dict[str, dict[str, Any]]:
    """Return the facts of a table, with their day as `date`."""
    return {
        fact.entity_id: {**fact.values, "date": fact.day}
        for fact in world.totals().of(org_id).facts
        if fact.table == TABLES[stream]
    }


def is_open(rig: Rig) -> bool:
    """Return whether the breaker leaves the shop alone."""
    allowed, _, _ = rig.breakers.admit(
        "shopify_breaker", owner="test", now=rig.clock.now(), lease_seconds=60
    )
    return not allowed


@pytest.mark.parametrize("org_id", ["acme", "globex"])
@pytest.mark.parametrize("extra", [BULK_ONLY, PAGES_ONLY], ids=["bulk", "pages"])
@pytest.mark.parametrize("stream", ["orders", "refunds", "customers"])
def test_silver_is_the_ledger(
    sandbox: Sandbox, tmp_path: Path, *, stream: str, extra: dict[str, object], org_id: str
) -> None:
    """Static token and client credentials, pages and bulk file: each row, to the cent, once."""
    with open_rig(sandbox.world, sandbox, org_id, **extra) as rig:
        rows = fetch(rig, stream, tmp_path)
        facts = ledger(sandbox.world, stream, org_id)
        assert {row["rule"] for row in rows} == {None}
        assert held(rows, facts) == facts
        assert len(rows) == len(facts)
        assert bool(rig.jobs) == (extra is BULK_ONLY)


@pytest.mark.parametrize("deep", [False, True])
def test_products_of_every_status_are_the_ledgers(
    fresh: Rig, tmp_path: Path, *, deep: bool
) -> None:
    """Drafts, archived and unlisted ones too; a deleted one is gone from the snapshot."""
    fresh.world.actions()["delete_product"]()
    rows = fetch(fresh, "products", tmp_path, Window(TODAY, TODAY), deep=deep)
    facts = ledger(fresh.world, "products")
    assert held(rows, facts) == facts
    assert {row["status"] for row in rows} == {"ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"}


def test_day_windows_meet_without_gap_or_overlap(rig: Rig, tmp_path: Path) -> None:
    """Orders by the shop's own days are in exactly one window; their sum is the ledger's."""
    silver = Silver(connector, "orders", tmp_path)
    for day in WEEK.days():
        rig.fetch(rig.work("orders", Window(day, day)), silver)
    rows = silver.rows()
    silver.connection.close()
    ids = [row["entity_id"] for row in rows]
    recent = fetch(rig, "orders", tmp_path, WEEK)
    assert sorted(ids) == sorted({row["entity_id"] for row in recent})


def test_an_old_order_comes_again_when_it_changes(fresh: Rig, tmp_path: Path) -> None:
    """A refund or an edit of an order of last month is found in today's window, not in its own."""
    today = Window(TODAY, TODAY)
    refunded, edited = (fresh.world.actions()[act]() for act in ("refund_order", "edit_order"))
    orders = {row["order_name"]: row for row in fetch(fresh, "orders", tmp_path, today)}
    assert {refunded, edited} <= orders.keys()
    assert orders[refunded]["date"] < TODAY - dt.timedelta(days=14)
    assert orders[refunded]["financial_status"] == "REFUNDED"
    refunds = fetch(fresh, "refunds", tmp_path, today)
    by_order = {row["order_id"]: row for row in refunds}
    assert by_order[orders[refunded]["order_id"]]["date"] == TODAY
    facts = ledger(fresh.world, "orders")
    rows = held([orders[refunded], orders[edited]], facts)
    assert rows == {entity_id: facts[entity_id] for entity_id in rows}


def test_an_order_that_changes_during_paging_is_not_lost(fresh: Rig, tmp_path: Path) -> None:
    """It moves to the end of the list and comes twice; nothing slips through between two pages."""
    work = fresh.work("orders", HISTORY)
    request = connector.ask(work, fresh.options)
    pages = []
    while request is not None:
        sent = request
        step = fresh.client.exchange(sent, lambda r: connector.read(work, fresh.options, sent, r))  # noqa: B023
        pages.append(json.loads(step.page or b"{}"))
        if len(pages) == 2:
            changed = fresh.world.actions()["edit_order"]()
        request = step.next
    names = [node["name"] for page in pages for node in page["data"]["orders"]["nodes"]]
    assert names.count(changed) == 2
    assert len(set(names)) == len(ledger(fresh.world, "orders"))


def test_orders_have_the_names_that_stripe_knows(rig: Rig, tmp_path: Path) -> None:
    """Every Stripe charge in the shop's currency is an order of that name, gateway and amount."""
    rows = {row["order_name"]: row for row in fetch(rig, "orders", tmp_path)}
    books = rig.world._scene.payments("acme")
    charges = [c for c in books.charges if c.txn.currency == "EUR" and c.created <= books.now]
    assert len(charges) > 100
    for charge in charges:
        row = rows.pop(charge.order)
        assert (row["gateways"], int(row["total"] * 100)) == ("stripe", charge.txn.amount)
    assert {row["gateways"] for row in rows.values()} >= {"paypal", "manual"}


def test_no_personal_data_is_kept_or_asked_for(rig: Rig, tmp_path: Path) -> None:
    """E-mail addresses are keyed hashes before anything is stored; names and notes are not asked."""
    silver = Silver(connector, "customers", tmp_path)
    rig.fetch(rig.work("customers", HISTORY), silver)
    rows = silver.rows()
    [(pages,)] = silver.connection.execute("SELECT string_agg(payload) FROM pages").fetchall()
    silver.connection.close()
    assert "@" not in pages
    assert len({row["email_hash"] for row in rows}) == len(rows)
    assert all(len(row["email_hash"]) == 64 for row in rows)
    asked = b"".join(request.body for request in rig.asked)
    for name in (b"displayName", b"city", b"note", b"clientIp", b"statusPageUrl", b"landingPage"):
        assert name not in asked


@dataclass(frozen=True)
class Row:
    """One row of the error table: what the shop does, our class, and the breaker after one try."""

    fault: str
    kind: type[TacticsError]
    opens: bool = False
    options: dict[str, object] = field(default_factory=dict)
    wait: float | None = None


ERRORS = [
    Row("throttled", RateLimited, opens=True, wait=3.52),
    Row("rate_limit", RateLimited, opens=True, wait=2.0),
    Row("internal_error", UpstreamUnavailable),
    Row("http_500", UpstreamUnavailable),
    Row("http_503", UpstreamUnavailable),
    Row("disconnect", UpstreamUnavailable),
    Row("auth_expired", CredentialError),
    Row("no_access", PermissionDenied),
    Row("permission", PermissionDenied),
    Row("payment_required", PermissionDenied),
    Row("shop_inactive", PermissionDenied),
    Row("locked", PermissionDenied),
    Row("wrong_shop", ContractChanged),
    Row("security", RateLimited, opens=True, wait=3600.0),
    Row("partial_error", UpstreamUnavailable),
    Row("partial_error", ContractChanged, options={"code": "SANDBOX_NEW"}),
    Row("unknown_error", ContractChanged),
    Row("truncated_json", DecodeError),
    Row("html_200", DecodeError),
    Row("cursor_loop", CursorRejected),
    Row("cross_host_redirect", ContractChanged),
]


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: f"{row.fault}-{row.kind.__name__}")
def test_the_error_table(rig: Rig, row: Row) -> None:
    """Each row ends in its class, waits as long as the shop says, and opens the breaker or not."""
    work = rig.work("orders", WEEK)
    fault = rig.world.faults.plant(Fault(row.fault, "shopify", times=None, options=row.options))
    with pytest.raises(TacticsError) as caught:
        rig.fetch(work, retries=0)
    assert fault.fired >= 1
    assert type(caught.value) is row.kind
    assert is_open(rig) is row.opens
    if row.wait is not None:
        assert getattr(caught.value, "retry_after_seconds", None) == pytest.approx(row.wait)


@pytest.mark.parametrize("name", ["internal_error", "http_503", "partial_error"])
def test_five_transient_failures_open_the_breaker(rig: Rig, name: str) -> None:
    """What passes by itself is tried again; after the fifth failure in a row the shop is left alone."""
    work = rig.work("orders", WEEK)
    rig.world.faults.plant(Fault(name, "shopify", times=None))
    with pytest.raises(UpstreamUnavailable):
        rig.fetch(work, retries=4)
    assert is_open(rig)


@pytest.mark.parametrize("name", ["throttled", "rate_limit", "internal_error", "http_500"])
def test_what_passes_costs_no_row(rig: Rig, tmp_path: Path, name: str) -> None:
    """One refusal is waited out, and the same page is asked again."""
    fault = rig.world.faults.plant(Fault(name, "shopify", after=3))
    rows = fetch(rig, "orders", tmp_path)
    assert fault.fired == 1
    assert len(rows) == len(ledger(rig.world, "orders"))
    assert not is_open(rig)


def test_a_low_bucket_is_waited_for_before_it_is_empty(rig: Rig, tmp_path: Path) -> None:
    """The pause is what is missing for the same query, at the rate at which points come back."""
    rig.world.faults.plant(Fault("low_bucket", "shopify", after=1))
    fetch(rig, "orders", tmp_path, WEEK)
    assert any(0.03 < pause < 0.06 for pause in rig.clock.slept)  # some 450 points, 10,000 a second


def test_a_query_that_costs_too_much_is_made_smaller(rig: Rig, tmp_path: Path) -> None:
    """The page size is halved until the shop takes it; no row is lost."""
    rig.world.faults.plant(Fault("max_cost", "shopify", times=None, options={"over_first": 7}))
    rows = fetch(rig, "orders", tmp_path, WEEK)
    sizes = [variables_of(request)["first"] for request in rig.asked]
    assert sizes[:3] == [25, 12, 6]
    assert set(sizes[2:]) == {6}
    assert len(rows) == len(fetch(rig, "orders", tmp_path, WEEK))


def test_one_object_that_costs_too_much_is_read_in_bulk(rig: Rig, tmp_path: Path) -> None:
    """Below one object a page there is only the bulk operation, which costs no points."""
    today = Window(TODAY, TODAY)
    whole = fetch(rig, "orders", tmp_path, today)
    rig.world.faults.plant(Fault("max_cost", "shopify", times=None, options={"over_first": 0}))
    assert len(fetch(rig, "orders", tmp_path, today)) == len(whole)
    assert rig.jobs


@pytest.mark.parametrize("deep", [False, True])
def test_a_denied_field_is_left_out(rig: Rig, tmp_path: Path, *, deep: bool) -> None:
    """Without the right to see e-mail addresses the customers come without a hash, all of them."""
    name = "bulk_failed" if deep else "access_denied"
    options: dict[str, object] = {"error_code": "ACCESS_DENIED"} if deep else {}
    times = 1 if deep else None
    fault = rig.world.faults.plant(Fault(name, "shopify", times=times, options=options))
    rows = fetch(rig, "customers", tmp_path, deep=deep)
    assert fault.fired == 1
    assert len(rows) == len(ledger(rig.world, "customers"))
    assert {row["email_hash"] for row in rows} == {None}
    assert {row["rule"] for row in rows} == {None}


def test_a_version_that_has_ended_is_told(rig: Rig, tmp_path: Path) -> None:
    """Shopify answers with a newer version instead of an error: that is a warning of ours."""
    rig.world.faults.plant(Fault("fall_forward", "shopify", times=None))
    fetch(rig, "orders", tmp_path, WEEK)
    assert any("2026-07 has ended, 2026-10 answers" in warning for warning in rig.warnings)


def test_missing_history_is_told(rig: Rig, tmp_path: Path) -> None:
    """Without read_all_orders the shop hides orders older than 60 days, silently."""
    rig.world.faults.plant(Fault("without_all_orders", "shopify", times=None))
    fetch(rig, "orders", tmp_path, HISTORY)
    assert rig.warnings == []
    fetch(rig, "orders", tmp_path, Window(TODAY - dt.timedelta(days=61), TODAY))
    assert any("read_all_orders" in warning for warning in rig.warnings)


def test_an_expired_token_is_minted_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """A day later the app's token has run out: 401, a new token, and the page."""
    with open_rig(sandbox.world, sandbox, "globex", **PAGES_ONLY) as rig:
        work, silver = rig.work("orders", WEEK), Silver(connector, "orders", tmp_path)
        sandbox.world.actions()["expire_shopify_tokens"]()
        rig.fetch(work, silver, retries=0)
        assert silver.rows()
        silver.connection.close()
        refused = [entry for entry in rig.sandbox.requests if entry.status == 401]
        minted = [entry for entry in rig.sandbox.requests if "access_token" in entry.path]
        assert (len(refused), len(minted)) == (1, 2)
        assert not is_open(rig)


def test_a_secret_that_is_wrong_needs_a_person(sandbox: Sandbox) -> None:
    """When no new token can be had either, somebody has to look at the app."""
    with open_rig(sandbox.world, sandbox, "globex") as rig:
        sandbox.world.faults.plant(Fault("auth_expired", "shopify", times=None))
        with pytest.raises(CredentialError):
            rig.account()
        assert not is_open(rig)


def test_an_empty_page_in_the_middle_costs_no_row(rig: Rig, tmp_path: Path) -> None:
    """A page may be empty and still have a next one."""
    fault = rig.world.faults.plant(Fault("empty_page_with_next", "shopify", after=3))
    rows = fetch(rig, "orders", tmp_path)
    assert fault.fired == 1
    assert len(rows) > len(ledger(rig.world, "orders")) - 26


@pytest.mark.parametrize(
    ("name", "rules"), [("not_a_number", {None, "total_not_a_number"}), ("unknown_field", {None})]
)
def test_a_spoiled_record_hurts_nobody_else(
    rig: Rig, tmp_path: Path, name: str, rules: set[str | None]
) -> None:
    """An amount that is none is refused with its rule; a field that nobody asked for is dropped."""
    rig.world.faults.plant(Fault(name, "shopify", times=1, after=1))
    rows = fetch(rig, "orders", tmp_path)
    assert {row["rule"] for row in rows} == rules
    assert len(rows) == len(ledger(rig.world, "orders"))


@pytest.mark.parametrize("name", ["bulk_limit_reached", "bulk_in_progress"])
def test_a_busy_shop_is_waited_for(rig: Rig, tmp_path: Path, name: str) -> None:
    """Other operations occupy the shop: ours is started later, once."""
    fault = rig.world.faults.plant(Fault(name, "shopify", times=3))
    rows = fetch(rig, "orders", tmp_path, deep=True)
    assert fault.fired == 3
    assert len(rows) == len(ledger(rig.world, "orders"))
    assert len(set(rig.jobs)) == 1
    assert sum(rig.clock.slept) > 10


@pytest.mark.parametrize(
    ("name", "jobs"),
    [
        ("bulk_failed", 2),
        ("bulk_canceled", 2),
        ("bulk_expired", 2),
        ("bulk_lost_link", 2),
        ("bulk_forgotten", 2),
        ("bulk_new_state", 1),
        ("expired_link", 1),
        ("short_file", 1),
    ],
)
def test_a_bulk_operation_that_goes_wrong_once(
    rig: Rig, tmp_path: Path, name: str, jobs: int
) -> None:
    """It is done again, or its link is; a partial file is never taken for the whole."""
    fault = rig.world.faults.plant(Fault(name, "shopify"))
    rows = fetch(rig, "orders", tmp_path, deep=True)
    assert fault.fired == 1
    assert len(rows) == len(ledger(rig.world, "orders"))
    assert len(set(rig.jobs)) == jobs


@pytest.mark.parametrize("name", ["bulk_failed", "bulk_canceled", "bulk_forgotten", "expired_link"])
def test_a_bulk_operation_that_always_goes_wrong(rig: Rig, tmp_path: Path, name: str) -> None:
    """After two new operations the window is too large; a single day says so."""
    rig.world.faults.plant(Fault(name, "shopify", times=None))
    with pytest.raises(SliceTooLarge):
        fetch(rig, "orders", tmp_path, Window(TODAY, TODAY), deep=True)
    assert len(set(rig.jobs)) == 3


def test_a_denied_bulk_operation_names_no_field(rig: Rig, tmp_path: Path) -> None:
    """Every optional field is left out in turn; then the stream is not permitted."""
    options: dict[str, object] = {"error_code": "ACCESS_DENIED"}
    rig.world.faults.plant(Fault("bulk_failed", "shopify", times=None, options=options))
    with pytest.raises(PermissionDenied):
        fetch(rig, "orders", tmp_path, WEEK, deep=True)
    assert len(set(rig.jobs)) == 3


def test_a_large_file_is_asked_for_in_halves(rig: Rig, tmp_path: Path) -> None:
    """Shopify tells the size before the download: what is too large is cut into windows."""
    rig.world.faults.plant(Fault("bulk_too_large", "shopify"))
    rows = fetch(rig, "orders", tmp_path, deep=True)
    assert len({row["entity_id"] for row in rows}) == len(ledger(rig.world, "orders"))
    assert len(set(rig.jobs)) == 3


def test_a_window_without_orders_is_an_empty_page(rig: Rig, tmp_path: Path) -> None:
    """A bulk operation that found nothing has no file; the window is still complete."""
    empty = Window(TODAY - dt.timedelta(days=300), TODAY - dt.timedelta(days=270))
    silver = Silver(connector, "orders", tmp_path)
    rig.fetch(rig.work("orders", empty, deep=True), silver)
    [(pages,)] = silver.connection.execute("SELECT count(*) FROM pages").fetchall()
    assert (pages, silver.rows()) == (1, [])
    silver.connection.close()


@pytest.mark.parametrize("confirmed", [True, False], ids=["known", "answer lost"])
def test_a_restart_goes_on_with_the_operation(rig: Rig, tmp_path: Path, *, confirmed: bool) -> None:
    """Nothing is started again, by its id or, when nobody heard of that, by its query."""
    first = rig.work("orders", HISTORY, deep=True)

    def take(request: Request) -> Step:
        return rig.client.exchange(
            request, lambda response: connector.read(first, rig.options, request, response)
        )

    looked = take(connector.ask(first, rig.options))
    assert looked.next is not None
    started = take(looked.next)
    rows = fetch(rig, "orders", tmp_path, job=started.job if confirmed else looked.job)
    assert len(rows) == len(ledger(rig.world, "orders"))
    assert set(rig.jobs) == {started.job}


def test_long_lists_of_refunds_are_read_whole(fresh: Rig, tmp_path: Path) -> None:
    """An order with more refunds than the page asks for is asked for again, with longer lists."""
    for _ in range(58):
        fresh.world.actions()["refund_order"](order="#1001", amount="0.1")
    rows = fetch(fresh, "refunds", tmp_path)
    facts = ledger(fresh.world, "refunds")
    assert len(facts) > 58
    assert held(rows, facts) == facts
    sizes = [variables_of(request)["nested"] for request in fresh.asked]
    assert sizes[-3:] == [5, 50, 250]


def test_the_file_is_downloaded_without_the_token(rig: Rig, tmp_path: Path) -> None:
    """The host of the files is not Shopify's: the simulator refuses whoever shows it a token."""
    rows = fetch(rig, "orders", tmp_path, deep=True)
    assert rows
    assert any(entry.path.startswith("/shopify/files/") for entry in rig.sandbox.requests)
