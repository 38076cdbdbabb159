"""How old the held data is: by the newest day and the last good fetch, never by the last run."""

from tactics.pipeline.result import Freshness
from tactics.pipeline.workspace import Workspace


def read_freshness(workspace: Workspace) -> tuple[Freshness, ...]:
    """Return the age of every stream that was ever fetched."""
    now = workspace.clock.now()
    return tuple(
        Freshness(
            mark.key.org_id,
            mark.key.source,
            mark.key.account_id,
            mark.key.stream,
            mark.newest_day,
            mark.checked_at,
            round((now - mark.checked_at).total_seconds(), 1),
            mark.finality.value,
        )
        for mark in workspace.store.coverage.watermarks()
    )
