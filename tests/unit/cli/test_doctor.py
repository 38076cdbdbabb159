"""What the doctor finds."""

import datetime as dt
import json

import pytest

from tactics.cli import checks
from tactics.cli.checks import Level
from tactics.cli.session import Session
from tactics.model import RunStatus
from tactics.store import Store

TODAY = dt.date(2026, 11, 21)
CONFIG = """
[orgs.acme]
name = "Acme"
currency = "EUR"
timezone = "Europe/Vienna"
[orgs.acme.sources.stripe]
accounts = ["main"]
"""


@pytest.fixture
def configured(home):
    """Write a configuration with one source."""
    path = home.root / "tactics.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)


def lines_of(told):
    """Return the level of each check."""
    return {row["check"]: row for row in json.loads(told.out)["rows"]}


def test_every_line_that_is_not_ok_has_a_remedy(tactics):
    """Without a configuration the doctor still says all it can, and what to do."""
    told = tactics("doctor", "--json")
    lines = lines_of(told)
    assert told.code == 2
    assert lines["config"]["level"] == "fail"
    assert "credentials" not in lines
    assert all(row["remedy"] for row in lines.values() if row["level"] != "ok")


@pytest.mark.usefixtures("configured")
def test_a_missing_credential_fails_with_the_command(tactics):
    """The exit code is that of credentials, the remedy can be pasted."""
    told = tactics("doctor", "--json")
    assert told.code == 3
    line = lines_of(told)["credentials acme/stripe"]
    assert line["remedy"] == "`tactics auth set acme stripe api_key`"


@pytest.mark.usefixtures("configured")
def test_a_credential_is_located_and_never_shown(tactics, monkeypatch):
    """Doctor and `auth list` say where it is, not what it is."""
    monkeypatch.setenv("TACTICS_ACME_STRIPE_API_KEY", "rk_test_0123456789")
    doctor, listed = tactics("doctor"), tactics("auth", "list")
    assert (doctor.code, listed.code) == (0, 0)
    assert "api_key from environment" in doctor.out
    assert "TACTICS_ACME_STRIPE_API_KEY" in listed.out
    assert "rk_test_0123456789" not in doctor.out + doctor.err + listed.out


def test_a_home_that_others_can_read_is_a_warning(tactics, home):
    """Permissions are checked, not repaired."""
    home.root.chmod(0o755)
    line = lines_of(tactics("doctor", "--json"))["home"]
    assert line["level"] == "warn"
    assert line["remedy"].startswith("chmod")


def test_a_damaged_database_is_an_integrity_failure(tactics, home, clock):
    """The exit code is 70 when the file is no longer ours to read."""
    Store.open(home.database, clock).close()
    data = bytearray(home.database.read_bytes())
    data[100:4000] = b"\xff" * 3900
    home.database.write_bytes(data)
    told = tactics("doctor", "--json")
    lines = lines_of(told)
    assert lines["database"]["level"] == "fail"
    assert lines.keys().isdisjoint({"clock", "queue", "breakers"})  # told once
    assert told.code == 70


def test_the_last_run_and_an_unusable_lake_are_seen(tactics, home, clock):
    """A run that ended badly and a folder that cannot be written each have a line."""
    with Store.open(home.database, clock) as store:
        store.runs.finish(store.runs.start("sync", {}), RunStatus.DEGRADED, {})
    (home.lake / "warehouse").write_text("in the way")
    lines = lines_of(tactics("doctor", "--json"))
    assert lines["last run"]["level"] == "warn"
    assert lines["last run"]["detail"] == "sync degraded, 0 s ago"
    assert lines["lake"]["level"] == "fail"


def test_queue_breakers_and_a_clock_that_went_back_are_seen(tactics, home, clock):
    """What waits, what is open and a run in the future each have a line."""
    clock.advance(3600)
    with Store.open(home.database, clock) as store:
        store.runs.start("sync", {})
        until = clock.now() + dt.timedelta(hours=1)
        store.breakers.open_until("meta_breaker", until=until, reason="429", now=clock.now())
    lines = lines_of(tactics("doctor", "--json"))
    assert lines["clock"]["level"] == "fail"
    assert lines["breaker"]["detail"].startswith("meta_breaker is open until")
    assert lines["queue"]["level"] == "ok"


@pytest.mark.parametrize(
    ("days", "level"),
    [(400, Level.OK), (61, Level.OK), (60, Level.WARN), (8, Level.WARN), (7, Level.FAIL),
     (0, Level.FAIL)],
)  # fmt: skip
def test_an_api_version_is_announced_60_30_and_7_days_before_its_end(days, level):
    """From a week before its end on it counts as broken."""
    line = checks.sunset_line("meta", "v26.0", TODAY + dt.timedelta(days=days), TODAY)
    assert line.level is level
    assert bool(line.remedy) == (level is not Level.OK)


def test_an_api_without_an_end_is_fine():
    """Many vendors announce none."""
    assert checks.sunset_line("x", "v1", None, TODAY).level is Level.OK


def test_every_check_runs_on_an_empty_machine(tmp_path):
    """A home that does not exist breaks no check and is not made."""
    root = tmp_path / "none"
    session = Session.begin(home=root, config=root / "tactics.toml")
    for name, check in checks.CHECKS.items():
        if checks.NEEDS.get(name) != "config" and name not in {"config", "last run", "lake"}:
            assert list(check(session)), name
    assert not root.exists()
