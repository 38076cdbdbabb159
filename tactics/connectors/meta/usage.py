"""Meta's usage headers: how long to leave an account alone.

Values may be strings, keys may be missing, the header may be absent or nonsense: all of that reads
as "no usage known". Source: contract sheet "Meta Marketing API" section 6 (2026-11-21).
"""

import math
from collections.abc import Iterator, Mapping

import msgspec

SLOW_PERCENT, SLOW_SECONDS = 85.0, 120.0
STOP_PERCENT, STOP_SECONDS = 95.0, 600.0
_HEADERS = (
    "x-app-usage",
    "x-business-use-case-usage",
    "x-ad-account-usage",
    "x-fb-ads-insights-throttle",
)
_PERCENTAGES = frozenset({
    "call_count",
    "total_cputime",
    "total_time",
    "acc_id_util_pct",
    "app_id_util_pct",
})


def pause_seconds(headers: Mapping[str, str]) -> float:
    """Return how long to pause the account: 0, or as Airbyte does 2 min from 85 %, 10 from 95 %."""
    highest = max((n for name, n in _numbers(headers) if name in _PERCENTAGES), default=0.0)
    if highest >= STOP_PERCENT:
        return STOP_SECONDS
    return SLOW_SECONDS if highest >= SLOW_PERCENT else 0.0


def regain_seconds(headers: Mapping[str, str]) -> float:
    """Return when Meta says that access comes back, 0 when it does not say."""
    scale = {"estimated_time_to_regain_access": 60.0, "reset_time_duration": 1.0}
    return max((n * scale[name] for name, n in _numbers(headers) if name in scale), default=0.0)


def _numbers(headers: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for header in _HEADERS:
        try:
            value: object = msgspec.json.decode(headers.get(header, "null"))
        except msgspec.DecodeError:
            continue  # a header that we cannot read must not cost us the page
        yield from _walk(value)


def _walk(value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    if isinstance(value, dict):
        for name, inner in value.items():
            if (number := _number(inner)) is not None:
                yield name, number
            yield from _walk(inner)


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
