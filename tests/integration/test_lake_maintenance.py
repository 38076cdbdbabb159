"""The lake stays small: retention, merged pages, expired snapshots, swept files."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.home import Home
from tactics.lake import BronzeLoad, Lake
from tests.unit.lake.support import (
    FETCHED,
    Vendor,
    ad,
    booking,
    open_lake,
    rows,
    sheet_load,
    spend,
)


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake that keeps three snapshots."""
    with open_lake(home, keep_snapshots=3) as opened:
        yield opened


@pytest.fixture
def vendor() -> Vendor:
    """Return a vendor that has sent nothing yet."""
    return Vendor()


def in_hours(hours: float, home: Home) -> dt.datetime:
    """Return the time that many hours after the last write (file times are the machine's)."""
    newest = max(path.stat().st_mtime for path in home.lake.rglob("*"))
    return dt.datetime.fromtimestamp(newest, dt.UTC) + dt.timedelta(hours=hours)


def refetch(lake: Lake, vendor: Vendor, count: int) -> None:
    """Fetch and load the same day several times."""
    for number in range(count):
        name = f"r{number}"
        pages = vendor.fetch(name, [[ad("a", 1, f"{number}.00")]], first=1, last=1)
        lake.append_pages(pages, f"B{number}")
        lake.load_silver(vendor.load(f"S{number}", name))


def data_files(home: Home, table: str) -> set[Path]:
    """Return the Parquet files on the disk."""
    return set((home.lake / "warehouse" / table).rglob("*.parquet"))


def test_snapshots_beyond_those_kept_go_with_each_commit(lake: Lake, home: Home, vendor: Vendor):
    """Metadata stays of one size; the load ids of the last loads are still known."""
    refetch(lake, vendor, 8)
    assert lake.load_silver(vendor.load("S7", "r7")).written == 1
    metadata = sorted((home.lake / "warehouse/silver/ad_performance/metadata").glob("*.json"))
    assert len(metadata) <= 6
    assert metadata[-1].read_text().count('"snapshot-id"') < 12


def test_replaced_files_are_swept_once_nobody_can_refer_to_them(
    lake: Lake, home: Home, vendor: Vendor
):
    """Files of kept snapshots stay, and so do young files: a load may be about to commit them."""
    refetch(lake, vendor, 8)
    before = data_files(home, "silver/ad_performance")
    assert len(before) == 8
    assert lake.maintain(in_hours(0.5, home)).swept_files == 0
    report = lake.maintain(in_hours(2, home))
    assert report.swept_files > 5
    assert report.swept_bytes > 0
    assert len(data_files(home, "silver/ad_performance")) == 3
    assert spend(lake, home) == [("act_1", "a", "7.00", 1)]


def test_a_stray_file_is_swept(lake: Lake, home: Home, vendor: Vendor):
    """A load that died left it behind."""
    refetch(lake, vendor, 1)
    stray = home.lake / "warehouse/silver/ad_performance/data/acme/stray.parquet"
    stray.write_bytes(b"half a file")
    lake.maintain(in_hours(2, home))
    assert not stray.exists()
    assert len(rows(lake, home, "ad_performance")) == 1


def test_maintenance_of_an_unused_lake_does_nothing(lake: Lake):
    """No table exists yet."""
    assert lake.maintain(FETCHED).swept_files == 0


def test_pages_of_closed_days_are_merged(lake: Lake, home: Home, vendor: Vendor):
    """Many small files of one day become one; pages, order of the log and dedupe stay."""
    fetched = [vendor.fetch(f"r{number}", [[ad("a", 1)]]) for number in range(9)]
    for number, pages in enumerate(fetched):
        lake.append_pages(pages, f"B{number}")
    before = rows(lake, home, "pages")
    assert lake.maintain(FETCHED).compacted_files == 0
    assert lake.maintain(FETCHED + dt.timedelta(days=1)).compacted_files == 9
    assert len(lake.files("pages")) == 1
    assert rows(lake, home, "pages") == before
    assert lake.append_pages(fetched[3], "again") == BronzeLoad(duplicate=1)
    assert lake.load_silver(vendor.load("S", "r5")).written == 1


def test_old_pages_are_retired(lake: Lake, home: Home, vendor: Vendor):
    """Whole days go once they are older than `lake.bronze_days`."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "B1")
    newer = FETCHED + dt.timedelta(days=5)
    lake.append_pages(vendor.fetch("r2", [[ad("a", 1)]], fetched_at=newer), "B2")
    assert lake.maintain(FETCHED + dt.timedelta(days=90)).retired_files == 0
    assert lake.maintain(FETCHED + dt.timedelta(days=91)).retired_files == 1
    assert rows(lake, home, "pages", "request_id") == [("r2",)]


def test_pages_are_still_recognised_after_retention(lake: Lake, vendor: Vendor):
    """The position in the log is handed on from snapshot to snapshot."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "B1")
    newer = FETCHED + dt.timedelta(days=5)
    pages = vendor.fetch("r2", [[ad("a", 1)]], fetched_at=newer)
    lake.append_pages(pages, "B2")
    lake.maintain(FETCHED + dt.timedelta(days=91))
    assert lake.append_pages(pages, "B3") == BronzeLoad(duplicate=1)


def test_old_rows_are_retired_but_bookings_are_not(lake: Lake, home: Home, vendor: Vendor):
    """A booking is state: its day says when the flight starts, not how old the row is."""
    sheet = Vendor(source="sheets", stream="bookings", seq=50)
    refetch(lake, vendor, 1)
    lake.append_pages(sheet.fetch("s1", [[booking("L1", 1)]]), "B-s1")
    lake.load_silver(sheet_load(sheet, "S-s1", "s1"))
    assert lake.maintain(FETCHED + dt.timedelta(days=400)).retired_files == 3
    assert rows(lake, home, "ad_performance") == []
    assert rows(lake, home, "bookings", "booking_id") == [("L1",)]
