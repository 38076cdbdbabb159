"""One request and its whole response, within bounds."""

import gzip
import subprocess
import sys
import time

import httpx
import pytest

from tactics import __version__
from tactics.clock import SystemClock
from tactics.config import TransportSettings
from tactics.errors import (
    ContractChanged,
    CredentialError,
    NetworkUnreachable,
    SizeViolation,
    UpstreamUnavailable,
)
from tactics.transport import get, post_json
from tactics.transport.deadline import Deadline, bound, until
from tactics.transport.sender import Sender
from tests.unit.transport.server import closed_port, http, serve

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def senders():
    """Return a maker of senders; their connections are closed afterwards."""
    made = []

    def make(**settings) -> Sender:
        made.append(Sender(TransportSettings(**settings), SystemClock()))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def send(sender: Sender, url: str, request=None):
    return sender.send(httpx.URL(url), request or get("/"), sender.deadline())


def test_response_comes_whole(senders):
    """Status, body, lower-case headers, and what it weighed."""
    packed = gzip.compress(b"hello" * 50)
    with serve(http(packed, 418, Content_Encoding="gzip", X_Usage="9")) as server:
        received = send(senders(), f"{server.url}/a?access_token=abc")
    response = received.response
    assert (response.status, response.body) == (418, b"hello" * 50)
    assert response.headers["x-usage"] == "9"
    assert received.sent_bytes == len(packed)


def test_request_says_who_asks_and_accepts_gzip_only(senders):
    """The user agent carries our version; nothing but gzip is asked for, whoever tries."""
    request = post_json("/", {"a": 1}).with_headers(Accept_Encoding="br", x_y="z")
    with serve(http()) as server:
        send(senders(), server.url, request)
    (seen,) = server.seen
    assert seen.headers["user-agent"] == f"tactics/{__version__}"
    assert seen.headers["accept-encoding"] == "gzip"
    assert (seen.headers["x-y"], seen.body) == ("z", b'{"a": 1}')


def test_cookies_are_not_kept(senders):
    """A cookie set by one answer is not sent with the next request."""
    sender = senders()
    with serve(http(Set_Cookie="session=1; Path=/")) as server:
        send(sender, server.url)
        send(sender, server.url)
    assert "cookie" not in server.seen[1].headers


def test_redirects_are_not_followed(senders):
    """Where a redirect may lead is not decided here."""
    with serve(http(b"", 302, Location="/elsewhere")) as server:
        assert send(senders(), server.url).response.status == 302
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (HEAD + b"content-length: 100000\r\n\r\n", b"x"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1", b"0"),
        (HEAD + b"x-slow: ", b"y"),
    ],
    ids=["body", "chunk header", "headers"],
)
def test_dribbling_answer_ends_at_the_deadline(senders, head, piece):
    """A byte now and then does not hold a thread longer than the total deadline."""
    started = time.monotonic()
    with serve(lambda _: server.dribble(head, piece)) as server:
        sender = senders(read_timeout_seconds=5, total_timeout_seconds=0.15)
        with pytest.raises(UpstreamUnavailable, match="whole response took too long"):
            send(sender, server.url)
    assert time.monotonic() - started < 2


def test_silence_ends_at_the_read_timeout(senders):
    """A server that says nothing is left after the pause allowed between two pieces."""
    with serve(lambda _: server.dribble(b"", b"", pause=0.5)) as server:
        sender = senders(read_timeout_seconds=0.05)
        with pytest.raises(UpstreamUnavailable, match="stopped answering"):
            send(sender, server.url)


def test_expired_deadline_sends_nothing(senders):
    """A request whose time is over before it leaves does not leave."""
    with serve(http()) as server:
        with pytest.raises(NetworkUnreachable, match="deadline"):
            senders().send(httpx.URL(server.url), get("/"), Deadline(SystemClock(), -1))
        assert server.seen == []


def test_deadline_bounds_a_wait_without_a_timeout():
    """The deadline holds where nobody gave a timeout, and ends with its block."""
    with serve(http()) as server, bound(httpx.Client(timeout=None)) as client:  # noqa: S113
        with until(Deadline(SystemClock(), 5)):
            assert client.get(server.url).status_code == 200
        assert client.get(server.url).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"content-length: 100\r\n\r\nshort",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nab",
        b"",
        b"HTTP/1.1 2",
        b"not http at all\r\n\r\n",
        HEAD + b"bad header line\r\n\r\n",
    ],
)
def test_cut_or_garbled_answer_is_transient(senders, answer):
    """An answer that breaks off, or is no HTTP, is worth another try."""
    with serve(answer) as server, pytest.raises(UpstreamUnavailable):
        send(senders(), server.url)


def test_announced_size_is_refused(senders):
    """A body that announces too much is not read."""
    with serve(HEAD + b"content-length: 5000\r\n\r\n") as server, pytest.raises(SizeViolation):
        send(senders(max_response_bytes=4999), server.url)


def test_bomb_is_a_size_violation(senders):
    """A body that unpacks beyond the budget ends the response."""
    bomb = gzip.compress(bytes(2**20))
    with (
        serve(http(bomb, Content_Encoding="gzip")) as server,
        pytest.raises(SizeViolation, match="unpacked"),
    ):
        send(senders(max_body_bytes=1000), server.url)


def test_refused_connection_is_the_network(senders):
    """Nobody listening means that there is no way to the vendor."""
    with pytest.raises(NetworkUnreachable, match="no connection to the vendor"):
        send(senders(), f"http://127.0.0.1:{closed_port()}/?access_token=abc")


def test_unknown_name_is_the_network(senders):
    """A host name that cannot be resolved is the network's fault, as far as anybody can tell."""
    with pytest.raises(NetworkUnreachable):
        send(senders(), "http://no-such-host.invalid/")


def test_impossible_name_is_the_vendors_fault(senders):
    """A host name that cannot exist is not looked for."""
    with pytest.raises(ContractChanged):
        send(senders(), f"http://{'a' * 70}.invalid/")


def test_https_against_a_plain_server_is_no_network_failure(senders):
    """A TLS handshake that fails does not make us work offline."""
    with (
        serve(b"HTTP/1.1 400 Bad\r\n\r\n") as server,
        pytest.raises(UpstreamUnavailable, match="no trustworthy connection") as caught,
    ):
        send(senders(), server.url.replace("http:", "https:"))
    assert not isinstance(caught.value, NetworkUnreachable)


@pytest.mark.parametrize("value", ["planted\nsecret", "planted ", "plänted"])
def test_header_that_http_forbids_is_never_quoted(senders, value):
    """A token with a line break is refused without being shown."""
    request = get("/").with_headers(authorization=value)
    with pytest.raises(CredentialError, match="header=authorization") as caught:
        send(senders(), "http://127.0.0.1:1/", request)
    assert "pl" not in str(caught.value).replace("stored", "")


def test_proxy_of_the_environment_is_used_only_when_trusted(senders, monkeypatch):
    """HTTP_PROXY counts when trust_env is on, and the deadline holds through the proxy too."""
    with serve(http(b"direct")) as server, serve(http(b"proxied")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "elsewhere.example")
        assert send(senders(), server.url).response.body == b"direct"
        assert send(senders(trust_env=True), server.url).response.body == b"proxied"


def test_certificate_authorities_are_read_once():
    """All sources of a run begin at the same time, in a process that has sent nothing yet."""
    script = """
import threading
import httpx
from tactics.clock import SystemClock
from tactics.config import TransportSettings
from tactics.transport.sender import Sender

read, ready, make = [], threading.Barrier(4), httpx.create_ssl_context

def count(**options):
    read.append(options)
    return make(**options)

def begin():
    ready.wait()
    Sender(TransportSettings(), SystemClock()).close()

httpx.create_ssl_context = count
threads = [threading.Thread(target=begin) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(read))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["1"]
