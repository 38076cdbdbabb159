"""Every test plants its own silver, or its own line in the silver of its module."""

import pytest

from tactics.home import Home
from tests.unit.gold.pillars import Pillars
from tests.unit.gold.plans import Row
from tests.unit.gold.silver import Silver


@pytest.fixture
def silver(home: Home) -> Silver:
    """Return an empty silver and the gold above it."""
    return Silver(home)


@pytest.fixture(scope="module")
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Silver:
    """Return gold with every line that the module's tests plant."""
    silver = Silver(Home(tmp_path_factory.mktemp("home")))
    request.module.plans.build(silver)
    return silver


@pytest.fixture
def lines(request: pytest.FixtureRequest, planted: Silver) -> list[Row]:
    """Return the test's lines of campaign_pacing, by booking."""
    name = request.function.__name__
    sql = (
        "SELECT * FROM campaign_pacing WHERE split_part(booking_id, '/', 1) = ? ORDER BY booking_id"
    )
    return planted.read(sql, name)


@pytest.fixture
def line(lines: list[Row]) -> Row:
    """Return the test's only line of campaign_pacing."""
    (row,) = lines
    return row


@pytest.fixture
def margin(request: pytest.FixtureRequest, planted: Silver) -> Row:
    """Return the test's line of campaign_margin."""
    return planted.margin(request.function.__name__)


@pytest.fixture
def pillars(home: Home) -> Pillars:
    """Return the empty silver of an organisation that has everything, and the gold above it."""
    return Pillars(home)
