"""Puts a response body together, within a budget, whatever the sender claims.

Decompresses piece by piece, so that a bomb is stopped at the budget and never unpacked.
Knows nothing of HTTP connections.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from tactics.errors import ContractChanged, DecodeError, SizeViolation, UpstreamUnavailable

_PIECE_BYTES = 256 * 1024
_ZSTD_WINDOW_BYTES = 8 * 2**20  # RFC 8878, section 3.1.1.1.2: what a decoder should support
# Each 4 bytes of zstd may stand for 128 KB, and the library takes no output limit.
_ZSTD_INPUT_BYTES = 256


class _Decoder(Protocol):
    """Unpacks one body; `feed` yields pieces of bounded size, `done` says that the end was seen."""

    done: bool

    def feed(self, chunk: bytes) -> Iterator[bytes]: ...


class _Identity:
    done = True  # the framing of HTTP tells the end

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk


class _Zlib:
    """gzip, also of several members, and deflate in its zlib wrapping."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(wbits=47)
        self.done = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self.done:
                # Zeros after the last member are padding, anything else begins another one.
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    return
                self._engine = zlib.decompressobj(wbits=47)
            yield self._engine.decompress(chunk, _PIECE_BYTES)
            self.done = self._engine.eof
            chunk = self._engine.unused_data or self._engine.unconsumed_tail


class _Zstd:
    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415  never asked for, so nearly never loaded

        self._engine = zstandard.ZstdDecompressor(
            max_window_size=_ZSTD_WINDOW_BYTES
        ).decompressobj()
        self._broken = zstandard.ZstdError
        self.done = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), _ZSTD_INPUT_BYTES):
            if self.done:
                return
            try:
                yield self._engine.decompress(chunk[start : start + _ZSTD_INPUT_BYTES])
            except self._broken as exc:
                raise zlib.error(str(exc)) from exc
            self.done = self._engine.eof


_DECODERS: dict[str, type[_Decoder]] = {
    "": _Identity,
    "identity": _Identity,
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "zstd": _Zstd,
}


def join_body(
    chunks: Iterable[bytes], *, encoding: str, max_sent_bytes: int, max_body_bytes: int
) -> bytes:
    """Return the body that arrives in `chunks`, unpacked.

    Raises:
        SizeViolation: it is larger than a budget, as sent or unpacked.
        UpstreamUnavailable: it ends in the middle.
        DecodeError: it is not packed the way it claims.
        ContractChanged: it is packed in a way that was not asked for.
    """
    name = encoding.strip().lower()
    if name not in _DECODERS:
        raise ContractChanged("the body comes in an encoding nobody asked for", encoding=name)
    decoder = _DECODERS[name]()
    body = bytearray()
    sent = 0
    try:
        for chunk in chunks:
            sent += len(chunk)
            _check("the response is larger than allowed", sent, max_sent_bytes)
            for piece in decoder.feed(chunk):
                body += piece
                _check("the unpacked response is larger than allowed", len(body), max_body_bytes)
    except zlib.error as exc:
        raise DecodeError("the body is not packed the way it claims", encoding=name) from exc
    if sent and not decoder.done:
        raise UpstreamUnavailable("the packed body ends in the middle", received_bytes=sent)
    return bytes(body)


def check_announced(length: str, max_sent_bytes: int) -> None:
    """Refuse a body that already announces too much in `content-length`.

    Raises:
        SizeViolation: the number is larger than the budget.
    """
    if length.isdecimal():
        _check("the response is larger than allowed", int(length), max_sent_bytes)


def _check(message: str, size: int, allowed: int) -> None:
    if size > allowed:
        raise SizeViolation(
            message,
            hint="ask for a smaller window, or raise it in [transport]",
            allowed_bytes=allowed,
        )
