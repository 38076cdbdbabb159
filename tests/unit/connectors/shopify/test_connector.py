"""What is asked of Shopify, what its answers mean, and what is never asked for."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tactics.connectors import Step
from tactics.connectors.shopify import ShopifyOptions, connector
from tactics.connectors.shopify.catalogue import COLLECTIONS
from tactics.connectors.shopify.queries import operation_of, start_bulk, variables_of
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    SliceTooLarge,
)
from tactics.model import AccountInfo, Window
from tactics.transport import Request
from tests.unit.connectors.builders import account, respond, slice_of

OPTIONS = ShopifyOptions()
SHOP = "acme.myshopify.com"
WORK = slice_of("orders", account_id=SHOP)
PATH = "/admin/api/2026-07/graphql.json"
STATUS = {"maximumAvailable": 2000.0, "currentlyAvailable": 1986, "restoreRate": 100.0}


def query_of(request: Request) -> str:
    """Return the GraphQL text of a request."""
    return str(json.loads(request.body)["query"])


def page(
    *nodes: object, after: str | None = None, root: str = "orders", cost: object = None
) -> dict[str, object]:
    """Return a page of a collection."""
    info = {"hasNextPage": after is not None, "endCursor": after}
    known = cost or {"requestedQueryCost": 452, "actualQueryCost": 14, "throttleStatus": STATUS}
    return {"data": {root: {"nodes": nodes, "pageInfo": info}}, "extensions": {"cost": known}}


def read(work: Any, request: Request, value: object, **headers: str) -> Step:
    """Return what an answer means."""
    return connector.read(work, OPTIONS, request, respond(value, **headers))


def test_a_window_is_asked_for_in_utc() -> None:
    """The shop's own midnights as instants, sorted by what is filtered, with a size and no cursor."""
    request = connector.ask(WORK, OPTIONS)
    assert (request.method, request.path, operation_of(request)) == ("POST", PATH, "Orders")
    assert variables_of(request) == {
        "first": 25,
        "after": None,
        "query": "updated_at:>='2026-10-31T23:00:00Z' updated_at:<'2026-11-07T23:00:00Z'",
    }
    assert "sortKey: UPDATED_AT" in query_of(request)
    assert "2026-11" not in query_of(request)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Vienna", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo",
     "Africa/Cairo", "Australia/Lord_Howe", "America/Havana", "UTC"],
)  # fmt: skip
def test_windows_meet_without_gap_or_overlap(zone: str) -> None:
    """The end of a window is the start of the next, on days of 23 and 25 hours too."""
    shop = account(timezone=zone)
    for day in Window(dt.date(2026, 1, 1), dt.date(2026, 12, 31)).days():
        following = day + dt.timedelta(days=1)
        works = [replace(WORK, account=shop, window=Window(d, d)) for d in (day, following)]
        first, second = (COLLECTIONS["orders"].search(work) for work in works)
        end = first.rpartition("<")[2]
        assert second.startswith(f"updated_at:>={end}")
        instant = dt.datetime.fromisoformat(end.strip("'"))
        around = [instant - dt.timedelta(seconds=1), instant]
        days = [moment.astimezone(ZoneInfo(zone)).date() for moment in around]
        assert days == [day, following]


def test_customers_are_asked_for_by_whole_days() -> None:
    """Their filter matches days, so that a day more at each end leaves nothing out."""
    request = connector.ask(slice_of("customers"), OPTIONS)
    assert variables_of(request)["query"] == "updated_at:>='2026-10-31' updated_at:<='2026-11-08'"


def test_products_of_every_status_are_asked_for() -> None:
    """The schema says that active ones may be all there are, unless the others are named."""
    request = connector.ask(slice_of("products"), OPTIONS)
    assert variables_of(request)["query"] == "status:active,draft,archived,unlisted"


def test_refunds_are_read_through_their_orders() -> None:
    """A refund moves its order; the query asks for nothing else of it, and few refunds at first."""
    request = connector.ask(slice_of("refunds"), OPTIONS)
    assert variables_of(request)["nested"] == 5
    assert "refunds(first: $nested)" in query_of(request)
    assert "totalPriceSet" not in query_of(request)


@pytest.mark.parametrize(("days", "operation"), [(14, "Orders"), (15, "FindBulk")])
def test_long_windows_are_read_in_bulk(days: int, operation: str) -> None:
    """Above `bulk_over_days` it is by bulk operation; 0 never does."""
    end = dt.date(2026, 11, 21)
    work = replace(WORK, window=Window(end - dt.timedelta(days=days - 1), end))
    assert operation_of(connector.ask(work, OPTIONS)) == operation
    assert operation_of(connector.ask(work, ShopifyOptions(bulk_over_days=0))) == "Orders"


def test_a_remembered_operation_is_polled() -> None:
    """A restart asks for the state of the operation and starts none."""
    work = replace(WORK, job="gid://shopify/BulkOperation/7")
    request = connector.ask(work, OPTIONS)
    assert operation_of(request) == "PollBulk"
    assert variables_of(request) == {"id": "gid://shopify/BulkOperation/7"}


def test_the_version_can_be_chosen() -> None:
    """Every request is pinned to a version."""
    request = connector.ask(WORK, ShopifyOptions(api_version="2026-10"))
    assert request.path == "/admin/api/2026-10/graphql.json"


@pytest.mark.parametrize("stream", COLLECTIONS)
def test_nothing_personal_is_asked_for(stream: str) -> None:
    """Names, addresses, phones, notes and links of persons stand in no query."""
    work = slice_of(stream)
    for text in (
        query_of(connector.ask(work, OPTIONS)),
        variables_of(start_bulk(COLLECTIONS[stream], work, OPTIONS.api_version))["query"],
    ):
        for name in ("phone", "displayName", "firstName", "note", "clientIp", "statusPageUrl",
                     "address1", "city", "customAttributes", "landingPage", "Url"):  # fmt: skip
            assert name not in text


def test_a_page_keeps_the_declared_fields() -> None:
    """What nobody asked for is dropped, amounts stay as they were written, null stays null."""
    money = {"shopMoney": {"amount": "120.50", "currencyCode": "EUR", "extra": 1}}
    node = {"id": "gid://shopify/Order/1", "totalPriceSet": money, "email": "jane@x.example",
            "customer": None}  # fmt: skip
    step = read(WORK, connector.ask(WORK, OPTIONS), page(node))
    assert json.loads(step.page or b"") == {
        "data": {"orders": {"nodes": [{
            "id": "gid://shopify/Order/1",
            "totalPriceSet": {"shopMoney": {"amount": "120.50", "currencyCode": "EUR"}},
            "customer": None,
        }]}}
    }  # fmt: skip
    assert (step.next, step.pseudonyms) == (None, {})


def test_the_address_of_a_customer_is_named_for_hashing() -> None:
    """The pipeline replaces it by a keyed hash before the page is stored."""
    work = slice_of("customers")
    step = read(work, connector.ask(work, OPTIONS), page(root="customers"))
    nodes = {"nodes": {"defaultEmailAddress": {"emailAddress": None}}}
    assert step.pseudonyms == {"data": {"customers": nodes}}


def test_a_page_leads_to_the_next_by_its_cursor() -> None:
    """Everything else of the request stays."""
    request = connector.ask(WORK, OPTIONS)
    step = read(WORK, request, page({"id": "1"}, after="c1"))
    assert step.next is not None
    assert variables_of(step.next) == variables_of(request) | {"after": "c1"}
    assert query_of(step.next) == query_of(request)
    last = read(WORK, step.next, page({"id": "2"}))
    assert (last.next, last.page is not None) == (None, True)


@pytest.mark.parametrize("after", ["", "c1"])
def test_a_cursor_that_does_not_move_is_refused(after: str) -> None:
    """More to come, but no cursor or the same one again, would never end."""
    request = read(WORK, connector.ask(WORK, OPTIONS), page({"id": "1"}, after="c1")).next
    assert request is not None
    with pytest.raises(CursorRejected):
        read(WORK, request, page({"id": "2"}, after=after))


def test_a_list_longer_than_paging_reaches_is_cut() -> None:
    """After 25,000 objects Shopify lists no more: the window has to be smaller."""
    request: Request | None = connector.ask(WORK, OPTIONS)
    nodes = [{"id": "1"}] * 250
    for number in range(99):
        assert request is not None
        request = read(WORK, request, page(*nodes, after=f"c{number}")).next
    assert request is not None
    with pytest.raises(SliceTooLarge) as caught:
        read(WORK, request, page(*nodes, after="c99"))
    assert caught.value.facts["objects"] == 25_000


def refunds(*counts: int) -> list[dict[str, object]]:
    """Return orders with so many refunds each."""
    return [{"id": "1", "refunds": [{"id": "r"}] * count} for count in counts]


def test_a_cut_list_of_refunds_is_asked_for_again() -> None:
    """As many refunds as were asked for may be fewer than there are: the same page, longer lists."""
    work = slice_of("refunds")
    request = connector.ask(work, OPTIONS)
    step = read(work, request, page(*refunds(0, 5), after="c1"))
    assert step.page is None
    assert step.next is not None
    assert variables_of(step.next) == variables_of(request) | {"nested": 50, "first": 2}
    longest = read(work, step.next, page(*refunds(0, 50), after="c0")).next
    assert longest is not None
    assert (variables_of(longest)["nested"], variables_of(longest)["first"]) == (250, 1)
    following = read(work, longest, page(*refunds(250), after="c1")).next
    assert following is not None
    changed = {"first": 25, "nested": 5, "after": "c1"}
    assert variables_of(following) == variables_of(request) | changed


def test_an_order_without_a_list_of_refunds_is_another_contract() -> None:
    """A missing list must not pass as no refunds."""
    work = slice_of("refunds")
    with pytest.raises(ContractChanged):
        read(work, connector.ask(work, OPTIONS), page({"id": "1"}))


def test_a_low_bucket_pauses_the_account() -> None:
    """For as long as the same query needs to be paid again."""
    low = {"requestedQueryCost": 452, "throttleStatus": STATUS | {"currentlyAvailable": 52}}
    assert read(WORK, connector.ask(WORK, OPTIONS), page(cost=low)).pause_seconds == 4.0
    assert read(WORK, connector.ask(WORK, OPTIONS), page()).pause_seconds == 0.0


@pytest.mark.parametrize(
    "error",
    [
        {"errors": [{"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]},
        {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": {"requestedQueryCost": 2500, "throttleStatus": STATUS}},
        },
    ],
)
def test_a_query_that_can_never_be_paid_is_halved(error: dict[str, object]) -> None:
    """Waiting would not help: half as many objects, down to one, and then another way."""
    request = connector.ask(WORK, OPTIONS)
    for smaller in (12, 6, 3, 1):
        following = read(WORK, request, error).next
        assert following is not None
        assert variables_of(following) == variables_of(request) | {"first": smaller}
        request = following
    with pytest.raises(SliceTooLarge):
        read(WORK, request, error)


def test_a_version_that_has_ended_is_a_warning() -> None:
    """Shopify falls forward silently; the header tells."""
    request = connector.ask(WORK, OPTIONS)
    assert read(WORK, request, page(), x_shopify_api_version="2026-07").warnings == ()
    [warning] = read(WORK, request, page(), x_shopify_api_version="2026-10").warnings
    assert "2026-07 has ended, 2026-10 answers" in warning


SATURDAY = "Sat, 21 Nov 2026 06:00:00 GMT"


@pytest.mark.parametrize(
    ("scopes", "date", "warned"),
    [
        ("read_orders", SATURDAY, True),
        ("read_orders read_all_orders", SATURDAY, False),
        ("read_orders", "", False),
        ("read_orders", "Fri, 25 Dec 2026 06:00:00 GMT", True),
    ],
)
def test_old_orders_need_a_scope(scopes: str, date: str, *, warned: bool) -> None:
    """Without it older orders are left out without a word; by whose date, Shopify says."""
    old = Window(dt.date(2026, 9, 21), dt.date(2026, 9, 27))
    work = replace(WORK, window=old, account=account(facts={"scopes": scopes}))
    step = read(work, connector.ask(work, OPTIONS), page(), date=date)
    assert bool(step.warnings) is warned
    young = replace(work, window=Window(dt.date(2026, 11, 1), dt.date(2026, 11, 2)))
    assert read(young, connector.ask(young, OPTIONS), page(), date=date).warnings == ()


def test_refused_fields_are_not_asked_for_again() -> None:
    """A field left out is gone from query and page; a second refusal of it is not optional."""
    work = slice_of("customers", without=frozenset({"defaultEmailAddress"}))
    request = connector.ask(work, OPTIONS)
    assert "defaultEmailAddress" not in query_of(request)
    denied = {
        "message": "Access denied for defaultAddress field.",
        "path": ["customers", "nodes", 0, "defaultAddress"],
        "extensions": {"code": "ACCESS_DENIED"},
    }
    with pytest.raises(FieldRejected) as caught:
        read(work, request, {"data": {"customers": None}, "errors": [denied]})
    assert caught.value.facts["field"] == "defaultAddress"


ANSWER = {
    "data": {
        "shop": {
            "id": "gid://shopify/Shop/1",
            "name": "Acme",
            "myshopifyDomain": SHOP,
            "currencyCode": "EUR",
            "ianaTimezone": "Europe/Vienna",
            "plan": {"publicDisplayName": "Plus"},
        },
        "currentAppInstallation": {
            "accessScopes": [{"handle": "read_products"}, {"handle": "read_orders"}]
        },
    }
}


def test_the_account_tells_zone_currency_and_scopes() -> None:
    """One call for the shop's facts and for what the app may read."""
    assert operation_of(connector.ask_account(SHOP, OPTIONS)) == "Account"
    assert connector.read_account(SHOP, OPTIONS, respond(ANSWER)) == AccountInfo(
        SHOP,
        "Acme",
        "EUR",
        "Europe/Vienna",
        {"shop_domain": SHOP, "plan": "Plus", "scopes": "read_orders read_products"},
    )


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../etc/passwd"])
def test_an_account_without_a_time_zone_is_refused(zone: str) -> None:
    """Days would be a guess."""
    answer = {"data": {**ANSWER["data"], "shop": ANSWER["data"]["shop"] | {"ianaTimezone": zone}}}
    with pytest.raises(ContractChanged, match="time zone"):
        connector.read_account(SHOP, OPTIONS, respond(answer))


def test_an_apps_secret_is_no_access_token() -> None:
    """The two are easily mixed up; neither is shown."""
    connector.check_credentials({"access_token": "shpat_1234567890"}, OPTIONS)
    connector.check_credentials({"client_id": "1", "client_secret": "shpss_1234567890"}, OPTIONS)
    with pytest.raises(CredentialError) as caught:
        connector.check_credentials({"access_token": "shpss_1234567890"}, OPTIONS)
    assert "shpss_" not in str(caught.value)
