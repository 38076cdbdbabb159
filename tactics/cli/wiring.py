"""What the configured sources are and need, for the commands that only look.

Joins settings, connectors and credentials; asks no vendor.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.config import Settings, SourceSettings
    from tactics.connectors import Connector, Manifest
    from tactics.credentials import Credentials, Location


class Configured(NamedTuple):
    """One connection of the configuration with the connector of its kind."""

    org_id: str
    source: str
    settings: "SourceSettings"
    connector: "Connector"


def configured(settings: "Settings") -> Iterator[Configured]:
    """Yield every connection, enabled or not.

    Raises:
        ConfigError: a kind is unknown.
    """
    from tactics.connectors import find_connector

    for org_id, org in settings.orgs.items():
        for name, source in org.sources.items():
            yield Configured(org_id, name, source, find_connector(source.kind or name))


def manifest_of(settings: "Settings", org_id: str, source: str) -> "Manifest":
    """Return the facts of the vendor behind a connection.

    Raises:
        NotFoundError: there is no such connection.
    """
    for one in configured(settings):
        if (one.org_id, one.source) == (org_id, source):
            return one.connector.manifest
    raise NotFoundError(
        "no such source", hint="see `tactics sources list`", org=org_id, source=source
    )


def open_credentials(session: "Session") -> "Credentials":
    """Return where this command finds secrets; what is found is hidden everywhere."""
    from tactics.credentials import Credentials
    from tactics.transport import register_secret

    return Credentials(session.environment, register=register_secret)


def credential_rows(session: "Session") -> list[dict[str, object]]:
    """Return each credential that a source can use or a channel of alerts needs, and where it is."""
    from tactics.alerts import credentials_of

    credentials = open_credentials(session)
    rows: list[dict[str, object]] = []
    for one in configured(session.settings()):
        manifest = one.connector.manifest
        for name, needed in names_of(manifest):
            location = credentials.locate(one.org_id, one.source, name)
            rows.append({**asdict(location), "credential": _path(location), "needed": needed})
    told = credentials.listing(credentials_of(session.settings().alerts))
    rows += [{**asdict(one), "credential": _path(one), "needed": "yes"} for one in told]
    return rows


def is_complete(located: list["Location"], manifest: "Manifest") -> bool:
    """Return whether the located credentials make one alternative complete."""
    held = {location.name for location in located if location.place}
    return any(held.issuperset(names) for names in manifest.credentials)


def names_of(manifest: "Manifest") -> Iterator[tuple[str, str]]:
    """Yield each credential's name and whether the vendor needs it, in words."""
    for number, names in enumerate(manifest.credentials):
        word = "yes" if len(manifest.credentials) == 1 else f"alternative {number + 1}"
        yield from ((name, word) for name in names)
    yield from ((name, "optional") for name in manifest.optional_credentials)


def _path(location: "Location") -> str:
    return f"{location.org_id}/{location.source}/{location.name}"
