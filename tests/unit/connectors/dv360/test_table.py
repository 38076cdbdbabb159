"""The file of a report: what is a row, what is not, and when it is whole."""

import json

import pytest

from tactics.connectors.dv360.table import read_table
from tactics.errors import ContractChanged, DecodeError, UpstreamUnavailable
from tests.unit.connectors.dv360.builders import (
    FILE,
    FIRST,
    HEADER,
    QUERY,
    SECOND,
    TOTALS,
    TRAILER,
)

NO_DATA = "No data returned by the reporting service."


def rows(text: str | bytes) -> list[list[str]]:
    """Return the rows of a file."""
    body = text.encode() if isinstance(text, str) else text
    found: list[list[str]] = json.loads(read_table(body, QUERY.columns))["rows"]
    return found


def test_rows_are_what_stands_between_header_and_trailer() -> None:
    """Totals and trailer are no data; every value stays the text it was."""
    assert rows(FILE) == [FIRST.split(","), SECOND.split(",")]
    page = json.loads(read_table(FILE.encode(), QUERY.columns))
    assert page["columns"] == HEADER.split(",")


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, FIRST, SECOND, TRAILER],  # some reports have no totals: the last row is data
        [HEADER, FIRST, SECOND, TOTALS],  # the totals alone prove that it is whole
        [HEADER, FIRST, SECOND, TRAILER.strip()],  # no blank line before the trailer
        [HEADER, FIRST, SECOND, TOTALS, "", ",", TRAILER],
        [f"\ufeff{HEADER}", FIRST, SECOND, TOTALS, TRAILER],
    ],
)
def test_files_of_one_report_look_different(lines: list[str]) -> None:
    """With or without totals, blank line, byte order mark: the same two rows."""
    assert rows("\n".join(lines)) == [FIRST.split(","), SECOND.split(",")]
    assert rows("\r\n".join(lines).replace("\r\n\n", "\r\n\r\n"))[1] == SECOND.split(",")


@pytest.mark.parametrize("rest", [[NO_DATA], [f"{NO_DATA},,,"], [NO_DATA, TRAILER], [TRAILER]])
def test_a_report_without_data_is_a_success(rest: list[str]) -> None:
    """Nothing delivered means no rows, not an error."""
    assert rows("\n".join([HEADER, *rest])) == []


def test_names_may_hold_commas_quotes_and_line_breaks() -> None:
    """A name is one cell, and a totals row is known by its empty date, not by its place."""
    odd = FIRST.replace("Autumn Video", '"Autumn, ""big"" \n\nVideo"')
    [row] = rows(f"{HEADER}\n{TOTALS}\n{odd}\n{TRAILER}")
    assert row[4] == 'Autumn, "big" \n\nVideo'


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        f"{HEADER}\n",
        f"{HEADER}\n\n",
        f"{HEADER}\n{FIRST}\n{SECOND}\n",
        f"{HEADER}\n{FIRST}\n{SECOND[:30]}",
        f"{HEADER}\n{FIRST}\n{SECOND}\n,,,,,29241",
        f"{HEADER}\n{FIRST}\n{SECOND}\n\n",
    ],
)
def test_a_file_that_was_cut_off_is_refused(text: str) -> None:
    """Without totals and trailer nobody knows what is missing; nothing is kept."""
    with pytest.raises(UpstreamUnavailable, match="cut off"):
        rows(text)


def test_no_part_of_a_file_passes_for_the_whole() -> None:
    """Cut anywhere, it is refused, or all of its rows are there."""
    for end in range(len(FILE)):
        try:
            found = rows(FILE[:end])
        except (UpstreamUnavailable, ContractChanged):
            continue
        assert found == [FIRST.split(","), SECOND.split(",")], FILE[:end]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("Impressions,Clicks", "Clicks,Impressions"), "another column"),
        (("Campaign ID,", ""), "number of columns"),
        (("CM360 Post-View Revenue", "CM360 Post-View Revenue,Reach"), "number of columns"),
    ],
)
def test_other_columns_are_refused(change: tuple[str, str], complaint: str) -> None:
    """Columns are read by position: a swap would put clicks into impressions."""
    with pytest.raises(ContractChanged, match=complaint):
        rows(FILE.replace(*change))


@pytest.mark.parametrize(
    "name", ["Revenue (Advertiser Currency)", "REVENUE (ADV. CURRENCY)", "Revenue"]
)
def test_headers_may_drift(name: str) -> None:
    """Display names change: only the word that makes them is looked for."""
    assert len(rows(FILE.replace("Revenue (Adv Currency)", name))) == 2


def test_a_row_of_another_width_is_refused() -> None:
    """In a whole file a row with a cell less means that the columns are not what they seem."""
    with pytest.raises(ContractChanged, match="number of cells"):
        rows(FILE.replace(",0\n", "\n"))


@pytest.mark.parametrize(
    "body", [b"<html>busy</html>", b'{"error": 1}', b"\xff\xfe\x00", b"a" * 200_000]
)
def test_what_is_no_csv_is_named_so(body: bytes) -> None:
    """HTML, JSON, another encoding, an endless cell."""
    with pytest.raises(DecodeError):
        rows(body)
