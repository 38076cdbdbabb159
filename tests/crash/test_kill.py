"""kill -9 at every named crash point, then run again: every layer equals an uninterrupted run."""

import datetime as dt
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tactics.crashpoint import CRASH_POINTS
from tests.crash.nursery import IMPERFECT, Ended, Nursery
from tests.lab import Lab, open_lab

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
def uninterrupted(
    tmp_path_factory: pytest.TempPathFactory, nursery: Nursery
) -> dict[str, list[str]]:
    """Return the layers of a home that was synced twice and never killed."""
    with open_lab(tmp_path_factory.mktemp("whole"), days=20, orgs=("acme",)) as lab:
        site = Site(lab, nursery)
        site.succeed("sync")
        site.change()
        site.succeed("sync")
        return lab.layers()


@pytest.mark.parametrize("point", FLOW_POINTS)
@pytest.mark.parametrize("which", ["first", "second"])
def test_killed_in_the_flow(
    site: Site, uninterrupted: dict[str, list[str]], point: str, which: str
):
    """Killed at a point of the first or the second sync, the next one brings everything home."""
    if which == "second":
        site.succeed("sync")
        site.change()
    site.die(point, "sync", **SHORT_PAGES)
    site.succeed("sync")
    if which == "first":
        site.change()
        site.succeed("sync")
    assert site.lab.layers() == uninterrupted


def test_a_killed_command_ends_as_a_killed_process(site: Site, uninterrupted: dict[str, list[str]]):
    """The command itself dies at the same places, and the next one mends it."""
    site.succeed("sync")
    site.change()
    killed = site.lab.command("sync", TACTICS_CRASH_AT="silver.committed")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = site.lab.command("sync")
    assert done.returncode == 0, done.stderr
    assert site.lab.layers() == uninterrupted


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
def outage(site: Site) -> Path:
    """Return where the warehouse is while a sync with new data finds it gone."""
    site.succeed("sync")
    site.change()
    return break_warehouse(site.lab)


def come_home(site: Site, aside: Path) -> dict[str, list[str]]:
    """Heal the warehouse, work off the queue and return the layers."""
    heal_warehouse(site.lab, aside)
    site.succeed("flush", "sync")
    return site.lab.layers()


def test_killed_when_a_write_was_queued(
    site: Site, outage: Path, uninterrupted: dict[str, list[str]]
):
    """Killed just after failed writes became rows of the queue, all come home."""
    site.die("retry.enqueued", "sync")
    assert come_home(site, outage) == uninterrupted


def test_killed_when_a_letter_died(site: Site, outage: Path, uninterrupted: dict[str, list[str]]):
    """Killed just after the last retry made dead letters, all come home."""
    site.fail("sync", "flush", "flush")
    site.die("dead_letter.discarded", "flush")
    assert come_home(site, outage) == uninterrupted


def test_killed_between_a_good_retry_and_its_receipt(
    site: Site, outage: Path, uninterrupted: dict[str, list[str]]
):
    """Killed after a retry was written and before its row says so, nothing is there twice."""
    site.fail("sync")
    heal_warehouse(site.lab, outage)
    site.die("retry.attempted", "flush")
    site.succeed("flush", "sync")
    assert site.lab.layers() == uninterrupted
