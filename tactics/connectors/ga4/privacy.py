"""Masks what people put into campaign links by mistake: addresses and query strings.

Runs over a page before it is kept, and leaves every other byte as Google sent it. Knows no
dimension: whatever text of a page holds an `@` is suspect.
Source: contract sheet "Google Analytics 4, Data API v1beta", section 9 (2026-11-21).
"""

import re

import msgspec

MASK = "***"

_SUSPICIOUS = re.compile(rb"[@?]|%40|\\u00(?:40|3f)", re.IGNORECASE)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ADDRESS = re.compile(r"(?:@|%40)\S", re.IGNORECASE)
_QUERY = re.compile(r"\?\S*=.*", re.DOTALL)


def mask_personal(body: bytes) -> tuple[bytes, int]:
    """Return a JSON page with its personal values masked, and how many there were.

    A value with an `@` (unless a blank follows: `Sale @ 20 %`) is replaced as a whole: what stands
    around an address is often a name. Of a value with a query string the part before it stays.
    """
    if not _SUSPICIOUS.search(body):
        return body, 0
    count = 0

    def mask(found: re.Match[bytes]) -> bytes:
        nonlocal count
        text = found[0]
        if not _SUSPICIOUS.search(text):
            return text
        value = msgspec.json.decode(text, type=str)
        masked = MASK if _ADDRESS.search(value) else _QUERY.sub(f"?{MASK}", value)
        count += masked != value
        return text if masked == value else msgspec.json.encode(masked)

    return _TEXT.sub(mask, body), count
