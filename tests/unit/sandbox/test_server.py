"""The server: loopback only, a redacted log, remote control, slow and broken deliveries."""

import datetime as dt
import gzip
import http.client
import json
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tactics.errors import ConfigError
from tactics.sandbox import Fault, Sandbox, World, serve

TODAY = dt.date(2026, 11, 21)
ACCOUNTS = "/meta/v26.0/me/adaccounts"


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """Serve one world to all tests of this file."""
    with serve(World(today=TODAY, days=60)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Iterator[Sandbox]:
    """Return the server with no fault and an empty log."""
    served.clear_requests()
    yield served
    served.world.faults.clear()


class Answer:
    """A whole response."""

    def __init__(self, sandbox: Sandbox, method: str, path: str, body: object = None) -> None:
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            self.status = response.status
            self.headers = response.headers
            self.body = response.read()
        finally:
            connection.close()

    def json(self) -> object:
        """Return the document."""
        return json.loads(self.body)


def with_token(sandbox: Sandbox, path: str = ACCOUNTS) -> str:
    """Return a path with acme's token."""
    environment = sandbox.world.environment(sandbox.url)
    return f"{path}?access_token={environment['TACTICS_ACME_META_ACCESS_TOKEN']}"


def test_answers_are_dated_by_the_world(sandbox: Sandbox) -> None:
    """The date of an answer is the vendors' day, once, whatever the clock of this machine says."""
    for path in (with_token(sandbox), "/meta/v26.0/nobody", "/nowhere"):
        dates = Answer(sandbox, "GET", path).headers.get_all("date")
        assert dates == ["Sat, 21 Nov 2026 06:00:00 GMT"]


def test_requests_are_logged_without_secrets(sandbox: Sandbox) -> None:
    """Method, path, query and status; the token is starred."""
    Answer(sandbox, "GET", with_token(sandbox) + "&limit=1")

    assert [str(entry) for entry in sandbox.requests] == [
        f"GET {ACCOUNTS}?access_token=***&limit=1 -> 200"
    ]


def test_an_api_that_is_not_simulated_is_404(sandbox: Sandbox) -> None:
    """The answer names it."""
    answer = Answer(sandbox, "GET", "/tiktok/v1/reports")

    assert (answer.status, answer.json()) == (404, {"error": "the sandbox has no tiktok"})


def test_faults_are_planted_from_another_process(sandbox: Sandbox) -> None:
    """The control endpoint arms, shows what fired, and heals."""
    plan = {"name": "http_503", "api": "meta", "times": 1}
    Answer(sandbox, "POST", "/_control/faults", plan)

    assert Answer(sandbox, "GET", with_token(sandbox)).status == 503

    planted = Answer(sandbox, "GET", "/_control/faults").json()
    assert [(fault["name"], fault["fired"]) for fault in planted] == [("http_503", 1)]
    assert Answer(sandbox, "DELETE", "/_control/faults").json() == []


def test_the_world_is_changed_from_another_process(sandbox: Sandbox) -> None:
    """Mutations take their arguments by keyword, and totals show them."""
    before = Answer(sandbox, "GET", "/_control/totals").json()
    Answer(sandbox, "POST", "/_control/rename", {"name": "Other"})
    dropped = Answer(sandbox, "POST", "/_control/drop", {"count": 1}).json()
    Answer(sandbox, "POST", "/_control/restate", {"days": 3})
    Answer(sandbox, "POST", "/_control/edit_booking")

    after = Answer(sandbox, "GET", "/_control/totals").json()
    assert "Other" in {row["campaign_name"] for row in after["ads"]}
    assert len(after["ads"]) == len(before["ads"]) - 1
    assert len(dropped["result"]) == 1
    assert after["bookings"] != before["bookings"]


def test_the_configuration_is_served(sandbox: Sandbox) -> None:
    """Another process gets a tactics.toml and the credentials for it."""
    document = Answer(sandbox, "GET", "/_control/config").json()

    assert sandbox.url in document["toml"]
    assert "TACTICS_ACME_STRIPE_API_KEY" in document["environment"]


@pytest.mark.parametrize(
    ("method", "action", "body", "status"),
    [
        ("POST", "faults", {"name": "nonsense", "api": "meta"}, 400),
        ("POST", "faults", {"nonsense": 1}, 400),
        ("POST", "restate", {"weeks": 1}, 400),
        ("POST", "explode", {}, 404),
    ],
)
def test_wrong_control_is_explained(
    sandbox: Sandbox, method: str, action: str, *, body: object, status: int
) -> None:
    """A mistake in a test does not pass silently."""
    answer = Answer(sandbox, method, f"/_control/{action}", body)

    assert answer.status == status
    assert answer.json()["error"]


def test_the_log_is_read_and_cleared_from_another_process(sandbox: Sandbox) -> None:
    """Control requests are not in it."""
    Answer(sandbox, "GET", with_token(sandbox))

    assert len(Answer(sandbox, "GET", "/_control/requests").json()) == 1
    assert Answer(sandbox, "DELETE", "/_control/requests").json() == []


def test_a_body_can_be_cut_off(sandbox: Sandbox) -> None:
    """Half of the JSON comes, with a matching length."""
    whole = Answer(sandbox, "GET", with_token(sandbox)).body
    sandbox.world.faults.plant(Fault("truncated_json", "meta"))

    assert Answer(sandbox, "GET", with_token(sandbox)).body == whole[: len(whole) // 2]


def test_html_can_come_with_200(sandbox: Sandbox) -> None:
    """A proxy's error page claims to be fine."""
    sandbox.world.faults.plant(Fault("html_200", "meta"))

    answer = Answer(sandbox, "GET", with_token(sandbox))

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_a_bomb_is_small_on_the_wire(sandbox: Sandbox) -> None:
    """200 MB of blanks travel as a few hundred KB of valid gzip."""
    sandbox.world.faults.plant(Fault("gzip_bomb", "meta"))

    answer = Answer(sandbox, "GET", with_token(sandbox))

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 1_000_000
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert len(unpacker.decompress(answer.body)) == 200 * 2**20


def test_a_small_bomb_is_whole(sandbox: Sandbox) -> None:
    """Its checksum and size are right."""
    sandbox.world.faults.plant(Fault("gzip_bomb", "meta", options={"megabytes": 2}))

    body = gzip.decompress(Answer(sandbox, "GET", with_token(sandbox)).body)

    assert body == b" " * 2 * 2**20


def test_a_dribble_is_whole_in_the_end(sandbox: Sandbox) -> None:
    """It comes a byte at a time, for a bounded while."""
    whole = Answer(sandbox, "GET", with_token(sandbox)).body
    fault = sandbox.world.faults.plant(Fault("dribble", "meta", seconds=0.2))

    answer = Answer(sandbox, "GET", with_token(sandbox))

    assert answer.body == whole
    assert "content-length" not in answer.headers
    assert fault.fired == 1


def test_a_connection_can_break(sandbox: Sandbox) -> None:
    """Less than the announced length comes."""
    sandbox.world.faults.plant(Fault("disconnect", "meta"))

    with pytest.raises(http.client.IncompleteRead):
        Answer(sandbox, "GET", with_token(sandbox))


@pytest.mark.parametrize("name", ["latency", "hang"])
def test_an_answer_can_be_late(sandbox: Sandbox, name: str) -> None:
    """It comes after the wait, unchanged."""
    fault = sandbox.world.faults.plant(Fault(name, "meta", seconds=0.05))

    assert Answer(sandbox, "GET", with_token(sandbox)).status == 200
    assert fault.fired == 1


def test_a_redirect_leads_to_another_host(sandbox: Sandbox) -> None:
    """Whoever follows would show up in the log."""
    sandbox.world.faults.plant(Fault("cross_host_redirect", "meta"))

    answer = Answer(sandbox, "GET", with_token(sandbox))

    assert answer.status == 302
    assert urlsplit(answer.headers["location"]).hostname == "localhost"
    assert len(sandbox.requests) == 1


def test_plain_errors_are_the_same_everywhere(sandbox: Sandbox) -> None:
    """The token endpoint has no form of its own for 503."""
    sandbox.world.faults.plant(Fault("http_503", "token"))

    answer = Answer(sandbox, "POST", "/token")

    assert (answer.status, answer.body) == (503, b"Service Unavailable")


def test_other_interfaces_are_refused() -> None:
    """The sandbox never serves the network."""
    with pytest.raises(ConfigError, match="this machine only"):
        serve(World(today=TODAY), host="0.0.0.0")


def test_a_taken_port_is_explained(sandbox: Sandbox) -> None:
    """Two servers cannot share one port."""
    port = urlsplit(sandbox.url).port
    assert port

    with pytest.raises(ConfigError, match="cannot listen"):
        serve(World(today=TODAY), port=port)


def test_it_stops_by_itself() -> None:
    """After `max_seconds` nobody needs to stop it."""
    with serve(World(today=TODAY), max_seconds=0.05) as sandbox:
        assert sandbox.wait(10)


def test_it_is_stopped_from_another_process() -> None:
    """Even while an answer hangs."""
    with serve(World(today=TODAY)) as sandbox:
        sandbox.world.faults.plant(Fault("hang", "meta", seconds=60))
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        connection.request("GET", with_token(sandbox))
        Answer(sandbox, "POST", "/_control/stop")

        assert sandbox.wait(10)
        connection.close()
