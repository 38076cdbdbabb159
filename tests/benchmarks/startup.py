"""How long a person waits for an answer: our commands against a bare Python and `dlt --help`."""

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import (
    PEERS,
    Row,
    clean_environment,
    in_turn,
    median,
    peer_python,
    run,
)
from tests.lab import open_lab

BARE = [sys.executable, "-c", "pass"]
REACH = {"--help": 12, "dlq list": 15, "report pacing": 25}


def benchmark_startup(rounds: int) -> list[Row]:
    """Return the rows of the report; the home holds a synced sandbox."""
    peer_python()
    rows = []
    with tempfile.TemporaryDirectory() as name, open_lab(Path(name)) as lab:
        assert lab.command("sync").returncode == 0
        environment = clean_environment(TACTICS_HOME=str(lab.home.root), TACTICS_NOW="2026-11-21")
        for words, reach in REACH.items():
            ours = [sys.executable, "-m", "tactics", *words.split()]
            peer = [str(PEERS / "bin" / "dlt"), "--help"]
            commands = (ours, BARE, peer)
            works = [lambda c=command: run(c, environment) for command in commands]
            in_turn(1, *works)
            mine, bare, dlt = map(median, in_turn(max(rounds, 5), *works))
            rows.append(
                Row(
                    f"`tactics {words}`",
                    f"{mine.wall * 1000:.0f} ms",
                    f"python: {bare.wall * 1000:.0f} ms, dlt --help: {dlt.wall * 1000:.0f} ms",
                    f"{mine.wall / bare.wall:.1f}x python (reach {reach}x),"
                    f" 1/{dlt.wall / mine.wall:.1f} of dlt (reach 1/4)",
                )
            )
    return rows
