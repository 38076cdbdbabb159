"""The files of gold: `generation-NNNNNN.duckdb`, and `current`, which names the published one.

A published file never changes and never moves; a database is never renamed over another's path,
because a stale `.wal` beside it would make it unreadable and DuckDB caches by path. Opens no database.
"""

import errno
import os
import re
import shutil
from pathlib import Path

from tactics import crashpoint
from tactics.errors import SinkUnavailable, StoreCorrupt
from tactics.gold.engine import REBUILD, mapped

POINTER = "current"
_TEMPORARY = "current.tmp"
# What copy_file_range says at once when it is not for these two files.
_CANNOT_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_NAME = re.compile(r"generation-(\d{6,})\.duckdb")


class Generations:
    """The folder of generations. One process writes at a time; any number read."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = keep

    def current(self) -> Path | None:
        """Return the published file, or None before the first one.

        Raises:
            SinkUnavailable: the pointer cannot be read.
            StoreCorrupt: the pointer names no generation.
        """
        pointer = self._folder / POINTER
        try:
            with mapped(pointer):
                text = pointer.read_text(encoding="utf-8", errors="replace").strip()
        except SinkUnavailable as exc:
            if isinstance(exc.__cause__, FileNotFoundError):
                return None
            raise
        if not _NAME.fullmatch(text):
            raise StoreCorrupt(
                "the pointer names no generation",
                hint=REBUILD,
                file=pointer,
                found=text[:40],
            )
        return self._folder / text

    def held(self) -> list[Path]:
        """Return every generation in the folder, published or not, the newest first."""
        found = self._folder.glob("generation-*.duckdb")
        files = (path for path in found if _NAME.fullmatch(path.name))
        return sorted(files, key=number_of, reverse=True)

    def begin(self, base: Path | None) -> Path:
        """Return the path of a new generation, a copy of `base` if there is one.

        What a killed build left behind is removed first. A number that a reader may have seen is
        never used again.
        """
        with mapped(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            published = self._published()
            number = max([published or 0, *map(number_of, self.held())]) + 1
            self._sweep(published)
        path = self._folder / f"generation-{number:06d}.duckdb"
        if base is not None:
            self._copy(base, path)
        return path

    def publish(self, path: Path) -> None:
        """Make the file at `path` the current one, atomically and durably; prune old ones."""
        temporary = self._folder / _TEMPORARY
        with mapped(temporary):
            with temporary.open("w", encoding="utf-8") as file:
                file.write(path.name + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / POINTER)
            sync_path(self._folder)
        crashpoint.reach("gold.published")
        self.prune()

    def prune(self) -> None:
        """Remove all but the published file and the newest ones before it, `keep` in total.

        A reader that has an old file open keeps it: the name goes, the data stays until it closes.
        """
        current = self.current()
        if current is None:
            return
        published = [path for path in self.held() if number_of(path) <= number_of(current)]
        with mapped(self._folder):
            for path in published[self._keep :]:
                _remove(path)

    def discard(self, path: Path) -> None:
        """Remove a generation that was not published."""
        with mapped(path):
            _remove(path)

    def _copy(self, base: Path, path: Path) -> None:
        try:
            with mapped(path):
                copy_file(base, path)
        except SinkUnavailable:
            self.discard(path)  # give the space back
            raise

    def _sweep(self, published: int | None) -> None:
        for path in self.held():
            if published is not None and number_of(path) > published:
                _remove(path)
        (self._folder / _TEMPORARY).unlink(missing_ok=True)
        for log in self._folder.glob("*.wal"):
            log.unlink(missing_ok=True)

    def _published(self) -> int | None:
        """Return the published number, 0 before the first, None if any file may be it."""
        try:
            current = self.current()
        except StoreCorrupt:
            return None
        return 0 if current is None else number_of(current)


def number_of(path: Path) -> int:
    """Return the number of a generation's file."""
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1])


def copy_file(source: Path, target: Path) -> None:
    """Copy inside the kernel, sharing blocks where the file system can; else the ordinary way."""
    with source.open("rb") as reader, target.open("xb") as writer:
        target.chmod(0o600)
        if not _copy_in_kernel(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, 2**22)


def _copy_in_kernel(reader: int, writer: int) -> bool:
    """Return False, nothing copied, where the system or its file systems cannot do it.

    Raises:
        OSError: the disk is full, or fails.
    """
    copy = getattr(os, "copy_file_range", None)  # Linux only
    left = os.fstat(reader).st_size
    while copy is not None and left > 0:
        try:
            copied = copy(reader, writer, left)
        except OSError as exc:
            if exc.errno in _CANNOT_COPY:
                return False
            raise
        if copied == 0:  # shorter than it was: the open file tells, not we
            break
        left -= copied
    return copy is not None


def sync_path(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    Path(f"{path}.wal").unlink(missing_ok=True)
