"""What gold and DataGuard must know of the configured organisations and their streams."""

from collections.abc import Iterator

from tactics.connectors import Connector, find_connector, options_of
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
            tuple(_zones(workspace, org_id)),
        )
        for org_id, org in workspace.settings.orgs.items()
    ]


def _zones(workspace: Workspace, org_id: str) -> Iterator[tuple[str, str, str]]:
    for name, settings in workspace.settings.orgs[org_id].sources.items():
        for account_id in settings.accounts or (name,):
            if known := workspace.store.accounts.get(org_id, name, account_id):
                yield name, account_id, known[0].timezone


def _stream_facts(chosen: Chosen) -> list[StreamFacts]:
    try:
        connector = find_connector(chosen.kind)
    except ConfigError:
        return []  # the run reports it where the source is fetched
    wanted = _wanted_streams(chosen, connector)
    return [
        StreamFacts(
            chosen.source,
            chosen.kind,
            spec.name,
            spec.table,
            snapshot=not spec.can_miss_days,
            final_after_days=spec.final_after_days,
            enabled=chosen.settings.enabled and spec.name in wanted,
            accounts=chosen.settings.accounts,
        )
        for spec in connector.manifest.streams
    ]


def _wanted_streams(chosen: Chosen, connector: Connector) -> set[str]:
    """Return the streams that the options choose; all of them where the options are wrong."""
    try:
        return {s.name for s in connector.streams(options_of(chosen.settings, connector))}
    except ConfigError:
        return {spec.name for spec in connector.manifest.streams}
