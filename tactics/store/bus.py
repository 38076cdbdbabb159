"""Topics as one append-only log, with a position for each consumer.

Delivery is at least once: a consumer acknowledges what it has made durable elsewhere, and reads
again what it has not. Knows nothing of what events mean.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from tactics.clock import Clock
from tactics.model import TOPIC_RAW, StreamKey
from tactics.sql import load_statements
from tactics.store.codec import (
    Packed,
    decode_header,
    from_instant,
    from_key_columns,
    header_encoder,
    key_columns,
    pack,
    to_instant,
    unpack,
)
from tactics.store.database import Database, Row

Header: TypeAlias = Mapping[str, Any]
NewEvent: TypeAlias = tuple[StreamKey | None, Header, bytes | Packed | None]

# One block is deleted in one transaction: short enough not to keep writers waiting.
PRUNE_BLOCK = 1000

_SQL = load_statements("tactics.store", "bus.sql")


class Event(NamedTuple):  # a frozen dataclass takes three times as long to make, a million times
    """One entry of the log; `seq` counts over all topics, in commit order."""

    seq: int
    topic: str
    key: StreamKey | None
    header: dict[str, Any]
    body: bytes | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Position:
    """How far one consumer of a topic has come."""

    topic: str
    consumer: str
    seq: int
    acknowledged_at: dt.datetime


class Bus:
    """The event log. Headers are small JSON objects; bodies are compressed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def append(
        self,
        topic: str,
        *,
        key: StreamKey | None = None,
        header: Header,
        body: bytes | Packed | None = None,
    ) -> int:
        """Append one event and return its seq."""
        return self.append_many(topic, [(key, header, body)])[0]

    def append_many(self, topic: str, events: Iterable[NewEvent]) -> list[int]:
        """Append events in this order, all or none, and return their seqs."""
        now = to_instant(self._clock.now())
        encode = header_encoder()
        rows = [
            (topic, *key_columns(key), encode(header).decode(), now, size_bytes, data)
            for key, header, body in events
            for data, size_bytes in (pack(body),)
        ]
        if not rows:
            return []
        with self._database.transaction():
            self._database.write_many(_SQL["append_event"], rows)
            (last,) = self._database.read(_SQL["last_seq"])[0]
        # AUTOINCREMENT under the write lock: one transaction's seqs follow each other.
        return list(range(last - len(rows) + 1, last + 1))

    def read(
        self, topic: str, consumer: str, limit: int, *, max_bytes: int | None = None
    ) -> list[Event]:
        """Return the oldest events that `consumer` has not acknowledged.

        At most `limit`, and no more once their bodies come to `max_bytes`; at least one.
        """
        assert limit > 0, limit
        parameters = {"topic": topic, "consumer": consumer, "limit": limit}
        if max_bytes is None:
            return [to_event(row) for row in self._database.read(_SQL["read_events"], parameters)]
        events: list[Event] = []
        total = 0
        for row in self._database.read_lazily(_SQL["read_events"], parameters):
            events.append(to_event(row))
            total += row[8]
            if total >= max_bytes:
                break
        return events

    def get(self, seq: int) -> Event | None:
        """Return one event, or None when it never was or has been pruned."""
        row = self._database.read_one(_SQL["get_event"], {"seq": seq})
        return None if row is None else to_event(row)

    def subscribe(self, topic: str, consumer: str) -> None:
        """Make a consumer known, so that its topic is kept for it from now on."""
        self._database.write(
            _SQL["subscribe"],
            {"topic": topic, "consumer": consumer, "now": to_instant(self._clock.now())},
        )

    def acknowledge(self, topic: str, consumer: str, seq: int) -> None:
        """Say that `consumer` is done with everything up to `seq`; it never goes back."""
        now = to_instant(self._clock.now())
        self._database.write(
            _SQL["acknowledge"], {"topic": topic, "consumer": consumer, "seq": seq, "now": now}
        )

    def position(self, topic: str, consumer: str) -> int:
        """Return the last seq that `consumer` is done with, 0 at first."""
        row = self._database.read_one(_SQL["get_position"], {"topic": topic, "consumer": consumer})
        return 0 if row is None else int(row[0])

    def positions(self) -> list[Position]:
        """Return every known consumer and how far it has come."""
        rows = self._database.read(_SQL["list_positions"])
        return [Position(topic, name, seq, from_instant(at)) for topic, name, seq, at in rows]

    def lag(self, topic: str, consumer: str) -> int:
        """Return how many events `consumer` has yet to do."""
        row = self._database.read_one(_SQL["count_lag"], {"topic": topic, "consumer": consumer})
        return 0 if row is None else int(row[0])

    def prune(self, cache_days: int) -> int:
        """Delete events that every consumer has passed; return how many.

        Raw pages stay for `cache_days` after they came: they are the offline cache. Events that a
        waiting job or a dead letter points at stay as long as it does.
        """
        parameters = {
            "cached_topic": TOPIC_RAW,
            "cached_since": to_instant(self._clock.now() - dt.timedelta(days=cache_days)),
            "block": PRUNE_BLOCK,
        }
        total = 0
        while block := len(self._database.write(_SQL["prune_events"], parameters)):
            total += block
        return total


def to_event(row: Row) -> Event:
    """Return the event of its columns."""
    seq, topic, org_id, source, account_id, stream, header, created_at, size_bytes, data = row
    return Event(
        seq,
        topic,
        from_key_columns(org_id, source, account_id, stream),
        decode_header(header),
        unpack(data, size_bytes),
        from_instant(created_at),
    )
