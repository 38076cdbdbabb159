"""Keeps the home small: retention, snapshots, files nobody needs, old events and jobs, the WAL.

Once a day, by the run that holds the commit lock. Deletes nothing that a promise still needs.
"""

import datetime as dt
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from tactics.home import Home
from tactics.pipeline.result import StageReport
from tactics.pipeline.workspace import Workspace

EVERY = dt.timedelta(hours=24)
STAGE = "maintain"
SPILL_AGE = dt.timedelta(hours=24)  # of a file in the scratch folder: its process has gone


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of the disk each part of a home takes."""

    store_bytes: int
    wal_bytes: int
    lake_bytes: int
    gold_bytes: int
    scratch_bytes: int


def measure(home: Home) -> Sizes:
    """Return what a home takes now."""
    database = home.database
    return Sizes(
        store_bytes=_size(database),
        wal_bytes=_size(database.with_name(f"{database.name}-wal")),
        lake_bytes=_size_below(home.lake),
        gold_bytes=_size_below(home.gold),
        scratch_bytes=_size_below(home.scratch),
    )


def maintenance_due(workspace: Workspace) -> bool:
    """Return whether the last round was a day ago; one a day ahead is of a clock that was wrong."""
    now, last = workspace.clock.now(), workspace.store.runs.last_stage_at(STAGE)
    return last is None or abs(now - last) >= EVERY


def maintain_if_due(workspace: Workspace, run_id: str) -> list[StageReport]:
    """Do a round of maintenance unless one was done within a day; return its report."""
    return [tidy(workspace, run_id)] if maintenance_due(workspace) else []


def tidy(workspace: Workspace, run_id: str) -> StageReport:
    """Do a round of maintenance, and record with the run what it did and what it gave back."""
    now, started = workspace.clock.now(), workspace.clock.monotonic()
    before = measure(workspace.home)
    swept = workspace.lake.maintain(now)
    pruned = workspace.store.prune(cache_days=workspace.settings.queue.cache_days)
    generations = workspace.gold.prune()
    spilled = _clear_scratch(workspace.home.scratch, now)
    emptied = workspace.store.checkpoint()
    removed = swept.retired_files + swept.swept_files + pruned.events + generations + spilled
    seconds = round(workspace.clock.monotonic() - started, 3)
    detail = {
        **asdict(swept),
        **{f"pruned_{name}": count for name, count in asdict(pruned).items()},
        "pruned_generations": generations,
        "spilled_files": spilled,
        "wal_emptied": emptied,
        "before": asdict(before),
        "after": asdict(measure(workspace.home)),
    }
    workspace.store.runs.stage(run_id, STAGE, rows=removed, seconds=seconds, detail=detail)
    return StageReport(STAGE, removed, seconds)


def _clear_scratch(folder: Path, now: dt.datetime) -> int:
    """Remove what a process that was killed had spilled; return how many files."""
    limit = (now - SPILL_AGE).timestamp()
    old = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _size_below(folder: Path) -> int:
    return sum(_size(path) for path in folder.rglob("*"))


def _size(path: Path) -> int:
    try:
        status = path.lstat()
    except FileNotFoundError:  # never made, or removed just now
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
