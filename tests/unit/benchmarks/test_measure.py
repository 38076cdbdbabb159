"""What a benchmark says of a command is that command's own."""

import sys

import pytest

from tests.benchmarks.bench import Bench, Shape
from tests.benchmarks.measure import clean_environment, run

MEGABYTE = 2**20


def test_the_peak_of_a_command_is_its_own() -> None:
    """A benchmark that holds much memory does not lend it to what it measures."""
    held = bytearray(b"x" * (300 * MEGABYTE))
    cost = run([sys.executable, "-S", "-c", "pass"], clean_environment())
    assert len(held) > cost.peak_bytes > MEGABYTE


def test_a_failure_ends_the_benchmark() -> None:
    """Nothing is measured of a command that fails; what it said is told."""
    with pytest.raises(SystemExit, match="out of order"):
        run([sys.executable, "-c", "raise SystemExit('out of order')"], clean_environment())


def test_settings_of_ours_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured sees no setting of whoever measures, and may keep bytecode."""
    monkeypatch.setenv("TACTICS_HOME", "/nowhere")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = clean_environment(MORE="1")
    assert environment.keys().isdisjoint({"TACTICS_HOME", "PYTHONDONTWRITEBYTECODE"})
    assert environment["MORE"] == "1"


@pytest.mark.parametrize(("rows", "days"), [(10_000_000, 365), (3_600_000, 365), (1_000_000, 100)])
def test_a_world_has_the_rows_and_days_asked_for(rows: int, days: int) -> None:
    """The sizes of the report are those of the worlds behind it."""
    shape = Shape.of(rows, days)
    world = shape.world()
    assert (world.end - world.start).days + 1 == days
    assert rows <= days * shape.campaigns < rows * 1.001


def test_smaller_tables_are_a_share_of_the_large_ones() -> None:
    """One number scales all tables; nothing becomes empty."""
    with Bench(rows=1000) as bench:
        assert [bench.share(part) for part in (1, 0.1, 0.00001)] == [1000, 100, 1]
