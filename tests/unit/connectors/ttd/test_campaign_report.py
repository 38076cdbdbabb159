"""The Trade Desk's report rows become rows of ad_performance."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.ttd import TtdOptions, connector
from tactics.connectors.ttd.options import titles_of
from tactics.connectors.ttd.table import read_table
from tests.unit.connectors.builders import Silver, described, pick
from tests.unit.connectors.ttd.answers import GOLDEN, OPTIONS

ROW = {
    "Date": "2026-11-01",
    "Advertiser ID": "act_1",
    "Campaign ID": "cmp001",
    "Campaign": "Autumn",
    "Impressions": "10500",
    "Clicks": "21",
    "Advertiser Cost (Adv Currency)": "88.412300",
    "Advertiser Currency Code": "EUR",
    "All Last Click + View Conversions": "4",
    "Player Starts": "8000",
}
COST = "Advertiser Cost (Adv Currency)"
METRICS = ["impressions", "clicks", "spend", "conversions", "conversion_value", "video_views"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Silver]:
    """Open the database once."""
    silver = Silver(connector, "campaign_report", tmp_path_factory.mktemp("scratch"))
    yield silver
    silver.connection.close()


@pytest.fixture
def silver(database: Silver) -> Silver:
    """Return the stream's SQL over no pages yet."""
    return database.clear()


def page(*rows: dict[str, str]) -> dict[str, object]:
    """Return a page of these rows; the first one says which columns there are."""
    return {"columns": list(rows[0]), "rows": [list(row.values()) for row in rows]}


def row(**changes: str) -> dict[str, str]:
    """Return the sample row, changed; `_` in a name stands for a blank."""
    return ROW | {name.replace("_", " "): value for name, value in changes.items()}


def request(currency: str | None = "EUR", **more: Any) -> dict[str, object]:
    """Return the facts beside a page, with the options of the connection."""
    options = TtdOptions(**{"partner_id": "p", "report_template_id": 1, **more})
    return described(options.model_dump(mode="json"), currency=currency)


def test_the_golden_report(silver: Silver) -> None:
    """The contract's sample, from the file to the rows, digit for digit."""
    body = read_table((GOLDEN / "report.csv").read_bytes(), titles_of(OPTIONS))
    silver.add(body, request=described(OPTIONS.model_dump(mode="json")))
    wanted = json.loads((GOLDEN / "rows.json").read_text())
    found = [
        {name: row[name] if isinstance(row[name], int | None) else str(row[name]) for name in wanted[0]}
        | {"conversion_value": str(row["conversion_value"])}
        for row in silver.rows()
    ]  # fmt: skip
    assert sorted(found, key=lambda one: (one["campaign_id"], one["date"])) == wanted


def test_a_row_and_its_lineage(silver: Silver) -> None:
    """Every column of the table has its value; the time zone is that of the schedule."""
    silver.add(page(ROW), request=request())
    found = silver.row()
    assert pick(found, [*METRICS, "currency", "timezone", "channel", "entity_id", "rule"]) == [
        10500, 21, Decimal("88.41"), Decimal("4.0000"), None, 8000,
        "EUR", "Europe/Vienna", "programmatic", "cmp001", None,
    ]  # fmt: skip
    assert pick(found, ["date", "position", "quality_score", "record"]) == [
        dt.date(2026, 11, 1), 0, 100, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "spend"),
    [("88.415", "88.42"), ("-0.005", "-0.01"), ("8.5E-05", "0.00"), ("1e2", "100.00"), ("7", "7.00")],
)  # fmt: skip
def test_spend_is_exact_and_half_up(silver: Silver, text: str, spend: str) -> None:
    """Money never passes through binary fractions; a credit stays negative."""
    silver.add(page(ROW | {COST: text}), request=request())
    assert pick(silver.row(), ["spend", "rule"]) == [Decimal(spend), None]


@pytest.mark.parametrize("text", ["", "N/A", "$5.00", "1_000", "0x1", "inf", "99999999999", "+5"])
def test_a_spend_that_is_no_number_is_refused(silver: Silver, text: str) -> None:
    """The row is refused with what stood there."""
    silver.add(page(ROW | {COST: text}, row(Campaign_ID="cmp002")), request=request())
    assert sorted(map(str, silver.rules())) == ["None", "spend_not_a_number"]
    assert next(r for r in silver.rows() if r["rule"])["record"].count(f'"spend":"{text}"') == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"Date": "2026-02-30"}, "date_not_a_date"),
        ({"Date": "Total"}, "date_not_a_date"),
        ({"Date": "45962"}, "date_not_a_date"),
        ({"Date": "2026-10-31"}, "date_outside_window"),
        ({"Date": "2026-11-08"}, "date_outside_window"),
        ({"Advertiser_ID": "act_2"}, "advertiser_of_another_account"),
        ({"Campaign_ID": " "}, "campaign_id_missing"),
        ({"Impressions": "many"}, "impressions_not_a_number"),
        ({"Impressions": "1.5"}, "impressions_not_a_number"),
        ({"Clicks": ""}, "clicks_not_a_number"),
        ({"All_Last_Click_+_View_Conversions": "x"}, "conversions_not_a_number"),
        ({"Player_Starts": "x"}, "video_views_not_a_number"),
    ],
)
def test_a_broken_field_refuses_its_row_only(
    silver: Silver, changes: dict[str, str], rule: str
) -> None:
    """Each broken field has its rule; another campaign's row is loaded."""
    silver.add(page(row(**changes), row(Campaign_ID="cmp002")), request=request())
    assert sorted(map(str, silver.rules())) == ["None", rule]


def test_a_short_row_is_refused(silver: Silver) -> None:
    """Its cells may stand under the wrong titles."""
    silver.add({"columns": list(ROW), "rows": [list(ROW.values())[:5]]}, request=request())
    assert silver.rules() == ["row_of_another_width"]


def test_a_finer_template_is_added_up(silver: Silver) -> None:
    """Rows of two ad groups are one campaign day; money is rounded once, at the end."""
    silver.add(page(row() | {COST: "0.004"}, row(Clicks="2") | {COST: "0.004"}), request=request())
    assert pick(silver.row(), METRICS) == [21000, 23, Decimal("0.01"), 8, None, 16000]


def test_a_part_of_a_sum_is_refused(silver: Silver) -> None:
    """When one ad group cannot be read, its campaign day has no number, rather than a wrong one."""
    silver.add(page(row(), row(Clicks="x"), row(Date="2026-11-02")), request=request())
    assert silver.rules() == ["part_of_a_refused_sum", "clicks_not_a_number", None]


def test_two_currencies_in_one_sum_are_refused(silver: Silver) -> None:
    """Euro and dollars are never added."""
    silver.add(page(row(), row(Advertiser_Currency_Code="USD")), request=request())
    assert silver.rules() == ["currencies_mixed", "currencies_mixed"]


def test_the_currency_is_the_cost_columns(silver: Silver) -> None:
    """Adv Currency is the advertiser's; (USD) is US dollars, whatever the advertiser has."""
    dollars = "Media Cost (USD)"
    plain = {name: text for name, text in ROW.items() if "Currency Code" not in name}
    silver.add(page(ROW | {dollars: "9"}), request=request(cost_column=dollars))
    silver.add(page(plain), request=request("chf"))
    silver.add(page(plain), request=request(None))
    found = [pick(r, ["currency", "spend"]) for r in silver.rows()]
    assert found == [["USD", 9], ["CHF", Decimal("88.41")], [None, Decimal("88.41")]]
    assert silver.rules() == [None, None, "currency_missing"]


def test_columns_are_found_by_any_of_their_titles(silver: Silver) -> None:
    """Aliases first, then the known titles; case and blanks do not count."""
    renamed = {
        {"Date": "report date ", "Campaign": "Kampagne"}.get(k, k): v for k, v in ROW.items()
    }
    silver.add(page(renamed), request=request(column_aliases={"campaign_name": ("kampagne",)}))
    assert pick(silver.row(), ["date", "campaign_name", "rule"]) == [
        dt.date(2026, 11, 1), "Autumn", None,
    ]  # fmt: skip


def test_metrics_are_chosen_by_title(silver: Silver) -> None:
    """Conversions, revenue and views of the configured columns; a blank cell is zero."""
    more = {"03 - Click Conversion": "2.00005", "Revenue": "10.005", "Player Completed Views": ""}
    options = {
        "conversions_column": "03 - Click Conversion",
        "conversion_value_column": "Revenue",
        "video_views_column": "Player Completed Views",
    }
    silver.add(page(ROW | more), request=request(**options))
    assert pick(silver.row(), ["conversions", "conversion_value", "video_views"]) == [
        Decimal("2.0001"), Decimal("10.01"), 0,
    ]  # fmt: skip


def test_what_the_template_lacks_is_unknown(silver: Silver) -> None:
    """Without conversions, views and a name: NULL, not zero, and a lower quality."""
    few = {
        k: v
        for k, v in ROW.items()
        if "Conversions" not in k and k not in {"Player Starts", "Campaign"}
    }
    silver.add(page(few), request=request())
    assert pick(silver.row(), ["conversions", "video_views", "campaign_name", "quality_score"]) == [
        None, None, None, 60,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["2026-11-01T00:00:00", "2026-11-01 00:00", "2026-11-01T00:00:00Z"]
)
def test_the_time_of_a_date_is_dropped(silver: Silver, text: str) -> None:
    """A day is a day."""
    silver.add(page(row(Date=text)), request=request())
    assert silver.row()["date"] == dt.date(2026, 11, 1)


@pytest.mark.parametrize("payload", ["", "<html>", "[]", "{}", '{"rows": []}', '{"rows": {}}'])
def test_one_bad_page_spoils_nothing(silver: Silver, payload: str) -> None:
    """A page that cannot be opened is one refused row; the others are read."""
    silver.add(payload)
    silver.add(page(ROW), request=request())
    assert silver.rules() == ["page_undecodable", None]


def test_no_delivery_is_no_rows(silver: Silver) -> None:
    """An empty report has no row, and no quarantine either."""
    silver.add({"columns": [], "rows": []}, request=request())
    assert silver.rows() == []


def test_numbers_beyond_all_measure_stop_nothing(silver: Silver) -> None:
    """A sum that no column can hold is unknown; the load goes on."""
    huge = "9223372036854775807"
    silver.add(page(row(Impressions=huge), row(Impressions=huge)), request=request())
    assert pick(silver.row(), ["impressions", "clicks", "rule"]) == [None, 42, None]


def test_a_large_report_fits_into_memory(silver: Silver) -> None:
    """No row carries the whole page with it: 40,000 ad group rows become their campaign days."""
    names = list(ROW)
    rows = [list(row(Campaign_ID=f"cmp{number % 50}").values()) for number in range(40_000)]
    silver.add({"columns": names, "rows": rows}, request=request())
    found = silver.rows()
    assert len(found) == 50
    assert sum(one["clicks"] for one in found) == 21 * 40_000
