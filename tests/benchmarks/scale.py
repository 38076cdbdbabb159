"""From 0.1 M to 10 M rows over HTTP to gold: what grows with the work, and what must not."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Cost, Row, median, megabytes, seconds
from tests.benchmarks.sync import bulk_server, shape_of, tactics_sync

GIGABYTE = 2**30
FLAT = 1.2  # times the peak of the size before
ONCE_FROM = 5000  # pages: what takes minutes is measured once


@dataclass(frozen=True, slots=True)
class Step:
    """What one size cost, and what it left in the home."""

    rows: int
    cost: Cost
    rounds: int
    files: int
    bytes_held: int

    @property
    def rate(self) -> float:
        """Return rows per second."""
        return self.rows / self.cost.wall


def benchmark_scale(bench: Bench) -> list[Row]:
    """Return a row for each size, compared with the size before."""
    steps = [measure_step(bench, pages) for pages in sorted(bench.scale)]
    return [_row(step, before) for step, before in zip(steps, [steps[0], *steps[:-1]], strict=True)]


def measure_step(bench: Bench, pages: int) -> Step:
    """Sync so many pages into new homes."""
    rounds = 1 if pages >= ONCE_FROM else bench.rounds
    costs = []
    with bulk_server(shape_of(pages)) as server:
        for number in range(rounds):
            home = bench.folder / f"scale-{pages}-{number}"
            costs.append(tactics_sync(server, home))
            files, bytes_held = count_files(home)
            shutil.rmtree(home)
        rows = server.totals()[0]
    return Step(rows, median(costs), rounds, files, bytes_held)


def count_files(folder: Path) -> tuple[int, int]:
    """Return how many files lie under a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _row(step: Step, before: Step) -> Row:
    growth = step.cost.peak_bytes / before.cost.peak_bytes
    is_first = step is before
    once = " (once)" if step.rounds == 1 else ""
    return Row(
        f"{step.rows:,} rows to gold{once}",
        f"{seconds(step.cost)}; {step.files:,} files, {megabytes(step.bytes_held)}",
        "" if is_first else f"{before.rows:,} rows: {before.files:,} files",
        f"{step.rate:,.0f} rows/s"
        + ("" if is_first else f", {step.rate / before.rate:.2f}x; memory {growth:.2f}x"),
        megabytes(step.cost.peak_bytes),
        reach="≤ 1 GB" + ("" if is_first else f", flat (≤ {FLAT}x)"),
        reached=step.cost.peak_bytes <= GIGABYTE and growth <= FLAT,
    )
