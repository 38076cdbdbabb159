"""Makes what a commit adds survive a power cut: file first, then the folder that names it.

pyiceberg itself never calls fsync. Knows nothing of tables.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO


def sync_file(path: Path) -> None:
    """Force a file that somebody else wrote, and its name, onto the disk."""
    _sync(path)
    _sync(path.parent)


def make_folder(path: Path) -> None:
    """Create `path` with its parents, each of them durable in its own parent."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _sync(path.parent)


@contextmanager
def removed_on_failure(paths: list[Path]) -> Iterator[None]:
    """Delete the files of `paths` if the block fails: on a full disk every byte counts.

    Only for the time before the catalog is asked to commit; afterwards nobody knows who refers to
    them, and they are left to the sweep.
    """
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _DurableStream:
    """A binary file that is on the disk once `close` has returned."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        _sync(self._path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _DurableFile(PyArrowFile):
    def create(self, overwrite: bool = False) -> _DurableStream:  # noqa: FBT001, FBT002  # pyiceberg's signature
        path = Path(self._path)
        if not overwrite and path.exists():
            raise FileExistsError(f"cannot create file, it exists: {path}")
        make_folder(path.parent)
        return _DurableStream(path)


class DurableFileIO(PyArrowFileIO):
    """Local files for pyiceberg; named in the catalog's property `py-io-impl`."""

    def new_output(self, location: str) -> PyArrowFile:
        """Return the file that `location` names, ready to be created."""
        plain = super().new_output(location)
        return _DurableFile(plain.location, plain._path, plain._filesystem)  # noqa: SLF001
