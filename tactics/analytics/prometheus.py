"""Health, latency and cost in the text format that Prometheus reads.

Source: Prometheus exposition formats, text format 0.0.4. Serves nothing.
"""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tactics.analytics.cost import Cost
from tactics.analytics.health import Health, HealthState
from tactics.analytics.latency import BUDGETS
from tactics.analytics.vitals import Vitals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[Labels, float]
Kind: TypeAlias = Literal["gauge", "counter"]

_NONE: Labels = {}
_LARGEST_WHOLE = 10**15  # a float counts every whole number up to here


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: every sample has the same labels."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def render(health: Health, vitals: Vitals | None = None, cost: Cost | None = None) -> str:
    """Return the exposition; of a store that cannot be read, only that it cannot.

    `cost` must count from the first day on, so that counters only grow.
    """
    families = [*_health(health)]
    if vitals is not None:
        families += [*_data(vitals), *_work(vitals), *_machine(vitals)]
    if cost is not None:
        families += _cost(cost)
    return "".join(_family(metric) for metric in families if metric.samples)


def _health(health: Health) -> Iterator[Metric]:
    yield _gauge(
        "tactics_health_state",
        "Which of the three states holds.",
        (({"state": state.value}, float(state is health.state)) for state in HealthState),
    )
    yield _gauge(
        "tactics_health_check",
        "How each check came out: 0 ok, 1 warn, 2 fail.",
        (
            ({"check": check.name, "subject": check.subject}, check.severity)
            for check in health.checks
        ),
    )


def _data(vitals: Vitals) -> Iterator[Metric]:
    now = vitals.now
    yield _gauge(
        "tactics_data_age_seconds",
        "How long ago the held data of a source ends.",
        (
            (_connection(one.org_id, one.source), seconds)
            for one in vitals.sources
            if (seconds := one.age_seconds(now)) is not None
        ),
    )
    yield _gauge(
        "tactics_data_late_seconds",
        "For how long newer data of a source has been due.",
        (
            (_connection(one.org_id, one.source), max(one.worst.late_seconds(now), 0.0))
            for one in vitals.sources
        ),
    )
    yield _gauge(
        "tactics_latency_seconds",
        "How long the slowest request last took through a stage.",
        (
            ({**_connection(one.org_id, one.source), "stage": one.stage.value}, one.seconds)
            for one in vitals.latencies
        ),
    )
    yield _gauge(
        "tactics_latency_target_seconds",
        "How long a stage should take.",
        (({"stage": stage.value}, budget.target_seconds) for stage, budget in BUDGETS.items()),
    )
    yield _gauge(
        "tactics_latency_max_seconds",
        "How long a stage may take.",
        (({"stage": stage.value}, budget.max_seconds) for stage, budget in BUDGETS.items()),
    )


def _work(vitals: Vitals) -> Iterator[Metric]:
    now = vitals.now
    yield _gauge(
        "tactics_queue_jobs",
        "Writes that wait for a retry.",
        (({"stage": one.stage}, one.waiting) for one in vitals.queues),
    )
    yield _gauge(
        "tactics_queue_oldest_seconds",
        "For how long the oldest of them waits.",
        (({"stage": one.stage}, _ago(one.oldest_waiting_at, now)) for one in vitals.queues),
    )
    yield _gauge(
        "tactics_dead_letters",
        "Writes that failed for good until somebody acts.",
        (({"stage": one.stage}, one.dead) for one in vitals.queues),
    )
    yield _gauge(
        "tactics_backlog_events",
        "Events of the log that a stage has yet to do.",
        (({"stage": one.stage}, one.events) for one in vitals.backlog),
    )
    yield _gauge(
        "tactics_backlog_oldest_seconds",
        "For how long the oldest of them waits.",
        (({"stage": one.stage}, _ago(one.oldest_at, now)) for one in vitals.backlog),
    )
    yield _gauge(
        "tactics_breaker_open",
        "Breakers that are not closed.",
        (({"breaker": one.name}, 1.0) for one in vitals.breakers),
    )
    run = vitals.last_run
    if run is not None:
        told = {"command": run.command, "status": run.status.value}
        ended = (run.ended_at or run.began_at).timestamp()
        help_text = "When the last run ended, and how."
        yield _gauge("tactics_last_run_timestamp_seconds", help_text, [(told, ended)])


def _machine(vitals: Vitals) -> Iterator[Metric]:
    yield _one("tactics_disk_free_bytes", "Free space for the home.", vitals.disk_free_bytes)
    yield _one("tactics_disk_size_bytes", "Size of that file system.", vitals.disk_total_bytes)
    yield _one("tactics_store_wal_bytes", "Size of the store's log.", vitals.wal_bytes)
    if vitals.heartbeat_at is not None:
        at = vitals.heartbeat_at.timestamp()
        yield _one("tactics_heartbeat_timestamp_seconds", "The daemon's last heartbeat.", at)


def _cost(cost: Cost) -> Iterator[Metric]:
    for name, field, help_text in (
        ("tactics_api_calls_total", "calls", "HTTP attempts."),
        ("tactics_api_failures_total", "failed", "HTTP attempts without a 2xx answer."),
        ("tactics_api_retries_total", "retries", "HTTP attempts that repeated another."),
        ("tactics_api_received_bytes_total", "received_bytes", "Bytes received, as sent."),
        ("tactics_api_wait_seconds_total", "wait_seconds", "Time spent on vendors' answers."),
    ):
        samples = tuple(
            (_connection(one.org_id, one.source), float(getattr(one, field)))
            for one in cost.sources
        )
        yield Metric(name, "counter", help_text, samples)
    for name, field, help_text in (
        ("tactics_quota_limit_calls", "limit", "A vendor's limit for a day."),
        ("tactics_quota_used_calls", "used", "What today (UTC) took of it so far."),
        ("tactics_quota_forecast_calls", "forecast", "What today will have taken of it."),
    ):
        yield _gauge(
            name,
            help_text,
            (
                (_connection(one.org_id, one.source), float(getattr(one.quota, field)))
                for one in cost.sources
                if one.quota is not None
            ),
        )
    yield _gauge(
        "tactics_stored_bytes",
        "Bytes on the disk; what belongs to no organisation has none.",
        (
            ({"place": one.place, "table": one.table, "org": one.org_id or ""}, one.size_bytes)
            for one in cost.stored
        ),
    )


def _gauge(name: str, help_text: str, samples: Iterable[Sample]) -> Metric:
    return Metric(name, "gauge", help_text, tuple(samples))


def _one(name: str, help_text: str, value: float) -> Metric:
    return Metric(name, "gauge", help_text, ((_NONE, value),))


def _connection(org_id: str, source: str) -> Labels:
    return {"org": org_id, "source": source}


def _ago(moment: dt.datetime | None, now: dt.datetime) -> float:
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)


def _family(metric: Metric) -> str:
    lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
    lines += [
        f"{metric.name}{_labels(labels)} {_number(value)}" for labels, value in metric.samples
    ]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    whole = float(value).is_integer() and abs(value) < _LARGEST_WHOLE
    return str(int(value)) if whole else repr(float(value))
