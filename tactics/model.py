"""Values that the rooms hand to each other.

Plain frozen dataclasses; they know no connection, no clock and no network.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

TOPIC_RAW = "connector.data.raw"
TOPIC_CLEANED = "bronze.data.cleaned"
TOPIC_PROCESSED = "silver.data.processed"
TOPIC_READY = "gold.data.ready"
TOPIC_ALERTS = "rules.alerts"
TOPICS = (TOPIC_RAW, TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_READY, TOPIC_ALERTS)


class Finality(StrEnum):
    """How settled a day's numbers are: still running, still restated by the vendor, or fixed."""

    OPEN = "open"
    PROVISIONAL = "provisional"
    FINAL = "final"


class Priority(IntEnum):
    """Which pending work goes first."""

    LIVE = 0
    RESTATEMENT = 1
    BACKFILL = 2


class RunStatus(StrEnum):
    """How a run ended (`running` until it has)."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"
    HALTED = "halted"
    FAILED = "failed"


class Severity(StrEnum):
    """What a finding does: `error` halts the pipeline before gold, `warn` reports."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Days from `start` to `end`, both inclusive, in the account's time zone."""

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        assert self.start <= self.end, (self.start, self.end)

    def days(self) -> Iterator[dt.date]:
        """Yield every day, oldest first."""
        for offset in range(len(self)):
            yield self.start + dt.timedelta(days=offset)

    def __len__(self) -> int:
        return (self.end - self.start).days + 1

    def halves(self) -> tuple["Window", "Window"]:
        """Return the older and the newer half; a single day cannot be halved."""
        assert len(self) > 1
        middle = self.start + dt.timedelta(days=len(self) // 2 - 1)
        return Window(self.start, middle), Window(middle + dt.timedelta(days=1), self.end)


@dataclass(frozen=True, slots=True, order=True)
class StreamKey:
    """Which stream of which account: `source` is the connection's name in the config."""

    org_id: str
    source: str
    account_id: str
    stream: str


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What the vendor says of one account; silver needs it to read dates and money."""

    account_id: str
    name: str
    currency: str | None
    timezone: str
    facts: dict[str, str] = field(default_factory=dict)  # locale, tab titles, …


@dataclass(frozen=True, slots=True)
class Slice:
    """One unit of fetching: the days `window` of `key`.

    `marker` is the change marker that the last completed fetch left (Sheets: Drive version), or
    None to force a full read. `without` are fields that the vendor refused; `job` is the vendor's
    report id to go on with; `deep` asks for the asynchronous way because the direct one was too big.
    """

    key: StreamKey
    window: Window
    priority: Priority
    account: AccountInfo
    marker: str | None = None
    without: frozenset[str] = frozenset()
    job: str | None = None
    deep: bool = False


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as it lies in topic `connector.data.raw` and goes to `bronze.pages`.

    `log_seq` is its position in the event log. `request_id` names the fetch of one slice and
    `page` counts from 0 within it; together they identify the page. `payload` is the body as
    received, UTF-8. `request` is the redacted request as JSON, with the account's facts under
    `account` and the connection's read options under `options`.
    """

    log_seq: int
    key: StreamKey
    request_id: str
    window: Window
    page: int
    fetched_at: dt.datetime
    api_version: str
    request: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class CoveredDay:
    """One day that was fetched completely, and by which request."""

    key: StreamKey
    day: dt.date
    finality: Finality
    request_id: str
    fetched_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What a DataGuard check found: the rule, how bad, and some of the rows."""

    check: str
    severity: Severity
    org_id: str
    message: str
    hint: str
    rows: int
    examples: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where the records of one stream went; `balances` is promise 3.

    Units: records (rows of the vendor), except `dead_lettered`, `queued`, which count pages that
    could not be opened or written. `superseded` rows were replaced by a newer fetch before they
    reached silver and count as duplicates in the sum.
    """

    key: StreamKey
    received: int = 0
    written: int = 0
    duplicate: int = 0
    quarantined: int = 0
    dead_lettered: int = 0
    queued: int = 0

    def balances(self) -> bool:
        """Return whether every record received is accounted for."""
        return self.received == (
            self.written + self.duplicate + self.quarantined + self.dead_lettered + self.queued
        )


class AlertSeverity(StrEnum):
    """How soon a person has to act: when there is time, today, now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return its place, the mildest first."""
        return list(AlertSeverity).index(self)


class AlertEvent(StrEnum):
    """What there is to tell of an alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should know of, and the command that mends it or shows more.

    `key` names the trouble (`freshness:acme/meta`): while it lasts, the same key is the same alert.
    `facts` are JSON-able. Nothing in it is secret.
    """

    key: str
    severity: AlertSeverity
    title: str
    body: str = ""
    command: str = ""
    org_id: str = ""
    source: str = ""
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell of an alert on one channel; `seen` so many times `since` it was raised."""

    notice_id: int
    alert_id: int
    event: AlertEvent
    alert: Alert
    seen: int
    since: dt.datetime
    at: dt.datetime
