"""Asks Google Ads for campaigns by day and says what the answers mean.

Sends nothing, and never parses a row of a report.
Source: contract sheet "Google Ads API (REST search / searchStream)" (2026-11-21).
"""

import re
from collections.abc import Mapping

from pydantic import Field

from tactics.clock import is_timezone
from tactics.connectors.base import DailyQuota, Manifest, Options, Step, StreamSpec
from tactics.connectors.google_ads import queries
from tactics.connectors.google_ads.answers import (
    Client,
    clients_of,
    customers_of,
    open_stream,
)
from tactics.connectors.google_ads.faults import is_manager_refusal
from tactics.errors import ConfigError, ContractChanged, FieldRejected
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response

API_VERSION = "v26"  # ends about November 2027; Google has announced no day yet
_CUSTOMER_ID = r"^\d{10}$"
_DASHED = re.compile(r"\d{3}-\d{3}-\d{4}")
_MOST_NAMED = 20  # client accounts in one hint


class GoogleAdsOptions(Options):
    """What `[orgs.<org>.sources.google_ads]` may say besides the common keys."""

    login_account: str | None = Field(
        None,
        pattern=_CUSTOMER_ID,
        description="the manager account through which the accounts are reached, ten digits",
    )
    api_version: str = Field(API_VERSION, pattern=r"^v\d+$", description="of the Google Ads API")


class GoogleAdsConnector:
    """Google Ads. Accounts are customer ids, ten digits without dashes."""

    manifest = Manifest(
        kind="google_ads",
        title="Google Ads",
        account_example="1234567890",
        base_urls={"api": "https://googleads.googleapis.com"},
        api_version=API_VERSION,
        sunset=None,
        breaker="google_breaker",
        credentials=(("service_account",), ("client_id", "client_secret", "refresh_token")),
        # Google retired the token on 2026-09-09 and ignores the header; old projects may send it.
        optional_credentials=("developer_token",),
        extra_headers=(("developer_token", "developer-token"),),
        auth="google",
        scopes=("https://www.googleapis.com/auth/adwords",),
        global_accounts=True,
        streams=(
            StreamSpec(
                name="campaign_performance",
                table="ad_performance",
                entity_keys=("campaign_id",),
                # A request is one operation of the day's quota whatever its size: the longer the
                # better. It is also one body in memory: the shorter the better. Today and the
                # look-back are 31 days, two requests of 16. Even 10,000 campaigns that all deliver
                # are about 130 MB then.
                slice_days=16,
                lookback_days=30,  # the usual conversion window
                tiers=((90, 7 * 24 - 4),),  # the longest one, once a week
                final_after_days=90,
                max_history_days=1110,  # 37 months, clamped as Airbyte does
            ),
        ),
        # Google publishes no rate and announces none in headers: a guess, which its retryDelay mends.
        requests_per_second=5.0,
        burst=10,
        # Basic access; Explorer has 2,880, Standard has no limit. A search is one operation.
        # Source: contract sheet "Google Ads API", section 2 (2026-11-21).
        daily_quota=DailyQuota(15_000, endpoints=("googleAds:search",)),
    )
    options = GoogleAdsOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the one stream."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept what is there: Google tells at the first token."""

    def ask_account(self, account_id: str, options: Options) -> Request:
        """Return the request for the account's name, currency and time zone."""
        mine = _mine(options)
        return _through_manager(queries.ask_account(_path(account_id, mine)), mine)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what Google says of the account; a manager is named as such.

        Raises:
            ConfigError: the id is written with dashes; one account must have one name.
            ContractChanged: currency or time zone are missing: days and money would be guesses.
        """
        if _DASHED.fullmatch(account_id):
            hint = f'write "{account_id.replace("-", "")}"'
            raise ConfigError("customer ids have no dashes", hint=hint, account_id=account_id)
        customer = next(iter(customers_of(open_stream(response))), None)
        if customer is None or not is_timezone(customer.time_zone):
            raise ContractChanged("google does not say the account's time zone")
        if not customer.currency_code:
            raise ContractChanged("google does not say the account's currency")
        name = customer.descriptive_name or account_id
        title = f"{name} (manager account: no metrics)" if customer.manager else name
        return AccountInfo(account_id, title, customer.currency_code, customer.time_zone)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the request for the slice's campaigns and days."""
        mine = _mine(options)
        path = _path(work.key.account_id, mine)
        return _through_manager(queries.ask_campaigns(path, work), mine)

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return the whole stream as one page.

        A manager has no metrics: then the accounts below it are asked for, to name them.

        Raises:
            ContractChanged: the account is a manager; or silver cannot do without a refused field.
            FieldRejected: ask without this field.
        """
        mine, account_id = _mine(options), work.key.account_id
        try:
            batches = open_stream(response)
        except ContractChanged as refused:
            if not is_manager_refusal(refused):
                raise
            children = queries.ask_children(_path(account_id, mine))
            return Step(next=_through_manager(children, mine))
        except FieldRejected as refused:
            field = refused.facts["field"]
            if field in queries.OPTIONAL_FIELDS and field not in work.without:
                raise
            hint = "silver cannot do without it"
            raise ContractChanged(refused.message, hint=hint, field=field) from refused
        if queries.is_about_children(request):
            login = mine.login_account or account_id
            error = _no_metrics(account_id, clients_of(batches), login_account=login)
            raise error
        return Step(page=response.body)


def _no_metrics(account_id: str, clients: list[Client], *, login_account: str) -> ContractChanged:
    leaves = [one for one in clients if not one.manager and one.status == "ENABLED"]
    named = ", ".join(f"{one.id} ({one.descriptive_name})" for one in leaves[:_MOST_NAMED])
    more = f" and {len(leaves) - _MOST_NAMED} more" if len(leaves) > _MOST_NAMED else ""
    hint = (
        f'put its clients into accounts: {named}{more}; and set login_account = "{login_account}"'
        if leaves
        else "it has no client that is enabled: take it out of accounts"
    )
    message = "a manager account has no metrics of its own"
    return ContractChanged(message, hint=hint, account_id=account_id)


def _path(account_id: str, mine: GoogleAdsOptions) -> str:
    return f"/{mine.api_version}/customers/{account_id.replace('-', '')}/googleAds:searchStream"


def _through_manager(request: Request, mine: GoogleAdsOptions) -> Request:
    if mine.login_account is None:
        return request
    return request.with_headers(login_customer_id=mine.login_account)


def _mine(options: Options) -> GoogleAdsOptions:
    assert isinstance(options, GoogleAdsOptions)
    return options


connector = GoogleAdsConnector()
