"""Alerts end to end: a run, the outbox, real HTTP and SMTP on loopback, and kill -9 in between."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tactics.model import RunStatus
from tactics.pipeline import deliver_due
from tactics.store.outbox import LEASE_SECONDS
from tests.integration.alert_child import open_workspace
from tests.lab import Lab, open_lab
from tests.support import FakeClock
from tests.unit.alerts.smtp import PASSWORD, USER, serve_mail
from tests.unit.transport.server import Loopback, Seen, closed_port, http, serve

ROOT = Path(__file__).parents[2]
PATH = "/services/T0/B0/planted-webhook-0123456789"


def told(server: Loopback) -> list[list[tuple[str, str]]]:
    """Return what each message said, of each alert its key and what there was to tell."""
    messages = [json.loads(seen.body) for seen in server.seen]
    return [[(one["key"], one["event"]) for one in message["alerts"]] for message in messages]


@contextmanager
def child(home: Path, url: str, what: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that raises an alert, and yield it once the alert is raised."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.alert_child", str(home), url, what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "raised\n"
        try:
            yield process
        finally:
            process.kill()


def test_killed_between_raising_and_delivering(tmp_path: Path):
    """An alert that a dead process has raised is told by the next one."""
    home, clock = tmp_path / "home", FakeClock()
    with serve(http(b"ok")) as server:
        with child(home, server.url, "raise") as process:
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        assert server.seen == []
        with open_workspace(home, server.url, clock) as workspace:
            assert deliver_due(workspace).delivered == 2
            assert deliver_due(workspace).delivered == 0
    assert told(server) == [[("disk", "raised")]]
    assert len((home / "alerts.log").read_text().splitlines()) == 1


def test_killed_after_sending_and_before_writing_it_down(tmp_path: Path):
    """It is sent again once the lease has run out: the same bytes under the same key."""
    home, clock = tmp_path / "home", FakeClock()

    def kill_the_child(seen: Seen) -> bytes:
        if (sender := seen.target.strip("/")).isdecimal():
            os.kill(int(sender), signal.SIGKILL)
        return http(b"ok")

    with serve(kill_the_child) as server:
        with child(home, server.url, "deliver") as process:
            assert process.wait(20) == -signal.SIGKILL
        with open_workspace(home, server.url, clock) as workspace:
            deliver_due(workspace)
            assert len(server.seen) == 1  # somebody may still be at it
            clock.advance(LEASE_SECONDS)
            deliver_due(workspace)
            deliver_due(workspace)
    first, again = server.seen
    assert first.body == again.body
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation and one source, which signs in with a token."""
    with open_lab(tmp_path, days=5, orgs=("acme",), sources=("meta",)) as lab:
        yield lab


def log_of(lab: Lab) -> list[tuple[str, str]]:
    """Return what alerts.log says."""
    text = (lab.home.root / "alerts.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["key"], line["event"]) for line in lines]


def test_a_dead_credential_is_told_and_its_end_too(lab: Lab):
    """By webhook and by mail, with the command to run; the next good sync ends it."""
    lab.plant("auth_expired", times=None)
    with serve(http(b"ok")) as server, serve_mail() as box:
        lab.extra |= {
            "TACTICS_HEALTH__DISK_WARN_BYTES": "0",
            "TACTICS_HEALTH__DISK_FAIL_BYTES": "0",
            "TACTICS_ALERTS__WEBHOOK": "warning",
            "TACTICS_ALERTS__WEBHOOK_FORMAT": "json",
            "TACTICS_ALERTS_WEBHOOK_URL": server.url + PATH,
            "TACTICS_ALERTS__EMAIL": "critical",
            "TACTICS_ALERTS__EMAIL_FROM": "tactics@example.com",
            "TACTICS_ALERTS__EMAIL_TO": '["ops@example.com"]',
            "TACTICS_ALERTS__SMTP_HOST": "127.0.0.1",
            "TACTICS_ALERTS__SMTP_PORT": str(box.port),
            "TACTICS_ALERTS__SMTP_SECURITY": "none",
            "TACTICS_ALERTS__SMTP_USER": USER,
            "TACTICS_ALERTS_SMTP_PASSWORD": PASSWORD,
        }
        bad = lab.sync()
        lab.world.faults.clear()
        lab.clock.advance(600)
        good = lab.sync()
    assert (bad.status, good.status) == (RunStatus.DEGRADED, RunStatus.SUCCEEDED)
    assert bad.warnings == good.warnings == ()
    dead, stale = "auth:acme/meta", "freshness:acme/meta"
    assert told(server) == [
        [(dead, "raised"), (stale, "raised")],
        [(dead, "resolved"), (stale, "resolved")],
    ]
    first, last = box.mails
    assert "tactics auth set acme meta access_token" in first.get_content()
    assert last["Subject"] == "tactics: resolved: acme/meta cannot sign in"
    assert len(log_of(lab)) == 4
    assert_no_secret(lab, [seen.body for seen in server.seen] + [bytes(mail) for mail in box.mails])


def assert_no_secret(lab: Lab, bodies: list[bytes]) -> None:
    """No secret of the vendor or of a channel stands in a message or in a file of the home."""
    secrets = [text.encode() for text in (*lab.world.secrets(), PASSWORD, PATH) if len(text) > 7]
    files = [path.read_bytes() for path in lab.home.root.rglob("*") if path.is_file()]
    assert len(secrets) > 2
    assert [secret for secret in secrets for text in (*bodies, *files) if secret in text] == []


def test_a_receiver_that_is_down_fails_no_run(lab: Lab):
    """The sync ends as it went, says on stderr what waits, and the next one tells it."""
    lab.extra |= {
        "TACTICS_ALERTS__WEBHOOK": "info",
        "TACTICS_ALERTS__WEBHOOK_FORMAT": "json",
        "TACTICS_HEALTH__DISK_WARN_BYTES": str(2**60),
        "TACTICS_HEALTH__DISK_FAIL_BYTES": "0",
        "TACTICS_ALERTS_WEBHOOK_URL": f"http://127.0.0.1:{closed_port()}{PATH}",
    }
    done = lab.command("sync")
    assert done.returncode == 0, done.stderr
    assert "alerts: webhook: no connection" in done.stderr
    assert PATH not in done.stdout + done.stderr
    listed = lab.command("alerts", "list")
    assert "the disk of the home is nearly full" in listed.stdout
    assert "not told after 1 try" in listed.stderr
    assert lab.command("alerts", "ack", "--all").stdout == "1 alert acknowledged\n"
    with serve(http(b"ok")) as server:
        lab.extra["TACTICS_ALERTS_WEBHOOK_URL"] = server.url
        lab.clock.advance(60)
        assert lab.sync().warnings == ()
    assert told(server) == [[("disk", "raised")]]
    assert log_of(lab) == [("disk", "raised")]
