"""How long a person waits for an answer: our commands against a bare Python and `dlt --help`."""

import sys

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import (
    PEERS,
    Row,
    clean_environment,
    in_turn,
    median,
    peaks,
    peer_python,
    run,
)
from tests.lab import open_lab

BARE = [sys.executable, "-c", "pass"]
REACH = {"--help": 12, "dlq list": 15, "report pacing": 25}
OF_DLT = 0.25


def benchmark_startup(bench: Bench) -> list[Row]:
    """Return the rows of the report; the home holds a synced sandbox."""
    peer_python()
    rows = []
    with open_lab(bench.folder) as lab:
        assert lab.command("sync").returncode == 0
        environment = clean_environment(TACTICS_HOME=str(lab.home.root), TACTICS_NOW="2026-11-21")
        for words, reach in REACH.items():
            ours = [sys.executable, "-m", "tactics", *words.split()]
            peer = [str(PEERS / "bin" / "dlt"), "--help"]
            commands = (ours, BARE, peer)
            works = [lambda c=command: run(c, environment) for command in commands]
            in_turn(1, *works)
            mine, bare, dlt = map(median, in_turn(max(bench.rounds, 5), *works))
            of_python, of_dlt = mine.wall / bare.wall, mine.wall / dlt.wall
            rows.append(
                Row(
                    f"`tactics {words}`",
                    f"{mine.wall * 1000:.0f} ms",
                    f"python: {bare.wall * 1000:.0f} ms, dlt --help: {dlt.wall * 1000:.0f} ms",
                    f"{of_python:.1f}x python, {of_dlt:.2f}x dlt",
                    peaks(mine, dlt),
                    reach=f"≤ {reach}x python, ≤ {OF_DLT}x dlt",
                    reached=of_python <= reach and of_dlt <= OF_DLT,
                )
            )
    return rows
