"""The store between processes: they start at once, write at once, and one of them tries."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tactics.home import Home
from tactics.store import Store
from tests.support import FakeClock

PROCESSES = 8

pytestmark = pytest.mark.slow

PRELUDE = """
import datetime as dt, json, sys
from pathlib import Path
from tactics.clock import SystemClock
from tactics.store import Store
NOW = dt.datetime(2026, 11, 21, 9, 5, tzinfo=dt.UTC)
path, number = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
"""
OPEN = (
    PRELUDE
    + """
with Store.open(path, SystemClock()) as store:
    print(json.dumps(store.bus.append("t", header={"from": number})))
"""
)
ADMIT = (
    PRELUDE
    + """
with Store.open(path, SystemClock()) as store:
    print(json.dumps(store.breakers.admit("b", owner=number, now=NOW, lease_seconds=60)[:2]))
"""
)
APPEND = (
    PRELUDE
    + """
with Store.open(path, SystemClock()) as store:
    print(json.dumps([store.bus.append_many("t", [(None, {}, b"x")] * 5) for _ in range(20)]))
"""
)


@contextmanager
def _started(code: str, path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _race(code: str, path: Path) -> list:
    """Start all, wait until each is ready, let them go at once; return what they print."""
    with _started(code, path) as processes:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate() for process in processes]
    assert [error for _, error in outputs if error] == []
    return [json.loads(text) for text, _ in outputs]


def test_processes_that_start_at_once_make_one_store(home: Home, clock: FakeClock) -> None:
    """Whoever is first migrates; nobody fails, and every event is there."""
    seqs = _race(OPEN, home.database)
    assert sorted(seqs) == list(range(1, PROCESSES + 1))


def test_after_the_cool_down_one_of_many_processes_tries(home: Home, clock: FakeClock) -> None:
    """Exactly one gets the trial; the others are refused."""
    with Store.open(home.database, clock) as store:
        for _ in range(5):
            store.breakers.fail(
                "b",
                owner="x",
                now=clock.now(),
                threshold=5,
                cooldown_seconds=300,
                reason="503",
            )
    answers = _race(ADMIT, home.database)
    assert sorted(answers) == [[False, False]] * (PROCESSES - 1) + [[True, True]]


def test_numbers_follow_the_order_of_commits(home: Home, clock: FakeClock) -> None:
    """Batches of many processes never interleave, and no number is used twice."""
    Store.open(home.database, clock).close()
    batches = [batch for answer in _race(APPEND, home.database) for batch in answer]
    assert all(batch == list(range(batch[0], batch[0] + 5)) for batch in batches)
    seqs = sorted(seq for batch in batches for seq in batch)
    assert seqs == list(range(1, PROCESSES * 100 + 1))
