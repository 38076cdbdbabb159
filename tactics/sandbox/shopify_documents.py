"""Shopify's objects as GraphQL sees them, and the rows that a correct sync makes of them.

Source: the shopify contract sheet of 2026-11-21, section 3. Personal data is in there on purpose: a
reader must not ask for it.
"""

import datetime as dt
import functools
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tactics.sandbox.commerce import CENT, Customer, Order, OrderRefund, Product, Shop, happened
from tactics.sandbox.ledger import Fact

SOURCE = "shopify"
Document = dict[str, Any]
Row = tuple[str, dt.date, str, dict[str, int | Decimal | str | None]]


def shop_domain(org_id: str) -> str:
    """Return the domain of an organisation's shop: the account's id."""
    return f"{org_id}-sandbox.myshopify.com"


def list_documents(shop: Shop, root: str) -> list[Document]:
    """Return all objects of a collection, as they are now."""
    match root:
        case "orders":
            known = shop.orders_of()
            return [_order(shop, order, known) for order in shop.visible()]
        case "customers":
            placed = shop.orders_of().items()
            return [_customer(shop, shop.customers[who], orders) for who, orders in placed]
        case _:
            return [_product(shop, product) for product in shop.products.values()]


def list_facts(shop: Shop) -> Iterator[Fact]:
    """Yield the silver rows of everything that the shop has by now."""
    org_id = shop.books.org.org_id
    known = shop.orders_of()
    rows: list[Row] = []
    for order in shop.visible():
        rows.append(_order_fact(shop, order, known))
        rows += [_refund_fact(shop, order, refund) for refund in order.refunds_by(shop.now)]
    rows += [_customer_fact(shop, shop.customers[who], known[who]) for who in known]
    rows += [_product_fact(shop, product) for product in shop.products.values()]
    for table, day, entity_id, values in rows:
        yield Fact(table, org_id, SOURCE, shop_domain(org_id), day, entity_id, values)


def _order(shop: Shop, order: Order, known: dict[int, list[Order]]) -> Document:
    now, currency = shop.now, shop.books.org.currency
    amount, presentment = order.presentment
    fulfilled = happened(order.fulfilled, now)
    return {
        **_ids("Order", order.order_id),
        "name": order.name,
        "createdAt": _instant(order.created),
        "processedAt": _instant(order.processed),
        "updatedAt": _instant(order.updated(now)),
        "cancelledAt": _instant(order.cancelled) if happened(order.cancelled, now) else None,
        "cancelReason": "CUSTOMER" if happened(order.cancelled, now) else None,
        "test": order.test,
        "edited": order.edited is not None,
        "displayFinancialStatus": order.financial_status(now),
        "displayFulfillmentStatus": "FULFILLED" if fulfilled else "UNFULFILLED",
        "currencyCode": currency,
        "presentmentCurrencyCode": presentment,
        "sourceName": order.source_name,
        "taxesIncluded": order.taxes_included,
        "paymentGatewayNames": list(order.gateways),
        "subtotalLineItemsQuantity": order.units,
        "totalPriceSet": {
            "shopMoney": _money(order.total, currency),
            "presentmentMoney": _money(amount, presentment),
        },
        "totalDiscountsSet": _bag(order.discounts, currency) if order.discounts else None,
        "totalTaxSet": _bag(order.tax, currency),
        "totalShippingPriceSet": _bag(order.shipping, currency),
        "totalRefundedSet": _bag(order.refunded(now), currency),
        "netPaymentSet": _bag(order.net_payment(now), currency),
        "customer": _customer_of(shop, order, known),
        "customerJourneySummary": _journey(order, now),
        "refunds": functools.partial(
            _first_of, [_refund(shop, refund) for refund in order.refunds_by(now)]
        ),
        "email": _email_of(shop, order),
        "clientIp": "192.0.2.17",
        "note": f"For {_email_of(shop, order)}: leave at the door",
        "statusPageUrl": f"https://shop.example/orders/{order.order_id}/authenticate?key=secret",
    }


def _first_of(items: list[Document], _info: object, first: int | None = None) -> list[Document]:
    return items[:first]


def _refund(shop: Shop, refund: OrderRefund) -> Document:
    return {
        **_ids("Refund", refund.refund_id),
        "createdAt": _instant(refund.created),
        "processedAt": _instant(refund.created),
        "updatedAt": _instant(refund.created),
        "note": "Customer called",
        "totalRefundedSet": _bag(refund.amount, shop.books.org.currency),
    }


def _customer(shop: Shop, customer: Customer, orders: list[Order]) -> Document:
    address = {"countryCodeV2": customer.country, "city": "Wien", "address1": "Testgasse 1"}
    return {
        **_ids("Customer", customer.customer_id),
        "createdAt": _instant(customer.created),
        "updatedAt": _instant(max(order.updated(shop.now) for order in orders)),
        "displayName": f"Jane {customer.customer_id}",
        "state": "DISABLED",
        "numberOfOrders": str(len(orders)),
        "amountSpent": _money(_spent(shop, orders), shop.books.org.currency),
        "tags": list(customer.tags),
        "defaultEmailAddress": {
            "emailAddress": customer.email,
            "marketingState": customer.marketing_state,
        },
        "defaultAddress": address if customer.country else None,
    }


def _product(shop: Shop, product: Product) -> Document:
    currency = shop.books.org.currency
    drafted = product.status == "DRAFT"
    return {
        **_ids("Product", product.product_id),
        "title": product.title,
        "handle": product.title.lower().replace(" ", "-"),
        "status": product.status,
        "vendor": f"{shop.books.org.name} Goods",
        "productType": "Furniture",
        "createdAt": _instant(product.created),
        "updatedAt": _instant(shop.now - 3600),  # each order moves it
        "publishedAt": None if drafted else _instant(product.created + 60),
        "tags": [],
        "totalInventory": shop.inventory(product),
        "priceRangeV2": {
            "minVariantPrice": _money(product.min_price, currency),
            "maxVariantPrice": _money(product.max_price, currency),
        },
    }


def _customer_of(shop: Shop, order: Order, known: dict[int, list[Order]]) -> Document | None:
    if order.customer_id is None:
        return None
    return _customer(shop, shop.customers[order.customer_id], known[order.customer_id])


def _email_of(shop: Shop, order: Order) -> str:
    customer = shop.customers.get(order.customer_id or 0)
    return customer.email if customer else "guest@shopper.example"


def _journey(order: Order, now: int) -> Document | None:
    if order.source_name == "pos":
        return None
    ready = order.is_attributed(now) or not order.is_attributable
    visit = order.visit if order.is_attributed(now) else None
    source, medium, campaign = visit or (None, None, None)
    return {
        "ready": ready,
        "customerOrderIndex": order.index if ready else None,
        "lastVisit": {
            "source": source or "direct",
            "landingPage": "https://shop.example/?email=someone@shopper.example",
            "utmParameters": {"source": source, "medium": medium, "campaign": campaign}
            if visit
            else None,
        }
        if ready
        else None,
    }


def _order_fact(shop: Shop, order: Order, known: dict[int, list[Order]]) -> Row:
    now, currency = shop.now, shop.books.org.currency
    tax = _cents(order.tax)
    visit = order.visit if order.is_attributed(now) else None
    source, medium, campaign = visit or (None, None, None)
    amount, presentment = order.presentment
    return (
        "orders",
        shop.books.local_day(order.processed),
        str(order.order_id),
        {
            "order_id": str(order.order_id),
            "order_name": order.name,
            "customer_id": None if order.customer_id is None else str(order.customer_id),
            "is_first_order": _is_first(order, now, known),
            "financial_status": order.financial_status(now),
            "fulfillment_status": "FULFILLED" if happened(order.fulfilled, now) else "UNFULFILLED",
            "is_test": order.test,
            "source_name": order.source_name,
            "gateways": ",".join(order.gateways),
            "utm_source": source,
            "utm_medium": medium,
            "utm_campaign": campaign,
            "gross": order.total - order.shipping - tax + order.discounts,
            "discounts": order.discounts,
            "tax": tax,
            "shipping": order.shipping,
            "total": order.total,
            "refunded": order.refunded(now),
            "net_payment": order.net_payment(now),
            "currency": currency,
            "presentment_total": amount,
            "presentment_currency": presentment,
            "units": order.units,
        },
    )


def _is_first(order: Order, now: int, known: dict[int, list[Order]]) -> bool | None:
    if order.customer_id is None:
        return None
    if order.is_attributed(now) or not order.is_attributable:
        return order.index == 1
    return len(known[order.customer_id]) == 1


def _refund_fact(shop: Shop, order: Order, refund: OrderRefund) -> Row:
    return (
        "order_refunds",
        shop.books.local_day(refund.created),
        str(refund.refund_id),
        {
            "refund_id": str(refund.refund_id),
            "order_id": str(order.order_id),
            "amount": refund.amount,
            "currency": shop.books.org.currency,
        },
    )


def _customer_fact(shop: Shop, customer: Customer, orders: list[Order]) -> Row:
    return (
        "customers",
        shop.books.local_day(customer.created),
        str(customer.customer_id),
        {
            "customer_id": str(customer.customer_id),
            "country": customer.country,
            "orders_count": len(orders),
            "amount_spent": _spent(shop, orders),
            "currency": shop.books.org.currency,
            "marketing_state": customer.marketing_state,
        },
    )


def _product_fact(shop: Shop, product: Product) -> Row:
    return (
        "products",
        shop.books.local_day(product.created),
        str(product.product_id),
        {
            "product_id": str(product.product_id),
            "title": product.title,
            "status": product.status,
            "min_price": product.min_price,
            "max_price": product.max_price,
            "currency": shop.books.org.currency,
            "total_inventory": shop.inventory(product),
        },
    )


def _spent(shop: Shop, orders: list[Order]) -> Decimal:
    return sum((order.net_payment(shop.now) for order in orders), Decimal(0))


def _ids(kind: str, number: int) -> Document:
    return {"id": f"gid://shopify/{kind}/{number}", "legacyResourceId": str(number)}


def _bag(amount: Decimal, currency: str) -> Document:
    money = _money(amount, currency)
    return {"shopMoney": money, "presentmentMoney": money}


def _money(amount: Decimal, currency: str) -> Document:
    """Return an amount as the vendor writes it: a text with as many decimals as it needs, one at least."""
    text = f"{amount.normalize():f}"
    return {"amount": text if "." in text else f"{text}.0", "currencyCode": currency}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _instant(seconds: int | None) -> str:
    assert seconds is not None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")
