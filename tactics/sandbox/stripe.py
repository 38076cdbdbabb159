"""Simulates the Stripe API: the balance ledger and the objects behind it, read only.

Source: the stripe contract sheet of 2026-11-21. Money is integers in minor units, lists are newest
first, a restricted key sees what it may. Writes nothing.
"""

import base64
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tactics.sandbox.api import After, Before, Call, Refused, Reply, Route, Simulator, constant
from tactics.sandbox.faults import Fault
from tactics.sandbox.payments import Payments
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene
from tactics.sandbox.stripe_objects import Item, list_items

_VERSION = "2026-10-28.endive"
_MAX_PAGE = 100
_DEFAULT_PAGE = 10
_PAGING = {"limit", "starting_after", "ending_before", "expand[]", "expand[0]", "expand[1]"}
_RANGE = {f"created[{name}]" for name in ("gte", "gt", "lte", "lt")} | {"created"}
_FILTERS = {
    "balance_transactions": {"currency", "payout", "source", "type"},
    "charges": {"customer", "payment_intent", "transfer_group"},
    "refunds": {"charge", "payment_intent"},
    "disputes": {"charge", "payment_intent"},
    "payouts": {"destination", "status"},
    "events": {"type", "types[]", "delivery_success"},
}
_EXPANSIONS = {
    "balance_transactions": {"data.source": "source"},
    "charges": {"data.balance_transaction": "balance_transaction"},
    "refunds": {"data.balance_transaction": "balance_transaction", "data.charge": "charge"},
    "payouts": {"data.balance_transaction": "balance_transaction"},
}
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "created": lambda created, bound: created == bound,
    "created[gte]": lambda created, bound: created >= bound,
    "created[gt]": lambda created, bound: created > bound,
    "created[lte]": lambda created, bound: created <= bound,
    "created[lt]": lambda created, bound: created < bound,
}

Change: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def simulator(scene: Scene) -> Simulator:
    """Return the Stripe API over `scene`."""
    stripe = _Stripe(scene)
    return Simulator(
        name="stripe",
        routes=(
            Route("GET", "/v1/account", stripe.get_account),
            Route("GET", "/v1/{kind}", stripe.list_objects),
            Route("GET", "/v1/{kind}/{id}", stripe.get_object),
        ),
        not_found=lambda call: error_reply(
            404, f"Unrecognized request URL ({call.method}: {call.path})."
        ),
        before=_BEFORE,
        after=_AFTER,
        account=stripe.account_of,
        settings=lambda org, url: {"accounts": [org.org_id], "base_url": f"{url}/stripe"},
        credentials=lambda org, _url: {"api_key": scene.keys[org.org_id].stripe_api_key},
    )


def error_reply(
    status: int, message: str, *, kind: str = "invalid_request_error", **facts: str
) -> Reply:
    """Return the vendor's error body; `facts` are `code` and `param`."""
    error = {"type": kind, "message": message, **facts}
    return Reply({"error": error}, status=status, headers={"request-id": "req_sandbox"})


@dataclass(frozen=True, slots=True)
class _Page:
    """Which part of a list is asked for."""

    limit: int
    starting_after: str
    ending_before: str


class _Stripe:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._numbers = itertools.count(1)
        self._held: dict[tuple[str, str], tuple[int, list[Item]]] = {}

    def account_of(self, call: Call) -> str:
        org_id = self._find_org_id(_key(call))
        return org_id or ""

    def get_account(self, call: Call) -> Reply:
        org = self._sign_in(call)
        account = {
            "id": f"acct_sandbox_{org.org_id}",
            "object": "account",
            "country": "AT" if org.currency == "EUR" else "US",
            "default_currency": org.currency.lower(),
            "email": f"owner@{org.org_id}.example",
            "settings": {"dashboard": {"display_name": org.name, "timezone": org.timezone}},
        }
        return self._reply(account)

    def list_objects(self, call: Call) -> Reply:
        books = self._scene.payments(self._sign_in(call).org_id)
        kind = self._known_kind(call)
        self._check_parameters(call, kind)
        items = [item for item in self._items(books, kind) if _wanted(item, call, books)]
        page, more = _cut(items, _page(call))
        expand = self._expansions(call, kind)
        data = [self._expanded(item, expand) for item in page]
        return self._reply({"object": "list", "url": f"/v1/{kind}", "has_more": more, "data": data})

    def get_object(self, call: Call) -> Reply:
        books = self._scene.payments(self._sign_in(call).org_id)
        kind, wanted = self._known_kind(call), call.match["id"]
        for item in self._items(books, kind):
            if item.document["id"] == wanted:
                return self._reply(item.document)
        raise Refused(_no_such(kind, wanted, "id", status=404))

    def _items(self, books: Payments, kind: str) -> list[Item]:
        """Return the objects of a kind; made again only when time has passed."""
        key = (books.org.org_id, kind)
        made_at, items = self._held.get(key, (-1, []))
        if made_at != books.now:
            items = list_items(books, kind)
            self._held[key] = (books.now, items)
        return items

    def _known_kind(self, call: Call) -> str:
        kind = call.match["kind"]
        if kind not in _FILTERS:
            raise Refused(error_reply(404, f"Unrecognized request URL (GET: {call.path})."))
        return kind

    def _check_parameters(self, call: Call, kind: str) -> None:
        for name, _ in call.query:
            if name not in _PAGING | _RANGE | _FILTERS[kind]:
                message = f"Received unknown parameter: {name}"
                raise Refused(error_reply(400, message, code="parameter_unknown", param=name))

    def _expansions(self, call: Call, kind: str) -> list[str]:
        asked = [value for name, value in call.query if name.startswith("expand[")]
        known = _EXPANSIONS.get(kind, {})
        for name in asked:
            if name not in known:
                raise Refused(error_reply(400, f"This property cannot be expanded ({name})."))
        return [known[name] for name in asked]

    def _expanded(self, item: Item, names: list[str]) -> dict[str, object]:
        found = {name: item.related[name] for name in names if name in item.related}
        return {**item.document, **found}

    def _reply(self, document: object) -> Reply:
        headers = {"request-id": f"req_{next(self._numbers):014d}", "stripe-version": _VERSION}
        return Reply(document, headers=headers, media_type="application/json")

    def _sign_in(self, call: Call) -> Org:
        key = _key(call)
        org_id = self._find_org_id(key)
        if org_id is None:
            shown = f"{key[:8]}****{key[-4:]}" if key else ""
            message = (
                f"Invalid API Key provided: {shown}" if key else "You did not provide an API key."
            )
            raise Refused(error_reply(401, message))
        return self._scene.orgs[org_id]

    def _find_org_id(self, key: str) -> str | None:
        owners = (keys.org_id for keys in self._scene.keys.values() if keys.stripe_api_key == key)
        return next(owners, None)


def _key(call: Call) -> str:
    """Return the API key: a bearer token, or the user name of Basic authentication."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return base64.b64decode(text).decode().partition(":")[0]
    return call.bearer()


def _page(call: Call) -> _Page:
    text = call.first("limit", str(_DEFAULT_PAGE))
    if not text.isdigit() or not 1 <= int(text) <= _MAX_PAGE:
        message = f"Invalid integer: {text}. This value must be between 1 and 100."
        raise Refused(error_reply(400, message, code="parameter_invalid_integer", param="limit"))
    return _Page(int(text), call.first("starting_after"), call.first("ending_before"))


def _cut(items: list[Item], page: _Page) -> tuple[list[Item], bool]:
    """Return one page and whether there is more in the direction of reading."""
    if page.ending_before:
        end = _place(items, page.ending_before, "ending_before")
        start = max(0, end - page.limit)
        return items[start:end], start > 0
    start = _place(items, page.starting_after, "starting_after") + 1 if page.starting_after else 0
    return items[start : start + page.limit], start + page.limit < len(items)


def _place(items: list[Item], wanted: str, parameter: str) -> int:
    for index, item in enumerate(items):
        if item.document["id"] == wanted:
            return index
    raise Refused(_no_such("object", wanted, parameter, status=400))


def _no_such(kind: str, wanted: str, parameter: str, *, status: int) -> Reply:
    message = f"No such {kind}: '{wanted}'"
    return error_reply(status, message, code="resource_missing", param=parameter)


def _wanted(item: Item, call: Call, books: Payments) -> bool:
    return all(_passes(item, name, value, books) for name, value in call.query)


def _passes(item: Item, name: str, value: str, books: Payments) -> bool:
    if name in _COMPARE:
        return _COMPARE[name](int(str(item.document["created"])), int(value))
    if name == "payout":
        payout = next((p for p in books.payouts if p.payout_id == value), None)
        settled = {*payout.settles, payout.txn.txn_id} if payout else set()
        return item.document["id"] in settled
    if name in {"currency", "source", "type", "charge", "status", "customer"}:
        return item.document.get(name) == value
    return True


def _change_list(change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> After:
    """Return an effect on a list that has something in it."""

    def effect(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        document = reply.document
        if not isinstance(document, dict) or not document.get("data"):
            return None
        return replace(reply, document={**document, **change(document)})

    return effect


def _change_first(change: Change) -> After:
    return _change_list(lambda page: {"data": [change(page["data"][0]), *page["data"][1:]]})


def _internal(_call: Call, fault: Fault) -> Reply:
    """Fail; with the option `should_retry` the vendor overrules the client's judgement."""
    reply = error_reply(500, "An unknown error occurred", kind="api_error")
    advice = fault.text("should_retry", "")
    return reply.with_headers({"stripe-should-retry": advice}) if advice else reply


_BEFORE: dict[str, Before] = {
    "http_500": _internal,
    "http_503": constant(error_reply(503, "Service unavailable", kind="api_error")),
    "rate_limit": constant(error_reply(429, "Request rate limit exceeded.", code="rate_limit")),
    "lock_timeout": constant(
        error_reply(429, "This object cannot be accessed right now.", code="lock_timeout")
    ),
    "conflict": constant(error_reply(409, "Conflicting request.", kind="idempotency_error")),
    "auth_expired": constant(
        error_reply(401, "Expired API Key provided: rk_test_****", code="api_key_expired")
    ),
    "permission": constant(
        error_reply(
            403,
            "The provided key does not have the required permissions for this endpoint.",
            code="more_permissions_required",
        )
    ),
}
_AFTER: dict[str, After] = {
    "not_a_number": _change_first(lambda item: item | {"amount": "N/A"}),
    "unknown_field": _change_first(lambda item: item | {"sandbox_new_field": {"nested": [1]}}),
    "unknown_enum": _change_first(
        lambda item: item | {"type": "sandbox_new_type", "reporting_category": "sandbox_new"}
    ),
    "net_mismatch": _change_first(lambda item: item | {"net": item["net"] + 1}),
    "empty_page_with_next": _change_list(lambda _page: {"data": [], "has_more": True}),
    "cursor_loop": _change_list(lambda _page: {"has_more": True}),
}
