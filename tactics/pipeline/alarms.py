"""What is worth telling a person, seen from the end of a run; and which old trouble is over.

Health judges how everything stands; here is decided which of it is told, and under which key.
Decides, and does nothing: values in, values out. Telling is in `notify.py`.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tactics.analytics import CheckState, Health, HealthCheck
from tactics.errors import ContractChanged, FieldRejected, SliceTooLarge
from tactics.model import Alert, AlertSeverity
from tactics.pipeline.result import Outcome, PipelineResult, SourceOutcome

SUNSET_DAYS = 60
SUNSET_CRITICAL_DAYS = 7

WARN, FAIL = CheckState.WARN, CheckState.FAIL


@dataclass(frozen=True, slots=True)
class Watched:
    """One enabled source: what its vendor's API is, and the command that renews its credential."""

    org_id: str
    source: str
    title: str
    api_version: str
    sunset: dt.date | None
    renew: str

    @property
    def name(self) -> str:
        """Return `acme/meta`."""
        return f"{self.org_id}/{self.source}"


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is looked at: the run that has ended, health, and what neither of them counts."""

    result: PipelineResult
    health: Health
    watched: tuple[Watched, ...] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)  # by error type


class _Telling(NamedTuple):
    """From which state on a check of health is told, and its title; `{0}` is what it is about."""

    least: CheckState
    title: str
    failing: str = ""  # the title of a failure, where that is another matter


# The other checks are for those who look: what they warn of has time, or is told by a rule below.
TOLD = {
    "last_run": _Telling(FAIL, "the last run failed"),
    "config": _Telling(FAIL, "the configuration of {0} is refused"),
    "freshness": _Telling(WARN, "{0} is stale"),
    "auth": _Telling(WARN, "the credential of {0} wants a look", "{0} cannot sign in"),
    "breakers": _Telling(WARN, "{0} is open"),
    "queue": _Telling(FAIL, "writes have waited too long for their retry"),
    "latency": _Telling(WARN, "{0} is slow"),
    "disk": _Telling(WARN, "the disk of the home is nearly full"),
    "clock": _Telling(FAIL, "the clock of this machine is wrong"),
    "store": _Telling(FAIL, "the store cannot be read"),
    "daemon": _Telling(FAIL, "the daemon has missed its heartbeat"),
}
_SEVERITIES = {WARN: AlertSeverity.WARNING, FAIL: AlertSeverity.CRITICAL}
RULES = frozenset({*TOLD, "version_sunset", "dead_letters", "quality", "refused"})
# Trying again does not help; permissions are told as `auth`.
REFUSALS = frozenset({ContractChanged.code, FieldRejected.code, SliceTooLarge.code})


def alerts_of(seen: Observed) -> list[Alert]:
    """Return everything that is the matter now; of each key the worst, which health lists first."""
    found: dict[str, Alert] = {}
    rules = (_of_health, _sunsets, _refusals, _dead_letters, _halts)
    for alert in itertools.chain.from_iterable(rule(seen) for rule in rules):
        found.setdefault(alert.key, alert)
    return list(found.values())


def keys_over(seen: Observed, open_keys: Iterable[str], alerts: Iterable[Alert]) -> list[str]:
    """Return the open alerts that were looked for and not found any more; others' are left alone."""
    lasting = {alert.key for alert in alerts}
    return [key for key in open_keys if key not in lasting and _judged(seen, key)]


def _judged(seen: Observed, key: str) -> bool:
    rule = key.partition(":")[0]
    if rule == "quality":
        return bool(seen.result.guard)
    if rule == "refused":
        return key in {f"refused:{one.org_id}/{one.source}" for one in _asked(seen)}
    # Of a store that could not be read, health knows nothing but that; else it knows the clock.
    return rule in RULES and seen.health.find("clock") is not None


def _of_health(seen: Observed) -> Iterator[Alert]:
    sources = {one.name: one for one in seen.watched}
    for check in seen.health.checks:
        telling = TOLD.get(check.name)
        if telling is None or check.severity < _severity(telling.least):
            continue
        about = "/".join(check.subject.split("/")[:2])  # a credential stands behind its source
        source = sources.get(about)
        title = (check.state is FAIL and telling.failing) or telling.title
        yield Alert(
            f"{check.name}:{check.subject}" if check.subject else check.name,
            _SEVERITIES[check.state],
            title.format(about),
            check.reason,
            _command(check, source),
            org_id=source.org_id if source else "",
            source=source.source if source else "",
            facts=dict(check.facts),
        )


def _severity(state: CheckState) -> int:
    return HealthCheck("", state, "").severity


def _command(check: HealthCheck, source: Watched | None) -> str:
    """Return what mends it; for a credential that was refused, the exact command."""
    if check.name == "auth" and check.state is FAIL and source:
        return source.renew
    return check.command


def _sunsets(seen: Observed) -> Iterator[Alert]:
    today = seen.health.checked_at.date()
    versions = {(one.title, one.api_version): one.sunset for one in seen.watched if one.sunset}
    for (title, version), sunset in versions.items():
        days = (sunset - today).days
        if days > SUNSET_DAYS:
            continue
        when = f"in {days} days" if days > 0 else "now"
        urgent = days <= SUNSET_CRITICAL_DAYS
        yield Alert(
            f"version_sunset:{title} {version}",
            AlertSeverity.CRITICAL if urgent else AlertSeverity.WARNING,
            f"{title} API {version} ends on {sunset}",
            f"the vendor stops serving it {when}: install a newer tactics before that",
            "tactics doctor",
            facts={"days": days},
        )


def _refusals(seen: Observed) -> Iterator[Alert]:
    """Yield what a vendor will not answer, however often it is asked: nobody waits until it is stale."""
    for one in _asked(seen):
        problems = [problem for problem in one.problems if problem.code in REFUSALS]
        if not problems:
            continue
        first, name = problems[0], f"{one.org_id}/{one.source}"
        yield Alert(
            f"refused:{name}",
            AlertSeverity.WARNING,
            f"{name} is refused by its vendor",
            "\n".join(filter(None, (first.message, first.hint))),
            f"tactics sources check --org {one.org_id} --source {one.source}",
            org_id=one.org_id,
            source=one.source,
            facts={"error_type": first.code, "streams": len(problems)},
        )


def _asked(seen: Observed) -> Iterator[SourceOutcome]:
    return (one for one in seen.result.sources if one.outcome is not Outcome.OFFLINE)


def _dead_letters(seen: Observed) -> Iterator[Alert]:
    for error_type, count in sorted(seen.dead_letters.items()):
        noun = "dead letter" if count == 1 else "dead letters"
        yield Alert(
            f"dead_letters:{error_type}",
            AlertSeverity.WARNING,
            f"{count} {noun}: {error_type}",
            "kept until somebody brings them home or gives them up",
            f"tactics dlq list --error-type {error_type}",
            facts={"error_type": error_type, "count": count},
        )


def _halts(seen: Observed) -> Iterator[Alert]:
    for finding in seen.result.guard.get("findings", ()):
        if finding["severity"] != "error":
            continue
        check, org_id, rows = finding["check"], finding["org_id"], finding["rows"]
        told = f"{finding['message']}: {rows} rows. The last good numbers are served."
        yield Alert(
            f"quality:{org_id}/{check}",
            AlertSeverity.CRITICAL,
            f"DataGuard holds {org_id} back: {check}",
            f"{told}\n{finding['hint']}",
            "tactics validate",
            org_id=org_id,
            facts={"check": check, "rows": rows},
        )
