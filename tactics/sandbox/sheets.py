"""Simulates Google Sheets v4: tabs, values, batches, and what people do to a sheet while it is read.

Source: the google_sheets contract sheet of 2026-11-21. Never answers with cell formats or grid data.
"""

import json
from collections.abc import Callable

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator, constant
from tactics.sandbox.faults import Fault
from tactics.sandbox.google import BEFORE, check_bearer, error_reply, pick_fields, service_account
from tactics.sandbox.grid import Area, RangeRefused, Tab, parse_range, read_cells
from tactics.sandbox.keys import Grant
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene
from tactics.sandbox.workbook import NATIVE, Workbook

_SCOPES = ("spreadsheets.readonly", "spreadsheets", "drive.readonly", "drive", "drive.file")
_RENDERINGS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
_DATES = ("SERIAL_NUMBER", "FORMATTED_STRING")
_DIMENSIONS = ("ROWS", "COLUMNS")
_MINUTE = 60
_QUOTA = (
    "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'"
    " of service 'sheets.googleapis.com'"
)


def simulator(scene: Scene) -> Simulator:
    """Return the Sheets API over the workbooks of `scene`."""
    sheets = _Sheets(scene)
    return Simulator(
        name="sheets",
        routes=(
            Route("GET", "/v4/spreadsheets/{account}", sheets.get_spreadsheet),
            Route("GET", "/v4/spreadsheets/{account}/values:batchGet", sheets.batch_get),
            Route("GET", "/v4/spreadsheets/{account}/values/{range}", sheets.get_values),
        ),
        not_found=lambda _call: error_reply(404, "Requested entity was not found."),
        before=BEFORE
        | {
            "rate_limit": constant(error_reply(429, _QUOTA)),
            "xlsx": constant(_not_native()),
            "renamed_tab": _values_only(lambda call, _fault: _no_range(_asked(call)[0])),
            "too_complex": _too_complex,
        },
        after={
            "sheet_changed_mid_read": sheets.change_mid_read,
            "not_a_number": _stray_text,
            "unknown_field": _extra_key,
        },
        settings=sheets.settings,
        credentials=lambda org, url: {
            "service_account": json.dumps(service_account(scene.keys[org.org_id], url))
        },
    )


class _Sheets:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._reads: dict[str, list[float]] = {}

    def settings(self, org: Org, url: str) -> dict[str, object]:
        return {
            "accounts": [self._scene.workbook(org.org_id).file_id],
            "base_url": f"{url}/sheets",
            "drive_base_url": f"{url}/drive/v3",
            "bookings_range": "Bookings",
            "crm_range": "CRM",
        }

    def get_spreadsheet(self, call: Call) -> Reply:
        book = self._open(call)
        document = {
            "spreadsheetId": book.file_id,
            "properties": {
                "title": book.title,
                "locale": book.locale,
                "timeZone": book.timezone,
                "autoRecalc": "ON_CHANGE",
            },
            "sheets": [
                {"properties": _tab_properties(index, tab)} for index, tab in enumerate(book.tabs())
            ],
            "namedRanges": [],
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{book.file_id}/edit",
        }
        return Reply(pick_fields(document, call.first("fields")))

    def get_values(self, call: Call) -> Reply:
        book = self._open(call)
        values = _values(book, call.match["range"], call)
        return Reply(pick_fields(values, call.first("fields")))

    def batch_get(self, call: Call) -> Reply:
        book = self._open(call)
        ranges = call.every("ranges")
        document = {
            "spreadsheetId": book.file_id,
            "valueRanges": [_values(book, text, call) for text in ranges],
        }
        return Reply(pick_fields(document, call.first("fields")))

    def change_mid_read(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Let somebody edit the sheet just after its cells were read."""
        book = self._scene.workbooks.get(call.match["account"])
        if book is None or "/values" not in call.path:
            return None
        first = book.bookings()[0].booking
        assert first.booking_revenue is not None
        book.edit_booking(first.booking_id, booking_revenue=first.booking_revenue + 1)
        return reply

    def _open(self, call: Call) -> Workbook:
        grant = check_bearer(self._scene, call, _SCOPES)
        self._count(grant)
        book = self._scene.workbooks.get(call.match["account"])
        if book is None:
            raise Refused(error_reply(404, "Requested entity was not found."))
        if book.org_id != grant.org_id or not book.shared:
            raise Refused(error_reply(403, "The caller does not have permission"))
        if book.mime_type != NATIVE:
            raise Refused(_not_native())
        return book

    def _count(self, grant: Grant) -> None:
        """Count the reads of one user in the running minute.

        Raises:
            Refused: there were too many.
        """
        now = self._scene.clock.monotonic()
        reads = [at for at in self._reads.get(grant.email, []) if now - at < _MINUTE]
        self._reads[grant.email] = reads
        if len(reads) >= self._scene.limits.sheets_reads_per_minute:
            raise Refused(error_reply(429, _QUOTA))
        reads.append(now)


def _values(book: Workbook, text: str, call: Call) -> dict[str, object]:
    area = _find_area(book, text)
    dimension = _one_of(call, "majorDimension", _DIMENSIONS)
    rows = read_cells(
        area,
        render=_one_of(call, "valueRenderOption", _RENDERINGS),
        dates=_one_of(call, "dateTimeRenderOption", _DATES),
        locale=book.locale,
    )
    if dimension == "COLUMNS":
        width = max(map(len, rows), default=0)
        rows = [
            [row[column] if column < len(row) else "" for row in rows] for column in range(width)
        ]
    # An empty range has no `values` at all.
    return {"range": area.text, "majorDimension": dimension} | ({"values": rows} if rows else {})


def _find_area(book: Workbook, text: str) -> Area:
    try:
        return parse_range(text, book.tabs())
    except RangeRefused as exc:
        raise Refused(error_reply(400, str(exc))) from exc


def _one_of(call: Call, name: str, allowed: tuple[str, ...]) -> str:
    value = call.first(name, allowed[0])
    if value not in allowed:
        raise Refused(error_reply(400, f"Invalid value at '{name}', \"{value}\""))
    return value


def _tab_properties(index: int, tab: Tab) -> dict[str, object]:
    properties: dict[str, object] = {
        "sheetId": tab.sheet_id,
        "title": tab.title,
        "index": index,
        "sheetType": "GRID",
        "gridProperties": {"rowCount": tab.row_count, "columnCount": tab.columns},
    }
    return properties | ({"hidden": True} if tab.hidden else {})


def _asked(call: Call) -> list[str]:
    return [call.match["range"]] if "range" in call.match else call.every("ranges") or ["?"]


def _no_range(text: str) -> Reply:
    return error_reply(400, f"Unable to parse range: {text}")


def _not_native() -> Reply:
    message = "This operation is not supported for this document"
    return error_reply(400, message, name="FAILED_PRECONDITION")


def _values_only(
    effect: Callable[[Call, Fault], Reply],
) -> Callable[[Call, Fault], Reply | None]:
    return lambda call, fault: effect(call, fault) if "/values" in call.path else None


def _too_complex(call: Call, fault: Fault) -> Reply | None:
    """Fail on ranges of more than `over_rows` rows; halved they work."""
    if "/values" not in call.path:
        return None
    everywhere = [Tab(0, text.partition("!")[0].strip("'")) for text in _asked(call)]
    rows = 0
    for text in _asked(call):
        area = parse_range(text, everywhere)
        rows += area.bottom - area.top
    if rows <= fault.option("over_rows", 500):
        return None
    return error_reply(503, "The service is currently unavailable.")


def _stray_text(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Put `N/A` where the first booking's impressions stand."""
    if "/values" not in call.path or not isinstance(reply.document, dict):
        return None
    for block in reply.document.get("valueRanges", [reply.document]):
        rows = block.get("values", [])
        header = next((row for row in rows if "Booked Impressions" in row), None)
        if header is not None:
            column = header.index("Booked Impressions")
            rows[rows.index(header) + 1][column] = "N/A"
            return reply
    return None


def _extra_key(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    if not isinstance(reply.document, dict) or "error" in reply.document:
        return None
    return Reply({**reply.document, "sandboxNewField": {"nested": [1]}})
