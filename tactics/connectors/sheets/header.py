"""The header contract: which column of a tab is which, however people write and move them.

Headers are compared without case, blanks, underscores and Unicode variants, anywhere in the first
20 rows. Guesses nothing: a required column that is missing or stands twice refuses the tab.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tactics.connectors.sheets.ranges import HEADER_ROWS
from tactics.errors import ContractChanged


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one stream: name to the other headers that people write for it."""

    names: Mapping[str, tuple[str, ...]]
    required: frozenset[str]
    key: str


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header stands (row 0-based in what was read) and which column is what."""

    row: int
    columns: Mapping[str, int]
    titles: Mapping[str, str]
    extras: Mapping[str, int]


BOOKINGS = Columns(
    MappingProxyType({
        "booking_id": ("booking number", "booking no"),
        "client": ("advertiser", "customer"),
        "campaign": ("campaign name",),
        "campaign_id": (),
        "platform": ("source",),
        "channel": (),
        "flight_start": ("start", "start date", "flight start date"),
        "flight_end": ("end", "end date", "flight end date"),
        "booked_impressions": ("impressions", "booked imps"),
        "booking_revenue": ("revenue",),
        "currency": (),
        "status": (),
        "make_good_for": ("makegood for",),
        "goal": ("buying goal", "goal unit"),
        "booked_clicks": (),
        "booked_views": ("booked video views",),
        "booked_conversions": (),
        "booked_spend": ("media budget", "budget"),
        "hiatus": ("pause", "dark days"),
        "plan": ("delivery plan", "delivery curve"),
    }),
    required=frozenset({
        "booking_id",
        "flight_start",
        "flight_end",
        "booked_impressions",
        "booking_revenue",
    }),
    key="booking_id",
)
CRM_DEALS = Columns(
    MappingProxyType({
        "deal_id": ("deal number", "deal no"),
        "company": ("client", "customer"),
        "stage": ("deal stage",),
        "amount": ("deal value", "value"),
        "currency": (),
        "probability": (),
        "expected_close": ("expected close date", "close date"),
        "created_on": ("created", "created at", "created date"),
        "updated_on": ("updated", "updated at", "last modified"),
        "owner": ("deal owner",),
        "booking_id": (),
    }),
    required=frozenset({"deal_id", "stage", "amount"}),
    key="deal_id",
)


def normalize(text: object) -> str:
    """Return a header as it is compared; anything but text is no header."""
    if not isinstance(text, str):
        return ""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if not letter.isspace() and letter != "_")


def find_header(
    rows: Sequence[Sequence[object]],
    columns: Columns,
    *,
    aliases: Mapping[str, Sequence[str]],
    extra: Sequence[str] = (),
    tab: str,
    first_row: int = 1,
) -> Header:
    """Return the header: the first row that has every required column.

    Raises:
        ContractChanged: a required column is missing, or a column stands twice.
    """
    ranks = _ranks(columns, aliases)
    found = [_match(row, ranks) for row in rows[:HEADER_ROWS]]
    complete = (i for i, match in enumerate(found) if columns.required <= match.keys())
    at = next(complete, None)
    if at is None:
        error = _no_header(found, columns, tab=tab, first_row=first_row)
        raise error
    for name, hits in found[at].items():
        if len(hits) > 1:
            cells = ", ".join(f"{_letters(place)}{first_row + at}" for place in hits)
            raise ContractChanged(f"tab {tab!r}: column {name} stands twice", cells=cells)
    places = {name: hits[0] for name, hits in found[at].items()}
    wanted = {normalize(title): title for title in extra}
    return Header(
        row=at,
        columns=places,
        titles={name: str(rows[at][place]) for name, place in places.items()},
        extras={
            wanted[normalize(cell)]: place
            for place, cell in enumerate(rows[at])
            if normalize(cell) in wanted and place not in places.values()
        },
    )


def _ranks(
    columns: Columns, aliases: Mapping[str, Sequence[str]]
) -> dict[str, list[tuple[int, str]]]:
    """Return header text to (rank, column): the name itself before the configured aliases."""
    ranks: dict[str, list[tuple[int, str]]] = {}
    for name, usual in columns.names.items():
        for rank, texts in enumerate(((name,), aliases.get(name, ()), usual)):
            for text in texts:
                ranks.setdefault(normalize(text), []).append((rank, name))
    return ranks


def _match(
    row: Sequence[object], ranks: Mapping[str, list[tuple[int, str]]]
) -> dict[str, list[int]]:
    """Return each column's places in a row; a better ranked header hides the worse ones."""
    hits: dict[str, dict[int, list[int]]] = {}
    for place, cell in enumerate(row):
        if options := ranks.get(normalize(cell)):
            rank, name = min(options)
            hits.setdefault(name, {}).setdefault(rank, []).append(place)
    return {name: by_rank[min(by_rank)] for name, by_rank in hits.items()}


def _no_header(
    found: Sequence[Mapping[str, list[int]]], columns: Columns, *, tab: str, first_row: int
) -> ContractChanged:
    best = max(range(len(found)), key=lambda i: len(found[i]), default=0)
    there = found[best].keys() if found else frozenset()
    missing = sorted(columns.required - there)
    where = f"row {first_row + best}" if there else f"the first {HEADER_ROWS} rows"
    return ContractChanged(
        f"tab {tab!r}: no column {' and no column '.join(missing)} in {where}",
        hint='name it in the sheet, or in the config: aliases = { campaign_id = ["Kampagne"] }',
    )


def _letters(column: int) -> str:
    name, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name
