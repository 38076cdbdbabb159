"""The latency budget: how long data takes from the vendor to the reports, stage by stage.

The stages join without a gap: where one ends the next begins. Reads no clock and no store.
"""

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """A part of the way, from the request to the published report; and the whole of it."""

    SOURCE_TO_BRONZE = "source_to_bronze"  # asked until all its pages lie in bronze
    BRONZE_TO_SILVER = "bronze_to_silver"
    SILVER_TO_GOLD = "silver_to_gold"  # until a build of gold has read it
    GOLD_TO_DASHBOARD = "gold_to_dashboard"  # how old the generation is when readers see it
    END_TO_END = "end_to_end"


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a stage should take, and how long it may."""

    target_seconds: int
    max_seconds: int


# Source: DESIGN section 10, the table of stages.
BUDGETS = {
    Stage.SOURCE_TO_BRONZE: Budget(5 * 60, 15 * 60),
    Stage.BRONZE_TO_SILVER: Budget(5 * 60, 10 * 60),
    Stage.SILVER_TO_GOLD: Budget(5 * 60, 15 * 60),
    Stage.GOLD_TO_DASHBOARD: Budget(60, 5 * 60),
    Stage.END_TO_END: Budget(16 * 60, 45 * 60),
}


@dataclass(frozen=True, slots=True)
class Passage:
    """When one request was asked, lay in bronze, and lay in silver."""

    org_id: str
    source: str
    asked_at: dt.datetime
    bronze_at: dt.datetime
    silver_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the slowest of a source's `requests` took through one stage."""

    org_id: str
    source: str
    stage: Stage
    seconds: float
    requests: int

    @property
    def breaks_budget(self) -> bool:
        """Return whether it took longer than it may."""
        return self.seconds > BUDGETS[self.stage].max_seconds


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """One stage of one source over several runs; seconds are those of each run's slowest request."""

    org_id: str
    source: str
    stage: Stage
    runs: int
    median_seconds: float
    p95_seconds: float
    worst_seconds: float
    last_seconds: float
    above_target: int
    breaches: int

    @property
    def budget(self) -> Budget:
        """Return what the stage should and may take."""
        return BUDGETS[self.stage]


def measure_passages(
    passages: Iterable[Passage], *, built_at: dt.datetime, published_at: dt.datetime
) -> tuple[Latency, ...]:
    """Return the slowest passage of each source through each stage into one generation.

    `built_at` is when the build read silver, `published_at` when readers could open its result.
    """
    by_source: dict[tuple[str, str], list[Passage]] = {}
    for passage in passages:
        by_source.setdefault((passage.org_id, passage.source), []).append(passage)
    return tuple(
        Latency(org_id, source, stage, max(seconds), len(seconds))
        for (org_id, source), group in by_source.items()
        for stage, seconds in _by_stage(group, built_at, published_at).items()
    )


def slowest(latencies: Iterable[Latency]) -> tuple[Latency, ...]:
    """Return the slowest of each source and stage, their requests added up."""
    found: dict[tuple[str, str, Stage], Latency] = {}
    for one in latencies:
        key = (one.org_id, one.source, one.stage)
        other = found.get(key, Latency(*key, 0.0, 0))
        seconds = max(one.seconds, other.seconds)
        found[key] = Latency(*key, seconds, one.requests + other.requests)
    return tuple(found.values())


def summarize(latencies: Iterable[Latency]) -> list[LatencySummary]:
    """Return one line per source and stage of measurements that are given oldest first."""
    found: dict[tuple[str, str, Stage], list[float]] = {}
    for one in latencies:
        found.setdefault((one.org_id, one.source, one.stage), []).append(one.seconds)
    order = list(Stage)
    places = sorted(found, key=lambda place: (*place[:2], order.index(place[2])))
    return [_summary(place, found[place]) for place in places]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    assert values
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)) - 1, 0)]


def _by_stage(
    passages: Sequence[Passage], built_at: dt.datetime, published_at: dt.datetime
) -> dict[Stage, list[float]]:
    found: dict[Stage, list[float]] = {stage: [] for stage in Stage}
    for passage in passages:
        for stage, seconds in _durations(passage, built_at, published_at):
            # A clock that was set back must not make up time that was gained.
            found[stage].append(round(max(seconds, 0.0), 3))
    return found


def _durations(
    passage: Passage, built_at: dt.datetime, published_at: dt.datetime
) -> Iterator[tuple[Stage, float]]:
    instants = (passage.asked_at, passage.bronze_at, passage.silver_at, built_at, published_at)
    for stage, (start, end) in zip(Stage, itertools.pairwise(instants), strict=False):
        yield stage, (end - start).total_seconds()
    yield Stage.END_TO_END, (published_at - passage.asked_at).total_seconds()


def _summary(place: tuple[str, str, Stage], seconds: Sequence[float]) -> LatencySummary:
    org_id, source, stage = place
    budget = BUDGETS[stage]
    return LatencySummary(
        org_id,
        source,
        stage,
        runs=len(seconds),
        median_seconds=percentile(seconds, 0.5),
        p95_seconds=percentile(seconds, 0.95),
        worst_seconds=max(seconds),
        last_seconds=seconds[-1],
        above_target=sum(one > budget.target_seconds for one in seconds),
        breaches=sum(one > budget.max_seconds for one in seconds),
    )
