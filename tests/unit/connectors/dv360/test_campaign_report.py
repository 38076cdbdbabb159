"""From a report's rows of text to ad_performance."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tactics.connectors.dv360 import connector
from tests.unit.connectors.builders import Silver, described, pick
from tests.unit.connectors.dv360.builders import FIRST, HEADER, SECOND

COLUMNS = HEADER.split(",")
NAMES = (
    "date", "advertiser", "currency", "campaign_id", "campaign", "impressions", "clicks", "spend",
    "conversions", "views", "clicked", "viewed",
)  # fmt: skip
METRICS = ("impressions", "clicks", "spend", "conversions", "conversion_value", "video_views")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Return one database for all tests of this file."""
    silver = Silver(connector, "campaign_report", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(engine: Silver) -> Silver:
    """Return the database without pages."""
    return engine.clear()


def add(silver: Silver, *rows: list[str], **account: object) -> Silver:
    """Add a page; the builder's account is act_1, so the rows' advertiser becomes that."""
    own = [["act_1" if cell == "700001" else cell for cell in row] for row in rows]
    page = {"columns": COLUMNS, "rows": own}
    silver.add(page, request=described(**account))  # type: ignore[arg-type]
    return silver


def cells(**changes: str) -> list[str]:
    """Return the first row with some cells changed."""
    row = dict(zip(NAMES, FIRST.split(","), strict=True))
    assert changes.keys() <= row.keys()
    return list((row | changes).values())


def test_a_row_of_the_contract_is_read(silver: Silver) -> None:
    """Every column has its place; money is rounded half-up to cents."""
    first, second = add(silver, FIRST.split(","), SECOND.split(",")).rows()
    assert pick(first, ("rule", "entity_id", "campaign_id", "campaign_name", "channel")) == [
        None, "880001", "880001", "Autumn Video", "programmatic",
    ]  # fmt: skip
    assert (first["date"], second["date"]) == (dt.date(2026, 11, 1), dt.date(2026, 11, 2))
    assert pick(first, METRICS) == [
        15230, 41, Decimal("93.42"), Decimal(3), Decimal("121.75"), 812,
    ]  # fmt: skip
    assert pick(first, ("currency", "timezone", "quality_score")) == ["EUR", "Europe/Vienna", 100]


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("93.415000", "93.42"),
        ("93.4149999999", "93.41"),
        ("-0.005", "-0.01"),
        ("12", "12.00"),
        ("1,234.50", "1234.50"),
        ("0.000001", "0.00"),
    ],
)
def test_money_is_exact(silver: Silver, text: str, cents: str) -> None:
    """Half-up, never through a float; separators of thousands do no harm."""
    row = add(silver, cells(spend=text)).row()
    assert (row["rule"], row["spend"]) == (None, Decimal(cents))


def test_the_two_revenues_are_added_before_rounding(silver: Silver) -> None:
    """0.004 and 0.004 are one cent together; one of them may be missing."""
    rows = add(
        silver, cells(clicked="0.004", viewed="0.004"), cells(clicked="-", viewed="2.5")
    ).rows()
    assert [row["conversion_value"] for row in rows] == [Decimal("0.01"), Decimal("2.50")]


@pytest.mark.parametrize("null", ["-", "Unknown", "", " "])
def test_nulls_are_unknown_not_zero(silver: Silver, null: str) -> None:
    """Metrics that Google leaves open stay open, and lower the quality."""
    rows = add(
        silver,
        cells(views=null),
        cells(clicked=null, viewed=null),
        cells(conversions=null),
        cells(impressions=null, clicks=null),
        cells(currency=null, campaign=null.strip()),
    ).rows()
    assert [row["rule"] for row in rows] == [None] * 5
    assert [row["quality_score"] for row in rows[:4]] == [100, 90, 80, 80]
    assert (rows[0]["video_views"], rows[1]["conversion_value"]) == (None, None)
    assert (rows[2]["conversions"], rows[3]["impressions"], rows[3]["clicks"]) == (None, None, None)
    assert rows[4]["currency"] == "EUR"


def test_without_the_revenue_columns_the_value_is_unknown(silver: Silver) -> None:
    """`cm360_revenue = false` asks for two columns less."""
    row = add(silver, cells()[:10]).row()
    assert pick(row, ("rule", "conversion_value", "quality_score", "video_views")) == [
        None, None, 90, 812,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"campaign_id": "-"}, "campaign_id_missing"),
        ({"campaign_id": ""}, "campaign_id_missing"),
        ({"advertiser": "700009"}, "advertiser_not_asked_for"),
        ({"date": "Unknown"}, "date_not_a_date"),
        ({"date": "2026/11/31"}, "date_not_a_date"),
        ({"date": "01/11/2026"}, "date_not_a_date"),
        ({"date": "2026/11/08"}, "date_outside_window"),
        ({"impressions": "< 1000"}, "impressions_not_a_number"),
        ({"impressions": "12.5"}, "impressions_not_a_number"),
        ({"clicks": "1_000"}, "clicks_not_a_number"),
        ({"clicks": "99999999999999999999"}, "clicks_not_a_number"),
        ({"spend": "N/A"}, "spend_not_a_number"),
        ({"spend": "-"}, "spend_not_a_number"),
        ({"spend": "1e5"}, "spend_not_a_number"),
        ({"conversions": "many"}, "conversions_not_a_number"),
        ({"views": "0x10"}, "video_views_not_a_number"),
        ({"clicked": "inf"}, "conversion_value_not_a_number"),
        ({"viewed": "1.2.3"}, "conversion_value_not_a_number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_rule(
    silver: Silver, changes: dict[str, str], rule: str
) -> None:
    """The row goes to quarantine as it came; its neighbour stays."""
    bad, good = add(silver, cells(**changes), SECOND.split(",")).rows()
    assert (bad["rule"], good["rule"], good["record"]) == (rule, None, None)
    assert "2026/11/02" not in bad["record"]


def test_an_empty_report_has_no_rows(silver: Silver) -> None:
    """A window without delivery leaves nothing, and nothing refused."""
    assert add(silver).rows() == []


def test_a_currency_must_be_known(silver: Silver) -> None:
    """Neither the row nor the advertiser names one."""
    row = add(silver, cells(currency="-"), currency=None).row()
    assert row["rule"] == "currency_missing"
