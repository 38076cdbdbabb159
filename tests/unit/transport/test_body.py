"""Bodies within their budget."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import ContractChanged, DecodeError, SizeViolation, UpstreamUnavailable
from tactics.transport.body import check_announced, join_body

ROOM = 2**20


def join(*chunks: bytes, encoding: str = "", sent: int = ROOM, body: int = ROOM) -> bytes:
    return join_body(chunks, encoding=encoding, max_sent_bytes=sent, max_body_bytes=body)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("", bytes),
        ("Identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
@given(data=st.binary(max_size=3000), size=st.integers(1, 700))
def test_what_was_packed_comes_out(encoding, pack, data, size):
    """Every encoding gives back the body, however it is cut into chunks."""
    assert join(*pieces(pack(data), size), encoding=encoding) == data


def test_gzip_of_several_members_and_padding():
    """Members that follow each other are one body, zeros after the last are padding."""
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 9
    assert join(packed, b"\0\0", encoding="gzip") == b"one two"


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_bomb_is_stopped_at_the_budget(encoding, pack):
    """200 MB in 200 KB end after the budget, and were never unpacked."""
    bomb = pack(bytes(200 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(SizeViolation, match="unpacked response is larger"):
            join(*pieces(bomb, 65536), encoding=encoding)
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    finally:
        tracemalloc.stop()


def test_plain_body_has_the_same_budget():
    """A body that is not packed may not be larger than an unpacked one."""
    with pytest.raises(SizeViolation, match="unpacked"):
        join(bytes(11), body=10)


def test_bytes_as_sent_have_their_own_budget():
    """The budget as sent ends an endless body before it is unpacked."""
    with pytest.raises(
        SizeViolation, match="the response is larger than allowed: allowed_bytes=10"
    ):
        join(bytes(6), bytes(6), sent=10)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_packed_body_that_ends_early_is_transient(pack):
    """A packed body without its end was cut off on the way."""
    encoding = "gzip" if pack is gzip.compress else "zstd"
    with pytest.raises(UpstreamUnavailable, match="ends in the middle"):
        join(pack(b"hello" * 100)[:-4], encoding=encoding)


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "deflate"])
def test_body_that_is_not_packed_as_claimed(encoding):
    """Plain text under a content-encoding is a decode error."""
    with pytest.raises(DecodeError, match=f"encoding={encoding}"):
        join(b"<html>busy</html>", encoding=encoding)


def test_unasked_encoding_breaks_the_contract():
    """Nobody asked for brotli."""
    with pytest.raises(ContractChanged, match="encoding=br"):
        join(b"x", encoding="br")


def test_zstd_ignores_what_follows_the_frame():
    """Bytes after the frame are not part of the body."""
    packed = zstandard.ZstdCompressor().compress(b"body")
    assert join(packed + bytes(600), encoding="zstd") == b"body"


def test_announced_length_is_refused_before_reading():
    """A content-length over the budget needs no reading; nonsense in it is no length."""
    with pytest.raises(SizeViolation):
        check_announced("11", 10)
    check_announced("10", 10)
    check_announced("many", 10)
