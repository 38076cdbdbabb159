"""httpx's exceptions become ours, all of them."""

import ssl

import httpx
import pytest

from tactics.errors import (
    ContractChanged,
    DecodeError,
    NetworkUnreachable,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import forget_secret, map_errors, register_secret

EXPECTED = {
    "HTTPError": ContractChanged,
    "RequestError": ContractChanged,
    "TransportError": UpstreamUnavailable,
    "TimeoutException": UpstreamUnavailable,
    "ConnectTimeout": NetworkUnreachable,
    "ReadTimeout": UpstreamUnavailable,
    "WriteTimeout": UpstreamUnavailable,
    "PoolTimeout": UpstreamUnavailable,
    "NetworkError": UpstreamUnavailable,
    "ReadError": UpstreamUnavailable,
    "WriteError": UpstreamUnavailable,
    "ConnectError": NetworkUnreachable,
    "CloseError": UpstreamUnavailable,
    "ProxyError": NetworkUnreachable,
    "UnsupportedProtocol": ContractChanged,
    "ProtocolError": UpstreamUnavailable,
    "LocalProtocolError": ContractChanged,
    "RemoteProtocolError": UpstreamUnavailable,
    "DecodingError": DecodeError,
    "TooManyRedirects": ContractChanged,
    "HTTPStatusError": ContractChanged,
    "InvalidURL": ContractChanged,
    "StreamError": TacticsError,
    "StreamConsumed": TacticsError,
    "StreamClosed": TacticsError,
    "ResponseNotRead": TacticsError,
    "RequestNotRead": TacticsError,
    "CookieConflict": TacticsError,
}


def exception_classes() -> dict[str, type[Exception]]:
    named = ((name, getattr(httpx, name)) for name in httpx.__all__)
    return {n: c for n, c in named if isinstance(c, type) and issubclass(c, Exception)}


def build(kind: type[Exception]) -> Exception:
    if kind.__init__ is httpx.HTTPStatusError.__init__:
        request = httpx.Request("GET", "https://h/")
        return kind("text", request=request, response=httpx.Response(500, request=request))
    return (
        kind()
        if issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError
        else (kind("text"))
    )


def test_every_exception_of_httpx_is_known():
    """An upgrade that brings a new exception class fails here first."""
    assert set(exception_classes()) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_exception_becomes_ours(name):
    """Each class of httpx becomes exactly the class that says who acts."""
    assert type(map_errors(build(getattr(httpx, name)))) is EXPECTED[name]


def test_tls_failure_is_not_the_network():
    """A certificate that is not trusted is no reason to work offline."""
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = OSError()
    error.__cause__.__context__ = ssl.SSLCertVerificationError("certificate verify failed")
    mapped = map_errors(error)
    assert type(mapped) is UpstreamUnavailable
    assert "clock" in mapped.hint


def test_foreign_exception_is_our_fault():
    """What httpx never raises can only come from our own code."""
    assert type(map_errors(KeyError("x"))) is TacticsError


def test_text_and_url_are_redacted():
    """Neither the library's words nor the URL show a secret."""
    register_secret("planted-secret")
    cause = httpx.LocalProtocolError("illegal header value b'planted-secret'")
    error = map_errors(cause, url="https://h/x?access_token=abc")
    error.__cause__ = cause
    forget_secret("planted-secret")
    assert str(error) == (
        "the request cannot be sent as it is: url=https://h/x?access_token=***: "
        "illegal header value b'***'"
    )


def test_arguments_that_are_no_text_stay():
    """Only text can hold a secret."""
    cause = httpx.ReadError(5)
    map_errors(cause)
    assert cause.args == (5,)
