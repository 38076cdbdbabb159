"""What Klaviyo is: manifest, key, account, and where each answer is read.

Source: contract sheet "Klaviyo (JSON:API, date revisions)" (2026-11-21).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from tactics.clock import is_timezone
from tactics.connectors.base import DailyQuota, Manifest, Options, Step, StreamSpec
from tactics.connectors.klaviyo import asking
from tactics.connectors.klaviyo.answers import Accounts, decode
from tactics.connectors.klaviyo.limits import is_quota_spent, pause_seconds
from tactics.connectors.klaviyo.options import KlaviyoOptions
from tactics.connectors.klaviyo.reading import Reading, begin
from tactics.errors import ContractChanged, CredentialError
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response

# Numbers go by the day of sending (or of the order) and grow while people open, click and buy:
# five days count by default, stragglers come later.
_SETTLE_DAYS = 14
# A daily series may span 60 days. The first 90 days then cost two reports of each kind, which is
# what Klaviyo allows in a minute.
_WINDOW_DAYS = 60
# Each size costs a call, 15 of them a minute: 200 lists take 14 minutes. Four readings a day are
# enough for a number of the day (our choice, not Klaviyo's).
_REREAD_HOURS = 6


class KlaviyoConnector:
    """Klaviyo. An account is a label of yours: the key decides which account it is."""

    manifest = Manifest(
        kind="klaviyo",
        title="Klaviyo",
        base_urls={"api": "https://a.klaviyo.com"},
        api_version=asking.REVISION,
        sunset=dt.date(2028, 7, 15),  # a revision is stable for a year and deprecated for another
        breaker="klaviyo_breaker",
        credentials=(("api_key",),),
        auth="header",
        auth_header=("authorization", "Klaviyo-API-Key "),
        scopes=(
            "accounts:read",
            "campaigns:read",
            "flows:read",
            "lists:read",
            "segments:read",
            "metrics:read",
        ),
        # Reports come last: their daily quota, once spent, parks the whole source.
        streams=(
            StreamSpec(
                name="subscribers",
                table="email_subscribers",
                entity_keys=("kind", "list_id"),
                slicing="daily",  # there is no history of sizes
                reread_hours=_REREAD_HOURS,
            ),
            StreamSpec(
                name="attributed_revenue",
                table="email_revenue",
                entity_keys=("kind", "message_id", "currency"),
                slice_days=_WINDOW_DAYS,
                lookback_days=_SETTLE_DAYS,
                final_after_days=_SETTLE_DAYS,
            ),
            StreamSpec(
                name="campaign_values",
                table="email_performance",
                entity_keys=("kind", "message_id"),
                slice_days=_WINDOW_DAYS,
                lookback_days=_SETTLE_DAYS,
                final_after_days=_SETTLE_DAYS,
            ),
            StreamSpec(
                name="flow_series",
                table="email_performance",
                entity_keys=("kind", "message_id"),
                slice_days=_WINDOW_DAYS,
                lookback_days=_SETTLE_DAYS,
                final_after_days=_SETTLE_DAYS,
            ),
        ),
        # What most calls may do in a second. Slower ones (sizes 1, aggregates and flows 3, reports
        # 1 a second and 2 a minute) say so in their headers, which pause the account.
        requests_per_second=10.0,
        burst=10,
        # An account's, for each kind of report: counted together, to be on the safe side.
        # Source: contract sheet "Klaviyo", section 3 (2026-11-21).
        daily_quota=DailyQuota(225, endpoints=("-values-reports", "-series-reports")),
    )
    options = KlaviyoOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return all streams."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:  # noqa: ARG002
        """Refuse what is not a private key.

        Raises:
            CredentialError: it is the public key (the site id), or something else.
        """
        if not credentials.get("api_key", "").startswith("pk_"):
            raise CredentialError(
                "this is not a private key of Klaviyo",
                hint="create a private key (pk_…) with read access; docs/connectors/klaviyo.md",
            )

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for the account of the key."""
        return asking.account()

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return name, currency and time zone of the key's account.

        Raises:
            ContractChanged: the time zone is none that exists: days would be guesses.
        """
        answer = decode(self.ask_account(account_id, options), response, Accounts)
        about = answer.data[0].attributes if len(answer.data) == 1 else None
        if about is None or not is_timezone(about.timezone):
            raise ContractChanged("klaviyo does not say the account's time zone")
        name = about.contact_information and about.contact_information.organization_name
        return AccountInfo(
            account_id,
            name or account_id,
            about.preferred_currency.upper() or None,
            about.timezone,
            {"klaviyo_account": answer.data[0].id},
        )

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first request: audiences, the conversion metric, or what follows it."""
        return begin(work, _mine(options))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means, and how long to pause after it."""
        step = Reading(work, _mine(options), request, response).step()
        warnings = step.warnings
        served = response.headers.get("x-klaviyo-api-revision", asking.REVISION)
        if served != asking.REVISION:
            said = f"klaviyo: asked for revision {asking.REVISION}, served {served}"
            warnings += (f"{said}: upgrade tactics",)
        if is_quota_spent(response.headers):
            warnings += ("klaviyo: the day's quota of reports is used up",)
        return replace(step, pause_seconds=pause_seconds(response.headers), warnings=warnings)


def _mine(options: Options) -> KlaviyoOptions:
    assert isinstance(options, KlaviyoOptions)
    return options


connector = KlaviyoConnector()
