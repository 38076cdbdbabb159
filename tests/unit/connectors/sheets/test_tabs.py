"""Cells become rows of bookings and crm_deals."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.sheets import connector
from tests.unit.connectors.builders import Silver, described, pick

BOOKING: dict[str, object] = {
    "booking_id": "BK-1", "client": "Acme", "campaign": "Spring push", "campaign_id": "238",
    "flight_start": 46082, "flight_end": 46112, "booked_impressions": 250000,
    "booking_revenue": 12500.5, "currency": "GBP", "status": "Confirmed",
}  # fmt: skip
DEAL: dict[str, object] = {
    "deal_id": "D-1", "company": "Acme", "stage": "Proposal", "amount": 1000, "currency": "EUR",
    "probability": 0.4, "expected_close": 46112, "created_on": 46082, "updated_on": "2026-03-05",
    "owner": "A. Planner", "booking_id": "BK-1",
}  # fmt: skip


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Silver]]:
    """Open each database once."""
    scratch = tmp_path_factory.mktemp("scratch")
    opened = {name: Silver(connector, name, scratch) for name in ("bookings", "crm_deals")}
    yield opened
    for silver in opened.values():
        silver.connection.close()


@pytest.fixture
def bookings(databases: dict[str, Silver]) -> Silver:
    """Return the SQL of bookings over no pages yet."""
    return databases["bookings"].clear()


@pytest.fixture
def deals(databases: dict[str, Silver]) -> Silver:
    """Return the SQL of deals over no pages yet."""
    return databases["crm_deals"].clear()


def changed(sample: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    """Return a row of cells; None leaves a cell blank, which means it is not there."""
    return {name: cell for name, cell in {**sample, **changes}.items() if cell is not None}


def page(
    *rows: dict[str, object], extras: dict[str, object] | None = None, **facts: Any
) -> dict[str, Any]:
    """Return a page as the connector keeps it."""
    titles = {name: name for name in (rows[0] if rows else {})}
    known = {"read": 1, "decimal": ".", "date_order": "DMY", "columns": titles, **facts}
    numbered = [
        {"row": 2 + at, "cells": cells, "extras": extras or {}} for at, cells in enumerate(rows)
    ]
    return {**known, "rows": numbered}


def test_a_booking_of_the_contract(bookings: Silver) -> None:
    """Serial dates, plain numbers, text: every column of the table."""
    bookings.add(page(BOOKING, extras={"Trafficker": "X"}))
    found = bookings.row()
    texts = ["entity_id", "booking_id", "client", "campaign", "campaign_id", "currency", "status"]
    assert pick(found, texts) == ["BK-1", "BK-1", "Acme", "Spring push", "238", "GBP", "confirmed"]
    days = ["date", "flight_start", "flight_end"]
    assert pick(found, days) == [dt.date(2026, 3, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 31)]
    assert pick(found, ["booked_impressions", "booking_revenue", "sheet_row", "extras"]) == [
        250000, Decimal("12500.50"), 2, '{"Trafficker":"X"}',
    ]  # fmt: skip
    assert pick(found, ["quality_score", "rule", "record"]) == [100, None, None]


def test_a_deal_of_the_contract(deals: Silver) -> None:
    """Every column of the table crm_deals."""
    deals.add(page(DEAL))
    found = deals.row()
    texts = ["entity_id", "deal_id", "company", "deal_stage", "currency", "owner", "booking_id"]
    assert pick(found, texts) == ["D-1", "D-1", "Acme", "Proposal", "EUR", "A. Planner", "BK-1"]
    assert pick(found, ["amount", "probability"]) == [Decimal("1000.00"), Decimal("0.4000")]
    assert pick(found, ["date", "created_on", "updated_on", "expected_close"]) == [
        dt.date(2026, 3, 1), dt.date(2026, 3, 1), dt.date(2026, 3, 5), dt.date(2026, 3, 31),
    ]  # fmt: skip
    assert pick(found, ["rule", "quality_score"]) == [None, 90]  # one date typed as text


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        (250000, 250000), (250000.0, 250000), ("1,200,000", 1200000), ("1.2m", 1200000),
        ("1.2M", 1200000), ("90k", 90000), ("0.5bn", 500000000), (" 12 000 ", 12000),
        ("12\u00a0000", 12000), ("1'200'000", 1200000), (0, 0), (None, None), (249999.99999999997, 250000),
    ],
)  # fmt: skip
def test_counts_as_people_type_them(bookings: Silver, cell: object, count: int | None) -> None:
    """Grouped, scaled, float or blank; blank is unknown, not zero."""
    bookings.add(page(changed(BOOKING, {"booked_impressions": cell})))
    assert pick(bookings.row(), ["booked_impressions", "rule"]) == [count, None]


@pytest.mark.parametrize(
    "cell",
    [
        "TBC",
        "-",
        "n/a",
        "?",
        "12,5",
        "1.2.3",
        "1_000",
        "0x10",
        "infinity",
        "12.5",
        12.5,
        "1,20,0",
        True,
        "5 MIO",
    ],
)
def test_what_is_no_count_is_refused(bookings: Silver, cell: object) -> None:
    """A placeholder or a half number is never a silent zero."""
    bookings.add(page(changed(BOOKING, {"booked_impressions": cell})))
    assert bookings.rules() == ["booked_impressions_not_a_number"]


@pytest.mark.parametrize(
    ("mark", "cell", "amount"),
    [
        (".", 12500.505, "12500.51"), (".", 12.344999999999999, "12.35"), (".", "12,500.50", "12500.50"),
        (".", "GBP 12,500.50", "12500.50"), (".", "12,500.50 GBP", "12500.50"), (".", "£4,500", "4500.00"),
        (".", "-£4,500.1", "-4500.10"), (".", -10, "-10.00"), (",", "12.500,50", "12500.50"),
        (",", "GBP 12.500,50", "12500.50"), (",", "1,2m", "1200000.00"), (",", 12500.5, "12500.50"),
        (",", "12 500,5", "12500.50"), (".", 1e7, "10000000.00"), (".", "1\u2019000.50", "1000.50"),
    ],
)  # fmt: skip
def test_money_as_people_type_it(bookings: Silver, mark: str, cell: object, amount: str) -> None:
    """Symbols, codes and the separators of the locale; half up to cents; credits stay negative."""
    bookings.add(page(changed(BOOKING, {"booking_revenue": cell}), decimal=mark))
    assert pick(bookings.row(), ["booking_revenue", "rule"]) == [Decimal(amount), None]


@pytest.mark.parametrize(
    ("mark", "cell"),
    [(".", "TBC"), (".", "12.500,50"), (",", "12,500.50"), (",", "1.2m"), (".", "about 5"), (".", "1e15"), (".", 1e15)],
)  # fmt: skip
def test_what_is_no_money_is_refused(bookings: Silver, mark: str, cell: object) -> None:
    """Separators of another locale are not guessed, and too much money is an error."""
    bookings.add(page(changed(BOOKING, {"booking_revenue": cell}), decimal=mark))
    assert bookings.rules() == ["booking_revenue_not_a_number"]


@pytest.mark.parametrize(
    ("order", "cell", "day"),
    [
        ("DMY", 46082, "2026-03-01"), ("DMY", 46082.75, "2026-03-01"), ("DMY", "2026-03-01", "2026-03-01"),
        ("MDY", "2026-03-01T10:00:00Z", "2026-03-01"), ("DMY", "01/03/2026", "2026-03-01"),
        ("MDY", "03/01/2026", "2026-03-01"), ("DMY", "1.3.2026", "2026-03-01"), ("DMY", "1-3-26", "2026-03-01"),
        ("YMD", "2026/3/1", "2026-03-01"), ("YMD", "2026. 3. 1.", None), ("DMY", "1 Mar 2026", "2026-03-01"),
        ("MDY", "March 1, 2026", "2026-03-01"), ("DMY", "29/02/2024", "2024-02-29"),
    ],
)  # fmt: skip
def test_dates_as_people_type_them(
    bookings: Silver, order: str, cell: object, day: str | None
) -> None:
    """Serial numbers, ISO text, or text in the order of the locale."""
    cells = changed(BOOKING, {"flight_start": cell, "flight_end": 47000})
    bookings.add(page(cells, date_order=order))
    expected = None if day is None else dt.date.fromisoformat(day)
    assert bookings.row()["flight_start"] == expected


@pytest.mark.parametrize(
    ("order", "cell"),
    [
        ("DMY", "31/04/2026"), ("MDY", "31/03/2026"), ("DMY", "03/31/2026"), ("YMD", "01/03/2026"),
        ("DMY", "29/02/2026"), ("DMY", "soon"), ("DMY", "46082"), ("DMY", 5), ("DMY", 4608200), ("DMY", True),
        ("DMY", "2026-02-30"),
    ],
)  # fmt: skip
def test_impossible_dates_are_refused(bookings: Silver, order: str, cell: object) -> None:
    """A day that does not exist, or an order that is not the locale's, is not guessed."""
    bookings.add(page(changed(BOOKING, {"flight_end": cell}), date_order=order))
    assert bookings.rules() == ["flight_end_not_a_date"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"booking_id": None}, "booking_id_missing"),
        ({"flight_start": None}, "flight_start_missing"),
        ({"flight_end": None}, "flight_end_missing"),
        ({"flight_end": 46081}, "flight_ends_before_it_starts"),
        ({"flight_end": 46082}, None),
        ({"booked_impressions": -1}, "booked_impressions_negative"),
        ({"status": "#N/A"}, "error_cell"),
        ({"booked_impressions": "#REF!"}, "error_cell"),
        ({"booking_revenue": "Loading..."}, "error_cell"),
        ({"booking_id": "#VALUE!"}, "error_cell"),
        ({"currency": "Euro"}, "currency_missing"),
        ({"booking_revenue": "USD 5"}, "currency_contradicts"),
        ({"campaign_id": 23850000000000001}, "id_lost_digits"),
        ({"campaign_id": 2.385e16}, "id_lost_digits"),
        ({"campaign_id": 1001.0, "booking_id": 7}, None),
    ],
)
def test_rules_of_a_booking(bookings: Silver, changes: dict[str, object], rule: str | None) -> None:
    """Each broken cell has its rule; the row below is loaded."""
    bookings.add(page(changed(BOOKING, changes), changed(BOOKING, {"booking_id": "BK-2"})))
    assert bookings.rules() == [rule, None]


def test_numeric_ids_are_text(bookings: Silver) -> None:
    """A number in an id column loses its decimals and keeps its digits."""
    bookings.add(
        page(changed(BOOKING, {"campaign_id": 1001.0, "booking_id": 7, "make_good_for": 6}))
    )
    assert pick(bookings.row(), ["campaign_id", "booking_id", "make_good_for"]) == [
        "1001",
        "7",
        "6",
    ]


def test_an_error_in_a_description_lowers_the_quality(bookings: Silver) -> None:
    """A broken formula beside the point leaves the cell unknown and the row in."""
    bookings.add(page(changed(BOOKING, {"client": "#N/A", "channel": "Paid Social"})))
    columns = ["client", "channel", "quality_score", "rule"]
    assert pick(bookings.row(), columns) == [None, "paid_social", 90, None]


def test_both_of_two_equal_keys_are_refused(bookings: Silver) -> None:
    """Which of the two is right, nobody knows; a total row with the same text does not count."""
    bookings.add(page(BOOKING, BOOKING, changed(BOOKING, {"booking_id": "BK-2"})))
    assert bookings.rules() == ["duplicate_key", "duplicate_key", None]


@pytest.mark.parametrize(
    "cells",
    [
        {"booking_id": "Total", "booking_revenue": 5},
        {"client": "TOTAL 2026", "booking_revenue": 5},
        {"campaign": "Summe", "booked_impressions": 5},
        {"booking_id": "Grand total:", "booked_impressions": 5},
    ],
)
def test_total_rows_are_no_bookings(bookings: Silver, cells: dict[str, object]) -> None:
    """A sum below the table is refused, not loaded as one more line."""
    bookings.add(page(cells))
    assert bookings.rules() == ["total_row"]


def test_a_client_called_total_is_a_booking(bookings: Silver) -> None:
    """Only a row without a flight is a sum."""
    bookings.add(page(changed(BOOKING, {"client": "Total"})))
    assert bookings.rules() == [None]


@pytest.mark.parametrize(
    ("options", "info", "cell", "revenue", "currency"),
    [
        ({}, "EUR", None, 5, "EUR"),
        ({"currency": "CHF"}, "EUR", None, 5, "CHF"),
        ({"currency": "CHF"}, "EUR", "gbp", 5, "GBP"),
        ({}, "EUR", None, "USD 5", "USD"),
        ({}, None, None, 5, None),
    ],
)  # fmt: skip
def test_where_the_currency_comes_from(
    bookings: Silver,
    *,
    options: dict[str, object],
    info: str | None,
    cell: str | None,
    revenue: object,
    currency: str | None,
) -> None:
    """The cell, else the code in the money, else the option, else the account's or organisation's."""
    cells = changed(BOOKING, {"currency": cell, "booking_revenue": revenue})
    bookings.add(page(cells), request=described(options, currency=info))
    rule = None if currency else "currency_missing"
    assert pick(bookings.row(), ["currency", "rule"]) == [currency, rule]


def test_money_may_name_its_currency_on_either_side(bookings: Silver) -> None:
    """Every code, before or behind the amount, with a minus and in any case; the amount stays."""
    known = (
        "EUR USD GBP CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BGN JPY CNY INR BRL MXN ZAR TRY AED"
        " SAR ILS SGD HKD KRW THB"
    )
    codes = known.split(" ")
    forms = ("{} 1,250.50", "1,250.50{}", "-{}1250.50", "{} 1 250.50 €", "$1,250.50 {}")
    written = [(code, form.format(code.lower())) for code in codes for form in forms]
    rows = [
        changed(BOOKING, {"booking_id": f"BK-{at}", "currency": None, "booking_revenue": text})
        for at, (_, text) in enumerate(written)
    ]
    bookings.add(page(*rows), request=described(currency=None))
    found = [pick(row, ["currency", "booking_revenue"]) for row in bookings.rows()]
    amount = Decimal("1250.50")
    assert found == [[code, -amount if "-" in text else amount] for code, text in written]


@pytest.mark.parametrize(
    ("cell", "platform"),
    [("Facebook", "meta"), ("meta", "meta"), ("YouTube", "google_ads"), ("The Trade Desk", "ttd"), ("New Thing", "new_thing"), (None, None)],
)  # fmt: skip
def test_platforms_are_named_as_sources(
    bookings: Silver, cell: str | None, platform: str | None
) -> None:
    """People write Facebook; the source is called meta."""
    bookings.add(page(changed(BOOKING, {"platform": cell})))
    assert bookings.row()["platform"] == platform


def test_keys_are_made_up_only_when_asked(bookings: Silver) -> None:
    """Without a key column client, campaign and start identify a booking, however the date is typed."""
    asked = described({"synthetic_keys": True})
    cells = changed(BOOKING, {"booking_id": None})
    bookings.add(page(cells), request=asked)
    bookings.add(
        page(changed(cells, {"flight_start": "01/03/2026", "client": "ACME"})),
        request=asked,
        request_id="r2",
    )
    bookings.add(
        page(changed(cells, {"client": None, "campaign": None})), request=asked, request_id="r3"
    )
    first, second, third = bookings.rows()
    assert first["booking_id"].startswith("made-")
    assert first["booking_id"] == second["booking_id"]
    assert pick(first, ["quality_score", "rule"]) == [80, None]
    assert third["rule"] == "booking_id_missing"


def test_the_last_read_of_a_fetch_counts(bookings: Silver) -> None:
    """A tab that changed while it was read is there twice; blocks of one read belong together."""
    bookings.add(page(BOOKING, read=1))
    bookings.add(page(changed(BOOKING, {"booking_id": "BK-2"}), read=2))
    bookings.add(page(changed(BOOKING, {"booking_id": "BK-3"}), read=2))
    bookings.add(page(changed(BOOKING, {"booking_id": "BK-4"}), read=1), request_id="r2")
    assert [row["booking_id"] for row in bookings.rows()] == ["BK-2", "BK-3", "BK-4"]


def test_one_bad_page_spoils_nothing(bookings: Silver, deals: Silver) -> None:
    """A page that cannot be opened yields one row that says so; an empty tab yields none."""
    for silver, sample in ((bookings, BOOKING), (deals, DEAL)):
        silver.add('{"rows": [', request_id="r1")
        silver.add(page(), request_id="r2")
        silver.add(page(sample), request_id="r3")
        assert silver.rules() == ["page_undecodable", None]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"deal_id": None}, "deal_id_missing"),
        ({"deal_id": "Total", "stage": None}, "total_row"),
        ({"stage": None}, "stage_missing"),
        ({"amount": "TBC"}, "amount_not_a_number"),
        ({"amount": None}, None),
        ({"amount": "USD 5"}, "currency_contradicts"),
        ({"probability": "high"}, "probability_not_a_number"),
        ({"probability": 140}, "probability_out_of_range"),
        ({"probability": -0.1}, "probability_out_of_range"),
        ({"expected_close": "31/04/2026"}, "expected_close_not_a_date"),
        ({"created_on": "soon"}, "created_on_not_a_date"),
        ({"updated_on": "soon"}, "updated_on_not_a_date"),
        ({"created_on": None, "expected_close": None}, "date_missing"),
        ({"amount": "#DIV/0!"}, "error_cell"),
        ({"owner": "#N/A"}, None),
        ({"currency": "?"}, "currency_missing"),
        ({"deal_id": 9007199254740993}, "id_lost_digits"),
    ],
)
def test_rules_of_a_deal(deals: Silver, changes: dict[str, object], rule: str | None) -> None:
    """Each broken cell has its rule; the row below is loaded."""
    deals.add(page(changed(DEAL, changes), changed(DEAL, {"deal_id": "D-2"})))
    assert deals.rules() == [rule, None]


@pytest.mark.parametrize(
    ("cell", "probability"),
    [(0.4, "0.4000"), ("40%", "0.4000"), ("40", "0.4000"), (40, "0.4000"), (1, "1.0000"), (0, "0.0000"), (None, None)],
)  # fmt: skip
def test_probabilities_as_people_type_them(
    deals: Silver, cell: object, probability: str | None
) -> None:
    """A share or a percentage; above 1 it is a percentage."""
    deals.add(page(changed(DEAL, {"probability": cell})))
    expected = None if probability is None else Decimal(probability)
    assert pick(deals.row(), ["probability", "rule"]) == [expected, None]


def test_a_deal_without_a_creation_date_has_its_close_as_date(deals: Silver) -> None:
    """The day of a deal is the day it was created, else the day it should close; keys can be made up."""
    deals.add(page(changed(DEAL, {"created_on": None})))
    cells = changed(DEAL, {"deal_id": None})
    deals.add(page(cells), request=described({"synthetic_keys": True}), request_id="r2")
    first, second = deals.rows()
    assert first["date"] == dt.date(2026, 3, 31)
    assert second["deal_id"].startswith("made-")


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ({}, {"goal": None, "start_share": Decimal(1), "hiatus": None, "plan": None}),
        ({"goal": "CPC", "booked_clicks": "12,000"}, {"goal": "clicks", "booked_clicks": 12000}),
        ({"goal": "Video views", "booked_views": 5000}, {"goal": "views", "booked_views": 5000}),
        ({"goal": "CPA", "booked_conversions": 40.5}, {"booked_conversions": Decimal("40.5")}),
        ({"booked_spend": "EUR 1,250.50"}, {"booked_spend": Decimal("1250.50")}),
        ({"flight_start": 46082.5}, {"start_share": Decimal("0.5")}),
        ({"flight_start": "2026-03-01 18:00"}, {"start_share": Decimal("0.25")}),
        ({"flight_start": "2026-03-01"}, {"start_share": Decimal(1)}),
        (
            {"hiatus": "2026-03-05 to 2026-03-09; 2026-03-12"},
            {"hiatus": "2026-03-05..2026-03-09, 2026-03-12"},
        ),
        ({"hiatus": 46086}, {"hiatus": "2026-03-05"}),
        ({"plan": "even"}, {"plan": None}),
        ({"plan": "Weekdays 5, 5, 5, 5, 5, 1, 1"}, {"plan": "weekdays 5 5 5 5 5 1 1"}),
        (
            {"plan": "segments 2026-03-01=40%, 2026-03-16=60%"},
            {"plan": "segments 2026-03-01 40 2026-03-16 60"},
        ),
    ],
)
def test_goals_and_plans_as_people_type_them(
    bookings: Silver, cells: dict[str, object], wanted: dict[str, object]
) -> None:
    """What a line is paid by, when it starts and how it is spread over its days."""
    bookings.add(page(changed(BOOKING, cells)))
    found = bookings.row()
    assert found["rule"] is None
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"goal": "fame"}, "goal_unknown"),
        ({"booked_clicks": "many"}, "booked_amount_not_a_number"),
        ({"booked_spend": -5}, "booked_amount_not_a_number"),
        ({"hiatus": "in summer"}, "hiatus_not_days"),
        ({"hiatus": "2026-02-30"}, "hiatus_not_days"),
        ({"hiatus": "2026-03-09..2026-03-05"}, "hiatus_not_days"),
        ({"plan": "weekdays 1 2 3"}, "plan_not_understood"),
        ({"plan": "segments soon 50"}, "plan_not_understood"),
    ],
)
def test_goals_and_plans_that_are_none_are_refused(
    bookings: Silver, cells: dict[str, object], rule: str
) -> None:
    """A line whose plan cannot be read is kept aside: paced evenly it would look right and be wrong."""
    bookings.add(page(changed(BOOKING, cells)))
    assert bookings.rules() == [rule]
