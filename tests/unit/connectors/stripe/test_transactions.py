"""Stripe's balance transactions become rows of the table transactions."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tactics.connectors.stripe import connector
from tactics.model import Window
from tests.unit.connectors.builders import Silver, described, pick

TXN = {
    "id": "txn_1", "object": "balance_transaction", "amount": 12050, "fee": 201, "net": 11849,
    "currency": "gbp", "exchange_rate": 0.8642, "type": "charge", "reporting_category": "charge",
    "status": "available", "created": 1773100000, "available_on": 1773360000, "source": "ch_1",
}  # fmt: skip
MARCH = Window(dt.date(2026, 3, 9), dt.date(2026, 3, 15))
KEYS = {"order_metadata_keys": ["order_id", "order_number"]}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "transactions", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def add(silver: Silver, *rows: object, **account: object) -> None:
    """Add a page of transactions of March."""
    silver.add({"data": list(rows)}, request=described(KEYS, **account), window=MARCH)


def test_the_sample_of_the_contract(silver: Silver) -> None:
    """Every column of the table comes from where the contract says."""
    add(silver, TXN)
    found = silver.row()
    money = ["amount_minor", "fee_minor", "net_minor", "amount", "fee", "net", "currency"]
    assert pick(found, money) == [
        12050, 201, 11849, Decimal("120.500"), Decimal("2.010"), Decimal("118.490"), "GBP",
    ]  # fmt: skip
    assert pick(found, ["entity_id", "txn_id", "type", "reporting_category", "status"]) == [
        "txn_1", "txn_1", "charge", "charge", "available",
    ]  # fmt: skip
    assert pick(found, ["date", "available_on", "source_id", "payout_id", "order_ref"]) == [
        dt.date(2026, 3, 10), dt.date(2026, 3, 13), "ch_1", None, None,
    ]  # fmt: skip
    assert found["created_at"] == dt.datetime.fromtimestamp(1773100000, dt.UTC)
    assert pick(found, ["exchange_rate", "quality_score", "rule"]) == [0.8642, 100, None]


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("jpy", "12050.000"), ("kwd", "12.050"), ("eur", "120.500"), ("isk", "120.500"),
     ("ugx", "120.500"), ("krw", "12050.000"), ("tnd", "12.050"), ("xxx", "120.500")],
)  # fmt: skip
def test_minor_units_follow_the_currency(silver: Silver, currency: str, amount: str) -> None:
    """Zero, two and three decimals; the integer Stripe sent is kept beside the amount."""
    add(silver, TXN | {"currency": currency})
    assert pick(silver.row(), ["amount", "amount_minor"]) == [Decimal(amount), 12050]


def test_large_and_negative_amounts_are_exact(silver: Silver) -> None:
    """A refund is negative; nothing goes through binary fractions."""
    add(silver, TXN | {"amount": -999999999999999, "fee": 0, "net": -999999999999999})
    assert silver.row()["amount"] == Decimal("-9999999999999.990")


def test_the_source_may_be_expanded(silver: Silver) -> None:
    """The order's id comes from the first metadata key that the charge has."""
    charge = {"id": "ch_9", "object": "charge", "metadata": {"order_number": "7", "order_id": " "}}
    add(silver, TXN | {"source": charge}, TXN | {"id": "t2", "source": None})
    assert [pick(row, ["source_id", "order_ref"]) for row in silver.rows()] == [
        ["ch_9", "7"],
        [None, None],
    ]


def test_a_payout_is_its_own_transaction(silver: Silver) -> None:
    """The transaction of a payout names it."""
    add(silver, TXN | {"type": "payout", "amount": -100, "fee": 0, "net": -100, "source": "po_1"})
    assert silver.row()["payout_id"] == "po_1"


def test_unknown_enums_are_text(silver: Silver) -> None:
    """Types and categories grow without notice."""
    add(silver, TXN | {"type": "brand_new", "reporting_category": "brand_new", "status": "odd"})
    assert pick(silver.row(), ["type", "status", "rule"]) == ["brand_new", "odd", None]


def test_the_day_is_the_accounts(silver: Silver) -> None:
    """The same instant is another day in another time zone."""
    add(silver, TXN, timezone="America/New_York")
    add(silver, TXN, timezone="Europe/Vienna")  # 23:46 UTC is past midnight there
    assert [row["date"] for row in silver.rows()] == [dt.date(2026, 3, 9), dt.date(2026, 3, 10)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"amount": "N/A"}, "amount_not_an_integer"),
        ({"amount": 12.5}, "amount_not_an_integer"),
        ({"amount": None}, "amount_not_an_integer"),
        ({"fee": "x"}, "fee_not_an_integer"),
        ({"net": "x"}, "net_not_an_integer"),
        ({"id": None}, "txn_id_missing"),
        ({"created": None}, "created_not_a_time"),
        ({"created": "yesterday"}, "created_not_a_time"),
        ({"created": 1700000000}, "date_outside_window"),
        ({"currency": None}, "currency_missing"),
        ({"currency": "€"}, "currency_missing"),
        ({"sandbox_new_field": {"nested": [1]}}, None),
    ],
)
def test_a_broken_field_refuses_its_row_only(
    silver: Silver, changes: dict[str, object], rule: str | None
) -> None:
    """Each broken field has its rule; the neighbour is loaded."""
    add(silver, TXN | changes, TXN | {"id": "txn_2"})
    [first, second] = silver.rows()
    assert pick(first, ["rule"]) + pick(second, ["rule"]) == [rule, None]
    assert (first["record"] is None) is (rule is None)


def test_a_net_that_does_not_add_up_lowers_the_quality(silver: Silver) -> None:
    """That net is amount less fee is Stripe's own invariant; a row that breaks it is kept and marked."""
    add(silver, TXN | {"net": 11850}, TXN | {"id": "t2", "reporting_category": None})
    assert [row["quality_score"] for row in silver.rows()] == [70, 90]


def test_one_bad_page_spoils_nothing(silver: Silver) -> None:
    """A page that cannot be opened yields one row that says so."""
    silver.add('{"data": [{"id"', window=MARCH)
    add(silver, TXN)
    add(silver)
    assert silver.rules() == ["page_undecodable", None]
