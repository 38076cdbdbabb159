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


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands at 2026-11-21 09:00 UTC."""
    return FakeClock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty home with its folders."""
    return Home(tmp_path / "home").create()
