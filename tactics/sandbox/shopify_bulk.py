"""Shopify's bulk operations: they move on with every poll and start, and leave a file of JSON lines.

Source: the shopify contract sheet of 2026-11-21, section 5. Makes no rows.
"""

import datetime as dt
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import GraphQLError

from tactics.sandbox.api import Call, Reply
from tactics.sandbox.plan import Org
from tactics.sandbox.shopify_access import TOKEN_HEADER
from tactics.sandbox.shopify_schema import Query

_CONCURRENT = 5
_DONE_AFTER_POLLS = 2
Answered: TypeAlias = Callable[[Query], dict[str, Any]]


@dataclass(slots=True)
class Operation:
    """One bulk operation of one shop."""

    number: int
    org_id: str
    query: str
    created_at: dt.datetime
    polls: int = 0
    lines: tuple[str, ...] | None = None  # rendered when somebody hears that it is done

    @property
    def done(self) -> bool:
        """Return whether the file is there."""
        return self.polls >= _DONE_AFTER_POLLS


class Bulks:
    """All operations started so far."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._held: dict[int, Operation] = {}
        self._numbers = itertools.count(720_001)

    def start(self, org: Org, text: str) -> dict[str, Any]:
        """Return the payload of the mutation: a new operation, or why there is none."""
        try:
            roots = Query(text).roots()
        except GraphQLError as exc:
            return _refusal("INVALID", f"Invalid bulk query: {exc.message}")
        if len(roots) != 1 or roots[0].name.value not in {"orders", "customers", "products"}:
            return _refusal("INVALID", "Bulk queries must contain one connection at the top.")
        running = [op for op in self._held.values() if op.org_id == org.org_id and not op.done]
        for other in running:
            other.polls += 1  # also one that nobody waits for comes to its end
        if len(running) >= _CONCURRENT:
            return _refusal("LIMIT_REACHED", "Too many bulk operations are running.")
        operation = Operation(next(self._numbers), org.org_id, text, self._now())
        self._held[operation.number] = operation
        return {"bulkOperation": self._document(operation, ""), "userErrors": []}

    def poll(self, org: Org, gid: str, base: str, answered: Answered) -> dict[str, Any] | None:
        """Return an operation of this shop, one step further; None when there is none."""
        number = gid.rpartition("/")[2]
        operation = self._held.get(int(number)) if number.isdigit() else None
        if operation is None or operation.org_id != org.org_id:
            return None
        operation.polls += 1
        if operation.done and operation.lines is None:
            operation.lines = _render(Query(operation.query), answered)
        return self._document(operation, base)

    def list(
        self,
        org: Org,
        base: str,
        *,
        first: int | None = None,
        query: str = "",
        sortKey: str = "CREATED_AT",  # noqa: N803  Shopify's name
        reverse: bool = False,
        after: str | None = None,
    ) -> dict[str, Any]:
        """Return this shop's operations, as `query` and the order want them; looking moves none on.

        Raises:
            GraphQLError: no size, a sort key or a filter that is not simulated.
        """
        if first is None or after is not None or sortKey != "CREATED_AT":
            raise GraphQLError("sandbox: bulkOperations needs `first`, and knows CREATED_AT only")
        wanted = dict(term.split(":", 1) for term in query.split())
        if wanted.keys() - {"operation_type", "status"}:
            raise GraphQLError("sandbox: bulkOperations is filtered by operation_type and status")
        found = [self._document(op, base) for op in self._held.values() if op.org_id == org.org_id]
        found = [
            document
            for document in found
            if document["type"].lower() == wanted.get("operation_type", "query")
            and document["status"].lower() == wanted.get("status", document["status"].lower())
        ]
        nodes = (found if reverse else found[::-1])[:first]
        edges = [{"cursor": node["id"], "node": node} for node in nodes]
        info = {"hasNextPage": len(found) > first, "hasPreviousPage": False}
        return {"nodes": nodes, "edges": edges, "pageInfo": info}

    def download(self, call: Call) -> Reply:
        """Return a file; whoever shows a token to this host has leaked it."""
        if call.headers.get(TOKEN_HEADER):
            return Reply({"error": "a token was sent to a foreign host"}, status=400)
        number = call.match["number"]
        operation = self._held.get(int(number)) if number.isdigit() else None
        if (
            operation is None
            or not operation.done
            or call.first("X-Goog-Signature") != _sign(number)
        ):
            return Reply(body=b"<Error><Code>AccessDenied</Code></Error>", status=403)
        body = "".join(f"{line}\n" for line in operation.lines or ()).encode()
        return Reply(body=body, media_type="application/jsonl")

    def _document(self, operation: Operation, base: str) -> dict[str, Any]:
        lines = operation.lines or ()
        count = str(len(lines))
        url = f"{base}/files/{operation.number}?X-Goog-Signature={_sign(str(operation.number))}"
        states = {0: "CREATED", 1: "RUNNING"}
        created = f"{operation.created_at:%Y-%m-%dT%H:%M:%SZ}"
        return {
            "id": f"gid://shopify/BulkOperation/{operation.number}",
            "type": "QUERY",
            "status": states.get(operation.polls, "COMPLETED"),
            "errorCode": None,
            "createdAt": created,
            "completedAt": created if operation.done else None,
            "objectCount": count,
            "rootObjectCount": count,
            "fileSize": str(sum(len(line) + 1 for line in lines)) if operation.done else None,
            "url": url if lines else None,  # nothing found: no file
            "partialDataUrl": None,
            "query": operation.query,
        }


def _render(query: Query, answered: Answered) -> tuple[str, ...]:
    [listed] = answered(query).values()
    nodes = listed.get("nodes") or [edge["node"] for edge in listed.get("edges", ())]
    return tuple(json.dumps(node) for node in nodes)


def _refusal(code: str, message: str) -> dict[str, Any]:
    errors = [{"field": ["query"], "message": message, "code": code}]
    return {"bulkOperation": None, "userErrors": errors}


def _sign(number: str) -> str:
    return f"signed{number}"
