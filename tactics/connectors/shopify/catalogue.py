"""What is asked of Shopify, collection by collection, and with that all that is kept.

One tree of fields is both the query's selection and the list of what stays in a page, so nothing
can be fetched without being declared here. Sends nothing.
Source: contract sheet "Shopify Admin API (GraphQL)" sections 3, 4, 6, 7 and 10 (2026-11-21).
"""

import datetime as dt
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from tactics.connectors.scrub import Shape
from tactics.model import Slice

# How many of an order's refunds are asked for at first, then when that was not enough; Shopify
# lists no more than 250 of anything at once.
NESTED_SIZES = (5, 50, 250)
_DAY = dt.timedelta(days=1)

_SHOP: Shape = {"shopMoney": dict.fromkeys(("amount", "currencyCode"))}
_BOTH: Shape = {**_SHOP, "presentmentMoney": dict.fromkeys(("amount", "currencyCode"))}
_MONEY: Shape = dict.fromkeys(("amount", "currencyCode"))
_UTM: Shape = {"utmParameters": dict.fromkeys(("source", "medium", "campaign"))}

_ORDER: Shape = {
    **dict.fromkeys(("id", "legacyResourceId", "name", "createdAt", "processedAt", "updatedAt")),
    **dict.fromkeys(("cancelledAt", "test", "displayFinancialStatus", "displayFulfillmentStatus")),
    **dict.fromkeys(("sourceName", "paymentGatewayNames", "subtotalLineItemsQuantity")),
    "totalPriceSet": _BOTH,
    **dict.fromkeys(("totalDiscountsSet", "totalTaxSet", "totalShippingPriceSet"), _SHOP),
    **dict.fromkeys(("totalRefundedSet", "netPaymentSet"), _SHOP),
    "customer": dict.fromkeys(("legacyResourceId", "numberOfOrders")),
    "customerJourneySummary": {"ready": None, "customerOrderIndex": None, "lastVisit": _UTM},
}
_REFUNDS: Shape = {
    **dict.fromkeys(("id", "legacyResourceId", "updatedAt")),
    "refunds": {
        **dict.fromkeys(("id", "legacyResourceId", "createdAt", "processedAt")),
        "totalRefundedSet": _SHOP,
    },
}
_CUSTOMER: Shape = {
    **dict.fromkeys(("id", "legacyResourceId", "createdAt", "updatedAt")),
    **dict.fromkeys(("numberOfOrders", "tags")),
    "amountSpent": _MONEY,
    "defaultEmailAddress": dict.fromkeys(("emailAddress", "marketingState")),
    "defaultAddress": {"countryCodeV2": None},
}
_PRODUCT: Shape = {
    **dict.fromkeys(("id", "legacyResourceId", "title", "handle", "status", "vendor")),
    **dict.fromkeys(("productType", "createdAt", "updatedAt", "publishedAt", "totalInventory")),
    "priceRangeV2": {"minVariantPrice": _MONEY, "maxVariantPrice": _MONEY},
}


@dataclass(frozen=True, slots=True)
class Collection:
    """One list of the API: `root` is its name, `fields` what is asked of each object.

    `page_size` keeps a query at about 500 points. `optional` fields are left out when the shop
    denies them; `nested` is a list inside of each object that has to be asked for by size.
    """

    root: str
    sort: str
    fields: Shape
    page_size: int
    search: Callable[[Slice], str]
    optional: tuple[str, ...] = ()
    nested: str | None = None
    pseudonyms: Shape = field(default_factory=dict)

    def without(self, refused: AbstractSet[str]) -> Shape:
        """Return the fields that are still asked for."""
        return {name: below for name, below in self.fields.items() if name not in refused}

    def shape(self, refused: AbstractSet[str]) -> Shape:
        """Return what stays of a page."""
        return {"data": {self.root: {"nodes": self.without(refused)}}}

    def hidden(self) -> Shape:
        """Return what of a page is kept as a keyed hash only."""
        return {"data": {self.root: {"nodes": self.pseudonyms}}} if self.pseudonyms else {}

    def selection(self, refused: AbstractSet[str], nested: str) -> str:
        """Return the fields as GraphQL; `nested` is how many of the nested list."""
        sized = {self.nested: f"(first: {nested})"} if self.nested else {}
        return _select(self.without(refused), sized)


def _select(fields: Shape, sized: dict[str, str]) -> str:
    return " ".join(
        name + sized.get(name, "") + (f" {{ {_select(below, sized)} }}" if below else "")
        for name, below in fields.items()
    )


def _updated(work: Slice) -> str:
    """Return the filter for the shop's own days, as instants; the end is excluded."""
    zone = ZoneInfo(work.account.timezone or "UTC")
    start, end = (_midnight(day, zone) for day in (work.window.start, work.window.end + _DAY))
    return f"updated_at:>='{start}' updated_at:<'{end}'"


def _updated_days(work: Slice) -> str:
    """Return the filter for customers: it matches whole days, in whatever zone, so two more."""
    return f"updated_at:>='{work.window.start - _DAY}' updated_at:<='{work.window.end + _DAY}'"


def _midnight(day: dt.date, zone: ZoneInfo) -> str:
    local = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


COLLECTIONS = {
    "orders": Collection(
        root="orders",
        sort="UPDATED_AT",
        fields=_ORDER,
        page_size=25,
        search=_updated,
        optional=("customer", "customerJourneySummary"),
    ),
    "refunds": Collection(
        root="orders",
        sort="UPDATED_AT",
        fields=_REFUNDS,
        page_size=25,
        search=_updated,
        nested="refunds",
    ),
    "customers": Collection(
        root="customers",
        sort="UPDATED_AT",
        fields=_CUSTOMER,
        page_size=100,
        search=_updated_days,
        optional=("defaultEmailAddress", "defaultAddress", "amountSpent"),
        pseudonyms={"defaultEmailAddress": {"emailAddress": None}},
    ),
    "products": Collection(
        root="products",
        sort="ID",
        fields=_PRODUCT,
        page_size=100,
        # Named one by one: the schema says that without a status only active ones may be listed.
        search=lambda _work: "status:active,draft,archived,unlisted",
        optional=("totalInventory", "priceRangeV2"),
    ),
}
