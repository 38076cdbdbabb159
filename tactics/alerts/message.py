"""One message: what a channel is told in one go, and its words.

Values only; every channel makes its own form of them. Sends nothing.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tactics.model import Alert, AlertEvent, AlertSeverity, Notice

LISTED = 20  # a longer message is not read; `tactics alerts list` has them all
BODY_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Message:
    """Notices that travel together; `message_id` stays the same however often it is sent."""

    message_id: str
    created_at: dt.datetime
    notices: tuple[Notice, ...]

    @property
    def severity(self) -> AlertSeverity:
        """Return the worst of what is not over; `info` when all is."""
        lasting = [n for n in self.notices if n.event is not AlertEvent.RESOLVED]
        return max((n.alert.severity for n in lasting), key=_rank, default=AlertSeverity.INFO)

    @property
    def headline(self) -> str:
        """Return `tactics: meta_breaker is open`, or how many there are of each kind."""
        if len(self.notices) == 1:
            return f"tactics: {title_of(self.notices[0])}"
        counts = Counter(_kind(notice) for notice in self.notices)
        return "tactics: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())

    def lines(self, most: int = LISTED) -> list[str]:
        """Return the message as plain text, a block of lines for each notice."""
        lines: list[str] = []
        for notice in self.notices[:most]:
            lines.extend(["", *block_of(notice)])
        if (more := len(self.notices) - most) > 0:
            lines.extend(["", f"and {more} more: tactics alerts list"])
        return lines[1:]

    def to_json(self) -> dict[str, Any]:
        """Return the generic form: what the json webhook sends and the log keeps."""
        return {
            "kind": "tactics.alerts",
            "id": self.message_id,
            "created_at": _instant(self.created_at),
            "severity": self.severity.value,
            "headline": self.headline,
            "alerts": [notice_json(notice) for notice in self.notices],
        }


def collapse(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Return one notice for each alert, the worst first and what is over last.

    Of one alert its end counts; else how it began, not that it was repeated.
    """
    chosen: dict[int, Notice] = {}
    for notice in notices:
        if notice.event is AlertEvent.RESOLVED:
            chosen[notice.alert_id] = notice
        else:
            chosen.setdefault(notice.alert_id, notice)
    return tuple(
        sorted(
            chosen.values(),
            key=lambda n: (n.event is AlertEvent.RESOLVED, -n.alert.severity.rank, n.alert_id),
        )
    )


def pack_content(notices: Sequence[Notice], created_at: dt.datetime) -> str:
    """Return notices as the text that the outbox keeps; `read_message` makes the message of it."""
    content = {
        "created_at": created_at.isoformat(),
        "notices": [notice_json(notice) for notice in notices],
    }
    return json.dumps(content, ensure_ascii=False)


def read_message(message_id: str, content: str) -> Message:
    """Return the message that `pack_content` kept."""
    data = json.loads(content)
    notices = tuple(_read_notice(item) for item in data["notices"])
    return Message(message_id, dt.datetime.fromisoformat(data["created_at"]), notices)


def title_of(notice: Notice) -> str:
    """Return the one line that says what is the matter, and whether it still is."""
    words = {
        AlertEvent.RAISED: "",
        AlertEvent.ESCALATED: "worse: ",
        AlertEvent.REPEATED: "still: ",
        AlertEvent.RESOLVED: "resolved: ",
    }
    return words[notice.event] + notice.alert.title


def block_of(notice: Notice) -> list[str]:
    """Return a notice as lines: title, what is known, what to do, since when."""
    alert, over = notice.alert, notice.event is AlertEvent.RESOLVED
    lines = [f"[{_kind(notice)}] {title_of(notice)}"]
    if over:
        return [*lines, f"  lasted from {_instant(notice.since)} to {_instant(notice.at)}"]
    if alert.body:
        lines.extend(f"  {line}" for line in clip(alert.body, BODY_CHARACTERS).splitlines())
    if alert.command:
        lines.append(f"  run: {alert.command}")
    times = f", seen {notice.seen} times" if notice.seen > 1 else ""
    return [*lines, f"  since {_instant(notice.since)}{times}"]


def clip(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return a notice as JSON-able values."""
    alert = notice.alert
    return {
        "notice_id": notice.notice_id,
        "alert_id": notice.alert_id,
        "event": notice.event.value,
        "key": alert.key,
        "severity": alert.severity.value,
        "org_id": alert.org_id,
        "source": alert.source,
        "title": alert.title,
        "body": alert.body,
        "command": alert.command,
        "facts": alert.facts,
        "seen": notice.seen,
        "since": _instant(notice.since),
        "at": _instant(notice.at),
    }


def _read_notice(item: dict[str, Any]) -> Notice:
    alert = Alert(
        item["key"],
        AlertSeverity(item["severity"]),
        item["title"],
        item["body"],
        item["command"],
        org_id=item["org_id"],
        source=item["source"],
        facts=item["facts"],
    )
    return Notice(
        notice_id=item["notice_id"],
        alert_id=item["alert_id"],
        event=AlertEvent(item["event"]),
        alert=alert,
        seen=item["seen"],
        since=dt.datetime.fromisoformat(item["since"]),
        at=dt.datetime.fromisoformat(item["at"]),
    )


def _kind(notice: Notice) -> str:
    return "resolved" if notice.event is AlertEvent.RESOLVED else notice.alert.severity.value


def _rank(severity: AlertSeverity) -> int:
    return severity.rank


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
