"""A lab per test: an empty home beside a running sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, open_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with both organisations and 40 days of history."""
    with open_lab(tmp_path) as lab:
        yield lab
