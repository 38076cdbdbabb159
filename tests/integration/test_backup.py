"""A home that was backed up and restored elsewhere is the home it was."""

import shutil
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tactics.errors import ConfigError, StoreCorrupt
from tactics.home import Home
from tactics.model import RunStatus
from tactics.pipeline import back_up, relocate, restore_backup, verify
from tests.lab import Lab, Synced, open_lab, result_of

BACKUPS = 25  # at most, while one sync runs


OPTIONS: dict[str, Any] = {"days": 12, "orgs": ("acme",)}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation and 12 days of history."""
    with open_lab(tmp_path, **OPTIONS) as lab:
        yield lab


@pytest.fixture(scope="module")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """Sync such a lab once for all tests that begin there."""
    return Synced(tmp_path_factory.mktemp("synced"), **OPTIONS)


@pytest.fixture(scope="module")
def once(first_sync: Synced) -> dict[str, list[str]]:
    """Return every row after the first sync of such a lab."""
    with first_sync.again() as lab:
        return lab.layers()


@pytest.fixture(scope="module")
def changed(first_sync: Synced) -> dict[str, list[str]]:
    """Return every row after it has changed, too."""
    with first_sync.again() as lab:
        change(lab)
        return sync_to_the_end(lab)


def save(lab: Lab, name: str = "home") -> Path:
    """Back the lab's home up."""
    target = lab.home.root.with_name(f"{name}.tar.zst")
    return back_up(lab.home, lab.clock, target, config=lab.config).path


def bring_in(lab: Lab, saved: Path, name: str = "far/away") -> Lab:
    """Return the lab at work in another home, restored and verified."""
    home = Home(lab.home.root.parent / name)
    restored = restore_backup(saved, home)
    verify(home, restored.rows, lab.clock)
    return Lab(lab.world, lab.sandbox, home, lab.clock)


def change(lab: Lab) -> None:
    """Let the vendors restate some days and somebody edit the sheet."""
    lab.world.restate(5)
    lab.world.edit_booking()


def sync_to_the_end(lab: Lab) -> dict[str, list[str]]:
    """Sync, twice to the same end, and return every row."""
    assert lab.sync().status is RunStatus.SUCCEEDED
    rows = lab.layers()
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.layers() == rows
    return rows


def test_a_restored_home_answers_and_goes_on(synced: Lab):
    """At another path, its original gone: the same rows, the same report, and the next sync."""
    before, report = (
        synced.layers(),
        result_of(synced.command("report", "pacing", "--json"))["rows"],
    )
    saved = save(synced)
    shutil.rmtree(synced.home.root)
    other = bring_in(synced, saved)
    assert other.layers() == before
    assert result_of(other.command("report", "pacing", "--json"))["rows"] == report
    change(synced)
    assert sync_to_the_end(other) != before


def test_backups_during_a_sync_are_each_of_one_instant(lab: Lab):
    """Whatever a sync is at just then: each copy is sound, and its next sync ends the same."""
    process = lab.start("sync")
    saved: list[Path] = []
    while process.poll() is None and len(saved) < BACKUPS:
        if lab.home.database.exists():
            saved.append(save(lab, f"copy-{len(saved)}"))
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    wanted = sync_to_the_end(lab)
    assert len(saved) >= 2
    for number in sorted({0, len(saved) // 2, len(saved) - 1}):
        other = bring_in(lab, saved[number], f"restored-{number}")
        assert other.sync().status is RunStatus.SUCCEEDED
        assert other.layers() == wanted


@pytest.mark.crash
@pytest.mark.parametrize("point", ["bronze.committed", "silver.committed", "gold.published"])
def test_a_killed_home_is_saved_as_it_was_left(lab: Lab, once: dict[str, list[str]], point: str):
    """Saved between a commit and its acknowledgement: nothing is lost, nothing is there twice."""
    assert lab.command("sync", TACTICS_CRASH_AT=point).returncode == -signal.SIGKILL
    assert sync_to_the_end(bring_in(lab, save(lab))) == once


@pytest.mark.crash
@pytest.mark.parametrize("point", ["bronze.files_written", "silver.committed", "gold.built"])
def test_a_restored_home_survives_kill_9(synced: Lab, changed: dict[str, list[str]], point: str):
    """It is as durable as any: killed in its first sync, the next one brings everything home."""
    other = bring_in(synced, save(synced))
    change(synced)
    assert other.command("sync", TACTICS_CRASH_AT=point).returncode == -signal.SIGKILL
    assert sync_to_the_end(other) == changed


def test_a_moved_home_is_mended_where_it_lies(synced: Lab):
    """It says which command helps, and that command makes it work."""
    before = synced.layers()
    moved = Lab(
        synced.world, synced.sandbox, Home(synced.home.root.with_name("moved")), synced.clock
    )
    synced.home.root.rename(moved.home.root)
    told = moved.command("sync")
    assert told.returncode != 0
    assert "`tactics restore --in-place`" in told.stderr
    assert moved.command("restore", "--in-place").returncode == 0
    assert moved.layers() == before
    assert "nothing to do" in moved.command("restore", "--in-place").stderr
    change(synced)
    assert moved.sync().status is RunStatus.SUCCEEDED


def test_a_copy_that_was_mended_leaves_its_original_alone(synced: Lab):
    """Both work on, each on its own files."""
    before = synced.layers()
    copy = Lab(synced.world, synced.sandbox, Home(synced.home.root.with_name("copy")), synced.clock)
    shutil.copytree(synced.home.root, copy.home.root)
    relocate(copy.home)
    change(synced)
    assert copy.sync().status is RunStatus.SUCCEEDED
    assert synced.layers() == before


def test_what_is_in_a_backup_and_what_is_not(synced: Lab, tmp_path: Path):
    """The parts that a home needs, each file once, for this user only; no secret among them."""
    (synced.home.root / "token").write_text("of the daemon")
    (synced.home.lake / "warehouse" / "orphan.parquet").write_bytes(b"nobody refers to it")
    saved = save(synced)
    assert saved.stat().st_mode & 0o777 == 0o600
    plain = zstandard.ZstdDecompressor().stream_reader(saved.read_bytes()).read()
    for secret in synced.world.environment(synced.sandbox.url).values():
        assert secret.encode() not in plain
    (tmp_path / "plain.tar").write_bytes(plain)
    with tarfile.open(tmp_path / "plain.tar") as archive:
        names = archive.getnames()
    assert len(names) == len(set(names))
    kinds = {name.split("/")[0] for name in names}
    assert kinds == {
        "tactics.db", "lake", "gold", "pseudonym.key", "tactics.toml", "manifest.json"
    }  # fmt: skip
    assert names[-1] == "manifest.json"
    assert not [name for name in names if "orphan" in name or "-wal" in name]
    assert list(synced.home.scratch.iterdir()) == []


def test_a_home_that_lacks_a_file_is_not_saved_as_if_it_were_whole(synced: Lab):
    """The next restore must not be the moment to find out."""
    max((synced.home.lake / "warehouse").rglob("*.parquet")).unlink()
    with pytest.raises(StoreCorrupt, match="a file of this home is missing"):
        save(synced)
    assert list(synced.home.root.parent.glob("*.tar.zst*")) == []


def test_a_moved_home_is_not_saved_before_it_is_mended(synced: Lab):
    """Its metadata names the files of another folder."""
    moved = Lab(
        synced.world, synced.sandbox, Home(synced.home.root.with_name("moved")), synced.clock
    )
    synced.home.root.rename(moved.home.root)
    with pytest.raises(ConfigError, match="moved or copied"):
        save(moved)
