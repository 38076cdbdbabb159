"""Tables at 80 columns, JSON, CSV, and talk."""

import datetime as dt
import io
import json
import time
from decimal import Decimal

import pytest
from rich.console import Console

from tactics.cli import render
from tactics.cli.render import Column, Form, Listing
from tactics.errors import ConfigError

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
COLUMNS = (
    Column("name", "Name", shrink="cut"),
    Column("count", "Count", right=True),
    Column("note", "Note", shrink="fold"),
)


def drawn(rows, columns=COLUMNS, width=80):
    """Return a table as text."""
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False).print(
        render.as_table(rows, columns)
    )
    return out.getvalue()


def test_a_table_is_plain_and_aligned():
    """No borders; numbers to the right; NULL is a dash."""
    rows = [{"name": "Spring", "count": 12, "note": "ok"}, {"name": "A", "count": 3, "note": None}]
    assert drawn(rows) == "Name    Count  Note\nSpring     12  ok  \nA           3  -   \n"


def test_a_narrow_table_cuts_names_and_folds_the_rest():
    """Nothing is wider than the terminal, and only columns that may be cut lose text."""
    rows = [{"name": "n" * 60, "count": 1, "note": "o" * 60}]
    text = drawn(rows, width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert "…" in text
    assert text.count("o") == 60 + "Count Note".count("o")


def test_markup_in_data_is_only_text():
    """A campaign called [bold] is shown as that."""
    assert "[bold]" in drawn([{"name": "[bold]", "count": 1, "note": ":smile:"}])


def test_the_envelope_is_the_same_for_every_listing(capsys):
    """`kind`, `generated_at`, `as_of`, `rows`, with instants in UTC and dates as ISO."""
    rows = [{"day": dt.date(2026, 11, 20), "spend": Decimal("12.30"), "share": float("nan")}]
    listing = Listing("things", rows, (), NOW, as_of=dt.date(2026, 11, 20))
    render.show(listing, Form.JSON)
    assert json.loads(capsys.readouterr().out) == {
        "kind": "things",
        "generated_at": "2026-11-21T09:00:00Z",
        "as_of": "2026-11-20",
        "rows": [{"day": "2026-11-20", "spend": 12.3, "share": None}],
    }


def test_decimals_are_never_rounded_on_the_way_to_json():
    """A decimal that no float holds is printed as text."""
    assert render.jsonable(Decimal("1234567890123.45")) == 1234567890123.45
    assert render.jsonable(Decimal("123456789012345678.91")) == "123456789012345678.91"


def test_csv_has_a_heading_and_empty_cells_for_null(capsys):
    """Commas and quotes in names survive."""
    render.show(Listing("x", [{"a": 'say "hi", you', "b": None}], (), NOW), Form.CSV)
    assert capsys.readouterr().out == 'a,b\n"say ""hi"", you",\n'


def test_a_time_without_a_zone_is_not_given_one(monkeypatch):
    """SQL's TIMESTAMP is printed as it is, on a machine in any time zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert render.jsonable(NOW.replace(tzinfo=None)) == "2026-11-21T09:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (Decimal("2232.00"), "2232.00"), (Decimal("1E+3"), "1000"),
     (NOW, "2026-11-21T09:00:00Z"), (["a", 1], '["a", 1]'), ("true", "true"), (0.5, "0.5")],
)  # fmt: skip
def test_a_cell_of_text_is_no_python(value, text):
    """CSV and `tactics sql` show true, instants with Z, and every digit of a decimal."""
    assert render.plain_text(value) == text


def test_an_empty_listing_says_so_on_stderr(capsys):
    """Stdout stays empty, so that a pipe sees no words."""
    render.show(Listing("x", [], COLUMNS, NOW, empty="no dead letters"))
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == "no dead letters\n"


def test_two_forms_at_once_are_refused():
    """--json and --csv exclude each other."""
    with pytest.raises(ConfigError):
        render.choose_form(True, True)


def test_rows_too_wide_for_a_table_become_records():
    """A wide SELECT is read top to bottom, nothing folded to single letters."""
    rows = [{"name": "Spring", "count": 12, "note": "n" * 90}]
    assert not render.fits(rows, COLUMNS, 80)
    assert render.fits(rows, COLUMNS, 120)
    assert render.as_records(rows, COLUMNS).plain.splitlines() == [
        "row 1",
        "Name   Spring",
        "Count  12",
        f"Note   {'n' * 90}",
    ]


def test_a_pipe_gets_no_blanks_at_the_ends_of_lines(capsys):
    """What is compared or pasted has no invisible rest."""
    render.emit(render.as_table([{"name": "A", "count": 1, "note": None}], COLUMNS))
    assert capsys.readouterr().out == "Name  Count  Note\nA         1  -\n"
