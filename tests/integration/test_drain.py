"""Many events wait: they come home in bounded memory, and after an outage without a person.

A million of them: `DRAIN_EVENTS=1000000 pytest tests/integration/test_drain.py`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tactics.config import Settings
from tactics.daemon.flusher import Flusher
from tactics.home import Home
from tactics.pipeline import Workspace
from tests.integration.drain_child import log_pages
from tests.integration.test_daemon import Here, waiting
from tests.integration.test_outage import unusable_warehouse
from tests.lab import Lab, open_lab
from tests.support import FakeClock

EVENTS = int(os.environ.get("DRAIN_EVENTS", "20000"))
FEW = 4000  # more than a dead sink lets into the retry queue before it is left alone
MEBIBYTE = 2**20
HOUR = 3600


@pytest.mark.parametrize("where", ["log", "queue"])
def test_many_events_drain_in_the_memory_of_a_few(tmp_path: Path, where: str):
    """After the first tenth memory stays as it is, however many events are still to come."""
    folder = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.drain_child", str(folder), where, str(EVENTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    memory = json.loads(done.stdout)
    sys.stdout.write(f"{where}: {[size // MEBIBYTE for size in memory]} MiB\n")
    assert len(memory) == 11
    assert max(memory[1:]) - memory[1] < 32 * MEBIBYTE
    with Workspace.open(Settings(), Home(folder), FakeClock(), environment={}) as workspace:
        assert pages_of(workspace) == list(range(1, EVENTS + 1))
        assert waiting(workspace) == {}


def pages_of(workspace: Workspace) -> list[int]:
    """Return the place in the log of every page that bronze holds."""
    files = workspace.lake.files("bronze.pages")
    tables = (pq.read_table(path, columns=["log_seq"], partitioning=None) for path in files)
    return sorted(seq for table in tables for seq in table["log_seq"].to_pylist())


def test_a_sink_that_is_dead_for_an_hour(tmp_path: Path):
    """It is left alone, writes become dead letters; once it is back, every event is home by itself."""
    with open_lab(tmp_path, days=3, orgs=("acme",), sources=("meta",)) as lab:
        lab.sync()
        with lab.workspace() as workspace:
            held = len(pages_of(workspace))
            log_pages(workspace.store, FEW)
            flusher = flusher_of(workspace)
            with unusable_warehouse(lab):
                pass_time(lab, flusher, HOUR)
                states = waiting(workspace)
            assert states["raw"] > 0  # the breaker kept these from even being tried
            assert states["bronze discarded"] > 0
            pass_time(lab, flusher, HOUR / 2)
            assert waiting(workspace) == {}
            assert len(pages_of(workspace)) == len(set(pages_of(workspace))) == held + FEW
            assert workspace.store.bus.lag("connector.data.raw", "bronze") == 0


def flusher_of(workspace: Workspace) -> Flusher:
    """Return a daemon's flusher whose runs are done in this process."""
    return Flusher(
        workspace.settings,
        workspace.home,
        workspace.store,
        Here(workspace),
        clock=workspace.clock,
        beat=lambda _: None,
    )


def pass_time(lab: Lab, flusher: Flusher, seconds: float) -> None:
    """Let time pass, a step of the flusher after the other."""
    limit = lab.clock.monotonic() + seconds
    while lab.clock.monotonic() < limit:
        flusher.step(lab.clock.now())
        lab.clock.advance(flusher.seconds)
