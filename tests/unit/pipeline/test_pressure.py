"""Backpressure: what a lag means, and how long a page waits."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import SinkUnavailable
from tactics.model import TOPIC_CLEANED, TOPIC_RAW, Window
from tactics.pipeline import Flow, Pressure, Workspace, read_pressure
from tactics.pipeline.fetch import SliceFetch
from tactics.pipeline.pressure import PATIENCE_SECONDS, SLOWEST_SECONDS, Valve, decide
from tactics.store import Store
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open
from tests.unit.pipeline.probe.connector import ADS
from tests.unit.pipeline.vendor import KEY, PAGE, open_probe, open_vendor, slice_of

HIGH = 100
DAYS = Window(dt.date(2026, 11, 19), dt.date(2026, 11, 20))


@pytest.mark.parametrize(
    ("lag", "flow"),
    [
        (0, Flow.FLOWING),
        (100, Flow.FLOWING),
        (101, Flow.SLOWED),
        (199, Flow.SLOWED),
        (200, Flow.PAUSED),
        (10**9, Flow.PAUSED),
    ],
)
def test_slower_from_the_mark_on_and_a_pause_at_twice_that(lag: int, flow: Flow):
    """Below the mark pages flow, above it they are slowed, at twice the mark they stop."""
    assert decide("bronze", lag, HIGH).flow is flow


@given(st.integers(0, 500), st.integers(0, 500))
def test_more_lag_is_never_faster(one: int, two: int):
    """The wait only grows with the lag, and has an end."""
    less, more = sorted((one, two))
    waits = [decide("bronze", lag, HIGH).wait_seconds for lag in (less, more)]
    assert 0 <= waits[0] <= waits[1] <= SLOWEST_SECONDS


def test_a_pause_lasts_until_the_mark():
    """Once paused, fetching goes on only when the stage has caught up, not at every page."""
    assert decide("bronze", 150, HIGH, paused=True).flow is Flow.PAUSED
    assert decide("bronze", 100, HIGH, paused=True).flow is Flow.FLOWING


def test_the_stage_that_is_furthest_behind_counts(workspace: Workspace):
    """Bronze and silver are looked at, and the worse of them decides."""
    for topic, events in ((TOPIC_RAW, 3), (TOPIC_CLEANED, 5)):
        for _ in range(events):
            workspace.store.bus.append(topic, header={})
    pressure = read_pressure(workspace.store, 4)
    assert (pressure.consumer, pressure.lag, pressure.flow) == ("silver", 5, Flow.SLOWED)


class Log:
    """A log that is worked off while somebody waits."""

    def __init__(self, lag: int, per_second: int, clock: FakeClock) -> None:
        self.lag = lag
        self.per_second = per_second
        self.clock = clock
        self.measured = 0

    def read(self, paused: bool) -> Pressure:  # noqa: FBT001
        self.measured += 1
        lag = max(self.lag - int(self.per_second * self.clock.monotonic()), 0)
        return decide("bronze", lag, HIGH, paused=paused)


def test_a_page_waits_while_the_log_is_worked_off(clock: FakeClock):
    """Nothing is dropped: the page is asked for once the stage has caught up."""
    valve = Valve(Log(5000, 10, clock).read, clock)
    valve.enter()
    assert clock.monotonic() == pytest.approx(490, abs=1)


def test_without_a_lag_pages_cost_next_to_nothing(clock: FakeClock):
    """Counting the log is not free: it is done once a second, or ten times up to the mark."""
    log = Log(0, 0, clock)
    valve = Valve(log.read, clock)
    for _ in range(HIGH):
        valve.enter()
    assert (log.measured, clock.slept) == (10, [])
    clock.advance(1)
    valve.enter()
    assert log.measured == 11


def test_a_slowed_page_waits_once(clock: FakeClock):
    """Above the mark each page waits a little, and leaves."""
    Valve(Log(150, 0, clock).read, clock).enter()
    assert clock.slept == [0.5]


def test_nobody_waits_for_ever(clock: FakeClock):
    """Where nobody works the log off, the slice is given up: it stays due."""
    valve = Valve(Log(300, 0, clock).read, clock)
    with pytest.raises(SinkUnavailable, match="fetching is paused: bronze is behind"):
        valve.enter()
    assert clock.monotonic() == pytest.approx(PATIENCE_SECONDS, abs=2)


def test_who_comes_after_does_not_wait_again(clock: FakeClock):
    """A source with many streams gives up once, not for each; when the stage moves, all go on."""
    log = Log(300, 0, clock)
    valve = Valve(log.read, clock)
    for _ in range(20):
        with pytest.raises(SinkUnavailable):
            valve.enter()
    assert clock.monotonic() < PATIENCE_SECONDS + 5
    log.lag = 0
    clock.advance(1)
    valve.enter()


class Draining(FakeClock):
    """A clock on which a stage works off three events a second."""

    store: Store

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        events = self.store.bus.read(TOPIC_RAW, "bronze", max(int(3 * seconds), 1))
        if events:
            self.store.bus.acknowledge(TOPIC_RAW, "bronze", events[-1].seq)


def test_the_log_never_grows_far_beyond_the_mark(open_workspace: Open):
    """Five hundred pages in a row meet a slow stage: the log stays short, and nothing is lost."""
    clock = Draining()
    workspace = open_workspace(bus={"high_watermark": 20}, clock=clock)
    clock.store = workspace.store
    most = 0
    for number in range(500):
        workspace.valve.enter()
        assert workspace.store.bus.append(TOPIC_RAW, header={}) == number + 1
        most = max(most, workspace.store.bus.lag(TOPIC_RAW, "bronze"))
    assert 20 < most <= 2 * 20 + 2


def test_a_slice_is_given_up_not_lost(open_workspace: Open):
    """With a stage that stands still nothing is fetched, and the days stay due."""
    workspace = open_workspace(bus={"high_watermark": 10})
    for _ in range(25):
        workspace.store.bus.append(TOPIC_RAW, header={})
    with open_vendor(PAGE) as vendor, open_probe(workspace, vendor.url) as access:
        fetch = SliceFetch(workspace, access, ADS, dt.date(2026, 11, 21))
        with pytest.raises(SinkUnavailable):
            fetch.run(slice_of(DAYS))
        assert vendor.asked == []
    assert workspace.store.coverage.days(KEY, DAYS.start, DAYS.end) == {}
