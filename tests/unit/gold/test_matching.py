"""Which campaigns deliver a booking, and how far back their accounts are loaded."""

from tests.unit.gold.silver import Silver, day

TTD = {"source": "ttd", "account_id": "adv", "stream": "reports"}


def test_platform_chooses_among_equal_ids(silver: Silver) -> None:
    """The same campaign id on two platforms is counted on the booked one only."""
    silver.book(platform="TTD ")
    silver.deliver(start=day("11-01"), end=day("11-05"), impressions=1)
    silver.deliver(start=day("11-01"), end=day("11-05"), **TTD)
    silver.cover(day("09-01"), day("11-05"))
    silver.cover(day("09-01"), day("11-05"), **TTD)
    line = silver.pace()
    assert line["source"] == "ttd"
    assert line["delivered_impressions"] == 5000


def test_unknown_platform_is_looked_up_everywhere(silver: Silver) -> None:
    """A platform that no source is called is said, and the id decides."""
    silver.book(platform="Facebook")
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    line = silver.pace()
    assert line["status"] == "on_pace"
    assert line["findings"] == "no source is called facebook"


def test_booking_without_id_is_matched_by_name(silver: Silver) -> None:
    """The campaign's name will do, without case, and also an older one."""
    silver.book(campaign_id=None, campaign=" SPRING push")
    silver.deliver(start=day("10-01"), end=day("10-02"), campaign_name="Spring Push")
    silver.deliver(start=day("11-01"), end=day("11-05"), campaign_name="Renamed")
    silver.cover(day("09-01"), day("11-05"))
    line = silver.pace()
    assert (line["campaign_id"], line["campaign_name"]) == ("c1", "Renamed")
    assert line["delivered_impressions"] == 5000
    assert "matched by campaign name" in line["findings"]


def test_ambiguous_name_matches_nothing(silver: Silver) -> None:
    """Two campaigns of the booked name: neither is guessed."""
    silver.book(campaign_id=None)
    for campaign_id in ("c1", "c2"):
        silver.deliver(campaign_id, date=day("11-01"), campaign_name="Spring push")
    silver.cover(day("09-01"), day("11-05"))
    line = silver.pace()
    assert line["delivered_impressions"] == 0
    assert "campaign not found in meta" in line["findings"]


def test_booked_campaign_that_never_delivered(silver: Silver) -> None:
    """The platform is loaded and knows nothing of the campaign: that is zero, not unknown."""
    silver.book()
    silver.deliver("other", date=day("11-01"))
    silver.cover(day("09-01"), day("11-05"))
    line = silver.pace()
    assert (line["status"], line["direction"], line["pacing_rate"]) == ("broken", "under", 0)
    assert "campaign not found in meta" in line["findings"]


def test_campaign_that_no_source_knows(silver: Silver) -> None:
    """Without a platform, a campaign that is nowhere has no data: it may run anywhere."""
    silver.book(platform=None)
    silver.cover(day("09-01"), day("11-05"))
    line = silver.pace()
    assert line["status"] == "no_data"
    assert line["findings"] == "campaign not found in any source"


def test_accounts_of_other_campaigns_do_not_hold_a_line_back(silver: Silver) -> None:
    """Only the accounts that a line's campaign runs in decide its watermark."""
    silver.book()
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    silver.cover(day("09-01"), day("10-01"), account_id="act_2")
    assert silver.pace()["as_of"] == day("11-05")


def test_renamed_campaign_keeps_its_line(silver: Silver) -> None:
    """A renamed campaign is one line under its newest name."""
    silver.book()
    silver.deliver(start=day("11-01"), end=day("11-03"), campaign_name="Old")
    silver.deliver(start=day("11-04"), end=day("11-05"), campaign_name="New")
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    lines = silver.read("SELECT campaign_name, delivered_impressions FROM campaign_pacing")
    assert lines == [{"campaign_name": "New", "delivered_impressions": 5000}]


def test_new_booking_finds_older_days(silver: Silver) -> None:
    """A booking that comes after its delivery is counted from the flight's first day."""
    silver.deliver(start=day("11-01"), end=day("11-05"))
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    silver.book()
    silver.build(changes=[silver.change("bookings", day("11-01"), day("11-01"))])
    assert silver.line()["delivered_impressions"] == 5000


def test_unplanned_campaigns_beyond_a_thousand_are_one_row(silver: Silver) -> None:
    """The pacing report stays readable; what is not listed is summed, not dropped."""
    for number in range(1003):
        silver.deliver(f"c{number}", date=day("11-05"), spend="1.00")
    silver.cover(day("09-01"), day("11-05"))
    silver.build()
    rows = silver.read("SELECT campaign_name, actual_spend FROM campaign_pacing")
    assert len(rows) == 1001
    assert sum(row["actual_spend"] for row in rows) == 1003
    assert {"campaign_name": "3 more campaigns", "actual_spend": 3} in rows
