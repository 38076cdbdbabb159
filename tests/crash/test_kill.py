"""kill -9 at every named crash point, then run again: every layer equals an uninterrupted run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.crashpoint import CRASH_POINTS
from tests.lab import Lab, open_lab, result_of

pytestmark = [pytest.mark.slow, pytest.mark.crash]

SHORT_PAGES = {"TACTICS_ORGS__ACME__SOURCES__META__PAGE_SIZE": "1"}  # slices of many pages
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
        change(lab)
        assert lab.command("sync").returncode == 0
        return lab.layers()


def change(lab: Lab) -> None:
    """Let the vendors restate a week and somebody edit the sheet."""
    lab.world.restate(7)
    lab.world.edit_booking()


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
        change(lab)
    killed = lab.command("sync", **SHORT_PAGES, TACTICS_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    sync_to_the_end(lab)
    if which == "first":
        change(lab)
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


@pytest.fixture
def outage(lab: Lab) -> Path:
    """Return where the warehouse is while a sync with new data finds it gone."""
    sync_to_the_end(lab)
    change(lab)
    return break_warehouse(lab)


def killed(lab: Lab, point: str, *command: str) -> None:
    """Run a command that dies at `point`."""
    done = lab.command(*command, TACTICS_CRASH_AT=point)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def come_home(lab: Lab, aside: Path) -> dict[str, list[str]]:
    """Heal the warehouse, work off the queue and return the layers."""
    heal_warehouse(lab, aside)
    assert lab.command("queue", "flush").returncode == 0
    sync_to_the_end(lab)
    return lab.layers()


def test_killed_when_a_write_was_queued(
    lab: Lab, outage: Path, uninterrupted: dict[str, list[str]]
):
    """Killed just after failed writes became rows of the queue, all come home."""
    killed(lab, "retry.enqueued", "sync")
    assert come_home(lab, outage) == uninterrupted


def test_killed_when_a_letter_died(lab: Lab, outage: Path, uninterrupted: dict[str, list[str]]):
    """Killed just after the last retry made dead letters, all come home."""
    assert lab.command("sync").returncode == 1
    for _ in range(2):
        assert lab.command("queue", "flush").returncode == 1
    killed(lab, "dead_letter.discarded", "queue", "flush")
    assert come_home(lab, outage) == uninterrupted


def test_killed_between_a_good_retry_and_its_receipt(
    lab: Lab, outage: Path, uninterrupted: dict[str, list[str]]
):
    """Killed after a retry was written and before its row says so, nothing is there twice."""
    assert lab.command("sync").returncode == 1
    heal_warehouse(lab, outage)
    killed(lab, "retry.attempted", "queue", "flush")
    assert lab.command("queue", "flush").returncode == 0
    sync_to_the_end(lab)
    assert lab.layers() == uninterrupted
