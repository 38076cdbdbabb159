"""The same work with a queue of others: put, get, acknowledge over SQLite with synchronous = FULL.

Runs in the peers' environment; imports nothing of ours. Usage: bus_peer.py <library> <folder>
<messages> <backlog> <seconds at most>. Prints messages per second. Each library is used in the
fastest way its interface has.
"""

import json
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litequeue
from huey.storage import SqliteStorage
from persistqueue import SQLiteAckQueue

BATCH = 100
ITEM = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
FULL = 2  # what PRAGMA synchronous answers


class PersistQueue:
    """Commits each put, get and ack; has no batches. Cleared as it goes, or each get looks further."""

    def __init__(self, folder: Path) -> None:
        self.queue = SQLiteAckQueue(str(folder), auto_commit=True)
        self.connection = self.queue._putter

    def fill(self, messages: int) -> None:
        """Lay a backlog straight into the table: a million commits would take minutes."""
        item = (pickle.dumps(ITEM), 0.0)  # when it was put: nothing looks at it
        self.connection.executemany(self.queue._sql_insert, (item for _ in range(messages)))
        self.connection.commit()

    def put_batch(self) -> None:
        """Put a hundred messages."""
        for _ in range(BATCH):
            self.queue.put(ITEM)

    def get(self) -> Any:
        """Take the oldest message."""
        return self.queue.get(raw=True)["pqid"]

    def acknowledge(self, taken: list[Any]) -> None:
        """Say that the messages are done."""
        for name in taken:
            self.queue.ack(id=name)
        self.queue.clear_acked_data(max_delete=BATCH, keep_latest=0)


class LiteQueue:
    """Puts and acknowledges a batch in one transaction; gets one by one."""

    def __init__(self, folder: Path) -> None:
        self.queue = litequeue.LiteQueue(str(folder / "queue.db"))
        self.connection = self.queue.conn
        self.connection.execute("PRAGMA synchronous = FULL")  # it sets NORMAL by itself

    def fill(self, messages: int) -> None:
        """Put a backlog in one transaction."""
        with self.queue.transaction():
            for _ in range(messages):
                self.queue.put(json.dumps(ITEM))

    def put_batch(self) -> None:
        """Put a hundred messages."""
        self.fill(BATCH)

    def get(self) -> Any:
        """Take the oldest message."""
        return self.queue.pop().message_id

    def acknowledge(self, taken: list[Any]) -> None:
        """Say that the messages are done."""
        with self.queue.transaction():
            for name in taken:
                self.queue.done(name)


class Huey:
    """The storage under its tasks. A get deletes: what was taken and not done is lost in a crash."""

    def __init__(self, folder: Path) -> None:
        self.storage = SqliteStorage("bench", str(folder / "huey.db"), fsync=True)
        self.connection = self.storage.conn
        self.item = pickle.dumps(ITEM)

    def fill(self, messages: int) -> None:
        """Lay a backlog straight into the table."""
        sql = "INSERT INTO task (queue, data, priority) VALUES ('bench', ?, 0)"
        with self.storage.db(commit=True) as cursor:
            cursor.executemany(sql, ((self.item,) for _ in range(messages)))

    def put_batch(self) -> None:
        """Put a hundred messages."""
        for _ in range(BATCH):
            self.storage.enqueue(self.item)

    def get(self) -> Any:
        """Take the oldest message, and delete it."""
        return self.storage.dequeue()

    def acknowledge(self, taken: list[Any]) -> None:
        """Do nothing: there is no acknowledgement."""


LIBRARIES: dict[str, Callable[[Path], Any]] = {
    "persist-queue": PersistQueue,
    "litequeue": LiteQueue,
    "huey": Huey,
}


def measure(queue: Any, messages: int, limit: float) -> tuple[int, float]:
    """Put, get and acknowledge batches; return messages and seconds. Stops after `limit` seconds."""
    done = 0
    started = time.perf_counter()
    while done < messages and time.perf_counter() - started < limit:
        queue.put_batch()
        taken = []
        while len(taken) < BATCH and (not taken or time.perf_counter() - started < limit):
            taken.append(queue.get())
        assert all(name is not None for name in taken)
        queue.acknowledge(taken)
        done += len(taken)
    return done, time.perf_counter() - started


def main() -> None:
    """Open the queue, fill a new one, and measure."""
    library, name, messages, backlog, limit = sys.argv[1:]
    folder = Path(name)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    queue = LIBRARIES[library](folder)
    assert queue.connection.execute("PRAGMA synchronous").fetchone()[0] == FULL
    if is_new and int(backlog):
        queue.fill(int(backlog))
    done, seconds = measure(queue, int(messages), float(limit))
    sys.stdout.write(json.dumps({"messages": done, "per_second": done / seconds}))


if __name__ == "__main__":
    main()
