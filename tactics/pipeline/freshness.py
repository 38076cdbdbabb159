"""How old the held data is: by the newest day and the last good fetch, never by the last run."""

from tactics.config import Settings
from tactics.pipeline.result import Freshness
from tactics.pipeline.scope import Chosen
from tactics.pipeline.workspace import Workspace


def read_freshness(workspace: Workspace) -> tuple[Freshness, ...]:
    """Return the age of every stream that was ever fetched, of the accounts still configured."""
    now = workspace.clock.now()
    accounts = _configured(workspace.settings)
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
        if mark.key.account_id in accounts.get((mark.key.org_id, mark.key.source), ())
    )


def _configured(settings: Settings) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the accounts of each connection; nothing of the others is ever read again."""
    every = (
        Chosen(org_id, org, name, source)
        for org_id, org in settings.orgs.items()
        for name, source in org.sources.items()
    )
    return {
        (one.org_id, one.source): tuple(one.settings.accounts) or (one.source,) for one in every
    }
