"""How numbers, ages and dates are worded."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.cli import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_an_age_is_told_in_its_largest_sensible_unit(seconds, text):
    """An age is one number and one unit."""
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (12_340, "12,340"), (9_999_999, "9,999,999"), (12_345_678, "12.3M"),
     (-12_345_678, "-12.3M"), (4_200_000_000, "4.2B"), (Decimal("1234.4"), "1,234")],
)  # fmt: skip
def test_a_large_count_is_shortened(value, text):
    """Counts keep every digit up to ten millions."""
    assert words.count(value) == text


@given(st.one_of(st.integers(-(10**14), 10**14), st.floats(-1e14, 1e14)))
def test_a_count_never_needs_more_than_eleven_columns(value):
    """Whatever is counted fits its column."""
    assert len(words.count(value)) <= 11


def test_money_and_percentages_keep_their_digits():
    """Money has two places, a percentage one unless told otherwise."""
    assert words.money(Decimal("1234567.5")) == "1,234,567.50"
    assert words.percent(Decimal("97.456")) == "97.5%"
    assert words.percent(66.6, 0) == "67%"
    assert words.money(None) == words.percent(None) == "-"


def test_a_flight_names_the_years_only_when_it_lasts_one():
    """Eleven columns are enough for most flights, also over New Year."""
    assert words.flight(dt.date(2026, 11, 1), dt.date(2026, 11, 30)) == "11-01/11-30"
    assert words.flight(dt.date(2026, 12, 1), dt.date(2027, 1, 31)) == "12-01/01-31"
    assert words.flight(dt.date(2026, 12, 1), dt.date(2027, 12, 31)) == "26-12-01/27-12-31"
    assert words.flight(dt.date(2025, 12, 1), dt.date(2027, 1, 31)) == "25-12-01/27-01-31"
    assert words.flight(None, dt.date(2026, 11, 30)) == "-"


def test_instants_are_utc():
    """A time in another zone is shown in UTC."""
    vienna = dt.timezone(dt.timedelta(hours=1))
    assert words.instant(dt.datetime(2026, 11, 21, 10, 5, tzinfo=vienna)) == "2026-11-21 09:05"


def test_a_next_try_is_told_from_now():
    """Retries are seconds away; a clock time to the minute says nothing."""
    now = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
    assert words.until(now + dt.timedelta(seconds=4), now) == "in 4 s"
    assert words.until(now, now) == "now"
    assert words.until(None, now) == "-"


def test_an_address_in_a_message_loses_its_query():
    """A table shows which address; two hundred characters of parameters are for `--json`."""
    message = "no connection: url=http://127.0.0.1:9/v26.0/act_1?level=campaign&limit=5: refused"
    assert words.brief(message) == "no connection: url=http://127.0.0.1:9/v26.0/act_1 refused"
    assert words.brief("what? no address") == "what? no address"


def test_talk_is_folded_at_words_and_a_command_stays_whole():
    """What a person copies is in one piece, whatever the width."""
    text = "acme/meta: run `tactics auth set acme meta access_token` to sign in"
    assert words.folded(text, 30).splitlines() == [
        "acme/meta: run",
        "  `tactics auth set acme meta access_token`",
        "  to sign in",
    ]
    assert words.folded("  short", 30) == "  short"


def test_lists_and_plurals_read_like_speech():
    """`1 page`, `2 pages`; `a, b and c`."""
    assert words.plural(1, "page") == "1 page"
    assert words.plural(1200, "page") == "1,200 pages"
    assert words.plural(2, "query", "queries") == "2 queries"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed([]) == ""


def test_vendor_text_cannot_command_the_terminal():
    """Escape sequences in a campaign's name lose their escape."""
    assert words.visible("Spring\x1b[31m Sale\x07") == "Spring\ufffd[31m Sale\ufffd"
    assert words.visible("Grüße 春") == "Grüße 春"
