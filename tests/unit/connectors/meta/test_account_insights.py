"""Meta's pages of account level become rows of ad_account_totals."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tactics.connectors.meta import connector
from tests.unit.connectors.builders import Silver, described, pick

ROW = {
    "account_id": "1000000001",
    "account_currency": "EUR",
    "impressions": "18250",
    "clicks": "412",
    "spend": "153.07",
    "actions": [
        {"action_type": "omni_purchase", "value": "9"},
        {"action_type": "purchase", "value": "8"},
    ],
    "action_values": [{"action_type": "omni_purchase", "value": "811.4"}],
    "date_start": "2026-11-01",
    "date_stop": "2026-11-01",
}


@pytest.fixture
def silver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return the stream's SQL over no pages yet."""
    opened = Silver(connector, "account_insights", tmp_path_factory.mktemp("scratch"))
    yield opened
    opened.connection.close()


def test_a_day_of_an_account_is_a_row(silver: Silver) -> None:
    """There is no campaign; the account is the entity, and one action type is the conversion."""
    silver.add({"data": [ROW]})
    names = ["rule", "entity_id", "date", "currency", "impressions", "clicks", "spend",
             "conversions", "conversion_value", "timezone", "quality_score"]  # fmt: skip
    assert pick(silver.row(), names) == [
        None, "act_1", dt.date(2026, 11, 1), "EUR", 18250, 412, Decimal("153.07"),
        Decimal("9.0000"), Decimal("811.40"), "Europe/Vienna", 100,
    ]  # fmt: skip


def test_what_was_not_asked_for_is_unknown(silver: Silver) -> None:
    """A field that Meta refused is NULL, so that nothing is compared with a zero."""
    request = described() | {"query": {"fields": "account_id,impressions,clicks,spend,date_start"}}
    silver.add({"data": [ROW]}, request=request)
    names = ["conversions", "conversion_value", "quality_score", "rule"]
    assert pick(silver.row(), names) == [None, None, 80, None]


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"spend": "N/A"}, "spend_not_a_number"), ({"date_start": None}, "date_not_a_date")],
)
def test_a_wrong_total_is_refused(silver: Silver, change: dict[str, object], rule: str) -> None:
    """The rules are those of the campaigns."""
    silver.add({"data": [ROW | change]})
    assert silver.rules() == [rule]
