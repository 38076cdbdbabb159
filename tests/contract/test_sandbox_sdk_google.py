"""Google's own client drives the simulator: service account, Sheets v4, Drive v3."""

import datetime as dt
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tactics.sandbox import Fault, Sandbox, World, serve
from tests.lab import PILLARS
from tests.support import FakeClock

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the libraries' own imports
    import httplib2
    from google.auth.exceptions import RefreshError
    from google.oauth2 import credentials, service_account
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError

TODAY = dt.date(2026, 11, 21)
SCOPES = [
    "https://www.googleapis.com/auth/spreadsheets.readonly",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
]


class Google:
    """Both services, signed in as the service account of acme."""

    def __init__(self, world: World, sandbox: Sandbox, scopes: list[str]) -> None:
        key = world.service_account("acme", sandbox.url)
        signer = service_account.Credentials.from_service_account_info(key, scopes=scopes)
        self.http = AuthorizedHttp(signer, http=httplib2.Http())
        self.file_id = world.workbook("acme").file_id
        self._url = sandbox.url

    def sheets(self) -> Any:
        """Return the Sheets service."""
        return self._build("sheets", "v4", f"{self._url}/sheets/")

    def drive(self) -> Any:
        """Return the Drive service."""
        return self._build("drive", "v3", f"{self._url}/drive/v3/")

    def values(self, text: str, **options: str) -> dict[str, Any]:
        """Return one range."""
        values = self.sheets().spreadsheets().values()
        return values.get(spreadsheetId=self.file_id, range=text, **options).execute()

    def _build(self, name: str, version: str, endpoint: str) -> Any:
        options = {"api_endpoint": endpoint}
        return build(name, version, http=self.http, client_options=options, static_discovery=True)


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock that tokens expire by."""
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=PILLARS, clock=clock)


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world."""
    with serve(world) as sandbox:
        yield sandbox


@pytest.fixture
def google(world: World, sandbox: Sandbox) -> Iterator[Google]:
    """Return the signed-in services."""
    google = Google(world, sandbox, SCOPES)
    yield google
    google.http.close()


def test_a_token_is_signed_for_once_and_used(google: Google, sandbox: Sandbox) -> None:
    """The JWT goes to `token_uri`; the access token then reads two ranges."""
    google.values("Bookings")
    google.values("CRM")

    paths = [entry.path for entry in sandbox.requests]
    assert paths.count("/token") == 1
    assert len(paths) == 3


def test_the_bookings_tab_has_what_the_ledger_says(google: Google, world: World) -> None:
    """Ids and revenue stand in the rows that the ledger names."""
    rows = google.values("Bookings", valueRenderOption="UNFORMATTED_VALUE")["values"]

    bookings = world.totals().of("acme").bookings
    assert [rows[b.sheet_row - 1][0] for b in bookings] == [b.booking.booking_id for b in bookings]
    first = bookings[0]
    assert rows[first.sheet_row - 1][9] == float(first.booking.booking_revenue)
    assert rows[first.sheet_row - 1][6] == (first.booking.flight_start - dt.date(1899, 12, 30)).days


def test_tabs_with_difficult_names_are_read(google: Google) -> None:
    """An apostrophe, a slash and an emoji survive quoting and percent-encoding."""
    reply = google.values("'Q1 ''26 📈/old'!A1:B")

    assert reply["values"] == [["Booking ID", "Note"], ["BK-0900", "last year"]]
    assert reply["range"].startswith("'Q1 ''26 📈/old'!A1:B")


def test_an_empty_tab_has_no_values(google: Google) -> None:
    """The key is missing, not an empty list."""
    assert "values" not in google.values("Empty")


def test_batch_get_reads_several_ranges_in_one_call(google: Google, sandbox: Sandbox) -> None:
    """One request, one answer per range, in their order."""
    values = google.sheets().spreadsheets().values()
    query = {"ranges": ["CRM!A1:B2", "Bookings!A3:C3"], "majorDimension": "ROWS"}

    reply = values.batchGet(spreadsheetId=google.file_id, **query).execute()

    assert [block["range"] for block in reply["valueRanges"]] == ["CRM!A1:B2", "Bookings!A3:C3"]
    assert reply["valueRanges"][1]["values"] == [["Booking ID", "Client", "Campaign"]]
    assert len(sandbox.requests) == 2


def test_discovery_of_tabs_respects_the_field_mask(google: Google) -> None:
    """Only what the mask names comes back, hidden tabs marked."""
    mask = "properties(locale,timeZone),sheets.properties(sheetId,title,hidden)"

    reply = google.sheets().spreadsheets().get(spreadsheetId=google.file_id, fields=mask).execute()

    assert reply["properties"] == {"locale": "en_GB", "timeZone": "Europe/Vienna"}
    tabs = {sheet["properties"]["title"]: sheet["properties"] for sheet in reply["sheets"]}
    assert tabs["Archive"] == {"sheetId": 555002, "title": "Archive", "hidden": True}


def test_drive_tells_when_the_sheet_changed(google: Google, world: World) -> None:
    """The version rises with every edit; a mere touch leaves `modifiedTime`."""

    def probe() -> dict[str, str]:
        fields = "mimeType,modifiedTime,version"
        files = google.drive().files()
        return files.get(fileId=google.file_id, fields=fields, supportsAllDrives=True).execute()

    before = probe()
    world.workbook("acme").touch(content=False)
    touched = probe()
    world.edit_booking()
    edited = probe()

    assert int(before["version"]) + 2 == int(touched["version"]) + 1 == int(edited["version"])
    assert before["modifiedTime"] == touched["modifiedTime"] < edited["modifiedTime"]


def test_a_renamed_tab_cannot_be_parsed(google: Google, world: World) -> None:
    """400, with the range in the message."""
    world.workbook("acme").rename_tab("Bookings", "Bookings 2027")

    with pytest.raises(HttpError) as caught:
        google.values("Bookings")

    assert caught.value.status_code == 400
    assert "Unable to parse range: Bookings" in str(caught.value)


def test_an_expired_token_is_refreshed_once(google: Google, world: World, sandbox: Sandbox) -> None:
    """401 makes the client fetch another token and repeat."""
    google.values("CRM")
    world.expire_tokens()

    google.values("CRM")

    assert [entry.status for entry in sandbox.requests] == [200, 200, 401, 200, 200]


def test_a_token_lives_as_long_as_it_says(
    google: Google, clock: FakeClock, sandbox: Sandbox
) -> None:
    """An hour later the access token is not accepted any more."""
    google.values("CRM")
    clock.advance(3600)

    google.values("CRM")

    assert 401 in [entry.status for entry in sandbox.requests]


def test_the_scope_is_checked(world: World, sandbox: Sandbox) -> None:
    """A token for Sheets alone may not ask Drive."""
    google = Google(world, sandbox, SCOPES[:1])

    with pytest.raises(HttpError) as caught:
        google.drive().files().get(fileId=google.file_id).execute()

    google.http.close()
    assert caught.value.status_code == 403


def test_a_revoked_grant_is_invalid_grant(google: Google, world: World) -> None:
    """The token endpoint refuses with 400 `invalid_grant`, and the library gives up."""
    world.faults.plant(Fault("invalid_grant", "token", times=None))

    with pytest.raises(RefreshError, match="invalid_grant"):
        google.values("CRM")


def test_a_user_signs_in_with_a_refresh_token(world: World, sandbox: Sandbox) -> None:
    """Client id, secret and refresh token give an access token that reads the sheet."""
    environment = world.environment(sandbox.url, google="refresh_token")
    user = credentials.Credentials(
        None,
        refresh_token=environment["TACTICS_ACME_SHEETS_REFRESH_TOKEN"],
        client_id=environment["TACTICS_ACME_SHEETS_CLIENT_ID"],
        client_secret=environment["TACTICS_ACME_SHEETS_CLIENT_SECRET"],
        token_uri=f"{sandbox.url}/token",
    )
    google = Google(world, sandbox, SCOPES)
    google.http.close()
    google.http = AuthorizedHttp(user, http=httplib2.Http())

    assert google.values("CRM")["values"]
    google.http.close()
