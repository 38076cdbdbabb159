"""Fixtures of every tier: real files in a temporary home, a clock under the test's control."""

import gc
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tactics.home import Home
from tests.support import FakeClock

# Machines are noisy: how long an example takes says nothing about the code.
settings.register_profile("tactics", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tactics")

# Who starts the tests in the background of a shell ignores Ctrl-C, and so would every child of theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


HERE = Path(__file__).parent
SLOW_TIERS = ("integration/", "acceptance/", "crash/")
# Nothing else tries the code that moves files about in a real lake, and the fast tiers hold its coverage.
FAST_MODULES = {"test_lake_changes", "test_lake_maintenance"}

# A stream's SQL on a real DuckDB.
STREAMS = (
    *(f"{source}/test_campaign_report" for source in ("dv360", "ttd")),
    *(f"{source}/test_silver" for source in ("klaviyo", "shopify")),
    "ga4/test_traffic",
    "google_ads/test_campaign_performance",
    "gsc/test_reports",
    "gsc/test_states",
    "meta/test_account_insights",
    "meta/test_campaign_insights",
    "sheets/test_tabs",
    "stripe/test_transactions",
)
# One part each, on a real DuckDB, lake or HTTP server: a third of the fast tests and five sixths of their time.
ENGINES = (
    "unit/gold",
    "unit/guard",
    "unit/pipeline",
    "unit/sandbox",
    "unit/store/test_machines",
    "contract/test_connector_sandbox",
    "contract/test_lake_sink",
    "contract/test_sandbox",
    "contract/test_soft_refusals",
    *(f"unit/connectors/{stream}" for stream in STREAMS),
    *(f"contract/test_{source}" for source in ("dv360", "ga4", "google_ads", "gsc")),
    *(f"contract/test_{source}" for source in ("klaviyo", "shopify", "ttd")),
)

# What these modules begin with takes up to minutes and is made once in each process that gets a test of theirs. They come
# first, because pytest-xdist's workers take over each other's last tests.
BEGUN_FIRST = ("acceptance/test_month", "acceptance/test_ten_sources", "crash/test_kill")


def tier_of(path: Path) -> str:
    """Return the mark that every test of a file bears, or nothing."""
    if path.stem in FAST_MODULES:
        return "engine"
    place = place_of(path)
    if place.startswith(SLOW_TIERS):
        return "slow"
    return "engine" if place.startswith(ENGINES) else ""


def place_of(path: Path) -> str:
    """Return where a file lies among the tests."""
    return path.relative_to(HERE).as_posix()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what `-m "not …"` leaves out as a whole."""
    if collection_path.is_dir():
        return None
    tier = tier_of(collection_path)
    return True if tier and f"not {tier}" in config.option.markexpr else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `run.py check` leaves to `run.py test`, and put the long ones first."""
    for item in items:
        if tier := tier_of(item.path):
            item.add_marker(tier)
    items.sort(key=lambda item: not place_of(item.path).startswith(BEGUN_FIRST))


def pytest_collection_finish() -> None:
    """Let the garbage collector forget thousands of collected tests: a tenth of `check`."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands at 2026-11-21 09:00 UTC."""
    return FakeClock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home with its folders."""
    return Home(tmp_path / "home").create()
