"""kill -9 at every named crash point, then run again: every layer equals an uninterrupted run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.crashpoint import CRASH_POINTS
from tests.lab import Lab, open_lab, result_of

pytestmark = [pytest.mark.slow, pytest.mark.crash]

OUTAGE = ("retry.", "dead_letter.")
FLOW_POINTS = [name for name in CRASH_POINTS if not name.startswith(OUTAGE)]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation and 20 days of history."""
    with open_lab(tmp_path, days=20, orgs=("acme",)) as lab:
        yield lab


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return the layers of a home that was synced twice and never killed."""
    with open_lab(tmp_path_factory.mktemp("whole"), days=20, orgs=("acme",)) as lab:
        assert lab.command("sync").returncode == 0
        lab.world.restate(7)
        assert lab.command("sync").returncode == 0
        return lab.layers()


def sync_to_the_end(lab: Lab) -> None:
    """Run `tactics sync`, which must succeed with a receipt that balances."""
    done = lab.command("sync", "--json")
    assert done.returncode == 0, done.stderr
    for receipt in result_of(done)["receipts"]:
        parts = ("written", "duplicate", "quarantined", "dead_lettered", "queued")
        assert receipt["received"] == sum(receipt[part] for part in parts)


@pytest.mark.parametrize("point", FLOW_POINTS)
@pytest.mark.parametrize("which", ["first", "second"])
def test_killed_in_the_flow(lab: Lab, uninterrupted: dict[str, list[str]], point: str, which: str):
    """Killed at a point of the first or the second sync, the next one brings everything home."""
    if which == "second":
        sync_to_the_end(lab)
        lab.world.restate(7)
    killed = lab.command("sync", TACTICS_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    sync_to_the_end(lab)
    if which == "first":
        lab.world.restate(7)
        sync_to_the_end(lab)
    assert lab.layers() == uninterrupted


def break_warehouse(lab: Lab) -> Path:
    """Put a file where the warehouse's folder should be; return where the folder went."""
    folder = lab.home.lake / "warehouse"
    folder.mkdir(exist_ok=True)
    aside = lab.home.lake / "aside"
    folder.rename(aside)
    folder.write_text("not a folder", encoding="utf-8")
    return aside


def heal_warehouse(lab: Lab, aside: Path) -> None:
    """Put the folder back."""
    folder = lab.home.lake / "warehouse"
    folder.unlink()
    aside.rename(folder)


@pytest.mark.parametrize("point", [name for name in CRASH_POINTS if name.startswith(OUTAGE)])
def test_killed_in_an_outage(lab: Lab, uninterrupted: dict[str, list[str]], point: str):
    """Killed while writes fail or are retried, nothing is lost once the sink is back."""
    sync_to_the_end(lab)
    lab.world.restate(7)
    aside = break_warehouse(lab)
    crash = {"TACTICS_CRASH_AT": point}
    killed = []
    for attempt in range(5):
        done = lab.command("queue", "flush") if attempt else lab.command("sync", **crash)
        killed.append(done.returncode)
        if attempt:
            killed.append(lab.command("queue", "flush", **crash).returncode)
        if -signal.SIGKILL in killed:
            break
        if attempt == 3 and point == "retry.attempted":
            break
    heal_warehouse(lab, aside)
    if point == "retry.attempted":
        killed.append(lab.command("queue", "flush", **crash).returncode)
    assert -signal.SIGKILL in killed
    lab.command("queue", "flush")
    sync_to_the_end(lab)
    assert lab.layers() == uninterrupted
