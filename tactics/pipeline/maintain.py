"""Keeps the home small: retention, snapshots, files nobody needs, old events and jobs.

Once a day, by the run that holds the commit lock. Deletes nothing that a promise still needs.
"""

import datetime as dt

from tactics.pipeline.result import StageReport
from tactics.pipeline.workspace import Workspace

EVERY = dt.timedelta(hours=24)
STAGE = "maintain"


def maintain_if_due(workspace: Workspace, run_id: str) -> list[StageReport]:
    """Do a round of maintenance unless one was done within a day; return its report."""
    now, runs = workspace.clock.now(), workspace.store.runs
    last = runs.last_stage_at(STAGE)
    if last is not None and now - last < EVERY:
        return []
    started = workspace.clock.monotonic()
    swept = workspace.lake.maintain(now)
    pruned = workspace.store.prune(cache_days=workspace.settings.queue.cache_days)
    removed = swept.retired_files + swept.swept_files + pruned.events
    seconds = round(workspace.clock.monotonic() - started, 3)
    detail = {
        "expired_snapshots": swept.expired_snapshots,
        "retired_files": swept.retired_files,
        "compacted_files": swept.compacted_files,
        "swept_bytes": swept.swept_bytes,
        "pruned_events": pruned.events,
    }
    runs.stage(run_id, STAGE, rows=removed, seconds=seconds, detail=detail)
    return [StageReport(STAGE, removed, seconds)]
