"""What goes into the lake and what comes back, as values.

Knows neither Iceberg nor DuckDB.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Literal

from tactics.model import CoveredDay


@dataclass(frozen=True, slots=True)
class BronzeLoad:
    """How many pages one append wrote, and how many the lake held already."""

    written: int = 0
    duplicate: int = 0


@dataclass(frozen=True, slots=True)
class SilverRequest:
    """One completed fetch whose pages lie in bronze between two positions of the event log."""

    request_id: str
    account_id: str
    first_seq: int
    last_seq: int
    pages: int


@dataclass(frozen=True, slots=True)
class SilverLoad:
    """The completed fetches of one stream that go to `table` in one commit.

    `sql` is the stream's SELECT over the relation `pages`; it unnests before it filters or joins,
    because DuckDB gathers 2,048 rows in front of a filter, and 2,048 whole pages are half a
    gigabyte. Pages of other requests may appear in it without payload. `winners` are the covered days whose
    newest fetch is one of `requests`: exactly these days are overwritten, rows of other days are
    superseded. Of a `snapshot`, a winner overwrites everything of its account and stream. Of
    `changes`, each record replaces the one of the same entity, unless that is from a newer fetch.
    With `as_of_fetch`, rows are dated by the first day of the window that was fetched, and refused
    records are left to the load of the stream's own table.
    """

    load_id: str
    table: str
    sql: str
    org_id: str
    source: str
    stream: str
    requests: tuple[SilverRequest, ...]
    winners: tuple[CoveredDay, ...]
    slicing: Literal["days", "changes", "snapshot"] = "days"
    as_of_fetch: bool = False

    @property
    def snapshot(self) -> bool:
        """Return whether every fetch holds the account whole."""
        return self.slicing == "snapshot"


@dataclass(frozen=True, slots=True)
class SilverResult:
    """Where the records of a load went: received = written + duplicate + quarantined + superseded.

    `start` and `end` span the days whose rows differ from what was held (None: nothing changed).
    `incomplete` are requests that were left out because bronze does not hold all their pages yet;
    they load when the missing pages arrive.
    """

    received: int = 0
    written: int = 0
    duplicate: int = 0
    quarantined: int = 0
    superseded: int = 0
    start: dt.date | None = None
    end: dt.date | None = None
    incomplete: tuple[str, ...] = ()

    def __add__(self, other: "SilverResult") -> "SilverResult":
        starts = [day for day in (self.start, other.start) if day is not None]
        ends = [day for day in (self.end, other.end) if day is not None]
        return SilverResult(
            self.received + other.received,
            self.written + other.written,
            self.duplicate + other.duplicate,
            self.quarantined + other.quarantined,
            self.superseded + other.superseded,
            min(starts, default=None),
            max(ends, default=None),
            (*self.incomplete, *other.incomplete),
        )

    @property
    def changed(self) -> bool:
        """Return whether anything that is built from the table has to be built again."""
        return self.start is not None

    def to_json(self) -> str:
        """Return the text that a snapshot keeps, so that a replay can answer the same."""
        return json.dumps(asdict(self), default=dt.date.isoformat)

    @classmethod
    def from_json(cls, text: str) -> "SilverResult":
        """Return what `to_json` wrote."""
        facts = json.loads(text)
        for bound in ("start", "end"):
            facts[bound] = facts[bound] and dt.date.fromisoformat(facts[bound])
        return cls(**{**facts, "incomplete": tuple(facts["incomplete"])})


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """What one round of maintenance did, summed over all tables."""

    expired_snapshots: int = 0
    retired_files: int = 0
    compacted_files: int = 0
    swept_files: int = 0
    swept_bytes: int = 0

    def __add__(self, other: "MaintenanceReport") -> "MaintenanceReport":
        return MaintenanceReport(
            self.expired_snapshots + other.expired_snapshots,
            self.retired_files + other.retired_files,
            self.compacted_files + other.compacted_files,
            self.swept_files + other.swept_files,
            self.swept_bytes + other.swept_bytes,
        )
