"""Named places to die."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tactics
from tactics.crashpoint import CRASH_POINTS, reach

FOLDER = Path(tactics.__file__).parent
THREE_TIMES = (
    "from tactics.crashpoint import reach\nfor _ in range(3): reach('gold.built'); print('on')"
)


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    """Any name may be reached when nobody asked for a crash."""
    monkeypatch.delenv("TACTICS_CRASH_AT", raising=False)
    reach("gold.built")
    reach("nowhere")


@pytest.mark.parametrize("wanted", ["gold.published", "gold.built:999"])
def test_another_place_is_passed(monkeypatch: pytest.MonkeyPatch, wanted: str):
    """Only the place that was named kills, and only the time that was named."""
    monkeypatch.setenv("TACTICS_CRASH_AT", wanted)
    reach("gold.built")


def test_an_unlisted_place_is_a_mistake(monkeypatch: pytest.MonkeyPatch):
    """A place that was renamed cannot silently lose its test."""
    monkeypatch.setenv("TACTICS_CRASH_AT", "gold.built")
    with pytest.raises(AssertionError, match="nowhere"):
        reach("nowhere")


@pytest.mark.parametrize(("place", "passed"), [("gold.built", 0), ("gold.built:3", 2)])
def test_the_process_is_killed_there(place: str, passed: int):
    """SIGKILL, the first time or the one that is asked for."""
    done = subprocess.run(
        [sys.executable, "-u", "-c", THREE_TIMES],
        env={"TACTICS_CRASH_AT": place},
        cwd=FOLDER.parent,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b"on\n" * passed


def test_every_place_that_is_listed_is_reached_somewhere():
    """Each listed place stands in the code, spelled out or by the stage it belongs to."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))
    named = set(re.findall(r'reach\(\s*"([\w.]+)"', code))
    by_stage = {f"{stage}.acknowledged" for stage in ("bronze", "silver", "gold")}
    chosen = {"ingest.page_committed", "ingest.slice_completed"}
    assert set(CRASH_POINTS) - by_stage - chosen <= named
    assert len(set(CRASH_POINTS)) == len(CRASH_POINTS)
