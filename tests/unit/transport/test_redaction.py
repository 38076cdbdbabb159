"""What may never be read by anybody."""

import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import TacticsError, UpstreamUnavailable
from tactics.transport import forget_secret, redact, redact_body, register_secret
from tactics.transport.redaction import _PATTERNS, _PEM, HIDDEN, _keep_name, redact_error

SECRET = 's3cr/et +"quoted"\nline=é'

PIECES = (
    *("access_token", "ACCESS_TOKEN", "key", "Key", "sig", "code", "x-amz-signature", "secret"),
    *("authorization", "proxy-Authorization", "ttd-auth", "bearer", "Bearer", "TOKEN", "fields"),
    *("=", "%3D", "?", "&", "%3F", '"', ": ", " ", "\n", "abcdefgh", "12", "\u017fig", "\u212aey"),
)


@pytest.fixture
def registered():
    register_secret(SECRET)
    yield SECRET
    forget_secret(SECRET)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        re.sub("%..", lambda hit: hit.group().lower(), quote(SECRET, safe="")),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)
def test_registered_secret_is_hidden_in_every_form(registered, form):
    """A registered secret disappears as text, in URLs, in forms and in JSON."""
    assert redact(f"before {form} after") == "before *** after"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/x?access_token=abc&limit=1", "https://h/x?access_token=***&limit=1"),
        ("https://h/x?a=1&key=abc", "https://h/x?a=1&key=***"),
        ("https://h/x?X-Amz-Signature=ff00&b=2", "https://h/x?X-Amz-Signature=***&b=2"),
        ("grant_type=x&client_secret=abc&a=b", "grant_type=x&client_secret=***&a=b"),
        ("token=abc", "token=***"),
        ("next=%2Fx%3Faccess_token%3Dabc", "next=%2Fx%3Faccess_token%3D***"),
        ('{"access_token": "a\\"bc", "n": 1}', '{"access_token": "***", "n": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("ttd-auth: abcdef", "ttd-auth: ***"),
        ("sent Bearer abcdefgh to them", "sent Bearer *** to them"),
        ("x -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- y", "x *** y"),
    ],
)
def test_secret_parameters_are_hidden_by_name(text, expected):
    """What travels under a secret's name is hidden although nobody registered it."""
    assert redact(text) == expected


@pytest.mark.parametrize("text", ["key=StreamKey(a)", "status code=400", "page token: none", ""])
def test_ordinary_text_stays_as_it_is(text):
    """Words such as key and code are secrets in URLs only."""
    assert redact(f"the {text}") == f"the {text}"


def test_short_values_are_not_secrets():
    """A value of a few letters would tear holes into every text, and is ignored."""
    register_secret("abc")
    assert redact("abcabc") == "abcabc"


def test_forgotten_secret_is_not_hidden(registered):
    """A token that was replaced no longer costs anything."""
    forget_secret(registered)
    assert redact("s3cr") == "s3cr"


def test_body_loses_only_the_secret():
    """A page that repeats the token is kept byte for byte around it."""
    token = "EAAB/planted|token"
    body = json.dumps({"next": f"https://h/?t={quote(token, safe='')}", "x": token, "n": "1.50"})
    assert redact_body(body.encode(), (token,)) == (
        b'{"next": "https://h/?t=***", "x": "***", "n": "1.50"}'
    )


def test_errors_lose_secrets_and_keep_their_numbers(registered):
    """Message, hint, facts and causes of an error are cleaned."""
    error = TacticsError(
        f"no {SECRET}", hint=f"try {SECRET}", url=f"https://h/{SECRET}", status=400
    )
    error.__cause__ = UpstreamUnavailable(f"because {SECRET}")
    error.__cause__.__cause__ = ValueError(SECRET, 3)
    redact_error(error)
    assert SECRET not in str(error)
    assert error.facts == {"url": "https://h/***", "status": 400}
    assert error.hint == "try ***"
    assert error.__cause__.__cause__.args == ("***", 3)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_a_text_without_any_secrets_name_is_not_searched_in_vain(text):
    """Looking for the names first changes nothing of what the patterns hide."""
    searched = _PEM.sub(HIDDEN, text)
    for pattern, _ in _PATTERNS:
        searched = pattern.sub(_keep_name, searched)
    assert redact(text) == searched
