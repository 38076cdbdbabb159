"""Since when each credential is in use, so that one that will run out can be told in time.

Holds no secret: a keyed fingerprint says whether it is still the same one.
"""

import datetime as dt
from collections.abc import Mapping

from tactics.clock import Clock
from tactics.sql import load_statements
from tactics.store.codec import from_instant, to_instant
from tactics.store.database import Database

_SQL = load_statements("tactics.store", "ledger.sql")


class Sightings:
    """The credentials that connections have used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(self, org_id: str, source: str, fingerprints: Mapping[str, str]) -> None:
        """Remember the credentials that a connection uses now, by name."""
        now = to_instant(self._clock.now())
        with self._database.transaction():
            for name, fingerprint in fingerprints.items():
                facts = {"name": name, "fingerprint": fingerprint, "now": now}
                self._database.write(
                    _SQL["note_credential"], {"org_id": org_id, "source": source, **facts}
                )

    def first_used(self, org_id: str, source: str) -> dict[str, dt.datetime]:
        """Return by name since when a connection uses its credentials."""
        rows = self._database.read(_SQL["list_credentials"], {"org_id": org_id, "source": source})
        return {name: from_instant(at) for name, at in rows}
