"""A lake that was moved or copied is made to work where it lies."""

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table

from tactics.errors import ConfigError, SinkUnavailable, StoreCorrupt
from tactics.home import Home
from tactics.lake import TABLES, list_contents, relocate_lake
from tactics.lake.warehouse import summary_of
from tests.unit.lake.support import Vendor, ad, balanced, open_lake, rows

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


@pytest.fixture
def vendor(home: Home) -> Vendor:
    """Return a vendor whose ads fill the lake of `home` in several commits."""
    vendor = Vendor()
    with open_lake(home) as lake:
        for first in (1, 2, 3):
            pages = [[ad("a", day), ad("b", day, "bad")] for day in (first, first + 2)]
            fetched = vendor.fetch(f"r{first}", pages, first=first, last=first + 2)
            lake.append_pages(fetched, f"bronze-r{first}")
            lake.load_silver(vendor.load(f"silver-r{first}", f"r{first}"))
    return vendor


def move(home: Home) -> Home:
    """Copy a home to another place and take the lake of the original away."""
    copy = Home(home.root.with_name("copy"))
    shutil.copytree(home.root, copy.root)
    home.lake.rename(home.root / "hidden")
    return copy


def all_rows(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with open_lake(home) as lake:
        return {name: rows(lake, home, name) for name in TABLES}


def all_tables(home: Home) -> dict[str, Table]:
    """Return the tables that were ever written to."""
    with open_lake(home) as lake:
        found = {name: lake._warehouse.find(spec) for name, spec in TABLES.items()}
        return {name: table for name, table in found.items() if table is not None}


def snapshots(home: Home) -> list[tuple[Any, ...]]:
    """Return what the kept snapshots remember, and how they hang together."""
    return [
        (name, one.snapshot_id, one.parent_snapshot_id, one.sequence_number, summary_of(one))
        for name, table in all_tables(home).items()
        for one in table.metadata.snapshots
    ]


def entries(home: Home) -> list[str]:
    """Return all that the manifests say, except where files lie and how long manifests are."""
    return sorted(
        str((name, snapshot.snapshot_id, manifest[2:], entry[:4], *map(plain, entry.data_file[2:])))
        for name, table in all_tables(home).items()
        for snapshot in table.metadata.snapshots
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
    )


def plain(value: object) -> object:
    """Return pyiceberg's lazy dictionaries as what they hold."""
    return dict(value) if isinstance(value, Mapping) else value


def files_of(lake: Path) -> set[Path]:
    """Return the files that the catalog of a lake refers to."""
    return {
        path for contents in list_contents(lake / "catalog.db", lake) for path in contents.files
    }


@pytest.mark.usefixtures("vendor")
def test_a_moved_lake_holds_and_remembers_the_same(home: Home):
    """Rows, load ids, sequence numbers and bounds of every kept snapshot are the original's."""
    before = all_rows(home), snapshots(home), entries(home)
    copy = move(home)
    done = relocate_lake(copy.lake)
    assert (done.tables, done.made_in) == (3, home.lake / "warehouse")
    assert (all_rows(copy), snapshots(copy), entries(copy)) == before


@pytest.mark.usefixtures("vendor")
def test_nothing_is_left_that_leads_back(home: Home):
    """A relocated copy refers to its own files only, and keeps no metadata that does not."""
    copy = move(home)
    relocate_lake(copy.lake)
    metadata = {path for path in copy.lake.rglob("metadata/*") if path.is_file()}
    assert metadata < files_of(copy.lake)
    old = f"{home.root}/".encode()
    assert [path for path in metadata if old in path.read_bytes()] == []


@pytest.mark.usefixtures("vendor")
def test_the_inventory_counts_rows_and_names_every_file(home: Home):
    """The rows of the current snapshots, and no file that is not there."""
    contents = {one.table: one for one in list_contents(home.lake / "catalog.db", home.lake)}
    held = {name: len(found) for name, found in all_rows(home).items() if found}
    assert {name.partition(".")[2]: one.rows for name, one in contents.items()} == held
    assert all(path.is_file() for one in contents.values() for path in one.files)


def test_loads_go_on_after_the_move(home: Home, vendor: Vendor):
    """A replayed load is recognised by its id, a new one is written, and maintenance runs."""
    copy = move(home)
    relocate_lake(copy.lake)
    before = all_rows(copy)
    with open_lake(copy) as lake:
        assert lake.append_pages(vendor.fetches["r3"], "bronze-r3").written == 0
        lake.load_silver(vendor.load("silver-r3", "r3"))
    assert all_rows(copy) == before
    with open_lake(copy) as lake:
        fetched = vendor.fetch("r4", [[ad("c", 1)]], first=1, last=1)
        assert lake.append_pages(fetched, "bronze-r4").written == 1
        assert balanced(lake.load_silver(vendor.load("silver-r4", "r4")))
        lake.maintain(NOW)
        assert ("c",) in rows(lake, copy, "ad_performance", "campaign_id")


@pytest.mark.usefixtures("vendor")
def test_a_lake_at_home_is_left_alone(home: Home):
    """Relocating what never moved, or a second time, writes nothing."""
    before = sorted(home.lake.rglob("*"))
    assert relocate_lake(home.lake).tables == 0
    assert sorted(home.lake.rglob("*")) == before


@pytest.mark.usefixtures("vendor")
def test_a_copy_that_lacks_a_file_stays_as_it_was(home: Home):
    """The file is named, and the catalog moves for all tables or for none."""
    copy = move(home)
    needed = max(path for path in copy.lake.rglob("*.parquet") if "ad_performance" in str(path))
    needed.unlink()
    with pytest.raises(StoreCorrupt, match="lacks a file") as caught:
        relocate_lake(copy.lake)
    assert caught.value.facts["file"] == needed
    with pytest.raises(ConfigError, match="moved or copied") as refused:
        open_lake(copy)
    assert "tactics restore --in-place" in refused.value.hint


@pytest.mark.usefixtures("vendor")
def test_the_inventory_refuses_a_moved_lake_and_names_what_is_gone(home: Home):
    """A moved lake is told apart from one that lacks a file."""
    copy = move(home)
    with pytest.raises(ConfigError, match="moved or copied"):
        files_of(copy.lake)
    with pytest.raises(SinkUnavailable) as caught:
        list_contents(copy.lake / "catalog.db", home.lake)
    assert isinstance(caught.value.__cause__, FileNotFoundError)
