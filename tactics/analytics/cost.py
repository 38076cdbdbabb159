"""What bringing data home costs: calls and quota, CPU time, bytes; by organisation and source.

Counts what it is given. A vendor's prices are not known here, its daily limits are.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Connection: TypeAlias = tuple[str, str]  # org_id, source
Place: TypeAlias = Literal["store", "lake", "gold"]

USUAL_DAYS = 7  # how many days before today say what a usual day takes


@dataclass(frozen=True, slots=True)
class Calls:
    """HTTP attempts of one connection; `failed` are those without a 2xx answer."""

    org_id: str
    source: str
    calls: int
    failed: int
    retries: int
    received_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A vendor's daily limit, what today took of it, and what it will have taken by midnight UTC."""

    limit: int
    used: int
    forecast: int

    @property
    def forecast_share(self) -> float:
        """Return the forecast as a share of the limit: above 1 the day does not get through."""
        return self.forecast / self.limit


@dataclass(frozen=True, slots=True)
class SourceCost:
    """What one connection took over the reported days."""

    org_id: str
    source: str
    calls: int = 0
    failed: int = 0
    retries: int = 0
    received_bytes: int = 0
    wait_seconds: float = 0.0  # on the vendor's answers
    cpu_seconds: float = 0.0
    quota: QuotaUse | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes on the disk: of the store, of one lake table, or of gold; `org_id` where it is known."""

    place: Place
    table: str
    org_id: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Everything that was counted since a day."""

    since: dt.date
    sources: tuple[SourceCost, ...]
    stored: tuple[Stored, ...]

    @property
    def stored_bytes(self) -> int:
        """Return how much the home holds in all."""
        return sum(one.size_bytes for one in self.stored)


def add_up(
    calls: Iterable[Calls],
    cpu: Mapping[Connection, float],
    quotas: Mapping[Connection, QuotaUse],
) -> tuple[SourceCost, ...]:
    """Return one line per connection that asked, computed, or has a quota."""
    sums: dict[Connection, SourceCost] = {}
    for one in calls:
        key = (one.org_id, one.source)
        sums[key] = _with_calls(sums.get(key, SourceCost(*key)), one)
    return tuple(
        replace(
            sums.get(key, SourceCost(*key)),
            cpu_seconds=round(cpu.get(key, 0.0), 3),
            quota=quotas.get(key),
        )
        for key in sorted({*sums, *cpu, *quotas})
    )


def _with_calls(cost: SourceCost, more: Calls) -> SourceCost:
    return replace(
        cost,
        calls=cost.calls + more.calls,
        failed=cost.failed + more.failed,
        retries=cost.retries + more.retries,
        received_bytes=cost.received_bytes + more.received_bytes,
        wait_seconds=round(cost.wait_seconds + more.seconds, 3),
    )


def share_cpu(cpu_seconds: float, received: Mapping[Connection, int]) -> dict[Connection, float]:
    """Return what each connection took of a run's CPU seconds; the sum is the whole.

    The threads of a run work for all its sources at once, so the time is shared out by the records
    that each brought, evenly when there were none.
    """
    records = sum(received.values())
    return {
        key: cpu_seconds * (number / records if records else 1 / len(received))
        for key, number in received.items()
    }


def forecast_quota(limit: int, counted: Mapping[dt.date, int], now: dt.datetime) -> QuotaUse:
    """Return what today will have taken of a limit: used so far, and a usual day's rest.

    `counted` are calls by UTC day. A usual day is the mean of the last seven that are known;
    without any, it is taken to be like today so far. Google's day begins at midnight Pacific, so
    for Google this is the use of a day, not of its day.
    """
    now = now.astimezone(dt.UTC)
    today = now.date()
    first = today - dt.timedelta(days=USUAL_DAYS)
    known = [calls for day, calls in counted.items() if first <= day < today]
    used = counted.get(today, 0)
    usual = sum(known) / len(known) if known else used
    elapsed = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / 86400
    return QuotaUse(limit, used, round(used + usual * (1 - elapsed)))
