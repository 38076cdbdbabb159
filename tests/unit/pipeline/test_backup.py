"""What a backup of a whole home holds, and when none is made."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tactics.errors import SinkUnavailable, StoreCorrupt
from tactics.home import Home
from tactics.lake import list_contents
from tactics.pipeline import Workspace, back_up, query, relocate, restore_backup, verify
from tactics.pipeline.backup import _Held, _need_room
from tests.support import FakeClock
from tests.unit.pipeline.sheet import SETTINGS, make_home

BOOKED = "SELECT booking_id, booked_impressions FROM silver.bookings"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with a booking in every layer; a test that spoils it mends it again."""
    return make_home(Home(tmp_path_factory.mktemp("whole") / "home"))


def lake_file(home: Home, suffix: str) -> Path:
    """Return one of the files that the lake's catalog refers to."""
    found = [
        path
        for contents in list_contents(home.lake / "catalog.db", home.lake)
        for path in contents.files
    ]
    return next(path for path in found if path.name.endswith(suffix))


@contextmanager
def put_aside(path: Path) -> Iterator[Path]:
    """Let a file be away, or be another one, for a block."""
    aside = path.with_name("aside")
    path.rename(aside)
    try:
        yield path
    finally:
        aside.replace(path)


def nothing_is_left(home: Home, target: Path) -> bool:
    """Return whether a backup that failed has left neither a file nor what it held."""
    return not target.exists() and not (home.scratch / "backup").exists()


def test_every_layer_comes_home(whole: Home, tmp_path: Path, clock: FakeClock):
    """Restored at another path and verified, silver and gold answer as before."""
    made = back_up(whole, clock, tmp_path / "b.tar.zst")
    assert made.rows["lake"]["silver.bookings"] == made.rows["gold"]["booking_versions"] == 1
    other = Home(tmp_path / "other")
    restored = restore_backup(made.path, other)
    verify(other, restored.rows, clock)
    assert restored.rows == made.rows
    with Workspace.open(SETTINGS, other, clock) as workspace:
        assert query(workspace, BOOKED)[1] == [("BK-1", 1000)]


def test_a_home_that_was_moved_finds_its_lake_again(whole: Home, tmp_path: Path, clock: FakeClock):
    """Copied by hand it is made to work where it lies."""
    other = Home(tmp_path / "copy")
    shutil.copytree(whole.root, other.root)
    assert relocate(other).made_in == whole.lake / "warehouse"
    with Workspace.open(SETTINGS, other, clock) as workspace:
        assert query(workspace, BOOKED)[1] == [("BK-1", 1000)]


@pytest.mark.parametrize("suffix", [".parquet", ".metadata.json"])
def test_a_file_that_stays_away_is_told(whole: Home, tmp_path: Path, clock: FakeClock, suffix: str):
    """Looked for again and again, as it may just have been cleaned away; half is no backup."""
    target = tmp_path / "b.tar.zst"
    with (
        put_aside(lake_file(whole, suffix)),
        pytest.raises(StoreCorrupt, match="a file of this home is missing") as caught,
    ):
        back_up(whole, clock, target)
    assert "older backup" in caught.value.hint
    assert nothing_is_left(whole, target)


def test_a_file_that_cannot_be_read_is_told_at_once(whole: Home, tmp_path: Path, clock: FakeClock):
    """It is not away, so there is nothing to wait for."""
    target = tmp_path / "b.tar.zst"
    with put_aside(lake_file(whole, ".metadata.json")) as path:
        path.mkdir()
        with pytest.raises(SinkUnavailable):
            back_up(whole, clock, target)
        path.rmdir()
    assert nothing_is_left(whole, target)


def test_a_backup_that_will_not_fit_is_not_begun(tmp_path: Path):
    """What it needs and what is free are told before an hour of writing."""
    large = tmp_path / "large.parquet"
    large.touch()
    os.truncate(large, shutil.disk_usage(tmp_path).free + 2**40)  # a hole: it takes no room
    held = _Held(tmp_path, {"lake/large.parquet": large})
    with pytest.raises(SinkUnavailable, match="no room for the backup") as caught:
        _need_room(held, tmp_path / "b.tar.zst")
    assert caught.value.facts["needs"] > caught.value.facts["free"]
    os.truncate(large, 0)
    _need_room(held, tmp_path / "b.tar.zst")
