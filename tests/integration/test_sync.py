"""From the simulated vendors to gold: what arrives equals the vendors' own totals, to the cent."""

import datetime as dt
from decimal import Decimal

import pytest

from tactics.model import RunStatus
from tactics.pipeline import Outcome, PipelineResult
from tactics.sandbox import serve
from tests.lab import TODAY, Lab, troubles

AD_SUMS = """
    SELECT org_id, source, account_id, campaign_id, date, campaign_name, sum(impressions)::BIGINT,
           sum(clicks)::BIGINT, sum(spend), sum(conversions), sum(conversion_value),
           sum(video_views)::BIGINT
    FROM ad_daily GROUP BY ALL ORDER BY ALL
"""
MONEY_SUMS = """
    SELECT org_id, date, currency, sum(amount_minor)::BIGINT, sum(fee_minor)::BIGINT,
           sum(net_minor)::BIGINT
    FROM silver.transactions GROUP BY ALL ORDER BY ALL
"""


def vendor_ads(lab: Lab, days: int = 40) -> list[tuple[object, ...]]:
    """Return what the vendors say of the days that the first sync reads."""
    totals = lab.world.totals().between(TODAY - dt.timedelta(days=days), lab.world.today)
    names = ("org_id", "source", "account_id", "campaign_id", "day", "campaign_name")
    return sorted(
        (*key, s.impressions, s.clicks, s.spend, s.conversions, s.conversion_value, s.video_views)
        for key, s in totals.ad_sums(*names).items()
    )


def vendor_money(lab: Lab, days: int = 40) -> list[tuple[object, ...]]:
    """Return what Stripe says of the days that the first sync reads."""
    totals = lab.world.totals().between(TODAY - dt.timedelta(days=days), lab.world.today)
    sums = totals.money_sums("org_id", "day").items()
    return sorted(
        (org_id, day, currency.upper(), s.amount_minor, s.fee_minor, s.net_minor)
        for (org_id, day, currency), s in sums
    )


def assert_home_equals_vendors(lab: Lab) -> None:
    """Compare gold's ads and silver's money with the vendors' ledgers."""
    assert lab.silver(AD_SUMS) == vendor_ads(lab)
    assert lab.silver(MONEY_SUMS) == vendor_money(lab)


def assert_balanced(result: PipelineResult) -> None:
    """Every record received is accounted for."""
    assert result.receipts
    assert all(receipt.balances() for receipt in result.receipts)


def test_first_sync_matches_the_vendors_to_the_cent(lab: Lab):
    """A first sync brings home every campaign day and every movement of money."""
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert_balanced(result)
    assert_home_equals_vendors(lab)


def test_second_sync_writes_no_duplicate(synced: Lab):
    """A second sync leaves rows, sums and gold as the first one made them."""
    before = synced.layers()
    result = synced.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert synced.layers() == before
    assert_home_equals_vendors(synced)


def test_restatement_rename_and_vanished_rows_arrive(synced: Lab):
    """After 14 restated days, a rename and two vanished rows, the next sync matches again."""
    synced.world.restate(14)
    synced.world.rename_campaign()
    assert len(synced.world.drop_rows(2)) == 2
    assert synced.silver(AD_SUMS) != vendor_ads(synced)
    result = synced.sync()
    assert_balanced(result)
    renamed_long_ago = {row[5] for row in vendor_ads(synced)}
    assert {row[5] for row in synced.silver(AD_SUMS)} >= renamed_long_ago
    lookback = TODAY - dt.timedelta(days=27)
    assert [row for row in synced.silver(AD_SUMS) if row[4] >= lookback] == [
        row for row in vendor_ads(synced) if row[4] >= lookback
    ]
    numbers = [row[:5] + row[6:] for row in synced.silver(AD_SUMS)]
    assert numbers == [row[:5] + row[6:] for row in vendor_ads(synced)]


def test_a_day_later_only_what_is_due_is_fetched(synced: Lab):
    """The next morning adds the new day and stays equal to the vendors."""
    synced.world.advance(1)
    synced.clock.advance(24 * 3600)
    result = synced.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert_home_equals_vendors(synced)


def test_bookings_reach_gold_and_messy_rows_the_quarantine(synced: Lab):
    """Readable bookings are in gold; each unreadable sheet row is refused with its rule."""
    wanted = sorted(
        (row.org_id, row.booking.booking_id, row.booking.booking_revenue)
        for row in synced.world.totals().bookings
    )
    held = synced.silver(
        "SELECT org_id, booking_id, booking_revenue FROM silver.bookings ORDER BY ALL"
    )
    assert held == wanted
    refused = synced.silver("SELECT count(*) FROM silver.quarantine WHERE stream = 'bookings'")
    unreadable = [row for row in synced.world.totals().unreadable if row.key is not None]
    assert refused[0][0] >= 1
    assert unreadable


def test_unchanged_sheet_is_not_read_again(synced: Lab):
    """The second sync asks Drive for the version and reads no cell."""
    synced.sandbox.clear_requests()
    result = synced.sync("sheets")
    paths = [request.path for request in synced.sandbox.requests]
    assert not any("values" in path for path in paths)
    assert {source.outcome for source in result.sources} == {Outcome.UNCHANGED}


def test_offline_answers_from_what_is_held(synced: Lab):
    """With --offline no request is made, the run succeeds and says that it may be stale."""
    before = synced.layers()
    synced.sandbox.clear_requests()
    result = synced.sync(offline=True)
    assert synced.sandbox.requests == ()
    assert (result.status, result.stale) == (RunStatus.SUCCEEDED, True)
    assert synced.layers() == before


def test_without_a_network_the_run_is_degraded_and_data_stays(synced: Lab):
    """When nobody answers, the sources fail, what is held stays and its age is told."""
    before = synced.layers()
    synced.sandbox.stop()
    synced.clock.advance(3600)
    result = synced.sync()
    assert (result.status, result.exit_code) == (RunStatus.DEGRADED, 6)
    codes = {problem.code for source in result.sources for problem in source.problems}
    assert codes == {"network_unreachable"}
    assert min(fresh.age_seconds for fresh in result.freshness) >= 3600
    assert synced.layers() == before


def test_back_on_the_network_every_source_is_asked_at_once(synced: Lab):
    """However often the network was away, no breaker keeps a source waiting after it."""
    synced.sandbox.stop()
    for _ in range(3):
        assert synced.sync().status is RunStatus.DEGRADED
    with synced.workspace() as workspace:
        assert workspace.store.breakers.list_all() == []
    with serve(synced.world) as synced.sandbox:
        assert synced.sync().status is RunStatus.SUCCEEDED


def test_a_failing_account_stops_no_other(lab: Lab):
    """One account without permission fails alone; the other accounts and sources arrive."""
    accounts = sorted({row.account_id for row in lab.world.totals().of("acme").ads})
    lab.plant("permission", account=accounts[0], times=None)
    result = lab.sync()
    assert result.status is RunStatus.DEGRADED
    held = {row[0] for row in lab.silver("SELECT DISTINCT account_id FROM ad_daily")}
    assert accounts[0] not in held
    assert set(accounts[1:]) <= held
    assert lab.silver(MONEY_SUMS) == vendor_money(lab)


@pytest.mark.parametrize("source", ["meta", "stripe", "sheets"])
def test_a_dead_credential_names_the_way_out(lab: Lab, source: str):
    """A refused credential fails its source only, with the command that mends it."""
    lab.extra[f"TACTICS_ACME_{source.upper()}_NOTHING"] = "x"
    fault = "invalid_grant" if source == "sheets" else "auth_expired"
    lab.plant(fault, "token" if source == "sheets" else source, times=None)
    result = lab.sync()
    failed = {(s.org_id, s.source) for s in result.sources if s.outcome is Outcome.FAILED}
    assert {name for _, name in failed} == {source}
    problems = [p for s in result.sources for p in s.problems]
    assert all("tactics auth set" in problem.hint for problem in problems), problems


def test_gold_says_what_is_booked_and_delivered(synced: Lab):
    """Each booking of the sheet is a line of campaign_pacing, as of the last closed day."""
    lines = synced.silver("SELECT booking_id, status, as_of FROM campaign_pacing ORDER BY ALL")
    booked = {row.booking.booking_id for row in synced.world.totals().bookings}
    assert {line[0] for line in lines if line[0]} == booked
    assert {line[2] for line in lines if line[2]} <= {TODAY - dt.timedelta(days=1), TODAY}
    assert all(isinstance(line[1], str) for line in lines)


def test_spend_is_exact(synced: Lab):
    """Spend is DECIMAL all the way: its sum equals the vendors' sum, digit for digit."""
    total = synced.silver("SELECT sum(spend) FROM ad_daily")[0][0]
    assert total == sum((row[8] for row in vendor_ads(synced)), Decimal(0))  # type: ignore[misc]
