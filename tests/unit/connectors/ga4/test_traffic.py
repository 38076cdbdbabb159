"""Reports of Google Analytics become rows of the table web_traffic."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.ga4 import connector
from tactics.model import Window
from tests.unit.connectors.builders import Silver, described, pick
from tests.unit.connectors.ga4.reports import METRICS, ROW, VALUES, report, row

DAY = Window(dt.date(2026, 11, 3), dt.date(2026, 11, 3))
COUNTS = ["sessions", "engaged_sessions", "users", "new_users", "page_views", "purchases"]
MONEY = ["key_events", "purchase_revenue", "total_revenue", "currency"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "traffic", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def changed(values: tuple[str, ...], names: tuple[str, ...], **changes: str) -> tuple[str, ...]:
    """Return values with some replaced by name."""
    return tuple(changes.get(name, value) for name, value in zip(names, values, strict=True))


def test_a_row_has_every_column(silver: Silver) -> None:
    """Counts, fractional key events, money in the report's currency, labels, and no caveat."""
    silver.add(report(row()))
    found = silver.row()
    assert pick(found, COUNTS) == [412, 250, 380, 120, 990, 2]
    assert pick(found, MONEY) == [
        Decimal("3.5000"), Decimal("1830.45"), Decimal("1850.00"), "GBP",
    ]  # fmt: skip
    assert pick(found, ["date", "channel_group", "traffic_source", "medium", "campaign"]) == [
        dt.date(2026, 11, 3), "Organic Search", "google", "organic", "(organic)",
    ]  # fmt: skip
    assert found["entity_id"] == "Organic Search|google|organic|(organic)"
    assert pick(found, ["timezone", "rule", "quality_score"]) == ["Europe/London", None, 100]
    assert pick(found, ["is_sampled", "is_thresholded", "has_other_row"]) == [False] * 3


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("1830.449999", "1830.45"),
        ("1830.4449999999999", "1830.44"),
        ("1830.445", "1830.45"),
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("1.83044505E7", "18304450.50"),
        ("1.005e2", "100.50"),
        ("0", "0.00"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)
def test_revenue_is_rounded_half_up_from_its_text(silver: Silver, text: str, money: str) -> None:
    """No binary float in between: the decimal that Google wrote is the one that is rounded."""
    silver.add(report(row(values=changed(VALUES, METRICS, purchaseRevenue=text))))
    assert silver.row()["purchase_revenue"] == Decimal(money)


def test_key_events_are_fractions(silver: Silver) -> None:
    """Attribution splits one event over channels."""
    silver.add(report(row(values=changed(VALUES, METRICS, keyEvents="0.33335"))))
    assert silver.row()["key_events"] == Decimal("0.3334")


def test_columns_are_found_by_their_headers(silver: Silver) -> None:
    """Another order of metrics changes nothing."""
    metrics = tuple(reversed(METRICS))
    silver.add(report(row(values=tuple(reversed(VALUES))), metrics=metrics))
    assert pick(silver.row(), COUNTS) == [412, 250, 380, 120, 990, 2]


def test_a_metric_that_was_not_asked_for_is_unknown(silver: Silver) -> None:
    """NULL, not zero, and the row is worth less."""
    silver.add(report(row(values=VALUES[:5]), metrics=METRICS[:5]))
    found = silver.row()
    assert pick(found, ["key_events", "purchases", "total_revenue"]) == [None] * 3
    assert pick(found, ["rule", "quality_score"]) == [None, 80]


def test_a_metric_that_may_not_be_seen_is_unknown(silver: Silver) -> None:
    """Google sends zeros for it, and says so beside the rows."""
    names = [{"metricName": "purchaseRevenue"}, {"metricName": "totalRevenue"}]
    metadata = {"schemaRestrictionResponse": {"activeMetricRestrictions": names}}
    values = changed(VALUES, METRICS, purchaseRevenue="0", totalRevenue="0")
    silver.add(report(row(values=values), metadata=metadata))
    assert pick(silver.row(), ["purchase_revenue", "total_revenue", "purchases"]) == [None, None, 2]


@pytest.mark.parametrize(
    ("metadata", "flag", "score"),
    [
        ({"samplingMetadatas": [{"samplesReadCount": "1"}]}, "is_sampled", 80),
        ({"subjectToThresholding": True}, "is_thresholded", 90),
        ({"dataLossFromOtherRow": True}, "has_other_row", 90),
    ],
)
def test_caveats_are_flags(silver: Silver, metadata: dict[str, Any], flag: str, score: int) -> None:
    """What Google says of the report stands at each of its rows, and lowers their worth."""
    silver.add(report(row(), metadata=metadata))
    found = silver.row()
    assert (found[flag], found["quality_score"]) == (True, score)
    assert sum(pick(found, ["is_sampled", "is_thresholded", "has_other_row"])) == 1


def test_what_is_not_attributed_yet_is_marked(silver: Silver) -> None:
    """`(data not available)` is kept as text and worth less: a later read may replace it."""
    blank = "(data not available)"
    silver.add(report(row((ROW[0], "Unassigned", blank, blank, blank))))
    assert pick(silver.row(), ["traffic_source", "quality_score"]) == [blank, 90]


def test_masked_rows_stay_apart(silver: Silver) -> None:
    """Two values that look alike once masked are two rows with two keys, also over pages."""
    masked = row((ROW[0], "Email", "news", "email", "***"))
    silver.add(report(masked, masked))
    silver.add(report(masked))
    assert len({found["entity_id"] for found in silver.rows()}) == 3
    assert {found["campaign"] for found in silver.rows()} == {"***"}


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"sessions": "N/A"}, "sessions_not_a_number"),
        ({"sessions": "(other)"}, "sessions_not_a_number"),
        ({"sessions": "1_000"}, "sessions_not_a_number"),
        ({"engagedSessions": ""}, "engaged_sessions_not_a_number"),
        ({"totalUsers": "0x10"}, "users_not_a_number"),
        ({"newUsers": "1.5"}, "new_users_not_a_number"),
        ({"screenPageViews": "99999999999999999999"}, "page_views_not_a_number"),
        ({"keyEvents": "NaN"}, "key_events_not_a_number"),
        ({"ecommercePurchases": "two"}, "purchases_not_a_number"),
        ({"purchaseRevenue": "Infinity"}, "purchase_revenue_not_a_number"),
        ({"totalRevenue": "1,850"}, "total_revenue_not_a_number"),
        ({"sessions": "412.0"}, None),
    ],
)
def test_nonsense_is_refused(silver: Silver, values: dict[str, str], rule: str | None) -> None:
    """A metric that is no number refuses its row; the record is kept for a person to look at."""
    silver.add(report(row(values=changed(VALUES, METRICS, **values)), row()))
    bad, good = silver.rows()
    assert (bad["rule"], good["rule"]) == (rule, None)
    assert rule is None or next(iter(values.values())) in bad["record"]


@pytest.mark.parametrize(
    ("date", "rule"),
    [
        ("20261103", None),
        ("20261108", "date_outside_window"),
        ("20261131", "date_not_a_date"),
        ("2026-11-03", "date_not_a_date"),
        ("(other)", "date_not_a_date"),
    ],
)
def test_dates_are_eight_digits(silver: Silver, date: str, rule: str | None) -> None:
    """Anything else is refused, and so is a day that was not asked for."""
    silver.add(report(row((date, *ROW[1:]))))
    assert silver.rules() == [rule]


def test_a_rolled_up_day_is_known_in_a_window_of_one(silver: Silver) -> None:
    """Even the date may be `(other)`."""
    silver.add(report(row(("(other)",) * 5)), window=DAY)
    assert pick(silver.row(), ["rule", "date"]) == [None, dt.date(2026, 11, 3)]


def test_a_row_without_its_labels_is_refused(silver: Silver) -> None:
    """A row that is shorter than its headers is no row."""
    silver.add(report(row(ROW[:3])))
    assert silver.rules() == ["dimension_missing"]


def test_the_currency_of_the_account_fills_in(silver: Silver) -> None:
    """The report's own currency counts first; without any the row is refused."""
    silver.add(report(row(), metadata={"currencyCode": ""}))
    silver.add(report(row(), metadata={"currencyCode": "jpy"}))
    silver.add(report(row(), metadata={"currencyCode": ""}), request=described(currency=None))
    assert [found["currency"] for found in silver.rows()] == ["EUR", "JPY", None]
    assert silver.rules() == [None, None, "currency_missing"]


def test_an_empty_report_has_no_row(silver: Silver) -> None:
    """Nothing happened: nothing is written, nothing refused."""
    silver.add(report())
    assert silver.rows() == []


def test_new_fields_change_nothing(silver: Silver) -> None:
    """Google adds fields without notice."""
    silver.add(report({**row(), "newField": [1]}, anotherField={"nested": 1}))
    assert silver.rules() == [None]
