"""The Shopify simulator: strict GraphQL, points, cursors, tokens, bulk operations, an honest shop."""

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tactics.sandbox.scene import Limits
from tests.support import FakeClock
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
PATH = "/admin/api/2026-07/graphql.json"
ORDERS = """query Orders($first: Int!, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { name updatedAt refunds(first: 2) { id } }
    pageInfo { hasNextPage endCursor }
  }
}"""
START = """mutation StartBulk($query: String!) {
  bulkOperationRunQuery(query: $query) { bulkOperation { id status } userErrors { code message } }
}"""
POLL = """query PollBulk($id: ID!) {
  bulkOperation(id: $id) { status errorCode rootObjectCount fileSize url partialDataUrl }
}"""
BULK = "{ orders { edges { node { name } } } }"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, days=20, sources=("shopify", "stripe"))


def token_of(world: World) -> str:
    """Return acme's static token."""
    return world.environment(ORIGIN)["TACTICS_ACME_SHOPIFY_ACCESS_TOKEN"]


def ask(
    world: World, text: str, token: str = "", /, *, path: str = PATH, **variables: object
) -> Reply:
    """Return what GraphQL says to acme."""
    named = re.match(r"(query|mutation) (\w+)", text)
    name = named[2] if named else None
    body = json.dumps({"query": text, "variables": variables, "operationName": name}).encode()
    headers = {"x-shopify-access-token": token or token_of(world)}
    return world.answer(Call("POST", ORIGIN, "shopify", path, (), headers, body))


def error_of(reply: Reply) -> tuple[int, str]:
    """Return status and code, or the text, of an error."""
    errors = reply.document["errors"]
    return reply.status, errors if isinstance(errors, str) else errors[0]["extensions"]["code"]


def mint(world: World, **changes: str) -> Reply:
    """Return what the token endpoint says to globex's app."""
    held = world.environment(ORIGIN)
    form = {
        "grant_type": "client_credentials",
        "client_id": held["TACTICS_GLOBEX_SHOPIFY_CLIENT_ID"],
        "client_secret": held["TACTICS_GLOBEX_SHOPIFY_CLIENT_SECRET"],
    }
    body = urlencode(form | changes).encode()
    return world.answer(Call("POST", ORIGIN, "shopify", "/admin/oauth/access_token", body=body))


def test_a_token_opens_its_own_shop(world: World) -> None:
    """A static token for one organisation, an app's for the other; nobody else's for none."""
    name = "{ shop { name currencyCode ianaTimezone } }"
    assert ask(world, name).document["data"]["shop"]["currencyCode"] == "EUR"
    token = mint(world).document["access_token"]
    assert ask(world, name, token).document["data"]["shop"]["currencyCode"] == "USD"
    assert ask(world, name, "shpat_wrong").status == 401
    assert token in world.secrets()


def test_a_minted_token_lives_for_a_day() -> None:
    """Then it is 401, and the same secret gets another one."""
    clock = FakeClock()
    world = World(today=TODAY, days=5, sources=("shopify",), clock=clock)
    token = mint(world).document["access_token"]
    assert mint(world).document["expires_in"] == 86_399
    clock.advance(86_398)
    assert ask(world, "{ shop { id } }", token).status == 200
    clock.advance(1)
    assert ask(world, "{ shop { id } }", token).status == 401
    assert mint(world).document["access_token"] != token


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_secret_gets_no_token(world: World, change: dict[str, str], error: str) -> None:
    """In the words of OAuth."""
    reply = mint(world, **change)
    assert reply.status >= 400
    assert reply.document["error"] == error


@pytest.mark.parametrize(
    ("version", "status", "served"),
    [
        ("2026-07", 200, "2026-07"),
        ("2026-10", 200, "2026-10"),
        ("2025-04", 200, "2025-10"),
        ("2027-01", 404, None),
        ("latest", 404, None),
        ("2026-06", 404, None),
    ],
)
def test_versions_fall_forward(world: World, version: str, status: int, served: str | None) -> None:
    """What has ended is answered by the oldest that is left, and said in a header."""
    reply = ask(world, "{ shop { id } }", path=f"/admin/api/{version}/graphql.json")
    assert reply.status == status
    assert reply.headers.get("x-shopify-api-version") == served


@pytest.mark.parametrize(
    "query",
    [
        "{ shop { nonsense } }",
        "{ orders(first: 1, nonsense: 1) { nodes { id } } }",
        "{ orders(first: 1, sortKey: NONSENSE) { nodes { id } } }",
        "{ orders(first: 1) { nodes } }",
        "{ orders { nodes { id } } }",
        "{ orders(first: 251) { nodes { id } } }",
        "{ orders(first: 1, sortKey: RELEVANCE) { nodes { id } } }",
        '{ orders(first: 1, query: "nonsense:1") { nodes { id } } }',
        '{ orders(first: 1, after: "bad") { nodes { id } } }',
        "{ orders(first: ",
    ],
)
def test_what_the_schema_does_not_have_is_refused(world: World, query: str) -> None:
    """Unknown fields, arguments, sort keys and searches are errors under status 200."""
    reply = ask(world, query)
    assert reply.status == 200
    assert "data" not in reply.document
    assert reply.document["errors"]


def test_a_body_that_is_no_query_is_400(world: World) -> None:
    """Before GraphQL has a word."""
    headers = {"x-shopify-access-token": token_of(world)}
    call = Call("POST", ORIGIN, "shopify", PATH, (), headers, b"not json")
    assert world.answer(call).status == 400
    assert world.answer(Call("GET", ORIGIN, "shopify", "/nowhere")).status == 404


def test_fragments_cost_what_they_hold(world: World) -> None:
    """Objects count one, scalars nothing, a connection two and its size."""
    plain = ask(
        world, "{ orders(first: 3) { nodes { id totalPriceSet { shopMoney { amount } } } } }"
    )
    spread = ask(
        world,
        "query Q { orders(first: 3) { nodes { ...Both ... on Order { id } } } }"
        " fragment Both on Order { totalPriceSet { shopMoney { amount } } }",
    )
    costs = [reply.document["extensions"]["cost"] for reply in (plain, spread)]
    assert [cost["requestedQueryCost"] for cost in costs] == [11, 11]
    assert [cost["actualQueryCost"] for cost in costs] == [10, 10]


def test_points_run_out_and_come_back() -> None:
    """Without enough points the answer is THROTTLED with the state of the bucket; time heals it."""
    clock = FakeClock()
    limits = Limits(shopify_points_per_second=50)
    world = World(today=TODAY, days=20, sources=("shopify",), clock=clock, limits=limits)
    costly = "{ orders(first: 200) { nodes { customer { id amountSpent { amount } } } } }"
    reply = ask(world, costly)
    left = reply.document["extensions"]["cost"]["throttleStatus"]
    assert left["maximumAvailable"] == 1000
    assert left["currentlyAvailable"] < 602
    reply = ask(world, costly)
    assert error_of(reply) == (200, "THROTTLED")
    cost = reply.document["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (602, None)
    clock.advance((602 - cost["throttleStatus"]["currentlyAvailable"]) / 50 + 0.02)
    assert "data" in ask(world, costly).document


def test_a_query_may_not_cost_more_than_a_thousand(world: World) -> None:
    """However many points there are."""
    reply = ask(world, "{ orders(first: 250) { nodes { refunds(first: 5) { id } } } }")
    assert error_of(reply) == (200, "MAX_COST_EXCEEDED")


def names(world: World, **variables: object) -> list[str]:
    """Return the names of all orders of a search, page by page."""
    found: list[str] = []
    after: str | None = None
    for _ in range(60):
        reply = ask(world, ORDERS, **{"first": 20, "after": after, **variables})
        page = reply.document["data"]["orders"]
        found += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
    pytest.fail("the list does not end")


def test_pages_hold_every_order_once(world: World) -> None:
    """Whatever the page size."""
    whole = names(world)
    assert len(set(whole)) == len(whole) > 100
    assert names(world, first=7) == whole


def test_a_cursor_is_of_its_sort(world: World) -> None:
    """A cursor of another sort key is refused."""
    cursor = ask(world, ORDERS, first=1).document["data"]["orders"]["pageInfo"]["endCursor"]
    query = f'{{ orders(first: 1, after: "{cursor}", sortKey: ID) {{ nodes {{ id }} }} }}'
    assert "Invalid cursor" in ask(world, query).document["errors"][0]["message"]


def test_searches_are_by_instant_or_by_day(world: World) -> None:
    """Orders to the second; customers by whole days; products only active ones unless told."""
    bound = "updated_at:>='2026-11-10T12:00:00Z' updated_at:<'2026-11-11'"
    nodes = ask(world, ORDERS, first=100, query=bound).document["data"]["orders"]["nodes"]
    assert nodes
    assert all("2026-11-10T12" <= node["updatedAt"] < "2026-11-11" for node in nodes)
    people = "{ customers(first: 250, query: \"updated_at:'2026-11-10T12:00:00Z'\") { nodes { updatedAt } } }"
    days = [node["updatedAt"] for node in ask(world, people).document["data"]["customers"]["nodes"]]
    assert {day[:10] for day in days} == {"2026-11-10"}
    assert min(days) < "2026-11-10T12" < max(days)
    listed = [
        ask(world, f"{{ products(first: 50{more}) {{ nodes {{ status }} }} }}")
        for more in ("", ', query: "status:draft,active"')
    ]
    kinds = [{n["status"] for n in r.document["data"]["products"]["nodes"]} for r in listed]
    assert kinds == [{"ACTIVE"}, {"ACTIVE", "DRAFT"}]


@pytest.mark.parametrize(("comparator", "count"), [(">", 1), ("<=", 2), ("", 1)])
def test_comparators(world: World, comparator: str, count: int) -> None:
    """The bound itself belongs to `>=` and `<=` only."""
    all_orders = ask(world, ORDERS, first=3, query="").document["data"]["orders"]["nodes"]
    middle = all_orders[1]["updatedAt"]
    found = ask(world, ORDERS, first=3, query=f"updated_at:{comparator}'{middle}'")
    got = found.document["data"]["orders"]["nodes"]
    assert len(got[:count]) == count
    assert (middle in [node["updatedAt"] for node in got]) is (comparator != ">")


def run_bulk(world: World, query: str = BULK) -> tuple[list[str], dict[str, Any]]:
    """Start a bulk operation, poll it to its end, and return its states and itself."""
    started = ask(world, START, query=query).document["data"]["bulkOperationRunQuery"]
    states = [started["bulkOperation"]["status"]]
    for _ in range(5):
        held = ask(world, POLL, id=started["bulkOperation"]["id"]).document["data"]
        states.append(held["bulkOperation"]["status"])
        if states[-1] == "COMPLETED":
            break
    return states, held["bulkOperation"]


def download(world: World, url: str, token: str = "") -> Reply:
    """Fetch a file."""
    path, _, query = url.removeprefix(f"{ORIGIN}/shopify").partition("?")
    pair = tuple(query.split("="))
    headers = {"x-shopify-access-token": token} if token else {}
    return world.answer(Call("GET", ORIGIN, "shopify", path, (pair,), headers))


def test_a_bulk_operation_ends_in_a_file(world: World) -> None:
    """It is created, runs, completes; each line of the file is one object."""
    states, done = run_bulk(world)
    assert states == ["CREATED", "RUNNING", "COMPLETED"]
    body = download(world, done["url"]).content()
    lines = [json.loads(line) for line in body.splitlines()]
    assert sorted(line["name"] for line in lines) == sorted(names(world))
    assert done["rootObjectCount"] == str(len(lines))
    assert done["fileSize"] == str(len(body))
    assert download(world, done["url"], token_of(world)).status == 400
    assert download(world, done["url"].replace("signed", "forged")).status == 403


FIND = """query FindBulk(
  $query: String, $sortKey: BulkOperationsSortKeys = CREATED_AT, $reverse: Boolean = false
) {
  bulkOperations(first: 5, query: $query, sortKey: $sortKey, reverse: $reverse) {
    nodes { id status query createdAt }
  }
}"""


def find_bulks(world: World, query: str = "", **order: object) -> list[dict[str, Any]]:
    """List bulk operations."""
    found = ask(world, FIND, query=query, **order).document["data"]["bulkOperations"]["nodes"]
    return list(found)


def test_bulk_operations_are_listed_by_state(world: World) -> None:
    """The newest first, or the oldest; looking moves nothing on."""
    run_bulk(world)
    for _ in range(2):
        ask(world, START, query=BULK)
    states = [found["status"] for found in find_bulks(world)]
    assert sorted(states) == ["COMPLETED", "CREATED", "RUNNING"]
    assert states[-1] == "COMPLETED"
    assert [found["status"] for found in find_bulks(world)] == states
    done = find_bulks(world, "operation_type:query status:completed")
    assert [found["query"] for found in done] == [BULK]
    assert done[0]["createdAt"].endswith("Z")
    assert find_bulks(world, "operation_type:mutation") == []
    assert find_bulks(world, reverse=True) == find_bulks(world)[::-1]


@pytest.mark.parametrize(
    "asked", [{"query": "created_at:>2026-01-01"}, {"sortKey": "COMPLETED_AT"}]
)
def test_what_is_not_simulated_of_the_list_is_refused(world: World, asked: dict[str, Any]) -> None:
    """Rather than answered wrongly."""
    assert "sandbox" in ask(world, FIND, **asked).document["errors"][0]["message"]


def test_a_bulk_operation_without_results_has_no_file(world: World) -> None:
    """The url is null, and nothing was counted."""
    query = "{ orders(query: \"updated_at:<'2020-01-01'\") { nodes { id } } }"
    done = run_bulk(world, query)[1]
    assert (done["url"], done["rootObjectCount"]) == (None, "0")


@pytest.mark.parametrize("query", ["{ shop { id } }", "{ orders { nonsense } }", "nonsense"])
def test_a_bad_bulk_query_is_refused(world: World, query: str) -> None:
    """As an error of the user, with status 200."""
    payload = ask(world, START, query=query).document["data"]["bulkOperationRunQuery"]
    assert payload["bulkOperation"] is None
    assert payload["userErrors"][0]["code"] == "INVALID"


def test_five_bulk_operations_run_beside_each_other(world: World) -> None:
    """The sixth is told so; operations of nobody are no operation."""
    codes = []
    for _ in range(7):
        payload = ask(world, START, query=BULK).document["data"]["bulkOperationRunQuery"]
        codes += [error["code"] for error in payload["userErrors"]]
    assert set(codes) <= {"LIMIT_REACHED"}
    unknown = ask(world, POLL, id="gid://shopify/BulkOperation/1").document
    assert unknown["data"]["bulkOperation"] is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("throttled", (200, "THROTTLED")),
        ("internal_error", (200, "INTERNAL_SERVER_ERROR")),
        ("shop_inactive", (200, "SHOP_INACTIVE")),
        ("no_access", (200, "ACCESS_DENIED")),
        ("rate_limit", (429, "Exceeded limit")),
        ("auth_expired", (401, "[API] Invalid API key or access token")),
        ("payment_required", (402, "Unavailable Shop")),
        ("permission", (403, "[API] This action requires merchant approval")),
        ("wrong_shop", (404, "Not Found")),
        ("locked", (423, "Locked")),
        ("security", (430, "Security Rejection")),
        ("http_500", (500, "Internal Server Error")),
        ("http_503", (503, "Service Unavailable")),
    ],
)
def test_errors_have_the_vendors_form(world: World, name: str, expected: tuple[int, str]) -> None:
    """Status and code as in the contract, once."""
    world.faults.plant(Fault(name, "shopify", account="acme*"))
    assert error_of(ask(world, ORDERS, first=1)) == expected
    assert "data" in ask(world, ORDERS, first=1).document


def test_a_field_can_be_denied_beside_data(world: World) -> None:
    """Only when it is asked for: data with nulls, and an error with its path."""
    fault = world.faults.plant(Fault("access_denied", "shopify", times=None))
    assert "errors" not in ask(world, ORDERS, first=1).document
    query = "{ customers(first: 2) { nodes { id defaultEmailAddress { emailAddress } } } }"
    document = ask(world, query).document
    assert [node["defaultEmailAddress"] for node in document["data"]["customers"]["nodes"]] == [
        None, None,
    ]  # fmt: skip
    assert document["errors"][0]["path"] == ["customers", "nodes", 0, "defaultEmailAddress"]
    assert fault.fired == 1


def test_faults_can_be_meant_for_one_operation(world: World) -> None:
    """Other calls pass, and do not use the fault up."""
    world.faults.plant(
        Fault("partial_error", "shopify", times=None, options={"operation": "Customers"})
    )
    assert "errors" not in ask(world, ORDERS, first=1).document


def facts(world: World, table: str) -> dict[str, Any]:
    """Return acme's rows of a table by entity."""
    return {
        fact.entity_id: {**fact.values, "day": fact.day}
        for fact in world.totals().of("acme").facts
        if fact.table == table
    }


def test_the_ledger_adds_up(world: World) -> None:
    """Every order: parts make the total, refunds are its refunds, customers count their orders."""
    orders, refunds = facts(world, "orders"), facts(world, "order_refunds")
    given: dict[str, Decimal] = {}
    for refund in refunds.values():
        given[refund["order_id"]] = given.get(refund["order_id"], Decimal(0)) + refund["amount"]
    for order in orders.values():
        parts = order["gross"] - order["discounts"] + order["tax"] + order["shipping"]
        assert parts == order["total"]
        assert order["refunded"] == given.get(order["order_id"], 0)
    people = facts(world, "customers")
    of_people = [order for order in orders.values() if order["customer_id"]]
    assert sum(person["orders_count"] for person in people.values()) == len(of_people)


def test_every_kind_of_order_exists() -> None:
    """Over some months: unpaid, cancelled, refunded, foreign, paid in every way; odd decimals."""
    world = World(today=TODAY, days=90, sources=("shopify",))
    rows = facts(world, "orders").values()
    assert {row["financial_status"] for row in rows} == {
        "PAID", "PENDING", "VOIDED", "REFUNDED", "PARTIALLY_REFUNDED",
    }  # fmt: skip
    assert {"stripe", "paypal", "manual", "gift_card", "gift_card,paypal", "cash", "bogus"} == {
        row["gateways"] for row in rows
    }
    assert {row["presentment_currency"] for row in rows} == {"EUR", "USD"}
    assert {row["is_first_order"] for row in rows} == {True, False, None}
    assert {row["is_test"] for row in rows} == {True, False}
    query = "{ orders(first: 200) { nodes { totalTaxSet { shopMoney { amount } } } } }"
    nodes = ask(world, query).document["data"]["orders"]["nodes"]
    decimals = {len(n["totalTaxSet"]["shopMoney"]["amount"].partition(".")[2]) for n in nodes}
    assert decimals == {1, 2, 3}


def test_a_refund_moves_an_old_order_to_the_end(world: World) -> None:
    """The order changed now; the refund is a row of today."""
    name = world.actions()["refund_order"](amount="1.5")
    assert names(world)[-1] == name
    refund = max(facts(world, "order_refunds").items())[1]
    assert (refund["amount"], refund["day"]) == (Decimal("1.5"), TODAY)


def test_an_edit_changes_what_an_order_comes_to(world: World) -> None:
    """More goods, paid at once."""
    before = facts(world, "orders")
    name = world.actions()["edit_order"](amount="12.5")
    [(entity_id, after)] = [
        pair for pair in facts(world, "orders").items() if pair[1]["order_name"] == name
    ]
    assert after["total"] - before[entity_id]["total"] == Decimal("12.5")
    assert after["net_payment"] - before[entity_id]["net_payment"] == Decimal("12.5")


def test_an_order_that_is_none_cannot_be_changed(world: World) -> None:
    """The control endpoint is told."""
    with pytest.raises(Exception, match="no such order"):
        world.actions()["refund_order"](order="#0")


def test_time_moves_orders(world: World) -> None:
    """A day later there are new orders, and old ones were shipped, attributed, refunded."""
    before = facts(world, "orders")
    world.advance()
    after = facts(world, "orders")
    assert before.keys() < after.keys()
    assert any(after[known] != before[known] for known in before)


def test_another_shop_can_be_changed(world: World) -> None:
    """Products vanish from one shop only."""
    world.actions()["delete_product"](org_id="globex")
    counts = {
        org: len([f for f in world.totals().of(org).facts if f.table == "products"])
        for org in ("acme", "globex")
    }
    assert counts == {"acme": 8, "globex": 7}
