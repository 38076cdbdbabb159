"""Every edge case of DOMAIN section 3, through the real SQL.

A line is 10,000 impressions from 1 to 10 November unless its test says otherwise: 1,000 a day.
"""

from decimal import Decimal

import pytest

from tactics.config import PacingSettings
from tests.unit.gold.plans import Plans, Row
from tests.unit.gold.silver import Silver, day

plans = Plans()
LONG = {"flight_start": day("10-01"), "flight_end": day("11-29"), "booked_impressions": 60_000}
DECEMBER = {"flight_start": day("12-01"), "flight_end": day("12-10")}


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05"))
def test_a_line_on_plan(line: Row) -> None:
    """A line that delivers a thousand a day paces at 100 and is on pace."""
    assert (line["status"], line["direction"]) == ("on_pace", None)
    assert line["total_days"] == 10
    assert line["elapsed_days"] == 5
    assert line["elapsed_percent"] == 50
    assert line["expected_impressions"] == 5000
    assert line["delivered_impressions"] == 5000
    assert line["pacing_rate"] == 100
    assert line["variance"] == 5000
    assert line["required_daily_impressions"] == 1000
    assert line["as_of"] == day("11-05")


@plans(
    lambda line: (
        line
        .book(booked_impressions=100_000)
        .deliver("11-01", "11-06", impressions=9_500)
        .cover("11-06")
    )
)
def test_the_worked_example_of_the_domain(line: Row) -> None:
    """57 delivered of 100 after 6 of 10 days paces at 95 percent (Basis)."""
    assert line["pacing_rate"] == pytest.approx(95)


@plans(lambda line: line.book(**DECEMBER).deliver("10-01", impressions=0).cover("11-20"))
def test_not_started(line: Row) -> None:
    """Before the flight the line is scheduled: no pacing rate, the whole booking still to come."""
    assert line["status"] == "scheduled"
    assert line["elapsed_days"] == 0
    assert line["pacing_rate"] is None
    assert line["margin_percent"] is None
    assert line["expected_impressions"] == 0
    assert line["required_daily_impressions"] == 1000


@plans(lambda line: line.book(**DECEMBER).deliver("11-19").cover("11-20"))
def test_delivery_before_the_flight(line: Row) -> None:
    """Impressions before the flight are not counted, and found."""
    assert line["delivered_impressions"] == 0
    assert line["out_of_flight_impressions"] == 1000
    assert line["findings"] == "delivery before flight: 1,000 impressions"


@plans(
    lambda line: (
        line
        .book(flight_start=day("11-21"), flight_end=day("11-30"))
        .deliver("11-21", impressions=400, finality="open")
        .cover("11-20")
        .cover("11-21", "11-21", finality="open")
    )
)
def test_first_day_not_closed(line: Row) -> None:
    """On its first day a line is starting; what has come today is shown apart."""
    assert line["status"] == "starting"
    assert line["pacing_rate"] is None
    assert (line["delivered_impressions"], line["open_impressions"]) == (0, 400)


@plans(
    lambda line: (
        line
        .book(booked_impressions=0)
        .book("/2", booked_impressions=None, flight_start=day("11-06"))
        .deliver("11-01", "11-08")
        .cover("11-08")
    )
)
def test_unbooked_bookings(lines: list[Row]) -> None:
    """Without booked impressions nothing is divided, and the spend is called unplanned."""
    for line in lines:
        assert line["status"] == "unbooked"
        ratios = ("pacing_rate", "delivery_percent", "required_daily_impressions", "margin_percent")
        assert [line[name] for name in ratios] == [None] * 4
        assert "unplanned spend" in line["findings"]


def test_delivery_without_any_booking(silver: Silver) -> None:
    """A campaign that nobody booked is a line of its own: unbooked, its recent spend unplanned."""
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    (line,) = silver.read("SELECT * FROM campaign_pacing")
    assert line["status"] == "unbooked"
    assert line["campaign_id"] == "c1"
    assert line["booking_id"] is None
    assert line["delivered_impressions"] == 5000
    assert line["actual_spend"] == 25
    assert line["pacing_rate"] is None
    assert line["findings"] == "unplanned spend 25.00 EUR since 2026-10-09"


def verdicts(silver: Silver, until: str, **facts: object) -> dict[int, tuple[str, str | None]]:
    """Return status and direction by the daily impressions that a line was given."""
    daily = facts.pop("daily")
    for impressions in daily:
        name = f"c{impressions}"
        silver.book(name, campaign_id=name, **facts)
        start = facts.get("flight_start", day("11-01"))
        end = min(day(until), facts.get("flight_end", day("11-10")))
        silver.deliver(name, start=start, end=end, impressions=impressions)
    silver.cover(day("09-01"), day(until))
    silver.build()
    rows = silver.read("SELECT booking_id, status, direction FROM campaign_pacing")
    return {int(row["booking_id"][1:]): (row["status"], row["direction"]) for row in rows}


def test_ended(silver: Silver) -> None:
    """An ended line has a verdict: within half the first band it is delivered."""
    daily = (900, 970, 980, 1000, 1020, 1030, 1100)
    assert verdicts(silver, "11-20", daily=daily) == {
        900: ("under_delivered", "under"),
        970: ("under_delivered", "under"),
        980: ("delivered", None),
        1000: ("delivered", None),
        1020: ("delivered", None),
        1030: ("over_delivered", "over"),
        1100: ("over_delivered", "over"),
    }


@plans(lambda line: line.book().deliver("11-01", "11-10", impressions=900).cover("11-12"))
def test_nothing_is_required_after_the_end(line: Row) -> None:
    """An ended line cannot be mended: no required rate, and no newer day is waited for."""
    assert line["required_daily_impressions"] is None
    assert line["required_vs_recent"] is None
    assert line["reachable_impressions"] is None
    assert line["delivery_percent"] == 90
    assert line["freshness"] == "complete"


@plans(
    lambda line: (
        line
        .book()
        .deliver("11-01", "11-10")
        .cover("11-04")
        .cover("11-20", "11-05", finality="provisional")
    )
)
def test_ended_but_not_final(line: Row) -> None:
    """An ended line is provisional until its last day can no longer be restated."""
    assert line["status"] == "delivered"
    assert line["provisional"]
    assert line["provisional_until"] == day("12-09")  # 28 days after 10 November, and the next one


@plans(
    lambda line: (
        line
        .book()
        .deliver("11-01", "11-10")
        .cover("11-10")
        .cover("11-20", "11-11", finality="provisional")
    )
)
def test_ended_and_final(line: Row) -> None:
    """Once every day of the flight is final the verdict is, too."""
    assert (line["provisional"], line["provisional_until"]) == (False, None)


@plans(lambda line: line.book().deliver("11-01", "11-09", impressions=500).cover("11-09"))
def test_one_day_left_and_unreachable(line: Row) -> None:
    """With one day left all the rest is required; more than twice the pace is unreachable."""
    assert line["required_daily_impressions"] == 5500
    assert line["required_vs_recent"] == 11
    assert line["unreachable"]
    assert line["reachable_impressions"] == 5500  # 4,500 and at most twice 500
    assert line["findings"] == "unreachable: 5,500 a day needed, at most 1,000 likely"


@plans(lambda line: line.book().deliver("10-01").cover("11-05"))
def test_no_recent_delivery_is_unreachable(line: Row) -> None:
    """A line that delivers nothing cannot reach anything at twice its pace."""
    assert line["unreachable"]
    assert line["required_vs_recent"] is None
    assert (line["status"], line["direction"]) == ("broken", "under")


@plans(lambda line: line.book().deliver("11-01", "11-05", impressions=2_100).cover("11-05"))
def test_already_over(line: Row) -> None:
    """Past the booking nothing is required, and the over-delivery is an amount."""
    assert line["required_daily_impressions"] == 0
    assert line["over_delivery"] == 500
    assert line["variance"] == -500
    assert (line["status"], line["direction"]) == ("broken", "over")
    assert line["findings"] == "booked impressions reached, 500 over"


def test_edited_booking(silver: Silver) -> None:
    """The rate is against the booking in force: the sheet as it was read last."""
    silver.book()
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    silver.rows["bookings"] = []
    silver.book(booked_impressions=20_000)
    assert silver.pace()["pacing_rate"] == 50


@plans(
    lambda line: (
        line
        .book(flight_end=day("11-30"), booked_impressions=30_000)
        .deliver("11-01", "11-12")
        .cover("11-12")
    )
)
def test_watermark_behind(line: Row) -> None:
    """Missing days are never read as zero: the line stands as of the last loaded day and says so."""
    assert line["as_of"] == day("11-12")
    assert line["pacing_rate"] == 100
    assert line["freshness"] == "8 days behind"


@plans(lambda line: line.book().deliver("11-01", "11-10").cover("11-10").lose("11-05"))
def test_gap_in_the_middle(line: Row) -> None:
    """A day that was not fetched ends what is known, although later days are there."""
    assert line["as_of"] == day("11-04")
    assert line["elapsed_days"] == 4
    assert (line["delivered_impressions"], line["open_impressions"]) == (4000, 6000)


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05").lose("09-10"))
def test_gap_before_the_flight_does_not_matter(line: Row) -> None:
    """A hole in September says nothing about a flight in November."""
    assert line["as_of"] == day("11-05")


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05").lose("10-30", "11-02"))
def test_gap_over_the_first_day(line: Row) -> None:
    """A flight whose first days were not loaded has not started as far as anybody knows."""
    assert line["as_of"] == day("10-29")
    assert line["status"] == "starting"
    assert line["freshness"] == "22 days behind"


@plans(
    lambda line: (
        line
        .book()
        .deliver("11-01", "11-05")
        .cover("11-05")
        .deliver("11-06", impressions=10, finality="open")
        .cover("11-06", "11-06", finality="open")
    )
)
def test_open_day_is_not_counted(line: Row) -> None:
    """Today's running total moves neither the watermark nor the rate."""
    assert line["as_of"] == day("11-05")
    assert (line["pacing_rate"], line["open_impressions"]) == (100, 10)


@plans(lambda line: line.book().deliver("11-04", "11-08").cover("11-08", "11-04"))
def test_history_shorter_than_the_flight(line: Row) -> None:
    """A rate over days that were never loaded would be wrong: no data, and what to do."""
    assert line["status"] == "no_data"
    assert line["pacing_rate"] is None
    assert line["findings"] == "delivery before 2026-11-04 is not loaded: raise history_days"


@plans(
    lambda line: (
        line
        .book(platform=None, booked_impressions=20_000)
        .deliver("11-01", "11-08")
        .cover("11-08")
        .deliver("11-01", "11-05", source="ttd")
        .cover("11-05", source="ttd", stream="reports")
    )
)
def test_one_of_two_sources_is_stale(line: Row) -> None:
    """A line on two platforms stands as of the older one, and says which is behind."""
    assert line["source"] == "meta, ttd"
    assert line["as_of"] == day("11-05")
    assert line["delivered_impressions"] == 10_000
    assert line["open_impressions"] == 3000
    finding = "sources loaded unevenly: meta to 2026-11-08, ttd to 2026-11-05"
    assert line["findings"] == finding


@plans(
    lambda line: line.book().deliver("11-01", "11-05", timezone="America/New_York").cover("11-05")
)
def test_time_zones_differ(line: Row) -> None:
    """Days of an account in another time zone are taken as they are, and it is said."""
    assert line["pacing_rate"] == 100
    assert line["findings"] == "days are those of America/New_York, not of Europe/Vienna"


@plans(
    lambda line: (
        line
        .book()
        .deliver("11-01", "11-05")
        .deliver("11-05", impressions=-100, spend="-1.00", channel="credit")
        .cover("11-05")
    )
)
def test_negative_delivery_counts(line: Row) -> None:
    """Credits lower the delivery; above one percent they are found."""
    assert line["delivered_impressions"] == 4900
    assert line["findings"] == "credits of 100 impressions; credits of 1.00 EUR"


@plans(
    lambda line: (
        line
        .book()
        .deliver("11-01", "11-05")
        .deliver("11-05", impressions=-10, spend="-0.10", channel="credit")
        .cover("11-05")
    )
)
def test_small_credit_is_not_a_finding(line: Row) -> None:
    """A credit below one percent is nobody's news."""
    assert line["findings"] is None


@plans(
    lambda line: (
        line
        .book(booked_impressions=3_000)
        .deliver("11-01", "11-05", impressions=200)
        .cover("11-05")
    )
)
def test_nothing_is_rounded(line: Row) -> None:
    """Two thirds stay two thirds until somebody prints them."""
    assert line["pacing_rate"] == pytest.approx(200 / 3, rel=1e-12)


@plans(
    lambda line: (
        line
        .book()
        .book(
            "/2",
            make_good_for="test_make_good",
            flight_start=day("11-11"),
            flight_end=day("11-14"),
            booked_impressions=4_000,
            booking_revenue=None,
        )
        .deliver("11-01", "11-10", impressions=600)
        .deliver("11-11", "11-14")
        .cover("11-20")
    )
)
def test_make_good(lines: list[Row]) -> None:
    """A make-good counts to delivery and costs nothing; the original shows what it brought."""
    original, good = lines
    assert (original["delivered_impressions"], original["make_good_impressions"]) == (6000, 4000)
    assert (good["status"], good["actual_spend"]) == ("delivered", 0)
    assert good["findings"] == "make-good for test_make_good, 20.00 EUR not counted as cost"


@plans(
    lambda line: (
        line
        .book(flight_end=day("11-04"))
        .book("/2", flight_start=day("11-06"))
        .deliver("11-01", "11-10")
        .cover("11-10")
    )
)
def test_sequential_flights_share_a_campaign(lines: list[Row]) -> None:
    """Each flight of a campaign counts its own days; a day between belongs to the one before."""
    first, second = lines
    assert (first["delivered_impressions"], second["delivered_impressions"]) == (4000, 5000)
    assert first["out_of_flight_impressions"] == 1000
    assert first["findings"] == "delivery after flight: 1,000 impressions"
    assert second["out_of_flight_impressions"] == 0


@plans(
    lambda line: (
        line
        .book(flight_start=day("11-03"), flight_end=day("11-05"))
        .book("/2", flight_start=day("11-04"), flight_end=day("11-05"))
        .book("/3", flight_start=day("11-08"), flight_end=day("11-09"))
        .deliver("11-01", "11-12")
        .cover("11-12")
    )
)
def test_a_day_outside_every_flight_is_shown_once(lines: list[Row]) -> None:
    """At the flight that ended last, of two that ended together the earlier; before all, at the first."""
    days = [line["out_of_flight_impressions"] / 1000 for line in lines]
    assert days == [4, 0, 3]  # 1, 2, 6, 7 November; none; 10, 11, 12 November


@plans(
    lambda line: (
        line
        .book(flight_end=day("11-06"), booked_impressions=6_000)
        .book("/2", flight_start=day("11-04"), booked_impressions=14_000)
        .deliver("11-01", "11-10", impressions=1001, spend="10.01")
        .cover("11-10")
    )
)
def test_overlapping_flights_split_shared_days(lines: list[Row]) -> None:
    """Days that two flights share are split by plan: nothing twice, nothing lost, and found."""
    first, second = lines
    assert first["delivered_impressions"] + second["delivered_impressions"] == 10_010
    assert first["actual_spend"] + second["actual_spend"] == Decimal("100.10")
    assert first["delivered_impressions"] == 3 * 1001 + 3 * 334  # a third of the shared days
    for line, other in ((first, second), (second, first)):
        finding = f"flight overlaps {other['booking_id']}: shared days are split by plan"
        assert finding in line["findings"]


@plans(
    lambda line: (
        line
        .book(booked_impressions=None)
        .book("/2", booked_impressions=0)
        .deliver("11-01", "11-05", impressions=1001)
        .cover("11-05")
    )
)
def test_overlapping_flights_without_a_plan_split_evenly(lines: list[Row]) -> None:
    """Two overlapping lines without booked impressions take half each."""
    assert sorted(line["delivered_impressions"] for line in lines) == [2500, 2505]


def test_bands(silver: Silver) -> None:
    """Up to 5, 10, 15 and 30 percent off plan, both ways, the ends belonging to the milder band."""
    expected = {
        690: ("broken", "under"),
        700: ("critical", "under"),
        840: ("critical", "under"),
        850: ("warn", "under"),
        890: ("warn", "under"),
        900: ("watch", "under"),
        940: ("watch", "under"),
        950: ("on_pace", None),
        1000: ("on_pace", None),
        1050: ("on_pace", None),
        1100: ("watch", "over"),
        1150: ("warn", "over"),
        1300: ("critical", "over"),
        1310: ("broken", "over"),
    }
    assert verdicts(silver, "10-20", daily=expected, **LONG) == expected


@plans(lambda line: line.book(**LONG).deliver("10-01", "11-16", impressions=960).cover("11-16"))
def test_bands_are_whole_before_the_last_fifth(line: Row) -> None:
    """Four percent off is on pace with 13 of 60 days left."""
    assert line["status"] == "on_pace"


@plans(lambda line: line.book(**LONG).deliver("10-01", "11-17", impressions=960).cover("11-17"))
def test_bands_are_halved_in_the_last_fifth(line: Row) -> None:
    """The same four percent are to be watched with 12 of 60 days left."""
    assert (line["status"], line["direction"]) == ("watch", "under")


def test_bands_come_from_the_settings(silver: Silver) -> None:
    """An organisation that tolerates more sees fewer alarms."""
    silver.book(**LONG)
    silver.deliver(start=day("10-01"), end=day("10-20"), impressions=840)
    silver.cover(day("09-01"), day("10-20"))
    relaxed = PacingSettings(watch_percent=20, warn_percent=25, critical_percent=30)
    assert silver.pace(pacing=relaxed)["status"] == "on_pace"


@plans(lambda line: line.book().deliver("11-01", "11-02", impressions=100).cover("11-02"))
def test_too_early(line: Row) -> None:
    """Two closed days say little: no verdict yet, but the numbers."""
    assert (line["status"], line["direction"]) == ("too_early", None)
    assert line["pacing_rate"] == 10


@plans(
    lambda line: (
        line.book(booked_impressions=150).deliver("11-01", "11-05", impressions=1).cover("11-05")
    )
)
def test_too_early_for_so_few_impressions(line: Row) -> None:
    """Below a hundred expected impressions there is no verdict either."""
    assert line["status"] == "too_early"


@plans(
    lambda line: (
        line
        .book(flight_end=day("11-20"), booked_impressions=20_000)
        .deliver("11-04", "11-10")
        .cover("11-10")
    )
)
def test_projections(line: Row) -> None:
    """Run rate goes on as the last week did, linear as the whole flight did."""
    assert line["recent_daily_impressions"] == 1000
    assert line["projected_impressions"] == 17_000
    assert line["projected_impressions_linear"] == 14_000


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05"))
def test_recent_mean_of_a_young_flight(line: Row) -> None:
    """The recent mean of a flight of five days is over five days."""
    assert line["recent_daily_impressions"] == 1000


@plans(lambda line: line.book().deliver("11-01"))
def test_no_coverage_at_all(line: Row) -> None:
    """A line whose account was never loaded has no data, whatever rows may lie about."""
    assert line["status"] == "no_data"
    assert line["as_of"] is None
    assert line["freshness"] == "no data"
    assert line["findings"] == "no closed day loaded"


@plans(
    lambda line: (
        line
        .book(flight_start=None)
        .book("/2", flight_end=None)
        .book("/3", flight_end=day("10-31"))
        .deliver("11-01", "11-05")
        .cover("11-05")
    )
)
def test_impossible_flights(lines: list[Row]) -> None:
    """A booking without a proper flight is listed with its reason, not dropped."""
    missing = "flight dates missing"
    assert [line["status"] for line in lines] == ["no_data"] * 3
    assert [line["findings"] for line in lines] == [
        missing,
        missing,
        "flight ends before it starts",
    ]


def test_cancelled_booking(silver: Silver) -> None:
    """A cancelled booking is no line: its campaign's delivery is unplanned."""
    silver.book(status="Cancelled")
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    lines = silver.read("SELECT booking_id, status FROM campaign_pacing")
    assert lines == [{"booking_id": None, "status": "unbooked"}]
    assert silver.read("SELECT count(*) AS n FROM bookings") == [{"n": 1}]
