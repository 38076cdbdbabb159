"""Writes GraphQL requests, and reads back from a request what it asked for.

Sends nothing. What is searched for travels in the variables; only a bulk query has to quote it.
"""

import json
from dataclasses import replace
from typing import Any

from tactics.connectors.shopify.catalogue import NESTED_SIZES, Collection
from tactics.model import Slice
from tactics.transport import Request, post_json

FIND, START, POLL, ACCOUNT = "FindBulk", "StartBulk", "PollBulk", "Account"

_ACCOUNT = """query Account {
  shop { id name myshopifyDomain currencyCode ianaTimezone plan { publicDisplayName } }
  currentAppInstallation { accessScopes { handle } }
}"""
# Five may run at a time; the newest come first.
# Source: Admin GraphQL API, QueryRoot.bulkOperations, since 2026-01 (shopify.dev, 2026-11-22).
_FIND = """query FindBulk {
  created: bulkOperations(first: 5, query: "operation_type:query status:created") {
    nodes { id query createdAt }
  }
  running: bulkOperations(first: 5, query: "operation_type:query status:running") {
    nodes { id query createdAt }
  }
  completed: bulkOperations(first: 10, query: "operation_type:query status:completed") {
    nodes { id query createdAt }
  }
}"""
_START = """mutation StartBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { field message code }
  }
}"""
_POLL = """query PollBulk($id: ID!) {
  bulkOperation(id: $id) { id status errorCode rootObjectCount fileSize url partialDataUrl }
}"""


def ask_account(version: str) -> Request:
    """Return the request for the shop's facts and the app's scopes."""
    return _post(version, ACCOUNT, _ACCOUNT, {})


def ask_page(collection: Collection, work: Slice, version: str) -> Request:
    """Return the request for the first page of a slice."""
    sized = ", $nested: Int!" if collection.nested else ""
    name = work.key.stream.capitalize()
    text = (
        f"query {name}($first: Int!, $after: String, $query: String!{sized}) {{\n"
        f"  {collection.root}(first: $first, after: $after, query: $query,"
        f" sortKey: {collection.sort}) {{\n"
        f"    nodes {{ {collection.selection(work.without, '$nested')} }}\n"
        "    pageInfo { hasNextPage endCursor }\n  }\n}"
    )
    variables: dict[str, object] = {
        "first": collection.page_size,
        "after": None,
        "query": collection.search(work),
    }
    if collection.nested:
        variables["nested"] = NESTED_SIZES[0]
    return _post(version, name, text, variables)


def find_bulk(version: str) -> Request:
    """Return the request for the app's bulk operations that run, or have ended well of late."""
    return _post(version, FIND, _FIND, {})


def start_bulk(collection: Collection, work: Slice, version: str) -> Request:
    """Return the request that starts a bulk operation; repeating it blindly would start another."""
    fields = collection.selection(work.without, str(NESTED_SIZES[-1]))
    search = json.dumps(collection.search(work))
    text = f"{{ {collection.root}(query: {search}) {{ edges {{ node {{ {fields} }} }} }} }}"
    return replace(_post(version, START, _START, {"query": text}), idempotent=False)


def poll_bulk(job: str, version: str) -> Request:
    """Return the request for the state of a bulk operation."""
    return _post(version, POLL, _POLL, {"id": job})


def operation_of(request: Request) -> str:
    """Return the name of the operation that a request asks for."""
    return str(json.loads(request.body)["operationName"])


def variables_of(request: Request) -> dict[str, Any]:
    """Return the variables of a request."""
    variables: dict[str, Any] = json.loads(request.body)["variables"]
    return variables


def with_variables(request: Request, **changes: object) -> Request:
    """Return the same request with some variables changed."""
    document = json.loads(request.body)
    document["variables"] |= changes
    return replace(request, body=json.dumps(document).encode())


def _post(version: str, name: str, text: str, variables: dict[str, object]) -> Request:
    path = f"/admin/api/{version}/graphql.json"
    return post_json(path, {"query": text, "variables": variables, "operationName": name})
