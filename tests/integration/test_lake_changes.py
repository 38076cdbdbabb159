"""Streams of changes: a record replaces the one of the same entity, whatever its date."""

from collections.abc import Iterator

import pytest

from tactics.home import Home
from tactics.lake import Lake, SilverResult
from tactics.lake.changes import load_changes
from tests.unit.lake.support import (
    Vendor,
    balanced,
    booking,
    change_load,
    day,
    open_lake,
    rows,
)

pytestmark = pytest.mark.usefixtures("either_size")


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake."""
    with open_lake(home) as opened:
        yield opened


@pytest.fixture
def vendor() -> Vendor:
    """Return a shop whose orders change after the day they were made on."""
    return Vendor(source="shop", stream="orders")


def fetch(lake: Lake, vendor: Vendor, name: str, *orders: object, **facts: object) -> None:
    """Append what changed on the 50th day of October."""
    lake.append_pages(
        vendor.fetch(name, [list(orders)], **{"first": 50, "last": 50, **facts}), name
    )


def sync(lake: Lake, vendor: Vendor, name: str, *orders: object, **facts: object) -> SilverResult:
    """Fetch what changed and load it."""
    fetch(lake, vendor, name, *orders, **facts)
    result = lake.load_silver(change_load(vendor, f"S-{name}", name))
    assert balanced(result)
    return result


def held(lake: Lake, home: Home) -> list[tuple]:
    """Return account, order and amount of every order."""
    return rows(lake, home, "bookings", "account_id, booking_id, booked_impressions")


def test_a_change_replaces_its_entity_and_nothing_else(lake: Lake, home: Home, vendor: Vendor):
    """An old order is edited: its row moves on, its neighbours and newer orders stay."""
    sync(lake, vendor, "r1", booking("A", 1), booking("B", 1), booking("C", 40))
    result = sync(lake, vendor, "r2", booking("A", 1, 7), booking("D", 50))
    assert held(lake, home) == [
        ("act_1", "A", 7),
        ("act_1", "B", 1000),
        ("act_1", "C", 1000),
        ("act_1", "D", 1000),
    ]
    assert (result.written, result.start, result.end) == (2, day(1), day(50))


def test_an_entity_whose_date_moves_stands_once(lake: Lake, home: Home, vendor: Vendor):
    """The old day loses the row, the new one gets it, and gold hears of both."""
    sync(lake, vendor, "r1", booking("A", 1), booking("B", 2))
    result = sync(lake, vendor, "r2", booking("A", 70))
    assert rows(lake, home, "bookings", "booking_id, date") == [("A", day(70)), ("B", day(2))]
    assert (result.start, result.end) == (day(1), day(70))


def test_the_same_again_changes_nothing(lake: Lake, home: Home, vendor: Vendor):
    """A look-back reads what is known: nothing differs, so nothing is built."""
    sync(lake, vendor, "r1", booking("A", 1), booking("B", 2))
    result = sync(lake, vendor, "r2", booking("A", 1))
    assert (result.written, result.changed) == (1, False)
    assert len(held(lake, home)) == 2


def test_a_late_load_never_replaces_a_newer_record(lake: Lake, home: Home, vendor: Vendor):
    """A load that was retried for an hour comes after its successor."""
    fetch(lake, vendor, "old", booking("A", 1, 1), booking("B", 1, 1))
    sync(lake, vendor, "new", booking("A", 1, 2))
    result = lake.load_silver(change_load(vendor, "late", "old"))
    assert (result.received, result.written, result.superseded) == (2, 1, 1)
    assert held(lake, home) == [("act_1", "A", 2), ("act_1", "B", 1)]


def test_within_one_load_the_newest_fetch_wins(lake: Lake, home: Home, vendor: Vendor):
    """The same order in two windows counts once, and the receipt says where the other went."""
    fetch(lake, vendor, "old", booking("A", 1, 1))
    fetch(lake, vendor, "new", booking("A", 1, 2))
    result = lake.load_silver(change_load(vendor, "S", "old", "new"))
    assert (result.received, result.written, result.superseded) == (2, 1, 1)
    assert held(lake, home) == [("act_1", "A", 2)]


def test_a_load_that_is_too_big_is_cut(lake: Lake, home: Home, vendor: Vendor):
    """Each block is a commit of its own; the later one still wins, and a replay adds nothing."""
    fetch(lake, vendor, "r1", booking("A", 1, 1), booking("B", 2, 1))
    fetch(lake, vendor, "r2", booking("A", 1, 2), booking("C", 40, 2))
    load = change_load(vendor, "S", "r1", "r2")
    for _ in range(2):
        result = load_changes(lake._warehouse, lake._engine, load, block_bytes=1)
        assert balanced(result)
        assert (result.received, result.written) == (4, 4)
        assert held(lake, home) == [("act_1", "A", 2), ("act_1", "B", 1), ("act_1", "C", 2)]


def test_accounts_and_other_streams_are_left_alone(lake: Lake, home: Home, vendor: Vendor):
    """The same id of another shop, or of a sheet in the same table, is another entity."""
    sync(lake, vendor, "r1", booking("A", 1, 1))
    sync(lake, vendor, "r2", booking("A", 1, 2), account="act_2")
    vendor.stream = "drafts"
    sync(lake, vendor, "r3", booking("A", 1, 3))
    assert held(lake, home) == [("act_1", "A", 1), ("act_1", "A", 3), ("act_2", "A", 2)]


def test_refused_records_go_to_quarantine(lake: Lake, home: Home, vendor: Vendor):
    """A record without a date is kept aside; the others of its page go on."""
    result = sync(
        lake, vendor, "r1", booking("A", 1), {"id": "X", "start": "soon", "impressions": "1"}
    )
    assert (result.received, result.written, result.quarantined) == (2, 1, 1)
    assert rows(lake, home, "quarantine", "rule") == [("date_missing",)]
    nothing = sync(lake, vendor, "r2", {"id": "Y", "start": "later", "impressions": "1"})
    assert (nothing.written, nothing.quarantined, nothing.changed) == (0, 1, False)
    assert held(lake, home) == [("act_1", "A", 1000)]


def test_files_do_not_pile_up(lake: Lake, vendor: Vendor):
    """Small files of a month that is written anyway are merged on the way."""
    for number in range(1, 6):
        sync(lake, vendor, f"r{number}", booking(f"O{number}", number))
    assert len(lake.files("bookings")) == 1
