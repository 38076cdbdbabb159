"""Shopify's GraphQL endpoint: what a query costs, what it may cost, and what it leads to.

Source: the shopify contract sheet of 2026-11-21, sections 3 to 6. Knows no faults.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from tactics.sandbox.api import Call, Refused, Reply
from tactics.sandbox.commerce import Shop
from tactics.sandbox.plan import Org
from tactics.sandbox.shopify_access import SCOPES, Access
from tactics.sandbox.shopify_bulk import Bulks
from tactics.sandbox.shopify_documents import shop_domain
from tactics.sandbox.shopify_errors import asked, refuse, throttled, too_dear
from tactics.sandbox.shopify_pages import Catalogue, everything, page
from tactics.sandbox.shopify_schema import Query, count_objects

_LIMIT = 1000  # points that one query may cost
_COLLECTIONS = ("orders", "customers", "products")


class Endpoint:
    """Answers GraphQL and serves the files of bulk operations."""

    def __init__(
        self, access: Access, find_shop: Callable[[str], Shop], now: Callable[[], dt.datetime]
    ) -> None:
        self._access = access
        self._find_shop = find_shop
        self._catalogues: dict[str, Catalogue] = {}
        self._bulks = Bulks(now)

    def answer(self, call: Call) -> Reply:
        """Return what GraphQL says."""
        org = self._access.sign_in(call)
        headers = self._access.headers(call)
        request = asked(call)
        if not isinstance(request.get("query"), str):
            errors = {"query": "Required parameter missing or invalid"}
            return Reply({"errors": errors}, status=400, headers=headers)
        try:
            query = Query(request["query"], request.get("operationName"))
            reply = self._run(call, org, query, request.get("variables") or {})
        except GraphQLError as exc:
            reply = refuse(exc.message, str((exc.extensions or {}).get("code", "invalid")))
        except Refused as refused:
            reply = refused.reply
        return reply.with_headers(headers)

    def download(self, call: Call) -> Reply:
        """Return the file of a bulk operation."""
        return self._bulks.download(call)

    def _run(self, call: Call, org: Org, query: Query, variables: dict[str, Any]) -> Reply:
        requested = query.cost(variables)
        if requested > _LIMIT:
            raise Refused(too_dear(requested, _LIMIT))
        if not self._access.spend(org, requested):
            raise Refused(throttled(requested, self._access.status(org)))
        data = query.run(self._root(call, org), variables)
        actual = min(requested, count_objects(data))
        self._access.spend(org, actual - requested)  # what it did not cost comes back
        cost = {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self._access.status(org),
        }
        return Reply({"data": data, "extensions": {"cost": cost}})

    def _root(self, call: Call, org: Org) -> dict[str, Any]:
        """Return what the top-level fields of a query lead to."""

        def whole(bulk: Query) -> dict[str, Any]:
            return bulk.run({root: self._list(org, root, whole=True) for root in _COLLECTIONS}, {})

        return {
            **{root: self._list(org, root, whole=False) for root in _COLLECTIONS},
            "shop": _shop_document(org),
            "currentAppInstallation": {
                "id": "gid://shopify/AppInstallation/1",
                "accessScopes": [{"handle": handle} for handle in SCOPES],
            },
            "bulkOperation": lambda _info, id: self._bulks.poll(org, id, call.base, whole),  # noqa: A006
            "bulkOperations": lambda _info, **asked: self._bulks.list(org, call.base, **asked),
            "bulkOperationRunQuery": lambda _info, query, **_: self._bulks.start(org, query),
        }

    def _list(self, org: Org, root: str, *, whole: bool) -> Callable[..., dict[str, Any]]:
        def resolve(_info: object, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
            query = arguments.get("query") or ""
            found = self._catalogue(org).search(root, query, arguments["sortKey"])
            return everything(found, arguments) if whole else page(found, arguments)

        return resolve

    def _catalogue(self, org: Org) -> Catalogue:
        if org.org_id not in self._catalogues:
            self._catalogues[org.org_id] = Catalogue(self._find_shop(org.org_id))
        return self._catalogues[org.org_id]


def _shop_document(org: Org) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Shop/{len(org.org_id)}",
        "name": f"{org.name} Shop",
        "email": f"owner@{org.org_id}.example",
        "myshopifyDomain": shop_domain(org.org_id),
        "currencyCode": org.currency,
        "ianaTimezone": org.timezone,
        "plan": {"publicDisplayName": "Plus", "shopifyPlus": True},
    }
