"""What past runs, calls and events tell of health, latency and cost.

Judges nothing: what is late or dear is decided in analytics.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_READY
from tactics.sql import load_statements
from tactics.store.codec import from_instant, from_optional_instant, to_instant
from tactics.store.database import Database

LAST_RUNS = 300  # as far back as the last word on a source is looked for: days of a busy home

_SQL = load_statements("tactics.store", "history.sql")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a consumer of a topic has yet to do."""

    topic: str
    consumer: str
    events: int
    oldest_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PublishedGeneration:
    """One event of `gold.data.ready`; `after_seq` is the one before it in the log."""

    seq: int
    after_seq: int
    built_at: dt.datetime | None
    published_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RequestPassage:
    """When one request was asked, lay in bronze, and lay in silver."""

    org_id: str
    source: str
    asked_at: dt.datetime
    bronze_at: dt.datetime
    silver_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RunLatency:
    """How long the slowest of a source's `requests` took through one stage in one run."""

    org_id: str
    source: str
    stage: str
    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class RunSource:
    """How a source fared in one run, and its share of it; `problems` as in the run's result."""

    org_id: str
    source: str
    outcome: str
    problems: tuple[dict[str, Any], ...] = ()
    received: int = 0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """The calls of one UTC day to one endpoint; `failed` are those without a 2xx answer."""

    day: dt.date
    org_id: str
    source: str
    endpoint: str
    calls: int
    failed: int
    retries: int
    received_bytes: int
    seconds: float


class History:
    """Questions about the past that more than one part of the store has to answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_at(self) -> dt.datetime | None:
        """Return the latest instant that the log or the runs have seen."""
        (text,) = self._database.read(_SQL["newest_instants"])[0]
        return from_optional_instant(text)

    def backlog(self, topic: str, consumer: str) -> Backlog:
        """Return what `consumer` has yet to do."""
        parameters = {"topic": topic, "consumer": consumer}
        events, oldest = self._database.read(_SQL["backlog"], parameters)[0]
        return Backlog(topic, consumer, events, from_optional_instant(oldest))

    def unmeasured(self, consumer: str) -> list[PublishedGeneration]:
        """Return the published generations that `consumer` has not acknowledged, oldest first."""
        parameters = {"topic": TOPIC_READY, "consumer": consumer}
        rows = self._database.read(_SQL["unmeasured"], parameters)
        return [
            PublishedGeneration(seq, after, _instant_of(built), from_instant(published))
            for seq, after, built, published in rows
        ]

    def passages(self, generation: PublishedGeneration) -> list[RequestPassage]:
        """Return the way of every request that a generation shows, as far as the log still has it."""
        parameters = {
            "processed": TOPIC_PROCESSED,
            "cleaned": TOPIC_CLEANED,
            "seq": generation.seq,
            "after_seq": generation.after_seq,
        }
        rows = self._database.read(_SQL["passages"], parameters)
        return [
            RequestPassage(org_id, source, *map(from_instant, instants))
            for org_id, source, *instants in rows
        ]

    def record(
        self, run_id: str, sources: Iterable[RunSource], latencies: Iterable[RunLatency]
    ) -> None:
        """Keep what a run has to tell of its sources, for as long as the run is kept."""
        asked = [
            (
                run_id,
                one.org_id,
                one.source,
                one.outcome,
                json.dumps(one.problems),
                one.received,
                one.cpu_seconds,
            )
            for one in sources
        ]
        measured = [
            (run_id, one.org_id, one.source, one.stage, one.seconds, one.requests)
            for one in latencies
        ]
        with self._database.transaction():
            self._database.write_many(_SQL["record_source"], asked)
            self._database.write_many(_SQL["record_latency"], measured)

    def latencies(self, since: dt.datetime) -> list[RunLatency]:
        """Return what the runs since then have measured, oldest first."""
        rows = self._database.read(_SQL["latencies"], {"since": to_instant(since)})
        return [RunLatency(*row) for row in rows]

    def last_latencies(self) -> list[RunLatency]:
        """Return the newest measurements of each source, of the last 300 runs."""
        rows = self._database.read(_SQL["last_latencies"], {"runs": LAST_RUNS})
        return [RunLatency(*row) for row in rows]

    def last_outcomes(self) -> list[RunSource]:
        """Return how each source fared when one of the last 300 runs asked it."""
        rows = self._database.read(_SQL["last_outcomes"], {"runs": LAST_RUNS})
        return [
            RunSource(org_id, source, outcome, tuple(json.loads(problems)), received, cpu)
            for org_id, source, outcome, problems, received, cpu in rows
        ]

    def last_guard(self) -> tuple[dict[str, Any], dt.datetime] | None:
        """Return the newest report of DataGuard and when that run began."""
        row = self._database.read_one(_SQL["last_guard"])
        return None if row is None else (json.loads(row[0]), from_instant(row[1]))

    def cpu_seconds(self, since: dt.datetime) -> dict[tuple[str, str], float]:
        """Return the CPU time of each connection in the runs since then."""
        rows = self._database.read(_SQL["total_cpu"], {"since": to_instant(since)})
        return {(org_id, source): float(seconds) for org_id, source, seconds in rows}

    def daily_calls(self, since: dt.date) -> list[DailyCalls]:
        """Return the calls since that UTC day, inclusive."""
        rows = self._database.read(_SQL["daily_calls"], {"since": since.isoformat()})
        return [DailyCalls(dt.date.fromisoformat(row[0]), *row[1:]) for row in rows]


def _instant_of(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
