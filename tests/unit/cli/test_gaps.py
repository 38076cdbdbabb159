"""The coverage calendar as it is drawn."""

import datetime as dt
import json

import pytest

from tactics.cli.gaps import as_row, draw
from tactics.model import Finality, StreamKey, Window
from tactics.pipeline import Gap, StreamDays

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")


def day(month: int, number: int) -> dt.date:
    """Return a day of 2026."""
    return dt.date(2026, month, number)


HELD = {
    **{day(10, number): Finality.FINAL for number in range(29, 32)},
    day(11, 1): Finality.PROVISIONAL,
    day(11, 4): Finality.OPEN,
}
STREAM = StreamDays(
    KEY,
    Window(day(10, 27), day(11, 4)),
    HELD,
    (
        Gap(Window(day(10, 27), day(10, 28)), "history"),
        Gap(Window(day(11, 2), day(11, 3)), "hole"),
    ),
)


def test_a_month_is_a_line_of_marks():
    """One mark a day, so that a hole is seen at once; what is missing is said in words, too."""
    lines = [line.plain for line in draw(STREAM)]
    assert lines == [
        "acme/meta/act_1 campaign_insights",
        f"  2026-10  {' ' * 26}..###",
        "  2026-11  +..o",
        "  2026-10-27 to 2026-10-28 (2 days): older days still to come",
        "  2026-11-02 to 2026-11-03 (2 days): missing between days that are held",
    ]


def test_the_row_has_the_command():
    """A script finds the spans and what fetches them."""
    row = as_row(STREAM)
    assert row["command"] == "tactics sync --org acme --source meta"
    assert row["gaps"] == [
        {"start": day(10, 27), "end": day(10, 28), "days": 2, "reason": "history"},
        {"start": day(11, 2), "end": day(11, 3), "days": 2, "reason": "hole"},
    ]


@pytest.mark.usefixtures("store")
def test_an_empty_configuration_says_so(tactics, home):
    """Without any source there is no calendar."""
    (home.root / "tactics.toml").write_text("", encoding="utf-8")
    told = tactics("gaps")
    assert (told.code, told.out) == (0, "")
    assert "no stream is configured" in told.err
    assert json.loads(tactics("gaps", "--json").out)["rows"] == []
