"""One file that holds others: tar, compressed with zstd, with the SHA-256 of each of them.

Written in one pass under another name, and named only once it is on the disk. Knows nothing of what
the files mean.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import zstandard

from tactics.errors import ConfigError, SinkUnavailable, StoreCorrupt

MANIFEST = "manifest.json"  # the last member: the sums of the others are known only then
LEVEL = 3  # most of it is compressed already
BLOCK_BYTES = 2**20
_PRIVATE = 0o600
_NO_MANIFEST = (ValueError, KeyError, TypeError, AttributeError)  # JSON, but not of ours


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of an archive: its manifest, the number of files and their bytes."""

    manifest: dict[str, Any]
    files: int
    size_bytes: int


class _Summed(io.RawIOBase):
    """A stream that sums up what passes through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        self.size_bytes += len(data)
        return data

    @property
    def facts(self) -> dict[str, object]:
        return {"bytes": self.size_bytes, "sha256": self.digest.hexdigest()}


def pack_files(target: Path, files: Mapping[str, Path], facts: Mapping[str, object]) -> Path:
    """Write `files` (by the names they get) and `facts` to the new archive `target`.

    Raises:
        ConfigError: there is such a file already; it is never overwritten.
        SinkUnavailable: the disk is full or cannot be written, or a file cannot be read.
    """
    partial = target.with_name(f".{target.name}.partial")
    with _mapped(target):
        refuse_existing(target)
        try:
            with open(partial, "wb", opener=_private) as out:
                _write(out, files, facts)
                out.flush()
                os.fsync(out.fileno())
            refuse_existing(target)
            partial.replace(target)
            _sync(target.parent)
        finally:
            partial.unlink(missing_ok=True)
    return target


def unpack_files(source: Path, folder: Path) -> Unpacked:
    """Write what an archive holds below `folder`, which is empty, and return its manifest.

    Raises:
        StoreCorrupt: it is damaged, cut off, or not what its manifest says.
        SinkUnavailable: the disk is full, or a file cannot be read or written.
    """
    found: dict[str, dict[str, object]] = {}
    manifest: dict[str, Any] | None = None
    with _mapped(source), _damage(source), _reading(source) as archive:
        for member in archive:
            stream = archive.extractfile(member) if _is_plain(member) else None
            if stream is None or manifest is not None:
                raise StoreCorrupt("the backup holds what no backup holds", member=member.name)
            if member.name == MANIFEST:
                manifest = json.loads(stream.read())
            else:
                found[member.name] = _extract(stream, folder / member.name)
    if manifest is None:
        raise StoreCorrupt("the backup is cut off: it has no manifest", file=source)
    with _damage(source):
        _compare(manifest["files"], found)
    size = sum(int(str(facts["bytes"])) for facts in found.values())
    return Unpacked(manifest, len(found), size)


def refuse_existing(target: Path) -> None:
    """Keep what is there.

    Raises:
        ConfigError: there is such a file or folder.
    """
    if target.exists() or target.is_symlink():
        raise ConfigError("there is such a file already", hint="name a new file", file=target)


def _write(out: IO[bytes], files: Mapping[str, Path], facts: Mapping[str, object]) -> None:
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    sums: dict[str, object] = {}
    with (
        compressor.stream_writer(out, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in files.items():
            with path.open("rb") as file:
                summed = _Summed(file)
                archive.addfile(_member(name, path.stat()), summed)
            sums[name] = summed.facts
        manifest = json.dumps({**facts, "files": sums}, indent=1).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(manifest), _PRIVATE
        archive.addfile(member, io.BytesIO(manifest))


def _member(name: str, status: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), _PRIVATE
    return member


def _extract(stream: IO[bytes], target: Path) -> dict[str, object]:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    summed = _Summed(stream)
    with open(target, "xb", opener=_private) as out:
        while data := summed.read(BLOCK_BYTES):
            out.write(data)
    return summed.facts


def _is_plain(member: tarfile.TarInfo) -> bool:
    """Return whether a member is a file with a name that stays inside of the folder."""
    name = PurePosixPath(member.name)
    return member.isreg() and not name.is_absolute() and ".." not in name.parts


def _compare(told: Mapping[str, Mapping[str, object]], found: Mapping[str, object]) -> None:
    for name in sorted({*told, *found}):
        if name not in found:
            raise StoreCorrupt("the backup lacks a file", file=name)
        if name not in told or dict(told[name]) != found[name]:
            raise StoreCorrupt("a file of the backup is not what it was", file=name)


@contextlib.contextmanager
def _reading(source: Path) -> Iterator[tarfile.TarFile]:
    with (
        source.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="r|") as archive,
    ):
        yield archive


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _mapped(place: Path) -> Iterator[None]:
    """Let what goes wrong with files leave the block as ours.

    Raises:
        ConfigError: a file or folder that was named is not there.
        SinkUnavailable: a disk is full, or a file cannot be used.
    """
    try:
        yield
    except FileNotFoundError as exc:
        facts = {"file": exc.filename or place}
        raise ConfigError("no such file or folder", hint="check the path", **facts) from None
    except OSError as exc:
        hint = "check free space and permissions"
        raise SinkUnavailable("a backup cannot be read or written", hint=hint, file=place) from exc


@contextlib.contextmanager
def _damage(place: Path) -> Iterator[None]:
    """Tell a damaged archive by what its readers stumble over.

    Raises:
        StoreCorrupt: it is damaged.
    """
    try:
        yield
    except (tarfile.TarError, zstandard.ZstdError, EOFError, *_NO_MANIFEST) as exc:
        raise StoreCorrupt("the backup is damaged", file=place) from exc
