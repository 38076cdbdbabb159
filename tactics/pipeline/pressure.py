"""Backpressure: the further a stage is behind, the slower pages are fetched, until none are.

`decide` chooses; `Valve` measures and waits. Drops nothing: what is not fetched now stays due.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tactics.clock import Clock
from tactics.errors import SinkUnavailable
from tactics.model import TOPIC_CLEANED, TOPIC_RAW
from tactics.store import Store

CONSUMERS = ((TOPIC_RAW, "bronze"), (TOPIC_CLEANED, "silver"))
SLOWEST_SECONDS = 1.0  # before each page, just before fetching pauses
MEASURE_SECONDS = 1.0  # counting what lies in the log is not free
MEASURE_SHARE = 10  # but never fewer times than ten on the way to the watermark
PATIENCE_SECONDS = 60.0  # of a pause in which nobody works the log off


class Flow(StrEnum):
    """How pages may come in."""

    FLOWING = "flowing"
    SLOWED = "slowed"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Pressure:
    """How far the stage that is furthest behind is, and what follows for fetching."""

    flow: Flow
    wait_seconds: float
    consumer: str
    lag: int
    high_watermark: int


def decide(consumer: str, lag: int, high: int, *, paused: bool = False) -> Pressure:
    """Return what a lag means: slower from `high` on, a pause from twice that until `high` again."""
    if lag >= 2 * high or (paused and lag > high):
        return Pressure(Flow.PAUSED, MEASURE_SECONDS, consumer, lag, high)
    if lag > high:
        wait = round(SLOWEST_SECONDS * (lag - high) / high, 3)
        return Pressure(Flow.SLOWED, wait, consumer, lag, high)
    return Pressure(Flow.FLOWING, 0.0, consumer, lag, high)


def read_pressure(store: Store, high: int, *, paused: bool = False) -> Pressure:
    """Return how things stand now, by the stage that is furthest behind."""
    lags = [(store.bus.lag(topic, consumer), consumer) for topic, consumer in CONSUMERS]
    lag, consumer = max(lags)
    return decide(consumer, lag, high, paused=paused)


class Valve:
    """What every page has to pass before it is asked for; shared by the threads that fetch."""

    def __init__(self, read: Callable[[bool], Pressure], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._pressure: Pressure | None = None
        self._measured = 0.0
        self._entered = 0
        self._stuck_at = math.inf  # the lag at which somebody has waited in vain

    def enter(self) -> None:
        """Return when the next page may be asked for.

        Raises:
            SinkUnavailable: fetching is paused, and nobody works off what lies in the log.
        """
        pressure = self._measure()
        if pressure.flow is Flow.SLOWED:
            self._clock.sleep(pressure.wait_seconds)
        least, since = pressure.lag, self._clock.monotonic()
        while pressure.flow is Flow.PAUSED:
            if pressure.lag < least:
                least, since = pressure.lag, self._clock.monotonic()
            # Who comes after one that has waited in vain does not wait as long once more.
            if (
                self._clock.monotonic() - since >= PATIENCE_SECONDS
                or pressure.lag >= self._stuck_at
            ):
                self._stuck_at = pressure.lag
                raise SinkUnavailable(
                    f"fetching is paused: {pressure.consumer} is behind",
                    hint="what is fetched is kept; `tactics queue status` tells what waits",
                    events=pressure.lag,
                )
            self._clock.sleep(pressure.wait_seconds)
            pressure = self._measure()
        self._stuck_at = math.inf

    def _measure(self) -> Pressure:
        with self._lock:
            now, known = self._clock.monotonic(), self._pressure
            self._entered += 1
            if (
                known is None
                or now - self._measured >= MEASURE_SECONDS
                or self._entered >= known.high_watermark // MEASURE_SHARE
            ):
                known = self._read(known is not None and known.flow is Flow.PAUSED)
                self._pressure, self._measured, self._entered = known, now, 0
            return known
