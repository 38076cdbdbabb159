"""Loads share one DuckDB, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tactics.duck import DuckError, DuckLimits
from tactics.lake.staging import Engine

PROGRAM = """
import sys
from pathlib import Path
from tactics.duck import DuckLimits
from tactics.lake.staging import Engine
folder = Path(sys.argv[1])
with Engine(DuckLimits(folder), folder).staging() as staging:
    print(staging._duck.execute("SELECT current_setting('TimeZone')").fetchone()[0])
"""


def test_a_load_sees_nothing_of_the_one_before(tmp_path: Path):
    """Tables and variables go with the session; the engine can be used again after `close`."""
    engine = Engine(DuckLimits(tmp_path), tmp_path)
    with engine.staging() as first:
        first.set(source="meta")
        first._duck.execute("CREATE TEMP TABLE staged (a INTEGER)")
    with engine.staging() as second:
        assert second._duck.execute("SELECT getvariable('source')").fetchall() == [(None,)]
        with pytest.raises(DuckError, match="staged"):
            second._duck.execute("FROM staged")
    for _ in range(2):
        engine.close()
    with engine.staging() as third:
        assert third.run("count_digests") == [(0,)]
    engine.close()


def test_every_session_thinks_in_utc(tmp_path: Path):
    """Dates of instants do not depend on the machine's time zone."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={"TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "UTC"
