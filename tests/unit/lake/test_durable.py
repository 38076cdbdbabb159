"""Files that survive a power cut."""

import os
from pathlib import Path

import pytest

from tactics.lake.durable import DurableFileIO, make_folder, removed_on_failure, sync_file


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the inodes that were forced to the disk."""
    seen: list[int] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return seen


def test_an_output_is_on_the_disk_when_it_is_closed(tmp_path: Path, synced: list[int]):
    """First the file, then the folder that names it, and the folder above if that is new."""
    target = tmp_path / "new" / "a.avro"
    with DurableFileIO().new_output(str(target)).create() as stream:
        assert stream.write(b"abc") == 3
        assert stream.tell() == 3
    assert stream.closed
    assert target.read_bytes() == b"abc"
    folder = target.parent
    assert synced == [p.stat().st_ino for p in (tmp_path, target, folder)]


def test_an_existing_file_is_not_overwritten_by_accident(tmp_path: Path):
    """Iceberg files are immutable."""
    target = tmp_path / "a.avro"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        DurableFileIO().new_output(str(target)).create()
    assert target.read_bytes() == b"old"


def test_a_stream_may_be_closed_twice(tmp_path: Path):
    """Avro writers do so."""
    stream = DurableFileIO().new_output(str(tmp_path / "a")).create()
    stream.close()
    stream.close()


def test_what_is_written_can_be_read_again(tmp_path: Path):
    """Reading is pyiceberg's own."""
    output = DurableFileIO().new_output(str(tmp_path / "a"))
    with output.create() as stream:
        stream.write(b"abc")
    with output.to_input_file().open() as stream:
        assert stream.read() == b"abc"


def test_a_file_of_somebody_else_is_forced_out_with_its_folder(tmp_path: Path, synced: list[int]):
    """DuckDB and Arrow write without fsync."""
    target = tmp_path / "a.parquet"
    target.write_bytes(b"abc")
    sync_file(target)
    assert synced == [target.stat().st_ino, tmp_path.stat().st_ino]


def test_folders_are_private(tmp_path: Path):
    """Raw pages are nobody else's business."""
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_failure_leaves_no_file_behind(tmp_path: Path):
    """On a full disk every byte counts."""
    kept, gone, never = tmp_path / "kept", tmp_path / "gone", tmp_path / "never"
    kept.touch()
    gone.touch()
    with pytest.raises(ZeroDivisionError), removed_on_failure([gone, never]):
        _ = 1 / 0
    assert kept.exists()
    assert not gone.exists()
