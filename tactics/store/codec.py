"""How values look inside the file: instants, days, stream keys, and bodies.

Instants are text `YYYY-MM-DDTHH:MM:SS.ffffffZ`, so that they sort and a person can read them.
Knows no connection.
"""

import datetime as dt
import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from tactics.errors import StoreCorrupt
from tactics.model import StreamKey

KeyColumns: TypeAlias = tuple[str | None, str | None, str | None, str | None]

# Below this size a zstd frame saves little and costs more than the insert itself.
SMALL_BODY_BYTES = 512
ZSTD_LEVEL = 1

_NO_KEY: KeyColumns = (None, None, None, None)
_codecs = threading.local()


class Packed(NamedTuple):
    """A body as it is stored: zstd when that made it smaller, else as it came."""

    data: bytes | None
    size_bytes: int


def pack(body: bytes | Packed | None) -> Packed:
    """Return `body` ready to be stored.

    Called before a write transaction is opened, it keeps the compressing out of the lock.
    """
    if isinstance(body, Packed):
        return body
    if body is None:
        return Packed(None, 0)
    if len(body) < SMALL_BODY_BYTES:
        return Packed(body, len(body))
    smaller: bytes = _compressor().compress(body)
    return Packed(smaller if len(smaller) < len(body) else body, len(body))


def unpack(data: bytes | None, size_bytes: int) -> bytes | None:
    """Return the body that `pack` was given.

    Raises:
        StoreCorrupt: the frame is damaged.
    """
    if data is None or len(data) == size_bytes:
        return data
    import zstandard  # noqa: PLC0415  only those who read pages pay for it

    try:
        body: bytes = _decompressor().decompress(data, max_output_size=size_bytes)
    except zstandard.ZstdError as exc:
        raise StoreCorrupt("a stored body is damaged", size_bytes=size_bytes) from exc
    return body


def header_encoder() -> Callable[[object], bytes]:
    """Return what turns a header into JSON, ten times faster than `json`."""
    import msgspec  # noqa: PLC0415  listing dead letters must not pay for it

    return msgspec.json.encode


def decode_header(text: str) -> dict[str, Any]:
    """Return the header of its JSON.

    Raises:
        StoreCorrupt: it is damaged.
    """
    import msgspec  # noqa: PLC0415

    try:
        header: dict[str, Any] = msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise StoreCorrupt("an event's header is damaged") from exc
    return header


def to_instant(at: dt.datetime) -> str:
    """Return the text of an aware instant, in UTC."""
    assert at.tzinfo is not None, at
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@functools.lru_cache(maxsize=4096)
def from_instant(text: str) -> dt.datetime:
    """Return the instant of its text."""
    return dt.datetime.fromisoformat(text)


def from_optional_instant(text: str | None) -> dt.datetime | None:
    """Return the instant of its text, if there is one."""
    return None if text is None else from_instant(text)


def key_columns(key: StreamKey | None) -> KeyColumns:
    """Return the four columns of a key, all NULL for none."""
    return _NO_KEY if key is None else (key.org_id, key.source, key.account_id, key.stream)


@functools.lru_cache(maxsize=4096)
def from_key_columns(
    org_id: str | None, source: str | None, account_id: str | None, stream: str | None
) -> StreamKey | None:
    """Return the key of its four columns."""
    if org_id is None:
        return None
    assert source is not None
    assert account_id is not None
    assert stream is not None
    return StreamKey(org_id, source, account_id, stream)


def key_parameters(key: StreamKey | None) -> dict[str, str | None]:
    """Return the named parameters of a key."""
    org_id, source, account_id, stream = key_columns(key)
    return {"org_id": org_id, "source": source, "account_id": account_id, "stream": stream}


# A zstd context serves one thread at a time and is dear to make: each thread keeps its own.
def _compressor() -> Any:  # noqa: ANN401  zstandard is imported by those who need it
    if not hasattr(_codecs, "compressor"):
        import zstandard  # noqa: PLC0415

        _codecs.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return _codecs.compressor


def _decompressor() -> Any:  # noqa: ANN401
    if not hasattr(_codecs, "decompressor"):
        import zstandard  # noqa: PLC0415

        _codecs.decompressor = zstandard.ZstdDecompressor()
    return _codecs.decompressor
