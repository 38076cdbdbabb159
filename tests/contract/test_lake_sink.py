"""The lake as a sink that fails: full disk, locked catalog, unusable path; then it heals."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.errors import CommitConflict, SinkUnavailable, StoreCorrupt
from tactics.home import Home
from tactics.lake import Lake
from tactics.lake.failures import mapped_errors
from tactics.lake.schemas import PAGES
from tactics.lake.warehouse import Change, Warehouse
from tests.integration.test_lake_crash import run_child, state
from tests.unit.lake.child import REFUSED, replay
from tests.unit.lake.support import Vendor, ad, open_lake, rows, spend


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake that already holds one load."""
    with open_lake(home) as opened:
        load(opened, Vendor(), "r0", 1)
        yield opened


def load(lake: Lake, vendor: Vendor, name: str, number: int) -> None:
    """Append and load one row."""
    vendor.seq += 10 * number
    pages = vendor.fetch(name, [[ad("a", number)]], first=number, last=number)
    lake.append_pages(pages, f"B-{name}")
    lake.load_silver(vendor.load(f"S-{name}", name))


def test_a_locked_catalog_is_unavailable_then_heals(lake: Lake, home: Home):
    """Another process holds the catalog's write lock longer than we wait."""
    other = sqlite3.connect(home.lake / "catalog.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SinkUnavailable, match="locked"):
        load(lake, Vendor(), "r1", 2)
    other.rollback()
    other.close()
    load(lake, Vendor(), "r1", 2)
    assert [row[3] for row in spend(lake, home)] == [1, 2]


def test_a_locked_catalog_can_still_be_read(lake: Lake, home: Home):
    """Readers never wait for a writer."""
    other = sqlite3.connect(home.lake / "catalog.db")
    other.execute("BEGIN IMMEDIATE")
    assert len(lake.files("ad_performance")) == 1
    other.rollback()
    other.close()


def test_a_warehouse_that_became_a_file_is_unavailable_then_heals(lake: Lake, home: Home):
    """The path is unusable for writing and for reading; nothing of it is lost."""
    warehouse, aside = home.lake / "warehouse", home.lake / "aside"
    warehouse.rename(aside)
    warehouse.write_text("not a folder")
    with pytest.raises(SinkUnavailable):
        load(lake, Vendor(), "r1", 2)
    with pytest.raises(SinkUnavailable):
        lake.files("ad_performance")
    warehouse.unlink()
    aside.rename(warehouse)
    load(lake, Vendor(), "r1", 2)
    assert [row[3] for row in spend(lake, home)] == [1, 2]


def test_a_lake_folder_that_is_a_file_cannot_be_opened(home: Home):
    """Opening fails as a sink that may heal, not as a broken store."""
    home.lake.rmdir()
    home.lake.write_text("not a folder")
    with pytest.raises(SinkUnavailable):
        open_lake(home)


def test_a_lost_catalog_is_never_replaced_by_an_empty_one(lake: Lake, home: Home):
    """Tables without a catalog mean that our own state is broken: stop, keep the evidence."""
    lake.close()
    (home.lake / "catalog.db").unlink()
    with pytest.raises(StoreCorrupt):
        open_lake(home)


def test_a_damaged_catalog_stops_the_process(lake: Lake, home: Home):
    """It is not written over."""
    lake.close()
    (home.lake / "catalog.db").write_bytes(b"this was a database" * 1000)
    with pytest.raises(StoreCorrupt):
        open_lake(home)


def test_a_commit_on_a_stale_table_is_a_conflict(home: Home):
    """Somebody else committed in between; nothing is lost, the load is tried again."""
    mine = Warehouse(home.lake, keep_snapshots=3, busy_seconds=1)
    with open_lake(home) as lake:
        stale = mine.table(PAGES)
        lake.append_pages(Vendor().fetch("r1", [[ad("a", 1)]]), "L1")
        with pytest.raises(CommitConflict), mapped_errors():
            mine.commit(stale, Change(summary={"tactics.load-id": "x"}))
        assert rows(lake, home, "pages", "request_id") == [("r1",)]
    mine.close()


@pytest.fixture
def small_disk(home: Home) -> Iterator[Home]:
    """Return a home whose lake lies on a disk of 1 MB; skipped where nobody may mount."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home.lake)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount; the file size limit test covers the rest")
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting is forbidden here; the file size limit test covers the rest")
    yield home
    subprocess.run(["umount", "-l", str(home.lake)], check=True)


def fill(home: Home) -> Path:
    """Write until the disk is full."""
    ballast = home.lake / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    return ballast


def test_a_full_disk_is_unavailable_then_heals(small_disk: Home):
    """The load fails whole, leaves the old rows readable, and succeeds once there is room."""
    with open_lake(small_disk) as lake:
        load(lake, Vendor(), "r0", 1)
        ballast = fill(small_disk)
        with pytest.raises(SinkUnavailable):
            load(lake, Vendor(), "r1", 2)
        assert [row[3] for row in spend(lake, small_disk)] == [1]
        ballast.unlink()
        load(lake, Vendor(), "r1", 2)
        assert [row[3] for row in spend(lake, small_disk)] == [1, 2]


@pytest.mark.parametrize("limit_bytes", [1_000, 3_000, 8_000, 40_000])
def test_files_that_cannot_grow_are_unavailable_then_heal(home: Home, limit_bytes: int):
    """The same with a limit on file sizes, which works for everybody, at several places."""
    assert run_child(home, limit_bytes=limit_bytes) == REFUSED
    with open_lake(home) as lake:
        replay(lake)
    with open_lake(Home(home.root / "other").create()) as lake:
        replay(lake)
    assert state(home) == state(Home(home.root / "other"))
