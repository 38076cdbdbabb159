"""Cron lines: what they allow, and what is refused."""

import pytest

from tactics.cron import parse_cron


def test_stars_allow_everything():
    """Five stars mean every minute."""
    line = parse_cron("* * * * *")
    assert (len(line.minutes), len(line.hours), len(line.days)) == (60, 24, 31)
    assert (len(line.months), len(line.weekdays)) == (12, 7)
    assert line.any_day
    assert line.any_weekday


def test_ranges_lists_and_steps():
    """Ranges, lists and steps are read as crontab(5) has them."""
    line = parse_cron("*/20 6-8,22 1,15 2/5 *")
    assert line.minutes == {0, 20, 40}
    assert line.hours == {6, 7, 8, 22}
    assert line.days == {1, 15}
    assert line.months == {2, 7, 12}
    assert not line.any_day


def test_a_leap_day_comes():
    """The 29th of February comes, and a day that never does may stand beside a weekday."""
    assert parse_cron("0 0 29 2 *").days == {29}
    assert parse_cron("0 0 30 2 mon").days == {30}


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN"])
def test_sunday_has_two_numbers(sunday: str):
    """Sunday is 0 and 7, and goes by its name."""
    assert parse_cron(f"0 0 * * {sunday}").weekdays == {0}


def test_names_of_months_and_days():
    """Months and days of the week have names, also in a range."""
    line = parse_cron("0 0 * jan-mar mon-fri")
    assert (line.months, line.weekdays) == ({1, 2, 3}, {1, 2, 3, 4, 5})
    assert parse_cron("0 0 * * 5-7").weekdays == {5, 6, 0}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("* * * *", "five fields"),
        ("", "five fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "weekday"),
        ("5-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("x * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("² * * * *", "minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_cannot_be_meant_is_refused(line: str, word: str):
    """The error names the field."""
    with pytest.raises(ValueError, match=word):
        parse_cron(line)
