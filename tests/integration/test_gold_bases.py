"""The tables of an organisation are carried over while their basis is the same, and no longer."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tactics import duck
from tactics.config import PacingSettings
from tactics.gold import TABLES
from tactics.home import Home
from tests.unit.gold.silver import ACME, NOW, STREAMS, Silver, day

BETA = replace(ACME, org_id="beta", name="Beta")
NOTHING: dict[str, Any] = {}


@pytest.fixture
def built(home: Home) -> Silver:
    """Return gold of two organisations, each with a booked campaign."""
    silver = Silver(home)
    silver.orgs = (ACME, BETA)
    for org_id in ("acme", "beta"):
        silver.cover(day("11-01"), day("11-20"), org_id=org_id)
        silver.deliver("c1", org_id=org_id, start=day("11-01"), end=day("11-20"))
        silver.book(org_id=org_id, flight_end=day("11-30"))
    assert silver.build().orgs == ("acme", "beta")
    return silver


def contents(silver: Silver) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in an order of its own."""
    return silver.tables(*TABLES)


def test_without_news_the_tables_are_carried_over(built: Silver) -> None:
    """Nothing changed: no organisation is made anew, and every row is the same."""
    before = contents(built)
    assert built.build(changes=[]).orgs == ()
    assert contents(built) == before


def new_rows(silver: Silver) -> dict[str, Any]:
    silver.deliver("c1", date=day("11-21"))
    return {"changes": [silver.change("ad_performance", day("11-21"), day("11-21"))]}


def restated_rows(silver: Silver) -> dict[str, Any]:
    silver.rows["ad_performance"][3] |= {"impressions": 7}
    return {"changes": [silver.change("ad_performance", day("11-04"), day("11-04"))]}


def vanished_rows(silver: Silver) -> dict[str, Any]:
    del silver.rows["ad_performance"][3]
    return {"changes": [silver.change("ad_performance", day("11-04"), day("11-04"))]}


def other_booking(silver: Silver) -> dict[str, Any]:
    silver.rows["bookings"][0] |= {"booked_impressions": 20_000}
    return NOTHING


def new_deal(silver: Silver) -> dict[str, Any]:
    silver.rows["bookings"][0] |= {"booking_revenue": None}
    silver.deal()
    return NOTHING


def lost_day(silver: Silver) -> dict[str, Any]:
    del silver.coverage["acme", "meta", "act_1", "insights", day("11-20")]
    return NOTHING


def final_day(silver: Silver) -> dict[str, Any]:
    silver.cover(day("11-20"), day("11-20"), finality="provisional")
    return NOTHING


def other_currency(silver: Silver) -> dict[str, Any]:
    silver.orgs = (replace(ACME, currency="USD"), BETA)
    return NOTHING


def fewer_streams(silver: Silver) -> dict[str, Any]:
    silver.orgs = (replace(ACME, streams=STREAMS[1:]), BETA)
    return NOTHING


NEWS: tuple[Callable[[Silver], dict[str, Any]], ...] = (
    new_rows,
    restated_rows,
    vanished_rows,
    other_booking,
    new_deal,
    lost_day,
    final_day,
    other_currency,
    fewer_streams,
)
COMMON: tuple[dict[str, Any], ...] = (
    {"built_at": NOW + dt.timedelta(days=1)},
    {"pacing": PacingSettings(watch_percent=2)},
    {"fx_rates": [(day("11-02"), "USD", Decimal("1.1"))]},
    {"silver_from": day("10-01")},
    {"keep_days": 700},
)


def test_news_of_one_organisation_are_noticed(built: Silver) -> None:
    """Whatever one of them is made of changes: it alone is made anew, and equals a full build."""
    for edit in NEWS:
        facts = {"changes": [], **edit(built)}
        assert (edit.__name__, built.build(**facts).orgs) == (edit.__name__, ("acme",))
    incremental = contents(built)
    built.build()
    assert contents(built) == incremental


def test_what_all_depend_on_is_noticed(built: Silver) -> None:
    """A new day, other limits, rates or retention make every organisation anew, once."""
    facts: dict[str, Any] = {"changes": []}
    for more in COMMON:
        facts |= more
        assert (more, built.build(**facts).orgs) == (more, ("acme", "beta"))
    assert built.build(**facts).orgs == ()
    incremental = contents(built)
    built.build(**facts | {"changes": (), "full": True})
    assert contents(built) == incremental


def test_another_fetch_of_the_same_days_shows_in_freshness_alone(built: Silver) -> None:
    """When the vendor was asked again and told the same, only the instant is new."""
    later = NOW + dt.timedelta(minutes=5)
    built.coverage = {key: (finality, later) for key, (finality, _) in built.coverage.items()}
    assert built.build(changes=[], built_at=later).orgs == ()
    sql = "SELECT DISTINCT last_fetched_at FROM freshness WHERE account_id IS NOT NULL"
    assert built.read(sql) == [{"last_fetched_at": later}]


def test_what_another_version_made_is_made_anew(built: Silver) -> None:
    """A basis that is not ours is another basis, also when no row tells."""
    path = built.gold.current()
    with duck.connect(path, built.limits) as connection:
        connection.execute("UPDATE generation SET bases = map(['acme', 'beta'], ['1', '2'])")
    assert built.build(changes=[]).orgs == ("acme", "beta")


def test_a_halted_organisation_keeps_its_basis(built: Silver) -> None:
    """Who is left out of builds is carried over with its basis, and made anew once it changed."""
    built.orgs = (BETA,)
    built.rows["bookings"][0] |= {"booked_impressions": 20_000}
    assert built.build(changes=[]).orgs == ()
    built.orgs = (ACME, BETA)
    assert built.build(changes=[]).orgs == ("acme",)
    sql = "SELECT booked_impressions FROM campaign_pacing WHERE org_id = 'acme' AND booking_id = 'BK-1'"
    assert built.read(sql) == [{"booked_impressions": 20_000}]


def test_after_a_full_build_without_it_a_halted_organisation_has_no_basis(built: Silver) -> None:
    """Its tables may be of older definitions: it is made anew when it comes back."""
    built.orgs = (BETA,)
    assert built.build().orgs == ("beta",)
    built.orgs = (ACME, BETA)
    assert built.build(changes=[]).orgs == ("acme",)


def refuse(text: str) -> str:
    """Stand for a compiler that must not be asked.

    Raises:
        AssertionError: it is asked.
    """
    raise AssertionError(text)


@pytest.fixture
def compiled(home: Home) -> Silver:
    """Return gold of nobody, with formulas that were compiled from `one`."""
    silver = Silver(home)
    silver.orgs = ()
    silver.build(formulas="one")
    return silver


def test_compiled_formulas_are_taken_from_the_generation(compiled: Silver) -> None:
    """While they are compiled from the same, nothing is compiled; otherwise everything is."""
    before = compiled.read("FROM metric_definitions ORDER BY name")
    assert compiled.build(changes=[], formulas="one", render=refuse).full == ""
    assert compiled.build(formulas="one", render=refuse).full == "a full build was asked for"
    assert not compiled.gold.is_outdated(refuse, "one")
    assert compiled.read("FROM metric_definitions ORDER BY name") == before
    for unknown in ("two", ""):
        with pytest.raises(AssertionError):
            compiled.build(changes=[], formulas=unknown, render=refuse)
        with pytest.raises(AssertionError):
            compiled.gold.is_outdated(refuse, unknown)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM metric_definitions WHERE name = 'ctr'",
        "UPDATE generation SET schema_version = 2",
    ],
)
def test_a_generation_that_lacks_formulas_is_not_asked_for_them(
    compiled: Silver, statement: str
) -> None:
    """One metric less, or an older schema: the formulas are compiled."""
    with duck.connect(compiled.gold.current(), compiled.limits) as connection:
        connection.execute(statement)
    with pytest.raises(AssertionError):
        compiled.build(changes=[], formulas="one", render=refuse)
    assert compiled.build(changes=[], formulas="one").full == ""
