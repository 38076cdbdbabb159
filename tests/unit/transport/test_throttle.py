"""The pace of an account."""

import threading

import pytest

from tactics.clock import SystemClock
from tactics.model import Priority
from tactics.transport import Throttle
from tests.support import FakeClock


def test_burst_then_the_rate(clock):
    """A full bucket is spent at once, then a request leaves every 1/rate seconds."""
    throttle = Throttle(requests_per_second=2, burst=3, clock=clock)
    for _ in range(5):
        throttle.acquire("act_1")
    assert clock.slept == pytest.approx([0.5, 0.5])


def test_bucket_does_not_overflow(clock):
    """An hour of silence saves up no more than the burst."""
    throttle = Throttle(requests_per_second=1, burst=2, clock=clock)
    throttle.acquire("act_1")
    clock.advance(3600)
    for _ in range(3):
        throttle.acquire("act_1")
    assert clock.slept == pytest.approx([1.0])


def test_accounts_have_their_own_buckets(clock):
    """One account does not wait for another."""
    throttle = Throttle(requests_per_second=1, burst=1, clock=clock)
    throttle.acquire("act_1")
    throttle.acquire("act_2")
    assert clock.slept == []


def test_slow_down_blocks_and_restarts_gently(clock):
    """After a pause the bucket is empty; a shorter pause does not shorten a longer one."""
    throttle = Throttle(requests_per_second=1, burst=5, clock=clock)
    throttle.slow_down("act_1", 60)
    throttle.slow_down("act_1", 10)
    throttle.slow_down("act_1", 0)
    throttle.acquire("act_1")
    assert sum(clock.slept) == pytest.approx(61)


class Overtaking(FakeClock):
    """A clock that lets something happen during the first sleep."""

    def __init__(self, happen) -> None:
        super().__init__()
        self._happen = [happen]

    def sleep(self, seconds):
        super().sleep(seconds)
        if self._happen:
            self._happen.pop()()


def test_live_overtakes_backfill():
    """A live request that comes later leaves first; the backfill pays for it."""
    order = []

    def live():
        throttle.acquire("act_1", Priority.LIVE)
        order.append("live")

    clock = Overtaking(live)
    throttle = Throttle(requests_per_second=1, burst=1, clock=clock)
    throttle.acquire("act_1", Priority.BACKFILL)
    throttle.acquire("act_1", Priority.BACKFILL)
    order.append("backfill")
    assert order == ["live", "backfill"]
    assert clock.monotonic() == pytest.approx(2)


def test_backfill_queues_behind_a_waiting_live_request():
    """Whoever is behind waits for the tokens of all ahead, too."""
    waits = []

    def backfill():
        # The live request is still waiting in the queue while this one asks.
        waits.append(throttle._bucket("a").claim((2, 99), clock.monotonic()))

    clock = Overtaking(backfill)
    throttle = Throttle(requests_per_second=1, burst=1, clock=clock)
    throttle.acquire("a")
    throttle.acquire("a", Priority.LIVE)
    assert waits == pytest.approx([1.0])


def test_interrupted_wait_leaves_the_queue(clock):
    """Ctrl-C while waiting does not leave a ticket that blocks the others."""

    class Interrupted(FakeClock):
        def sleep(self, seconds):
            raise KeyboardInterrupt

    throttle = Throttle(requests_per_second=1, burst=1, clock=Interrupted())
    throttle.acquire("a")
    with pytest.raises(KeyboardInterrupt):
        throttle.acquire("a")
    assert throttle._bucket("a").waiting == set()


def test_threads_share_the_budget():
    """Eight threads together keep the pace of one bucket."""
    clock = SystemClock()
    throttle = Throttle(requests_per_second=200, burst=1, clock=clock)
    started = clock.monotonic()
    threads = [threading.Thread(target=throttle.acquire, args=("a",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() - started >= 7 / 200 - 0.001
