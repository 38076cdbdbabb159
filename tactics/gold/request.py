"""What a build is told, and what it returns: plain values.

Opens nothing.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tactics.gold.plan import Change

if TYPE_CHECKING:  # pydantic takes as long to import as DuckDB, and a report needs no settings
    from tactics.config import PacingSettings

# (silver table, org_id, first day, last day) -> SQL text that can stand in FROM, or None when nothing
# is held. Days None: all. It may hold more rows than asked for; the models filter again.
Relation: TypeAlias = Callable[[str, str, dt.date | None, dt.date | None], str | None]

# (org_id, source, account_id, stream, day, finality, request_id, fetched_at), as the store keeps it.
CoverageRow: TypeAlias = tuple[str, str, str, str, dt.date, str, str, dt.datetime]


# (day, currency, what a euro costs in it), in any order.
RateRow: TypeAlias = tuple[dt.date, str, Decimal]


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One configured stream: which silver table it fills and when its days are final.

    `accounts` are those that the configuration names; empty: whatever was loaded. Of a stream that is
    not `enabled` nothing new is to be expected.
    """

    source: str
    kind: str
    stream: str
    table: str
    snapshot: bool = False
    final_after_days: int = 0
    enabled: bool = True
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """One organisation as gold needs to know it; disabled sources that hold data belong to it too.

    `zones` has the time zone of each account (source, account, zone) that the vendor told one for: a
    property in New York is not late because the day has ended in Vienna.
    """

    org_id: str
    name: str
    currency: str
    timezone: str
    streams: tuple[StreamFacts, ...] = ()
    zones: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GoldBuild:
    """One build: what changed, and where to read it.

    `orgs` are the organisations to build; any other that gold holds is left as it is (a halted one
    keeps its last good rows, also in a full build). `render` puts the compiled formulas into a text
    with `{{ metric }}` placeholders; `formulas` is another one whenever what it puts there may be: the
    same as of the generation before, and its formulas are taken. `fx_rates` are added to those that
    gold keeps; a day and currency that it has already is written anew. `silver_from` is the first
    day that silver's retention still holds: older gold rows are kept, never rebuilt. Rows older than `keep_days` are dropped.
    """

    relation: Relation
    render: Callable[[str], str]
    orgs: Sequence[OrgFacts]
    built_at: dt.datetime
    pacing: "PacingSettings"
    changes: Sequence[Change] = ()
    coverage: Sequence[CoverageRow] = ()
    folders: Sequence[Path] = ()
    fx_rates: Sequence[RateRow] = ()
    full: bool = False
    silver_from: dt.date | None = None
    formulas: str = ""
    keep_days: int = 730


@dataclass(frozen=True, slots=True)
class Generation:
    """A complete file that no reader sees before it is published.

    `tables` counts the rows of each table. `full` tells why everything was rebuilt, or is empty.
    `orgs` are those whose own tables were made anew; the others' had the same basis as before.
    """

    number: int
    path: Path
    tables: dict[str, int]
    seconds: float
    full: str = ""
    orgs: tuple[str, ...] = ()
