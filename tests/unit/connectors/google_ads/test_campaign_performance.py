"""Google's streams become rows of ad_performance."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.google_ads import connector
from tests.unit.connectors.builders import Silver, described, pick

METRICS = ["impressions", "clicks", "spend", "conversions", "conversion_value", "video_views"]
MASK = (
    "customer.id,customer.currencyCode,customer.timeZone,campaign.id,campaign.name,campaign.status,"
    "campaign.advertisingChannelType,segments.date,metrics.impressions,metrics.clicks,"
    "metrics.costMicros,metrics.conversions,metrics.conversionsValue,metrics.videoTrueviewViews"
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "campaign_performance", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def row(
    metrics: dict[str, object] | None = None,
    campaign: dict[str, object] | None = None,
    customer: dict[str, object] | None = None,
    date: object = "2026-11-01",
) -> dict[str, Any]:
    """Return the sample row of the contract, changed; None leaves a field out."""
    account = {"id": "1234567890", "currencyCode": "EUR", "timeZone": "Europe/Vienna"}
    named = {
        "id": "555",
        "name": "Brand",
        "status": "ENABLED",
        "advertisingChannelType": "SEARCH",
    }
    numbers = {
        "impressions": "1200",
        "clicks": "34",
        "costMicros": "12340000",
        "conversions": 2.5,
        "conversionsValue": 99.9,
        "videoTrueviewViews": "7",
    }
    return {
        "customer": _known(account, customer),
        "campaign": _known(named, campaign),
        "segments": {"date": date} if date else {},
        "metrics": _known(numbers, metrics),
    }


def _known(values: dict[str, Any], changes: dict[str, object] | None) -> dict[str, Any]:
    return {
        name: value for name, value in {**values, **(changes or {})}.items() if value is not None
    }


def stream(*batches: list[Any], mask: str = MASK) -> list[dict[str, Any]]:
    """Return a stream of batches."""
    return [{"results": rows, "fieldMask": mask, "requestId": "r"} for rows in batches]


def test_the_sample_of_the_contract(silver: Silver) -> None:
    """Every column of the table comes from where the contract says."""
    silver.add(stream([row()]))
    found = silver.row()
    assert pick(found, ["rule", "record", "entity_id", "date", "channel", "timezone"]) == [
        None, None, "555", dt.date(2026, 11, 1), "search", "Europe/Vienna",
    ]  # fmt: skip
    assert pick(found, METRICS) == [
        1200, 34, Decimal("12.34"), Decimal("2.5000"), Decimal("99.90"), 7,
    ]  # fmt: skip
    assert pick(found, ["campaign_id", "campaign_name", "currency", "quality_score", "position"]) == [
        "555", "Brand", "EUR", 100, 0,
    ]  # fmt: skip


def test_batches_are_one_page(silver: Silver) -> None:
    """Rows are numbered through all batches; one without results changes nothing."""
    empty = {"fieldMask": MASK, "requestId": "r"}
    first, second = stream(
        [row(campaign={"id": "1"}), row(campaign={"id": "2"})], [row(campaign={"id": "3"})]
    )
    silver.add([empty, first, empty, second])
    assert [(found["position"], found["campaign_id"]) for found in silver.rows()] == [
        (0, "1"), (1, "2"), (2, "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("payload", ["[]", [{"fieldMask": MASK, "requestId": "r"}]])
def test_no_rows_are_no_rows(silver: Silver, payload: object) -> None:
    """A day without delivery has none, in either form of an empty stream."""
    silver.add(payload)
    assert silver.rows() == []


def test_absent_metrics_are_zero(silver: Silver) -> None:
    """What was asked for and is not there is nothing."""
    silver.add(stream([row() | {"metrics": {}}]))
    assert pick(silver.row(), [*METRICS, "rule"]) == [0, 0, 0, 0, 0, 0, None]


def test_metrics_that_were_not_asked_for_are_unknown(silver: Silver) -> None:
    """The field mask tells: after a refused field its metric is NULL, not 0."""
    mask = "campaign.id,segments.date,metrics.clicks"
    silver.add(stream([row() | {"metrics": {"clicks": "3"}}], mask=mask))
    found = silver.row()
    assert pick(found, METRICS) == [0, 3, 0, None, None, None]
    assert pick(found, ["rule", "quality_score"]) == [None, 80]


@pytest.mark.parametrize(
    ("micros", "spend"),
    [
        ("12340000", "12.34"),
        ("12345000", "12.35"),
        ("12344999", "12.34"),
        ("-12345000", "-12.35"),
        ("4999", "0.00"),
        ("5000", "0.01"),
        ("1", "0.00"),
        (12340000, "12.34"),
        ("9007199254740993000", "9007199254740.99"),
        ("9999999999999990000", "9999999999999.99"),
    ],
)
def test_micros_are_exact_and_half_up(silver: Silver, micros: object, spend: str) -> None:
    """Millionths become cents, half up, never through binary fractions; credits stay negative."""
    silver.add(stream([row({"costMicros": micros})]))
    assert pick(silver.row(), ["spend", "rule"]) == [Decimal(spend), None]


@pytest.mark.parametrize(
    ("number", "conversions", "value"),
    [
        (0.125, "0.1250", "0.13"),
        (2.00005, "2.0001", "2.00"),
        (99.89999999999999, "99.9000", "99.90"),
        (1e-05, "0.0000", "0.00"),
        (1.5e3, "1500.0000", "1500.00"),
        (-1.005, "-1.0050", "-1.01"),
        (7, "7.0000", "7.00"),
    ],
)
def test_fractions_are_read_as_they_are_written(
    silver: Silver, number: float, conversions: str, value: str
) -> None:
    """A JSON number is rounded as text, half up."""
    silver.add(stream([row({"conversions": number, "conversionsValue": number})]))
    found = silver.row()
    assert pick(found, ["conversions", "conversion_value", "rule"]) == [
        Decimal(conversions), Decimal(value), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        ("SEARCH", "search"),
        ("VIDEO", "youtube"),
        ("PERFORMANCE_MAX", "performance_max"),
        ("DISPLAY", "display"),
        ("SHOPPING", "shopping"),
        ("DEMAND_GEN", "demand_gen"),
        ("MULTI_CHANNEL", "app"),
        ("HOTEL", "search"),
        ("TRAVEL", "search"),
        ("LOCAL_SERVICES", "search"),
        ("LOCAL", "performance_max"),
        ("SMART", "performance_max"),
        ("HOLOGRAM", "hologram"),
        (None, None),
    ],
)
def test_the_type_is_the_channel(silver: Silver, kind: str | None, channel: str | None) -> None:
    """By the names that DataGuard knows; a new one stays visible, in lower case."""
    silver.add(stream([row(campaign={"advertisingChannelType": kind})]))
    assert pick(silver.row(), ["channel", "rule"]) == [channel, None]


def test_the_row_names_its_currency_and_zone(silver: Silver) -> None:
    """What the row says counts; the account's is for rows that do not say."""
    said = {"currencyCode": "CHF", "timeZone": "Europe/Zurich"}
    silver.add(stream([row(customer=said), row(customer=dict.fromkeys(said))]))
    assert [pick(found, ["currency", "timezone"]) for found in silver.rows()] == [
        ["CHF", "Europe/Zurich"], ["EUR", "Europe/Vienna"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"campaign": {"id": None}}, "campaign_id_missing"),
        ({"campaign": {"id": " "}}, "campaign_id_missing"),
        ({"date": None}, "date_not_a_date"),
        ({"date": "2026-02-30"}, "date_not_a_date"),
        ({"date": "20261101"}, "date_not_a_date"),
        ({"date": "2026-11-09"}, "date_outside_window"),
        ({"metrics": {"impressions": "12.5"}}, "impressions_not_a_number"),
        ({"metrics": {"impressions": "99999999999999999999"}}, "impressions_not_a_number"),
        ({"metrics": {"clicks": "1_000"}}, "clicks_not_a_number"),
        ({"metrics": {"costMicros": "N/A"}}, "spend_not_a_number"),
        ({"metrics": {"costMicros": "1e9"}}, "spend_not_a_number"),
        ({"metrics": {"costMicros": "99999999999999999999999"}}, "spend_not_a_number"),
        ({"metrics": {"conversions": "NaN"}}, "conversions_not_a_number"),
        ({"metrics": {"conversionsValue": "Infinity"}}, "conversion_value_not_a_number"),
        ({"metrics": {"videoTrueviewViews": "0x10"}}, "video_views_not_a_number"),
    ],
)
def test_a_row_outside_the_contract_is_refused(
    silver: Silver, changes: dict[str, Any], rule: str
) -> None:
    """It goes to the quarantine with its record; its neighbour arrives."""
    silver.add(stream([row(**changes), row(campaign={"id": "2"})]))
    [bad, good] = silver.rows()
    assert bad["rule"] == rule
    assert '"campaign_name":"Brand"' in bad["record"]
    assert good["rule"] is None


def test_without_any_currency_money_means_nothing(silver: Silver) -> None:
    """Neither the row nor the account names one."""
    silver.add(stream([row(customer={"currencyCode": None})]), request=described(currency=None))
    assert silver.rules() == ["currency_missing"]


def test_new_fields_change_nothing(silver: Silver) -> None:
    """Google adds some every month."""
    silver.add(stream([row({"newMetric": {"deep": [1]}}) | {"adGroup": {"id": "9"}}]))
    assert pick(silver.row(), ["spend", "rule"]) == [Decimal("12.34"), None]


@pytest.mark.parametrize("payload", ['[{"results": [', "{}", '"text"', ""])
def test_a_page_that_cannot_be_read_is_refused_whole(silver: Silver, payload: str) -> None:
    """One row that says so, with the beginning of the page."""
    silver.add(payload)
    assert pick(silver.row(), ["rule", "record"]) == ["page_undecodable", payload]
