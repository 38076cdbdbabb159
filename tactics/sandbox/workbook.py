"""The spreadsheets people keep by hand: bookings and CRM, with the mess that comes with it.

Holds the meaning (bookings, deals) and lays it out as cells; edits go through the meaning, so that
the expected result is always known. Knows no HTTP.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from tactics.sandbox.grid import Cell, Row, Tab
from tactics.sandbox.ledger import SheetBooking, SheetDeal, UnreadableRow
from tactics.sandbox.plan import Booking, Deal, Org

NATIVE = "application/vnd.google-apps.spreadsheet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

BOOKING_HEADINGS = {
    "booking_id": "Booking ID",
    "client": "Client",
    "campaign": "Campaign",
    "campaign_id": "Campaign ID",
    "platform": "Platform",
    "channel": "Channel",
    "flight_start": "Flight Start",
    "flight_end": "Flight End",
    "booked_impressions": "Booked Impressions",
    "booking_revenue": "Booking Revenue",
    "currency": "Currency",
    "status": "Status",
    "make_good_for": "Make Good For",
    "notes": "Notes",
}
DEAL_HEADINGS = {
    "deal_id": "Deal ID",
    "company": "Company",
    "contact_email": "Contact Email",
    "phone": "Phone",
    "stage": "Stage",
    "amount": "Amount",
    "currency": "Currency",
    "probability": "Probability",
    "expected_close": "Expected Close",
    "created_on": "Created On",
    "updated_on": "Updated On",
    "owner": "Owner",
    "booking_id": "Booking ID",
}


@dataclass(slots=True)
class _Entry:
    """A booking in the sheet: how its cells are typed in, and what is wrong with it, if anything."""

    booking: Booking
    style: int = 0
    problem: str | None = None


class Workbook:
    """One spreadsheet file with its version, its tabs, and who may see it."""

    def __init__(self, org: Org, file_id: str, modified_at: dt.datetime) -> None:
        self.org_id = org.org_id
        self.org_name = org.name
        self.file_id = file_id
        self.title = f"{org.name} bookings"
        self.locale = org.locale
        self.timezone = org.timezone
        self.mime_type = NATIVE
        self.version = 418
        self.modified_at = modified_at
        self.trashed = False
        self.shared = True
        self.drive_id: str | None = None
        self._missing: set[str] = set()
        self._titles = {"Bookings": "Bookings", "CRM": "CRM"}
        self._entries = [_Entry(booking, style) for style, booking in enumerate(org.bookings)]
        self._entries += _broken_entries(org) if org.bookings else []
        self._deals = list(org.deals)

    def tabs(self) -> list[Tab]:
        """Return the tabs as they stand now."""
        bookings, deals = (self._titles[name] for name in ("Bookings", "CRM"))
        return [
            Tab(0, bookings, self._booking_rows()[0]),
            Tab(91_827_364, deals, self._deal_rows()[0]),
            Tab(555_001, "Q1 '26 📈/old", [["Booking ID", "Note"], ["BK-0900", "last year"]]),
            Tab(555_002, "Archive", [["Booking ID"], ["BK-0001"]], hidden=True),
            Tab(555_003, "Empty"),
        ]

    def bookings(self) -> list[SheetBooking]:
        """Return the bookings that a reader must accept."""
        return self._booking_rows()[1]

    def unreadable(self) -> list[UnreadableRow]:
        """Return the rows that are no clean booking, and why."""
        return self._booking_rows()[2]

    def deals(self) -> list[SheetDeal]:
        """Return the deals that a reader must accept."""
        return self._deal_rows()[1]

    def touch(self, *, content: bool = True) -> None:
        """Count one more version; `modifiedTime` moves only when the content did."""
        self.version += 1
        if content:
            self.modified_at += dt.timedelta(seconds=37)

    def edit_booking(self, booking_id: str, **changes: object) -> Booking:
        """Change what is booked, as a person typing into the sheet."""
        entry = self._entry(booking_id)
        kinds: dict[str, Callable[[str], object]] = {
            "booking_revenue": Decimal,
            "booked_impressions": int,
            "flight_start": dt.date.fromisoformat,
            "flight_end": dt.date.fromisoformat,
        }
        typed = {
            name: kinds[name](str(value)) if name in kinds and value is not None else value
            for name, value in changes.items()
        }
        entry.booking = replace(entry.booking, **typed)  # type: ignore[arg-type]
        self.touch()
        return entry.booking

    def delete_booking(self, booking_id: str) -> None:
        """Remove a row; the rows below move up."""
        self._entries.remove(self._entry(booking_id))
        self.touch()

    def duplicate_booking(self, booking_id: str) -> None:
        """Paste a row a second time: now neither of the two can be trusted."""
        entry = self._entry(booking_id)
        entry.problem = "duplicate_key"
        self._entries.append(replace(entry))
        self.touch()

    def sort_bookings(self) -> None:
        """Sort by client: same records, other rows."""
        self._entries.sort(key=lambda entry: (entry.booking.client, entry.booking.booking_id))
        self.touch()

    def drop_column(self, heading: str) -> None:
        """Delete a column of the bookings tab."""
        self._missing.add(heading)
        self.touch()

    def rename_tab(self, old: str, new: str) -> None:
        """Rename the tab `Bookings` or `CRM`."""
        self._titles[old] = new
        self.touch()

    def make_xlsx(self) -> None:
        """Pretend that the file was uploaded from Excel instead of being a native sheet."""
        self.mime_type = XLSX
        self.touch()

    def _entry(self, booking_id: str) -> _Entry:
        return next(entry for entry in self._entries if entry.booking.booking_id == booking_id)

    def _booking_rows(self) -> tuple[list[Row], list[SheetBooking], list[UnreadableRow]]:
        fields = [name for name, text in BOOKING_HEADINGS.items() if text not in self._missing]
        # A second `Notes` and a nameless column: headings are neither unique nor complete.
        headings: Row = [*(BOOKING_HEADINGS[name] for name in fields), "Notes", "", "Checked"]
        rows: list[Row] = [[f"{self.org_name} · Bookings"], [], headings]
        good: list[SheetBooking] = []
        bad: list[UnreadableRow] = []
        for index, entry in enumerate(self._entries):
            if index in {3, 7}:
                rows.append([])
            cells = _booking_cells(entry, self.locale)
            rows.append([*(cells[name] for name in fields), *_scribbles(index)])
            where = (self.org_id, self.file_id, len(rows))
            if entry.problem is None:
                good.append(SheetBooking(*where, entry.booking))
            else:
                bad.append(UnreadableRow(*where, entry.problem, entry.booking.booking_id))
        rows += [[], self._total_row(fields)]
        bad.append(UnreadableRow(self.org_id, self.file_id, len(rows), "total_row", "Total"))
        return rows, good, bad

    def _total_row(self, fields: list[str]) -> Row:
        entries = [entry.booking for entry in self._entries if entry.problem is None]
        sums: dict[str, Cell] = {
            fields[0]: "Total",
            "booked_impressions": sum(booking.booked_impressions or 0 for booking in entries),
            "booking_revenue": sum(
                (booking.booking_revenue or Decimal(0) for booking in entries), Decimal(0)
            ),
        }
        return [sums.get(name) for name in fields]

    def _deal_rows(self) -> tuple[list[Row], list[SheetDeal]]:
        rows: list[Row] = [list(DEAL_HEADINGS.values())]
        good: list[SheetDeal] = []
        for index, deal in enumerate(self._deals):
            rows.append(_deal_cells(deal, index))
            good.append(SheetDeal(self.org_id, self.file_id, len(rows), deal))
        return rows, good


def _broken_entries(org: Org) -> list[_Entry]:
    """Return two more bookings: one ends on a day that does not exist, one has no price yet."""
    model = org.bookings[-1]
    number = int(model.booking_id.removeprefix("BK-")) + 90
    model = replace(model, flight_start=model.flight_end)
    impossible = replace(
        model, booking_id=f"BK-{number}", campaign="Next wave", campaign_id=None,
        make_good_for=None,
    )  # fmt: skip
    unpriced = replace(
        model, booking_id=f"BK-{number + 1}", campaign="Still talking", campaign_id=None,
        booking_revenue=None, make_good_for=None,
    )  # fmt: skip
    return [
        _Entry(impossible, 0, "impossible_date"),
        _Entry(unpriced, 0, "unreadable_revenue"),
    ]


def _booking_cells(entry: _Entry, locale: str) -> dict[str, Cell]:
    booking, style = entry.booking, entry.style
    cells: dict[str, Cell] = {name: getattr(booking, name) for name in BOOKING_HEADINGS}
    cells["flight_start"] = _date_cell(booking.flight_start, style, locale)
    cells["flight_end"] = _date_cell(booking.flight_end, style + 1, locale)
    cells["booked_impressions"] = _count_cell(booking.booked_impressions, style)
    cells["booking_revenue"] = _money_cell(booking.booking_revenue, style, booking.currency)
    if style % 5 == 1:
        cells["campaign_id"] = f" {booking.campaign_id} "
        cells["client"] = f"{booking.client} "
    if entry.problem == "impossible_date":
        cells["flight_end"] = "31/04/2026" if locale == "en_GB" else "04/31/2026"
    if entry.problem == "unreadable_revenue":
        cells["booking_revenue"] = "TBC"
    return cells


def _date_cell(day: dt.date, style: int, locale: str) -> Cell:
    """Return a day as a real date, as ISO text, or as text in the sheet's own order."""
    pattern = "%d/%m/%Y" if locale == "en_GB" else "%m/%d/%Y"
    return (day, day, day.isoformat(), day.strftime(pattern))[style % 4]


def _count_cell(count: int | None, style: int) -> Cell:
    if count is None:
        return None
    return (count, float(count), f"{count:,}")[style % 3]


def _money_cell(amount: Decimal | None, style: int, currency: str) -> Cell:
    if amount is None:
        return None
    return (amount, f"{amount:,.2f}", amount, f"{currency} {amount:,.2f}")[style % 4]


def _scribbles(index: int) -> Row:
    """Return the cells under the doubtful headings; most rows end before them."""
    scribbles: dict[int, Row] = {0: ["call client", "x", True], 2: [None, None, "#N/A"]}
    return scribbles.get(index, [])


def _deal_cells(deal: Deal, index: int) -> Row:
    cells: dict[str, Cell] = {name: getattr(deal, name) for name in DEAL_HEADINGS}
    if index % 3 == 1:
        cells["probability"] = f"{deal.probability * 100:.0f}%"
    if index % 4 == 2:  # noqa: PLR2004 - some row in four
        cells["created_on"] = deal.created_on.isoformat()
    return list(cells.values())
