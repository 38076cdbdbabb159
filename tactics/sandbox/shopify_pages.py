"""Searches, sorts and pages a shop's collections.

Source: the shopify contract sheet of 2026-11-21, sections 3, 4 and 7. Knows no HTTP.
"""

import base64
import binascii
import json
import re
from typing import Any

from graphql import GraphQLError

from tactics.sandbox.commerce import Shop
from tactics.sandbox.shopify_documents import Document, list_documents

MAX_PAGE = 250
_TERM = re.compile(r"(\w+):(>=|<=|>|<)?('[^']*'|\S+)(?:\s+|$)")
_SORT_FIELDS = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "PROCESSED_AT": "processedAt"}
_NAMES = {"updated_at": "updatedAt", "created_at": "createdAt", "processed_at": "processedAt"}


class Catalogue:
    """The collections of one shop, rendered once for each state of it."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._rendered: dict[str, list[Document]] = {}
        self._state = (0, 0)

    def search(self, root: str, query: str, sort: str) -> list[Document]:
        """Return the objects of a collection that a search finds, sorted.

        Raises:
            GraphQLError: the search or the sort key is not understood; the vendor ignores what it
                does not understand, and a reader would take everything for its window.
        """
        terms = _parse(query)
        if root == "products" and not any(name == "status" for name, _, _ in terms):
            terms.append(("status", "", "active"))  # what the schema tells of
        found = [
            document
            for document in self._all(root)
            if all(_matches(root, document, term) for term in terms)
        ]
        return sorted(found, key=lambda document: _place(document, sort))

    def _all(self, root: str) -> list[Document]:
        state = (self._shop.now, self._shop.version)
        if state != self._state:
            self._rendered, self._state = {}, state
        if root not in self._rendered:
            self._rendered[root] = list_documents(self._shop, root)
        return self._rendered[root]


def page(found: list[Document], arguments: dict[str, Any]) -> Document:
    """Return one page of sorted objects.

    Raises:
        GraphQLError: the size or the cursor is refused.
    """
    first, sort = arguments.get("first"), arguments["sortKey"]
    if not isinstance(first, int) or not 1 <= first <= MAX_PAGE:
        raise GraphQLError("you must provide one of first or last, at most 250")
    if after := arguments.get("after"):
        last = _read_cursor(after, sort)
        found = [document for document in found if _place(document, sort) > last]
    nodes = found[:first]
    return {
        "nodes": nodes,
        "edges": _edges(nodes, sort),
        "pageInfo": {
            "hasNextPage": len(found) > first,
            "hasPreviousPage": bool(arguments.get("after")),
            "startCursor": _cursor(nodes[0], sort) if nodes else None,
            "endCursor": _cursor(nodes[-1], sort) if nodes else None,
        },
    }


def everything(found: list[Document], arguments: dict[str, Any]) -> Document:
    """Return all objects at once, as a bulk operation lists them."""
    return {"nodes": found, "edges": _edges(found, arguments["sortKey"]), "pageInfo": {}}


def _edges(nodes: list[Document], sort: str) -> list[Document]:
    return [{"node": node, "cursor": _cursor(node, sort)} for node in nodes]


def _parse(query: str) -> list[tuple[str, str, str]]:
    terms, at = [], 0
    while at < len(query):
        found = _TERM.match(query, at)
        if found is None or (found[1] not in _NAMES and found[1] != "status"):
            raise GraphQLError(f"the sandbox does not understand the search {query!r}")
        terms.append((found[1], found[2] or "", found[3].strip("'")))
        at = found.end()
    return terms


def _matches(root: str, document: Document, term: tuple[str, str, str]) -> bool:
    name, comparator, bound = term
    if name == "status":
        return document["status"].lower() in bound.split(",")
    value = document[_NAMES[name]]
    if root == "customers":  # matches a whole day, whatever the time says
        value, bound = value[:10], bound[:10]
    elif len(bound) == len("2026-11-21"):
        bound += "T00:00:00Z"
    match comparator:
        case ">=":
            return bool(value >= bound)
        case "<=":
            return bool(value <= bound)
        case ">":
            return bool(value > bound)
        case "<":
            return bool(value < bound)
        case _:
            return bool(value == bound)


def _place(document: Document, sort: str) -> tuple[str, int]:
    if sort not in _SORT_FIELDS and sort != "ID":
        raise GraphQLError(f"the sandbox cannot sort by {sort}")
    value = "" if sort == "ID" else str(document[_SORT_FIELDS[sort]])
    return value, int(document["legacyResourceId"])


def _cursor(document: Document, sort: str) -> str:
    value, last_id = _place(document, sort)
    text = json.dumps({"last_id": last_id, "last_value": value, "sort": sort})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, sort: str) -> tuple[str, int]:
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor))
        if held["sort"] == sort:
            return str(held["last_value"]), int(held["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        pass  # told below, like a cursor of another sort
    raise GraphQLError("Invalid cursor for current pagination sort.")
