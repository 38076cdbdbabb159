"""Fixtures of every tier: real files in a temporary home, a clock under the test's control."""

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


SLOW_TIERS = {"integration", "acceptance", "crash"}
# Nothing else tries the code that moves files about in a real lake, and the fast tiers hold its coverage.
FAST_MODULES = {"test_lake_changes", "test_lake_maintenance"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tiers that are slow as a whole."""
    for item in items:
        tier = item.path.relative_to(Path(__file__).parent).parts[0]
        if tier in SLOW_TIERS and item.path.stem not in FAST_MODULES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands at 2026-11-21 09:00 UTC."""
    return FakeClock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home with its folders."""
    return Home(tmp_path / "home").create()
