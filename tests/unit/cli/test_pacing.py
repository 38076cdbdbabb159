"""The pacing screen at 80 columns."""

import datetime as dt
import io
import re

import pytest
from rich.console import Console

from tactics.cli.pacing import STATUSES, pacing_screen, status_text
from tactics.cli.screens import channels_screen, margin_screen, stale_sources

DAY = dt.date(2026, 11, 20)
LINE = {
    "org_id": "acme",
    "source": "meta",
    "campaign_id": "238001",
    "campaign_name": "Spring Launch",
    "booking_id": "B-1",
    "flight_start": dt.date(2026, 11, 1),
    "flight_end": dt.date(2026, 11, 30),
    "elapsed_percent": 66.6667,
    "delivery_percent": 52.0,
    "pacing_rate": 78.04,
    "status": "critical",
    "goal": "impressions",
    "currency": "EUR",
    "goal_required_daily": 48_000.2,
    "margin_percent": 31.25,
    "as_of": DAY,
    "freshness": "current",
    "findings": None,
}


def drawn(screen, *, colour=False):
    """Return a screen as the terminal would get it."""
    out = io.StringIO()
    Console(
        file=out,
        width=80,
        markup=False,
        highlight=False,
        force_terminal=colour,
        no_color=not colour,
    ).print(screen)
    return out.getvalue()


def test_one_line_holds_everything_to_decide_from():
    """Flight, time gone, delivered, pace, status, need, margin and freshness fit 80 columns."""
    rows = [
        LINE,
        LINE | {
            "campaign_name": "A campaign whose name is far too long for the table",
            "status": "on_pace", "pacing_rate": 100.4, "goal_required_daily": 1_234_567,
            "margin_percent": -112.5, "freshness": "12 days behind",
            "flight_start": dt.date(2026, 11, 9), "findings": "delivery before flight: 12 impressions",
        },
        LINE | {
            "campaign_name": None, "status": "unbooked", "flight_start": None, "elapsed_percent": None,
            "delivery_percent": None, "pacing_rate": None, "goal_required_daily": None,
            "margin_percent": None, "freshness": "no data", "as_of": None,
        },
    ]  # fmt: skip
    assert [line.rstrip() for line in drawn(pacing_screen(rows)).splitlines()] == [
        "Pacing of acme to 2026-11-20",
        "3 lines: 1 critical, 1 on pace, 1 unbooked",
        "Line               Flight      Time Dlvd   Pace Status    Need/day  Margin Fresh",
        "Spring Launch      11-01/11-30  67%  52%  78.0% critical    48,001   31.2% yes",
        "A campaign whose … 11-09/11-30  67%  52% 100.4% on pace  1,234,567 -112.5% -12 d",
        "238001             -              -    -      - unbooked         -       - none",
        "A campaign whose name is far too long for the table: delivery before flight: 12",
        "impressions",
    ]


def test_nothing_is_wider_than_the_screen():
    """Whatever the numbers are, a line stays one line of 80 columns."""
    row = LINE | {
        "campaign_name": "n" * 90, "pacing_rate": 12345.6, "delivery_percent": 12345.0,
        "goal_required_daily": 4_200_000_000, "margin_percent": -1234.5,
        "status": "over_delivered", "flight_start": dt.date(2025, 12, 1), "freshness": "400 days behind",
    }  # fmt: skip
    lines = drawn(pacing_screen([row])).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80


def test_colour_repeats_the_word():
    """The status is a word; with colours it is also red."""
    text = drawn(pacing_screen([LINE]), colour=True)
    assert "\x1b[1;31mcritical" in text
    assert "\x1b" not in drawn(pacing_screen([LINE]))


def test_each_organisation_has_its_own_block():
    """Lines of two organisations are never in one table."""
    text = drawn(pacing_screen([LINE, LINE | {"org_id": "globex"}]))
    assert text.count("Need/day") == 2
    assert "Pacing of globex" in text


@pytest.mark.parametrize("screen", [pacing_screen, margin_screen])
def test_a_long_report_shows_its_most_urgent_lines(screen):
    """What nobody booked takes five lines at most, all together forty; the rest is counted."""
    margin = {
        "booking_revenue": 1,
        "actual_spend": 1,
        "projected_margin_percent": 1,
        "margin_at_risk": 1,
    }
    unbooked = [LINE | margin | {"status": "unbooked", "campaign_name": f"U{n}"} for n in range(9)]
    booked = [LINE | margin | {"status": "on_pace", "campaign_name": f"B{n}"} for n in range(100)]
    few = [f"U{n}" for n in range(5)] + [f"B{n}" for n in range(35)]
    every = [row["campaign_name"] for row in (*unbooked, *booked)]
    for whole, names, left in ((False, few, ["and 69 more lines: see --all"]), (True, every, [])):
        lines = drawn(screen([*unbooked, *booked], whole=whole)).splitlines()
        assert [line.split()[0] for line in lines if re.match(r"[UB]\d", line)] == names
        assert [line for line in lines if line.startswith("and")] == left


def test_many_notes_are_cut():
    """The screen keeps to the most urgent notes and says where the others are."""
    rows = [LINE | {"findings": f"finding {number}"} for number in range(11)]
    text = drawn(pacing_screen(rows))
    assert "finding 7" in text
    assert "finding 8" not in text
    assert "and notes on 3 more: see --json" in text


def test_an_unknown_status_is_shown_as_it_is():
    """A newer gold does not break an older screen."""
    assert str(status_text("levitating")) == "levitating"


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_fits_its_column(status):
    """No status makes the line name shorter than 16 columns."""
    assert len(status_text(status)) <= 10


def test_stale_sources_are_named_once_with_the_worst_stream():
    """The banner says which source is behind, and by how much."""
    row = {
        "org_id": "acme", "source": "meta", "freshness": "2 days behind", "age_days": 2,
        "newest_day": DAY,
    }  # fmt: skip
    current = row | {"source": "stripe", "freshness": "current", "age_days": 0}
    snapshot = row | {"source": "sheets", "freshness": "no data", "age_days": None}
    never = snapshot | {"source": "second", "newest_day": None}
    worse = row | {"freshness": "5 days behind", "age_days": 5}
    assert stale_sources([row, current, snapshot, never, worse]) == [
        "acme/meta is 5 days behind",
        "acme/second has no data",
    ]
    assert stale_sources([current, snapshot]) == []


def test_the_margin_and_channel_tables_fit_80_columns():
    """Large sums do not break the other reports either."""
    margin = LINE | {
        "booking_revenue": 12_345_678, "actual_spend": 9_999_999, "currency": "EUR",
        "projected_margin_percent": 12.0, "margin_at_risk": 123_456, "status": "under_delivered",
    }  # fmt: skip
    channel = {
        "org_id": "acme", "channel": "paid_social", "source": "meta_second", "impressions": 9_999_999,
        "clicks": 999_999, "spend": 9_999_999, "currency": "EUR", "ctr": 0.1, "cpm": 1234.5,
        "cpa": 1234.5, "roas": 12.25,
    }  # fmt: skip
    for text in (drawn(margin_screen([margin])), drawn(channels_screen([channel]))):
        assert len(text.splitlines()) == 3
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("goal", "needed", "shown"),
    [
        ("clicks", 21.2, "22 clk"),
        ("conversions", 3, "3 cnv"),
        ("spend", 1234.5, "1,235 EUR"),
        ("views", None, " - "),
    ],
)
def test_what_a_day_must_bring_is_in_units_of_the_goal(goal, needed, shown):
    """A line that is paced by clicks needs clicks."""
    assert shown in drawn(pacing_screen([LINE | {"goal": goal, "goal_required_daily": needed}]))
