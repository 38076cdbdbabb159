"""The event log: append, consume and acknowledge in batches of 100, against persist-queue."""

import json
import sys
import tempfile
import time
from pathlib import Path

from tactics.clock import SystemClock
from tactics.model import TOPIC_CLEANED
from tactics.store import Store
from tests.benchmarks.measure import Row, clean_environment, peer_python, run

PEER = Path(__file__).parent / "peers" / "persist_queue_peer.py"
BATCH = 100
MESSAGES = 50_000
PEER_MESSAGES = 3_000
BACKLOG = 1_000_000


def messages_per_second(store: Store, messages: int) -> float:
    """Return the rate of append + read + acknowledge, one batch after another."""
    header = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
    started = time.perf_counter()
    for _ in range(messages // BATCH):
        store.bus.append_many(TOPIC_CLEANED, [(None, header, None)] * BATCH)
        events = store.bus.read(TOPIC_CLEANED, "bench", BATCH)
        store.bus.acknowledge(TOPIC_CLEANED, "bench", events[-1].seq)
    return messages / (time.perf_counter() - started)


def fill(store: Store, messages: int) -> None:
    """Leave a backlog that nobody has consumed."""
    header = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
    for _ in range(messages // 10_000):
        store.bus.append_many(TOPIC_CLEANED, [(None, header, None)] * 10_000)


def benchmark_bus(rounds: int) -> list[Row]:
    """Return the rows of the report."""
    empty, full, peer = [], [], []
    clock = SystemClock()
    with (
        tempfile.TemporaryDirectory() as name,
        Store.open(Path(name) / "full.db", clock) as backlog,
    ):
        fill(backlog, BACKLOG)
        for number in range(rounds):
            with Store.open(Path(name) / f"empty-{number}.db", clock) as store:
                empty.append(messages_per_second(store, MESSAGES))
            full.append(messages_per_second(backlog, MESSAGES))
            command = [peer_python(), str(PEER), str(Path(name) / f"peer-{number}")]
            done = run([*command, str(PEER_MESSAGES)], clean_environment())
            peer.append(json.loads(done.output)["per_second"])
    mine, loaded, other = (sorted(rates)[len(rates) // 2] for rates in (empty, full, peer))
    return [
        Row(
            "bus: append + consume + ack",
            f"{mine:,.0f} msg/s",
            f"persist-queue: {other:,.0f} msg/s",
            f"{mine / other:.1f}x (reach 15x)",
        ),
        Row(
            "bus with a backlog of 1 M",
            f"{loaded:,.0f} msg/s",
            f"empty: {mine:,.0f} msg/s",
            f"{loaded / mine:.2f}x (reach: flat)",
        ),
    ]


if __name__ == "__main__":
    sys.stdout.write(f"{benchmark_bus(1)}\n")
