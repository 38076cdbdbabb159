"""What gold and DataGuard must know of the configured organisations and their streams."""

from tactics.connectors import find_connector
from tactics.errors import ConfigError
from tactics.gold import OrgFacts, StreamFacts
from tactics.pipeline.scope import Chosen
from tactics.pipeline.workspace import Workspace


def org_facts(workspace: Workspace) -> list[OrgFacts]:
    """Return every configured organisation with the streams of all its sources."""
    return [
        OrgFacts(
            org_id,
            org.name,
            org.currency,
            org.timezone,
            tuple(
                facts
                for name, settings in org.sources.items()
                for facts in _stream_facts(Chosen(org_id, org, name, settings))
            ),
        )
        for org_id, org in workspace.settings.orgs.items()
    ]


def _stream_facts(chosen: Chosen) -> list[StreamFacts]:
    try:
        connector = find_connector(chosen.kind)
    except ConfigError:
        return []  # the run reports it where the source is fetched
    return [
        StreamFacts(
            chosen.source,
            chosen.kind,
            spec.name,
            spec.table,
            snapshot=not spec.can_miss_days,
            final_after_days=spec.final_after_days,
            enabled=chosen.settings.enabled,
            accounts=chosen.settings.accounts,
        )
        for spec in connector.manifest.streams
    ]
