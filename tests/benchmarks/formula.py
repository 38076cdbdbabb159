"""Formulas over 10 M rows: what the engine compiles against the SQL that a person would write."""

import statistics
import time

import duckdb

from tactics.metrics import Registry, render
from tests.benchmarks.measure import Row

ROWS = 10_000_000
NAMES = ("ctr", "cpc", "cpm", "cpa", "roas", "conversion_rate")
BY_HAND = (
    "clicks / nullif(impressions, 0)",
    "spend::DOUBLE / nullif(clicks, 0)",
    "spend::DOUBLE / nullif(impressions, 0) * 1000",
    "spend::DOUBLE / nullif(conversions, 0)",
    "conversion_value::DOUBLE / nullif(spend, 0)::DOUBLE",
    "conversions::DOUBLE / nullif(clicks, 0)",
)
TABLE = f"""
CREATE TABLE delivery AS
SELECT
    (i * 7919 % 40000)::BIGINT AS impressions,
    (i * 104729 % 900)::BIGINT AS clicks,
    ((i * 1299709 % 100000) / 100)::DECIMAL(18, 4) AS spend,
    ((i * 15485863 % 60) / 2)::DECIMAL(18, 4) AS conversions,
    ((i * 32452843 % 500000) / 100)::DECIMAL(18, 4) AS conversion_value
FROM range({ROWS}) AS r(i)
"""


def benchmark_formula(rounds: int) -> list[Row]:
    """Return one row: a sum of each of six ratios over all rows, both ways, taken in turn."""
    registry = Registry.load()
    ours = _query([render(f"{{{{ {name} }}}}", registry) for name in NAMES])
    theirs = _query(list(BY_HAND))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(TABLE)
        compare(connection, ours, theirs)
        seconds = [
            (_time(connection, ours), _time(connection, theirs)) for _ in range(max(rounds, 5))
        ]
    mine, other = (statistics.median(column) for column in zip(*seconds, strict=True))
    return [
        Row(
            f"{len(NAMES)} formulas over {ROWS:,} rows",
            f"{mine * 1000:.0f} ms",
            f"SQL by hand: {other * 1000:.0f} ms",
            f"{mine / other:.2f}x (reach 1.1x)",
        )
    ]


def compare(connection: duckdb.DuckDBPyConnection, ours: str, theirs: str) -> None:
    """Stop the benchmark when the results are not the same: values come before times.

    Raises:
        SystemExit: they differ by more than the order of adding up explains.
    """
    pairs = zip(
        connection.execute(ours).fetchall()[0],
        connection.execute(theirs).fetchall()[0],
        strict=True,
    )
    for name, (mine, other) in zip(NAMES, pairs, strict=True):
        if abs(float(mine) - float(other)) > 1e-9 * abs(float(other)):
            raise SystemExit(f"benchmark: {name} is {mine} by formula and {other} by hand")


def _query(expressions: list[str]) -> str:
    sums = ", ".join(f"sum({expression})" for expression in expressions)
    return f"SELECT {sums} FROM delivery"


def _time(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    started = time.perf_counter()
    connection.execute(sql).fetchall()
    return time.perf_counter() - started
