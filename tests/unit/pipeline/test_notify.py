"""The notifier: what is kept, who is told, what happens when somebody cannot be."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tactics.errors import ConfigError, CredentialError
from tactics.model import Alert, AlertSeverity
from tactics.pipeline import Workspace, deliver_due, raise_alerts, try_channels
from tactics.pipeline.notify import BODY_CHARACTERS, LOG_NAME, TITLE_CHARACTERS
from tactics.store import AlertState
from tactics.transport import forget_secret, register_secret
from tests.support import FakeClock
from tests.unit.alerts.smtp import serve_mail
from tests.unit.pipeline.conftest import Open
from tests.unit.transport.server import Loopback, Seen, closed_port, http, serve

INFO, WARNING, CRITICAL = AlertSeverity
HOUR, DAY = 3600, 86400
SECRET = "planted-secret-0123456789"


def alert(key: str = "a", severity: AlertSeverity = WARNING, **more: object) -> Alert:
    """Return an alert."""
    return Alert(key, severity, **{"title": f"{key} is bad", **more})


def hooked(open_workspace: Open, url: str, **alerts: object) -> Workspace:
    """Return a workspace whose webhook is on."""
    environment = {"TACTICS_ALERTS_WEBHOOK_URL": url} if url else {}
    settings = {"webhook": "info", "webhook_format": "json", "timeout_seconds": 2, **alerts}
    return open_workspace(alerts=settings, environment=environment)


def logged(workspace: Workspace) -> list[tuple[str, str]]:
    """Return what the log says."""
    path = workspace.home.root / LOG_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["key"], line["event"]) for line in lines]


def posted(server: Loopback) -> list[list[tuple[str, str]]]:
    """Return what each message said."""
    return [said(seen) for seen in server.seen]


def said(seen: Seen) -> list[tuple[str, str]]:
    """Return what one message said."""
    return [(one["key"], one["event"]) for one in json.loads(seen.body)["alerts"]]


def keys_of(server: Loopback) -> list[str]:
    """Return the idempotency key of each message."""
    return [seen.headers["idempotency-key"] for seen in server.seen]


def test_the_log_is_told_by_default(workspace: Workspace):
    """Without a setting, alerts are lines of a file."""
    assert raise_alerts(workspace, [alert("a"), alert("b")]) == ("a", "b")
    report = deliver_due(workspace)
    assert (report.delivered, report.warnings) == (1, ())
    assert logged(workspace) == [("a", "raised"), ("b", "raised")]
    assert deliver_due(workspace).delivered == 0


def test_seen_again_nobody_is_told(workspace: Workspace):
    """An open alert only counts."""
    raise_alerts(workspace, [alert()])
    deliver_due(workspace)
    assert raise_alerts(workspace, [alert()]) == ()
    assert deliver_due(workspace).delivered == 0
    assert workspace.store.outbox.get(1).seen == 2


def test_one_message_per_channel_and_round(open_workspace: Open):
    """Several alerts, the worst first; the next round has its own message."""
    with serve(http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url)
        raise_alerts(workspace, [alert("a", INFO), alert("b", CRITICAL), alert("c")])
        assert deliver_due(workspace).delivered == 2
        workspace.store.outbox.resolve(["b"])
        raise_alerts(workspace, [alert("d")])
        deliver_due(workspace)
    assert posted(server) == [
        [("b", "raised"), ("c", "raised"), ("a", "raised")],
        [("d", "raised"), ("b", "resolved")],
    ]
    assert len(set(keys_of(server))) == 2


def test_a_failed_message_is_sent_again_unchanged(open_workspace: Open, clock: FakeClock):
    """Not before it is due; then the same bytes under the same key, and what came since after it."""
    with serve(http(b"", 503), http(b"", 500), http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url)
        raise_alerts(workspace, [alert("a")])
        report = deliver_due(workspace)
        assert "webhook" in report.warnings[0]
        assert "status=503" in report.warnings[0]
        assert report.delivered == 1  # the log
        deliver_due(workspace)
        assert len(server.seen) == 1
        clock.advance(1.25)
        deliver_due(workspace)
        raise_alerts(workspace, [alert("b")])
        clock.advance(2.5)
        assert deliver_due(workspace).delivered == 3
    assert posted(server) == [[("a", "raised")]] * 3 + [[("b", "raised")]]
    assert len({seen.body for seen in server.seen[:3]}) == 1
    first, second, third, fourth = keys_of(server)
    assert first == second == third != fourth


def test_a_channel_that_is_misconfigured_stops_no_other(open_workspace: Open):
    """No address, no mail server: the log is told, and what is wrong is said."""
    workspace = open_workspace(alerts={"webhook": "info", "email": "info"}, environment={})
    raise_alerts(workspace, [alert()])
    report = deliver_due(workspace)
    assert logged(workspace) == [("a", "raised")]
    assert [warning.split(":")[1].strip() for warning in report.warnings] == ["webhook", "email"]
    assert "TACTICS_ALERTS_WEBHOOK_URL" in report.warnings[0]
    assert "smtp_host" in report.warnings[1]


def test_once_it_is_mended_everything_is_told(open_workspace: Open, clock: FakeClock):
    """What gathered during an outage comes in order, and of one alert only how it ended."""
    workspace = hooked(open_workspace, f"http://127.0.0.1:{closed_port()}")
    raise_alerts(workspace, [alert("a")])
    deliver_due(workspace)
    raise_alerts(workspace, [alert("b"), alert("c")])
    deliver_due(workspace)
    workspace.store.outbox.resolve(["a", "b"])
    clock.advance(HOUR)
    with serve(http(b"ok")) as server:
        mended = hooked(open_workspace, server.url)
        assert deliver_due(mended).delivered == 3
    assert posted(server) == [
        [("a", "raised")],
        [("c", "raised"), ("a", "resolved"), ("b", "resolved")],
    ]


def test_a_channel_that_stays_down_is_told_by_the_others(open_workspace: Open, clock: FakeClock):
    """At the third failure, once; and once when it works again."""
    with serve(*[http(b"", 500)] * 4, http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url)
        raise_alerts(workspace, [alert()])
        for _ in range(6):
            deliver_due(workspace)
            clock.advance(HOUR * 2)
    assert logged(workspace) == [
        ("a", "raised"),
        ("channel_down:webhook", "raised"),
        ("channel_down:webhook", "resolved"),
    ]
    assert not any("channel_down" in str(message) for message in posted(server))


def test_several_notifiers_send_a_message_once(open_workspace: Open):
    """The daemon and a sync deliver at the same time."""
    with serve(http(b"ok")) as server:
        workspaces = [hooked(open_workspace, server.url) for _ in range(4)]
        raise_alerts(workspaces[0], [alert("a"), alert("b")])
        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(deliver_due, workspaces))
    assert sum(report.delivered for report in reports) == 2
    assert posted(server) == [[("a", "raised"), ("b", "raised")]]
    assert len(logged(workspaces[0])) == 2


def test_thresholds_are_per_channel(open_workspace: Open):
    """The webhook hears of what is critical only, the log of everything."""
    with serve(http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url, webhook="critical")
        raise_alerts(workspace, [alert("mild"), alert("bad", CRITICAL)])
        deliver_due(workspace)
    assert posted(server) == [[("bad", "raised")]]
    assert len(logged(workspace)) == 2


def test_a_channel_that_is_off_is_told_nothing(open_workspace: Open):
    """Also the log can be turned off."""
    workspace = open_workspace(alerts={"log": "off"})
    assert raise_alerts(workspace, [alert()]) == ("a",)
    assert deliver_due(workspace).delivered == 0
    assert not (workspace.home.root / LOG_NAME).exists()
    assert len(workspace.store.outbox.list_alerts()) == 1


def test_quiet_hours_hold_back_what_can_wait(open_workspace: Open, clock: FakeClock):
    """At night only what is critical is told; a file wakes nobody."""
    with serve(http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url, quiet_hours="08:00-10:00")
        raise_alerts(workspace, [alert("mild"), alert("bad", CRITICAL)])
        deliver_due(workspace)
        assert posted(server) == [[("bad", "raised")]]
        assert len(logged(workspace)) == 2
        clock.advance(HOUR)
        deliver_due(workspace)
    assert posted(server)[1:] == [[("mild", "raised")]]


def test_what_nobody_acknowledges_is_repeated(open_workspace: Open, clock: FakeClock):
    """Once a day, until somebody does."""
    workspace = open_workspace(alerts={"repeat_hours": 24})
    raise_alerts(workspace, [alert()])
    for hours in (0, 12, 12, 24):
        clock.advance(hours * HOUR)
        deliver_due(workspace)
    workspace.store.outbox.acknowledge([1])
    clock.advance(10 * DAY)
    deliver_due(workspace)
    assert logged(workspace) == [("a", "raised"), ("a", "repeated"), ("a", "repeated")]


def test_no_secret_is_kept_or_told(workspace: Workspace):
    """Whatever an error quotes, an alert does not."""
    register_secret(SECRET)
    try:
        words = {"title": f"t {SECRET}", "body": f"b {SECRET}", "command": f"c {SECRET}"}
        raise_alerts(workspace, [alert("a", **words, facts={"url": f"/x?{SECRET}", "n": 1})])
        deliver_due(workspace)
    finally:
        forget_secret(SECRET)
    held = workspace.store.outbox.get(1).alert
    assert (held.title, held.body, held.command) == ("t ***", "b ***", "c ***")
    assert held.facts == {"url": "/x?***", "n": 1}
    files = [path for path in workspace.home.root.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_an_alert_is_not_longer_than_a_message_can_be(workspace: Workspace):
    """A vendor's page in an error fills no screen."""
    raise_alerts(workspace, [alert(title="t" * 9999, body="b" * 9999)])
    held = workspace.store.outbox.get(1).alert
    assert (len(held.title), len(held.body)) == (TITLE_CHARACTERS, BODY_CHARACTERS)


def test_a_machine_without_a_desktop_says_so_once(open_workspace: Open, tmp_path: Path):
    """As an alert of its own on the other channels; nothing piles up behind it."""
    environment = {"PATH": str(tmp_path)}
    workspace = open_workspace(alerts={"desktop": "info"}, environment=environment)
    raise_alerts(workspace, [alert()])
    for _ in range(3):
        assert deliver_due(workspace).warnings == ()
    assert logged(workspace) == [("a", "raised"), ("channel_down:desktop", "raised")]
    [_, absent] = workspace.store.outbox.list_alerts()
    assert (absent.alert.severity, absent.seen) == (INFO, 1)
    assert workspace.store.outbox.backlog() == []
    deliver_due(open_workspace(environment=environment))  # turned off again
    assert workspace.store.outbox.get(absent.alert_id).state is AlertState.RESOLVED


def test_credentials_do_not_reach_the_desktops_program(open_workspace: Open, tmp_path: Path):
    """It gets the session's environment, not ours."""
    program = tmp_path / "notify-send"
    program.write_text(f"#!/bin/sh\n/usr/bin/env > {tmp_path}/seen\n")
    program.chmod(0o755)
    environment = {"PATH": str(tmp_path), "TACTICS_ACME_META_ACCESS_TOKEN": SECRET, "DISPLAY": ":0"}
    workspace = open_workspace(alerts={"desktop": "info"}, environment=environment)
    [shown, _] = try_channels(workspace)
    assert (shown.channel, shown.error) == ("desktop", None)
    seen = (tmp_path / "seen").read_text()
    assert "DISPLAY=:0" in seen
    assert "TACTICS_" not in seen


def test_mail_goes_out_with_the_password_of_the_keyring_or_environment(open_workspace: Open):
    """The same places in which all credentials are found."""
    with serve_mail() as box:
        environment = {"TACTICS_ALERTS_SMTP_PASSWORD": "planted-smtp-password-0123"}
        settings = {
            "email": "info",
            "email_from": "tactics@example.com",
            "email_to": ["ops@example.com"],
            "smtp_host": "127.0.0.1",
            "smtp_port": box.port,
            "smtp_security": "none",
            "smtp_user": "ops",
        }
        workspace = open_workspace(alerts=settings, environment=environment)
        raise_alerts(workspace, [alert()])
        assert deliver_due(workspace).delivered == 2
    assert box.mails[0]["Subject"] == "tactics: a is bad"


def test_a_recipient_that_is_refused_is_a_warning(open_workspace: Open):
    """The others have the mail; nothing is dropped silently."""
    refused = {"RCPT TO:<gone@example.com>": "550 no such user"}
    with serve_mail(answers=refused) as box:
        settings = {
            "email": "info",
            "email_from": "tactics@example.com",
            "email_to": ["gone@example.com", "ops@example.com"],
            "smtp_host": "127.0.0.1",
            "smtp_port": box.port,
            "smtp_security": "none",
        }
        workspace = open_workspace(alerts=settings)
        raise_alerts(workspace, [alert()])
        report = deliver_due(workspace)
    assert report.warnings == ("alerts: email: the server refuses gone@example.com",)


def test_a_test_says_whether_it_arrived(open_workspace: Open):
    """On each channel that is on, at once, whatever the thresholds and the hour."""
    with serve(http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url, webhook="critical", email="info")
        webhook, email, log = try_channels(workspace)
    assert (webhook.channel, webhook.error) == ("webhook", None)
    assert isinstance(email.error, ConfigError)
    assert (log.channel, log.error) == ("log", None)
    assert posted(server) == [[("test", "raised")]]
    assert workspace.store.outbox.list_alerts(resolved=True) == []


def test_a_test_that_arrives_hastens_what_waits(open_workspace: Open):
    """Whoever has mended a channel need not wait an hour."""
    with serve(http(b"", 500), http(b"ok")) as server:
        workspace = hooked(open_workspace, server.url)
        raise_alerts(workspace, [alert()])
        deliver_due(workspace)
        try_channels(workspace, ["webhook"])
        deliver_due(workspace)
    assert posted(server) == [[("a", "raised")], [("test", "raised")], [("a", "raised")]]


def test_a_test_of_a_channel_that_fails_says_why(open_workspace: Open):
    """The error is that of the channel."""
    with serve(http(b"no_service", 404)) as server:
        [trial] = try_channels(hooked(open_workspace, server.url), ["webhook"])
    assert isinstance(trial.error, CredentialError)


@pytest.mark.parametrize("name", ["email", "pigeon"])
def test_a_channel_that_is_off_cannot_be_tested(workspace: Workspace, name: str):
    """The hint says how to turn it on."""
    with pytest.raises(ConfigError, match=name) as caught:
        try_channels(workspace, [name])
    assert f'{name} = "warning"' in caught.value.hint
