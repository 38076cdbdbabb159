"""The server on loopback: who may ask, what is answered, and that it ends."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tactics.daemon.guard import is_own_host
from tactics.daemon.server import Server, Views, build_application

TOKEN = "a-token-of-some-length"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a running server with one more page."""

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("a page")

    views = Views(
        alive=lambda: (200, {"status": "ok"}),
        ready=lambda: (503, {"status": "draining"}),
        health=lambda: (200, {"state": "ok"}),
        metrics=lambda: "tactics_up 1\n",
    )
    server = Server(0)
    more = [Route("/app/", page)]
    server.start(lambda pool: build_application(views, token=TOKEN, pool=pool, more=more))
    yield server
    server.stop()


def ask(server: Server, path: str, token: str = TOKEN, **headers: str) -> Reply:
    """Ask the server for a path."""
    given = {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(server.url + path, headers=given | headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Reply(answer.status, answer.read().decode(), dict(answer.headers))
    except urllib.error.HTTPError as answer:
        with answer:
            return Reply(answer.code, answer.read().decode(), dict(answer.headers))


def test_liveness_is_open_and_the_rest_is_not(server: Server):
    """A watchdog needs no token for /healthz; whoever wants more does."""
    assert ask(server, "/healthz", token="").status == 200
    for path in ("/readyz", "/api/health/system", "/metrics", "/app/", "/nothing"):
        refused = ask(server, path, token="")
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert ask(server, "/metrics", token="another").status == 401
    assert ask(server, "/metrics", token="", authorization=f"Basic {TOKEN}").status == 401


def test_what_is_answered(server: Server):
    """Status and document of each view; nobody may keep them."""
    assert ask(server, "/readyz").status == 503
    health = ask(server, "/api/health/system")
    assert json.loads(health.text) == {"state": "ok"}
    assert health.headers["cache-control"] == "no-store"
    metrics = ask(server, "/metrics")
    assert metrics.text == "tactics_up 1\n"
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert ask(server, "/app/").text == "a page"
    assert ask(server, "/nothing").status == 404


def test_another_name_for_this_machine_is_refused(server: Server):
    """A page whose name was bent to loopback gets nothing, not even liveness."""
    assert ask(server, "/healthz", host="evil.example").status == 421
    assert ask(server, "/metrics", host="localhost").status == 200


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8737", True),
        ("LOCALHOST", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("127.0.0.1.evil.example", False),
        ("evil.example:127", False),
        ("::1", False),
        ("", False),
    ],
)
def test_names_of_this_machine(host: str, *, own: bool):
    """Only loopback's own names are allowed, with any port."""
    assert is_own_host(host) is own


def test_a_port_that_is_taken_is_no_obstacle(server: Server, caplog: pytest.LogCaptureFixture):
    """The data comes all the same, and the log says so."""
    taken = int(server.url.rpartition(":")[2])
    other = Server(taken)
    assert other.url != server.url
    assert str(taken) in caplog.text
    other.stop()


def test_it_closes(server: Server):
    """After the end nobody answers, and the port is free again."""
    port = int(server.url.rpartition(":")[2])
    server.stop()
    with pytest.raises(OSError, match="refused"):
        ask(server, "/healthz")
    again = Server(port)
    assert again.url == server.url
    again.stop()
