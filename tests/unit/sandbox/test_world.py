"""The world: determinism, totals, mutations, configuration, credentials."""

import datetime as dt
import json
import tomllib
from decimal import Decimal

import pytest

from tactics.config import Settings
from tactics.errors import ConfigError
from tactics.sandbox import Fault, World
from tests.lab import PILLARS
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=PILLARS)


def test_the_same_seed_gives_the_same_world(world: World) -> None:
    """Two worlds of one seed are equal, another seed differs."""
    assert world.totals() == World(today=TODAY, sources=PILLARS).totals()
    assert world.totals() != World(8, today=TODAY, sources=PILLARS).totals()


def test_the_order_of_asking_does_not_matter(world: World) -> None:
    """A day's numbers do not depend on which days were read before."""
    other = World(today=TODAY, sources=PILLARS)
    other.restate(14)
    other.advance(2)
    world.totals()
    world.restate(14)
    world.advance(2)

    assert world.totals() == other.totals()


def test_campaign_ids_do_not_fit_into_a_float(world: World) -> None:
    """Every campaign id is above 2**53 and distinct as text."""
    ids = {row.campaign_id for row in world.totals().ads}

    assert all(int(campaign_id) > 2**53 for campaign_id in ids)
    assert len({float(campaign_id) for campaign_id in ids}) < len(ids)


def test_the_fates_are_all_there(world: World) -> None:
    """Bookings are on pace, under, over, full, not started, and undelivered; one campaign is unbooked."""
    totals = world.totals().of("acme")
    delivered = {key: row for (key,), row in totals.ad_sums("campaign_id").items()}
    booked = {row.booking.campaign_id: row.booking for row in totals.bookings}
    yesterday = TODAY - dt.timedelta(days=1)

    assert set(delivered) - set(booked)
    assert any(line.flight_start > TODAY for line in booked.values())
    assert any(
        line.flight_start < yesterday and line.campaign_id not in delivered
        for line in booked.values()
    )
    full = [line for line in booked.values() if line.flight_end < yesterday]
    ratios = {delivered[line.campaign_id].impressions / line.booked_impressions for line in full}
    assert min(ratios) < 0.9
    assert max(ratios) >= 1


def test_there_are_transactions_of_every_kind(world: World) -> None:
    """Charges, refunds, disputes, fees, payouts and their failures, in four currencies."""
    movements = world.totals().of("acme").movements

    assert {m.currency for m in movements} == {"EUR", "GBP", "JPY", "KWD"}
    assert {m.reporting_category for m in movements} >= {
        "charge",
        "refund",
        "refund_failure",
        "dispute",
        "dispute_reversal",
        "fee",
        "payout",
        "payout_reversal",
    }
    assert all(m.net_minor == m.amount_minor - m.fee_minor for m in movements)


def test_one_day_needs_more_than_one_page(world: World) -> None:
    """The sale day has more than a hundred transactions."""
    days = world.totals().of("acme").money_sums("day")

    assert max(total.rows for total in days.values()) > 100


def test_restating_changes_only_the_last_days(world: World) -> None:
    """Fourteen days differ afterwards, each of them; older ones do not."""
    before = world.totals().ad_sums("day")
    world.restate(14)
    after = world.totals().ad_sums("day")

    changed = {day for (day,), total in after.items() if total != before[(day,)]}
    assert changed == {TODAY - dt.timedelta(days=n) for n in range(14)}


def test_a_second_restatement_changes_them_again(world: World) -> None:
    """Restating twice is not restating once."""
    world.restate(3)
    once = world.totals().ad_sums()
    world.restate(3)

    assert world.totals().ad_sums() != once


def test_dropped_rows_are_gone(world: World) -> None:
    """Exactly the returned rows are missing."""
    before = {(row.campaign_id, row.day) for row in world.totals().ads}
    dropped = world.drop_rows(2)

    after = {(row.campaign_id, row.day) for row in world.totals().ads}
    assert before - after == set(dropped)
    assert len(dropped) == 2


def test_a_renamed_campaign_has_its_new_name_everywhere(world: World) -> None:
    """Names are the current ones, also in history."""
    campaign_id = world.rename_campaign(name="Other")

    names = {row.campaign_name for row in world.totals().ads if row.campaign_id == campaign_id}
    assert names == {"Other"}


def test_an_edited_booking_is_in_the_totals(world: World) -> None:
    """By default the first line earns 100 more; other fields come as text, too."""
    before = world.totals().bookings[0].booking
    assert world.edit_booking().booking_revenue == (before.booking_revenue or 0) + 100

    world.edit_booking(before.booking_id, booking_revenue="12.50", flight_end="2026-12-24")

    after = world.totals().bookings[0].booking
    assert (after.booking_revenue, after.flight_end) == (Decimal("12.50"), dt.date(2026, 12, 24))


def test_time_makes_money_available(world: World) -> None:
    """A week later what was pending is available, and new days have delivered."""
    pending = {m.txn_id for m in world.totals().movements if m.status == "pending"}
    world.advance(7)

    totals = world.totals()
    assert pending
    assert {m.status for m in totals.movements if m.txn_id in pending} == {"available"}
    assert max(row.day for row in totals.ads) == dt.date(2026, 11, 28)


def test_today_is_partial_until_it_is_over(world: World) -> None:
    """Today's row is smaller than the same day seen tomorrow."""
    partial = world.totals().ad_sums("day")[(TODAY,)]
    world.advance()

    assert partial.impressions < world.totals().ad_sums("day")[(TODAY,)].impressions / 2


def test_totals_can_be_cut_and_summed(world: World) -> None:
    """The parts of two organisations add up to the whole; days cut ads and movements."""
    totals = world.totals()
    parts = [totals.of(org_id).ad_sums()[()].spend for org_id in ("acme", "globex")]
    day = totals.between(TODAY, TODAY)

    assert sum(parts) == totals.ad_sums()[()].spend
    assert {row.day for row in day.ads} == {TODAY} == {row.day for row in day.movements}


def test_totals_are_plain_json(world: World) -> None:
    """Decimals and dates are text, money keeps its cents."""
    document = json.loads(json.dumps(world.totals().to_json()))

    assert document["ads"][0]["spend"] == str(world.totals().ads[0].spend)
    assert document["bookings"][0]["booking"]["flight_start"] == "2026-10-12"


def test_the_configuration_is_valid(world: World) -> None:
    """The settings model accepts the file, and every source points at the sandbox."""
    settings = Settings.model_validate(tomllib.loads(world.config_toml(ORIGIN)))

    assert set(settings.orgs) == {"acme", "globex"}
    for org in settings.orgs.values():
        assert set(org.sources) == {"meta", "stripe", "sheets"}
        assert all(str(s.base_url).startswith(ORIGIN) for s in org.sources.values())


def test_a_world_can_have_one_organisation() -> None:
    """Only the chosen organisation is configured, credentialed and totalled."""
    world = World(today=TODAY, sources=PILLARS, orgs=("globex",))

    assert {row.org_id for row in world.totals().ads} == {"globex"}
    assert "acme" not in world.config_toml(ORIGIN)
    assert all(name.startswith("TACTICS_GLOBEX_") for name in world.environment(ORIGIN))


def test_the_environment_has_every_credential(world: World) -> None:
    """Meta, Stripe and the service account whose tokens come from the sandbox."""
    environment = world.environment(ORIGIN)

    names = {name.removeprefix("TACTICS_ACME_") for name in environment if "ACME" in name}
    assert names == {
        "META_ACCESS_TOKEN",
        "META_APP_SECRET",
        "STRIPE_API_KEY",
        "SHEETS_SERVICE_ACCOUNT",
    }
    key = json.loads(environment["TACTICS_ACME_SHEETS_SERVICE_ACCOUNT"])
    assert key["token_uri"] == f"{ORIGIN}/token"


def test_planted_secrets_can_be_listed(world: World) -> None:
    """What a leak test has to look for includes tokens, keys and the lines of the private key."""
    secrets = world.secrets()
    environment = world.environment(ORIGIN)

    assert environment["TACTICS_ACME_META_ACCESS_TOKEN"] in secrets
    assert environment["TACTICS_GLOBEX_STRIPE_API_KEY"] in secrets
    assert any(text in environment["TACTICS_ACME_SHEETS_SERVICE_ACCOUNT"] for text in secrets[-3:])


def test_a_short_history_keeps_the_fates() -> None:
    """With thirty days the flights shrink with the history."""
    world = World(today=TODAY, sources=PILLARS, days=30)

    assert min(row.day for row in world.totals().ads) == TODAY - dt.timedelta(days=29)


def test_an_unknown_fault_is_refused(world: World) -> None:
    """The error lists what there is."""
    with pytest.raises(ConfigError) as caught:
        world.faults.plant(Fault("no_such", "meta"))

    assert "rate_limit" in caught.value.hint
