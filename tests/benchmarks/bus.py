"""The event log: append, consume and acknowledge in batches of 100, against queues of others.

All of them are SQLite files in WAL mode with synchronous = FULL. With a backlog, each consumes the
oldest messages of it.
"""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tactics.clock import SystemClock
from tactics.model import TOPIC_CLEANED
from tactics.store import Store
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Row, clean_environment, peer_python, run

PEER = Path(__file__).parent / "peers" / "bus_peer.py"
BATCH = 100
OWN_SHARE = 0.005  # of 10 M: 50,000 messages; a peer gets fewer
PEER_SHARE = 0.0003
PEER_SECONDS = 5  # a slow peer is stopped, its rate is known by then
REACH = 15  # times persist-queue
FLAT = 0.9
PEERS = {
    "persist-queue": "commits each step",
    "litequeue": "gets commit one by one",
    "huey": "storage alone; a get deletes, no ack",
}


def benchmark_bus(bench: Bench) -> list[Row]:
    """Return the rows of the report: each peer without and with a backlog, then ours with itself."""
    backlog = bench.share(0.1)
    folder = bench.folder / "bus"
    folder.mkdir()
    without, laden = _rates(bench, folder, (0, backlog))
    with_backlog = f"bus with a backlog of {backlog:,}"
    return [
        *_against_peers("bus", without),
        *_against_peers(with_backlog, laden),
        own_row(with_backlog, without["ours"], laden["ours"]),
    ]


def own_row(work: str, empty: float, laden: float) -> Row:
    """Return the row that holds ours with a backlog against ours without one."""
    return Row(
        work,
        f"{laden:,.0f} msg/s",
        f"ours, empty: {empty:,.0f} msg/s",
        f"{laden / empty:.2f}x",
        reach=f"flat (≥ {FLAT}x)",
        reached=laden / empty >= FLAT,
    )


def own_rate(path: Path, messages: int, backlog: int) -> float:
    """Return the messages per second of a store, filled first if it is new."""
    is_new = not path.exists()
    with Store.open(path, SystemClock()) as store:
        if is_new:
            fill(store, backlog)
        return messages_per_second(store, messages)


def messages_per_second(store: Store, messages: int) -> float:
    """Return the rate of append + read + acknowledge, one batch after another."""
    header = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
    batches = -(-messages // BATCH)
    started = time.perf_counter()
    for _ in range(batches):
        store.bus.append_many(TOPIC_CLEANED, [(None, header, None)] * BATCH)
        events = store.bus.read(TOPIC_CLEANED, "bench", BATCH)
        store.bus.acknowledge(TOPIC_CLEANED, "bench", events[-1].seq)
    return batches * BATCH / (time.perf_counter() - started)


def fill(store: Store, messages: int) -> None:
    """Leave a backlog that nobody has consumed."""
    header = {"load_id": "load", "request_ids": ["0123456789abcdef"]}
    for size in _pieces(messages, 10_000):
        store.bus.append_many(TOPIC_CLEANED, [(None, header, None)] * size)


def _rates(bench: Bench, folder: Path, backlogs: tuple[int, ...]) -> list[dict[str, float]]:
    """Return the median rate of ours and of each peer by backlog, all taken in turn."""
    rounds: list[list[dict[str, float]]] = [
        [_round(bench, folder / str(number), backlog) for backlog in backlogs]
        for number in range(bench.rounds)
    ]
    return [
        {name: statistics.median(one[name] for one in found) for name in found[0]}
        for found in zip(*rounds, strict=True)
    ]


def _round(bench: Bench, folder: Path, backlog: int) -> dict[str, float]:
    """Return one rate of each; a backlog is laid once and serves all rounds."""
    place = folder.with_name("laden") if backlog else folder
    place.mkdir(exist_ok=True)
    rates = {"ours": own_rate(place / "ours.db", bench.share(OWN_SHARE), backlog)}
    for name in PEERS:
        rates[name] = _peer_rate(name, place / name, bench.share(PEER_SHARE), backlog)
    return rates


def _peer_rate(name: str, folder: Path, messages: int, backlog: int) -> float:
    numbers = (str(messages), str(backlog), str(PEER_SECONDS))
    done = run([peer_python(), str(PEER), name, str(folder), *numbers], clean_environment())
    return float(json.loads(done.output)["per_second"])


def _against_peers(work: str, rates: dict[str, float]) -> Iterator[Row]:
    for name, remark in PEERS.items():
        ratio = rates["ours"] / rates[name]
        promised = name == "persist-queue" and work == "bus"
        yield Row(
            f"{work}: append + consume + ack",
            f"{rates['ours']:,.0f} msg/s",
            f"{name} ({remark}): {rates[name]:,.0f} msg/s",
            f"{ratio:.1f}x",
            reach=f"≥ {REACH}x" if promised else "",
            reached=ratio >= REACH if promised else None,
        )


def _pieces(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)
