"""Step 4: DataGuard looks at what is about to be used."""

import datetime as dt
from pathlib import Path

from tactics.duck import Connection
from tactics.guard import DATED, GuardReport, Month, Months, run_checks
from tactics.pipeline.views import open_silver
from tactics.pipeline.workspace import Workspace

# Of Parquet in the dated tables. Below it, to look at everything costs less than to know what changed.
LARGE_BYTES = 8_000_000
MEMORY = "guard.json"


def check_silver(workspace: Workspace, *, large_bytes: int = LARGE_BYTES) -> GuardReport:
    """Return what the checks find in the silver tables as they are now."""
    connection = open_silver(workspace)
    try:
        months = _months(workspace, connection) if _size(workspace) >= large_bytes else None
        return run_checks(connection, workspace.settings.guard, months)
    finally:
        connection.close()


def _months(workspace: Workspace, connection: Connection) -> Months | None:
    """Return the covered months; the first and the last one take what lies before and after."""
    row = connection.execute("SELECT min(day), max(day) FROM coverage").fetchone()
    first, last = row or (None, None)
    if first is None:
        return None
    firsts = [first.replace(day=1)]
    while _next(firsts[-1]) <= last:
        firsts.append(_next(firsts[-1]))
    return Months(
        tuple(_month(workspace, day, firsts) for day in firsts),
        lambda table, start, end: workspace.lake.relation_sql(table, start=start, end=end),
        workspace.home.scratch / MEMORY,
    )


def _month(workspace: Workspace, first: dt.date, firsts: list[dt.date]) -> Month:
    start = first if first != firsts[0] else None
    end = _next(first) - dt.timedelta(days=1) if first != firsts[-1] else None
    files = (workspace.lake.files(table, start=start, end=end) for table in DATED)
    return Month(first, start, end, tuple(file for held in files for file in held))


def _next(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)


def _size(workspace: Workspace) -> int:
    files = (file for table in DATED for file in workspace.lake.files(table))
    return sum(Path(file).stat().st_size for file in files)
