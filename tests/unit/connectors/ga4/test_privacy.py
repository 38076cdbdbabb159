"""Addresses and query strings in campaign links are masked, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors.ga4.privacy import mask_personal


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("ann@shopper.example", "***"),
        ("Ann Smith <ann@shopper.example>", "***"),
        ("ann%40shopper.example", "***"),
        ("@ann", "***"),
        ("landing?uid=42&mail=x", "landing?***"),
        ("https://a.example/p?token=1", "https://a.example/p?***"),
        ("?a=b", "?***"),
        ("Sale @ 20 %", "Sale @ 20 %"),
        ("Ready? Go", "Ready? Go"),
        ("Autumn | Launch", "Autumn | Launch"),
        ("(not set)", "(not set)"),
        ('say "hi" ann@x.example', "***"),
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_values_are_masked(value: str, kept: str, *, escaped: bool) -> None:
    """Also where the JSON hides the character behind an escape."""
    body = json.dumps({"value": value}).encode()
    if escaped:
        body = body.replace(b"@", rb"\u0040").replace(b"?", rb"\u003F")
    masked, count = mask_personal(body)
    assert json.loads(masked)["value"] == kept
    assert count == (kept != value)


def test_the_rest_of_the_page_stays_byte_for_byte() -> None:
    """Blanks, numbers and escapes of other values are as Google sent them."""
    body = rb'{ "a" : "caf\u00e9",  "b":[1.50, "x@y"] , "c":"<\u003d>"}'
    assert mask_personal(body)[0] == rb'{ "a" : "caf\u00e9",  "b":[1.50, "***"] , "c":"<\u003d>"}'


@given(values=st.dictionaries(st.text(max_size=5), st.text(max_size=20)), ascii_only=st.booleans())
def test_masking_twice_changes_nothing_more(values: dict[str, str], *, ascii_only: bool) -> None:
    """The page stays JSON whatever is in it, and no address survives."""
    once, _ = mask_personal(json.dumps(values, ensure_ascii=ascii_only).encode())
    assert isinstance(json.loads(once), dict)
    assert mask_personal(once) == (once, 0)
