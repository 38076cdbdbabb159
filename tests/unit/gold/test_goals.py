"""Lines that are not simply so many impressions spread evenly (DOMAIN sections 1 to 3).

A line is 10,000 impressions from 1 to 10 November unless its test says otherwise: 1,000 a day.
"""

from decimal import Decimal

import pytest

from tests.unit.gold.plans import Plans, Row
from tests.unit.gold.silver import Silver, day

plans = Plans()
PAUSE = {"hiatus": "2026-11-03..2026-11-04, 2026-11-09"}


@plans(
    lambda line: (
        line
        .book(**PAUSE)
        .deliver("11-01", "11-02")
        .deliver("11-03", "11-04", impressions=0)
        .deliver("11-05")
        .cover("11-05")
    )
)
def test_days_of_a_hiatus_expect_nothing(line: Row) -> None:
    """Seven of ten days are planned: after three of them three sevenths are expected."""
    assert line["elapsed_days"] == 5
    assert line["elapsed_percent"] == 50
    assert line["planned_percent"] == pytest.approx(300 / 7)
    assert line["expected_impressions"] == pytest.approx(30_000 / 7)
    assert line["pacing_rate"] == pytest.approx(70)
    # 7,000 on four planned days that remain
    assert line["required_daily_impressions"] == pytest.approx(1750)
    # as the planned days went: 1,000 on each of seven
    assert line["projected_impressions"] == pytest.approx(7000)
    assert line["recent_daily_impressions"] == pytest.approx(1000)
    assert line["findings"] is None


@plans(lambda line: line.book(**PAUSE).deliver("11-01", "11-05").cover("11-05"))
def test_delivery_in_hiatus_is_found(line: Row) -> None:
    """It counts to what is delivered, and somebody hears of it."""
    assert line["delivered_impressions"] == 5000
    assert line["findings"] == "delivery in hiatus: 2,000 impressions"


@plans(
    lambda line: (
        line
        .book(hiatus="2026-11-01..2026-11-04")
        .deliver("11-01", "11-03", impressions=40)
        .cover("11-03")
    )
)
def test_nothing_expected_yet_but_delivered(line: Row) -> None:
    """X = 0 and D > 0: no pacing rate (neither 0 nor infinity), and a finding."""
    assert line["status"] == "hiatus"
    assert line["expected_impressions"] == 0
    assert line["pacing_rate"] is None
    assert line["delivered_impressions"] == 120
    assert line["findings"] == "delivery in hiatus: 120 impressions"


@plans(
    lambda line: (
        line
        .book(plan="segments 2026-11-01 20 2026-11-06 80")
        .deliver("11-01", "11-05", impressions=400)
        .deliver("11-06", impressions=1600)
        .cover("11-06")
    )
)
def test_segments(line: Row) -> None:
    """A fifth in the first half, the rest in the second: a slow start is on plan."""
    assert line["expected_impressions"] == pytest.approx(3600)
    assert line["pacing_rate"] == pytest.approx(100)
    assert line["status"] == "on_pace"
    assert line["required_daily_impressions"] == pytest.approx(1600)
    assert line["projected_impressions"] == pytest.approx(10_000)


@plans(
    lambda line: (
        line
        .book(
            plan="weekdays 2 2 2 2 2 0 0",
            flight_start=day("11-02"),
            flight_end=day("11-15"),
        )
        .deliver("11-02", "11-06")
        .cover("11-08")
    )
)
def test_weekdays(line: Row) -> None:
    """Two working weeks: nothing is expected of a weekend, half is due after the first."""
    assert line["expected_impressions"] == pytest.approx(5000)
    assert line["pacing_rate"] == pytest.approx(100)
    assert line["required_daily_impressions"] == pytest.approx(1000)


@plans(
    lambda line: (
        line.book(start_share="0.5").deliver("11-01", "11-03", impressions=1000).cover("11-03")
    )
)
def test_a_flight_that_starts_at_noon(line: Row) -> None:
    """The first day counts for the half of it that was left: 9.5 days, 2.5 of them gone."""
    assert line["elapsed_days"] == 3
    assert line["expected_impressions"] == pytest.approx(10_000 * 2.5 / 9.5)
    assert line["pacing_rate"] == pytest.approx(3000 / 2.5 * 9.5 / 100)


@plans(
    lambda line: (
        line
        .book(goal="clicks", booked_clicks=200, booked_impressions=None)
        .deliver("11-01", "11-05", clicks=18)
        .cover("11-05")
    )
)
def test_a_goal_in_clicks(line: Row) -> None:
    """The rate, the verdict and what is required are those of the clicks."""
    assert (line["goal"], line["goal_booked"], line["goal_delivered"]) == ("clicks", 200, 90)
    assert line["pacing_rate"] == pytest.approx(90)
    assert line["status"] == "watch"
    assert line["goal_required_daily"] == pytest.approx(22)
    assert line["goal_projected"] == pytest.approx(180)
    assert line["variance"] == 110
    assert line["expected_impressions"] is None
    assert line["delivered_impressions"] == 5000


@plans(
    lambda line: (
        line
        .book(goal="views", booked_views=5000, booked_impressions=None)
        .deliver("11-01", "11-05", video_views=500)
        .cover("11-05")
    )
)
def test_a_goal_in_views(line: Row) -> None:
    """Video views are counted where the platform counts them."""
    assert (line["goal_delivered"], line["pacing_rate"]) == (2500, 100)


@plans(
    lambda line: (
        line
        .book(booked_conversions="25", booked_impressions=None)
        .deliver("11-01", "11-05", conversions="2.5")
        .cover("11-05")
    )
)
def test_a_goal_in_conversions_that_nobody_named(line: Row) -> None:
    """The first amount that is booked is the goal; conversions may be fractions."""
    assert (line["goal"], line["goal_delivered"]) == ("conversions", 12.5)
    assert line["pacing_rate"] == pytest.approx(100)


@plans(
    lambda line: (
        line
        .book(goal="spend", booked_spend="100.00", booked_impressions=None)
        .deliver("11-01", "11-05", spend="8.00")
        .cover("11-05")
    )
)
def test_a_goal_in_money(line: Row) -> None:
    """A budget is paced by what the platforms charged."""
    assert (line["goal_delivered"], line["pacing_rate"]) == (40, 80)
    assert line["goal_required_daily"] == pytest.approx(12)
    assert line["status"] == "critical"


@plans(
    lambda line: (
        line
        .book(goal="spend", booked_spend="100.00", booked_impressions=None)
        .deliver("11-01", "11-05", currency="USD")
        .cover("11-05")
    )
)
def test_a_budget_in_another_currency_is_not_compared(line: Row) -> None:
    """Euros against dollars would be a number that means nothing."""
    assert (line["status"], line["pacing_rate"]) == ("no_data", None)
    assert "budget in EUR, spend in USD: not compared" in line["findings"]


@plans(
    lambda line: (
        line
        .book(booked_spend="40.00")
        .deliver("11-01", "11-05", impressions=900, spend="5.00")
        .cover("11-05")
    )
)
def test_impressions_and_money_side_by_side(line: Row) -> None:
    """Both rates are shown; their ratio says that impressions cost more than planned."""
    assert line["pacing_rate"] == pytest.approx(90)
    assert line["spend_pacing_rate"] == pytest.approx(125)
    assert line["ecpm_drift"] == pytest.approx(125 / 90)


@plans(
    lambda line: (
        line
        .book(goal="clicks", booked_clicks=100, booked_impressions=None)
        .deliver("11-01", "11-10", clicks=12)
        .cover("11-10")
    )
)
def test_the_verdict_of_a_goal_in_clicks(line: Row) -> None:
    """An ended line has delivered, or too much, of what was booked."""
    assert (line["status"], line["delivery_percent"]) == ("over_delivered", 120)
    assert line["over_delivery"] == 20


def history(silver: Silver, booking_id: str, *readings: tuple[str, dict[str, object]]) -> None:
    """Plant how a line stood on some days."""
    for when, facts in readings:
        row = {
            "org_id": "acme", "source": "sheets", "account_id": "sheet", "booking_id": booking_id,
            "flight_start": day("11-01"), "flight_end": day("11-10"), "booked_impressions": 10_000,
            "booking_revenue": Decimal("100.00"), "currency": "EUR", "start_share": Decimal(1),
        }  # fmt: skip
        silver.rows["bookings_history"].append({**row, **facts, "date": day(when)})


def test_an_edited_line_says_when_and_what(silver: Silver) -> None:
    """The rate is against the version in force; the version before is kept with its days."""
    silver.book(booked_impressions=12_000, flight_end=day("11-12"))
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    new = {"booked_impressions": 12_000, "flight_end": day("11-12")}
    history(silver, "BK-1", ("10-30", {}), ("11-02", {}), ("11-03", new), ("11-04", new))
    silver.build()
    [line] = silver.read("FROM campaign_pacing ORDER BY booking_id")
    assert line["pacing_rate"] == pytest.approx(100)
    assert line["replanned_on"] == day("11-03")
    assert line["findings"] == (
        "replanned on 2026-11-03: end 2026-11-10 to 2026-11-12, 10,000 to 12,000 impressions"
    )
    versions = silver.read("FROM booking_versions ORDER BY version")
    assert [
        (v["version"], v["valid_from"], v["valid_to"], v["booked_impressions"]) for v in versions
    ] == [(1, day("10-30"), day("11-02"), 10_000), (2, day("11-03"), None, 12_000)]


def test_a_line_that_was_never_edited_says_nothing(silver: Silver) -> None:
    """Reading the same again makes no version."""
    silver.book()
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    history(silver, "BK-1", ("11-02", {}), ("11-03", {}), ("11-05", {}))
    silver.build()
    [line] = silver.read("FROM campaign_pacing ORDER BY booking_id")
    assert (line["replanned_on"], line["findings"]) == (None, None)
    assert len(silver.read("FROM booking_versions ORDER BY version")) == 1


def test_shared_days_are_split_by_goal(silver: Silver) -> None:
    """Two lines in clicks over one campaign: every click is counted once."""
    for number, clicks in (("1", 100), ("2", 200)):
        silver.book(f"BK-{number}", goal="clicks", booked_clicks=clicks, booked_impressions=None)
    silver.deliver(start=day("11-01"), end=day("11-05"), clicks=31)
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    delivered = [
        line["goal_delivered"] for line in silver.read("FROM campaign_pacing ORDER BY booking_id")
    ]
    assert sum(delivered) == 155
    assert sorted(delivered) == [50, 105]
