"""One request to an address that is a secret."""

import pytest

from tactics.clock import SystemClock
from tactics.config import TransportSettings
from tactics.errors import (
    ConfigError,
    ContractChanged,
    NetworkUnreachable,
    SizeViolation,
    UpstreamUnavailable,
)
from tactics.transport import Response, get, post_json, redact, send_hook
from tests.unit.transport.server import closed_port, http, serve

PATH = "/ping/planted-uuid-0123456789abcdef"


def call(address: str, seconds: float = 5) -> Response:
    """Ask for an address."""
    return send_hook(
        get(address), settings=TransportSettings(), clock=SystemClock(), timeout_seconds=seconds
    )


def test_it_arrives_with_body_and_headers():
    """The address is taken as it is, with its query."""
    with serve(http(b"fine", 418)) as server:
        request = post_json(f"{server.url}{PATH}?rid=1", {"a": 1}).with_headers(X_Key="k")
        response = send_hook(
            request, settings=TransportSettings(), clock=SystemClock(), timeout_seconds=5
        )
    [seen] = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", f"{PATH}?rid=1", b'{"a": 1}')
    assert seen.headers["x-key"] == "k"
    assert (response.status, response.body) == (418, b"fine")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(status: int):
    """Nobody else gets the message, not even on the same host."""
    with (
        serve(http(b"", status, Location="/elsewhere")) as server,
        pytest.raises(ContractChanged, match=f"status={status}"),
    ):
        call(server.url)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "address",
    ["", "ping", "ftp://example.com/x", "https://", "https://u:p@example.com/", "https://[::1"],
)
def test_what_is_no_address_is_not_asked(address: str):
    """The error does not repeat it: it may be a secret that was cut off."""
    with pytest.raises(ConfigError) as caught:
        call(address)
    assert not address or address not in str(caught.value)
    assert redact(f"{address}example.org") == f"{address}example.org"  # nor tear holes elsewhere


def test_the_address_is_hidden_from_then_on():
    """As a whole, and the path by itself, which is the secret."""
    with serve(http()) as server:
        call(server.url + PATH)
    assert redact(f"{server.url}{PATH} and {PATH}") == "*** and ***"


def test_a_short_path_is_no_secret():
    """`/hook` stays a word that may be written."""
    with serve(http()) as server:
        call(f"{server.url}/hook")
    assert redact("/hook") == "/hook"


def test_nobody_there_says_so_without_the_address():
    """Neither the error nor its cause."""
    with pytest.raises(NetworkUnreachable) as caught:
        call(f"http://127.0.0.1:{closed_port()}{PATH}")
    assert PATH not in f"{caught.value} {caught.value.__cause__!r}"


def test_a_slow_answer_is_not_waited_for():
    """The time is that of the whole answer, however it dribbles."""
    with (
        serve(lambda _: server.dribble(b"HTTP/1.1 200 OK\r\n", b"x")) as server,
        pytest.raises(UpstreamUnavailable),
    ):
        call(server.url, 0.15)


def test_a_large_answer_is_not_read():
    """Nothing that is worth reading is that long."""
    with serve(http(bytes(2**20))) as server, pytest.raises(SizeViolation):
        call(server.url)
