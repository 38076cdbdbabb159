"""Commits to a table of many manifests: what goes is found, and nothing else is looked at."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyiceberg.exceptions import ValidationException
from pyiceberg.manifest import ManifestFile
from pyiceberg.table.update import snapshot

from tactics.home import Home
from tactics.lake.scan import HeldFile, held_files
from tactics.lake.schemas import PAGES
from tactics.lake.warehouse import Change, Warehouse
from tests.unit.lake.support import Vendor, ad, open_lake


@pytest.fixture
def warehouse(home: Home) -> Iterator[Warehouse]:
    """Return a warehouse with four files of a day, each listed in a manifest of its own."""
    vendor = Vendor()
    with open_lake(home) as lake:
        for name in ("r1", "r2", "r3", "r4"):
            lake.append_pages(vendor.fetch(name, [[ad("a", 1)]]), name)
    warehouse = Warehouse(home.lake, keep_snapshots=3, busy_seconds=0.1)
    yield warehouse
    warehouse.close()


def held(warehouse: Warehouse) -> list[HeldFile]:
    """Return the files of the table as it is now."""
    return held_files(warehouse.find(PAGES))


def refuse(*_: Any, **__: Any) -> None:
    """Be what nobody should call."""
    pytest.fail("this is not to be asked")


def test_a_commit_asks_no_judge_that_threads_share(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pyiceberg's remembers the manifest it looks at, and took one for another now and then."""
    monkeypatch.setattr(snapshot, "manifest_evaluator", refuse)
    first, *others = held(warehouse)
    assert len(others) == 3
    warehouse.commit(warehouse.table(PAGES), Change(removed=[first.data_file]))
    assert held(warehouse) == others


def test_a_commit_reads_no_manifest_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they list is known from the scan that found the files."""
    first, *others = held(warehouse)
    table = warehouse.table(PAGES)
    with monkeypatch.context() as patch:
        patch.setattr(ManifestFile, "fetch_manifest_entry", refuse)
        warehouse.commit(table, Change(removed=[first.data_file]))
    assert held(warehouse) == others


def test_what_is_gone_already_cannot_be_removed(warehouse: Warehouse) -> None:
    """Two loads that replace one file would leave the rows of both."""
    first, *others = held(warehouse)
    warehouse.commit(warehouse.table(PAGES), Change(removed=[first.data_file]))
    with pytest.raises(ValidationException, match="Missing required files"):
        warehouse.commit(warehouse.table(PAGES), Change(removed=[first.data_file]))
    assert held(warehouse) == others
