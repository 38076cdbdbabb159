"""Simulates Shopify's Admin API: one GraphQL endpoint, the token endpoint, the files of bulk operations.

Source: the shopify contract sheet of 2026-11-21. Most errors come with status 200: who looks only at
the status is lost. Holds the shops; `shopify_graph.py` answers for them.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from tactics.sandbox.api import Call, Reply, Route, Simulator
from tactics.sandbox.commerce import Shop, open_shop
from tactics.sandbox.ledger import Fact
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene
from tactics.sandbox.shopify_access import Access
from tactics.sandbox.shopify_documents import list_facts, shop_domain
from tactics.sandbox.shopify_errors import AFTER, BEFORE

if TYPE_CHECKING:
    from tactics.sandbox.shopify_graph import Endpoint


def simulator(scene: Scene) -> Simulator:
    """Return Shopify's Admin API over `scene`."""
    access = Access(scene)
    shopify = _Shopify(scene, access)
    return Simulator(
        name="shopify",
        routes=(
            Route("POST", "/admin/api/{version}/graphql.json", shopify.answer),
            Route("POST", "/admin/oauth/access_token", access.issue),
            Route("GET", "/files/{number}", shopify.download),
        ),
        not_found=lambda _call: Reply({"errors": "Not Found"}, status=404),
        before=BEFORE,
        after=AFTER,
        account=shopify.account_of,
        settings=lambda org, url: {
            "accounts": [shop_domain(org.org_id)],
            "base_url": f"{url}/shopify",
        },
        credentials=lambda org, _url: access.credentials(org),
        facts=shopify.facts,
        actions={
            "refund_order": shopify.refund_order,
            "edit_order": shopify.edit_order,
            "delete_product": shopify.delete_product,
            "expire_shopify_tokens": access.expire_tokens,
        },
    )


class _Shopify:
    def __init__(self, scene: Scene, access: Access) -> None:
        self._scene = scene
        self._access = access
        self._shops: dict[str, Shop] = {}

    @cached_property
    def endpoint(self) -> "Endpoint":
        """Return the endpoint, made when it is first asked."""
        # A GraphQL library takes a third of a second to load, and most worlds ask no shop.
        from tactics.sandbox.shopify_graph import Endpoint  # noqa: PLC0415

        return Endpoint(self._access, self._shop, self._scene.now)

    def answer(self, call: Call) -> Reply:
        """Return what GraphQL says."""
        return self.endpoint.answer(call)

    def download(self, call: Call) -> Reply:
        """Return the file of a bulk operation."""
        return self.endpoint.download(call)

    def account_of(self, call: Call) -> str:
        """Return the domain of the shop that the token opens."""
        org_id = self._access.find(call)
        return shop_domain(org_id) if org_id else ""

    def facts(self, org: Org) -> Iterator[Fact]:
        """Return the rows of a correct sync."""
        return list_facts(self._shop(org.org_id))

    def refund_order(self, order: str = "", amount: str = "", org_id: str = "") -> str:
        """Give money back now, by default for an old order that Stripe does not know."""
        return self._shop(org_id).refund(order, amount)

    def edit_order(self, order: str = "", amount: str = "10.00", org_id: str = "") -> str:
        """Put more goods on an order, by default an old one that Stripe does not know."""
        return self._shop(org_id).edit(order, amount)

    def delete_product(self, org_id: str = "") -> str:
        """Delete a product."""
        return self._shop(org_id).delete_product()

    def _shop(self, org_id: str) -> Shop:
        """Return the shop of an organisation, by default the first; made when first asked for."""
        org_id = org_id or next(iter(self._scene.orgs))
        if org_id not in self._shops:
            self._shops[org_id] = open_shop(self._scene.payments(org_id))
        return self._shops[org_id]
