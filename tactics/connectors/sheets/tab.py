"""Reads one tab: what each answer means and what to ask next.

A read is a look at Drive, the cells, and a second look at Drive. Sends nothing.
"""

from dataclasses import replace

from tactics.connectors.base import Step
from tactics.connectors.sheets import reading as steps
from tactics.connectors.sheets.answers import Batch, Book, File, decode
from tactics.connectors.sheets.faults import is_too_complex, is_unknown_range
from tactics.connectors.sheets.header import Columns, find_header
from tactics.connectors.sheets.options import COLUMNS, SheetsOptions
from tactics.connectors.sheets.ranges import Range, Tab, find_tab, quote_title, read_tabs, start_of
from tactics.connectors.sheets.reading import Reading
from tactics.connectors.sheets.snapshot import (
    Grid,
    date_order,
    decimal_mark,
    encode_page,
    pick_rows,
)
from tactics.errors import ContractChanged, SliceTooLarge
from tactics.model import Slice
from tactics.transport import Response


class TabRead:
    """What the answers mean for one tab; holds only what was given."""

    def __init__(self, work: Slice, mine: SheetsOptions) -> None:
        self._work = work
        self._mine = mine
        self._file_id = work.key.account_id
        self._wanted = mine.range_of(work.key.stream)
        self._tab = find_tab(read_tabs(work.account), self._wanted)

    def begin(self, response: Response) -> Step:
        """Ask for the cells, unless the file is as it was.

        Raises:
            ContractChanged: there is no tab with this id.
        """
        marker = decode(response, File).marker()
        if marker == self._work.marker:
            return Step(unchanged=True, marker=marker)
        title = self._wanted.title if self._tab is None else self._tab.title
        if not title:
            raise self._no_tab(read_tabs(self._work.account))
        reading = Reading(marker, title)
        if self._work.deep:
            reading = steps.in_blocks(self._wanted, reading, self._rows())
        return self._ask_values(reading)

    def take_values(self, reading: Reading, response: Response) -> Step:
        """Keep the cells and go on: to the next block, or to Drive.

        Raises:
            SliceTooLarge: Google cannot serve this range at once; in blocks it may.
        """
        if is_unknown_range(response) and not reading.renamed:
            return Step(next=reading.on(steps.discovery(self._file_id)))
        if is_too_complex(response) and self._rows():
            if not reading.first:
                raise SliceTooLarge("google cannot serve the tab at once", tab=reading.title)
            if (smaller := steps.smaller_block(self._wanted, reading)) is not None:
                return self._ask_values(smaller)
        page = self._page(reading, decode(response, Batch))
        following = steps.next_block(self._wanted, reading, self._rows())
        if following is not None:
            return replace(self._ask_values(following), page=page)
        return Step(page=page, next=reading.on(steps.probe(self._file_id)))

    def look_again(self, reading: Reading, response: Response) -> Step:
        """End, or read again what changed meanwhile; the last page of a slice is the snapshot."""
        marker = decode(response, File).marker()
        if marker == reading.marker:
            return Step(marker=marker)
        if reading.reads >= steps.MAX_READS:
            text = f"tab {reading.title!r} is being edited: the next sync reads it again"
            return Step(marker=reading.marker, warnings=(text,))
        again = steps.start_again(reading, marker)
        if self._work.deep:
            again = steps.in_blocks(self._wanted, again, self._rows())
        return self._ask_values(again)

    def find_renamed(self, reading: Reading, response: Response) -> Step:
        """Ask for the tab under its new title, found by its id.

        Raises:
            ContractChanged: the tab is gone, or it was never known by id.
        """
        tabs = decode(response, Book).tabs()
        by_id = None if self._tab is None else Range(tab_id=self._tab.id)
        tab = find_tab(tabs, by_id or self._wanted)
        if tab is None:
            raise self._no_tab(tabs)
        step = self._ask_values(replace(reading, title=tab.title, renamed=1))
        text = (
            f"tab {reading.title!r} is now called {tab.title!r}: edit the config, or use #{tab.id}"
        )
        return replace(step, warnings=(text,))

    def _ask_values(self, reading: Reading) -> Step:
        return Step(next=steps.values(self._file_id, self._wanted, reading))

    def _rows(self) -> int:
        return 0 if self._tab is None else self._tab.rows

    def _page(self, reading: Reading, batch: Batch) -> bytes:
        """Return the page of one answer.

        Raises:
            ContractChanged: the tab is empty, or its header is not as agreed.
        """
        first, *rest = self._grids(batch)
        locale = self._work.account.facts.get("locale", "")
        facts = {
            "stream": self._work.key.stream,
            "tab": reading.title,
            "sheet_id": None if self._tab is None else self._tab.id,
            "read": reading.reads,
            "locale": locale,
            "decimal": decimal_mark(locale),
            "date_order": date_order(locale),
        }
        if not first.rows:
            self._refuse_empty(reading)
            return encode_page(facts, None, [])
        header = find_header(
            first.rows,
            self._columns(),
            aliases=self._mine.aliases,
            extra=self._mine.extra_columns,
            tab=reading.title,
            first_row=first.first_row,
        )
        below = Grid(first.rows[header.row + 1 :], first.first_row + header.row + 1)
        rows = pick_rows(header, rest[0] if rest else below)
        if not rows and not reading.first:
            self._refuse_empty(reading)
        return encode_page(facts, header, rows)

    def _grids(self, batch: Batch) -> list[Grid]:
        """Return the ranges of an answer.

        Raises:
            ContractChanged: there is none.
        """
        if not batch.value_ranges:
            raise ContractChanged("google sends no range")
        return [Grid(item.values, start_of(item.range)) for item in batch.value_ranges]

    def _columns(self) -> Columns:
        columns = COLUMNS[self._work.key.stream]
        if not self._mine.synthetic_keys:
            return columns
        return replace(columns, required=columns.required - {columns.key})

    def _refuse_empty(self, reading: Reading) -> None:
        if not self._mine.allow_empty:
            raise ContractChanged(
                f"tab {reading.title!r} is empty: the rows held stay",
                hint="if that is meant, set allow_empty = true for this source",
            )

    def _no_tab(self, tabs: tuple[Tab, ...] | list[Tab]) -> ContractChanged:
        known = ", ".join(f"{quote_title(tab.title)} (#{tab.id})" for tab in tabs)
        wanted = self._wanted
        name = quote_title(wanted.title) if wanted.title else f"#{wanted.tab_id}"
        return ContractChanged(
            f"the spreadsheet has no tab {name}",
            hint=f"it has {known}; set bookings_range or crm_range, best as #id",
        )
