"""Asks The Trade Desk for the campaign days of a MyReports template and says what the answers mean.

Sends nothing. Source: contract sheet "The Trade Desk" (2026-11-21), which is provisional: the vendor
publishes no schema, and nothing here was ever tried against it.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.ttd import place as at
from tactics.connectors.ttd import reports
from tactics.connectors.ttd.answers import Advertiser, decode
from tactics.connectors.ttd.options import TtdOptions
from tactics.connectors.ttd.place import Place
from tactics.errors import ContractChanged, PermissionDenied
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response

_Read: TypeAlias = Callable[[Slice, TtdOptions, Place, Response], Step]

_STEPS: dict[str, _Read] = {
    "confirm": reports.confirmed,
    "look_up": reports.looked_up,
    "sweep": reports.swept,
    "create": reports.created,
    "poll": reports.polled,
    "download": reports.downloaded,
    "finish": reports.finished,
}


class TtdConnector:
    """The Trade Desk. Accounts are advertiser ids, short texts such as `abc123`."""

    manifest = Manifest(
        kind="ttd",
        title="The Trade Desk",
        account_example="abc123",
        base_urls={"api": "https://api.thetradedesk.com/v3"},
        api_version="v3",
        sunset=None,  # parts of v3 are retired one by one and then answer 410
        breaker="ttd_breaker",
        credentials=(("token",),),
        auth="header",
        auth_header=("TTD-Auth", ""),
        scopes=("reporting role at the partner", "MyReports API enabled for the partner"),
        # Download links need the token since 2026-06-17, but only at the vendor's own hosts.
        trusted_hosts=("thetradedesk.com",),
        hosts=("amazonaws.com",),
        streams=(
            StreamSpec(
                name="campaign_report",
                table="ad_performance",
                entity_keys=("campaign_id",),
                slice_days=31,  # each window is a report of its own: today and the look-back are one
                lookback_days=30,  # attribution windows are set per advertiser; implementers use 28-30
                final_after_days=30,
                max_history_days=730,  # "about 2 years"
            ),
        ),
        # No numbers are published; limits are dynamic and shared with the people who use the pages.
        # At most four callers per endpoint are advised; tactics has one. The rate is a guess.
        requests_per_second=5.0,
        burst=10,
        # A week to a year, chosen when it is made, and it cannot be prolonged. Section 2 of the sheet.
        credential_days=(("token", 365),),
    )
    options = TtdOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the one stream."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept every token: short and long-lived ones look alike."""

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for the advertiser's name and currency."""
        return at.account_request(account_id)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return what The Trade Desk says of the advertiser; the time zone is the options'.

        Raises:
            TacticsError: the call failed.
            ContractChanged: the answer is about somebody else, or about nobody.
            PermissionDenied: the advertiser belongs to another partner than the options say.
        """
        mine = _mine(options)
        found = decode(response, Advertiser)
        if found is None or found.advertiser_id.lower() != account_id.lower():
            raise ContractChanged(
                "the trade desk does not say who the advertiser is", account_id=account_id
            )
        if found.partner_id and found.partner_id.lower() != mine.partner_id.lower():
            raise PermissionDenied(
                "the advertiser belongs to another partner",
                hint=f'set partner_id = "{found.partner_id}", or remove the account',
                account_id=account_id,
            )
        name = found.advertiser_name or account_id
        return AccountInfo(account_id, name, found.currency_code, mine.timezone)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the question after the remembered schedule, or after one of this slice's name."""
        if work.job is not None:
            return at.confirm(Place(schedule=work.job))
        return at.look_up(work, _mine(options), Place())

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means: the next request, a page, or an error of ours."""
        read = _STEPS[at.step_of(request)]
        return read(work, _mine(options), at.place_of(request), response)


def _mine(options: Options) -> TtdOptions:
    assert isinstance(options, TtdOptions)
    return options


connector = TtdConnector()
