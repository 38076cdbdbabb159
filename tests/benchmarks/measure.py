"""Runs a command or a function and says what it cost, as the operating system accounts for it."""

import json
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
LOCK = Path(__file__).parent / "requirements.lock"
LAUNCHER = Path(__file__).parent / "launch.py"


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds (user + system, children too), peak resident bytes of one process."""

    wall: float
    cpu: float
    peak_bytes: int = 0
    output: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: what, ours, the other, how they compare, and what was to be reached.

    `reached` is None where nothing was promised.
    """

    work: str
    ours: str
    other: str
    ratio: str
    peak: str = ""
    reach: str = ""
    reached: bool | None = None


def run(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run `command` to its end and return what it cost.

    Raises:
        SystemExit: it failed; its output tells why.
    """
    with tempfile.NamedTemporaryFile("r") as cost:
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), cost.name, *command]
        done = subprocess.run(
            launch, env=dict(environment), capture_output=True, text=True, cwd=ROOT, check=False
        )
        if done.returncode:
            told = done.stdout + done.stderr
            sys.exit(f"benchmark: {' '.join(command[:4])} … failed ({done.returncode})\n{told}")
        return Cost(**json.load(cost), output=done.stdout)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


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
    """Return the median of the times, and the highest peak."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.peak_bytes for cost in costs),
        costs[-1].output,
    )


def peer_python() -> str:
    """Return the Python that has the peers, installed from their own lock file if need be."""
    python = PEERS / "bin" / "python"
    stamp = PEERS / "lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*install, "--only-binary=:all:", "-r", str(LOCK)], check=True)
        stamp.write_bytes(LOCK.read_bytes())
    return str(python)


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / 2**20:,.0f} MB"


def seconds(cost: Cost) -> str:
    """Return the times of a cost for people."""
    digits = 1 if cost.wall >= 10 else 2 if cost.wall >= 0.1 else 4
    return f"{cost.wall:.{digits}f} s, {cost.cpu:.{digits}f} s CPU"


def peaks(mine: Cost, other: Cost) -> str:
    """Return the column of peak memory; of the other only where it had a process of its own."""
    known = f" / {megabytes(other.peak_bytes)}" if other.peak_bytes else ""
    return megabytes(mine.peak_bytes) + known
