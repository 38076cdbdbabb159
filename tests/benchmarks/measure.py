"""Runs a command and says what it cost, as the operating system accounts for it."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv-bench"


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds (user + system, children too), peak resident bytes of one process."""

    wall: float
    cpu: float
    peak_bytes: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: what, ours, the other, and the ratio in our favour."""

    work: str
    ours: str
    other: str
    ratio: str
    peak: str = ""


def run(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run `command` to its end and return what it cost; a failure ends the benchmark."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), stdout=out, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    if process.returncode:
        sys.exit(f"benchmark: {' '.join(command[:4])} … failed ({process.returncode})\n{text}")
    factor = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * factor, text)


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment with bytecode on and no setting of ours in it."""
    kept = {key: text for key, text in os.environ.items() if not key.startswith("TACTICS_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | more


def in_turn(rounds: int, *works: Callable[[], Cost]) -> list[list[Cost]]:
    """Return the costs of each work, run A B A B … so that a drifting machine treats all alike."""
    costs: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, costs, strict=True):
            found.append(work())
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.peak_bytes for cost in costs),
        costs[-1].output,
    )


def peer_python() -> str:
    """Return the Python that has the peers, installed from their own lock file if need be."""
    python = PEERS / "bin" / "python"
    lock = Path(__file__).parent / "requirements.lock"
    stamp = PEERS / "lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*install, "--only-binary=:all:", "-r", str(lock)], check=True)
        stamp.write_bytes(lock.read_bytes())
    return str(python)


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / 2**20:,.0f} MB"
