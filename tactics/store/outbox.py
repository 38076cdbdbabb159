"""Alerts, and the outbox through which they are told: rows until the other side has them.

Raised once per trouble, told at least once per channel, in messages that never change once they
were tried. Sends nothing and puts no message into words.
"""

import datetime as dt
import json
import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from tactics.clock import Clock
from tactics.errors import NotFoundError, TacticsError, TransientError
from tactics.model import Alert, AlertEvent, AlertSeverity, Notice
from tactics.sql import load_statements
from tactics.store.codec import from_instant, from_optional_instant, to_instant
from tactics.store.database import Database, Row
from tactics.store.jobs import backoff_seconds

# Which channels are told of an alert of each severity.
AlertRoutes: TypeAlias = Mapping[AlertSeverity, Sequence[str]]

LEASE_SECONDS = 120.0  # longer than the slowest attempt of any channel
LONGEST_WAIT_SECONDS = 86_400.0  # whatever the other side asks for
STEEPEST = 20  # attempts after which the wait stays at its longest
TEXT_LIMIT = 2000
ALL_SEVERITIES = tuple(AlertSeverity)

_SQL = load_statements("tactics.store", "outbox.sql")


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert as it is kept: how often it was seen, and what became of it."""

    alert_id: int
    alert: Alert
    state: AlertState
    seen: int
    created_at: dt.datetime
    last_seen_at: dt.datetime
    snoozed_until: dt.datetime | None
    resolved_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """One message under way, claimed for one attempt; a repeat has the same key and content."""

    delivery_id: int
    channel: str
    idempotency_key: str
    content: str
    attempt: int


@dataclass(frozen=True, slots=True)
class AlertBacklog:
    """What a channel has still to be told; `attempt` and the error are of the message under way."""

    channel: str
    notices: int
    oldest_at: dt.datetime
    attempt: int
    scheduled_at: dt.datetime | None
    error_type: str
    error_message: str
    error_hint: str


class Outbox:
    """The alerts and what is still to be told of them. Every change is durable when it returns."""

    def __init__(self, database: Database, clock: Clock, *, rng: random.Random) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng

    def raise_alert(self, alert: Alert, routes: AlertRoutes) -> AlertEvent | None:
        """Keep an alert; return what there is to tell, None when it is known and only counts.

        One that was open and has become worse is told again.
        """
        milder = [one.value for one in AlertSeverity if one.rank < alert.severity.rank]
        now = to_instant(self._clock.now())
        parameters = {
            "key": alert.key,
            "severity": alert.severity.value,
            "org_id": alert.org_id,
            "source": alert.source,
            "title": alert.title,
            "body": alert.body,
            "command": alert.command,
            "facts": json.dumps(alert.facts),
            "now": now,
        }
        with self._database.transaction():
            worse = self._database.write(
                _SQL["escalate_alert"],
                {"key": alert.key, "milder": json.dumps(milder), "now": now},
            )
            [(alert_id, seen)] = self._database.write(_SQL["raise_alert"], parameters)
            if not worse and seen > 1:
                return None
            event = AlertEvent.ESCALATED if worse else AlertEvent.RAISED
            self._reschedule([alert_id], now)
            self._tell(alert_id, event, routes.get(alert.severity, ()))
        return event

    def resolve(self, keys: Iterable[str]) -> int:
        """Close the open alerts with these keys; whoever heard of one hears that it is over."""
        now = to_instant(self._clock.now())
        with self._database.transaction():
            parameters = {"keys": json.dumps(list(keys)), "now": now}
            alert_ids = _firsts(self._database.write(_SQL["resolve_alerts"], parameters))
            if alert_ids:
                self._reschedule(alert_ids, now)
                told = {"alert_ids": json.dumps(alert_ids), "now": now}
                self._database.write(_SQL["add_resolved_notices"], told)
        return len(alert_ids)

    def acknowledge(self, alert_ids: Iterable[int]) -> int:
        """Repeat these no more; return how many were open. One that gets worse is told again."""
        parameters = {
            "alert_ids": json.dumps(list(alert_ids)),
            "now": to_instant(self._clock.now()),
        }
        return len(self._database.write(_SQL["acknowledge_alerts"], parameters))

    def snooze(self, alert_ids: Iterable[int], until: dt.datetime) -> int:
        """Say nothing of these before `until`, unless they get worse or end; return how many."""
        parameters = {"alert_ids": json.dumps(list(alert_ids)), "until": to_instant(until)}
        with self._database.transaction():
            snoozed = _firsts(self._database.write(_SQL["snooze_alerts"], parameters))
            self._reschedule(snoozed, to_instant(until))
        return len(snoozed)

    def repeat(self, routes: AlertRoutes, *, after_seconds: float) -> int:
        """Tell again what is open and was last told so long ago (0: never); return how many.

        One whose snooze has ended is told again in any case.
        """
        now = self._clock.now()
        before = to_instant(now - dt.timedelta(seconds=after_seconds)) if after_seconds else ""
        parameters = {"now": to_instant(now), "before": before}
        with self._database.transaction():
            rows = self._database.write(_SQL["repeat_alerts"], parameters)
            for alert_id, severity in rows:
                channels = routes.get(AlertSeverity(severity), ())
                self._tell(alert_id, AlertEvent.REPEATED, channels)
        return len(rows)

    def waiting(
        self, channel: str, severities: Iterable[AlertSeverity] = ALL_SEVERITIES
    ) -> list[Notice]:
        """Return what the next message of a channel can tell; nothing while one is under way."""
        parameters = {
            "channel": channel,
            "severities": json.dumps([severity.value for severity in severities]),
            "now": to_instant(self._clock.now()),
        }
        return [_to_notice(row) for row in self._database.read(_SQL["list_waiting"], parameters)]

    def start(self, channel: str, content: str, notice_ids: Iterable[int]) -> AlertDelivery:
        """Put these notices into a message, for good, and claim its first attempt.

        Called in the transaction that has read what is waiting.
        """
        parameters = {
            "channel": channel,
            "idempotency_key": uuid.uuid4().hex,
            "content": content,
            **self._lease(),
        }
        with self._database.transaction():
            [row] = self._database.write(_SQL["start_delivery"], parameters)
            taken = {"delivery_id": row[0], "notice_ids": json.dumps(list(notice_ids))}
            self._database.write(_SQL["attach_notices"], taken)
        return AlertDelivery(*row)

    def claim(self, channel: str) -> AlertDelivery | None:
        """Take the message under way for another attempt, if it is time; the attempt counts."""
        rows = self._database.write(_SQL["claim_delivery"], {"channel": channel, **self._lease()})
        return AlertDelivery(*rows[0]) if rows else None

    def succeed(self, delivery_id: int) -> bool:
        """Say that the other side has a message; return whether that was news."""
        parameters = {"delivery_id": delivery_id, "now": to_instant(self._clock.now())}
        return bool(self._database.write(_SQL["finish_delivery"], parameters))

    def fail(self, delivery: AlertDelivery, error: TacticsError) -> None:
        """Say why an attempt failed: the next is due in 1 s, 2 s, 4 s, … up to an hour.

        Never less than the other side asks for, and never given up.
        """
        wait = backoff_seconds(min(delivery.attempt, STEEPEST), self._rng.random())
        asked = (error.retry_after_seconds or 0.0) if isinstance(error, TransientError) else 0.0
        seconds = max(wait, min(asked, LONGEST_WAIT_SECONDS))
        parameters = {
            "delivery_id": delivery.delivery_id,
            "due": to_instant(self._clock.now() + dt.timedelta(seconds=seconds)),
            "error_type": error.code,
            "error_message": str(error)[:TEXT_LIMIT],
            "error_hint": error.hint[:TEXT_LIMIT],
        }
        self._database.write(_SQL["fail_delivery"], parameters)

    def hasten(self, channel: str) -> bool:
        """Make the message under way due now; return whether there is one."""
        parameters = {"channel": channel, "now": to_instant(self._clock.now())}
        return bool(self._database.write(_SQL["hasten_delivery"], parameters))

    def list_alerts(self, *, resolved: bool = False, limit: int = 100) -> list[HeldAlert]:
        """Return the alerts that are not resolved, the worst first; then those that are."""
        rows = self._database.read(_SQL["list_alerts"], {"resolved": resolved, "limit": limit})
        return [_to_held(row, self._clock.now()) for row in rows]

    def get(self, alert_id: int) -> HeldAlert:
        """Return one alert.

        Raises:
            NotFoundError: there is no such alert.
        """
        row = self._database.read_one(_SQL["get_alert"], {"alert_id": alert_id})
        if row is None:
            raise NotFoundError("no such alert", hint="see `tactics alerts list`", id=alert_id)
        return _to_held(row, self._clock.now())

    def open_keys(self) -> list[str]:
        """Return the keys of the alerts that are not resolved."""
        return _firsts(self._database.read(_SQL["list_open_keys"]))

    def backlog(self) -> list[AlertBacklog]:
        """Return, by channel, what has not arrived yet."""
        return [_to_backlog(row) for row in self._database.read(_SQL["list_backlog"])]

    def prune(self, history_days: int) -> int:
        """Forget alerts that were resolved longer ago than that, and told; return how many."""
        before = to_instant(self._clock.now() - dt.timedelta(days=history_days))
        with self._database.transaction():
            gone = self._database.write(_SQL["prune_alerts"], {"before": before})
            self._database.write(_SQL["prune_deliveries"], {"before": before})
        return len(gone)

    def _tell(self, alert_id: int, event: AlertEvent, channels: Sequence[str]) -> None:
        parameters = {
            "alert_id": alert_id,
            "event": event.value,
            "channels": json.dumps(list(channels)),
            "now": to_instant(self._clock.now()),
        }
        self._database.write(_SQL["add_notices"], parameters)

    def _reschedule(self, alert_ids: list[int], at: str) -> None:
        parameters = {"alert_ids": json.dumps(alert_ids), "at": at}
        self._database.write(_SQL["reschedule_notices"], parameters)

    def _lease(self) -> dict[str, str]:
        now = self._clock.now()
        leased_until = now + dt.timedelta(seconds=LEASE_SECONDS)
        return {"now": to_instant(now), "leased_until": to_instant(leased_until)}


def _firsts(rows: Iterable[Row]) -> list[Any]:
    return [row[0] for row in rows]


def _to_notice(row: Row) -> Notice:
    notice_id, alert_id, event, at, since, seen, *alert = row
    return Notice(
        notice_id=notice_id,
        alert_id=alert_id,
        event=AlertEvent(event),
        alert=_to_alert(*alert),
        seen=seen,
        since=from_instant(since),
        at=from_instant(at),
    )


def _to_alert(key: str, severity: str, title: str, body: str, *more: str) -> Alert:
    command, org_id, source, facts = more
    return Alert(
        key,
        AlertSeverity(severity),
        title,
        body,
        command,
        org_id=org_id,
        source=source,
        facts=json.loads(facts),
    )


def _to_held(row: Row, now: dt.datetime) -> HeldAlert:
    alert_id, *alert, seen, created_at, last_seen_at, acknowledged_at, snoozed, resolved_at = row
    snoozed_until = from_optional_instant(snoozed)
    if resolved_at is not None:
        state = AlertState.RESOLVED
    elif acknowledged_at is not None:
        state = AlertState.ACKNOWLEDGED
    elif snoozed_until is not None and snoozed_until > now:
        state = AlertState.SNOOZED
    else:
        state = AlertState.OPEN
    return HeldAlert(
        alert_id=alert_id,
        alert=_to_alert(*alert),
        state=state,
        seen=seen,
        created_at=from_instant(created_at),
        last_seen_at=from_instant(last_seen_at),
        snoozed_until=snoozed_until,
        resolved_at=from_optional_instant(resolved_at),
    )


def _to_backlog(row: Row) -> AlertBacklog:
    channel, notices, oldest_at, attempt, scheduled_at, error_type, message, hint = row
    return AlertBacklog(
        channel=channel,
        notices=notices,
        oldest_at=from_instant(oldest_at),
        attempt=attempt or 0,
        scheduled_at=from_optional_instant(scheduled_at),
        error_type=error_type or "",
        error_message=message or "",
        error_hint=hint or "",
    )
