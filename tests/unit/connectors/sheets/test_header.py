"""Which column is which, and what is kept of a row."""

import json

import pytest

from tactics.connectors.sheets.header import BOOKINGS, CRM_DEALS, find_header
from tactics.connectors.sheets.snapshot import (
    Grid,
    date_order,
    decimal_mark,
    encode_page,
    pick_rows,
)
from tactics.errors import ContractChanged
from tests.unit.connectors.sheets.answers import HEADINGS, LINE


def find(
    *rows: list[object], aliases: dict[str, list[str]] | None = None, extra: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return the columns of the bookings header in these rows."""
    header = find_header(rows, BOOKINGS, aliases=aliases or {}, extra=extra, tab="Bookings")
    return dict(header.columns)


@pytest.mark.parametrize(
    "headings",
    [
        HEADINGS,
        ["booking_id", "CLIENT", "flight start", "FlightEnd", "booked_impressions", "booking revenue"],
        [" Booking\u00a0ID ", "client", "Flight\nStart", "flight_end", "BookedImpressions", "\uff22ooking Revenue"],
        ["booking_id", "client", "start", "end", "impressions", "revenue"],
    ],
)  # fmt: skip
def test_headers_are_matched_loosely(headings: list[object]) -> None:
    """Case, blanks, underscores and Unicode variants do not count; usual other names do."""
    assert find(headings) == {
        "booking_id": 0, "client": 1, "flight_start": 2, "flight_end": 3,
        "booked_impressions": 4, "booking_revenue": 5,
    }  # fmt: skip


def test_the_header_may_stand_below_a_title() -> None:
    """Anywhere in the first 20 rows, after titles, blanks and numbers."""
    above: list[list[object]] = [["Acme · Bookings"], [], [1, True, None, "Client"]]
    header = find_header([*above, HEADINGS, LINE], BOOKINGS, aliases={}, tab="B")
    assert header.row == 3
    with pytest.raises(ContractChanged, match="first 20 rows"):
        find(*([[]] * 20), HEADINGS)


def test_columns_may_stand_in_any_order_between_others() -> None:
    """Unknown, nameless and repeated unknown columns are passed over."""
    found = find(["Notes", "", *reversed(HEADINGS), "Notes", 7])
    assert found["booking_revenue"] == 2
    assert found["booking_id"] == 7


def test_aliases_come_from_the_config() -> None:
    """A column may be called otherwise; its own name still wins over an alias."""
    headings = [*HEADINGS, "Kampagnennummer"]
    assert find(headings, aliases={"campaign_id": ["kampagnen_nummer"]})["campaign_id"] == 6
    both = [*HEADINGS, "Campaign name", "Campaign"]
    assert find(both)["campaign"] == 7


def test_a_missing_required_column_is_named() -> None:
    """The whole tab is refused: nothing is filled with NULL, nothing held is deleted."""
    with pytest.raises(ContractChanged) as caught:
        find([], ["Booking ID", "Client", "Start", "End", "Impressions"])
    assert "tab 'Bookings': no column booking_revenue in row 2" in str(caught.value)
    assert "aliases" in caught.value.hint


def test_a_column_that_stands_twice_is_refused() -> None:
    """Two columns with the same meaning: the message names the cells."""
    with pytest.raises(ContractChanged, match=r"flight_start stands twice: cells=C1, AA1"):
        find([*HEADINGS, *([""] * 20), "Flight_start"])


def test_crm_headers_are_a_list_of_their_own() -> None:
    """The same matching for deals."""
    headings = ["Deal ID", "Company", "Stage", "Amount", "Expected Close"]
    header = find_header([headings], CRM_DEALS, aliases={}, tab="CRM")
    assert dict(header.columns) == {
        "deal_id": 0, "company": 1, "stage": 2, "amount": 3, "expected_close": 4,
    }  # fmt: skip


def keep(*rows: list[object], extra: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Return the rows that are kept below the headings."""
    headings = [*HEADINGS, "Contact Email", "Notes", "Checked"]
    header = find_header([headings], BOOKINGS, aliases={}, extra=extra, tab="B")
    return pick_rows(header, Grid(rows, first_row=2))


def test_rows_are_ragged_and_blank_ones_are_skipped() -> None:
    """Trailing cells may be missing, inner ones empty; a checkbox alone makes no row."""
    rows = keep(["BK-1", "", 46082], [], ["", "", "", "", "", "", "", "", False], ["BK-2"])
    assert [(row["row"], row["cells"]) for row in rows] == [
        (2, {"booking_id": "BK-1", "flight_start": 46082}),
        (5, {"booking_id": "BK-2"}),
    ]


def test_undeclared_columns_are_dropped() -> None:
    """Contact, notes and whatever else is there may be personal, so it is not kept."""
    kept = encode_page({}, None, keep([*LINE, "jane@x.example", "call Jane", True]))
    assert b"ane" not in kept


def test_declared_extra_columns_are_kept_without_addresses() -> None:
    """`extra_columns` are kept under their title; e-mail addresses go from every cell."""
    line = ["BK-1", "Acme (anna@acme.example)", *LINE[2:], "x", "ask jane@x.example or me"]
    [row] = keep(line, extra=("notes",))
    assert row["extras"] == {"notes": "ask *** or me"}
    assert row["cells"]["client"] == "Acme (***)"  # type: ignore[index]


def test_numbers_are_kept_as_google_sent_them() -> None:
    """A page is JSON with the shortest form of the same doubles."""
    [row] = keep(["BK-1", "A", 46082.5, 46112, 250000, 0.1])
    assert json.loads(encode_page({"read": 1}, None, [row]))["rows"] == [row]


@pytest.mark.parametrize(
    ("locale", "mark", "order"),
    [
        ("en_GB", ".", "DMY"), ("en_US", ".", "MDY"), ("de_DE", ",", "DMY"), ("de_CH", ".", "DMY"),
        ("de_AT", ",", "DMY"), ("es_MX", ".", "DMY"), ("es_ES", ",", "DMY"), ("en_CA", ".", "YMD"),
        ("ja_JP", ".", "YMD"), ("hu_HU", ",", "YMD"), ("fr_FR", ",", "DMY"), ("en_ZA", ",", "DMY"),
        ("de", ",", "DMY"), ("", ".", "DMY"), ("zh_TW", ".", "YMD"),
    ],
)  # fmt: skip
def test_the_locale_decides_marks_and_order(locale: str, mark: str, order: str) -> None:
    """Text in cells is read as the spreadsheet's locale writes it."""
    assert (decimal_mark(locale), date_order(locale)) == (mark, order)
