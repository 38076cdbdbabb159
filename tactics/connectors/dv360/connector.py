"""What Display & Video 360 is: manifest, account, and where each answer is read.

Sends nothing. Source: contract sheet "Display & Video 360" (2026-11-21).
"""

from collections.abc import Mapping
from http import HTTPStatus

from tactics.clock import is_timezone
from tactics.connectors.base import DailyQuota, Manifest, Options, Step, StreamSpec
from tactics.connectors.dv360.answers import Advertiser, decode
from tactics.connectors.dv360.faults import error_of
from tactics.connectors.dv360.query import DV360Options, SavedQuery
from tactics.connectors.dv360.reports import ReportRun
from tactics.errors import ContractChanged
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get


class DV360Connector:
    """Display & Video 360. Accounts are advertiser ids."""

    manifest = Manifest(
        kind="dv360",
        title="Display & Video 360",
        account_example="700001",
        base_urls={
            "api": "https://doubleclickbidmanager.googleapis.com",
            "entities": "https://displayvideo.googleapis.com",
        },
        api_version="v2",
        sunset=None,
        breaker="dv360_breaker",
        credentials=(("service_account",), ("client_id", "client_secret", "refresh_token")),
        auth="google",
        scopes=(
            "https://www.googleapis.com/auth/doubleclickbidmanager",
            "https://www.googleapis.com/auth/display-video",
        ),
        hosts=("storage.googleapis.com",),
        streams=(
            StreamSpec(
                name="campaign_report",
                table="ad_performance",
                entity_keys=("campaign_id",),
                # A report takes as long for a day as for a quarter, and each costs four of the
                # 2,000 calls of a day. A first sync of 90 days, today beside them, is one report.
                slice_days=92,
                # Cost moves for 7 days, conversions for 30; a month is certified on the third of
                # the next. 35 days hold the whole of last month until the fourth, in one report.
                lookback_days=35,
                final_after_days=35,
            ),
        ),
        requests_per_second=2.0,  # of the 4 per project, which accounts and organisations share
        burst=4,
        accounts_at_once=1,  # simultaneous reports of a user have a limit that nobody publishes
        # A project's, failed calls included; its day begins at midnight Pacific. Entities are apart.
        # Source: contract sheet "Display & Video 360", section 7 (2026-11-21).
        daily_quota=DailyQuota(2000, endpoints=("/v2/queries",)),
    )
    options = DV360Options

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the one stream."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept what is there: Google tells at the first token."""

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for the advertiser's name, currency and time zone."""
        return get(f"/v4/advertisers/{account_id}", base="entities")

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what Google says of the advertiser.

        Raises:
            TacticsError: the call failed.
            ContractChanged: the time zone or the currency is missing: days and money would be guesses.
        """
        if response.status != HTTPStatus.OK:
            error = error_of(response)
            raise error
        found = decode(response, Advertiser)
        about = found.general_config
        if not is_timezone(about.time_zone) or not about.currency_code:
            raise ContractChanged(
                "google does not say the advertiser's currency and time zone",
                account_id=account_id,
            )
        name = found.display_name or account_id
        return AccountInfo(account_id, name, about.currency_code, about.time_zone)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the search for the saved query, or the poll of the report to go on with."""
        return _run(work, options).begin()

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means: the next request, or the page."""
        return _run(work, options).read(request, response)


def _run(work: Slice, options: Options) -> ReportRun:
    assert isinstance(options, DV360Options)
    return ReportRun(work, SavedQuery(work.key.account_id, options))


connector = DV360Connector()
