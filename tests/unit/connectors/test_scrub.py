"""Only declared fields are kept, and what is kept is not touched."""

import hashlib
import hmac
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors.scrub import keep_declared, mask, pseudonymize

SHAPE = {"data": {"id": None, "source": {"id": None, "metadata": {"order_id": None}}}}


def test_undeclared_fields_go_at_every_level() -> None:
    """Names and addresses are dropped, in objects, in lists and in expanded objects."""
    page = {
        "data": [
            {"id": "1", "description": "for jane@x.example", "source": {"id": "ch", "email": "j"}},
            {"id": "2", "source": "re_1"},
        ],
        "owner": "Jane",
    }
    kept = json.loads(keep_declared(json.dumps(page).encode(), SHAPE))
    assert kept == {"data": [{"id": "1", "source": {"id": "ch"}}, {"id": "2", "source": "re_1"}]}


@pytest.mark.parametrize("number", ["0.8642", "1.10", "1e400", "12345678901234567890.123456789"])
def test_numbers_stay_byte_for_byte(number: str) -> None:
    """A number that is kept is copied, not parsed and printed."""
    page = f' {{"data": [{{"id": {number}}}]}}'.encode()
    assert keep_declared(page, SHAPE) == f'{{"data":[{{"id":{number}}}]}}'.encode()


def test_broken_json_is_refused() -> None:
    """A page that is cut off cannot be scrubbed, so it is not kept."""
    with pytest.raises(msgspec.DecodeError):
        keep_declared(b'{"data": [{"id": 1', SHAPE)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(values, st.text())
def test_nothing_undeclared_survives(value: object, name: str) -> None:
    """Whatever stands under an undeclared name is gone; declared values are equal."""
    page = {"data": [{"id": value, f"x{name}": "secret"}], f"y{name}": "secret"}
    assert json.loads(keep_declared(json.dumps(page).encode(), SHAPE)) == {"data": [{"id": value}]}


def test_who_is_named_becomes_a_keyed_hash() -> None:
    """A declared text is hashed wherever it stands, whatever its case; others stay as they are."""
    page = (
        b'{"nodes": [{"id": "1", "mail": " Ann@X.example", "n": 1.10}, {"id": "2", "mail": null}]}'
    )
    hidden = json.loads(pseudonymize(page, {"nodes": {"mail": None}}, b"key"), parse_float=str)
    digest = hmac.new(b"key", b"ann@x.example", hashlib.sha256).hexdigest()
    first, second = hidden["nodes"]
    assert first == {"id": "1", "mail": digest, "n": "1.10"}
    assert second == {"id": "2", "mail": None}
    assert pseudonymize(page, {"nodes": {"mail": None}}, b"other") != pseudonymize(
        page, {"nodes": {"mail": None}}, b"key"
    )


def test_nothing_to_hide_is_nothing_changed() -> None:
    """A page without personal fields is handed on as it is."""
    assert pseudonymize(b" not json", {}, b"key") == b" not json"


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('{"mail": "Ann@X.example", "n": -1.5', '{"mail": "xxx@x.xxxxxxx", "n": -0.0'),
        ('{"ok":true,"to":null,"a b": "c"}', '{"ok":true,"to":null,"x x": "x"}'),
        ('{"ann@x.example": 1}', '{"xxx@x.xxxxxxx": 0}'),
        (r'{"note": "{\"mail\": \"ann\"}"', r'{"note": "{\"xxxx\": \"xxx\"}"'),
        ("Jörg Müller,+43 1 555\n", "xxxx xxxxxx,+00 0 000\n"),
        ("  <h1>503</h1>", "  <h1>503</h1>"),
        ("", ""),
    ],
)
def test_of_what_cannot_be_read_the_shape_stays(text: str, shape: str) -> None:
    """Names of members and punctuation show what broke; letters and digits are told to nobody."""
    assert mask(text) == shape


@given(st.text(), st.integers())
def test_a_mask_tells_no_letter_and_no_digit(text: str, number: int) -> None:
    """Whatever a page says, only names of members and JSON's own words are left of it."""
    page = json.dumps({"name": text, "number": number}, ensure_ascii=False)
    masked = mask(page)
    assert len(masked) == len(page)
    told = re.sub(r'"(name|number)":|true|false|null', "", masked)
    assert {letter for letter in told if letter.isalnum()} <= {"x", "0"}
