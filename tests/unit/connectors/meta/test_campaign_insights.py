"""Meta's pages become rows of ad_performance."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.meta import connector
from tests.unit.connectors.builders import Silver, described, pick

ROW = {
    "account_id": "1000000001",
    "account_currency": "EUR",
    "campaign_id": "23850000000000001",
    "campaign_name": "Spring Sale",
    "impressions": "18250",
    "clicks": "412",
    "spend": "153.07",
    "actions": [
        {"action_type": "link_click", "value": "377"},
        {"action_type": "omni_purchase", "value": "9"},
        {"action_type": "purchase", "value": "9"},
    ],
    "action_values": [{"action_type": "omni_purchase", "value": "811.4"}],
    "video_play_actions": [{"action_type": "video_view", "value": "950"}],
    "date_start": "2026-11-01",
    "date_stop": "2026-11-01",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "campaign_insights", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def page(*rows: object) -> dict[str, object]:
    """Return a page of rows."""
    return {"data": list(rows), "paging": {"cursors": {"after": "x"}}}


def row(**changes: object) -> dict[str, Any]:
    """Return the sample row of the contract, changed; None leaves a field out."""
    return {name: value for name, value in {**ROW, **changes}.items() if value is not None}


def test_the_sample_of_the_contract(silver: Silver) -> None:
    """Every column of the table comes from where the contract says."""
    silver.add(page(ROW))
    found = silver.row()
    assert pick(found, ["rule", "record", "entity_id", "date", "channel", "timezone"]) == [
        None, None, "23850000000000001", dt.date(2026, 11, 1), "social", "Europe/Vienna",
    ]  # fmt: skip
    metrics = ["impressions", "clicks", "spend", "conversions", "conversion_value", "video_views"]
    assert pick(found, metrics) == [
        18250, 412, Decimal("153.07"), Decimal("9.0000"), Decimal("811.40"), 950,
    ]  # fmt: skip
    assert pick(found, ["campaign_name", "currency", "quality_score", "position"]) == [
        "Spring Sale", "EUR", 100, 0,
    ]  # fmt: skip


def test_missing_metrics_are_zero(silver: Silver) -> None:
    """Meta leaves out what is zero."""
    silver.add(
        page(
            row(
                **dict.fromkeys(["impressions", "clicks", "spend", "actions"]),
                action_values=None,
                video_play_actions=None,
            )
        )
    )
    metrics = ["impressions", "clicks", "spend", "conversions", "conversion_value", "video_views"]
    assert pick(silver.row(), [*metrics, "rule"]) == [0, 0, 0, 0, 0, 0, None]


@pytest.mark.parametrize(
    ("text", "spend"),
    [
        ("153.1", "153.10"),
        ("0.125", "0.13"),
        ("0.1249999999999", "0.12"),
        ("1.005", "1.01"),
        ("-12.345", "-12.35"),
        ("-0.5", "-0.50"),
        ("153", "153.00"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)
def test_spend_is_exact_and_half_up(silver: Silver, text: str, spend: str) -> None:
    """Money is rounded half up to cents, never through binary fractions; credits stay negative."""
    silver.add(page(row(spend=text)))
    assert pick(silver.row(), ["spend", "rule"]) == [Decimal(spend), None]


@pytest.mark.parametrize(
    "text",
    [
        "N/A",
        "",
        " ",
        "1_000",
        "0x10",
        "infinity",
        "nan",
        "12,345.67",
        "1e3",
        "1.2.3",
        "--1",
        "99999999999999999.00",
        "+5",
        "١٢",
    ],
)
def test_a_spend_that_is_no_number_is_refused(silver: Silver, text: str) -> None:
    """What a cast alone would accept (underscores, hex, infinity) is refused with its record."""
    silver.add(page(row(spend=text), row(campaign_id="2")))
    [bad, good] = silver.rows()
    assert bad["rule"] == "spend_not_a_number"
    assert text in bad["record"]
    assert good["rule"] is None


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("impressions", "N/A", "impressions_not_a_number"),
        ("impressions", "12.5", "impressions_not_a_number"),
        ("impressions", "99999999999999999999", "impressions_not_a_number"),
        ("clicks", "many", "clicks_not_a_number"),
        ("campaign_id", None, "campaign_id_missing"),
        ("campaign_id", "  ", "campaign_id_missing"),
        ("date_start", "2026-02-30", "date_not_a_date"),
        ("date_start", "01.11.2026", "date_not_a_date"),
        ("date_start", None, "date_not_a_date"),
        ("date_start", "2026-11-02", "date_not_a_single_day"),
        ("actions", [{"action_type": "purchase", "value": "N/A"}], "conversions_not_a_number"),
        ("action_values", [{"action_type": "omni_purchase", "value": "x"}], "conversion_value_not_a_number"),
        ("video_play_actions", [{"action_type": "video_view", "value": "x"}], "video_views_not_a_number"),
    ],
)  # fmt: skip
def test_a_broken_field_refuses_its_row_only(
    silver: Silver, field: str, value: object, rule: str
) -> None:
    """Each broken field has its rule; the neighbour is loaded."""
    silver.add(page(row(**{field: value}), row(campaign_id="2")))
    assert silver.rules() == [rule, None]


@pytest.mark.parametrize("day", ["2026-10-31", "2026-11-08", "1066-10-14", "9999-12-31"])
def test_a_day_outside_the_window_is_refused(silver: Silver, day: str) -> None:
    """A row of a day that was not asked for would overwrite nothing and stay for ever."""
    silver.add(page(row(date_start=day, date_stop=day)))
    assert silver.rules() == ["date_outside_window"]


@pytest.mark.parametrize(
    ("types", "conversions", "value"),
    [
        (["omni_purchase", "purchase"], "9", "811.40"),
        (["lead", "purchase"], "9", "0"),
        (["lead"], "0", "0"),
        (["link_click"], "377", "0"),
    ],
)
def test_one_action_type_is_the_conversion(
    silver: Silver, types: list[str], conversions: str, value: str
) -> None:
    """The first configured type that the row has counts, for count and value alike; none is summed."""
    silver.add(page(ROW), request=described({"conversion_action_types": types}))
    found = silver.row()
    assert pick(found, ["conversions", "conversion_value"]) == [
        Decimal(conversions),
        Decimal(value),
    ]


def test_a_type_with_a_value_only_still_counts(silver: Silver) -> None:
    """When no action has a configured type, the values decide."""
    silver.add(page(row(actions=None)))
    assert pick(silver.row(), ["conversions", "conversion_value"]) == [0, Decimal("811.40")]


def test_conversions_may_be_fractions(silver: Silver) -> None:
    """Modelled conversions keep four decimals, half up."""
    silver.add(page(row(actions=[{"action_type": "purchase", "value": "2.00005"}])))
    assert silver.row()["conversions"] == Decimal("2.0001")


def test_video_views_fall_back_to_actions(silver: Silver) -> None:
    """Without video_play_actions the action video_view is the number of views."""
    actions = [{"action_type": "video_view", "value": "7"}]
    silver.add(page(row(video_play_actions=None, actions=actions)))
    assert silver.row()["video_views"] == 7


def test_a_field_that_was_not_asked_for_is_unknown(silver: Silver) -> None:
    """When Meta refused `actions`, conversions are NULL and the quality says so; not zero."""
    request = {**described(), "query": {"fields": "campaign_id,spend"}}
    silver.add(
        page(row(actions=None, action_values=None, video_play_actions=None)), request=request
    )
    columns = ["conversions", "conversion_value", "video_views", "quality_score", "rule"]
    assert pick(silver.row(), columns) == [None, None, None, 80, None]


def test_a_nameless_campaign_lowers_the_quality(silver: Silver) -> None:
    """A row without a campaign name is good, but less so; the id is trimmed."""
    silver.add(page(row(campaign_name=None, campaign_id=" 7 ")))
    assert pick(silver.row(), ["campaign_id", "quality_score", "rule"]) == ["7", 80, None]


def test_the_currency_falls_back_to_the_account(silver: Silver) -> None:
    """A row without account_currency has the account's; without any it is refused."""
    silver.add(page(row(account_currency=None)), request=described(currency="CHF"))
    silver.add(page(row(account_currency=None)), request=described(currency=None))
    assert [found["currency"] for found in silver.rows()] == ["CHF", None]
    assert silver.rules() == [None, "currency_missing"]


def test_unknown_fields_do_no_harm(silver: Silver) -> None:
    """What Meta adds tomorrow is ignored here and stays in bronze."""
    silver.add(page(row(sandbox_new_metric={"nested": ["1"]}, impressions=18250)))
    assert pick(silver.row(), ["impressions", "rule"]) == [18250, None]


@pytest.mark.parametrize(
    "payload",
    [
        '{"data": [{"campaign_id": "1"',
        "<html>502</html>",
        "[]",
        "{}",
        '{"data": {}}',
        "",
        "\\ud800",
    ],
)
def test_one_bad_page_spoils_nothing(silver: Silver, payload: str) -> None:
    """A page that cannot be opened yields one row that says so; the other pages are read."""
    silver.add(payload)
    silver.add(page(ROW))
    [bad, good] = silver.rows()
    assert pick(bad, ["rule", "record", "entity_id"]) == ["page_undecodable", payload, None]
    assert good["rule"] is None


def test_an_entry_that_is_no_record_is_refused(silver: Silver) -> None:
    """A string, a number or null among the records is a refused record."""
    silver.add(page("x", None, 5, ROW))
    assert silver.rules() == 3 * ["campaign_id_missing"] + [None]


def test_an_empty_page_has_no_rows(silver: Silver) -> None:
    """No delivery, no rows."""
    silver.add(page())
    assert silver.rows() == []
