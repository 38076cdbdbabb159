"""A lab per test: a home beside a running sandbox, empty or after its first sync."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.lake import planning
from tests.lab import Lab, Synced, open_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with both organisations and 40 days of history."""
    with open_lab(tmp_path) as lab:
        yield lab


@pytest.fixture(scope="session")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """Sync once for all tests that begin there."""
    return Synced(tmp_path_factory.mktemp("synced"))


@pytest.fixture
def synced(first_sync: Synced) -> Iterator[Lab]:
    """Return a lab as `lab`, whose first sync has succeeded."""
    with first_sync.again() as lab:
        yield lab


@pytest.fixture(params=["held", "read anew"])
def either_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load silver as a small load is, and as a large one."""
    if request.param == "read anew":
        monkeypatch.setattr(planning, "SMALL_BYTES", -1)
