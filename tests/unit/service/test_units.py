"""The text of the units."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.service.plan import Scope, Secret
from tactics.service.units import environment_of, render_unit, word

FULL = Secret("acme.meta.access_token", Path("/etc/tactics/credentials/acme.meta.access_token"))


def lines_of(text, section="Service"):
    """Return the settings of a section."""
    body = text.split(f"[{section}]\n")[1].split("\n\n[")[0]
    return body.strip().splitlines()


def test_the_service_is_told_ready_watched_and_restarted(make_plan):
    """What unattended work needs: readiness, a watchdog, restarts without end but for 2 and 70."""
    lines = lines_of(render_unit(make_plan(), 252))
    for line in (
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSec=120",
        "Restart=on-failure",
        "RestartPreventExitStatus=2 70",
        "KillMode=mixed",
        "ExecStart=/opt/tactics/bin/python -m tactics daemon run",
    ):
        assert line in lines
    assert "StartLimitIntervalSec=0" in lines_of(render_unit(make_plan(), 252), "Unit")


@pytest.mark.parametrize(("drain", "stop"), [(30.0, 45), (0.5, 16), (600.0, 615)])
def test_systemd_waits_longer_than_the_drain(make_plan, drain, stop):
    """The drain is never cut off by SIGKILL."""
    text = render_unit(make_plan(drain_seconds=drain), 252)
    assert f"TimeoutStopSec={stop}" in lines_of(text)


def test_the_pause_between_restarts_grows_where_systemd_can(make_plan):
    """An older systemd, which would warn of keys it does not know, gets one longer pause."""
    old, new = (lines_of(render_unit(make_plan(), version)) for version in (252, 254))
    assert "RestartSec=15" in old
    assert not [line for line in old if line.startswith("RestartSteps")]
    assert {"RestartSec=5", "RestartSteps=6", "RestartMaxDelaySec=300"} <= set(new)


def test_every_path_is_absolute(make_plan):
    """A service has no working directory and no PATH that one could rely on."""
    lines = lines_of(render_unit(make_plan(secrets=(FULL,)), 252))
    assert "Environment=TACTICS_HOME=/var/lib/tactics" in lines
    assert "Environment=TACTICS_CONFIG=/etc/tactics/tactics.toml" in lines
    assert "EnvironmentFile=-/etc/tactics/environment" in lines
    assert f"LoadCredential={FULL.name}:{FULL.path}" in lines


def test_an_encrypted_credential_is_decrypted_by_systemd(make_plan):
    """`systemd-creds encrypt` made the file."""
    sealed = Secret("acme.stripe.api_key", Path("/c/acme.stripe.api_key.cred"), encrypted=True)
    lines = lines_of(render_unit(make_plan(secrets=(sealed,)), 252))
    assert "LoadCredentialEncrypted=acme.stripe.api_key:/c/acme.stripe.api_key.cred" in lines


def test_the_units_hold_no_secret(make_plan):
    """They name files; everybody can read a unit."""
    assert "PASSWORD" not in render_unit(make_plan(secrets=(FULL,)), 252).upper()


def test_a_home_elsewhere_is_the_one_place_that_can_be_written(make_plan):
    """Below /var/lib systemd makes it; anything else is opened for writing."""
    inside = lines_of(render_unit(make_plan(home=Path("/var/lib/a/b")), 252))
    outside = lines_of(render_unit(make_plan(home=Path("/srv/my data")), 252))
    assert "StateDirectory=a/b" in inside
    assert 'ReadWritePaths="/srv/my data"' in outside
    assert not [line for line in outside if line.startswith("StateDirectory")]


def test_a_persons_unit_needs_no_privilege(make_plan):
    """No user, no namespaces, and it starts with the person's session or lingering."""
    text = render_unit(make_plan(Scope.USER), 252)
    assert not {"User", "ProtectSystem", "PrivateUsers"} & {
        line.split("=")[0] for line in lines_of(text)
    }
    assert lines_of(text, "Install") == ["WantedBy=default.target"]
    assert "network-online" not in text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("/plain/path", "/plain/path"),
        ("/my data", '"/my data"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("50%", "50%%"),
        ("", '""'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(text, quoted):
    """Spaces, quotes, backslashes and percent signs."""
    assert word(text) == quoted


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1))
def test_a_quoted_word_is_one_word_again(text):
    """Whatever a path holds, it comes back as it was."""
    assert shlex.split(word(text).replace("%%", "%")) == [text]


def test_a_dollar_in_the_program_is_no_variable(make_plan):
    """It would be replaced."""
    text = render_unit(make_plan(python=Path("/opt/$x/python")), 252)
    assert 'ExecStart="/opt/$$x/python" -m tactics daemon run' in lines_of(text)


def test_the_environment_of_a_unit_is_what_does_not_run_it(make_plan):
    """User, folders, secrets and filters; neither the start nor the restarts."""
    settings = environment_of(render_unit(make_plan(secrets=(FULL,)), 254))
    keys = {setting.split("=")[0] for setting in settings}
    assert {"User", "Environment", "LoadCredential", "ProtectSystem", "StateDirectory"} <= keys
    assert not {key for key in keys if key.startswith(("Exec", "Restart", "Watchdog", "Timeout"))}
    assert not {"Type", "Description", "WantedBy"} & keys


def test_the_drop_ins_of_an_administrator_count():
    """`systemctl cat` prints them after the unit; comments and other sections do not count."""
    text = (
        "# /etc/systemd/system/tactics.service\n[Unit]\nDescription=x\n[Service]\nUser=tactics\n"
        "# /etc/systemd/system/tactics.service.d/mine.conf\n[Service]\nUser = ada\n"
        "Environment=A=1 \\\nB=50%%\n;Nice=1\n"
    )
    assert environment_of(text) == ["User=tactics", "User=ada", "Environment=A=1  B=50%"]
