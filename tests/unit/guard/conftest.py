"""A real DuckDB for the tests of checks; every run puts all views on it anew."""

from collections.abc import Iterator

import pytest

from tactics.duck import DuckLimits, connect
from tests.unit.guard.rows import Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a bench on a database in memory."""
    connection = connect(None, DuckLimits(tmp_path_factory.mktemp("scratch")))
    yield Bench(connection)
    connection.close()
