"""Raw pages in `bronze.pages`: each once, whatever is repeated."""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import ManifestFile

from tactics.home import Home
from tactics.lake import BronzeLoad, Lake
from tests.unit.lake.support import FETCHED, Vendor, ad, open_lake, rows


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake."""
    with open_lake(home) as opened:
        yield opened


@pytest.fixture
def vendor() -> Vendor:
    """Return a vendor that has sent nothing yet."""
    return Vendor()


def test_a_page_is_held_as_it_came(lake: Lake, home: Home, vendor: Vendor):
    """Payload, checksum, size, request and times are those of the page."""
    [page] = vendor.fetch("r1", [[ad("a", 1)]])
    assert lake.append_pages([page], "L1") == BronzeLoad(written=1)
    columns = "log_seq, request_id, page, payload, payload_sha256, payload_bytes, date, window_end"
    assert rows(lake, home, "pages", columns) == [
        (
            1,
            "r1",
            0,
            page.payload.decode(),
            hashlib.sha256(page.payload).hexdigest(),
            len(page.payload),
            FETCHED.date(),
            dt.date(2026, 10, 3),
        )
    ]


def test_a_manifest_is_read_once(
    lake: Lake, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a commit only its own manifest is read; every file of the table is found."""
    read = []
    fetch = ManifestFile.fetch_manifest_entry

    def fetch_and_note(manifest: ManifestFile, *args: Any, **options: Any) -> Any:
        read.append(manifest.manifest_path)
        return fetch(manifest, *args, **options)

    monkeypatch.setattr(ManifestFile, "fetch_manifest_entry", fetch_and_note)
    for number in range(1, 5):
        lake.append_pages(vendor.fetch(f"r{number}", [[ad("a", number)]]), f"L{number}")
        assert len(lake.files("bronze.pages")) == number
    assert len(read) == len(set(read)) == 4


def test_the_same_load_again_writes_nothing(lake: Lake, home: Home, vendor: Vendor):
    """A crash after the commit replays the load under its id."""
    pages = vendor.fetch("r1", [[ad("a", 1)], [ad("a", 2)]])
    lake.append_pages(pages, "L1")
    assert lake.append_pages(pages, "L1") == BronzeLoad(duplicate=2)
    assert len(rows(lake, home, "pages", "page")) == 2


def test_the_same_pages_under_another_id_write_nothing(lake: Lake, home: Home, vendor: Vendor):
    """The pages themselves are recognised, also when only some of them are new."""
    pages = vendor.fetch("r1", [[ad("a", 1)], [ad("a", 2)]])
    lake.append_pages(pages[:1], "L1")
    assert lake.append_pages(pages, "L2") == BronzeLoad(written=1, duplicate=1)
    assert rows(lake, home, "pages", "page") == [(0,), (1,)]


def test_a_page_twice_in_a_batch_is_written_once(lake: Lake, home: Home, vendor: Vendor):
    """A batch may repeat itself."""
    pages = vendor.fetch("r1", [[ad("a", 1)]])
    assert lake.append_pages(pages * 2, "L1") == BronzeLoad(written=1, duplicate=1)


def test_an_old_batch_that_was_retried_is_still_written(lake: Lake, home: Home, vendor: Vendor):
    """The retry queue delivers pages behind the position that the table has reached."""
    old = vendor.fetch("r1", [[ad("a", 1)]])
    new = vendor.fetch("r2", [[ad("a", 2)]])
    lake.append_pages(new, "L2")
    assert lake.append_pages(old, "L1") == BronzeLoad(written=1)
    assert lake.append_pages(new, "L3") == BronzeLoad(duplicate=1)
    assert rows(lake, home, "pages", "log_seq") == [(1,), (2,)]


def test_a_page_that_is_not_utf8_spoils_no_neighbour(lake: Lake, home: Home, vendor: Vendor):
    """Its bytes are replaced where they are no text; the checksum is that of the original."""
    bad = b'["\xff"]'
    pages = vendor.fetch("r1", [bad, [ad("a", 1)]])
    assert lake.append_pages(pages, "L1") == BronzeLoad(written=2)
    held = dict(rows(lake, home, "pages", "page, payload"))
    assert held == {0: '["\ufffd"]', 1: json.dumps([ad("a", 1)])}
    sums = dict(rows(lake, home, "pages", "page, payload_sha256"))
    assert sums[0] == hashlib.sha256(bad).hexdigest()


def test_an_empty_batch_is_no_commit(lake: Lake):
    """Nothing to do."""
    assert lake.append_pages([], "L1") == BronzeLoad()
    assert lake.files("pages") == []


def test_a_batch_over_midnight_goes_to_two_partitions(lake: Lake, vendor: Vendor):
    """A page lies in the partition of its own UTC day, in one commit all the same."""
    late = FETCHED.replace(hour=23, minute=59)
    pages = vendor.fetch("r1", [[ad("a", 1)]], fetched_at=late)
    pages += vendor.fetch("r2", [[ad("a", 1)]], fetched_at=late + dt.timedelta(minutes=2))
    lake.append_pages(pages, "L1")
    assert len(lake.files("pages")) == 2
    assert len(lake.files("pages", start=FETCHED.date() + dt.timedelta(days=1))) == 1


def test_row_groups_are_small_and_pages_of_a_request_lie_together(lake: Lake, vendor: Vendor):
    """Silver reads a request without unpacking its neighbours, in little memory."""
    interleaved = []
    for number in range(20):
        interleaved += vendor.fetch(
            f"r{number % 2}-{number}", [[ad("a", 1)]], account=f"a{number % 2}"
        )
    lake.append_pages(interleaved, "L1")
    [path] = lake.files("pages")
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [16, 4]
    accounts = pq.read_table(path, columns=["account_id"], partitioning=None)["account_id"]
    assert accounts.to_pylist() == ["a0"] * 10 + ["a1"] * 10


def test_filtered_scans_find_the_pages(lake: Lake, vendor: Vendor):
    """Files that are registered without bounds would vanish from filtered scans."""
    vendor_two = Vendor(org_id="other", seq=10)
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    lake.append_pages(vendor_two.fetch("r2", [[ad("a", 1)]]), "L2")
    assert len(lake.files("pages", org_id="acme", start=FETCHED.date(), end=FETCHED.date())) == 1
    assert lake.files("pages", org_id="nobody") == []
    assert lake.files("pages", end=FETCHED.date() - dt.timedelta(days=1)) == []


def test_all_that_a_commit_adds_is_forced_to_the_disk(
    lake: Lake, home: Home, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
):
    """Data, manifests, metadata and the folders that name them; pyiceberg syncs nothing."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    before = set(home.lake.rglob("*"))
    synced: set[int] = set()
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    later = vendor.fetch("r2", [[ad("a", 1)]], fetched_at=FETCHED + dt.timedelta(days=1))
    lake.append_pages(later, "L2")
    added = [path for path in home.lake.rglob("*") if path not in before]
    added = [path for path in added if path.parent != home.lake]  # SQLite syncs its own files
    assert len(added) >= 4
    assert {path.stat().st_ino for path in added} <= synced
    assert {path.parent.stat().st_ino for path in added} <= synced
