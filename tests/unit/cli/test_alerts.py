"""Alerts on the command line, on a real store."""

import datetime as dt
import json

import pytest

from tactics.errors import UpstreamUnavailable
from tactics.model import Alert, AlertSeverity
from tests.unit.transport.server import http, serve

ROUTES = dict.fromkeys(AlertSeverity, ("log", "webhook"))
STALE = Alert(
    "freshness:acme/meta",
    AlertSeverity.WARNING,
    "acme/meta is stale",
    "ads was last fetched 40 h ago",
    "tactics sync --org acme --source meta",
    org_id="acme",
    source="meta",
    facts={"age_seconds": 144000},
)
DISK = Alert("disk", AlertSeverity.CRITICAL, "the disk of the home is nearly full")


@pytest.fixture
def outbox(store, clock):
    """Return the outbox of a store with two open alerts and one that is over, two hours old."""
    clock.advance(-7200)
    for alert in (STALE, DISK, Alert("over", AlertSeverity.INFO, "something was")):
        store.outbox.raise_alert(alert, ROUTES)
    store.outbox.resolve(["over"])
    clock.advance(7200)
    store.outbox.raise_alert(STALE, ROUTES)
    return store.outbox


def states(outbox):
    """Return the state of each alert that is not resolved, by its id."""
    return {one.alert_id: one.state.value for one in outbox.list_alerts()}


def rows_of(told):
    """Return the rows that a command printed."""
    return json.loads(told.out)["rows"]


@pytest.mark.usefixtures("store")
def test_an_empty_list_is_told_on_stderr(tactics):
    """No rows: stdout stays empty, the exit code is 0."""
    told = tactics("alerts", "list")
    assert (told.code, told.out, told.err) == (0, "", "nothing is the matter\n")


@pytest.mark.usefixtures("outbox")
def test_the_list_says_what_is_the_matter(tactics):
    """The worst first, with the command that mends it as talk."""
    told = tactics("alerts", "list")
    lines = [line.split() for line in told.out.splitlines()]
    assert lines[1][:6] == ["2", "critical", "open", "2", "h", "1"]
    assert lines[2] == ["1", "warning", "open", "2", "h", "2", "acme/meta", "is", "stale"]
    assert told.err == "1: tactics sync --org acme --source meta\n"
    assert "something was" in tactics("alerts", "list", "--all").out


@pytest.mark.usefixtures("outbox")
def test_the_list_as_json(tactics):
    """A script finds everything, in UTC."""
    disk, stale = rows_of(tactics("alerts", "list", "--json"))
    assert (disk["severity"], disk["org_id"], disk["command"]) == ("critical", None, "")
    assert 7200 <= stale.pop("age_seconds") < 7260
    assert stale == {
        "alert_id": 1,
        "severity": "warning",
        "state": "open",
        "key": "freshness:acme/meta",
        "org_id": "acme",
        "source": "meta",
        "title": "acme/meta is stale",
        "body": "ads was last fetched 40 h ago",
        "command": "tactics sync --org acme --source meta",
        "facts": {"age_seconds": 144000},
        "seen": 2,
        "created_at": "2026-11-21T07:00:00Z",
        "last_seen_at": "2026-11-21T09:00:00Z",
        "snoozed_until": None,
        "resolved_at": None,
    }
    assert len(rows_of(tactics("alerts", "list", "--limit", 1, "--json"))) == 1


def test_a_channel_that_is_silent_is_told(tactics, outbox):
    """How much waits there, why, and when it is tried again."""
    ids = [notice.notice_id for notice in outbox.waiting("webhook")]
    delivery = outbox.start("webhook", "{}", ids)
    outbox.fail(delivery, UpstreamUnavailable("the receiver has trouble", status=503))
    err = tactics("alerts", "list").err
    assert "warning: webhook: 4 notices not told after 1 try: the receiver has trouble" in err
    assert "next try in 1 s" in err


def test_acknowledging(tactics, outbox):
    """By number, or all; an unknown number changes nothing."""
    assert tactics("alerts", "ack", 1, 99).code == 4
    assert states(outbox) == {1: "open", 2: "open"}
    assert tactics("alerts", "ack", 1).out == "1 alert acknowledged\n"
    assert states(outbox) == {1: "acknowledged", 2: "open"}
    assert rows_of(tactics("alerts", "ack", "--all", "--json")) == [{"count": 2}]


@pytest.mark.parametrize("verb", ["ack", "resolve"])
@pytest.mark.parametrize("words", [[], [1, "--all"]])
@pytest.mark.usefixtures("outbox")
def test_say_which(tactics, verb, words):
    """Neither none nor both."""
    told = tactics("alerts", verb, *words)
    assert told.code == 2
    assert "say which alerts" in told.err


@pytest.mark.parametrize(
    ("words", "until"),
    [
        (["--hours", 3], "2026-11-21T12:00:00+00:00"),
        (["--until", "2026-11-23T08:00Z"], "2026-11-23T08:00:00+00:00"),
        (["--until", "2026-11-23T08:00"], "2026-11-23T08:00:00+00:00"),
        (["--until", "2026-11-23T09:00+01:00"], "2026-11-23T08:00:00+00:00"),
        (["--until", "2026-11-23"], "2026-11-23T00:00:00+00:00"),
    ],
)
def test_snoozing_until_an_instant(tactics, outbox, words, until):
    """An instant, in UTC unless it says otherwise, or hours from now."""
    assert tactics("alerts", "snooze", 1, *words).out == "1 alert snoozed\n"
    away = outbox.get(1).snoozed_until - dt.datetime.fromisoformat(until)
    assert abs(away) < dt.timedelta(minutes=1)  # the command's clock runs on from 09:00
    assert states(outbox) == {1: "snoozed", 2: "open"}


@pytest.mark.parametrize(
    "words",
    [
        [1],
        [1, "--hours", 1, "--until", "2026-11-23"],
        [1, "--until", "tomorrow"],
        [1, "--until", "2026-11-20T08:00Z"],
        [1, "--hours", 0],
        ["--hours", 1],
    ],
)
def test_a_snooze_needs_one_instant_to_come(tactics, outbox, words):
    """Anything else is a usage error and changes nothing."""
    assert tactics("alerts", "snooze", *words).code == 2
    assert states(outbox) == {1: "open", 2: "open"}


def test_resolving_by_hand(tactics, outbox):
    """It is closed; the next run raises it anew if it lasts."""
    assert tactics("alerts", "resolve", 1).out == "1 alert resolved\n"
    assert states(outbox) == {2: "open"}
    assert tactics("alerts", "resolve", "--all", "--json").code == 0
    assert states(outbox) == {}
    assert tactics("alerts", "resolve", 1).out == "0 alerts resolved\n"


@pytest.fixture
def configured(home):
    """Return a function that writes the section of the alerts."""

    def write(text: str) -> None:
        (home.root / "tactics.toml").write_text(f"[alerts]\n{text}\n", encoding="utf-8")

    return write


def test_a_test_says_where_it_arrived(tactics, configured, monkeypatch):
    """Each channel that is on; what fails has a hint, and the exit code of its class."""
    with serve(http(b"ok")) as server:
        monkeypatch.setenv("TACTICS_ALERTS_WEBHOOK_URL", server.url)
        configured('webhook = "warning"\nemail = "warning"')
        told = tactics("alerts", "test")
    assert told.out == "webhook: sent\nlog: sent\n"
    assert "error: email: e-mail is not set up" in told.err
    assert "smtp_host" in told.err
    assert told.code == 2
    assert len(server.seen) == 1


def test_a_test_as_json(tactics, configured, monkeypatch):
    """A script sees each outcome."""
    with serve(http(b"no_service", 404)) as server:
        monkeypatch.setenv("TACTICS_ALERTS_WEBHOOK_URL", server.url)
        configured('webhook = "warning"')
        told = tactics("alerts", "test", "--json")
    webhook, log = rows_of(told)
    assert (webhook["channel"], webhook["sent"], webhook["error"]) == (
        "webhook",
        False,
        "credential_error",
    )
    assert (log["channel"], log["sent"], log["error"]) == ("log", True, None)
    assert told.code == 3


def test_one_channel_can_be_tested(tactics, configured):
    """By name; one that is off is a usage error."""
    configured("")
    assert tactics("alerts", "test", "--channel", "log").out == "log: sent\n"
    assert tactics("alerts", "test", "--channel", "webhook").code == 2


@pytest.mark.parametrize(("source", "name"), [("webhook", "url"), ("smtp", "password")])
def test_the_secrets_of_channels_are_kept_like_any_other(tactics, configured, source, name):
    """`tactics auth` knows them; a name that no channel has is refused."""
    configured('webhook = "info"\nemail = "info"\nsmtp_user = "ops"')
    assert tactics("auth", "set", "alerts", source, "other").code == 4
    rows = rows_of(tactics("auth", "list", "--json"))
    assert f"alerts/{source}/{name}" in [row["credential"] for row in rows]


def test_a_home_without_a_store_says_what_to_do(tactics):
    """Nothing was ever run here."""
    told = tactics("alerts", "list")
    assert told.code == 4
    assert "tactics sync" in told.err
