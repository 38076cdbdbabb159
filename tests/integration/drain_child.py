"""Drains many small pages into the lake and says what memory that took: `-m tests.integration.drain_child`.

A process of its own, so that its memory is the drain's. `log` has the events wait in the event log,
`queue` in the retry queue, as after a long outage.
"""

import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tactics.config import Settings
from tactics.daemon.vitals import read_vitals
from tactics.errors import SinkUnavailable
from tactics.home import Home
from tactics.model import TOPIC_RAW, AccountInfo, Priority, Slice, StreamKey, Window
from tactics.pipeline import Workspace
from tactics.pipeline.bronze import bronze_stage
from tactics.pipeline.delivery import Written
from tactics.store import Event, Store
from tests.support import FakeClock

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")
DAY = dt.date(2026, 11, 20)
SLICE = Slice(KEY, Window(DAY, DAY), Priority.LIVE, AccountInfo("act_1", "a", "EUR", "UTC"))
PAGES_OF_A_FETCH, BLOCK = 1000, 5000


def main() -> None:
    """Fill a home and drain it; print the memory of each tenth as JSON."""
    folder, where, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    home = Home(folder).create()
    with Workspace.open(Settings(), home, FakeClock(), environment={}) as workspace:
        log_pages(workspace.store, count)
        if where == "queue":
            queue_everything(workspace.store)
        memory = drain(workspace, count)
    sys.stdout.write(json.dumps(memory))


def log_pages(store: Store, count: int) -> None:
    """Put pages of fetches that have not ended yet into the log."""
    for start in range(0, count, PAGES_OF_A_FETCH):
        with store.transaction():
            request_id = store.fetches.begin(SLICE, api_version="v1")
            for number in range(start, min(start + PAGES_OF_A_FETCH, count)):
                store.fetches.append_page(request_id, b'{"n":%d}' % number, request="{}")


def queue_everything(store: Store) -> None:
    """Put all that is in the log into the retry queue, as a sink that takes nothing does."""
    error = SinkUnavailable("planted")
    while events := store.bus.read(TOPIC_RAW, "bronze", BLOCK):
        jitter = store.jobs.draw_jitter()
        with store.transaction():
            for event in events:
                store.jobs.enqueue("bronze", event.seq, event.key, error, jitter=jitter)
            store.bus.acknowledge(TOPIC_RAW, "bronze", events[-1].seq)


def drain(workspace: Workspace, count: int) -> list[int]:
    """Bring everything to bronze; return the memory at the first batch and after each tenth."""
    memory: list[int] = []
    stage, seen = bronze_stage(workspace), 0
    write = stage.write

    def measured(events: Sequence[Event]) -> Written:
        nonlocal seen
        written = write(events)
        seen += len(events)
        if seen >= len(memory) * count // 10:
            memory.append(read_vitals().memory_bytes)
        return written

    stage.write = measured
    stage.retry(ignore_schedule=True)
    stage.drain()
    assert stage.rows == count, stage.problems
    return memory


if __name__ == "__main__":
    main()
