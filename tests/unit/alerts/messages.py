"""Messages that the channels' tests send."""

import datetime as dt

from tactics.alerts import Message
from tactics.model import Alert, AlertEvent, AlertSeverity, Notice

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
SINCE = NOW - dt.timedelta(hours=2)
STALE = Alert(
    "freshness:acme/meta",
    AlertSeverity.WARNING,
    "acme/meta is stale",
    "campaign_insights was last fetched 40 h ago",
    "tactics sync --org acme --source meta",
    org_id="acme",
    source="meta",
    facts={"age_seconds": 144000.0},
)
HALT = Alert(
    "quality:acme/negative_spend",
    AlertSeverity.CRITICAL,
    "DataGuard holds acme back: negative_spend",
    "spend < 0 & more: 3 rows",
    "tactics validate",
    org_id="acme",
)


def notice(
    alert: Alert = STALE, event: AlertEvent = AlertEvent.RAISED, *, number: int = 1, seen: int = 1
) -> Notice:
    """Return something to tell of an alert."""
    return Notice(number, number, event, alert, seen, since=SINCE, at=NOW)


def message(*notices: Notice, message_id: str = "0123456789abcdef") -> Message:
    """Return a message, of the stale source unless told otherwise."""
    return Message(message_id, NOW, notices or (notice(),))
