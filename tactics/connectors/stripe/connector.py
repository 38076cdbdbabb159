"""Asks Stripe for balance transactions and says what the answers mean.

Sends nothing. Personal data is dropped from a page before it is kept: only declared fields stay.
Source: contract sheet "Stripe (v1 REST)" (2026-11-21).
"""

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from pydantic import Field, StringConstraints

from tactics.clock import is_timezone
from tactics.config import TimeZone
from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.scrub import Shape, keep_declared
from tactics.connectors.stripe.faults import EXPANSION, error_of
from tactics.errors import ContractChanged, CredentialError, CursorRejected, DecodeError
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get

API_VERSION = "2026-10-28.endive"
PAGE_LIMIT = "100"  # the largest that Stripe serves

_ID: Shape = {"id": None}  # an id stays an id; an expanded object is cut down to its id
_SOURCE: Shape = {
    **dict.fromkeys(("id", "object", "amount", "currency", "status", "created", "arrival_date")),
    **dict.fromkeys(("charge", "payment_intent", "balance_transaction"), _ID),
}
_TRANSACTION: Shape = {
    **dict.fromkeys(("id", "object", "amount", "fee", "net", "currency", "exchange_rate")),
    **dict.fromkeys(("type", "reporting_category", "status", "created", "available_on")),
    "balance_type": None,
    "fee_details": dict.fromkeys(("amount", "currency", "type")),
}

_MetadataKey = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,40}$")]


class StripeOptions(Options):
    """What `[orgs.<org>.sources.stripe]` may say besides the common keys."""

    timezone: TimeZone | None = Field(
        None, description="of the business day; else the dashboard's, which the key must see"
    )
    connected_accounts: bool = Field(
        default=False, description="accounts are connected accounts (acct_…) of a platform"
    )
    order_metadata_keys: tuple[_MetadataKey, ...] = Field(
        ("order_id",),
        description="metadata that is kept as order_ref, the first that a charge has; () for none",
    )
    allow_secret_key: bool = Field(
        default=False, description="accept an sk_ key, which can also write"
    )


class _Id(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    object: str
    has_more: bool
    data: list[_Id]


class _Dashboard(msgspec.Struct):
    timezone: str | None = None
    display_name: str | None = None


class _AccountSettings(msgspec.Struct):
    dashboard: _Dashboard = msgspec.field(default_factory=_Dashboard)


class _Account(msgspec.Struct):
    id: str
    default_currency: str | None = None
    settings: _AccountSettings = msgspec.field(default_factory=_AccountSettings)


_Answer = TypeVar("_Answer", _Page, _Account)


class StripeConnector:
    """Stripe. An account is a label of yours, or `acct_…` with `connected_accounts`."""

    manifest = Manifest(
        kind="stripe",
        title="Stripe",
        base_urls={"api": "https://api.stripe.com"},
        api_version=API_VERSION,
        sunset=None,  # old versions keep working for pinned callers
        breaker="stripe_breaker",
        credentials=(("api_key",),),
        scopes=("balance transactions: read", "charges and refunds: read", "account: read"),
        hosts=("stripe.com",),
        streams=(
            StreamSpec(
                name="transactions",
                table="transactions",
                entity_keys=("txn_id",),
                slice_days=7,
                # There is no "updated": status and available_on still move while a row is pending.
                # All of the last 35 days are read again, not only those that hold pending rows.
                lookback_days=35,
                final_after_days=35,
                settle_seconds=60,  # what was just created may be listed late
            ),
        ),
        requests_per_second=20.0,  # of the 25 per endpoint
        burst=20,
    )
    options = StripeOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the one stream."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Refuse a key that can write, and one that cannot read.

        Raises:
            CredentialError: the key is a secret (`sk_`) or a publishable (`pk_`) one.
        """
        prefix = credentials.get("api_key", "")[:3]
        if prefix == "pk_" or (prefix == "sk_" and not _mine(options).allow_secret_key):
            raise CredentialError(
                "this kind of Stripe key is refused",
                hint="create a restricted key (rk_…) with read access; docs/connectors/stripe.md",
                prefix=prefix,
            )

    def ask_account(self, account_id: str, options: Options) -> Request:
        """Return the request for the account's default currency and time zone."""
        return _versioned(get("/v1/account"), account_id, _mine(options))

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return what Stripe says of the account; `timezone` of the options wins.

        Raises:
            TacticsError: the call failed; a key that may not see the account is accepted when the
                options name the time zone.
            ContractChanged: Stripe names no time zone that exists.
        """
        timezone = _mine(options).timezone
        if response.status == HTTPStatus.FORBIDDEN and timezone is not None:
            return AccountInfo(account_id, account_id, None, timezone)
        account = _decode(response, _Account)
        dashboard = account.settings.dashboard
        timezone = timezone or dashboard.timezone
        if not is_timezone(timezone):
            raise ContractChanged(
                "stripe does not say the account's time zone",
                hint='set timezone = "Europe/Vienna" for this source',
                account_id=account_id,
            )
        currency = account.default_currency.upper() if account.default_currency else None
        name = dashboard.display_name or account_id
        return AccountInfo(account_id, name, currency, timezone, {"stripe_account": account.id})

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first page of a window: local midnight to local midnight, end excluded."""
        zone = ZoneInfo(work.account.timezone or "UTC")
        day_after = work.window.end + dt.timedelta(days=1)
        query = [
            ("limit", PAGE_LIMIT),
            ("created[gte]", str(_midnight(work.window.start, zone))),
            ("created[lt]", str(_midnight(day_after, zone))),
        ]
        if _mine(options).order_metadata_keys and EXPANSION not in work.without:
            query.append(("expand[]", EXPANSION))
        request = get("/v1/balance_transactions", *query)
        return _versioned(request, work.key.account_id, _mine(options))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:  # noqa: ARG002
        """Return the page without personal data, and the request after its last id.

        Raises:
            CursorRejected: there is more, but no last id, or the one we came with.
        """
        page = _decode(response, _Page)
        kept = keep_declared(response.body, _shape(_mine(options)))
        if not page.has_more:
            return Step(page=kept)
        after = page.data[-1].id if page.data else None
        if after is None or after == dict(request.query).get("starting_after"):
            raise CursorRejected("stripe has more rows but repeats its cursor, or names none")
        return Step(page=kept, next=request.with_query(starting_after=after))


def _decode(response: Response, kind: type[_Answer]) -> _Answer:
    if response.status != HTTPStatus.OK or response.body.startswith(b'{"error"'):
        raise error_of(response)
    try:
        response.body.decode()
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("stripe answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError("stripe's answer is not JSON", size_bytes=len(response.body)) from exc


def _shape(mine: StripeOptions) -> Shape:
    source: Shape = {**_SOURCE, "metadata": dict.fromkeys(mine.order_metadata_keys)}
    return {"object": None, "has_more": None, "data": {**_TRANSACTION, "source": source}}


def _versioned(request: Request, account_id: str, mine: StripeOptions) -> Request:
    request = request.with_headers(stripe_version=API_VERSION)
    return request.with_headers(stripe_account=account_id) if mine.connected_accounts else request


def _midnight(day: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _mine(options: Options) -> StripeOptions:
    assert isinstance(options, StripeOptions)
    return options


connector = StripeConnector()
