"""The files: numbers, the pointer, copies, pruning and what a killed build leaves."""

import errno
import os
from pathlib import Path

import pytest

from tactics.errors import SinkUnavailable, StoreCorrupt
from tactics.gold.generations import Generations, copy_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the generations."""
    return tmp_path / "gold"


def publish(generations: Generations, text: str = "data") -> Path:
    """Publish a file that is no database."""
    path = generations.begin(None)
    path.write_text(text, encoding="utf-8")
    generations.publish(path)
    return path


def test_nothing_is_published_at_first(folder: Path) -> None:
    """Before the first build there is no current generation."""
    assert Generations(folder, keep=2).current() is None


def test_published_is_current(folder: Path) -> None:
    """The pointer names the file that was published last."""
    generations = Generations(folder, keep=2)
    publish(generations)
    path = publish(generations)
    assert generations.current() == path
    assert path.name == "generation-000002.duckdb"


def test_the_newest_are_kept(folder: Path) -> None:
    """Of four published generations the last two stay, without their logs."""
    generations = Generations(folder, keep=2)
    for _ in range(4):
        path = publish(generations)
        Path(f"{path}.wal").touch()
    generations.prune()
    names = sorted(item.name for item in folder.iterdir() if item.suffix == ".duckdb")
    assert names == ["generation-000003.duckdb", "generation-000004.duckdb"]


def test_leftovers_of_a_killed_build_are_removed(folder: Path) -> None:
    """What was begun and never published goes, with its log and a half-written pointer."""
    generations = Generations(folder, keep=2)
    publish(generations)
    left = generations.begin(None)
    left.touch()
    Path(f"{left}.wal").touch()
    (folder / "current.tmp").touch()
    path = generations.begin(None)
    assert path.name == "generation-000003.duckdb"  # never the name of another file
    assert sorted(item.name for item in folder.iterdir()) == ["current", "generation-000001.duckdb"]


def test_leftovers_of_a_killed_first_build_are_removed(folder: Path) -> None:
    """Before anything was published every file is a leftover."""
    generations = Generations(folder, keep=2)
    generations.begin(None).touch()
    generations.begin(None)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["", "generation-1.duckdb", "../../etc/passwd", "\x00\xff"])
def test_corrupt_pointer(folder: Path, text: str) -> None:
    """A pointer that names no generation is an error that says what to do."""
    generations = Generations(folder, keep=2)
    path = publish(generations)
    (folder / "current").write_text(text, encoding="utf-8")
    with pytest.raises(StoreCorrupt) as caught:
        generations.current()
    assert "tactics sync" in caught.value.hint
    generations.begin(None)
    assert path.exists()  # nobody knows which file is the good one: none is removed


def test_copy_is_complete_and_private(tmp_path: Path) -> None:
    """A copy has the same bytes and can be read by its owner only."""
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(100_000))
    copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EOPNOTSUPP, None])
def test_copy_where_the_kernel_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int | None
) -> None:
    """On macOS, and over file systems that cannot share, the ordinary copy does it."""

    def refuse(*_: object) -> int:
        raise OSError(error, "cannot")

    if error is None:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"x" * 10_000)
    copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_full_disk_while_copying(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No space for the copy: the sink is unavailable, the published file untouched."""

    def fill(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    generations = Generations(folder, keep=2)
    path = publish(generations)
    monkeypatch.setattr(os, "copy_file_range", fill, raising=False)
    with pytest.raises(SinkUnavailable):
        generations.begin(path)
    assert generations.current() == path


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A path that is unusable makes the sink unavailable: the load waits in the retry queue."""
    (tmp_path / "file").touch()
    with pytest.raises(SinkUnavailable):
        Generations(tmp_path / "file" / "gold", keep=2).begin(None)
