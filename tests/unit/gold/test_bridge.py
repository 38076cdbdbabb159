"""From the shop's gross sales to the processor's net, and the orders behind what is left over.

One build holds every case: each has a day of its own, and orders of its own.
"""

from decimal import Decimal
from typing import Any

import pytest

from tactics.home import Home
from tests.unit.gold.pillars import SHOP, STRIPE, Pillars, org_of
from tests.unit.gold.silver import NOW, day

LINES = ("gross_sales", "discounts", "voided", "refunds")
TOTAL = ("net_sales", "shipping", "tax", "other_sales")
EXPECTED = ("total_sales", "refunds_added_back", "unpaid", "paid_elsewhere", "settled_elsewhere")
CHARGES = ("expected_charges", "timing", "foreign_orders", "residual")
NET = ("charges", "stripe_refunds", "disputes", "fees", "adjustments")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Pillars:
    """Return gold of a shop in which everything happens that can."""
    books = Pillars(Home(tmp_path_factory.mktemp("home")))
    plain_sales(books)
    other_ways_to_pay(books)
    what_does_not_match(books)
    money_of_other_kinds(books)
    books.load("10-01", "11-19")
    books.build()
    return books


def plain_sales(books: Pillars) -> None:
    """Plant orders that the processor charged, refunds, and what it books besides."""
    goods = {"gross": "100.00", "discounts": "10.00", "shipping": "4.90", "tax": "15.00"}
    books.order("#1", "11-01", **goods, total="112.00")  # two of them for tips
    books.charge("#1", "11-01", 11_200, fee_minor=250)
    books.plant("order_refunds", "11-01", order_id="90", amount="20.00")
    books.transact("refund", -2_000, date=day("11-01"))
    books.transact("dispute", -500, 1_500, date=day("11-01"))
    books.transact("other_adjustment", 7, date=day("11-01"))
    books.order("#2", "11-02")
    books.charge("#2", "11-03")


def other_ways_to_pay(books: Pillars) -> None:
    """Plant orders that the processor has no charge for, and need not have."""
    books.order("#10", "11-04", gateways="paypal")
    books.order("#11", "11-04", gateways="manual", financial_status="PENDING", net_payment="0")
    books.order("#12", "11-04", financial_status="AUTHORIZED", net_payment="0")
    books.order(
        "#13", "11-04", financial_status="PARTIALLY_PAID", net_payment="30", gateways="cash"
    )
    books.order("#14", "11-05", gateways="gift_card,stripe")
    books.charge("#14", "11-05", 6_000)
    books.order(
        "#15", "11-06", financial_status="VOIDED", shipping="5.00", total="105.00", gross="100.00"
    )
    gone = {"financial_status": "PENDING", "cancelled_at": NOW}
    books.order("#16", "11-06", **gone)
    books.order("#17", "11-06", is_test=True)
    books.plant("order_refunds", "11-06", order_id="917", amount="3.00")
    books.order("#18", "11-06", total="0.00", gateways=None)


def what_does_not_match(books: Pillars) -> None:
    """Plant orders without a charge, charges without an order, and amounts that differ."""
    books.order("#20", "11-07")
    books.charge("#999", "11-07", 2_500)
    books.charge(None, "11-07", 300)
    books.order("#21", "11-08")
    books.charge("#21", "11-08", 9_950)
    books.order("#22", "11-09", account_id="demo")
    books.order("#22", "11-09", account_id="second", order_id="777")
    books.charge("#22", "11-09")
    books.order("#23", "09-01")
    books.charge("#23", "11-10")
    books.order("#24", "11-10", is_test=True)
    books.charge("#24", "11-10", 100)


def money_of_other_kinds(books: Pillars) -> None:
    """Plant yen, an order settled in another currency, and orders charged twice or by their id."""
    books.order("#30", "11-11", total="12050", currency="JPY")
    books.charge("#30", "11-11", 12_050, currency="JPY", scale=0)
    books.order("#31", "11-12")
    books.charge("#31", "11-12", 8_600, currency="GBP")
    books.order("#32", "11-13")
    books.charge("gid://shopify/Order/932", "11-13", 4_000)
    books.charge("932", "11-14", 6_000)
    books.order("#33", "11-15", order_id="5001")
    books.order("#5001", "11-15", order_id="6001", gateways="paypal")
    books.charge("5001", "11-15")


def bridge(books: Pillars, on: str, currency: str = "EUR") -> dict[str, Any]:
    """Return a day's row."""
    sql = "SELECT * FROM revenue_bridge WHERE date = ? AND currency = ?"
    (row,) = books.read(sql, day(on), currency)
    return row


def behind(books: Pillars, on: str) -> list[tuple[str, str | None, float]]:
    """Return why a day's charges differ: reason, order, amount."""
    sql = "SELECT reason, order_name, amount FROM order_residuals WHERE date = ? ORDER BY ALL"
    return [
        (row["reason"], row["order_name"], float(row["amount"])) for row in books.read(sql, day(on))
    ]


def test_every_line_of_a_day(books: Pillars) -> None:
    """Gross, discounts, refunds, shipping, tax, tips; charges, refunds, disputes, fees."""
    row = bridge(books, "11-01")
    shop = {name: float(row[name]) for name in (*LINES, *TOTAL, *EXPECTED)}
    assert shop == {
        "gross_sales": 100,
        "discounts": -10,
        "voided": 0,
        "refunds": -20,
        "net_sales": 70,
        "shipping": 4.9,
        "tax": 15,
        "other_sales": 2.1,
        "total_sales": 92,
        "refunds_added_back": 20,
        "unpaid": 0,
        "paid_elsewhere": 0,
        "settled_elsewhere": 0,
    }
    stripe = {name: float(row[name]) for name in (*CHARGES, *NET, "stripe_net")}
    assert stripe == {
        "expected_charges": 112,
        "timing": 0,
        "foreign_orders": 0,
        "residual": 0,
        "charges": 112,
        "stripe_refunds": -20,
        "disputes": -5,
        "fees": -17.5,
        "adjustments": 0.07,
        "stripe_net": 69.57,
    }
    assert (row["orders"], row["charge_count"], row["finality"]) == (1, 1, "final")


def test_the_bridge_adds_up_on_every_day(books: Pillars) -> None:
    """Each total is the sum of its lines, to the last digit, whatever happened."""
    rows = books.read("SELECT * FROM revenue_bridge")
    assert len(rows) >= 15
    for row in rows:
        for lines, total in (
            (LINES, "net_sales"),
            ((*TOTAL,), "total_sales"),
            (EXPECTED, "expected_charges"),
            (CHARGES, "charges"),
            (NET, "stripe_net"),
        ):
            assert sum(row[name] for name in lines) == row[total], (row["date"], total)


def test_the_residual_is_that_of_its_orders(books: Pillars) -> None:
    """What is listed by order adds up to the residual, the timing and the foreign orders of each day."""
    listed = """
        SELECT
            coalesce(sum(amount) FILTER (WHERE in_residual), 0) = any_value(b.residual) AS residual,
            coalesce(sum(amount) FILTER (WHERE reason = 'timing'), 0) = any_value(b.timing) AS timing,
            coalesce(sum(amount) FILTER (WHERE reason = 'other currency'), 0) = any_value(b.foreign_orders)
                AS foreign_orders
        FROM revenue_bridge AS b
        LEFT JOIN order_residuals AS r ON r.date = b.date AND r.currency = b.currency
        GROUP BY b.date, b.currency
    """
    assert all(all(row.values()) for row in books.read(listed))


def test_an_order_that_is_charged_the_next_day(books: Pillars) -> None:
    """Timing is no residual: it leaves one day and arrives on the other."""
    first, second = bridge(books, "11-02"), bridge(books, "11-03")
    assert (first["timing"], first["residual"], first["charges"]) == (-100, 0, 0)
    assert (second["timing"], second["residual"], second["charges"]) == (100, 0, 100)
    assert behind(books, "11-02") == [("timing", "#2", -100)]


def test_orders_that_are_not_paid_through_stripe(books: Pillars) -> None:
    """PayPal and cash are paid elsewhere; what is pending, authorised or half paid is unpaid."""
    row = bridge(books, "11-04")
    assert row["paid_elsewhere"] == -100 - 30
    assert row["unpaid"] == -100 - 100 - 70
    assert (row["expected_charges"], row["residual"]) == (0, 0)


def test_an_order_paid_in_two_ways(books: Pillars) -> None:
    """What a gift card paid is no difference."""
    row = bridge(books, "11-05")
    assert (row["paid_elsewhere"], row["charges"], row["residual"]) == (-40, 60, 0)


def test_voided_and_test_orders_are_no_sales(books: Pillars) -> None:
    """Orders that nobody pays leave net sales as they were; test orders are nowhere, nor their refunds."""
    row = bridge(books, "11-06")
    assert (row["orders"], row["voided_orders"]) == (1, 2)
    assert (row["gross_sales"], row["voided"], row["net_sales"]) == (200, -200, 0)
    assert (row["total_sales"], row["refunds"], row["residual"]) == (0, 0, 0)
    assert books.read("SELECT * FROM orders WHERE order_name = '#17'") == []


def test_what_nobody_explains(books: Pillars) -> None:
    """An order without a charge, a charge of an unknown order and one without a reference are listed."""
    assert bridge(books, "11-07")["residual"] == -100 + 25 + 3
    assert behind(books, "11-07") == [
        ("no charge", "#20", -100),
        ("no order", None, 3),
        ("no order", None, 25),
    ]
    sql = (
        "SELECT finding FROM order_residuals WHERE date = ? AND reason = 'no order' ORDER BY amount"
    )
    found = [row["finding"] for row in books.read(sql, day("11-07"))]
    assert found == ["charge names no order", "no such order within 30 days"]


def test_an_amount_that_differs(books: Pillars) -> None:
    """Fifty cents too little are fifty cents of residual, with the order."""
    row = bridge(books, "11-08")
    assert row["residual"] == Decimal("-0.500")
    assert row["residual_percent"] == pytest.approx(-0.5 / 99.5 * 100)
    assert behind(books, "11-08") == [("amount differs", "#21", -0.5)]


def test_a_name_that_two_shops_use(books: Pillars) -> None:
    """Nobody guesses which order is meant, and nobody joins by amount."""
    assert behind(books, "11-09") == [
        ("no charge", "#22", -100),
        ("no charge", "#22", -100),
        ("no order", None, 100),
    ]


def test_orders_of_long_ago_and_test_orders_are_not_meant(books: Pillars) -> None:
    """A number that was used months before is another order's; a test order has no charge."""
    sql = "SELECT finding FROM order_charges WHERE date = ? ORDER BY amount"
    assert [row["finding"] for row in books.read(sql, day("11-10"))] == [
        "order is a test",
        "no such order within 30 days",
    ]


def test_yen_have_no_cents(books: Pillars) -> None:
    """12,050 yen are 12,050 yen on both sides, in a row of their own."""
    row = bridge(books, "11-11", "JPY")
    assert (row["gross_sales"], row["charges"], row["residual"]) == (12_050, 12_050, 0)


def test_an_order_settled_in_another_currency(books: Pillars) -> None:
    """It leaves the row of its currency and arrives in the other; no amount is compared."""
    euro, pound = bridge(books, "11-12"), bridge(books, "11-12", "GBP")
    assert (euro["settled_elsewhere"], euro["expected_charges"], euro["residual"]) == (-100, 0, 0)
    assert (pound["foreign_orders"], pound["charges"], pound["residual"]) == (86, 86, 0)
    assert behind(books, "11-12") == [("other currency", "#31", 86)]


def test_two_charges_of_one_order(books: Pillars) -> None:
    """Charges are found by the id too, however it is written, and add up."""
    (order,) = books.read(
        "SELECT charged, charged_same_day, expected FROM orders WHERE order_name = '#32'"
    )
    assert order == {"charged": 100, "charged_same_day": 40, "expected": 100}
    assert bridge(books, "11-13")["residual"] == 0


def test_an_id_beats_a_name(books: Pillars) -> None:
    """A reference that is one order's id and another's name means the id."""
    sql = "SELECT order_name, matched_by FROM order_charges WHERE date = ?"
    assert books.read(sql, day("11-15")) == [{"order_name": "#33", "matched_by": "id"}]


def test_the_reconciliation_report(books: Pillars) -> None:
    """The bridge of 28 days in its order, then the orders behind the residual, the largest first."""
    rows = books.gold.report("reconciliation", org_id="acme", now=NOW).rows
    euro = [row for row in rows if row["currency"] == "EUR"]
    lines = [row for row in euro if row["section"] == "bridge"]
    assert [row["position"] for row in lines] == list(range(1, 24))
    amounts = {row["line"]: row["amount"] for row in lines}
    assert amounts["charges"] == sum(amounts[name] for name in CHARGES)
    assert [row["line"] for row in lines if row["is_total"]] == [
        "net_sales",
        "total_sales",
        "expected_charges",
        "charges",
        "stripe_net",
    ]
    orders = [row for row in euro if row["section"] == "order"]
    assert sum(row["amount"] for row in orders) == amounts["residual"]
    sizes = [abs(row["amount"]) for row in orders]
    assert sizes == sorted(sizes, reverse=True)
    assert {row["line"] for row in orders} == {"no charge", "no order", "amount differs"}
    assert (lines[0]["first_day"], lines[0]["last_day"]) == (day("10-23"), day("11-19"))


def test_the_revenue_report(books: Pillars) -> None:
    """One row per day and currency, newest first, of days closed on both sides."""
    report = books.gold.report("revenue", now=NOW)
    euro = [row["date"] for row in report.rows if row["currency"] == "EUR"]
    assert euro == sorted(euro, reverse=True)
    assert min(euro) >= day("10-23")
    assert report.rows[0]["freshness"] == "1 day behind"


def test_no_day_from_before_the_first_load_is_reported(pillars: Pillars) -> None:
    """Orders come with a change that is newer than they are: their own days are not whole."""
    pillars.order("#1", "11-01", gateways="paypal")
    pillars.order("#2", "11-18", gateways="paypal")
    pillars.load("11-17", "11-19")
    pillars.build()
    dates = [row["date"] for row in pillars.gold.report("revenue", now=NOW).rows]
    assert dates == [day("11-18")]


def test_a_shop_without_stripe(pillars: Pillars) -> None:
    """What the org does not have is NULL, never 0, and nothing is left over."""
    pillars.orgs = (org_of(SHOP),)
    pillars.order("#1", "11-01")
    pillars.build()
    row = bridge(pillars, "11-01")
    assert row["net_sales"] == 100
    assert [row[name] for name in ("charges", "stripe_net", "timing", "residual")] == [None] * 4
    assert pillars.read("SELECT * FROM order_residuals") == []


def test_stripe_without_a_shop(pillars: Pillars) -> None:
    """Without a shop the processor's lines stand alone."""
    pillars.orgs = (org_of(STRIPE),)
    pillars.charge("#1", "11-01")
    pillars.build()
    row = bridge(pillars, "11-01")
    assert (row["charges"], row["net_sales"], row["orders"], row["residual"]) == (
        100,
        None,
        None,
        None,
    )
    assert pillars.read("SELECT * FROM order_residuals") == []
