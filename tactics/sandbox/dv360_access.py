"""What both APIs of Display & Video 360 share: who may see what, and how lists are paged.

Source: the dv360 contract sheet of 2026-11-21, sections 2, 3 and 6. Serves nothing itself.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tactics.sandbox.api import Call, Refused, Reply
from tactics.sandbox.google import check_bearer, error_reply
from tactics.sandbox.keys import Grant
from tactics.sandbox.plan import AdAccount, Org
from tactics.sandbox.scene import Scene

PAGING = frozenset({"orderBy", "pageSize", "pageToken"})
_COMMON = frozenset({"alt", "prettyPrint"})  # what Google's own client adds
_T = TypeVar("_T")


def sign_in(scene: Scene, call: Call, scope: str, *, known: frozenset[str] = frozenset()) -> Grant:
    """Return whose token it is.

    Raises:
        Refused: it may not be used here, or the call has a parameter that nobody knows.
    """
    grant = check_bearer(scene, call, (scope,))
    if unknown := [name for name, _ in call.query if name not in _COMMON | known]:
        text = f'Invalid JSON payload received. Unknown name "{unknown[0]}"'
        raise Refused(error_reply(400, f"{text}: Cannot bind query parameter."))
    return grant


def advertisers_of(org: Org) -> list[AdAccount]:
    """Return the advertisers of an organisation."""
    return [account for account in org.accounts if account.source == "dv360"]


def partner_of(org: Org) -> str:
    """Return the partner above an organisation's advertisers."""
    return f"6{advertisers_of(org)[0].account_id[1:]}"


def forbidden() -> Refused:
    """Return the refusal of what belongs to somebody else."""
    return Refused(error_reply(403, "The caller does not have permission"))


def json_body(call: Call) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        Refused: there is none.
    """
    try:
        document = json.loads(call.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused(error_reply(400, "Invalid JSON payload received."))
    return document


def page_of(
    call: Call,
    items: Sequence[_T],
    show: Callable[[_T], dict[str, Any]],
    *,
    list_name: str,
    sort: str,
    most: int = 100,
) -> Reply:
    """Return a page of a list; an empty one has no list at all.

    Raises:
        Refused: order, size or token are wrong.
    """
    order = call.first("orderBy", sort)
    if order not in {sort, f"{sort} desc"}:
        raise Refused(error_reply(400, f"Invalid order_by: {order}"))
    size, start = call.first("pageSize", "100"), _offset(call.first("pageToken"))
    if not size.isdigit() or not 1 <= int(size) <= most:
        raise Refused(error_reply(400, f"Invalid page_size: {size}"))
    ordered = items[::-1] if order.endswith(" desc") else items
    end = start + int(size)
    document: dict[str, Any] = {}
    if shown := [show(item) for item in ordered[start:end]]:
        document[list_name] = shown
    if end < len(items):
        document["nextPageToken"] = base64.urlsafe_b64encode(f"from {end}".encode()).decode()
    return Reply(document)


def _offset(token: str) -> int:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
        return int(text.removeprefix("from ")) if token else 0
    except (binascii.Error, ValueError) as exc:
        raise Refused(error_reply(400, "Invalid page_token")) from exc
