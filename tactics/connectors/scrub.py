"""Keeps the declared fields of a JSON page and drops all others, before the page is stored.

A list of what may stay is safer than a list of what must go: a field that a vendor adds tomorrow
(a name, an address) is dropped until somebody declares it. Values that stay are copied byte for
byte, so that no number is rounded. What is kept only to recognise somebody is replaced by a keyed
hash. Of what cannot be read, and so not scrubbed, only the shape is kept. Knows no vendor.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

Shape: TypeAlias = Mapping[str, "Shape | None"]

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])

# What belongs to the shape of a page: the names of members, and JSON's own words.
_SHAPE = re.compile(r'("[A-Za-z_$][\w$.-]{0,63}"\s*:|\b(?:true|false|null)\b)')
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")


def keep_declared(payload: bytes, shape: Shape) -> bytes:
    """Return `payload` with the fields of `shape` only.

    `None` keeps a field with all that is in it. A nested shape applies to an object and to each
    object of a list; any other value in its place stays as it is (`"source": "ch_1"`, not expanded).

    Raises:
        msgspec.DecodeError: `payload` is not JSON.
    """
    return msgspec.json.encode(_keep(msgspec.Raw(payload.strip()), shape))


def pseudonymize(payload: bytes, shape: Shape, key: bytes) -> bytes:
    """Return `payload` with each text that a leaf of `shape` names replaced by its keyed hash.

    Case and surrounding blanks do not count: `Ann@X.example` and `ann@x.example ` are one person.
    The hash is HMAC-SHA256 in hexadecimal; a value that is no text becomes null.

    Raises:
        msgspec.DecodeError: `payload` is not JSON.
    """
    if not shape:
        return payload
    return msgspec.json.encode(_hide(msgspec.Raw(payload.strip()), shape, key))


def mask(text: str) -> str:
    """Return the shape of a page that cannot be read: enough to see what broke, and nobody in it.

    Each letter becomes `x` and each digit `0`, but for the names of members. A web page stays: it is
    a proxy's or a log-in's, and no record.
    """
    if text.lstrip().startswith("<"):
        return text
    parts = _SHAPE.split(text)  # every other one is a piece of the shape
    return "".join(
        part if place % 2 else _DIGIT.sub("0", _LETTER.sub("x", part))
        for place, part in enumerate(parts)
    )


def _hide(value: msgspec.Raw, shape: Shape, key: bytes) -> object:
    match bytes(memoryview(value)[:1]):
        case b"{":
            return {
                name: inner if name not in shape else _replace(inner, shape[name], key)
                for name, inner in _FIELDS.decode(value).items()
            }
        case b"[":
            return [_hide(item, shape, key) for item in _ITEMS.decode(value)]
        case _:
            return value


def _replace(value: msgspec.Raw, below: Shape | None, key: bytes) -> object:
    if below is not None:
        return _hide(value, below, key)
    text = msgspec.json.decode(value)
    if not isinstance(text, str) or not text.strip():
        return None
    return hmac.new(key, text.strip().lower().encode(), hashlib.sha256).hexdigest()


def _keep(value: msgspec.Raw, shape: Shape) -> object:
    match bytes(memoryview(value)[:1]):
        case b"{":
            return {
                name: inner if (below := shape[name]) is None else _keep(inner, below)
                for name, inner in _FIELDS.decode(value).items()
                if name in shape
            }
        case b"[":
            return [_keep(item, shape) for item in _ITEMS.decode(value)]
        case _:
            return value
