"""Asks a shop for orders, refunds, customers and products, and says what the answers mean.

Sends nothing, and never parses a row. Source: contract sheet "Shopify Admin API (GraphQL)"
(2026-11-21).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import msgspec
from pydantic import Field

from tactics.clock import is_timezone
from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.carry import carried_count, carry
from tactics.connectors.scrub import keep_declared
from tactics.connectors.shopify import queries
from tactics.connectors.shopify.answer import (
    Answer,
    Connection,
    answered_at,
    longest_list,
    member,
)
from tactics.connectors.shopify.bulk import Bulk
from tactics.connectors.shopify.catalogue import COLLECTIONS, NESTED_SIZES, Collection
from tactics.connectors.shopify.faults import check, is_too_dear, open_answer, wait_for_cost
from tactics.errors import ContractChanged, CredentialError, CursorRejected, SliceTooLarge
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response

API_VERSION = "2026-07"  # each version is served for at least a year
DEEPEST = 25_000  # objects of one list that paging reaches
YOUNG_DAYS = 60  # older orders need the scope read_all_orders
_INDEX_LAG_SECONDS = 600  # the search index may be behind for minutes
_ALL_ORDERS = "read_all_orders"


class ShopifyOptions(Options):
    """What `[orgs.<org>.sources.shopify]` may say besides the common keys."""

    bulk_over_days: int = Field(
        14,
        ge=0,
        description="longer windows are read by a bulk operation; 0: never for that reason",
    )
    api_version: str = Field(
        API_VERSION,
        pattern=r"^\d{4}-\d{2}$",
        description="of the Admin API; 2026-01 is the oldest that has all",
    )


class _Plan(msgspec.Struct, rename="camel"):
    public_display_name: str = ""


class _Shop(msgspec.Struct, rename="camel"):
    name: str = ""
    myshopify_domain: str = ""
    currency_code: str = ""
    iana_timezone: str = ""
    plan: _Plan = msgspec.field(default_factory=_Plan)


class _Scope(msgspec.Struct):
    handle: str


class _Installation(msgspec.Struct, rename="camel"):
    access_scopes: list[_Scope] = msgspec.field(default_factory=list)


def _changes(name: str, table: str, key: str) -> StreamSpec:
    return StreamSpec(
        name=name,
        table=table,
        entity_keys=(key,),
        slicing="changes",
        slice_days=92,  # a first sync asks for quarters, by bulk operation
        lookback_days=1,
        final_after_days=1,
        settle_seconds=_INDEX_LAG_SECONDS,
    )


class ShopifyConnector:
    """Shopify. The account is the shop's own domain, `<shop>.myshopify.com`."""

    manifest = Manifest(
        kind="shopify",
        title="Shopify",
        account_example="your-shop.myshopify.com",
        base_urls={"api": "https://{account}"},
        api_version=API_VERSION,
        sunset=dt.date(2027, 7, 1),  # twelve months after its release; then the next one answers
        breaker="shopify_breaker",
        credentials=(("access_token",), ("client_id", "client_secret")),
        auth="header",
        auth_header=("x-shopify-access-token", ""),
        token_path="/admin/oauth/access_token",  # noqa: S106  an address
        scopes=("read_orders", "read_all_orders", "read_customers", "read_products"),
        hosts=("storage.googleapis.com", "shopify.com"),  # where bulk files lie
        streams=(
            _changes("orders", "orders", "order_id"),
            _changes("refunds", "order_refunds", "refund_id"),
            _changes("customers", "customers", "customer_id"),
            StreamSpec(
                name="products",
                table="products",
                entity_keys=("product_id",),
                slicing="snapshot",
            ),
        ),
        # Shopify counts points, not requests, and says in each answer how many are left; the pauses
        # come from there. This only keeps a runaway in check (a guess).
        requests_per_second=20.0,
        burst=20,
    )
    options = ShopifyOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the four streams."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:  # noqa: ARG002
        """Refuse an app's secret in the place of a token.

        Raises:
            CredentialError: the access token is a secret key (`shpss_`).
        """
        if credentials.get("access_token", "").startswith("shpss_"):
            raise CredentialError(
                "this is an app's secret, not an access token",
                hint="store it as client_secret, with the client_id; docs/connectors/shopify.md",
            )

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for the shop's name, currency, time zone, and the app's scopes."""
        return queries.ask_account(_mine(options).api_version)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what Shopify says of the shop.

        Raises:
            ContractChanged: the time zone or the currency is missing: days and money would be guesses.
        """
        answer = open_answer(response)
        check(answer, response)
        shop = member(answer, "shop", _Shop)
        app = member(answer, "currentAppInstallation", _Installation)
        if not is_timezone(shop.iana_timezone) or not shop.currency_code:
            raise ContractChanged(
                "shopify does not say the shop's currency and time zone", account_id=account_id
            )
        scopes = sorted(scope.handle for scope in app.access_scopes)
        return AccountInfo(
            account_id,
            shop.name or account_id,
            shop.currency_code,
            shop.iana_timezone,
            {
                "shop_domain": shop.myshopify_domain,
                "plan": shop.plan.public_display_name,
                "scopes": " ".join(scopes),
            },
        )

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first page, the look for a bulk operation, or the one to go on with."""
        mine = _mine(options)
        if work.job is not None or work.deep or len(work.window) > mine.bulk_over_days > 0:
            return _bulk(work, mine).ask()
        return queries.ask_page(COLLECTIONS[work.key.stream], work, mine.api_version)

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means: a page, a poll, a download, or an error of ours."""
        mine = _mine(options)
        if not request.auth:
            return _bulk(work, mine).downloaded(request, response)
        answer = open_answer(response)
        collection = COLLECTIONS[work.key.stream]
        if is_too_dear(answer):
            return _cheaper(request)
        check(answer, response, [name for name in collection.optional if name not in work.without])
        match queries.operation_of(request):
            case queries.FIND:
                step = _bulk(work, mine).looked(request, answer, answered_at(response))
            case queries.START:
                step = _bulk(work, mine).started(request, answer)
            case queries.POLL:
                step = _bulk(work, mine).polled(request, answer)
            case _:
                step = _page(collection, work, request, answer=answer, body=response.body)
        return replace(
            step,
            pause_seconds=wait_for_cost(answer.extensions.cost) or 0.0,
            warnings=(*step.warnings, *_warnings(work, mine, response)),
        )


def _bulk(work: Slice, mine: ShopifyOptions) -> Bulk:
    return Bulk(COLLECTIONS[work.key.stream], work, mine.api_version)


def _cheaper(request: Request) -> Step:
    """Return the same request for half as many objects.

    Raises:
        SliceTooLarge: one object is too dear; a bulk operation has no such limit.
    """
    first = int(queries.variables_of(request).get("first", 1))
    if first <= 1:
        raise SliceTooLarge("one object costs more than shopify lets a query cost")
    return Step(next=queries.with_variables(request, first=first // 2))


def _page(
    collection: Collection, work: Slice, request: Request, *, answer: Answer, body: bytes
) -> Step:
    connection = member(answer, collection.root, Connection)
    if collection.nested and (longer := _longer(collection.nested, connection, request)):
        return Step(next=longer)
    step = Step(
        page=keep_declared(body, collection.shape(work.without)), pseudonyms=collection.hidden()
    )
    if not connection.page_info.has_next_page:
        return step
    return replace(step, next=_following(collection, connection, request))


def _longer(nested: str, connection: Connection, request: Request) -> Request | None:
    """Return the same page with longer nested lists, if one may have been cut off."""
    asked = queries.variables_of(request)["nested"]
    sizes = [size for size in NESTED_SIZES if size > asked]
    if not sizes or longest_list(connection, nested) < asked:
        return None
    first = max(1, NESTED_SIZES[0] * COLLECTIONS["refunds"].page_size // sizes[0])
    return queries.with_variables(request, nested=sizes[0], first=first)


def _following(collection: Collection, connection: Connection, request: Request) -> Request:
    """Return the request for the next page.

    Raises:
        CursorRejected: there is more, but no cursor, or the one we came with.
        SliceTooLarge: the list is longer than paging reaches.
    """
    asked = queries.variables_of(request)
    after = connection.page_info.end_cursor
    if not after or after == asked["after"]:
        raise CursorRejected("shopify has more rows but repeats its cursor, or names none")
    seen = carried_count(request, "seen") + len(connection.nodes)
    if seen + collection.page_size > DEEPEST:
        raise SliceTooLarge("the list is longer than paging reaches", objects=seen)
    changes: dict[str, object] = {"after": after}
    if asked.get("nested", 0) > NESTED_SIZES[0]:  # only that one page had long lists
        changes |= {"first": collection.page_size, "nested": NESTED_SIZES[0]}
    return carry(queries.with_variables(request, **changes), seen=seen)


def _warnings(work: Slice, mine: ShopifyOptions, response: Response) -> list[str]:
    found = []
    served = response.headers.get("x-shopify-api-version", mine.api_version)
    if served != mine.api_version:
        found.append(
            f"shopify: version {mine.api_version} has ended, {served} answers: upgrade tactics"
        )
    scopes = work.account.facts.get("scopes", _ALL_ORDERS).split()
    if COLLECTIONS[work.key.stream].root == "orders" and _ALL_ORDERS not in scopes:
        found += _warn_of_history(work, response)
    return found


def _warn_of_history(work: Slice, response: Response) -> list[str]:
    now = answered_at(response)
    if now is None or work.window.start >= now.date() - dt.timedelta(days=YOUNG_DAYS):
        return []
    return [f"shopify: without {_ALL_ORDERS} there are no orders older than {YOUNG_DAYS} days"]


def _mine(options: Options) -> ShopifyOptions:
    assert isinstance(options, ShopifyOptions)
    return options


connector = ShopifyConnector()
