"""A store in a temporary home."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.home import Home
from tactics.store import Store
from tests.support import FakeClock


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated file to copy: migrating syncs the disk many times."""
    path = tmp_path_factory.mktemp("store") / "tactics.db"
    Store.open(path, FakeClock()).close()
    return path


@pytest.fixture
def store(home: Home, clock: FakeClock, empty_store: Path) -> Iterator[Store]:
    """Return an empty store whose jitter is always the same."""
    shutil.copy(empty_store, home.database)
    with Store.open(home.database, clock, rng=random.Random(7)) as opened:
        yield opened
