"""The same work with persist-queue: put, get, ack over SQLite. Prints messages per second."""

import json
import sys
import time

from persistqueue import SQLiteAckQueue


def main() -> None:
    """Put, get and acknowledge so many messages in batches of 100."""
    folder, messages = sys.argv[1], int(sys.argv[2])
    queue = SQLiteAckQueue(folder, auto_commit=True)
    item = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
    started = time.perf_counter()
    for _ in range(messages // 100):
        for _ in range(100):
            queue.put(item)
        for _ in range(100):
            queue.ack(queue.get())
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"per_second": messages / seconds}))


if __name__ == "__main__":
    main()
