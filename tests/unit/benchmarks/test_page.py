"""The page of measurements: parts are replaced one by one, what people wrote stays."""

import datetime as dt
from pathlib import Path

import pytest

from tests.benchmarks.measure import Row
from tests.benchmarks.page import MARKER, as_table, describe_run, write_page

ORDER = ("bus", "guard", "sync")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return where the page goes."""
    return tmp_path / "benchmarks.md"


def test_a_part_measured_alone_leaves_the_others(page: Path) -> None:
    """Writing one part keeps the sections of those that were measured before."""
    write_page(page, {"bus": "old bus\n", "sync": "old sync\n"}, ORDER)
    write_page(page, {"sync": "new sync\n", "guard": "new guard\n"}, ORDER)
    text = page.read_text()
    assert "old sync" not in text
    places = [text.index(words) for words in ("old bus", "new guard", "new sync", MARKER)]
    assert places == sorted(places)


def test_notes_below_the_marker_stay(page: Path) -> None:
    """What is kept by hand is the same text after a run has been written."""
    write_page(page, {"bus": "measured\n"}, ORDER)
    measured, _, _ = page.read_text().partition(MARKER)
    notes = "\n\n## What is left, and why\n\n- add: a check reads everything.\n"
    page.write_text(measured + MARKER + notes)
    write_page(page, {"bus": "measured anew\n"}, ORDER)
    write_page(page, {"bus": "measured again\n"}, ORDER)
    text = page.read_text()
    assert text.endswith(MARKER + notes)
    assert text.count("## What is left") == 1
    assert "measured again" in text


def test_a_page_of_an_older_form_is_written_anew(page: Path) -> None:
    """A page without sections and marker becomes one that has them."""
    page.write_text("# Benchmarks\n\n| work | ours |\n| --- | --- |\n| bus | 1 |\n")
    write_page(page, {"bus": "measured\n"}, ORDER)
    assert page.read_text().count("# Benchmarks") == 1
    assert "| bus | 1 |" not in page.read_text()


def test_what_was_promised_stands_beside_what_was_found() -> None:
    """A row says yes, no or nothing of its promise."""
    rows = [
        Row("one", "1 s", "floor: 2 s", "0.5x", "1 MB", reach="≤ 1x", reached=True),
        Row("two", "3 s", "floor: 2 s", "1.5x", reach="≤ 1x", reached=False),
        Row("three", "3 s", "", "1 row/s"),
    ]
    found = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in as_table(rows).split("\n")
    ]
    assert [line[4:6] for line in found[2:5]] == [["≤ 1x", "yes"], ["≤ 1x", "**no**"], ["-", "-"]]


def test_a_run_names_machine_and_versions() -> None:
    """The line above a table tells on what and with which versions of both sides it was measured."""
    line = describe_run(dt.datetime(2026, 11, 21, tzinfo=dt.UTC), command="run.py bench", rounds=3)
    for words in ("2026-11-21", "3 rounds", "cores of", "duckdb ", "dlt 1.31.0", "litequeue 0.9"):
        assert words in line, words
