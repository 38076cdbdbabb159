"""The webhook channel, against a server on loopback."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.alerts import WebhookChannel, check_answer
from tactics.alerts.webhook import SLACK_CHARACTERS, slack_json
from tactics.clock import SystemClock
from tactics.config import AlertSettings, TransportSettings
from tactics.errors import (
    ContractChanged,
    CredentialError,
    NetworkUnreachable,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Alert, AlertSeverity
from tactics.transport import Response, redact
from tests.unit.alerts.messages import HALT, message, notice
from tests.unit.transport.server import closed_port, http, serve

SECRET = "/services/T0000/B0000/planted-webhook-0123456789"


def channel(address: str | Callable[[], str], **settings: object) -> WebhookChannel:
    """Return a channel to an address."""
    return WebhookChannel(
        address if callable(address) else lambda: address,
        settings=AlertSettings.model_validate(settings),
        transport=TransportSettings(),
        clock=SystemClock(),
    )


def test_slack_gets_text():
    """One POST with the text and the id of the message as Idempotency-Key."""
    with serve(http(b"ok")) as server:
        assert channel(server.url + SECRET).send(message()) == ""
    [seen] = server.seen
    assert (seen.method, seen.target) == ("POST", SECRET)
    assert seen.headers["idempotency-key"] == "0123456789abcdef"
    assert seen.headers["content-type"] == "application/json"
    text = json.loads(seen.body)["text"]
    assert text.splitlines()[:2] == [
        "*tactics: acme/meta is stale*",
        "[warning] acme/meta is stale",
    ]


def test_json_gets_everything():
    """The generic form is the message as it is."""
    with serve(http(b"", 204)) as server:
        channel(server.url, webhook_format="json").send(message())
    assert json.loads(server.seen[0].body) == message().to_json()


def test_a_repeat_is_the_same_bytes():
    """The same message under the same key, so that the receiver can tell."""
    with serve(http(b"ok")) as server:
        hook = channel(server.url)
        for _ in range(2):
            hook.send(message())
    first, second = server.seen
    assert (first.body, first.headers["idempotency-key"]) == (
        second.body,
        second.headers["idempotency-key"],
    )


def test_the_address_is_asked_for_at_each_send():
    """A new one counts at once, also in a process that runs for months."""
    with serve(http()) as old, serve(http()) as new:
        addresses = iter([old.url, new.url])
        hook = channel(lambda: next(addresses))
        hook.send(message())
        hook.send(message())
    assert (len(old.seen), len(new.seen)) == (1, 1)


def test_slacks_own_characters_are_escaped():
    """A vendor's text cannot mention a whole channel."""
    nasty = Alert("k", AlertSeverity.INFO, "<!channel> a & b")
    assert "&lt;!channel&gt; a &amp; b" in slack_json(message(notice(nasty)))["text"]


@given(st.lists(st.text(max_size=900), min_size=1, max_size=40))
def test_a_text_is_never_too_long_for_slack(bodies: list[str]):
    """As many alerts as fit, then how many more there are."""
    told = [notice(Alert("k", AlertSeverity.INFO, "t", body)) for body in bodies]
    text = slack_json(message(*told))["text"]
    assert len(text) <= SLACK_CHARACTERS + 50
    shown = text.count("[info] t\n")
    assert shown == len(bodies) or f"and {len(bodies) - shown} more" in text


def test_what_does_not_fit_is_counted():
    """The reader knows that there is more, and where."""
    told = [notice(Alert("k", AlertSeverity.INFO, "t", "x" * 500)) for _ in range(12)]
    text = slack_json(message(*told))["text"]
    assert text.endswith("and 5 more: `tactics alerts list`")
    assert text.count("[info] t\n") == 7


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ContractChanged),
        (401, CredentialError),
        (403, CredentialError),
        (404, CredentialError),
        (408, UpstreamUnavailable),
        (410, CredentialError),
        (413, ContractChanged),
        (429, RateLimited),
        (500, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (302, ContractChanged),
    ],
)
def test_the_class_of_an_error_says_who_acts(status: int, error: type[TacticsError]):
    """A refused address is a credential, trouble over there passes."""
    with (
        serve(http(b"no_service", status, Location="/x")) as server,
        pytest.raises(error) as caught,
    ):
        channel(server.url + SECRET).send(message())
    assert type(caught.value) is error
    assert f"status={status}" in str(caught.value)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_receiver_says_how_long_to_wait(status: int):
    """Retry-After goes into the error, and so into the row."""
    headers = {"retry-after": "30"}
    with pytest.raises((RateLimited, UpstreamUnavailable)) as caught:
        check_answer(Response(status, b"", headers))
    assert caught.value.retry_after_seconds == 30


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_an_arrival(status: int):
    """Receivers differ in how they say yes."""
    assert check_answer(Response(status, b"ok")) is None


def test_no_address_in_an_error():
    """Whoever reads the log cannot post."""
    with serve(http(f"no hook at {SECRET}".encode(), 404)) as server:
        address = server.url + SECRET
        with pytest.raises(CredentialError) as caught:
            channel(address).send(message())
        said = f"{caught.value!r} {caught.value} {caught.value.hint}"
        assert SECRET not in said
        assert redact(f"see {address}") == "see ***"


def test_nobody_there_is_the_network_and_names_no_address():
    """An offline laptop keeps its alerts."""
    with pytest.raises(NetworkUnreachable) as caught:
        channel(f"http://127.0.0.1:{closed_port()}{SECRET}").send(message())
    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"


def test_a_long_answer_is_cut():
    """A page of HTML is no error message."""
    with pytest.raises(UpstreamUnavailable) as caught:
        check_answer(Response(500, b"<html>" + b"x" * 10_000))
    assert len(str(caught.value)) < 250


def test_a_halt_is_told_with_what_to_run():
    """The text ends in a command."""
    assert "run: tactics validate" in slack_json(message(notice(HALT)))["text"]
