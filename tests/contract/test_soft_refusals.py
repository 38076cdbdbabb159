"""Rows of the error tables after which a slice goes on: nobody is left alone for them."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tactics.model import Window
from tactics.sandbox import Fault, World, serve
from tactics.sandbox.scene import Limits
from tests.contract.test_ga4 import DAY, SHOP, Line
from tests.lab import TODAY
from tests.unit.connectors.shopify.rig import Rig, open_rig

DAYS = Window(TODAY - dt.timedelta(days=3), TODAY)


@pytest.fixture(scope="module")
def served() -> Iterator[Rig]:
    """Return a connection to a shop with more points than these tests need."""
    limits = Limits(shopify_points_per_second=10_000)
    world = World(today=TODAY, days=4, orgs=("acme",), sources=("shopify", "stripe"), limits=limits)
    with serve(world) as sandbox, open_rig(world, sandbox, bulk_over_days=0) as rig:
        yield rig


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        ("orders", Fault("low_bucket", "shopify", after=1)),
        ("orders", Fault("max_cost", "shopify", times=None, options={"over_first": 7})),
        ("orders", Fault("max_cost", "shopify", times=None, options={"over_first": 0})),
        ("customers", Fault("access_denied", "shopify", times=None)),
        ("orders", Fault("fall_forward", "shopify", times=None)),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_shopify_is_asked_for_less(served: Rig, stream: str, fault: Fault):
    """Few points, too dear, a denied field, an ended version: waited for, cut, left out, told."""
    served.world.faults.clear()
    planted = served.world.faults.plant(fault)
    served.asked.clear()
    served.fetch(served.work(stream, DAYS))
    allowed, _, until = served.breakers.admit(
        "shopify_breaker", owner="test", now=served.clock.now(), lease_seconds=1
    )
    assert planted.fired
    assert (allowed, until) == (True, None)


def test_analytics_is_asked_more_slowly():
    """The numbers of a good answer ask for a pause; the breaker hears nothing of it."""
    world = World(today=TODAY, days=3, orgs=("acme",), sources=("ga4",))
    with serve(world) as sandbox, Line(world, sandbox) as line:
        work = line.work(DAY)
        world.actions()["ga4_drain"](property_id=SHOP, bucket="tokensPerProjectPerHour", leave=20)
        assert line.pages(work)
        assert line.pauses[-1] > 0
        assert not line.is_open()
