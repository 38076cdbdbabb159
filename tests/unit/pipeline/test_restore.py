"""A backup is brought into an empty home, or not at all; stores without a lake are enough here."""

import json
import shutil
from pathlib import Path

import pytest

from tactics import pipeline
from tactics.errors import (
    ConfigError,
    CountMismatch,
    NotFoundError,
    SchemaVersionError,
    StoreBusy,
    StoreCorrupt,
)
from tactics.home import Home, read_key
from tactics.model import StreamKey
from tactics.pipeline.archive import pack_files, unpack_files
from tactics.pipeline.lock import CommitLock
from tactics.pipeline.restore import STAGING, _move_in
from tactics.store import Store
from tests.support import FakeClock

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")


@pytest.fixture
def saved(home: Home, clock: FakeClock, tmp_path: Path) -> Path:
    """Return the backup of a home with one event, a key and a configuration."""
    with Store.open(home.database, clock) as store:
        store.bus.append("t", key=KEY, header={"n": 1}, body=b"x" * 900)
    read_key(home.pseudonym_key)
    config = tmp_path / "elsewhere.toml"
    config.write_text("# mine\n")
    return pipeline.back_up(home, clock, tmp_path / "b.tar.zst", config=config).path


@pytest.fixture
def other(tmp_path: Path) -> Home:
    """Return a home that does not exist yet."""
    return Home(tmp_path / "new" / "home")


def again(saved: Path, **facts: object) -> Path:
    """Return the same backup with other facts in its manifest."""
    folder = saved.parent / "again"
    manifest = unpack_files(saved, folder).manifest
    files = {name: folder / name for name in manifest.pop("files")}
    kept = {name: fact for name, fact in (manifest | facts).items() if fact is not None}
    return pack_files(saved.with_name("changed.tar.zst"), files, kept)


def test_all_parts_arrive_and_are_private(saved: Path, home: Home, other: Home, clock: FakeClock):
    """Database, key and configuration, as they were; the manifest tells where from."""
    restored = pipeline.restore_backup(saved, other)
    pipeline.verify(other, restored.rows, clock)
    assert (restored.made_in, restored.files) == (home.root, 3)
    assert restored.rows["store"]["events"] == 1
    assert other.pseudonym_key.read_bytes() == home.pseudonym_key.read_bytes()
    assert (other.root / "tactics.toml").read_text() == "# mine\n"
    with Store.open(other.database, clock) as store:
        assert store.bus.get(1).body == b"x" * 900
    assert {path.stat().st_mode & 0o077 for path in other.root.rglob("*")} == {0}
    assert sorted(path.name for path in other.root.iterdir() if path.is_dir()) == [
        "gold", "lake", "tmp"
    ]  # fmt: skip


def test_a_home_in_use_is_never_overwritten(saved: Path, home: Home, other: Home):
    """Neither one with a database nor one that holds anything else."""
    before = home.database.read_bytes()
    with pytest.raises(ConfigError, match=r"not empty: .*holds=") as caught:
        pipeline.restore_backup(saved, home)
    assert "--home" in caught.value.hint
    assert home.database.read_bytes() == before
    other.create()
    (other.gold / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="not empty"):
        pipeline.restore_backup(saved, other)


def test_empty_folders_and_locks_are_nothing(saved: Path, other: Home, clock: FakeClock):
    """What a command that only looked has made may stay."""
    other.create()
    other.lock.touch()
    pipeline.restore_backup(saved, other)
    assert Store.open(other.database, clock, readonly=True).close() is None


def test_a_damaged_backup_leaves_the_home_empty(saved: Path, other: Home):
    """The good one can be restored right after."""
    damaged = saved.with_name("damaged.tar.zst")
    damaged.write_bytes(saved.read_bytes()[:-300])
    with pytest.raises(StoreCorrupt):
        pipeline.restore_backup(damaged, other)
    assert [path.name for path in other.root.rglob("*")] == ["pipeline.lock"]
    pipeline.restore_backup(saved, other)


def test_a_restore_that_was_killed_begins_anew(saved: Path, other: Home, clock: FakeClock):
    """Parts that had been moved in are of no home yet: there was no database."""
    (other.root / STAGING).mkdir(parents=True)
    (other.root / STAGING / "tactics.db").write_text("half")
    (other.lake / "warehouse").mkdir(parents=True)
    (other.lake / "warehouse" / "half.parquet").write_text("half")
    (other.root / "tactics.toml").write_text("half")
    restored = pipeline.restore_backup(saved, other)
    pipeline.verify(other, restored.rows, clock)
    assert (other.root / "tactics.toml").read_text() == "# mine\n"
    assert not (other.root / STAGING).exists()
    assert list(other.lake.iterdir()) == []


def test_a_database_that_appears_meanwhile_is_kept(other: Home, clock: FakeClock):
    """A tactics that was started while its home was being restored has the older right."""
    Store.open(other.create().database, clock).close()
    before = other.database.read_bytes()
    staging = other.root / STAGING
    staging.mkdir()
    (staging / "tactics.db").write_text("restored")
    with pytest.raises(ConfigError, match="started in this home meanwhile"):
        _move_in(other, staging)
    assert other.database.read_bytes() == before


def test_a_restore_that_was_killed_at_its_very_end_is_done(saved: Path, other: Home):
    """Beside a database what is left of it is nothing: the home is one."""
    pipeline.restore_backup(saved, other)
    (other.root / STAGING).mkdir()
    with pytest.raises(ConfigError, match="not empty"):
        pipeline.restore_backup(saved, other)


def test_a_home_at_work_is_left_alone(saved: Path, other: Home):
    """Whoever holds the lock would write into what is being restored."""
    other.create()
    with CommitLock(other.lock) as lock:
        assert lock.try_acquire()
        with pytest.raises(StoreBusy, match="at work"):
            pipeline.restore_backup(saved, other)
        with pytest.raises(StoreBusy, match="at work"):
            pipeline.relocate(other)


@pytest.mark.parametrize("facts", [{"schema_version": 99}, {"format": 2}])
def test_a_backup_of_a_newer_tactics_is_refused(saved: Path, other: Home, facts):
    """The hint says which one can restore it."""
    with pytest.raises(SchemaVersionError, match="newer tactics") as caught:
        pipeline.restore_backup(again(saved, **facts), other)
    assert "install tactics 0.1.0" in caught.value.hint
    assert not other.database.exists()


def test_some_other_archive_is_no_backup(saved: Path, other: Home):
    """A manifest without the facts of a home, or an archive without a database."""
    with pytest.raises(StoreCorrupt, match="no backup of a home"):
        pipeline.restore_backup(again(saved, rows=None), other)
    plain = saved.with_name("plain.tar.zst")
    facts = {"format": 1, "tactics": "0", "schema_version": 1, "created_at": "", "home": "/"}
    pack_files(plain, {}, facts | {"rows": {}})
    with pytest.raises(StoreCorrupt, match="no backup of a home"):
        pipeline.restore_backup(plain, other)


def test_verifying_counts_every_table(saved: Path, other: Home, clock: FakeClock):
    """One row less is named, with its table."""
    restored = pipeline.restore_backup(saved, other)
    with Store.open(other.database, clock) as store:
        store.database.write("DELETE FROM events")
    with pytest.raises(CountMismatch, match="store events, saved=1, found=0"):
        pipeline.verify(other, restored.rows, clock)


def test_verifying_reads_the_whole_file(saved: Path, other: Home, clock: FakeClock):
    """A damaged page is found before anybody needs it."""
    restored = pipeline.restore_backup(saved, other)
    with other.database.open("r+b") as file:
        file.seek(16384 * 3)
        file.write(b"\xff" * 16384)
    with pytest.raises(StoreCorrupt):
        pipeline.verify(other, restored.rows, clock)


def test_a_folder_gets_a_file_named_by_the_date(home: Home, saved: Path, clock: FakeClock):
    """Which is what a nightly job wants; two of them do not meet."""
    folder = saved.parent / "nightly"
    folder.mkdir()
    made = pipeline.back_up(home, clock, folder)
    assert made.path == folder / "tactics-20261121T090000Z.tar.zst"
    with pytest.raises(ConfigError, match="such a file already"):
        pipeline.back_up(home, clock, folder)


def test_one_backup_at_a_time(home: Home, saved: Path, clock: FakeClock):
    """The second says so; what a killed one left is cleared by the next."""
    left = home.scratch / "backup" / "lake"
    left.mkdir(parents=True)
    with CommitLock(home.root / "backup.lock") as lock:
        assert lock.try_acquire()
        with pytest.raises(StoreBusy, match="another backup"):
            pipeline.back_up(home, clock, saved.parent / "second.tar.zst")
    pipeline.back_up(home, clock, saved.parent / "second.tar.zst")
    assert not left.exists()


def test_nothing_stored_is_nothing_to_save(tmp_path: Path, clock: FakeClock):
    """An empty home is told, and not made."""
    with pytest.raises(NotFoundError, match="nothing is stored"):
        pipeline.back_up(Home(tmp_path / "none"), clock, tmp_path / "b.tar.zst")
    assert not (tmp_path / "none").exists()


def test_a_backup_survives_its_home(saved: Path, home: Home, other: Home):
    """It is one file that needs nothing else."""
    shutil.rmtree(home.root)
    assert json.dumps(pipeline.restore_backup(saved, other).rows)
