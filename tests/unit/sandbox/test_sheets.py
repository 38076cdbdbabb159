"""The Sheets and Drive simulators: ranges, mess, versions, and who may read."""

import datetime as dt
from urllib.parse import quote

import pytest

from tactics.sandbox import Fault, Limits, World
from tactics.sandbox.api import Reply
from tests.support import FakeClock
from tests.unit.sandbox.asking import ask_google, google_token

TODAY = dt.date(2026, 11, 21)
RAW = (("valueRenderOption", "UNFORMATTED_VALUE"),)


class Reader:
    """Reads acme's sheet."""

    def __init__(self, world: World, org_id: str = "acme") -> None:
        self.world = world
        self.book = world.workbook("acme")
        self.token = google_token(world, org_id)

    def values(self, text: str, *query: tuple[str, str]) -> Reply:
        """Return the answer for one range."""
        path = f"/v4/spreadsheets/{self.book.file_id}/values/{quote(text, safe='')}"
        return ask_google(self.world, "sheets", path, *query, token=self.token)

    def rows(self, text: str, *query: tuple[str, str]) -> list[list[object]]:
        """Return the cells of one range."""
        return self.values(text, *query).document["values"]

    def spreadsheet(self) -> Reply:
        """Return the discovery answer."""
        path = f"/v4/spreadsheets/{self.book.file_id}"
        return ask_google(self.world, "sheets", path, token=self.token)

    def file(self, *query: tuple[str, str]) -> Reply:
        """Return Drive's answer."""
        path = f"/v3/files/{self.book.file_id}"
        return ask_google(self.world, "drive", path, *query, token=self.token)


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of tokens and quotas."""
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("meta", "sheets"), clock=clock)


@pytest.fixture
def reader(world: World) -> Reader:
    """Return a signed-in reader."""
    return Reader(world)


def status_of(reply: Reply) -> tuple[int, str]:
    """Return status and Google's name for it."""
    return reply.status, reply.document["error"].get("status", "")


def test_there_is_a_title_above_the_header(reader: Reader) -> None:
    """A title, a blank row, the headings with a duplicate and a nameless one."""
    rows = reader.rows("Bookings", *RAW)

    assert rows[0] == ["Acme Media · Bookings"]
    assert rows[1] == []
    assert rows[2][:4] == ["Booking ID", "Client", "Campaign", "Campaign ID"]
    assert rows[2][-3:] == ["Notes", "", "Checked"]
    assert rows[2].count("Notes") == 2


def test_rows_are_ragged_and_some_are_blank(reader: Reader) -> None:
    """Cells at the end are left out, rows between are empty, the total is at the bottom."""
    rows = reader.rows("Bookings", *RAW)

    assert len({len(row) for row in rows}) > 2
    assert [] in rows[3:]
    assert rows[-1][0] == "Total"


def test_one_column_has_serial_numbers_and_text(reader: Reader) -> None:
    """Dates are typed in three ways; numbers, too."""
    cells = [row[6:10] for row in reader.rows("Bookings", *RAW)[3:] if len(row) > 9]

    assert {type(cell) for row in cells for cell in row[:2]} == {int, str}
    assert {type(row[2]) for row in cells} == {int, float, str}
    assert {type(row[3]) for row in cells} >= {float, str}


def test_campaign_ids_are_text(reader: Reader, world: World) -> None:
    """An id above 2**53 stands as text, sometimes with blanks around it."""
    cells = [row[3] for row in reader.rows("Bookings", *RAW)[3:] if len(row) > 9 and row[3]]

    assert all(isinstance(cell, str) for cell in cells)
    assert any(cell != cell.strip() for cell in cells)
    booked = {row.booking.campaign_id for row in world.totals().of("acme").bookings}
    assert {cell.strip() for cell in cells} == booked


def test_formatted_values_are_what_a_person_sees(reader: Reader) -> None:
    """Dates and numbers are in the sheet's locale."""
    row = reader.rows("Bookings!A4:J4")[0]

    assert row[6:10] == ["12/10/2026", "10/12/2026", "1,075,000", "8,062.50"]


def test_dates_can_be_asked_for_as_text(reader: Reader) -> None:
    """FORMATTED_STRING keeps numbers as numbers."""
    options = (*RAW, ("dateTimeRenderOption", "FORMATTED_STRING"))

    assert reader.rows("Bookings!G4:I4", *options) == [["12/10/2026", "10/12/2026", 1_075_000]]


def test_columns_can_come_first(reader: Reader) -> None:
    """majorDimension=COLUMNS turns the block."""
    assert reader.rows("CRM!A1:B2", ("majorDimension", "COLUMNS")) == [
        ["Deal ID", "D-AC-001"],
        ["Company", "Alpen Optik"],
    ]


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("CRM", "CRM!A1:Z1000"),
        ("crm!a1", "crm!a1"),
        ("CRM!A2:B", "CRM!A2:B1000"),
        ("CRM!2:3", "CRM!A2:Z3"),
        ("'CRM'!$A$1:$B$2", "CRM!A1:B2"),
        ("A1:B2", "Bookings!A1:B2"),
    ],
)
def test_ranges_are_understood(reader: Reader, text: str, echo: str) -> None:
    """The echo shows the whole area that was meant, cut to the grid."""
    expected = "CRM!A1:A1" if echo == text else echo

    assert reader.values(text).document["range"] == expected


@pytest.mark.parametrize("text", ["Nowhere", "Nowhere!A1", "CRM!??", "'CRM", "CRM!A5000:B6000"])
def test_other_ranges_are_refused(reader: Reader, text: str) -> None:
    """400 INVALID_ARGUMENT."""
    assert status_of(reader.values(text)) == (400, "INVALID_ARGUMENT")


def test_a_wrong_option_is_refused(reader: Reader) -> None:
    """An enum value that does not exist, and a mask that cannot be read."""
    assert reader.values("CRM", ("valueRenderOption", "PRETTY")).status == 400
    assert reader.values("CRM", ("fields", "a(b")).status == 400


def test_a_slash_has_to_be_encoded(reader: Reader) -> None:
    """Unencoded it is another path: 404."""
    path = f"/v4/spreadsheets/{reader.book.file_id}/values/a/b"

    assert ask_google(reader.world, "sheets", path, token=reader.token).status == 404


def test_edits_keep_the_ledger_right(reader: Reader, world: World) -> None:
    """Sorting and deleting move rows; the ledger knows where each booking stands."""
    reader.book.delete_booking("BK-1002")
    reader.book.sort_bookings()
    rows = reader.rows("Bookings", *RAW)

    bookings = world.totals().of("acme").bookings
    assert [rows[b.sheet_row - 1][0] for b in bookings] == [b.booking.booking_id for b in bookings]
    assert "BK-1002" not in {b.booking.booking_id for b in bookings}


def test_a_pasted_row_makes_both_doubtful(reader: Reader, world: World) -> None:
    """Two rows share the key; neither is a clean booking."""
    reader.book.duplicate_booking("BK-1001")

    unreadable = world.totals().of("acme").unreadable
    assert [row.key for row in unreadable if row.reason == "duplicate_key"] == ["BK-1001"] * 2


def test_a_column_can_be_gone(reader: Reader) -> None:
    """The currency column was deleted."""
    reader.book.drop_column("Currency")

    assert "Currency" not in reader.rows("Bookings")[2]


def test_a_file_that_is_not_shared_cannot_be_read(reader: Reader, world: World) -> None:
    """Sheets says 403, Drive 404; another organisation never sees it."""
    assert status_of(Reader(world, "globex").spreadsheet()) == (403, "PERMISSION_DENIED")
    reader.book.shared = False

    assert status_of(reader.spreadsheet()) == (403, "PERMISSION_DENIED")
    assert reader.file().status == 404


def test_an_excel_file_is_not_a_sheet(reader: Reader) -> None:
    """Sheets refuses with FAILED_PRECONDITION, Drive shows the type."""
    reader.book.make_xlsx()

    assert status_of(reader.values("CRM")) == (400, "FAILED_PRECONDITION")
    assert reader.file().document["mimeType"].endswith("spreadsheetml.sheet")


def test_a_file_on_a_shared_drive_needs_the_flag(reader: Reader) -> None:
    """Without supportsAllDrives it does not exist."""
    reader.book.drive_id = "0ASharedDrive"

    assert reader.file().status == 404
    assert reader.file(("supportsAllDrives", "true")).status == 200


def test_drive_answers_with_little_unless_asked(reader: Reader) -> None:
    """Four fields by default, trashed among those on request."""
    reader.book.trashed = True

    assert set(reader.file().document) == {"kind", "id", "name", "mimeType"}
    assert reader.file(("fields", "trashed")).document == {"trashed": True}


def test_the_change_feed_moves_with_an_edit(reader: Reader) -> None:
    """A token from before an edit lists the file, a newer one nothing."""

    def changes(token: str) -> dict[str, object]:
        query = ("pageToken", token)
        return ask_google(reader.world, "drive", "/v3/changes", query, token=reader.token).document

    start = ask_google(reader.world, "drive", "/v3/changes/startPageToken", token=reader.token)
    token = start.document["startPageToken"]
    assert changes(token)["changes"] == []
    reader.book.touch()

    feed = changes(token)
    assert [change["fileId"] for change in feed["changes"]] == [reader.book.file_id]
    assert changes(feed["newStartPageToken"])["changes"] == []


def test_reads_above_the_quota_wait_for_the_minute(clock: FakeClock) -> None:
    """The fourth read of a minute is 429, a minute later it works again."""
    reader = Reader(
        World(
            today=TODAY,
            sources=("meta", "sheets"),
            clock=clock,
            limits=Limits(sheets_reads_per_minute=3),
        )
    )
    assert {reader.spreadsheet().status for _ in range(3)} == {200}

    assert status_of(reader.spreadsheet()) == (429, "RESOURCE_EXHAUSTED")
    clock.advance(60)
    assert reader.spreadsheet().status == 200


def test_tokens_run_out(reader: Reader, clock: FakeClock) -> None:
    """After an hour 401; a made-up token, too."""
    clock.advance(3600)
    assert status_of(reader.spreadsheet()) == (401, "UNAUTHENTICATED")
    reader.token = "made-up"
    assert "www-authenticate" in reader.spreadsheet().headers


def test_the_sheet_can_change_while_it_is_read(reader: Reader, world: World) -> None:
    """The cells are the old ones, the version behind them is new."""
    before = world.totals().bookings[0].booking.booking_revenue
    version = reader.book.version
    fault = world.faults.plant(Fault("sheet_changed_mid_read", "sheets"))

    assert reader.rows("Bookings!J4", *RAW) == [[float(before)]]

    assert reader.book.version == version + 1
    assert reader.rows("Bookings!J4", *RAW) == [[float(before) + 1]]
    assert fault.fired == 1


def test_a_range_can_be_too_complex_until_halved(reader: Reader, world: World) -> None:
    """503 on many rows, 200 on fewer."""
    options = {"over_rows": 500}
    world.faults.plant(Fault("too_complex", "sheets", times=None, options=options))

    assert reader.values("Bookings!A1:Z1000").status == 503
    assert reader.values("Bookings!A1:Z500").status == 200
    assert reader.spreadsheet().status == 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rate_limit", (429, "RESOURCE_EXHAUSTED")),
        ("auth_expired", (401, "UNAUTHENTICATED")),
        ("permission", (403, "PERMISSION_DENIED")),
        ("renamed_tab", (400, "INVALID_ARGUMENT")),
        ("xlsx", (400, "FAILED_PRECONDITION")),
        ("http_500", (500, "INTERNAL")),
        ("http_503", (503, "UNAVAILABLE")),
    ],
)
def test_errors_have_googles_form(
    reader: Reader, world: World, name: str, expected: tuple[int, str]
) -> None:
    """Status and name as in the contract, once."""
    world.faults.plant(Fault(name, "sheets"))

    assert status_of(reader.values("CRM")) == expected
    assert reader.values("CRM").status == 200


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("rate_limit", 403, "userRateLimitExceeded"),
        ("permission", 403, "forbidden"),
        ("http_500", 500, "internalError"),
        ("http_503", 503, "backendError"),
    ],
)
def test_drive_errors_have_the_older_form(
    reader: Reader, world: World, name: str, *, status: int, reason: str
) -> None:
    """The reason is in a list of errors."""
    world.faults.plant(Fault(name, "drive"))

    error = reader.file().document["error"]

    assert (error["code"], error["errors"][0]["reason"]) == (status, reason)


def test_drive_can_call_the_file_excel(reader: Reader, world: World) -> None:
    """Only the type is changed, once."""
    world.faults.plant(Fault("xlsx", "drive"))

    assert reader.file().document["mimeType"].endswith("spreadsheetml.sheet")
    assert not reader.file().document["mimeType"].endswith("spreadsheetml.sheet")


def test_a_cell_can_be_no_number(reader: Reader, world: World) -> None:
    """The first booking's impressions are N/A; discovery is not concerned."""
    fault = world.faults.plant(Fault("not_a_number", "sheets"))
    reader.spreadsheet()
    reader.values("CRM")
    assert fault.fired == 0

    assert reader.rows("Bookings", *RAW)[3][8] == "N/A"
    assert reader.rows("Bookings", *RAW)[3][8] == 1_075_000


def test_an_answer_can_have_a_new_key(reader: Reader, world: World) -> None:
    """Additive changes ship inside v4."""
    world.faults.plant(Fault("unknown_field", "sheets"))

    assert "sandboxNewField" in reader.spreadsheet().document
