"""One read of a tab: is it changed, the cells, did it change meanwhile."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tactics.connectors import Step
from tactics.connectors.sheets import SheetsOptions, connector
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    DecodeError,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Slice
from tactics.transport import Request, Response
from tests.unit.connectors.builders import respond
from tests.unit.connectors.sheets.answers import (
    HEADINGS,
    LINE,
    OPTIONS,
    book,
    cells,
    file,
    work,
)

MARKER = "418@2026-03-12T10:15:30.123Z"


class Conversation:
    """Answers what the connector asks, one response after the other."""

    def __init__(self, slice_: Slice | None = None, options: SheetsOptions = OPTIONS) -> None:
        self.work = slice_ or work()
        self.options = options
        self.request: Request | None = connector.ask(self.work, options)
        self.pages: list[dict[str, Any]] = []

    def hear(self, *responses: Response) -> Step:
        """Read responses in turn and return the last step."""
        step = Step()
        for response in responses:
            assert self.request is not None
            step = connector.read(self.work, self.options, self.request, response)
            self.request = step.next
            if step.page is not None:
                self.pages.append(json.loads(step.page))
        return step

    def ranges(self) -> list[str]:
        """Return the ranges that are asked for next."""
        assert self.request is not None
        return [value for name, value in self.request.query if name == "ranges"]


def test_drive_is_asked_first() -> None:
    """The cheap question whether the file changed also works on shared drives, without personal data."""
    request = connector.ask(work(), OPTIONS)
    assert (request.base, request.path) == ("drive", "/files/1AbC")
    query = dict(request.query)
    assert query["supportsAllDrives"] == "true"
    assert "lastModifyingUser" not in query["fields"]


def test_an_unchanged_file_ends_there() -> None:
    """The marker that the last fetch left says that the held snapshot is still right."""
    step = Conversation(work(marker=MARKER)).hear(file())
    assert step == Step(unchanged=True, marker=MARKER)


def test_a_changed_file_is_read_and_checked_again() -> None:
    """Numbers as numbers, dates as serials, the whole tab; then Drive once more."""
    talk = Conversation(work(marker="417@x"))
    talk.hear(file())
    assert talk.request is not None
    assert talk.request.path == "/v4/spreadsheets/1AbC/values:batchGet"
    assert dict(talk.request.query) == {
        "ranges": "'Bookings'",
        "majorDimension": "ROWS",
        "valueRenderOption": "UNFORMATTED_VALUE",
        "dateTimeRenderOption": "SERIAL_NUMBER",
    }
    talk.hear(cells(HEADINGS, LINE))
    assert talk.request.base == "drive"
    assert talk.hear(file()) == Step(marker=MARKER)
    [page] = talk.pages
    assert page["rows"][0]["cells"]["booking_id"] == "BK-1"


def test_a_change_while_reading_reads_again() -> None:
    """The last page of the slice is the snapshot, and says that it is the second read."""
    talk = Conversation()
    talk.hear(file("1"), cells(HEADINGS, LINE), file("2"), cells(HEADINGS, [*LINE[:5], 99]))
    assert talk.hear(file("2")).marker == "2@2026-03-12T10:15:30.123Z"
    assert [page["read"] for page in talk.pages] == [1, 2]


def test_endless_editing_is_bounded() -> None:
    """After three reads the last one counts, and the next sync reads again: its marker is old."""
    talk = Conversation()
    talk.hear(file("1"))
    for version in ("2", "3"):
        talk.hear(cells(HEADINGS, LINE), file(version))
    step = talk.hear(cells(HEADINGS, LINE), file("4"))
    assert step.next is None
    assert step.marker == "3@2026-03-12T10:15:30.123Z"
    assert "is being edited" in step.warnings[0]


def test_the_checks_of_different_reads_are_different_requests() -> None:
    """A guard against cursor loops may tell them apart by what they carry."""
    talk = Conversation()
    talk.hear(file("1"), cells(HEADINGS, LINE))
    first = talk.request
    talk.hear(file("2"), cells(HEADINGS, LINE))
    assert talk.request != first


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trashed": True}, "in the bin"),
        ({"mimeType": "application/vnd.openxmlformats-officedocument"}, "not a Google Sheet"),
    ],
)
def test_only_living_google_sheets_are_read(changes: dict[str, object], words: str) -> None:
    """A file in the bin, or an uploaded .xlsx, stops the stream with what to do."""
    with pytest.raises(ContractChanged, match=words):
        Conversation().hear(file(**changes))


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("Bookings", ["'Bookings'"]),
        ("Bookings!A1:J", ["'Bookings'!A1:J"]),
        ("Bookings!B3:K500", ["'Bookings'!B3:K500"]),
        ("'Q1 ''26 📈/old'!A:Z", ["'Q1 ''26 📈/old'!A1:Z"]),
        ("Q1 '26 📈/old", ["'Q1 ''26 📈/old'"]),
        ("#7", ["'CRM'"]),
        ("#7!A1:D", ["'CRM'!A1:D"]),
        ("Wow! Sheet", ["'Wow! Sheet'"]),
    ],
)
def test_tabs_are_named_in_many_ways(text: str, ranges: list[str]) -> None:
    """By title, quoted or not, with columns or without, or by the id that survives a renaming."""
    talk = Conversation(options=SheetsOptions(bookings_range=text))
    talk.hear(file())
    assert talk.ranges() == ranges


def test_an_unknown_tab_id_names_the_tabs() -> None:
    """The message says what there is."""
    with pytest.raises(ContractChanged, match="no tab #99") as caught:
        Conversation(options=SheetsOptions(bookings_range="#99")).hear(file())
    assert "'Bookings' (#0), 'CRM' (#7)" in caught.value.hint


UNKNOWN_RANGE = respond(
    {
        "error": {
            "code": 400,
            "message": "Unable to parse range: 'Bookings'",
            "status": "INVALID_ARGUMENT",
        }
    },
    400,
)


def test_a_renamed_tab_is_found_by_its_id() -> None:
    """The old title led to id 0, which is called otherwise now: read on, and say so."""
    talk = Conversation()
    talk.hear(file(), UNKNOWN_RANGE)
    assert talk.request is not None
    assert talk.request.path == "/v4/spreadsheets/1AbC"
    step = talk.hear(book((0, "Buchungen"), (7, "CRM")))
    assert talk.ranges() == ["'Buchungen'"]
    assert "now called 'Buchungen'" in step.warnings[0]
    talk.hear(cells(HEADINGS, LINE), file())
    assert talk.request is None


def test_a_deleted_tab_fails_loudly() -> None:
    """No guess, no empty snapshot: the stream stops and the rows held stay."""
    talk = Conversation()
    with pytest.raises(ContractChanged, match="no tab 'Bookings'"):
        talk.hear(file(), UNKNOWN_RANGE, book((7, "CRM")))


def test_a_range_that_stays_unknown_fails() -> None:
    """It is looked up once, not for ever."""
    talk = Conversation()
    with pytest.raises(ContractChanged, match="Unable to parse range"):
        talk.hear(file(), UNKNOWN_RANGE, book((0, "Bookings")), UNKNOWN_RANGE)


BUSY = respond(
    {
        "error": {
            "code": 503,
            "message": "The service is currently unavailable.",
            "status": "UNAVAILABLE",
        }
    },
    503,
)


def test_a_tab_that_is_too_much_at_once_is_asked_for_in_blocks() -> None:
    """503 on the whole tab asks the caller to go deep; a block repeats the header rows."""
    with pytest.raises(SliceTooLarge):
        Conversation().hear(file(), BUSY)
    talk = Conversation(work(deep=True, rows=1000))
    talk.hear(file())
    assert talk.ranges() == ["'Bookings'!1:20"]
    talk.hear(cells([], HEADINGS, LINE, at="Bookings!A1:Z20"))
    assert talk.ranges() == ["'Bookings'!1:20", "'Bookings'!21:520"]


def block(*rows: list[object], first: int) -> Response:
    """Return the header rows and one block."""
    header = {"range": "Bookings!A1:Z20", "values": [[], HEADINGS, LINE]}
    body = {"range": f"Bookings!A{first}:Z999"} | ({"values": list(rows)} if rows else {})
    return respond({"valueRanges": [header, body]})


def test_blocks_go_on_to_the_end_of_the_grid() -> None:
    """A block of blank rows is not the end; row numbers are the sheet's; all belong to one read."""
    talk = Conversation(work(deep=True, rows=1000))
    talk.hear(file(), cells([], HEADINGS, LINE, at="Bookings!A1:Z20"), block(first=21))
    assert talk.ranges() == ["'Bookings'!1:20", "'Bookings'!521:1020"]
    talk.hear(block(["BK-9", "Z", 46082, 46083, 1, 1], first=521))
    assert talk.request is not None
    assert talk.request.base == "drive"
    rows = [(page["read"], row["row"]) for page in talk.pages for row in page["rows"]]
    assert rows == [(1, 3), (1, 521)]


def test_a_block_that_is_still_too_much_is_halved() -> None:
    """Down to 50 rows; then it is an outage."""
    talk = Conversation(work(deep=True, rows=1000))
    talk.hear(file(), cells([], HEADINGS, LINE, at="Bookings!A1:Z20"), BUSY)
    assert talk.ranges()[1] == "'Bookings'!21:270"
    talk.hear(BUSY, BUSY)
    assert talk.ranges()[1] == "'Bookings'!21:82"
    with pytest.raises(UpstreamUnavailable):
        talk.hear(BUSY)


def test_blocks_keep_to_the_configured_cells() -> None:
    """Columns and last row of the range hold for blocks too; editing meanwhile starts them again."""
    options = SheetsOptions(bookings_range="Bookings!B3:K100")
    talk = Conversation(work(deep=True, rows=1000), options)
    talk.hear(file("1"))
    assert talk.ranges() == ["'Bookings'!B3:K22"]
    talk.hear(cells(HEADINGS, LINE, at="Bookings!B3:K22"))
    assert talk.ranges() == ["'Bookings'!B3:K22", "'Bookings'!B23:K522"]
    assert talk.pages[0]["rows"][0]["row"] == 4
    talk.hear(block(first=23), file("2"))
    assert talk.ranges() == ["'Bookings'!B3:K22"]


def test_an_outage_without_a_known_grid_is_transient() -> None:
    """When the size of the tab is not known, blocks cannot be cut."""
    with pytest.raises(UpstreamUnavailable):
        Conversation(work(rows=0)).hear(file(), BUSY)


def failure(code: int, status: str = "", message: str = "no", reason: str = "") -> Response:
    """Return Google's error envelope in its newer or (with a reason) older form."""
    error: dict[str, object] = {"code": code, "message": message}
    error |= {"errors": [{"reason": reason, "message": message}]} if reason else {"status": status}
    return respond({"error": error}, code)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (failure(429, "RESOURCE_EXHAUSTED"), RateLimited),
        (failure(403, reason="userRateLimitExceeded"), RateLimited),
        (failure(403, reason="rateLimitExceeded"), RateLimited),
        (failure(403, reason="forbidden"), PermissionDenied),
        (failure(403, "PERMISSION_DENIED"), PermissionDenied),
        (failure(404, "NOT_FOUND"), PermissionDenied),
        (failure(404, reason="notFound"), PermissionDenied),
        (failure(401, "UNAUTHENTICATED"), CredentialExpired),
        (failure(400, "FAILED_PRECONDITION", "not supported for this document"), ContractChanged),
        (failure(400, "INVALID_ARGUMENT"), ContractChanged),
        (failure(500, "INTERNAL"), UpstreamUnavailable),
        (failure(504), UpstreamUnavailable),
        (Response(502, b"<html>bad gateway</html>"), UpstreamUnavailable),
        (Response(200, b"<html>hello</html>"), DecodeError),
        (Response(200, b'{"version": "4'), DecodeError),
        (Response(200, b"[]"), ContractChanged),
    ],
)
def test_the_error_table(response: Response, kind: type[TacticsError]) -> None:
    """Every row of the contract, on Drive; Sheets answers through the same function."""
    with pytest.raises(kind) as caught:
        Conversation().hear(response)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 60), ({"date": "Sat, 21 Nov 2026 09:00:42 GMT"}, 18), ({"retry_after": "7"}, 7), ({"date": "x"}, 60)],
)  # fmt: skip
def test_a_spent_minute_is_waited_for(headers: dict[str, str], seconds: float) -> None:
    """The quota is refilled each minute: wait for the next one, by Google's own clock."""
    limited = replace(failure(429), headers={k.replace("_", "-"): v for k, v in headers.items()})
    with pytest.raises(RateLimited) as caught:
        Conversation().hear(limited)
    assert caught.value.retry_after_seconds == seconds


def test_an_unshared_file_says_how_to_share_it() -> None:
    """403 and 404 tell what to do."""
    for code in (403, 404):
        with pytest.raises(PermissionDenied) as caught:
            Conversation().hear(failure(code))
        assert "share the spreadsheet" in caught.value.hint


@pytest.mark.parametrize("rows", [[], [HEADINGS], [HEADINGS, [], ["", " "]]])
def test_an_empty_tab_does_not_delete_everything(rows: list[list[object]]) -> None:
    """Emptied by mistake or unreadable: the rows held stay, unless the operator allows it."""
    with pytest.raises(ContractChanged, match="the rows held stay"):
        Conversation().hear(file(), cells(*rows))
    talk = Conversation(options=SheetsOptions(bookings_range="Bookings", allow_empty=True))
    talk.hear(file(), cells(*rows))
    assert talk.pages[0]["rows"] == []


def test_an_answer_without_ranges_is_refused() -> None:
    """A batch that holds nothing at all is not an empty tab."""
    with pytest.raises(ContractChanged, match="no range"):
        Conversation().hear(file(), respond({"valueRanges": []}))


def test_the_spreadsheet_tells_tabs_locale_and_zone() -> None:
    """Tabs by id and title, so that a renamed one can be found; charts are no tabs."""
    request = connector.ask_account("1AbC", OPTIONS)
    assert request.path == "/v4/spreadsheets/1AbC"
    assert "includeGridData" not in dict(request.query)
    answer = json.loads(book((0, "Bookings"), (7, "CRM"), locale="de_AT").body)
    answer["sheets"].append({"properties": {"sheetId": 9, "title": "Chart", "sheetType": "OBJECT"}})
    info = connector.read_account("1AbC", OPTIONS, respond(answer))
    assert (info.name, info.timezone, info.currency) == ("Plan 2026", "Europe/Vienna", None)
    assert info.facts["locale"] == "de_AT"
    assert [tab["title"] for tab in json.loads(info.facts["tabs"])] == ["Bookings", "CRM"]


def test_a_zone_that_does_not_exist_is_left_to_the_caller() -> None:
    """The organisation's time zone and currency stand in."""
    options = SheetsOptions(crm_range="CRM", currency="CHF")
    info = connector.read_account("1AbC", options, book((0, "B"), zone="Nowhere"))
    assert (info.timezone, info.currency) == ("", "CHF")


def test_only_configured_tabs_are_streams() -> None:
    """A spreadsheet may hold bookings, deals, or both."""
    assert [spec.name for spec in connector.streams(OPTIONS)] == ["bookings", "crm_deals"]
    only = SheetsOptions(crm_range="CRM")
    assert [spec.name for spec in connector.streams(only)] == ["crm_deals"]


def test_a_tab_without_a_key_column_needs_leave() -> None:
    """Without `synthetic_keys` it is refused; with it the rows are kept and silver makes keys."""
    with pytest.raises(ContractChanged, match="no column booking_id"):
        Conversation().hear(file(), cells(HEADINGS[1:], LINE[1:]))
    options = SheetsOptions(bookings_range="Bookings", synthetic_keys=True)
    talk = Conversation(options=options)
    talk.hear(file(), cells(HEADINGS[1:], LINE[1:]))
    assert "booking_id" not in talk.pages[0]["columns"]
