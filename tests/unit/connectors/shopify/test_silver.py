"""A shop's orders, refunds, customers and products become rows of their tables."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.shopify import connector
from tests.unit.connectors.builders import Silver, described, pick

UTC = dt.UTC


def database(stream: str, factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the SQL of one stream once."""
    silver = Silver(connector, stream, factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture(scope="module")
def orders_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return the SQL of orders."""
    yield from database("orders", tmp_path_factory)


@pytest.fixture(scope="module")
def refunds_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return the SQL of refunds."""
    yield from database("refunds", tmp_path_factory)


@pytest.fixture(scope="module")
def customers_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return the SQL of customers."""
    yield from database("customers", tmp_path_factory)


@pytest.fixture(scope="module")
def products_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return the SQL of products."""
    yield from database("products", tmp_path_factory)


@pytest.fixture
def orders(orders_database: Silver) -> Silver:
    """Return it over no pages yet."""
    return orders_database.clear()


@pytest.fixture
def refunds(refunds_database: Silver) -> Silver:
    """Return it over no pages yet."""
    return refunds_database.clear()


@pytest.fixture
def customers(customers_database: Silver) -> Silver:
    """Return it over no pages yet."""
    return customers_database.clear()


@pytest.fixture
def products(products_database: Silver) -> Silver:
    """Return it over no pages yet."""
    return products_database.clear()


def bag(amount: str, currency: str = "GBP", **more: object) -> dict[str, object]:
    """Return money in the shop's currency."""
    return {"shopMoney": {"amount": amount, "currencyCode": currency}, **more}


def add(silver: Silver, root: str, *nodes: object, timezone: str = "Europe/London") -> None:
    """Add a page."""
    facts = described(timezone=timezone, currency="GBP")
    silver.add({"data": {root: {"nodes": list(nodes)}}}, request=facts)


# The sample of the contract, with what it leaves out.
ORDER: dict[str, Any] = {
    "id": "gid://shopify/Order/5001", "legacyResourceId": "5001", "name": "#1042",
    "createdAt": "2026-03-10T23:40:11Z", "processedAt": "2026-03-10T23:40:09Z",
    "updatedAt": "2026-03-12T08:00:00Z", "cancelledAt": None, "test": False,
    "displayFinancialStatus": "PARTIALLY_REFUNDED", "displayFulfillmentStatus": "FULFILLED",
    "sourceName": "web", "paymentGatewayNames": ["gift_card", "stripe"],
    "subtotalLineItemsQuantity": 3,
    "totalPriceSet": bag("120.5", presentmentMoney={"amount": "141.00", "currencyCode": "EUR"}),
    "totalDiscountsSet": bag("10.0"), "totalTaxSet": bag("20.085"),
    "totalShippingPriceSet": bag("4.9"), "totalRefundedSet": bag("20.0"),
    "netPaymentSet": bag("100.5"),
    "customer": {"legacyResourceId": "77", "numberOfOrders": "4"},
    "customerJourneySummary": {"ready": True, "customerOrderIndex": 1, "lastVisit": {
        "utmParameters": {"source": "google", "medium": "cpc", "campaign": " "}}},
}  # fmt: skip


def test_the_sample_of_the_contract(orders: Silver) -> None:
    """Every column of the table comes from where the contract says."""
    add(orders, "orders", ORDER)
    row = orders.row()
    assert pick(row, ["entity_id", "order_id", "order_name", "customer_id"]) == [
        "5001", "5001", "#1042", "77",
    ]  # fmt: skip
    assert pick(row, ["created_at", "processed_at", "updated_at", "cancelled_at"]) == [
        dt.datetime(2026, 3, 10, 23, 40, 11, tzinfo=UTC),
        dt.datetime(2026, 3, 10, 23, 40, 9, tzinfo=UTC),
        dt.datetime(2026, 3, 12, 8, tzinfo=UTC),
        None,
    ]
    assert pick(row, ["total", "discounts", "tax", "shipping", "refunded", "net_payment"]) == [
        Decimal(n) for n in ("120.50", "10.00", "20.09", "4.90", "20.00", "100.50")
    ]
    assert pick(row, ["currency", "presentment_total", "presentment_currency", "units"]) == [
        "GBP", Decimal("141.00"), "EUR", 3,
    ]  # fmt: skip
    assert pick(row, ["financial_status", "fulfillment_status", "source_name", "gateways"]) == [
        "PARTIALLY_REFUNDED", "FULFILLED", "web", "gift_card,stripe",
    ]  # fmt: skip
    assert pick(row, ["utm_source", "utm_medium", "utm_campaign", "is_first_order"]) == [
        "google", "cpc", None, True,
    ]  # fmt: skip
    assert pick(row, ["is_test", "quality_score", "rule"]) == [False, 100, None]


def test_gross_is_what_makes_the_sum_right(orders: Silver) -> None:
    """Gross less discounts plus tax and shipping is the total, in rounded cents."""
    add(orders, "orders", ORDER)
    row = orders.row()
    assert row["gross"] == Decimal("105.51")
    assert row["gross"] - row["discounts"] + row["tax"] + row["shipping"] == row["total"]


@pytest.mark.parametrize(
    ("timezone", "day"),
    [("Europe/London", 10), ("Europe/Vienna", 11), ("America/New_York", 10), ("UTC", 10)],
)
def test_the_day_is_the_shops(orders: Silver, timezone: str, day: int) -> None:
    """An order shortly before midnight UTC is of the next day further east."""
    add(orders, "orders", ORDER, timezone=timezone)
    assert orders.row()["date"] == dt.date(2026, 3, day)


def test_an_order_of_another_day_than_the_window_is_kept(orders: Silver) -> None:
    """Changes are fetched by the day of the change; the row's own date may be years back."""
    add(orders, "orders", ORDER | {"processedAt": "2019-01-01T12:00:00Z"})
    assert pick(orders.row(), ["date", "rule"]) == [dt.date(2019, 1, 1), None]


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("29.999", "30.00"), ("0.005", "0.01"), ("20.0", "20.00"), ("-3.5", "-3.50"), ("7", "7.00"),
     ("9999999999999.99", "9999999999999.99")],
)  # fmt: skip
def test_amounts_with_any_number_of_decimals(orders: Silver, amount: str, cents: str) -> None:
    """Rounded half up to cents, without binary fractions."""
    add(orders, "orders", ORDER | {"netPaymentSet": bag(amount)})
    assert orders.row()["net_payment"] == Decimal(cents)


def journey(index: int | None) -> dict[str, object]:
    """Return the summary of a journey that is attributed, or not yet."""
    return {"ready": index is not None, "customerOrderIndex": index, "lastVisit": None}


@pytest.mark.parametrize(
    ("summary", "customer", "first"),
    [
        (journey(1), {"legacyResourceId": "7", "numberOfOrders": "9"}, True),
        (journey(2), {"legacyResourceId": "7", "numberOfOrders": "2"}, False),
        (journey(None), {"legacyResourceId": "7", "numberOfOrders": "1"}, True),
        (journey(None), {"legacyResourceId": "7", "numberOfOrders": "3"}, False),
        (None, {"legacyResourceId": "7", "numberOfOrders": "1"}, True),
        (journey(None), None, None),
        (None, None, None),
    ],
)
def test_first_orders(
    orders: Silver, summary: object, customer: object, *, first: bool | None
) -> None:
    """By the place in the customer's history; until it is known, by the number of orders."""
    add(orders, "orders", ORDER | {"customerJourneySummary": summary, "customer": customer})
    assert orders.row()["is_first_order"] is first


def test_an_order_with_as_little_as_possible(orders: Silver) -> None:
    """A guest's cancelled test order without discounts, tax, visit, gateway; nothing was denied."""
    bare = {
        name: value
        for name, value in ORDER.items()
        if name not in {"customer", "customerJourneySummary", "processedAt"}
    }
    nothing = dict.fromkeys((
        "totalDiscountsSet",
        "totalTaxSet",
        "displayFinancialStatus",
        "sourceName",
    ))
    add(
        orders,
        "orders",
        bare | nothing | {"test": True, "paymentGatewayNames": [],
        "cancelledAt": "2026-03-11T00:00:00Z", "refunds": []},
    )  # fmt: skip
    row = orders.row()
    assert pick(row, ["is_test", "gateways", "customer_id", "utm_source", "discounts", "tax"]) == [
        True, None, None, None, Decimal("0.00"), Decimal("0.00"),
    ]  # fmt: skip
    assert row["cancelled_at"] == dt.datetime(2026, 3, 11, tzinfo=UTC)
    assert pick(row, ["date", "quality_score", "rule"]) == [dt.date(2026, 3, 10), 70, None]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"legacyResourceId": " "}, "order_id_missing"),
        ({"processedAt": "yesterday", "createdAt": None}, "processed_at_not_a_time"),
        ({"updatedAt": None}, "updated_at_not_a_time"),
        ({"totalPriceSet": bag("N/A")}, "total_not_a_number"),
        ({"totalPriceSet": bag("1e3")}, "total_not_a_number"),
        ({"totalDiscountsSet": bag("none")}, "discounts_not_a_number"),
        ({"totalTaxSet": bag("")}, "tax_not_a_number"),
        ({"totalShippingPriceSet": bag("1,5")}, "shipping_not_a_number"),
        ({"totalRefundedSet": bag("1 2")}, "refunded_not_a_number"),
        ({"netPaymentSet": bag("99999999999999999.0")}, "net_payment_not_a_number"),
        ({"totalPriceSet": bag("1.0", "")}, "currency_missing"),
    ],
)
def test_a_bad_order_is_refused(orders: Silver, change: dict[str, Any], rule: str) -> None:
    """With its rule and the record; its neighbour arrives."""
    add(orders, "orders", ORDER | change, ORDER | {"legacyResourceId": "5002"})
    assert orders.rules() == [rule, None]
    assert "PARTIALLY_REFUNDED" in orders.rows()[0]["record"]


def test_more_refunded_than_sold_costs_quality(orders: Silver) -> None:
    """It happens (a gesture, a typing error) and is worth a look."""
    add(orders, "orders", ORDER | {"totalRefundedSet": bag("500.0")})
    assert orders.row()["quality_score"] == 70


def refund(number: int, **changes: object) -> dict[str, object]:
    """Return a refund."""
    return {
        "id": f"gid://shopify/Refund/{number}", "legacyResourceId": str(number),
        "createdAt": "2026-03-12T23:30:00Z", "processedAt": "2026-03-12T23:30:00Z",
        "totalRefundedSet": bag("20.0"), **changes,
    }  # fmt: skip


def test_refunds_are_rows_of_their_own(refunds: Silver) -> None:
    """By their own day, numbered over the page; orders without refunds have none."""
    add(
        refunds,
        "orders",
        {"legacyResourceId": "5001", "refunds": [refund(9), refund(10)]},
        {"legacyResourceId": "5002", "refunds": []},
        {"legacyResourceId": "5003", "refunds": [refund(11, processedAt=None)]},
        timezone="Europe/Vienna",
    )
    names = ["entity_id", "refund_id", "order_id", "position", "date", "amount", "currency"]
    day = dt.date(2026, 3, 13)
    assert [pick(row, names) for row in refunds.rows()] == [
        ["9", "9", "5001", 0, day, Decimal("20.00"), "GBP"],
        ["10", "10", "5001", 1, day, Decimal("20.00"), "GBP"],
        ["11", "11", "5003", 2, day, Decimal("20.00"), "GBP"],
    ]
    assert [row["quality_score"] for row in refunds.rows()] == [100, 100, 90]
    assert refunds.rules() == [None, None, None]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"legacyResourceId": None}, "refund_id_missing"),
        ({"createdAt": None, "processedAt": None}, "processed_at_not_a_time"),
        ({"totalRefundedSet": bag("x")}, "amount_not_a_number"),
        ({"totalRefundedSet": bag("1.0", "x")}, "currency_missing"),
    ],
)
def test_a_bad_refund_is_refused(refunds: Silver, change: dict[str, Any], rule: str) -> None:
    """With its rule and the record."""
    add(refunds, "orders", {"legacyResourceId": "5001", "refunds": [refund(9, **change)]})
    assert refunds.rules() == [rule]
    assert "5001" in refunds.row()["record"]


def test_a_refund_without_an_order_is_refused(refunds: Silver) -> None:
    """It could be joined with nothing."""
    add(refunds, "orders", {"legacyResourceId": None, "refunds": [refund(9)]})
    assert refunds.rules() == ["order_id_missing"]


HASH = "0123456789abcdef" * 4
CUSTOMER: dict[str, Any] = {
    "id": "gid://shopify/Customer/77", "legacyResourceId": "77",
    "createdAt": "2026-03-10T23:40:11Z", "updatedAt": "2026-03-12T08:00:00Z",
    "numberOfOrders": "4", "amountSpent": {"amount": "361.5", "currencyCode": "GBP"},
    "tags": ["vip", "b2b"],
    "defaultEmailAddress": {"emailAddress": HASH, "marketingState": "SUBSCRIBED"},
    "defaultAddress": {"countryCodeV2": "at"},
}  # fmt: skip


def test_a_customer(customers: Silver) -> None:
    """A hash, a country, and what the shop counts."""
    add(customers, "customers", CUSTOMER)
    row = customers.row()
    assert pick(row, ["entity_id", "customer_id", "email_hash", "country", "date"]) == [
        "77", "77", HASH, "AT", dt.date(2026, 3, 10),
    ]  # fmt: skip
    assert pick(row, ["orders_count", "amount_spent", "currency", "marketing_state"]) == [
        4, Decimal("361.50"), "GBP", "SUBSCRIBED",
    ]  # fmt: skip
    assert pick(row, ["tags", "quality_score", "rule"]) == ['["vip","b2b"]', 100, None]
    assert row["updated_at"] == dt.datetime(2026, 3, 12, 8, tzinfo=UTC)


def test_a_customer_whose_personal_fields_are_denied(customers: Silver) -> None:
    """They are simply not there; the money is in the shop's currency."""
    denied = {"defaultEmailAddress", "defaultAddress", "amountSpent"}
    add(customers, "customers", {k: v for k, v in CUSTOMER.items() if k not in denied})
    row = customers.row()
    assert pick(row, ["email_hash", "country", "amount_spent", "marketing_state", "rule"]) == [
        None, None, None, None, None,
    ]  # fmt: skip
    assert pick(row, ["currency", "quality_score"]) == ["GBP", 70]


def test_an_address_in_clear_never_becomes_a_row(customers: Silver) -> None:
    """Should it ever get this far, it is dropped here."""
    shown = {"emailAddress": "jane@x.example", "marketingState": "SUBSCRIBED"}
    bad = {"defaultEmailAddress": shown, "createdAt": None}
    add(customers, "customers", CUSTOMER | {"defaultEmailAddress": shown}, CUSTOMER | bad)
    assert "jane" not in str(customers.rows())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"legacyResourceId": ""}, "customer_id_missing"),
        ({"createdAt": "no"}, "created_at_not_a_time"),
        ({"updatedAt": None}, "updated_at_not_a_time"),
        ({"numberOfOrders": "-"}, "orders_count_not_a_number"),
        ({"amountSpent": {"amount": "?"}}, "amount_spent_not_a_number"),
    ],
)
def test_a_bad_customer_is_refused(customers: Silver, change: dict[str, Any], rule: str) -> None:
    """With its rule and no personal data."""
    add(customers, "customers", CUSTOMER | change)
    assert customers.rules() == [rule]
    assert HASH not in customers.row()["record"]


PRODUCT: dict[str, Any] = {
    "id": "gid://shopify/Product/8", "legacyResourceId": "8", "title": "Hat", "handle": "hat",
    "status": "ACTIVE", "vendor": "Acme", "productType": "Hats",
    "createdAt": "2024-03-10T23:40:11Z", "updatedAt": "2026-03-12T08:00:00Z",
    "publishedAt": None, "totalInventory": -2,
    "priceRangeV2": {"minVariantPrice": {"amount": "9.9", "currencyCode": "GBP"},
                     "maxVariantPrice": {"amount": "19.95", "currencyCode": "GBP"}},
}  # fmt: skip


def test_a_product(products: Silver) -> None:
    """Oversold ones have a negative inventory; nothing says when one was deleted."""
    add(products, "products", PRODUCT)
    row = products.row()
    assert pick(row, ["entity_id", "product_id", "title", "handle", "status", "vendor"]) == [
        "8", "8", "Hat", "hat", "ACTIVE", "Acme",
    ]  # fmt: skip
    assert pick(row, ["product_type", "min_price", "max_price", "currency"]) == [
        "Hats", Decimal("9.90"), Decimal("19.95"), "GBP",
    ]  # fmt: skip
    assert pick(row, ["total_inventory", "published_at", "deleted_at", "date"]) == [
        -2, None, None, dt.date(2024, 3, 10),
    ]  # fmt: skip
    assert pick(row, ["quality_score", "rule"]) == [100, None]


def test_a_product_without_what_is_optional(products: Silver) -> None:
    """Without prices and inventory it is still a product."""
    denied = {"priceRangeV2", "totalInventory", "title"}
    add(products, "products", {k: v for k, v in PRODUCT.items() if k not in denied})
    assert pick(products.row(), ["min_price", "total_inventory", "quality_score", "rule"]) == [
        None, None, 70, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"legacyResourceId": None}, "product_id_missing"),
        ({"createdAt": ""}, "created_at_not_a_time"),
        ({"totalInventory": "many"}, "total_inventory_not_a_number"),
        ({"priceRangeV2": {"minVariantPrice": {"amount": "x"}}}, "min_price_not_a_number"),
        ({"priceRangeV2": {"maxVariantPrice": {"amount": "x"}}}, "max_price_not_a_number"),
    ],
)
def test_a_bad_product_is_refused(products: Silver, change: dict[str, Any], rule: str) -> None:
    """With its rule and the record."""
    add(products, "products", PRODUCT | change)
    assert products.rules() == [rule]
    assert "gid" not in products.row()["record"]
