"""The Stripe simulator: cursors, filters, errors, and objects whose state depends on the date."""

import base64
import datetime as dt

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call
from tests.unit.sandbox.asking import ORIGIN, ask_stripe

TODAY = dt.date(2026, 11, 21)
LIST = "balance_transactions"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("stripe",))


def ids(world: World, *query: tuple[str, str], kind: str = LIST) -> list[str]:
    """Return the ids of one page."""
    return [item["id"] for item in ask_stripe(world, kind, *query).document["data"]]


def test_a_page_starts_after_the_cursor(world: World) -> None:
    """`starting_after` goes back in time, `ending_before` forward; ten is the default."""
    first = ids(world)
    second = ids(world, ("starting_after", first[-1]))

    assert len(first) == 10
    assert not set(first) & set(second)
    assert ids(world, ("ending_before", second[0])) == first
    assert ids(world, ("limit", "20")) == first + second


def test_new_transactions_do_not_move_the_pages(world: World) -> None:
    """Paging on from a cursor gives the same rows after a day has passed."""
    first = ids(world, ("limit", "50"))
    second = ids(world, ("limit", "50"), ("starting_after", first[-1]))
    world.advance()

    assert ids(world, ("limit", "50"), ("starting_after", first[-1])) == second


def test_several_charges_share_a_second(world: World) -> None:
    """Ties stand at the edges of some days."""
    created = [
        item["created"] for item in ask_stripe(world, LIST, ("limit", "100")).document["data"]
    ]

    assert len(set(created)) < len(created)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (("limit", "101"), 400, "parameter_invalid_integer"),
        (("limit", "many"), 400, "parameter_invalid_integer"),
        (("nonsense", "1"), 400, "parameter_unknown"),
        (("starting_after", "txn_gone"), 400, "resource_missing"),
        (("expand[]", "data.nonsense"), 400, None),
    ],
)
def test_wrong_requests_are_refused(
    world: World, query: tuple[str, str], status: int, code: str | None
) -> None:
    """Each mistake gets the vendor's own code."""
    reply = ask_stripe(world, LIST, query)

    assert (reply.status, reply.document["error"].get("code")) == (status, code)


def test_a_missing_object_is_404(world: World) -> None:
    """One object by its id, known or not; and a list that does not exist."""
    known = ids(world)[0]

    assert ask_stripe(world, f"{LIST}/{known}").document["id"] == known
    assert ask_stripe(world, f"{LIST}/txn_gone").status == 404
    assert ask_stripe(world, "unicorns").status == 404


@pytest.mark.parametrize(
    "authorization", ["", "Bearer rk_test_wrong", "Basic cmtfdGVzdF93cm9uZzo="]
)
def test_without_the_key_there_is_nothing(world: World, authorization: str) -> None:
    """A missing or wrong key is 401."""
    call = Call("GET", ORIGIN, "stripe", f"/v1/{LIST}", headers={"authorization": authorization})

    assert world.answer(call).status == 401


def test_the_key_may_come_as_a_user_name(world: World) -> None:
    """Basic authentication with the key as user works, too."""
    key = world.environment(ORIGIN)["TACTICS_GLOBEX_STRIPE_API_KEY"]
    basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    call = Call("GET", ORIGIN, "stripe", "/v1/account", headers={"authorization": basic})

    assert world.answer(call).document["default_currency"] == "usd"


def test_money_becomes_available(world: World) -> None:
    """A pending transaction is available a week later and otherwise the same."""
    page = ask_stripe(world, LIST, ("limit", "100")).document["data"]
    before = next(item for item in page if item["status"] == "pending")
    world.advance(7)

    after = ask_stripe(world, f"{LIST}/{before['id']}").document

    assert after == before | {"status": "available"}


def test_a_payout_can_fail_after_it_was_paid() -> None:
    """Some payout was paid on one day and is failed on a later one."""
    seen: dict[str, list[str]] = {}
    world = World(today=dt.date(2026, 9, 1), sources=("stripe",))
    for _ in range(50):
        for payout in ask_stripe(world, "payouts", ("limit", "10")).document["data"]:
            seen.setdefault(payout["id"], []).append(payout["status"])
        world.advance()

    assert any(
        states.index("paid") < states.index("failed")
        for states in seen.values()
        if {"paid", "failed"} <= set(states)
    )


def test_refunds_and_disputes_have_every_state() -> None:
    """Over some months refunds fail, and disputes are won, lost or open."""
    world = World(today=TODAY, sources=("stripe",))
    refunds = {
        item["status"] for item in ask_stripe(world, "refunds", ("limit", "100")).document["data"]
    }
    disputes = {
        item["status"] for item in ask_stripe(world, "disputes", ("limit", "100")).document["data"]
    }

    assert {"succeeded", "failed"} <= refunds
    assert {"won", "lost", "under_review"} <= disputes


def test_events_reach_back_thirty_days(world: World) -> None:
    """Older ones are gone; payouts and charges are among them."""
    events = ask_stripe(world, "events", ("limit", "100")).document["data"]

    oldest = dt.datetime(2026, 10, 22, 6, tzinfo=dt.UTC).timestamp()
    assert min(event["created"] for event in events) >= oldest
    assert "charge.succeeded" in {event["type"] for event in events}


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("rate_limit", 429, "rate_limit"),
        ("lock_timeout", 429, "lock_timeout"),
        ("conflict", 409, None),
        ("auth_expired", 401, "api_key_expired"),
        ("permission", 403, "more_permissions_required"),
        ("http_500", 500, None),
        ("http_503", 503, None),
    ],
)
def test_errors_have_the_vendors_form(
    world: World, name: str, status: int, code: str | None
) -> None:
    """Status and code as in the contract, once."""
    world.faults.plant(Fault(name, "stripe"))

    reply = ask_stripe(world, LIST)

    assert (reply.status, reply.document["error"].get("code")) == (status, code)
    assert ask_stripe(world, LIST).status == 200


def test_the_vendor_can_forbid_a_retry(world: World) -> None:
    """500 with `Stripe-Should-Retry: false`."""
    world.faults.plant(Fault("http_500", "stripe", options={"should_retry": "false"}))

    assert ask_stripe(world, LIST).headers["stripe-should-retry"] == "false"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("not_a_number", "amount", "N/A"),
        ("unknown_field", "sandbox_new_field", {"nested": [1]}),
        ("unknown_enum", "type", "sandbox_new_type"),
    ],
)
def test_one_object_can_be_spoiled(world: World, name: str, field: str, value: object) -> None:
    """Only the first object of one page is wrong."""
    fault = world.faults.plant(Fault(name, "stripe"))

    items = ask_stripe(world, LIST).document["data"]

    assert [item.get(field) for item in items].count(value) == 1
    assert fault.fired == 1


def test_a_net_can_be_wrong(world: World) -> None:
    """The invariant net = amount - fee is broken in one object."""
    world.faults.plant(Fault("net_mismatch", "stripe"))

    items = ask_stripe(world, LIST).document["data"]

    assert [item["net"] == item["amount"] - item["fee"] for item in items].count(False) == 1


def test_a_list_can_promise_more_and_be_empty(world: World) -> None:
    """`has_more` is true on an empty page, and on the last one."""
    world.faults.plant(Fault("empty_page_with_next", "stripe"))
    empty = ask_stripe(world, LIST).document
    world.faults.plant(Fault("cursor_loop", "stripe"))
    last = ask_stripe(world, "disputes", ("limit", "100")).document

    assert (empty["data"], empty["has_more"]) == ([], True)
    assert last["has_more"] is True
