"""What Prometheus is told can be read by it, and is what we know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.analytics import (
    Cost,
    Health,
    Latency,
    OpenBreaker,
    QuotaUse,
    SourceCost,
    Stage,
    StageBacklog,
    StageQueue,
    Stored,
    Vitals,
    ages_by_source,
    assess,
    render,
)
from tests.unit.analytics.builders import HOUR, LIMITS, NOW, stream, vitals
from tests.unit.analytics.exposition import Family, parse

CONNECTION = (("org", "acme"), ("source", "meta"))


@pytest.fixture
def busy() -> Vitals:
    """Return the vitals of a home in which something of everything goes on."""
    never = stream(source="new", through=None, newest_day=None, checked_at=None)
    return vitals(
        sources=ages_by_source([stream(), never], NOW),
        latencies=(Latency("acme", "meta", Stage.END_TO_END, 53.5, 3),),
        queues=(StageQueue("gold", 2, 1, NOW - HOUR),),
        backlog=(StageBacklog("silver", 7, NOW - HOUR), StageBacklog("gold", 0, None)),
        breakers=(OpenBreaker('the "odd" \\ one\n', "429", NOW, is_sink=False),),
        heartbeat_at=NOW,
    )


@pytest.fixture
def cost() -> Cost:
    """Return the cost of two connections, one of which has a quota."""
    meta = SourceCost("acme", "meta", 10, 1, 2, 3000, 4.5, 6.5)
    klaviyo = SourceCost("acme", "klaviyo", 1, quota=QuotaUse(225, 50, 125))
    stored = (Stored("lake", "bronze.pages", "acme", 10), Stored("store", "tactics.db", None, 5))
    return Cost(NOW.date(), (meta, klaviyo), stored)


@pytest.fixture
def told(busy: Vitals, cost: Cost) -> dict[str, Family]:
    """Return the parsed exposition."""
    return parse(render(assess(busy, LIMITS), busy, cost))


def test_every_family_is_named_as_the_house_does(told):
    """A namespace, units in the name, counters end in total; each has its help."""
    assert len(told) > 25
    for name, family in told.items():
        assert name.startswith("tactics_")
        assert family.help.endswith(".")
        assert family.samples
        assert name.endswith("_total") == (family.kind == "counter"), name
        labels = {tuple(label for label, _ in key) for key in family.samples}
        assert len(labels) == 1, name


def test_the_values_are_those_that_were_gathered(told):
    """Ages, queues, latency, calls, quota and bytes arrive as they were."""
    values = {
        "tactics_data_age_seconds": {CONNECTION: 36000.0},
        "tactics_latency_seconds": {(*CONNECTION, ("stage", "end_to_end")): 53.5},
        "tactics_queue_jobs": {(("stage", "gold"),): 2.0},
        "tactics_queue_oldest_seconds": {(("stage", "gold"),): 3600.0},
        "tactics_dead_letters": {(("stage", "gold"),): 1.0},
        "tactics_backlog_events": {(("stage", "silver"),): 7.0, (("stage", "gold"),): 0.0},
        "tactics_disk_free_bytes": {(): 50 * 2.0**30},
        "tactics_quota_forecast_calls": {(("org", "acme"), ("source", "klaviyo")): 125.0},
        "tactics_heartbeat_timestamp_seconds": {(): NOW.timestamp()},
    }
    assert {name: told[name].samples for name in values} == values
    assert told["tactics_api_calls_total"].samples[CONNECTION] == 10
    assert told["tactics_api_wait_seconds_total"].samples[CONNECTION] == 4.5


def test_the_state_is_one_of_three(told):
    """One sample per state, and exactly one of them is 1."""
    samples = told["tactics_health_state"].samples
    assert samples == {
        (("state", "ok"),): 0.0,
        (("state", "degraded"),): 1.0,
        (("state", "failing"),): 0.0,
    }
    checks = told["tactics_health_check"].samples
    assert checks[("check", "backlog"), ("subject", "silver")] == 1.0


def test_odd_names_are_escaped(told):
    """Quotes, backslashes and line feeds of a label come back."""
    [key] = told["tactics_breaker_open"].samples
    assert dict(key) == {"breaker": 'the "odd" \\ one\n'}


@given(st.text(), st.floats(allow_nan=False))
def test_any_name_and_value_can_be_told(name, seconds):
    """Whatever a vendor or a person calls things, the text stays readable."""
    vital = vitals(
        breakers=(OpenBreaker(name, "", None, is_sink=False),),
        latencies=(Latency("acme", name, Stage.END_TO_END, seconds, 1),),
    )
    found = parse(render(Health.of((), NOW), vital))
    assert [dict(key) for key in found["tactics_breaker_open"].samples] == [{"breaker": name}]
    assert [*found["tactics_latency_seconds"].samples.values()] == [seconds]


def test_a_store_that_cannot_be_read_is_still_told():
    """Without vitals there is the state, and nothing that is made up."""
    assert set(parse(render(Health.of((), NOW)))) == {"tactics_health_state"}
