"""How long data takes, stage by stage."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.analytics import BUDGETS, Latency, Passage, Stage, measure_passages, slowest, summarize
from tactics.analytics.latency import percentile
from tests.unit.analytics.builders import NOW


def at(seconds: float) -> dt.datetime:
    """Return an instant so many seconds after the first."""
    return NOW + dt.timedelta(seconds=seconds)


def passage(asked: float, bronze: float, silver: float, source: str = "meta") -> Passage:
    """Return a request of acme that was there at these seconds."""
    return Passage("acme", source, at(asked), at(bronze), at(silver))


def measured(*passages: Passage, built: float = 100, published: float = 107) -> dict[str, float]:
    """Return the seconds of each stage."""
    found = measure_passages(passages, built_at=at(built), published_at=at(published))
    return {one.stage.value: one.seconds for one in found}


def test_the_stages_join_without_a_gap():
    """Where one stage ends the next begins, and the whole is their sum."""
    assert measured(passage(0, 10, 40)) == {
        "source_to_bronze": 10,
        "bronze_to_silver": 30,
        "silver_to_gold": 60,
        "gold_to_dashboard": 7,
        "end_to_end": 107,
    }


def test_the_slowest_request_counts():
    """Each stage is as slow as its slowest request, and says of how many."""
    found = measure_passages(
        [passage(0, 10, 40), passage(20, 22, 40), passage(5, 35, 40)],
        built_at=at(100),
        published_at=at(107),
    )
    seconds = {one.stage: one.seconds for one in found}
    assert seconds[Stage.SOURCE_TO_BRONZE] == 30
    assert seconds[Stage.BRONZE_TO_SILVER] == 30
    assert seconds[Stage.END_TO_END] == 107
    assert {one.requests for one in found} == {3}


def test_sources_are_measured_apart():
    """One line per source and stage."""
    found = measure_passages(
        [passage(0, 10, 40), passage(0, 10, 40, "stripe")], built_at=at(50), published_at=at(51)
    )
    assert sorted((one.source, one.stage) for one in found) == sorted(
        (source, stage) for source in ("meta", "stripe") for stage in Stage
    )


@given(st.lists(st.floats(-5000, 5000), min_size=5, max_size=5))
def test_a_clock_that_went_back_gains_no_time(instants):
    """No stage is ever negative, whatever the clock did."""
    asked, bronze, silver, built, published = instants
    assert (
        min(measured(passage(asked, bronze, silver), built=built, published=published).values())
        >= 0
    )


def test_nothing_published_is_nothing_measured():
    """Without a request there is no line."""
    assert measure_passages([], built_at=NOW, published_at=NOW) == ()


@pytest.mark.parametrize("stage", Stage)
def test_a_budget_has_a_target_below_its_limit(stage):
    """Every stage has a budget; only what exceeds the limit breaks it."""
    budget = BUDGETS[stage]
    assert budget.target_seconds < budget.max_seconds
    assert not Latency("acme", "meta", stage, budget.max_seconds, 1).breaks_budget
    assert Latency("acme", "meta", stage, budget.max_seconds + 1, 1).breaks_budget


def test_several_generations_of_one_run_are_one_measurement():
    """The slowest of each place stays; requests add up."""
    one, two = (Latency("acme", "meta", Stage.END_TO_END, seconds, 2) for seconds in (5, 9))
    assert slowest([two, one]) == (Latency("acme", "meta", Stage.END_TO_END, 9, 4),)


def test_a_summary_of_several_runs():
    """Median, 95th percentile, worst and last of the runs, and how often the budget was broken."""
    seconds = [10, 20, 3000, 1000]
    [line] = summarize([Latency("acme", "meta", Stage.END_TO_END, one, 1) for one in seconds])
    assert (line.runs, line.median_seconds, line.p95_seconds) == (4, 20, 3000)
    assert (line.worst_seconds, line.last_seconds) == (3000, 1000)
    assert (line.above_target, line.breaches) == (2, 1)
    assert line.budget is BUDGETS[Stage.END_TO_END]


def test_summaries_are_in_the_order_of_the_way():
    """By organisation and source, then as the data goes."""
    stages = list(Stage)
    given_order = [Latency(org, "meta", stage, 1, 1) for stage in stages[::-1] for org in "ba"]
    lines = [(line.org_id, line.stage) for line in summarize(given_order)]
    assert lines == [(org, stage) for org in "ab" for stage in stages]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_covers_its_share(values, share):
    """At least that share of the values is not above it, and it is one of them."""
    found = percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values) - 1e-9
