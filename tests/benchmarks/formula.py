"""Formulas over millions of rows: what the engine compiles, against SQL by hand and numexpr."""

import json
import os
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from tactics.metrics import Registry, render
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import (
    Row,
    clean_environment,
    megabytes,
    peer_python,
    run,
    timed,
)

PEER = Path(__file__).parent / "peers" / "numexpr_peer.py"
REACH = 1.1
THREADS = 2
REPEATS = 3  # within a process: its table is made once
NAMES = ("ctr", "cpc", "cpm", "cpa", "roas", "conversion_rate")
BY_HAND = (
    "clicks / nullif(impressions, 0)",
    "spend::DOUBLE / nullif(clicks, 0)",
    "spend::DOUBLE / nullif(impressions, 0) * 1000",
    "spend::DOUBLE / nullif(conversions, 0)",
    "conversion_value::DOUBLE / nullif(spend, 0)::DOUBLE",
    "conversions::DOUBLE / nullif(clicks, 0)",
)
TABLE = """
CREATE TABLE delivery AS
SELECT
    (i * 7919 % 40000)::BIGINT AS impressions,
    (i * 104729 % 900)::BIGINT AS clicks,
    ((i * 1299709 % 100000) / 100)::DECIMAL(18, 4) AS spend,
    ((i * 15485863 % 60) / 2)::DECIMAL(18, 4) AS conversions,
    ((i * 32452843 % 500000) / 100)::DECIMAL(18, 4) AS conversion_value
FROM range({rows}) AS r(i)
"""


def benchmark_formula(bench: Bench) -> list[Row]:
    """Return two rows: a sum of each of six ratios over all rows, each way, taken in turn."""
    mine: list[float] = []
    by_hand: list[float] = []
    theirs: list[float] = []
    for _ in range(bench.rounds):
        found, peak = bench.call("formula:measure", rows=bench.rows)
        other = _peer(bench.rows)
        compare("numexpr", found["sums"], other["sums"])
        mine += found["ours"]
        by_hand += found["by_hand"]
        theirs += other["seconds"]
    work = f"{len(NAMES)} formulas over {bench.rows:,} rows"
    own, hand, peer = map(statistics.median, (mine, by_hand, theirs))
    memory = f"{megabytes(peak)} / {megabytes(other['peak_bytes'])}"
    return [
        _row(work, own, ("SQL by hand", hand), REACH),
        replace(_row(work, own, ("numexpr, arrays in memory", peer), 1.0), peak=memory),
    ]


def measure(rows: int) -> dict[str, Any]:
    """Return the seconds of both queries, and the sums.

    Raises:
        SystemExit: the two differ: values come before times.
    """
    registry = Registry.load()
    ours = _query([render(f"{{{{ {name} }}}}", registry) for name in NAMES])
    theirs = _query(list(BY_HAND))
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(TABLE.format(rows=rows))
        sums = _sums(connection, ours)
        compare("SQL by hand", sums, _sums(connection, theirs))
        pairs = [
            (timed(lambda: _sums(connection, ours))[0], timed(lambda: _sums(connection, theirs))[0])
            for _ in range(REPEATS)
        ]
    mine, other = zip(*pairs, strict=True)
    return {"ours": mine, "by_hand": other, "sums": sums}


def compare(who: str, ours: list[float], theirs: list[float]) -> None:
    """Stop the benchmark when the results are not the same: values come before times.

    Raises:
        SystemExit: they differ by more than the order of adding up explains.
    """
    for name, mine, other in zip(NAMES, ours, theirs, strict=True):
        if abs(mine - other) > 1e-9 * abs(other):
            raise SystemExit(f"benchmark: {name} is {mine} by formula and {other} by {who}")


def _peer(rows: int) -> dict[str, Any]:
    environment = clean_environment(NUMEXPR_NUM_THREADS=str(min(THREADS, os.cpu_count() or 1)))
    done = run([peer_python(), str(PEER), str(rows), str(REPEATS)], environment)
    return {**json.loads(done.output), "peak_bytes": done.peak_bytes}


def _row(work: str, mine: float, other: tuple[str, float], reach: float) -> Row:
    name, seconds = other
    return Row(
        work,
        f"{mine * 1000:.0f} ms",
        f"{name}: {seconds * 1000:.0f} ms",
        f"{mine / seconds:.2f}x its time",
        reach=f"≤ {reach:g}x",
        reached=mine / seconds <= reach,
    )


def _query(expressions: list[str]) -> str:
    sums = ", ".join(f"sum({expression})" for expression in expressions)
    return f"SELECT {sums} FROM delivery"


def _sums(connection: duckdb.DuckDBPyConnection, sql: str) -> list[float]:
    return [float(value) for value in connection.execute(sql).fetchall()[0]]
