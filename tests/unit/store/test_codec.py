"""How values look in the file."""

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import StoreCorrupt
from tactics.store.codec import (
    decode_header,
    from_instant,
    from_key_columns,
    header_encoder,
    key_columns,
    pack,
    to_instant,
    unpack,
)
from tests.unit.store.builders import KEY

INSTANTS = st.datetimes(
    min_value=dt.datetime(1970, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-11, minutes=-30))]),
)


@given(INSTANTS)
def test_an_instant_comes_back(at: dt.datetime) -> None:
    """An instant of any time zone comes back as the same instant in UTC."""
    back = from_instant(to_instant(at))
    assert back == at
    assert back.utcoffset() == dt.timedelta(0)


@given(INSTANTS, INSTANTS)
def test_instants_sort_as_text(one: dt.datetime, other: dt.datetime) -> None:
    """The order of the texts is the order of the instants."""
    assert (to_instant(one) < to_instant(other)) == (one < other)


def test_an_instant_is_readable() -> None:
    """An instant always shows its microseconds and ends in Z."""
    assert to_instant(dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)) == "2026-11-21T09:00:00.000000Z"


@given(st.one_of(st.none(), st.binary(max_size=2000), st.binary(max_size=20).map(lambda b: b * 90)))
def test_a_body_comes_back(body: bytes | None) -> None:
    """Any body, also none and an empty one, comes back byte for byte."""
    packed = pack(body)
    assert unpack(packed.data, packed.size_bytes) == body


def test_a_page_is_compressed() -> None:
    """A page is stored smaller than it came; packing it again changes nothing."""
    packed = pack(b'{"spend":"12.34"},' * 100)
    assert packed.data is not None
    assert len(packed.data) < packed.size_bytes / 10
    assert pack(packed) is packed


@pytest.mark.parametrize(
    "body", [b"short " * 80, random.Random(1).randbytes(5000)], ids=["small", "dense"]
)
def test_a_body_is_stored_plain_when_zstd_does_not_help(body: bytes) -> None:
    """A small body, and one that compression would make larger, are stored as they came."""
    assert pack(body) == (body, len(body))


def test_a_damaged_body_is_corruption() -> None:
    """A frame that does not open is our own broken state."""
    with pytest.raises(StoreCorrupt, match="a stored body is damaged: size_bytes=9000"):
        unpack(b"not zstd", 9000)


def test_a_damaged_header_is_corruption() -> None:
    """A header that is not JSON is our own broken state."""
    with pytest.raises(StoreCorrupt, match="header is damaged"):
        decode_header("{")


def test_a_header_keeps_its_text() -> None:
    """Headers hold any text, unescaped."""
    assert header_encoder()({"name": "Frühling ☀"}).decode() == '{"name":"Frühling ☀"}'


@pytest.mark.parametrize("key", [KEY, None])
def test_a_key_comes_back(key) -> None:
    """A stream key, or none, comes back from its columns."""
    assert from_key_columns(*key_columns(key)) == key
