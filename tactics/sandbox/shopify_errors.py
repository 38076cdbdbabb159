"""How Shopify says no, and the faults in its forms.

Source: the shopify contract sheet of 2026-11-21, sections 5, 6 and 13.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from tactics.sandbox.api import After, Before, Call, Reply, constant
from tactics.sandbox.faults import Fault

Document: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Document, Fault], Document | None]
_TINY = {"maximumAvailable": 2000.0, "currentlyAvailable": 100, "restoreRate": 100.0}


def graphql_error(message: str, code: str = "", **details: object) -> Document:
    """Return one error of GraphQL."""
    extensions = {"code": code, **details} if code else dict(details)
    return {"message": message, "extensions": extensions} if extensions else {"message": message}


def refuse(message: str, code: str = "", **details: object) -> Reply:
    """Return an answer with status 200 that holds an error and no data."""
    return Reply({"errors": [graphql_error(message, code, **details)]})


def too_dear(cost: int, limit: int) -> Reply:
    """Return the refusal of a query that may cost more than one query may."""
    text = f"Query cost is {cost}, which exceeds the single query max cost limit ({limit})."
    return refuse(text, "MAX_COST_EXCEEDED", cost=cost, maxCost=limit)


def throttled(requested: float, status: Mapping[str, float]) -> Reply:
    """Return the refusal of a query that the bucket cannot pay now."""
    errors = [graphql_error("Throttled", "THROTTLED")]
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return Reply({"errors": errors, "extensions": {"cost": cost}})


def asked(call: Call) -> Document:
    """Return what a call asks for: its operation's name and its variables."""
    try:
        document = json.loads(call.body)
    except ValueError:
        return {}  # a form, or a download
    return document if isinstance(document, dict) else {}


def _refuse_sized(call: Call, fault: Fault) -> Reply | None:
    """Refuse pages of more than `over_first` objects."""
    first = (asked(call).get("variables") or {}).get("first", 0)
    limit = fault.option("over_first", 10)
    return too_dear(1000 + first, 1000) if first > limit else None


def _no_place(code: str) -> Before:
    errors = [{"field": ["query"], "message": "A bulk operation is running.", "code": code}]
    payload = {"bulkOperation": None, "userErrors": errors}

    def effect(call: Call, _fault: Fault) -> Reply | None:
        if asked(call).get("operationName") != "StartBulk":
            return None
        return Reply({"data": {"bulkOperationRunQuery": payload}})

    return effect


def _dead_link(call: Call, _fault: Fault) -> Reply | None:
    if call.method != "GET":
        return None
    return Reply(body=b"<Error><Code>ExpiredToken</Code></Error>", status=403)


def _cut_file(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Leave out the last line."""
    lines = reply.content().splitlines(keepends=True)
    return replace(reply, body=b"".join(lines[:-1])) if call.method == "GET" and lines else None


def _answers(change: Change) -> After:
    """Return an effect that changes the document of a good answer; None leaves it alone."""

    def effect(call: Call, fault: Fault, reply: Reply) -> Reply | None:
        wanted = fault.text("operation", "")
        good = isinstance(reply.document, dict) and isinstance(reply.document.get("data"), dict)
        if not good or (wanted and asked(call).get("operationName") != wanted):
            return None
        changed = change(copy.deepcopy(reply.document), fault)
        return None if changed is None else replace(reply, document=changed)

    return effect


def _operation(**changes: object) -> After:
    """Return an effect that gives a polled bulk operation another state."""

    def change(document: Document, fault: Fault) -> Document | None:
        held = document["data"].get("bulkOperation")
        if held is None:
            return None
        code = fault.text("error_code", str(changes.get("errorCode") or ""))
        document["data"]["bulkOperation"] = held | changes | {"errorCode": code or None}
        return document

    return _answers(change)


def _forget(document: Document, _fault: Fault) -> Document | None:
    if "bulkOperation" not in document["data"]:
        return None
    document["data"]["bulkOperation"] = None
    return document


def _grow(document: Document, fault: Fault) -> Document | None:
    """Say that the file of a completed operation is large."""
    held = document["data"].get("bulkOperation")
    if not held or held["status"] != "COMPLETED":
        return None
    held["fileSize"] = str(fault.option("megabytes", 500) * 2**20)
    return document


def _listed(document: Document) -> Document | None:
    """Return the page of a collection that an answer holds."""
    for root in ("orders", "customers", "products"):
        if isinstance(document["data"].get(root), dict):
            listed: Document = document["data"][root]
            return listed
    return None


def _deny_field(document: Document, fault: Fault) -> Document | None:
    """Null a field in every object and say that it is denied, beside the data."""
    field, listed = fault.text("field", "defaultEmailAddress"), _listed(document)
    holders = [node for node in (listed or {}).get("nodes", ()) if field in node]
    for node in holders:
        node[field] = None
    root = next(iter(document["data"]))
    error = graphql_error(f"Access denied for {field} field.", "ACCESS_DENIED")
    document["errors"] = [error | {"path": [root, "nodes", 0, field]}]
    return document if holders else None


def _fail_partly(document: Document, fault: Fault) -> Document | None:
    """Put an error beside good data."""
    if _listed(document) is None:
        return None
    code = fault.text("code", "INTERNAL_SERVER_ERROR")
    error = graphql_error("Internal error.", code, requestId="5a7d9c2e-partial")
    return document | {"errors": [error]}


def _starve(document: Document, fault: Fault) -> Document:
    status = document["extensions"]["cost"]["throttleStatus"]
    status["currentlyAvailable"] = fault.option("available", 0)
    return document


def _forget_scope(document: Document, _fault: Fault) -> Document | None:
    app = document["data"].get("currentAppInstallation")
    if app is None:
        return None
    kept = [scope for scope in app["accessScopes"] if scope["handle"] != "read_all_orders"]
    app["accessScopes"] = kept
    return document


def _page(change: Callable[[Document], None]) -> After:
    """Return an effect that changes the page of a collection."""

    def apply(document: Document, _fault: Fault) -> Document | None:
        listed = _listed(document)
        if listed is None:
            return None
        change(listed)
        return document

    return _answers(apply)


def _loop(listed: Document) -> None:
    listed["pageInfo"] |= {"hasNextPage": True, "endCursor": "c2FtZQ=="}


def _empty(listed: Document) -> None:
    listed["nodes"] = []
    listed["pageInfo"] |= {"hasNextPage": True}


def _spoil_amount(listed: Document) -> None:
    listed["nodes"][0]["totalPriceSet"]["shopMoney"]["amount"] = "N/A"


def _add_field(listed: Document) -> None:
    listed["nodes"][0]["sandboxNewField"] = {"nested": [1]}


def _fall_forward(_call: Call, _fault: Fault, reply: Reply) -> Reply:
    return reply.with_headers({"x-shopify-api-version": "2026-10"})


def _plain(status: int, message: str, **headers: str) -> Before:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return constant(Reply({"errors": message}, status=status, headers=named))


BEFORE: dict[str, Before] = {
    "throttled": constant(throttled(452, _TINY)),
    "rate_limit": _plain(429, "Exceeded limit", retry_after="2.0"),
    "max_cost": _refuse_sized,
    "internal_error": constant(
        refuse(
            "Internal error. Looks like something went wrong on our end.",
            "INTERNAL_SERVER_ERROR",
            requestId="5a7d9c2e-internal",
        )
    ),
    "shop_inactive": constant(refuse("Shop is inactive.", "SHOP_INACTIVE")),
    "unknown_error": constant(refuse("Something new.", "SANDBOX_NEW")),
    "no_access": constant(refuse("Access denied for orders field.", "ACCESS_DENIED")),
    "http_500": _plain(500, "Internal Server Error", x_request_id="5a7d9c2e-500"),
    "http_503": _plain(503, "Service Unavailable"),
    "auth_expired": _plain(401, "[API] Invalid API key or access token"),
    "payment_required": _plain(402, "Unavailable Shop"),
    "permission": _plain(403, "[API] This action requires merchant approval"),
    "wrong_shop": _plain(404, "Not Found"),
    "locked": _plain(423, "Locked"),
    "security": _plain(430, "Security Rejection"),
    "bulk_limit_reached": _no_place("LIMIT_REACHED"),
    "bulk_in_progress": _no_place("OPERATION_IN_PROGRESS"),
    "expired_link": _dead_link,
}
AFTER: dict[str, After] = {
    "access_denied": _answers(_deny_field),
    "partial_error": _answers(_fail_partly),
    "low_bucket": _answers(_starve),
    "without_all_orders": _answers(_forget_scope),
    "fall_forward": _fall_forward,
    "cursor_loop": _page(_loop),
    "empty_page_with_next": _page(_empty),
    "not_a_number": _page(_spoil_amount),
    "unknown_field": _page(_add_field),
    "bulk_failed": _operation(
        status="FAILED",
        errorCode="INTERNAL_SERVER_ERROR",
        url=None,
        partialDataUrl="https://storage.googleapis.com/partial.jsonl",
    ),
    "bulk_canceled": _operation(status="CANCELED", url=None),
    "bulk_expired": _operation(status="EXPIRED", url=None),
    "bulk_lost_link": _operation(status="COMPLETED", url=None, rootObjectCount="3"),
    "bulk_new_state": _operation(status="SANDBOX_NEW", url=None),
    "bulk_forgotten": _answers(_forget),
    "bulk_too_large": _answers(_grow),
    "short_file": _cut_file,
}
