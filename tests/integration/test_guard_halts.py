"""DataGuard stops wrong data before gold, and the last good numbers go on answering."""

import datetime as dt
from decimal import Decimal

from tactics.model import Finality, RunStatus, StreamKey
from tests.lab import TODAY, Lab, result_of


def pacing(lab: Lab) -> str:
    """Return the rows of the pacing report as a user gets them."""
    done = lab.command("report", "pacing", "--json")
    assert done.returncode == 0, done.stderr
    return str(result_of(done)["rows"])


def assert_halted(lab: Lab, check: str) -> None:
    """`tactics validate` exits 5 and shows the offending rows of `check`."""
    done = lab.command("validate", "--json")
    assert done.returncode == 5, done.stdout + done.stderr
    findings = {item["check"]: item for item in result_of(done)["guard"]["findings"]}
    assert findings[check]["severity"] == "error"
    assert findings[check]["examples"]


def test_negative_revenue_halts(synced: Lab):
    """A negative booking revenue halts the organisation and keeps the last good report."""
    before = pacing(synced)
    booking = synced.world.totals().of("acme").bookings[0].booking
    synced.world.edit_booking(booking.booking_id, booking_revenue=Decimal(-5))
    assert synced.sync().status is RunStatus.HALTED
    assert_halted(synced, "negative_revenue")
    assert pacing(synced) == before


def test_an_inconsistent_channel_halts(synced: Lab):
    """A campaign booked as search and delivered as social halts, and the old report answers."""
    before = pacing(synced)
    sheet = synced.world.totals().of("acme").bookings
    booked = next(row.booking for row in sheet if row.booking.campaign_id)
    synced.world.edit_booking(booked.booking_id, channel="search")
    assert synced.sync().status is RunStatus.HALTED
    assert_halted(synced, "channel_consistency")
    assert pacing(synced) == before


def test_a_missing_date_halts(synced: Lab):
    """A day without coverage inside the covered range is found, and halts."""
    before = pacing(synced)
    with synced.workspace() as workspace:
        rows = workspace.store.coverage.all_rows("acme")
        key = next(row.key for row in rows if row.key.source == "stripe")
        forget_day(synced, key, TODAY - dt.timedelta(days=20))
    assert_halted(synced, "missing_dates")
    assert pacing(synced) == before


def forget_day(lab: Lab, key: StreamKey, day: dt.date) -> None:
    """Remove one day from the ledger behind the program's back."""
    with lab.workspace() as workspace:
        workspace.store.database.write(
            "DELETE FROM coverage WHERE org_id = :org AND source = :source AND day = :day",
            {"org": key.org_id, "source": key.source, "day": day.isoformat()},
        )
        assert not workspace.store.coverage.days(key, day, day)


def test_another_organisation_goes_on(synced: Lab):
    """What halts one organisation is built for the other, and for the first once it is mended."""
    booking = synced.world.totals().of("acme").bookings[0].booking
    good = booking.booking_revenue
    synced.world.edit_booking(booking.booking_id, booking_revenue=Decimal(-5))
    synced.world.restate(5)
    assert synced.sync().status is RunStatus.HALTED
    spend = "SELECT org_id, sum(spend) FROM ad_daily GROUP BY org_id ORDER BY org_id"
    silver = spend.replace("ad_daily", "silver.ad_performance")
    gold_now, silver_now = dict(synced.silver(spend)), dict(synced.silver(silver))
    assert gold_now["globex"] == silver_now["globex"]
    assert gold_now["acme"] != silver_now["acme"]
    synced.world.edit_booking(booking.booking_id, booking_revenue=good)
    assert synced.sync().status is RunStatus.SUCCEEDED
    assert dict(synced.silver(spend)) == silver_now


def test_days_of_a_fetch_are_final_when_the_vendor_is(synced: Lab):
    """Days older than the vendor's restatement are final in gold, today is open."""
    held = dict(synced.silver("SELECT date, any_value(finality) FROM ad_daily GROUP BY date"))
    assert held[min(held)] == Finality.FINAL
    assert held[TODAY] == Finality.OPEN


def test_purchases_that_meta_leaves_out_are_told(lab: Lab):
    """What is missing at campaign level is named by account, day and metric, and halts nothing."""
    ads = lab.world.totals().of("acme").ads
    lost = next(ad for ad in ads if ad.source == "meta" and ad.conversions and ad.day < TODAY)
    hidden = {"campaign": lost.campaign_id}
    fault = lab.plant("purchases_hidden", times=None, options=hidden)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert fault.fired >= 1
    done = lab.command("validate", "--json")
    assert done.returncode == 0, done.stderr
    findings = result_of(done)["guard"]["findings"]
    [found] = [item for item in findings if item["check"] == "ad_rollup"]
    assert (found["severity"], found["org_id"]) == ("warn", "acme")
    assert {row["account_id"] for row in found["examples"]} == {lost.account_id}
    days = [ad for ad in ads if ad.campaign_id == lost.campaign_id and ad.conversions]
    assert found["rows"] == 2 * sum(ad.day < TODAY for ad in days)
    lab.world.faults.clear()
    lab.sync()
    assert "ad_rollup" not in lab.command("validate", "--json").stdout
