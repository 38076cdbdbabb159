"""What a connector is: four questions, all answered without a network.

Which days are due, what request a slice needs, what a response means, and how final its days are.
Sends nothing, stores nothing.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from tactics.connectors.scrub import Shape
from tactics.model import AccountInfo, Finality, Slice
from tactics.transport import Request, Response

Slicing: TypeAlias = Literal["days", "changes", "snapshot", "daily"]


class Options(BaseModel):
    """The keys a vendor adds to `[orgs.<org>.sources.<name>]`; connectors subclass it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One collection and how it is read again.

    `days` streams are fetched in windows of `slice_days` and overwritten by day. `changes` streams
    are fetched by the day on which a record changed, and each record replaces the one of the same
    entity, whatever its date. `snapshot` streams are fetched whole, and a new snapshot replaces the
    account's rows. `daily` streams are a state that is read once a day and kept: a day that was
    missed can never be fetched; what was read today is read again once it is `reread_hours` old.
    `lookback_days` are read again on every sync because the vendor
    restates them; a day is final `final_after_days` after it ended. What happened in the last
    `settle_seconds` may be listed late: a day begins to be due only then. Each of the `tiers`
    (days back, hours) reads further back, but less often: a covered day that is no older than so
    many days is read again once its last fetch is at least so many hours ago.
    """

    name: str
    table: str
    entity_keys: tuple[str, ...]
    slicing: Slicing = "days"
    slice_days: int = 1
    lookback_days: int = 0
    final_after_days: int = 0
    max_history_days: int | None = None
    settle_seconds: int = 0
    tiers: tuple[tuple[int, int], ...] = ()  # ((days back, at most every so many hours), …)
    reread_hours: int = 0  # of a `daily` stream; 0: at every sync
    history_table: str | None = None  # keeps what a snapshot held on each day it was read

    @property
    def can_miss_days(self) -> bool:
        """Return whether a day without a fetch is a hole that another fetch can fill."""
        return self.slicing in {"days", "changes"}


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """How many calls a vendor takes in a day from one connection, as far as it says so.

    Only calls whose endpoint contains one of `endpoints` count (none: all do). Connections that
    share a project or an account share the limit, too, which is not known here.
    """

    calls: int
    endpoints: tuple[str, ...] = ()

    def counts(self, endpoint: str) -> bool:
        """Return whether a call to `endpoint`, as the ledger names it, counts."""
        return not self.endpoints or any(part in endpoint for part in self.endpoints)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one vendor; each limit has its `Source:` in the connector's file.

    `auth` is how the credential travels: `bearer` (header, static), `header` (the static first
    credential in `auth_header`, behind its prefix), `query` (parameter `access_token`, with
    `appsecret_proof` when there is an `app_secret`) or `google` (OAuth). `{account}` in a base URL
    stands for the connection's only account. `trusted_hosts` are the vendor's own further hosts,
    which may see the credential; `hosts` may not. `credential_days` are lives that cannot be
    prolonged: name of the credential and how many days it lives at most.
    """

    kind: str
    title: str
    base_urls: dict[str, str]  # "api" and what else the vendor needs; overridable in the config
    api_version: str
    sunset: dt.date | None
    breaker: str
    credentials: tuple[tuple[str, ...], ...]  # alternatives; each a tuple of credential names
    streams: tuple[StreamSpec, ...]
    scopes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # suffixes a redirect or download may go to, besides the base URLs
    requests_per_second: float = 10.0
    burst: int = 10
    optional_credentials: tuple[str, ...] = ()
    auth: Literal["bearer", "header", "query", "google"] = "bearer"
    auth_header: tuple[str, str] = ("authorization", "Bearer ")  # name, and what stands before it
    trusted_hosts: tuple[str, ...] = ()
    account_example: str = "main"  # how an account is written, for whoever configures it
    extra_headers: tuple[tuple[str, str], ...] = ()  # optional credential, header it travels in
    accounts_at_once: int = 4  # how many are fetched side by side; the limits above hold for all
    global_accounts: bool = False  # an id means the same account in every connection: read it once
    token_path: str = ""  # after the api base URL: where `client_id` + `client_secret` get a token
    daily_quota: DailyQuota | None = None
    credential_days: tuple[tuple[str, int], ...] = ()
    docs: str = ""  # the page that tells people about it; none: docs/connectors/<kind>.md

    @property
    def page(self) -> str:
        """Return where an operator reads about this kind of source."""
        return self.docs or f"docs/connectors/{self.kind}.md"


@dataclass(frozen=True, slots=True)
class Step:
    """What one response means.

    `page` is the payload to keep, without secrets and personal data (None: this was a poll or a
    probe). What is personal but needed to recognise somebody again is named in `pseudonyms` (the
    shape of `scrub.py`): it is replaced by a keyed hash before anything is stored. `next` is the request that follows, after `wait_seconds`; None ends the slice. `job` is
    the vendor's report id to remember over a restart. `marker` is the change marker of a snapshot;
    `unchanged` says that the held snapshot is still right. `pause_seconds` asks the throttle to
    leave this account alone for so long.
    """

    page: bytes | None = None
    pseudonyms: Shape = field(default_factory=dict)
    next: Request | None = None
    wait_seconds: float = 0.0
    job: str | None = None
    marker: str | None = None
    unchanged: bool = False
    pause_seconds: float = 0.0
    warnings: tuple[str, ...] = field(default=())


class Connector(Protocol):
    """One vendor. Methods are pure, thread-safe, and raise the errors of `tactics.errors`.

    A class that names it as its base need not write `options`, `streams` and `check_credentials`.

    `read` and `read_account` classify every response, also those with status 200, after the
    vendor's error table: `RateLimited` (throttled), `UpstreamUnavailable` (transient),
    `CredentialExpired` (refresh once), `CredentialError` (a person signs in), `PermissionDenied`,
    `SliceTooLarge`, `FieldRejected`, `CursorRejected`, `ContractChanged` (permanent), `DecodeError`.
    """

    manifest: Manifest
    options: type[Options] = Options

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the streams that a connection with these options reads: those of the manifest."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:  # noqa: ARG002
        """Refuse credentials that are of the wrong kind (`CredentialError`), before any request."""
        return None  # noqa: RET501 - without a body every connector would have to write one

    def ask_account(self, account_id: str, options: Options) -> Request:
        """Return the request that tells name, currency and time zone of an account."""
        ...

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return what the vendor says of the account."""
        ...

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first request of a slice."""
        ...

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what `response` means for the slice."""
        ...


def finality(spec: StreamSpec, day: dt.date, today: dt.date) -> Finality:
    """Return how settled `day` is, seen on `today` in the account's time zone."""
    if day >= today:
        return Finality.OPEN
    final = day + dt.timedelta(days=spec.final_after_days) < today
    return Finality.FINAL if final else Finality.PROVISIONAL
