"""Every benchmark that needs no peer does its work at a tiny size; nobody looks at the times."""

import re
from collections.abc import Iterator

import pytest

from tests.benchmarks.__main__ import PARTS
from tests.benchmarks.bench import Bench

ROWS = 20_000


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Return the smallest sizes that every part can do something with."""
    with Bench(rows=ROWS, rounds=1, scale=(8,), days=32, apart=False) as bench:
        yield bench


@pytest.mark.parametrize(
    ("part", "rows"),
    [
        ("commits", 1),
        ("guard", 2),
        ("refresh", 1),
        ("reports", 3),
        ("add", 1),
        ("restatement", 1),
        ("scale", 1),
    ],
)
def test_a_part_measures_both_sides(bench: Bench, part: str, rows: int) -> None:
    """A part returns its rows, each with a time of ours and how it compares."""
    found = PARTS[part](bench)
    assert len(found) == rows
    for row in found:
        assert re.search(r"\d m?s\b", row.ours), row
        assert re.search(r"\d", row.ratio), row
        assert row.work, row
