"""Faults that any API can have: broken, slow, hostile or oversized answers.

The vendor's own forms (its error bodies, its rate limits) are in the vendor's file and win over
these.
"""

import functools
import zlib
from dataclasses import replace
from urllib.parse import urlsplit

from tactics.sandbox.api import After, Before, Call, Reply, constant
from tactics.sandbox.faults import Fault

_HTML = b"<!DOCTYPE html><html><body><h1>Service Unavailable</h1><p>Error 503</p></body></html>"
_MEBIBYTE = 2**20


def _truncate(_call: Call, _fault: Fault, reply: Reply) -> Reply:
    body = reply.content()
    return replace(reply, body=body[: len(body) // 2])


def _answer_html(_call: Call, _fault: Fault, _reply: Reply) -> Reply:
    return Reply(body=_HTML, media_type="text/html; charset=utf-8")


def _bomb(_call: Call, fault: Fault, reply: Reply) -> Reply:
    body = gzip_blanks(fault.option("megabytes", 200))
    return replace(reply, body=body).with_headers({"content-encoding": "gzip"})


def _dribble(_call: Call, fault: Fault, reply: Reply) -> Reply:
    return replace(reply, dribble_seconds=fault.seconds or 5.0)


def _hang(_call: Call, fault: Fault, reply: Reply) -> Reply:
    return replace(reply, wait_seconds=reply.wait_seconds + (fault.seconds or 30.0))


def _delay(_call: Call, fault: Fault, reply: Reply) -> Reply:
    return replace(reply, wait_seconds=reply.wait_seconds + (fault.seconds or 0.2))


def _disconnect(_call: Call, _fault: Fault, reply: Reply) -> Reply:
    return replace(reply, disconnect=True)


def _redirect(call: Call, _fault: Fault) -> Reply:
    # The same server under another name: whoever follows shows up in the request log.
    port = urlsplit(call.origin).port
    location = f"http://localhost:{port}/elsewhere{call.path}"
    return Reply(body=b"", status=302, headers={"location": location})


def _plain(status: int, text: str) -> Reply:
    return Reply(body=text.encode(), status=status, media_type="text/plain; charset=utf-8")


BEFORE: dict[str, Before] = {
    "http_500": constant(_plain(500, "Internal Server Error")),
    "http_503": constant(_plain(503, "Service Unavailable")),
    "cross_host_redirect": _redirect,
}
AFTER: dict[str, After] = {
    "truncated_json": _truncate,
    "html_200": _answer_html,
    "gzip_bomb": _bomb,
    "dribble": _dribble,
    "hang": _hang,
    "latency": _delay,
    "disconnect": _disconnect,
}


@functools.cache
def gzip_blanks(megabytes: int) -> bytes:
    """Return a valid gzip stream of so many MiB of blanks, made by repeating one block's bytes.

    Each block ends with a full flush, which forgets the history: so every block of the same input
    has the same bytes, and 200 MiB cost as much to make as one (and a checksum).
    """
    block = b" " * _MEBIBYTE
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(block, checksum)
    size = megabytes * _MEBIBYTE % 2**32
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    trailer = checksum.to_bytes(4, "little") + size.to_bytes(4, "little")
    return header + piece * megabytes + packer.flush() + trailer
