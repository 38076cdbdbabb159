"""When each source was last asked for what was due: the ground on which the next time is found.

Knows no schedule.
"""

import datetime as dt
from dataclasses import dataclass

from tactics.sql import load_statements
from tactics.store.codec import from_instant, to_instant
from tactics.store.database import Database

_SQL = load_statements("tactics.store", "daemon.sql")


@dataclass(frozen=True, slots=True)
class Visit:
    """The last time a source was asked.

    `failures` counts the visits in a row that failed; `transient` says that another may fare better.
    """

    org_id: str
    source: str
    visited_at: dt.datetime
    outcome: str
    failures: int = 0
    transient: bool = False


class Visits:
    """The last visit to every source."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, visit: Visit) -> None:
        """Remember a visit; one with `failures` adds to those before it."""
        self._database.write(
            _SQL["note_visit"],
            {
                "org_id": visit.org_id,
                "source": visit.source,
                "visited_at": to_instant(visit.visited_at),
                "outcome": visit.outcome,
                "failed": min(visit.failures, 1),
                "transient": visit.transient,
            },
        )

    def by_source(self) -> dict[tuple[str, str], Visit]:
        """Return the last visit to each (organisation, source)."""
        return {
            (org_id, source): Visit(
                org_id, source, from_instant(at), outcome, failures, bool(transient)
            )
            for org_id, source, at, outcome, failures, transient in self._database.read(
                _SQL["list_visits"]
            )
        }
