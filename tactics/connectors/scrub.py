"""Keeps the declared fields of a JSON page and drops all others, before the page is stored.

A list of what may stay is safer than a list of what must go: a field that a vendor adds tomorrow
(a name, an address) is dropped until somebody declares it. Values that stay are copied byte for
byte, so that no number is rounded. Knows no vendor.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

Shape: TypeAlias = Mapping[str, "Shape | None"]

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def keep_declared(payload: bytes, shape: Shape) -> bytes:
    """Return `payload` with the fields of `shape` only.

    `None` keeps a field with all that is in it. A nested shape applies to an object and to each
    object of a list; any other value in its place stays as it is (`"source": "ch_1"`, not expanded).

    Raises:
        msgspec.DecodeError: `payload` is not JSON.
    """
    return msgspec.json.encode(_keep(msgspec.Raw(payload.strip()), shape))


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
