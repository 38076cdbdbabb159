"""What each check of health looks at, and what it calls a warning or a failure.

A warning may pass by itself or has time; a failure waits for a person. Pure.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from tactics.analytics.freshness import SourceAge
from tactics.analytics.health import CheckState, Health, HealthCheck, command_in
from tactics.analytics.latency import BUDGETS, Latency, Stage
from tactics.analytics.spoken import bytes_told, instant, iso, listed, plural, since, span
from tactics.analytics.vitals import CredentialAge, LastRun, OpenBreaker, SourceTrouble, Vitals
from tactics.model import RunStatus

if TYPE_CHECKING:
    from tactics.config import HealthSettings

Check: TypeAlias = "Callable[[Vitals, HealthSettings], Iterator[HealthCheck]]"

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL
CREDENTIAL_CODES = {"credential_error", "credential_expired"}
ACCESS_CODES = {"permission_denied"}
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
LARGE_WAL_BYTES = 512 * 2**20
HEARTBEAT_WARN, HEARTBEAT_FAIL = dt.timedelta(minutes=2), dt.timedelta(minutes=10)
QUOTA_WARN = 0.9
_LONGEST = 300


def assess(vitals: Vitals, limits: "HealthSettings") -> Health:
    """Return how everything stands: the worst of all checks."""
    checks = [line for check in CHECKS for line in check(vitals, limits)]
    return Health.of(checks, vitals.now)


def check_last_run(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:
    """Yield how the last run ended, how long ago, and which sources failed when last asked."""
    run = vitals.last_run
    if vitals.running and not vitals.running_alive:
        reason = (
            f"a {vitals.running.command} was cut off before its end; the next goes on from there"
        )
        yield HealthCheck("last_run", WARN, reason, "tactics sync")
    elif run is None:
        going = vitals.running is not None
        reason = "the first sync is going on" if going else "nothing was ever synced here"
        yield HealthCheck(
            "last_run", OK if going else WARN, reason, "" if going else "tactics sync"
        )
    else:
        yield _ended(run, vitals, dt.timedelta(hours=limits.sync_hours))
    yield from _failed_sources(vitals)


def _ended(run: LastRun, vitals: Vitals, allowed: dt.timedelta) -> HealthCheck:
    ended_at = run.ended_at or run.began_at
    ago = since(ended_at, vitals.now)
    facts = {"run_id": run.run_id, "status": run.status.value}
    if run.cut_off:
        reason = f"the last {run.command} was cut off {ago} ago; the next goes on from there"
        return HealthCheck("last_run", WARN, reason, "tactics sync", facts=facts)
    if run.status is RunStatus.FAILED:
        reason = _short(f"the last {run.command} failed {ago} ago: {run.problem or 'see the run'}")
        return HealthCheck("last_run", FAIL, reason, "tactics runs show", facts=facts)
    if vitals.now - ended_at > allowed and vitals.running is None:
        reason = f"no run has ended for {ago}"
        return HealthCheck("last_run", WARN, reason, "tactics sync", facts=facts)
    if run.status is RunStatus.HALTED:
        reason = f"the last {run.command} was halted by DataGuard {ago} ago"
        return HealthCheck("last_run", WARN, reason, "tactics validate", facts=facts)
    going = "; another is going on" if vitals.running else ""
    reason = f"the last {run.command} ended {ago} ago ({run.status}){going}"
    return HealthCheck("last_run", OK, reason, facts=facts)


def _failed_sources(vitals: Vitals) -> Iterator[HealthCheck]:
    for trouble in vitals.troubles:
        if trouble.code not in CREDENTIAL_CODES | ACCESS_CODES:
            name = f"{trouble.org_id}/{trouble.source}"
            reason = _short(f"{name} failed when it was last asked: {trouble.message}")
            command = command_in(trouble.hint) or _sync(trouble.org_id, trouble.source)
            facts = {"code": trouble.code}
            yield HealthCheck("last_run", WARN, reason, command, subject=name, facts=facts)


def check_config(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001 (one signature for all)
    """Yield the sources whose configuration their connector refuses."""
    for trouble in vitals.unreadable:
        name = f"{trouble.org_id}/{trouble.source}"
        reason = _short(f"the configuration of {name} is refused: {trouble.message}")
        yield HealthCheck("config", FAIL, reason, "tactics doctor", subject=name)


def check_freshness(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:
    """Yield the sources whose newest data should have come by now, and why; one line if none is late."""
    lines = [_freshness(age, vitals.now, limits.stale_fail_hours * 3600) for age in vitals.sources]
    behind = [_explained(line, vitals.troubles) for line in lines if line.state is not OK]
    yield from behind
    if not behind:
        number = plural(len(lines), "source")
        reason = f"{number} up to date" if lines else "no source is configured"
        yield HealthCheck("freshness", OK, reason)


def _freshness(age: SourceAge, now: dt.datetime, fail_seconds: float) -> HealthCheck:
    name, held = f"{age.org_id}/{age.source}", age.worst.held
    command = _sync(age.org_id, age.source)
    late = age.worst.late_seconds(now)
    if age.worst.data_at is None:
        return HealthCheck("freshness", WARN, f"{name} has no data yet", command, subject=name)
    facts = {"data_at": iso(age.worst.data_at), "late_seconds": max(round(late), 0)}
    ends = f"the data of {name} ends {instant(age.worst.data_at)} ({held.stream})"
    if late > 0:
        hole = ", where days are missing" if age.worst.has_hole else ""
        reason = f"{ends}{hole}; newer has been due for {span(late)}"
        state = FAIL if late > fail_seconds else WARN
        return HealthCheck("freshness", state, reason, command, subject=name, facts=facts)
    if age.missing:
        reason = f"{plural(age.missing, 'stream')} of {name} without data yet"
        return HealthCheck("freshness", WARN, reason, command, subject=name, facts=facts)
    return HealthCheck("freshness", OK, ends, subject=name, facts=facts)


def _explained(line: HealthCheck, troubles: Sequence[SourceTrouble]) -> HealthCheck:
    """Return the line with what the source said when it was last asked, and what mends that."""
    mine = (one for one in troubles if f"{one.org_id}/{one.source}" == line.subject)
    trouble = next(mine, None)
    if trouble is None:
        return line
    told = (line.reason, trouble.message, trouble.hint)
    return replace(line, reason=_short("; ".join(part for part in told if part)))


def check_quality(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield the last DataGuard report: what halts is a failure, what it only reports is not."""
    guard = vitals.guard
    if guard is None:
        yield HealthCheck("quality", OK, "DataGuard has not run yet")
        return
    ago = since(guard.at, vitals.now)
    facts = {"errors": guard.errors, "warnings": guard.warnings}
    if guard.halted_orgs:
        orgs = listed(list(guard.halted_orgs))
        why = f": {guard.first_error}" if guard.first_error else ""
        reason = _short(f"DataGuard halted {orgs} {ago} ago, the reports are as before{why}")
        yield HealthCheck("quality", FAIL, reason, "tactics validate", facts=facts)
        return
    found = (
        f"{plural(guard.warnings, 'warning')}, nothing halts" if guard.warnings else "no finding"
    )
    command = "tactics validate" if guard.warnings else ""
    yield HealthCheck("quality", OK, f"{found} ({ago} ago)", command, facts=facts)


def check_auth(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:
    """Yield credentials that were refused, rights that are missing, and lives that run out."""
    lines = [*_refused(vitals), *_dying(vitals, limits.credential_days)]
    yield from lines
    if not lines:
        yield HealthCheck("auth", OK, "no credential was refused")


def _refused(vitals: Vitals) -> Iterator[HealthCheck]:
    for trouble in vitals.troubles:
        name = f"{trouble.org_id}/{trouble.source}"
        facts = {"code": trouble.code}
        if trouble.code in CREDENTIAL_CODES:
            reason = _short(f"the credential of {name} is refused: {trouble.message}")
            command = command_in(trouble.hint) or "tactics auth list"
            yield HealthCheck("auth", FAIL, reason, command, subject=name, facts=facts)
        elif trouble.code in ACCESS_CODES:
            reason = _short(f"the credential of {name} may not read all of it: {trouble.message}")
            command = f"tactics sources check --org {trouble.org_id} --source {trouble.source}"
            yield HealthCheck("auth", WARN, reason, command, subject=name, facts=facts)


def _dying(vitals: Vitals, warn_days: int) -> Iterator[HealthCheck]:
    for one in vitals.credentials:
        left = one.first_used_at + dt.timedelta(days=one.lives_days) - vitals.now
        if left <= dt.timedelta(days=warn_days):
            yield _dying_line(one, left)


def _dying_line(one: CredentialAge, left: dt.timedelta) -> HealthCheck:
    name = f"{one.org_id}/{one.source}"
    ends = (
        f"ends in {span(left.total_seconds())}" if left > dt.timedelta(0) else "should have ended"
    )
    reason = f"{one.name} of {name} {ends}: it lives {one.lives_days} days at most"
    facts = {"credential": one.name, "days_left": left.days}
    return HealthCheck("auth", WARN, reason, one.command, subject=f"{name}/{one.name}", facts=facts)


def check_breakers(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield the breakers that are not closed; one in front of our own storage is a failure."""
    for breaker in vitals.breakers:
        yield _breaker(breaker, vitals.now)
    if not vitals.breakers:
        yield HealthCheck("breakers", OK, "all breakers are closed")


def _breaker(breaker: OpenBreaker, now: dt.datetime) -> HealthCheck:
    is_open = breaker.until is not None and breaker.until > now
    until = f"open until {instant(breaker.until)}" if breaker.until else "open"
    stands = until if is_open else "open until the next call that succeeds"
    reason = _short(f"{breaker.name} is {stands}: {breaker.reason}")
    command = f"tactics breakers reset {breaker.name}" if is_open else "tactics sync"
    state = FAIL if breaker.is_sink else WARN
    facts = {"until": iso(breaker.until)} if breaker.until else {}
    return HealthCheck("breakers", state, reason, command, subject=breaker.name, facts=facts)


def check_queue(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:
    """Yield how many writes wait for a retry, and for how long the oldest has."""
    waiting = sum(queue.waiting for queue in vitals.queues)
    oldest = min((q.oldest_waiting_at for q in vitals.queues if q.oldest_waiting_at), default=None)
    if not waiting or oldest is None:
        yield HealthCheck("queue", OK, "no write waits for a retry", facts={"waiting": 0})
        return
    seconds = (vitals.now - oldest).total_seconds()
    told = f"{plural(waiting, 'write')} waiting for a retry, the oldest for {span(seconds)}"
    facts = {"waiting": waiting, "oldest_seconds": round(seconds)}
    late = seconds > limits.queue_warn_minutes * 60
    state = FAIL if seconds > limits.queue_fail_hours * 3600 else WARN if late else OK
    yield HealthCheck("queue", state, told, "tactics queue flush", facts=facts)


def check_backlog(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield the stages that are behind for longer than the whole way may take."""
    allowed = BUDGETS[Stage.END_TO_END].max_seconds
    behind = [one for one in vitals.backlog if one.events and one.oldest_at]
    for one in behind:
        seconds = (vitals.now - (one.oldest_at or vitals.now)).total_seconds()
        reason = (
            f"{one.stage} has {plural(one.events, 'event')} to do, the oldest for {span(seconds)}"
        )
        facts = {"events": one.events, "oldest_seconds": round(seconds)}
        late = seconds > allowed
        state, command = (WARN, "tactics sync --offline") if late else (OK, "")
        yield HealthCheck("backlog", state, reason, command, subject=one.stage, facts=facts)
    if not behind:
        yield HealthCheck("backlog", OK, "every stage has done what there was to do")


def check_dead_letters(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield how many dead letters there are."""
    dead = sum(queue.dead for queue in vitals.queues)
    facts = {"dead_letters": dead}
    if not dead:
        yield HealthCheck("dead_letters", OK, "no dead letters", facts=facts)
        return
    last = f", the newest of them {vitals.last_dead}" if vitals.last_dead else ""
    reason = f"{plural(dead, 'dead letter')}{last}"
    yield HealthCheck("dead_letters", WARN, reason, "tactics dlq list", facts=facts)


def check_latency(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield the sources whose data last took longer than it may, with the stage to blame."""
    broken: dict[str, Latency] = {}
    for one in vitals.latencies:
        name = f"{one.org_id}/{one.source}"
        if one.breaks_budget and _excess(one) > _excess(broken.get(name)):
            broken[name] = one
    for name, one in broken.items():
        stage = one.stage.value.replace("_", " ")
        allowed = span(BUDGETS[one.stage].max_seconds)
        reason = f"{name} took {span(one.seconds)} {stage}, at most {allowed} are allowed"
        facts = {"stage": one.stage.value, "seconds": one.seconds}
        command = "tactics report latency"
        yield HealthCheck("latency", WARN, reason, command, subject=name, facts=facts)
    if not broken:
        measured = "within the budget" if vitals.latencies else "nothing was measured yet"
        yield HealthCheck("latency", OK, measured)


def _excess(latency: Latency | None) -> float:
    return 0.0 if latency is None else latency.seconds / BUDGETS[latency.stage].max_seconds


def check_quota(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield the vendors' daily limits that today may not suffice for."""
    for quota in vitals.quotas:
        share = quota.forecast / quota.limit
        if share > QUOTA_WARN:
            name = f"{quota.org_id}/{quota.source}"
            told = f"{quota.used:,} of {quota.limit:,} calls of the day"
            reason = f"{name} has used {told}, {quota.forecast:,} are forecast"
            facts = {"used": quota.used, "limit": quota.limit, "forecast": quota.forecast}
            command = "tactics report cost"
            yield HealthCheck("quota", WARN, reason, command, subject=name, facts=facts)


def check_disk(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:
    """Yield how much the home's file system can still take."""
    free = vitals.disk_free_bytes
    warn = WARN if free < limits.disk_warn_bytes else OK
    state = FAIL if free < limits.disk_fail_bytes else warn
    of = f" of {bytes_told(vitals.disk_total_bytes)}" if vitals.disk_total_bytes else ""
    reason = f"{bytes_told(free)}{of} free"
    command = "" if state is OK else "tactics report cost"  # says which table holds how much
    yield HealthCheck("disk", state, reason, command, facts={"free_bytes": free})


def check_clock(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield whether the clock stands before what the store has already seen.

    Only a clock that went back can be known here: vendors' clocks are not kept.
    """
    newest = vitals.newest_at
    if newest is not None and newest - vitals.now > CLOCK_TOLERANCE:
        seconds = (newest - vitals.now).total_seconds()
        reason = f"the clock is {span(seconds)} behind what the store has seen ({instant(newest)})"
        yield HealthCheck("clock", FAIL, reason, "tactics doctor")
    else:
        yield HealthCheck("clock", OK, instant(vitals.now))


def check_store(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield how large tactics.db and its log are."""
    told = f"tactics.db {bytes_told(vitals.store_bytes)}, its log {bytes_told(vitals.wal_bytes)}"
    facts = {"store_bytes": vitals.store_bytes, "wal_bytes": vitals.wal_bytes}
    if vitals.wal_bytes > LARGE_WAL_BYTES:
        reason = f"{told}: the log does not shrink, something keeps it open"
        yield HealthCheck("store", WARN, reason, "tactics doctor", facts=facts)
    else:
        yield HealthCheck("store", OK, told, facts=facts)


def check_daemon(vitals: Vitals, limits: "HealthSettings") -> Iterator[HealthCheck]:  # noqa: ARG001
    """Yield whether the daemon still beats, where one has ever run."""
    if vitals.heartbeat_at is None:
        return
    silent = vitals.now - vitals.heartbeat_at
    state = FAIL if silent > HEARTBEAT_FAIL else WARN if silent > HEARTBEAT_WARN else OK
    reason = f"the daemon's last heartbeat was {span(silent.total_seconds())} ago"
    command = "" if state is OK else "tactics service status"
    facts = {"silent_seconds": round(silent.total_seconds())}
    yield HealthCheck("daemon", state, reason, command, facts=facts)


def _sync(org_id: str, source: str) -> str:
    return f"tactics sync --org {org_id} --source {source}"


def _short(reason: str) -> str:
    reason = " ".join(reason.split())
    return reason if len(reason) <= _LONGEST else reason[: _LONGEST - 1] + "…"


CHECKS: tuple[Check, ...] = (
    check_last_run,
    check_config,
    check_freshness,
    check_quality,
    check_auth,
    check_breakers,
    check_queue,
    check_backlog,
    check_dead_letters,
    check_latency,
    check_quota,
    check_disk,
    check_clock,
    check_store,
    check_daemon,
)
