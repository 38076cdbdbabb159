"""One file that holds others, with the checksum of each."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import ConfigError, SinkUnavailable, StoreCorrupt
from tactics.pipeline.archive import MANIFEST, pack_files, unpack_files

FILES = {"a.txt": b"first", "lake/deep/b.bin": bytes(range(256)) * 5000, "empty": b""}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Return an archive of three files."""
    return pack(tmp_path, FILES)


def pack(folder: Path, contents: dict[str, bytes]) -> Path:
    """Return an archive of files with these contents."""
    sources = {}
    for number, (name, data) in enumerate(contents.items()):
        path = sources[name] = folder / f"source-{number}"
        path.write_bytes(data)
    return pack_files(folder / "out.tar.zst", sources, {"home": "/somewhere"})


def unpacked(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewrite(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    """Change the members of an archive, as somebody with another program might."""
    plain = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        members = [
            (member, file.read() if (file := archive.extractfile(member)) else b"")
            for member in archive.getmembers()
        ]
    change(members)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    path.write_bytes(zstandard.ZstdCompressor().compress(out.getvalue()))


@given(st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "ü"]), st.binary(max_size=300)))
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, contents):
    """Names, bytes, and what the manifest was given."""
    folder = tmp_path_factory.mktemp("archive")
    found = unpack_files(pack(folder, contents), folder / "out")
    assert unpacked(folder / "out") == contents
    assert (found.files, found.manifest["home"]) == (len(contents), "/somewhere")
    assert found.size_bytes == sum(map(len, contents.values()))


def test_files_are_private(packed: Path, tmp_path: Path):
    """The archive, and whatever comes out of it."""
    unpack_files(packed, tmp_path / "out")
    paths = [packed, *(path for path in (tmp_path / "out").rglob("*") if path.is_file())]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_an_archive_is_never_overwritten(packed: Path, tmp_path: Path):
    """A backup of yesterday is not the place for that of today."""
    before = packed.read_bytes()
    with pytest.raises(ConfigError, match="such a file already"):
        pack(tmp_path, {"a": b""})
    assert packed.read_bytes() == before


def test_an_archive_that_was_not_finished_has_no_name(tmp_path: Path):
    """A file that cannot be read leaves nothing behind that looks like a backup."""
    with pytest.raises(SinkUnavailable):
        pack_files(tmp_path / "out.tar.zst", {"folder": tmp_path}, {})
    assert list(tmp_path.glob("*.tar.zst*")) == []
    with pytest.raises(ConfigError, match="no such file or folder"):
        pack_files(tmp_path / "nowhere" / "out.tar.zst", {}, {})


@pytest.mark.parametrize("kept", [0, 1, 10, 200, -40])
def test_an_archive_that_is_cut_off_is_refused(packed: Path, tmp_path: Path, kept: int):
    """Wherever it ends, it is not taken for whole."""
    packed.write_bytes(packed.read_bytes()[:kept])
    with pytest.raises(StoreCorrupt, match="backup"):
        unpack_files(packed, tmp_path / "out")


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, place: float, bit: int):
    """Anywhere in the file."""
    folder = tmp_path_factory.mktemp("archive")
    path = pack(folder, FILES)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        unpack_files(path, folder / "out")
    except StoreCorrupt:
        return
    assert unpacked(folder / "out") == FILES  # the bit meant nothing


def test_other_bytes_under_a_name_are_found(packed: Path, tmp_path: Path):
    """The checksum of the manifest counts, also when the archive itself is sound."""

    def change(members):
        members[0] = (members[0][0], b"other")

    rewrite(packed, change)
    with pytest.raises(StoreCorrupt, match=r"not what it was: file=a\.txt"):
        unpack_files(packed, tmp_path / "out")


@pytest.mark.parametrize("change", [lambda m: m.pop(0), lambda m: m.insert(0, _file("more"))])
def test_a_file_too_many_or_too_few_is_found(packed: Path, tmp_path: Path, change):
    """What is unpacked is exactly what the manifest lists."""
    rewrite(packed, change)
    with pytest.raises(StoreCorrupt, match=r"lacks a file|not what it was"):
        unpack_files(packed, tmp_path / "out")


def test_an_archive_without_its_manifest_is_refused(packed: Path, tmp_path: Path):
    """Sound as far as it goes, it was never finished."""
    rewrite(packed, lambda members: members.pop())
    with pytest.raises(StoreCorrupt, match="it has no manifest"):
        unpack_files(packed, tmp_path / "out")


def _file(name: str, kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member, b""


@pytest.mark.parametrize(
    "member",
    [
        _file("../outside"),
        _file("lake/../../outside"),
        _file("/outside"),
        _file("link", tarfile.SYMTYPE),
        _file("hard", tarfile.LNKTYPE),
        _file("device", tarfile.FIFOTYPE),
    ],
    ids=lambda member: member[0].name,
)
def test_nothing_is_written_outside_of_the_folder(packed: Path, tmp_path: Path, member):
    """Neither by a name nor through a link."""
    rewrite(packed, lambda members: members.insert(0, member))
    before = unpacked(tmp_path)
    with pytest.raises(StoreCorrupt, match="no backup holds"):
        unpack_files(packed, tmp_path / "out")
    assert unpacked(tmp_path) == before


@pytest.mark.parametrize("text", ["[]", "{", '{"files": {"a.txt": 1}}', "{}"])
def test_a_manifest_that_makes_no_sense_is_refused(packed: Path, tmp_path: Path, text: str):
    """It is damaged, whatever it says."""

    def change(members):
        members[-1] = (members[-1][0], text.encode())

    rewrite(packed, change)
    with pytest.raises(StoreCorrupt):
        unpack_files(packed, tmp_path / "out")


def test_the_manifest_says_what_is_in_it(packed: Path, tmp_path: Path):
    """Anybody can check it with sha256sum."""
    found = unpack_files(packed, tmp_path / "out")
    assert set(found.manifest["files"]) == set(FILES)
    assert MANIFEST not in found.manifest["files"]
    assert json.dumps(found.manifest)


def test_what_is_not_there_is_told(tmp_path: Path):
    """A mistyped name is a mistake of the command line."""
    with pytest.raises(ConfigError, match="no such file"):
        unpack_files(tmp_path / "nowhere.tar.zst", tmp_path / "out")
