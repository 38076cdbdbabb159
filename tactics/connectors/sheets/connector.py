"""What Google Sheets is: manifest, account, and where each answer is read.

Source: contract sheet "Google Sheets v4 (+ Drive v3 for change detection)" (2026-11-21).
"""

from collections.abc import Mapping

import msgspec

from tactics.clock import is_timezone
from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.sheets import reading as steps
from tactics.connectors.sheets.answers import Book, decode
from tactics.connectors.sheets.options import SheetsOptions
from tactics.connectors.sheets.reading import Reading
from tactics.connectors.sheets.tab import TabRead
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response


class SheetsConnector:
    """Google Sheets. Accounts are spreadsheet ids, the long part of the address."""

    manifest = Manifest(
        kind="sheets",
        title="Google Sheets",
        account_example="the long id in the spreadsheet's address",
        base_urls={
            "api": "https://sheets.googleapis.com",
            "drive": "https://www.googleapis.com/drive/v3",
        },
        api_version="v4",
        sunset=None,
        breaker="sheets_breaker",
        credentials=(("service_account",), ("client_id", "client_secret", "refresh_token")),
        auth="google",
        scopes=(
            "https://www.googleapis.com/auth/spreadsheets.readonly",
            "https://www.googleapis.com/auth/drive.metadata.readonly",
        ),
        hosts=("googleapis.com",),
        streams=(
            StreamSpec(
                name="bookings",
                table="bookings",
                history_table="bookings_history",
                entity_keys=("booking_id",),
                slicing="snapshot",
            ),
            StreamSpec(
                name="crm_deals", table="crm_deals", entity_keys=("deal_id",), slicing="snapshot"
            ),
        ),
        # 60 reads a minute and user: a burst, then a little less than one a second.
        requests_per_second=0.8,
        burst=10,
    )
    options = SheetsOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:
        """Return the streams that have a range."""
        mine = _mine(options)
        wanted = {"bookings": mine.bookings_range, "crm_deals": mine.crm_range}
        return tuple(spec for spec in self.manifest.streams if wanted[spec.name] is not None)

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept what is there: Google tells at the first token."""

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for the tabs, the locale and the time zone."""
        return steps.discovery(account_id)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return the spreadsheet's name, time zone, locale and tabs; its currency is an option."""
        book = decode(response, Book)
        about = book.properties
        zone = about.time_zone if is_timezone(about.time_zone) else ""
        tabs = msgspec.json.encode(book.tabs()).decode()
        facts = {"locale": about.locale, "tabs": tabs}
        name = about.title or account_id
        return AccountInfo(account_id, name, _mine(options).currency, zone, facts)

    def ask(self, work: Slice, options: Options) -> Request:  # noqa: ARG002
        """Return the question whether the file changed."""
        return steps.probe(work.key.account_id)

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means; which answer it is shows in the request."""
        tab = TabRead(work, _mine(options))
        reading = Reading.of(request)
        if reading is None:
            return tab.begin(response)
        if request.base == "drive":
            return tab.look_again(reading, response)
        if request.path.endswith("/values:batchGet"):
            return tab.take_values(reading, response)
        return tab.find_renamed(reading, response)


def _mine(options: Options) -> SheetsOptions:
    assert isinstance(options, SheetsOptions)
    return options


connector = SheetsConnector()
