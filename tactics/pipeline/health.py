"""Gathers what health is judged by, from the store and the home alone: no engine is loaded.

Judges nothing; `tactics.analytics` does.
"""

import datetime as dt
import fcntl
import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tactics.analytics import (
    CheckState,
    CredentialAge,
    GuardVerdict,
    Health,
    HealthCheck,
    HeldStream,
    LastRun,
    Latency,
    OpenBreaker,
    QuotaState,
    SourceTrouble,
    Stage,
    StageBacklog,
    StageQueue,
    Vitals,
    ages_by_source,
    assess,
    command_in,
    render,
)
from tactics.config import Settings
from tactics.connectors import Connector, StreamSpec, find_connector, options_of
from tactics.errors import ConfigError, TacticsError
from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_RAW, RunStatus, StreamKey
from tactics.pipeline.cost import read_quotas, read_totals
from tactics.pipeline.held import Held
from tactics.pipeline.scope import Chosen, Scope
from tactics.store import (
    BreakerState,
    DeadLetterFilter,
    JobState,
    Run,
    RunSource,
    Store,
    Watermark,
)

STAGE_TOPICS = {"bronze": TOPIC_RAW, "silver": TOPIC_CLEANED, "gold": TOPIC_PROCESSED}
WAITING = {JobState.AVAILABLE, JobState.SCHEDULED, JobState.RUNNING, JobState.RETRYABLE}
LAST_RUNS = 20
_DAY = dt.timedelta(days=1)
_WORST_FIRST = {"credential_error": 0, "credential_expired": 0, "permission_denied": 1}


def read_health(held: Held, now: dt.datetime) -> Health:
    """Return how everything stands; a store that cannot be read is the one failure that is told."""
    try:
        vitals = read_vitals(held, now)
    except TacticsError as error:
        return unreadable_health(error, now)
    return assess(vitals, held.settings.health)


def unreadable_health(error: TacticsError, now: dt.datetime) -> Health:
    """Return the health of a home whose store says `error`."""
    reason, command = f"the store cannot be read: {error}", command_in(error.hint)
    facts = {"code": error.code}
    check = HealthCheck("store", CheckState.FAIL, reason, command or "tactics doctor", facts=facts)
    return Health.of([check], now)


def read_metrics(held: Held, now: dt.datetime) -> str:
    """Return health, latency and cost as Prometheus reads them."""
    try:
        vitals, cost = read_vitals(held, now), read_totals(held, now)
    except TacticsError as error:
        return render(unreadable_health(error, now))
    return render(assess(vitals, held.settings.health), vitals, cost)


def read_vitals(held: Held, now: dt.datetime) -> Vitals:
    """Return everything that health is judged by.

    Raises:
        TacticsError: the store cannot be read.
    """
    store, sources = held.store, list(Scope().chosen(held.settings))
    readable, unreadable = _sort_out(sources)
    disk, file = shutil.disk_usage(held.home.root), store.health()
    last_run, running = _runs(store)
    dead = store.jobs.list_dead(DeadLetterFilter(limit=1))
    return Vitals(
        now=now,
        last_run=last_run,
        running=running,
        running_alive=running is not None and is_held(held.home.lock),
        sources=ages_by_source(_held_streams(held, readable), now),
        troubles=tuple(_troubles(store, sources)),
        unreadable=tuple(unreadable),
        guard=_guard(store),
        credentials=tuple(_credentials(held, readable)),
        breakers=tuple(_breakers(store)),
        queues=tuple(_queues(store)),
        backlog=tuple(_backlog(store)),
        last_dead=dead[0].error_type if dead else "",
        latencies=tuple(_latencies(store, sources)),
        quotas=tuple(
            QuotaState(*key, use.limit, use.used, use.forecast)
            for key, use in read_quotas(held, now).items()
        ),
        disk_free_bytes=disk.free,
        disk_total_bytes=disk.total,
        wal_bytes=file.wal_bytes,
        store_bytes=file.file_bytes,
        newest_at=store.history.newest_at(),
        heartbeat_at=_heartbeat_at(store),
    )


def expected_every(settings: Settings) -> dt.timedelta:
    """Return how often a source is expected to be synced."""
    return dt.timedelta(hours=settings.health.sync_hours)


def is_held(lock: Path) -> bool:
    """Return whether a living process holds the commit lock; it is not taken from anybody.

    The kernel is asked, not the process id in the file: that may long be somebody else's.
    """
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@dataclass(frozen=True, slots=True)
class _Readable:
    """A source with its connector and the streams that its options choose."""

    chosen: Chosen
    connector: Connector
    streams: Sequence[StreamSpec]


def _sort_out(sources: Sequence[Chosen]) -> tuple[list[_Readable], list[SourceTrouble]]:
    """Return the sources that can be read, and what is wrong with the others."""
    readable, unreadable = [], []
    for chosen in sources:
        try:
            connector = find_connector(chosen.kind)
            streams = connector.streams(options_of(chosen.settings, connector))
        except ConfigError as error:
            facts = (error.code, str(error), error.hint)
            unreadable.append(SourceTrouble(chosen.org_id, chosen.source, *facts))
        else:
            readable.append(_Readable(chosen, connector, streams))
    return readable, unreadable


def _held_streams(held: Held, sources: Sequence[_Readable]) -> Iterator[HeldStream]:
    marks = {mark.key: mark for mark in held.store.coverage.watermarks()}
    every = expected_every(held.settings)
    for source in sources:
        chosen = source.chosen
        for account_id in _accounts(source):
            known = held.store.accounts.get(chosen.org_id, chosen.source, account_id)
            timezone = (known[0].timezone if known else "") or chosen.org.timezone
            for spec in source.streams:
                key = StreamKey(chosen.org_id, chosen.source, account_id, spec.name)
                yield _held_stream(spec, key, marks.get(key), timezone=timezone, every=every)


def _held_stream(
    spec: StreamSpec,
    key: StreamKey,
    mark: Watermark | None,
    *,
    timezone: str,
    every: dt.timedelta,
) -> HeldStream:
    return HeldStream(
        key.org_id,
        key.source,
        key.account_id,
        key.stream,
        by_day=spec.can_miss_days,
        timezone=timezone,
        every=max(every, _DAY) if spec.slicing == "daily" else every,
        settle=dt.timedelta(seconds=spec.settle_seconds),
        through=None if mark is None else mark.closed_through,
        newest_day=None if mark is None else mark.newest_day,
        checked_at=None if mark is None else mark.checked_at,
    )


def _accounts(source: _Readable) -> list[str]:
    """Return the accounts that this source reads itself, as `ingest` shares them out."""
    chosen, manifest = source.chosen, source.connector.manifest
    accounts = list(dict.fromkeys(chosen.settings.accounts or (chosen.source,)))
    if not manifest.global_accounts:
        return accounts
    earlier = itertools.takewhile(lambda item: item[0] != chosen.source, chosen.org.sources.items())
    taken = {
        account_id
        for name, other in earlier
        if other.enabled and (other.kind or name) == manifest.kind
        for account_id in other.accounts
    }
    return [account_id for account_id in accounts if account_id not in taken]


def _heartbeat_at(store: Store) -> dt.datetime | None:
    """Return when the daemon beat last; one that was stopped on purpose is not missed."""
    beat = store.heartbeats.latest()
    return None if beat is None or beat.stopped_at is not None else beat.beat_at


def _runs(store: Store) -> tuple[LastRun | None, LastRun | None]:
    """Return the newest run that has ended and one that has not; validating alone is no run."""
    runs = [run for run in store.runs.list_runs(LAST_RUNS) if run.command != "validate"]
    ended = next((run for run in runs if run.status is not RunStatus.RUNNING), None)
    going = next((run for run in runs if run.status is RunStatus.RUNNING), None)
    return _last_run(ended), _last_run(going)


def _last_run(run: Run | None) -> LastRun | None:
    if run is None:
        return None
    stages = (run.result or {}).get("stages", ())
    problems = [problem for stage in stages for problem in stage.get("problems", ())]
    interrupted = any(problem["code"] == "interrupted" for problem in problems)
    return LastRun(
        run.run_id,
        run.command,
        run.status,
        run.created_at,
        run.finalized_at,
        problem=problems[0]["message"] if problems else "",
        cut_off=interrupted or (run.result is None and run.status is RunStatus.FAILED),
    )


def _troubles(store: Store, sources: Sequence[Chosen]) -> Iterator[SourceTrouble]:
    wanted = {(chosen.org_id, chosen.source) for chosen in sources}
    for last in store.history.last_outcomes():
        if last.outcome == "failed" and (last.org_id, last.source) in wanted:
            yield from _worst_troubles(last)


def _worst_troubles(last: RunSource) -> Iterator[SourceTrouble]:
    """Yield the first problem of each rank: a source with ten accounts is no ten troubles."""
    told: set[int] = set()
    for problem in last.problems:
        rank = _WORST_FIRST.get(problem["code"], 2)
        if rank not in told:
            told.add(rank)
            facts = (problem["code"], problem["message"], problem.get("hint", ""))
            yield SourceTrouble(last.org_id, last.source, *facts)


def _guard(store: Store) -> GuardVerdict | None:
    found = store.history.last_guard()
    if found is None:
        return None
    report, at = found
    errors = [one["message"] for one in report["findings"] if one["severity"] == "error"]
    return GuardVerdict(
        at,
        report["errors"],
        report["warnings"],
        tuple(report["halted_orgs"]),
        first_error=errors[0] if errors else "",
    )


def _credentials(held: Held, sources: Sequence[_Readable]) -> Iterator[CredentialAge]:
    for source in sources:
        one, lives = source.chosen, dict(source.connector.manifest.credential_days)
        used = held.store.sightings.first_used(one.org_id, one.source) if lives else {}
        for name in lives.keys() & used.keys():
            command = held.credentials.how_to_renew(one.org_id, one.source, name)
            yield CredentialAge(one.org_id, one.source, name, used[name], lives[name], command)


def _breakers(store: Store) -> Iterator[OpenBreaker]:
    sinks = {f"{stage}_breaker" for stage in STAGE_TOPICS}
    for one in store.breakers.list_all():
        if one.state is not BreakerState.CLOSED:
            yield OpenBreaker(one.name, one.reason, one.open_until, is_sink=one.name in sinks)


def _queues(store: Store) -> Iterator[StageQueue]:
    counts = store.jobs.stats()
    for stage in dict.fromkeys(count.stage for count in counts):
        mine = [count for count in counts if count.stage == stage]
        waiting = [count for count in mine if count.state in WAITING]
        yield StageQueue(
            stage,
            waiting=sum(count.jobs for count in waiting),
            dead=sum(count.jobs for count in mine if count.state is JobState.DISCARDED),
            oldest_waiting_at=min((count.oldest_created_at for count in waiting), default=None),
        )


def _backlog(store: Store) -> Iterator[StageBacklog]:
    for stage, topic in STAGE_TOPICS.items():
        found = store.history.backlog(topic, stage)
        yield StageBacklog(stage, found.events, found.oldest_at)


def _latencies(store: Store, sources: Sequence[Chosen]) -> Iterator[Latency]:
    wanted = {(chosen.org_id, chosen.source) for chosen in sources}
    for one in store.history.last_latencies():
        if (one.org_id, one.source) in wanted:
            yield Latency(one.org_id, one.source, Stage(one.stage), one.seconds, one.requests)
