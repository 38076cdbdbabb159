"""Gathers what data takes on its way: time for each stage, calls, CPU time and bytes.

Computes nothing that `tactics.analytics` can; loads no engine.
"""

import datetime as dt
import os
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tactics.analytics import (
    Calls,
    Cost,
    Latency,
    LatencySummary,
    Passage,
    QuotaUse,
    Stage,
    Stored,
    add_up,
    forecast_quota,
    measure_passages,
    share_cpu,
    slowest,
    summarize,
)
from tactics.config import Settings
from tactics.connectors import DailyQuota, find_connector
from tactics.errors import ConfigError
from tactics.home import Home
from tactics.model import TOPIC_READY
from tactics.pipeline.held import Held
from tactics.pipeline.result import PipelineResult
from tactics.pipeline.scope import Scope
from tactics.store import RunLatency, RunSource, Store

CONSUMER = "latency"  # of gold.data.ready: a generation is measured once, also after a crash
QUOTA_DAYS = 8  # today, and what a usual day takes


def cpu_seconds() -> float:
    """Return the CPU time that this process has taken so far, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure_latency(store: Store) -> tuple[Latency, ...]:
    """Return how long the data took that was published since the last time, and remember that.

    Must be asked before the log is pruned: the way of a request is read from its events.
    """
    found: list[Latency] = []
    for generation in store.history.unmeasured(CONSUMER):
        if generation.built_at is not None:
            passages = (
                Passage(one.org_id, one.source, one.asked_at, one.bronze_at, one.silver_at)
                for one in store.history.passages(generation)
            )
            built, published = generation.built_at, generation.published_at
            found += measure_passages(passages, built_at=built, published_at=published)
        store.bus.acknowledge(TOPIC_READY, CONSUMER, generation.seq)
    return slowest(found)


def record_run(store: Store, result: PipelineResult) -> None:
    """Keep what a run says of its sources where health and the reports find it quickly."""
    received: Counter[tuple[str, str]] = Counter()
    for receipt in result.receipts:
        received[receipt.key.org_id, receipt.key.source] += receipt.received
    asked = {(one.org_id, one.source): one for one in result.sources}
    shares = share_cpu(result.cpu_seconds, {key: received[key] for key in asked})
    sources = [
        RunSource(
            *key,
            one.outcome.value,
            tuple(asdict(problem) for problem in one.problems),
            received[key],
            round(shares[key], 3),
        )
        for key, one in asked.items()
    ]
    latencies = [
        RunLatency(one.org_id, one.source, one.stage.value, one.seconds, one.requests)
        for one in result.latency
    ]
    store.history.record(result.run_id, sources, latencies)


def read_latency(store: Store, now: dt.datetime, *, days: int) -> list[LatencySummary]:
    """Return what the runs of the last days have measured, by source and stage."""
    return summarize(
        Latency(one.org_id, one.source, Stage(one.stage), one.seconds, one.requests)
        for one in store.history.latencies(now - dt.timedelta(days=days))
    )


def read_cost(held: Held, now: dt.datetime, *, days: int) -> Cost:
    """Return what the last days took (today is the last of them), and what is stored now."""
    since = now.astimezone(dt.UTC).date() - dt.timedelta(days=days - 1)
    began = dt.datetime.combine(since, dt.time(), dt.UTC)
    cpu = held.store.history.cpu_seconds(began)
    sources = add_up(_calls(held.store, since), cpu, read_quotas(held, now))
    return Cost(since, sources, tuple(stored_bytes(held.home)))


def read_totals(held: Held, now: dt.datetime) -> Cost:
    """Return the calls of all times, the quotas of today, and what is stored; runs are left out."""
    sources = add_up(_calls(held.store, dt.date.min), {}, read_quotas(held, now))
    return Cost(dt.date.min, sources, tuple(stored_bytes(held.home)))


def read_quotas(held: Held, now: dt.datetime) -> dict[tuple[str, str], QuotaUse]:
    """Return the use of every daily limit that is known, by connection."""
    limits = _quotas(held.settings)
    counted: dict[tuple[str, str], Counter[dt.date]] = {key: Counter() for key in limits}
    since = now.astimezone(dt.UTC).date() - dt.timedelta(days=QUOTA_DAYS - 1)
    for one in held.store.history.daily_calls(since) if limits else ():
        key = (one.org_id, one.source)
        if key in limits and limits[key].counts(one.endpoint):
            counted[key][one.day] += one.calls
    return {key: forecast_quota(quota.calls, counted[key], now) for key, quota in limits.items()}


def stored_bytes(home: Home) -> Iterator[Stored]:
    """Yield what lies on the disk: the store, each lake table by organisation, gold."""
    store = sum(_size(path) for path in home.root.glob(f"{home.database.name}*"))
    yield Stored("store", home.database.name, None, store)
    warehouse = home.lake / "warehouse"
    for folder in sorted(path for path in warehouse.glob("*/*") if path.is_dir()):
        yield from _lake_table(folder)
    catalog = sum(_size(path) for path in home.lake.glob("catalog.db*"))
    yield Stored("lake", "catalog.db", None, catalog)
    yield Stored("gold", "generations", None, _size_below(home.gold))


def _lake_table(folder: Path) -> Iterator[Stored]:
    """Yield a table's data files by organisation, and what else it takes."""
    name, data = f"{folder.parent.name}.{folder.name}", folder / "data"
    orgs = sorted(path for path in data.iterdir() if path.is_dir()) if data.is_dir() else []
    for org in orgs:
        yield Stored("lake", name, org.name, _size_below(org))
    rest = _size_below(folder) - sum(_size_below(org) for org in orgs)
    yield Stored("lake", name, None, rest)


def _calls(store: Store, since: dt.date) -> Iterator[Calls]:
    for one in store.history.daily_calls(since):
        yield Calls(
            one.org_id,
            one.source,
            one.calls,
            one.failed,
            one.retries,
            one.received_bytes,
            one.seconds,
        )


def _quotas(settings: Settings) -> dict[tuple[str, str], DailyQuota]:
    """Return the daily limits of the enabled sources; health tells of one that has no connector."""
    found = {}
    for chosen in Scope().chosen(settings):
        try:
            quota = find_connector(chosen.kind).manifest.daily_quota
        except ConfigError:
            continue
        if quota is not None:
            found[chosen.org_id, chosen.source] = quota
    return found


def _size_below(folder: Path) -> int:
    return sum(_size(Path(place) / name) for place, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    """Return what a file takes; one that a sweep has just removed takes nothing."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
