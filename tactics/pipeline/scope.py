"""What a run was asked to do, and who reports its progress."""

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tactics.config import OrgSettings, Settings, SourceSettings
from tactics.errors import NotFoundError
from tactics.model import Window

if TYPE_CHECKING:
    from tactics.connectors import Manifest


@dataclass(frozen=True, slots=True)
class Chosen:
    """One source as it is configured: `source` is its name within `org`."""

    org_id: str
    org: OrgSettings
    source: str
    settings: SourceSettings

    @property
    def kind(self) -> str:
        """Return which connector reads it."""
        return self.settings.kind or self.source

    def accounts(self, manifest: "Manifest") -> dict[str, str]:
        """Return each account once, with the earlier connection that reads it already, or "".

        Otherwise a client that is reached through two manager accounts would count twice.
        """
        readers = dict.fromkeys(self.settings.accounts or (self.source,), "")
        earlier = itertools.takewhile(self.source.__ne__, self.org.sources)
        for name in earlier if manifest.global_accounts else ():
            other = self.org.sources[name]
            if other.enabled and (other.kind or name) == manifest.kind:
                shared = [one for one in readers if one in other.accounts and not readers[one]]
                readers |= dict.fromkeys(shared, name)
        return readers


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sources to fetch (empty: all), which days (None: what is due), and whether to stay offline."""

    orgs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    offline: bool = False
    window: Window | None = None

    def chosen(self, settings: Settings) -> Iterator[Chosen]:
        """Yield every enabled source that was asked for.

        Raises:
            NotFoundError: an org or source was named that the configuration does not have.
        """
        self._refuse_unknown(settings)
        for org_id, org in settings.orgs.items():
            if self.orgs and org_id not in self.orgs:
                continue
            for name, source in org.sources.items():
                if source.enabled and (not self.sources or name in self.sources):
                    yield Chosen(org_id, org, name, source)

    def _refuse_unknown(self, settings: Settings) -> None:
        orgs = [
            org for org_id, org in settings.orgs.items() if org_id in self.orgs or not self.orgs
        ]
        known_sources = {name for org in orgs for name in org.sources}
        for what, named, known in (
            ("org", self.orgs, set(settings.orgs)),
            ("source", self.sources, known_sources),
        ):
            if unknown := sorted(set(named) - known):
                raise NotFoundError(
                    f"no such {what}: {', '.join(unknown)}",
                    hint=f"configured: {', '.join(sorted(known)) or 'none'}",
                )

    def covers(self, other: "Scope") -> bool:
        """Return whether a run of this scope also did what `other` asks for."""
        return (
            (not self.orgs or (bool(other.orgs) and set(other.orgs) <= set(self.orgs)))
            and (
                not self.sources
                or (bool(other.sources) and set(other.sources) <= set(self.sources))
            )
            and self.offline <= other.offline
            and self.window == other.window
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scope as JSON-able values."""
        days = self.window and [self.window.start.isoformat(), self.window.end.isoformat()]
        return {"orgs": self.orgs, "sources": self.sources, "offline": self.offline, "window": days}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Scope":
        """Return the scope that `to_json` wrote."""
        days = data.get("window")
        window = Window(*map(dt.date.fromisoformat, days)) if days else None
        return cls(tuple(data["orgs"]), tuple(data["sources"]), bool(data["offline"]), window)


class Progress(Protocol):
    """Hears what a run does; called from several threads, must not block."""

    def begin(self, org_id: str, source: str, *, slices: int) -> None:
        """Hear that a source has so many more slices to fetch."""
        ...

    def advance(self, org_id: str, source: str, *, pages: int) -> None:
        """Hear that a slice is complete."""
        ...

    def stage(self, name: str) -> None:
        """Hear that a stage starts."""
        ...

    def done(self) -> None:
        """Hear that the run is over."""
        ...


class Silent:
    """Progress that nobody watches."""

    def begin(self, org_id: str, source: str, *, slices: int) -> None:
        """Say nothing."""

    def advance(self, org_id: str, source: str, *, pages: int) -> None:
        """Say nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def done(self) -> None:
        """Say nothing."""
