"""Streams that are read whole: a new snapshot replaces the account's rows."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tactics.home import Home
from tactics.lake import Lake, SilverResult
from tests.unit.lake.support import (
    FETCHED,
    Vendor,
    balanced,
    booking,
    day,
    open_lake,
    rows,
    sheet_load,
)

pytestmark = pytest.mark.usefixtures("either_size")


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake."""
    with open_lake(home) as opened:
        yield opened


@pytest.fixture
def vendor() -> Vendor:
    """Return a spreadsheet."""
    return Vendor(source="sheets", stream="bookings")


def fetch(lake: Lake, vendor: Vendor, name: str, *sheet: object, **facts: object) -> None:
    """Read a sheet on its 50th day of October, as a snapshot does, and append it."""
    lake.append_pages(vendor.fetch(name, [list(sheet)], first=50, last=50, **facts), name)


def sync(lake: Lake, vendor: Vendor, name: str, *sheet: object, **facts: object) -> SilverResult:
    """Read a sheet and load it."""
    fetch(lake, vendor, name, *sheet, **facts)
    result = lake.load_silver(sheet_load(vendor, f"S-{name}", name))
    assert balanced(result)
    return result


def held(lake: Lake, home: Home) -> list[tuple]:
    """Return account, line and impressions of the bookings."""
    return rows(lake, home, "bookings", "account_id, booking_id, booked_impressions")


def test_rows_of_any_day_belong_to_the_snapshot(lake: Lake, home: Home, vendor: Vendor):
    """A booking's day is its flight, not the day it was read; no window binds it."""
    result = sync(lake, vendor, "r1", booking("L1", 1), booking("L2", 400))
    assert (result.written, result.quarantined) == (2, 0)
    assert (result.start, result.end) == (day(1), day(400))
    assert held(lake, home) == [("act_1", "L1", 1000), ("act_1", "L2", 1000)]


def test_a_new_snapshot_replaces_the_old_one_whole(lake: Lake, home: Home, vendor: Vendor):
    """A line that was deleted from the sheet is gone, another changed, a third is new."""
    sync(lake, vendor, "r1", booking("L1", 1), booking("L2", 40))
    result = sync(lake, vendor, "r2", booking("L2", 40, 5), booking("L3", 80))
    assert held(lake, home) == [("act_1", "L2", 5), ("act_1", "L3", 1000)]
    assert (result.start, result.end) == (day(1), day(80))


def test_other_spreadsheets_stay(lake: Lake, home: Home, vendor: Vendor):
    """An account is one spreadsheet."""
    sync(lake, vendor, "r1", booking("L1", 1))
    sync(lake, vendor, "r2", booking("L1", 1, 5), account="act_2")
    sync(lake, vendor, "r3", booking("L9", 1), account="act_2")
    assert held(lake, home) == [("act_1", "L1", 1000), ("act_2", "L9", 1000)]


def test_an_older_snapshot_never_replaces_a_newer_one(lake: Lake, home: Home, vendor: Vendor):
    """A load that was retried for an hour comes after its successor."""
    fetch(lake, vendor, "old", booking("L1", 1, 1))
    sync(lake, vendor, "new", booking("L1", 1, 2))
    result = lake.load_silver(sheet_load(vendor, "late", "old"))
    assert (result.written, result.superseded, result.changed) == (0, 1, False)
    assert held(lake, home) == [("act_1", "L1", 2)]


def test_of_two_snapshots_in_one_load_the_newer_is_kept(lake: Lake, home: Home, vendor: Vendor):
    """Both lie in bronze; only one becomes rows."""
    fetch(lake, vendor, "old", booking("L1", 1, 1))
    fetch(lake, vendor, "new", booking("L1", 1, 2), fetched_at=FETCHED + dt.timedelta(hours=1))
    result = lake.load_silver(sheet_load(vendor, "S", "old", "new"))
    assert (result.received, result.written, result.superseded) == (2, 1, 1)
    assert held(lake, home) == [("act_1", "L1", 2)]


def test_an_unchanged_snapshot_changes_nothing(lake: Lake, vendor: Vendor):
    """Gold has nothing to do."""
    sync(lake, vendor, "r1", booking("L1", 1))
    assert not sync(lake, vendor, "r2", booking("L1", 1)).changed
