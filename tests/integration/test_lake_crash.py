"""kill -9 at every crash point of the lake, then a replay: as if nothing had happened."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tactics.home import Home
from tests.unit.lake.child import replay
from tests.unit.lake.support import open_lake, rows

POINTS = (
    "bronze.files_written",
    "bronze.committed",
    "silver.files_written",
    "silver.committed",
    "silver.quarantined",
)


def run_child(home: Home, crash_at: str = "", limit_bytes: int = 0) -> int:
    """Run the history in a process of its own and return how it ended."""
    command = [sys.executable, "-m", "tests.unit.lake.child", str(home.root), str(limit_bytes)]
    environment = {**os.environ, "TACTICS_CRASH_AT": crash_at} if crash_at else dict(os.environ)
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode


def state(home: Home) -> dict[str, list[tuple]]:
    """Return all rows of the lake."""
    with open_lake(home) as lake:
        return {
            table: rows(lake, home, table) for table in ("pages", "ad_performance", "quarantine")
        }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple]]:
    """Return the state that a run without a crash leaves."""
    home = Home(tmp_path_factory.mktemp("whole") / "home").create()
    with open_lake(home) as lake:
        replay(lake)
    return state(home)


@pytest.mark.crash
@pytest.mark.parametrize("point", [*POINTS, "bronze.committed:2", "silver.committed:2"])
def test_a_replay_after_kill_9_equals_an_uninterrupted_run(home: Home, uninterrupted, point):
    """Invariant 1, at each named place, in the first and in the second load."""
    assert run_child(home, point) == -signal.SIGKILL
    assert run_child(home) == 0
    assert state(home) == uninterrupted


@pytest.mark.crash
def test_what_a_crash_left_behind_is_swept(home: Home, uninterrupted):
    """Files without a commit are deleted once they are old, and nothing else is."""
    run_child(home, "silver.files_written")
    run_child(home)
    later = dt.datetime.fromtimestamp(home.lake.stat().st_mtime, dt.UTC) + dt.timedelta(hours=3)
    with open_lake(home) as lake:
        assert lake.maintain(later).swept_files >= 1
        assert lake.maintain(later).swept_files == 0
    assert state(home) == uninterrupted
