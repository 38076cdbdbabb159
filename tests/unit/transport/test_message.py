"""Requests and responses as values."""

import pytest

from tactics.transport import Request, Response, get, post_form, post_json, retry_after_seconds


def test_with_query_replaces_where_it_stands():
    """A query value that is set again is replaced, the others stay."""
    request = get("/x", ("a", "1"), ("b", "2")).with_query(a="3")
    assert request.query == (("b", "2"), ("a", "3"))


def test_with_headers_turns_underscores_into_dashes():
    """Header names are written as keyword arguments."""
    assert get("/x").with_headers(stripe_version="v").headers == (("stripe-version", "v"),)


def test_post_form_and_json_carry_their_type():
    """The body of a POST is encoded and its type said."""
    form, document = post_form("/x", ("a", "b c")), post_json("/x", {"a": 1})
    assert (form.body, form.headers[0][1]) == (b"a=b+c", "application/x-www-form-urlencoded")
    assert (document.body, document.headers[0][1]) == (b'{"a": 1}', "application/json")


def test_repr_shows_no_secret():
    """A request or response in a traceback tells where it went and nothing that was sent."""
    request = Request("POST", "/x", query=(("access_token", "abc"),), body=b"planted")
    signed = request.with_headers(authorization="Bearer planted")
    assert repr(signed) == "<Request POST api /x?access_token=***>"
    assert repr(get("/y")) == "<Request GET api /y>"
    assert "planted" not in repr(Response(200, b"planted", {"set-cookie": "planted"}))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 09:02:00 GMT"}, None),
        (
            {
                "retry-after": "Sat, 21 Nov 2026 09:02:00 GMT",
                "date": "Sat, 21 Nov 2026 09:00:00 GMT",
            },
            120.0,
        ),
        (
            {
                "retry-after": "Sat, 21 Nov 2026 08:00:00 -0000",
                "date": "Sat, 21 Nov 2026 09:00:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, expected):
    """A date counts from the answer's own date; what cannot be read is no wish."""
    assert retry_after_seconds(headers) == expected
