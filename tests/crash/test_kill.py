"""kill -9 at every named crash point, then run again: every layer equals an uninterrupted run."""

import datetime as dt
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tactics.crashpoint import CRASH_POINTS
from tests.crash.nursery import IMPERFECT, Ended, Nursery
from tests.lab import Lab, Synced, open_lab

pytestmark = pytest.mark.crash

SHORT_PAGES = {"TACTICS_ORGS__ACME__SOURCES__META__PAGE_SIZE": "1"}  # slices of many pages
OUTAGE = ("retry.", "dead_letter.")
FLOW_POINTS = [name for name in CRASH_POINTS if not name.startswith(OUTAGE)]
MINUTE = dt.timedelta(minutes=1)


@dataclass
class Site:
    """A lab with one organisation and 20 days of history, and the processes that run in it."""

    lab: Lab
    nursery: Nursery
    now: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.lab.clock.now()

    def run(self, command: str, **environment: str) -> Ended:
        """Run `sync` or `flush` in a process of its own."""
        self.now += MINUTE
        return self.nursery.run(command, self.lab.process_environment(**environment), self.now)

    def succeed(self, *commands: str) -> None:
        """Run commands that must succeed, with receipts that balance."""
        for command in commands:
            ended = self.run(command)
            assert ended[:2] == (0, 0), ended.said

    def fail(self, *commands: str) -> None:
        """Run commands that must come to their end without full success."""
        for command in commands:
            ended = self.run(command)
            assert ended[:2] == (0, IMPERFECT), ended.said

    def die(self, point: str, command: str, **environment: str) -> None:
        """Run a command that is killed at `point`."""
        ended = self.run(command, TACTICS_CRASH_AT=point, **environment)
        assert ended.signal == signal.SIGKILL, ended.said

    def change(self) -> None:
        """Let the vendors restate a week and somebody edit the sheet."""
        self.lab.world.restate(7)
        self.lab.world.edit_booking()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return the parent of all processes that die here."""
    with Nursery(tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture
def site(tmp_path: Path, nursery: Nursery) -> Iterator[Site]:
    """Return a place where nothing was synced yet."""
    with open_lab(tmp_path, days=20, orgs=("acme",)) as lab:
        yield Site(lab, nursery)


@pytest.fixture(scope="module")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """Sync such a place once for all tests that begin there."""
    return Synced(tmp_path_factory.mktemp("synced"), days=20, orgs=("acme",))


@pytest.fixture
def synced(first_sync: Synced, nursery: Nursery) -> Iterator[Site]:
    """Return a place whose first sync has succeeded."""
    with first_sync.again() as lab:
        yield Site(lab, nursery)


@pytest.fixture(scope="module")
def once(first_sync: Synced) -> dict[str, list[str]]:
    """Return the layers of a home that was synced once and never killed."""
    with first_sync.again() as lab:
        return lab.layers()


@pytest.fixture(scope="module")
def twice(first_sync: Synced, nursery: Nursery) -> dict[str, list[str]]:
    """Return the layers of a home that was synced twice and never killed."""
    with first_sync.again() as lab:
        site = Site(lab, nursery)
        site.change()
        site.succeed("sync")
        return lab.layers()


@pytest.mark.parametrize("point", FLOW_POINTS)
def test_killed_in_the_first_sync_and_in_a_later_one(
    site: Site, once: dict[str, list[str]], twice: dict[str, list[str]], point: str
):
    """Killed with nothing there, and again while restated days come in: the next sync ends it."""
    site.die(point, "sync", **SHORT_PAGES)
    site.succeed("sync")
    assert site.lab.layers() == once
    site.change()
    site.die(point, "sync", **SHORT_PAGES)
    site.succeed("sync")
    assert site.lab.layers() == twice


def test_a_killed_command_ends_as_a_killed_process(synced: Site, twice: dict[str, list[str]]):
    """The command itself dies at the same places, and the next one mends it."""
    synced.change()
    killed = synced.lab.command("sync", TACTICS_CRASH_AT="silver.committed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = synced.lab.command("sync")
    assert done.returncode == 0, done.stderr
    assert synced.lab.layers() == twice


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
def outage(synced: Site) -> Path:
    """Return where the warehouse is while a sync with new data finds it gone."""
    synced.change()
    return break_warehouse(synced.lab)


def come_home(site: Site, aside: Path) -> dict[str, list[str]]:
    """Heal the warehouse, work off the queue and return the layers."""
    heal_warehouse(site.lab, aside)
    site.succeed("flush", "sync")
    return site.lab.layers()


def test_killed_when_a_write_was_queued(synced: Site, outage: Path, twice: dict[str, list[str]]):
    """Killed just after failed writes became rows of the queue, all come home."""
    synced.die("retry.enqueued", "sync")
    assert come_home(synced, outage) == twice


def test_killed_when_a_letter_died(synced: Site, outage: Path, twice: dict[str, list[str]]):
    """Killed just after the last retry made dead letters, all come home."""
    synced.fail("sync", "flush", "flush")
    synced.die("dead_letter.discarded", "flush")
    assert come_home(synced, outage) == twice


def test_killed_between_a_good_retry_and_its_receipt(
    synced: Site, outage: Path, twice: dict[str, list[str]]
):
    """Killed after a retry was written and before its row says so, nothing is there twice."""
    synced.fail("sync")
    heal_warehouse(synced.lab, outage)
    synced.die("retry.attempted", "flush")
    synced.succeed("flush", "sync")
    assert synced.lab.layers() == twice
