"""Google's answers, as the tests give them."""

import json
from typing import Any

from tactics.connectors.sheets import SheetsOptions
from tactics.model import Slice
from tactics.transport import Response
from tests.unit.connectors.builders import account, respond, slice_of

NATIVE = "application/vnd.google-apps.spreadsheet"
OPTIONS = SheetsOptions(bookings_range="Bookings", crm_range="CRM")
HEADINGS = [
    "Booking ID",
    "Client",
    "Flight Start",
    "Flight End",
    "Booked Impressions",
    "Booking Revenue",
]
LINE = ["BK-1", "Acme", 46082, 46112, 250000, 12500.5]


def work(
    stream: str = "bookings", *, locale: str = "en_GB", rows: int = 1000, **changes: Any
) -> Slice:
    """Return the slice of a tab in a spreadsheet that has two."""
    tabs = [{"id": 0, "title": "Bookings", "rows": rows}, {"id": 7, "title": "CRM", "rows": rows}]
    info = account(currency=None, facts={"locale": locale, "tabs": json.dumps(tabs)})
    return slice_of(stream, account_id="1AbC", info=info, **changes)


def file(version: str = "418", **changes: object) -> Response:
    """Return what Drive says of the file."""
    known = {"id": "1AbC", "mimeType": NATIVE, "modifiedTime": "2026-03-12T10:15:30.123Z"}
    return respond({**known, "version": version, "trashed": False, **changes})


def cells(*rows: list[object], at: str = "'Bookings'!A1:J1000") -> Response:
    """Return the answer to one range; no rows is no `values` at all."""
    return respond({"valueRanges": [{"range": at} | ({"values": list(rows)} if rows else {})]})


def book(*tabs: tuple[int, str], locale: str = "en_GB", zone: str = "Europe/Vienna") -> Response:
    """Return a spreadsheet with these tabs."""
    grid = {"sheetType": "GRID", "gridProperties": {"rowCount": 1000}}
    sheets = [{"properties": {"sheetId": number, "title": title, **grid}} for number, title in tabs]
    about = {"title": "Plan 2026", "locale": locale, "timeZone": zone}
    return respond({"properties": about, "sheets": sheets})
