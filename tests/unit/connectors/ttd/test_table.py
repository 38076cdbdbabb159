"""A report file becomes a page, whatever it is wrapped in, or is refused with a reason."""

import gzip
import json
import zipfile
from io import BytesIO

import pytest

from tactics.connectors.ttd.options import TtdOptions, titles_of
from tactics.connectors.ttd.table import read_table
from tactics.errors import ContractChanged, DecodeError, SliceTooLarge, UpstreamUnavailable
from tests.unit.connectors.ttd.answers import GOLDEN, OPTIONS

REPORT = (GOLDEN / "report.csv").read_bytes()
TITLES = titles_of(OPTIONS)
HEAD = "Date,Advertiser ID,Campaign ID,Impressions,Clicks,Advertiser Cost (Adv Currency)"
PLAIN = titles_of(TtdOptions(partner_id="p", report_template_id=1))


def zipped(**files: bytes) -> bytes:
    """Return an archive of these files."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        REPORT,
        gzip.compress(REPORT),
        gzip.compress(REPORT[:50]) + gzip.compress(REPORT[50:]),
        zipped(report=REPORT),
        gzip.compress(zipped(report=REPORT)),
        b"\xef\xbb\xbf" + REPORT,
        REPORT.replace(b"\n", b"\r\n"),
        REPORT + b"\n\n",
        REPORT.decode().encode("utf-16"),
    ],
)
def test_the_wrapping_does_not_matter(body: bytes) -> None:
    """Gzip, zip, a byte order mark, other line ends, blank lines: the same page."""
    page = json.loads(read_table(body, TITLES))
    assert page == json.loads(read_table(REPORT, TITLES))
    assert (len(page["columns"]), len(page["rows"])) == (12, 3)
    assert page["rows"][1][4] == 'Winter, "Sale"'
    assert page["rows"][1][7] == "8.5E-05"


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_the_separator_is_found_out(delimiter: str) -> None:
    """TSV, or semicolons."""
    text = f"{HEAD}\n2026-11-01,a,c,1,2,3.5\n".replace(",", delimiter)
    assert json.loads(read_table(text.encode(), PLAIN))["rows"] == [
        ["2026-11-01", "a", "c", "1", "2", "3.5"]
    ]


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), b"  \r\n \n"], ids=range(5)
)
def test_an_empty_file_is_no_data(body: bytes) -> None:
    """No delivery in these days: a page without rows, so the days count as read."""
    assert read_table(body, TITLES) == b'{"columns":[],"rows":[]}'


def test_a_header_alone_is_no_data() -> None:
    """Columns, and not a row."""
    assert json.loads(read_table(HEAD.encode(), PLAIN))["rows"] == []


@pytest.mark.parametrize(
    "body", [zipped(**{"[Content_Types].xml": b"<x/>"}), bytes.fromhex("d0cf11e0a1b11ae1") + b"x"]
)
def test_excel_in_disguise_is_refused(body: bytes) -> None:
    """An Excel file behind a CSV name, new or old, is named as such (gotcha 6)."""
    with pytest.raises(ContractChanged, match="Excel") as caught:
        read_table(body, TITLES)
    assert "pivot" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>Service Unavailable</html>",
        b"\x1f\x8bnonsense",
        gzip.compress(REPORT)[:-8] + b"checksum",
        gzip.compress(gzip.compress(REPORT)),
        b"PK\x03\x04nonsense",
        REPORT.replace(b"Autumn", b"\xdcber"),
        b"\xff\xfe\x00",
        HEAD.encode() + b'\n"' + b"x" * 200_000,
    ],
)
def test_what_is_no_table_is_refused(body: bytes) -> None:
    """A web page, broken packing, other encodings: the evidence is kept as a dead letter."""
    with pytest.raises(DecodeError):
        read_table(body, TITLES)


def test_a_packed_file_that_is_cut_off_is_asked_for_again() -> None:
    """The rest of it may come the next time."""
    with pytest.raises(UpstreamUnavailable, match="in the middle"):
        read_table(gzip.compress(REPORT)[:-20], TITLES)


def test_an_archive_of_two_files_is_refused() -> None:
    """Nobody knows which of them is the report."""
    with pytest.raises(ContractChanged, match="one file"):
        read_table(zipped(a=REPORT, b=REPORT), TITLES)


@pytest.mark.parametrize("pack", [gzip.compress, lambda body: zipped(report=body)])
def test_a_packed_bomb_is_not_unpacked(pack: object) -> None:
    """Unpacking stops at the budget; a smaller window may fit."""
    with pytest.raises(SliceTooLarge):
        read_table(pack(bytes(10_000)), TITLES, max_bytes=1_000)  # type: ignore[operator]


@pytest.mark.parametrize("title", HEAD.split(","))
def test_a_missing_column_is_named(title: str) -> None:
    """Columns are renamed and retired without notice (gotcha 9): the message says which is gone."""
    body = f"{HEAD}\n".replace(title, "Something Else", 1)
    with pytest.raises(ContractChanged, match="lacks a column") as caught:
        read_table(body.encode(), PLAIN)
    assert title in str(caught.value.facts["missing"]).split(" / ")
    assert "Something Else" in str(caught.value)


def test_a_column_that_was_chosen_must_be_there() -> None:
    """Chosen conversions that are missing are an error; the default ones are not."""
    with pytest.raises(ContractChanged, match="01 - Total Click") as caught:
        read_table(HEAD.encode(), TITLES)
    assert "columns=Date" in str(caught.value)
    assert read_table(HEAD.encode(), PLAIN)


def test_titles_are_compared_without_case_and_blanks() -> None:
    """` impressions ` is Impressions; an alias works like the title itself."""
    body = HEAD.replace("Impressions", " impressions ").replace("Date", "Tag")
    options = TtdOptions(partner_id="p", report_template_id=1, column_aliases={"date": ("tag",)})
    page = json.loads(read_table(body.encode(), titles_of(options)))
    assert page["columns"][:2] == ["Tag", "Advertiser ID"]
    assert page["columns"][3] == "impressions"


@pytest.mark.parametrize(
    "row",
    [
        "01/11/2026,a,c,1,2,3.5",
        "1.11.2026 00:00,a,c,1,2,3.5",
        '2026-11-01,a,c,1,2,"88,41"',
        '2026-11-01,a,c,1,2,"1,234"',
        '2026-11-01,a,c,"10,500",2,3.5',
    ],
)
def test_other_formats_than_those_asked_for_are_refused(row: str) -> None:
    """dd/mm or mm/dd, 1,234 or 1.234: nobody can tell, so nothing is stored."""
    with pytest.raises(ContractChanged, match="that was asked for"):
        read_table(f"{HEAD}\n2026-11-01,a,b,1,2,3.5\n{row}\n".encode(), PLAIN)


def test_short_rows_are_left_to_silver() -> None:
    """A row without all its cells is a refused record, not a refused report."""
    page = json.loads(read_table(f"{HEAD}\n2026-11-01\n".encode(), PLAIN))
    assert page["rows"] == [["2026-11-01"]]


def test_a_comma_in_a_name_is_no_number() -> None:
    """Only the columns that are numbers are looked at."""
    body = f'{HEAD},Campaign\n2026-11-01,a,c,1,2,3.5,"1,5 times 01/11/2026"\n'
    assert len(json.loads(read_table(body.encode(), PLAIN))["rows"]) == 1
