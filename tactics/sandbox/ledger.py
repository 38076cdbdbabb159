"""What the simulated vendors would sign: exact totals that a correct sync must reproduce.

Values and sums only; money is Decimal or integer minor units, never a float.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeAlias

from tactics.sandbox.plan import Booking, Deal

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AdDay:
    """One campaign on one day of the account's calendar."""

    org_id: str
    source: str
    account_id: str
    day: dt.date
    campaign_id: str
    campaign_name: str
    currency: str
    impressions: int
    clicks: int
    spend: Decimal
    conversions: Decimal
    conversion_value: Decimal
    video_views: int


@dataclass(frozen=True, slots=True)
class AdSum:
    """The sum of some `AdDay`s; `rows` of them."""

    rows: int = 0
    impressions: int = 0
    clicks: int = 0
    spend: Decimal = Decimal(0)
    conversions: Decimal = Decimal(0)
    conversion_value: Decimal = Decimal(0)
    video_views: int = 0

    def plus(self, day: AdDay) -> "AdSum":
        """Return the sum with one day more."""
        return AdSum(
            self.rows + 1,
            self.impressions + day.impressions,
            self.clicks + day.clicks,
            self.spend + day.spend,
            self.conversions + day.conversions,
            self.conversion_value + day.conversion_value,
            self.video_views + day.video_views,
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """One balance transaction; `day` is its day in the account's time zone."""

    org_id: str
    source: str
    account_id: str
    day: dt.date
    currency: str
    txn_id: str
    type: str
    reporting_category: str
    status: str
    amount_minor: int
    fee_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class MoneySum:
    """The sum of some `Movement`s of one currency, in minor units; `rows` of them."""

    rows: int = 0
    amount_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0

    def plus(self, movement: Movement) -> "MoneySum":
        """Return the sum with one movement more."""
        return MoneySum(
            self.rows + 1,
            self.amount_minor + movement.amount_minor,
            self.fee_minor + movement.fee_minor,
            self.net_minor + movement.net_minor,
        )


@dataclass(frozen=True, slots=True)
class SheetBooking:
    """A booking that a reader must accept, and the row (1-based) it stands in."""

    org_id: str
    account_id: str
    sheet_row: int
    booking: Booking


@dataclass(frozen=True, slots=True)
class SheetDeal:
    """A CRM deal that a reader must accept, and the row (1-based) it stands in."""

    org_id: str
    account_id: str
    sheet_row: int
    deal: Deal


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A sheet row that is no clean record, and why."""

    org_id: str
    account_id: str
    sheet_row: int
    reason: str  # impossible_date, unreadable_revenue, total_row, duplicate_key, no_key
    key: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One row that a correct sync must leave in silver table `table`.

    `values` are columns of that table: counts as int, money as Decimal, texts, aware times; `day` is
    its `date`.
    """

    table: str
    org_id: str
    source: str
    account_id: str
    day: dt.date
    entity_id: str
    values: Mapping[str, int | Decimal | str | dt.datetime | None]


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything the simulated vendors hold at this moment."""

    ads: tuple[AdDay, ...] = ()
    movements: tuple[Movement, ...] = ()
    bookings: tuple[SheetBooking, ...] = ()
    unreadable: tuple[UnreadableRow, ...] = ()
    deals: tuple[SheetDeal, ...] = ()
    facts: tuple[Fact, ...] = ()

    def between(self, start: dt.date, end: dt.date) -> "Totals":
        """Return the totals with only the ad days, movements and facts of `start`..`end`."""
        return dataclasses.replace(
            self,
            ads=tuple(row for row in self.ads if start <= row.day <= end),
            movements=tuple(row for row in self.movements if start <= row.day <= end),
            facts=tuple(row for row in self.facts if start <= row.day <= end),
        )

    def of(self, org_id: str) -> "Totals":
        """Return the totals of one organisation."""
        kept: dict[str, Any] = {
            field.name: tuple(row for row in getattr(self, field.name) if row.org_id == org_id)
            for field in dataclasses.fields(self)
        }
        return Totals(**kept)

    def ad_sums(self, *by: str) -> dict[Key, AdSum]:
        """Return ad sums grouped by fields of `AdDay`, for example `("account_id", "day")`."""
        sums: dict[Key, AdSum] = {}
        for row in self.ads:
            key = _key(row, by)
            sums[key] = sums.get(key, AdSum()).plus(row)
        return sums

    def money_sums(self, *by: str) -> dict[Key, MoneySum]:
        """Return money sums grouped by `currency` and these fields of `Movement`."""
        sums: dict[Key, MoneySum] = {}
        for row in self.movements:
            key = _key(row, (*by, "currency"))
            sums[key] = sums.get(key, MoneySum()).plus(row)
        return sums

    def fact_sums(self, table: str, *columns: str, by: Sequence[str] = ()) -> dict[Key, Key]:
        """Return the sums of some columns of a silver table.

        `by` are fields of `Fact`, or columns of the table. NULL counts as zero.
        """
        sums: dict[Key, list[Any]] = {}
        for fact in self.facts:
            if fact.table != table:
                continue
            key = tuple(
                fact.values[name] if name in fact.values else getattr(fact, name) for name in by
            )
            held = sums.setdefault(key, [0] * len(columns))
            for place, name in enumerate(columns):
                held[place] += fact.values[name] or 0
        return {key: tuple(held) for key, held in sums.items()}

    def to_json(self) -> dict[str, object]:
        """Return lists of plain objects; Decimals and dates are strings."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def _key(row: object, by: Iterable[str]) -> Key:
    return tuple(attrgetter(name)(row) for name in by)


def plain(value: object) -> object:
    """Return a value as JSON has it: rows as objects, Decimals and dates as text."""
    match value:
        case None | int() | str():
            return value
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return plain(dataclasses.asdict(value))
        case _:
            return str(value)
