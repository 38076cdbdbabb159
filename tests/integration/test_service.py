"""The units as systemd's own tools judge them, and `tactics service` where nothing is installed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tactics.service.plan import Plan, Scope, Secret
from tactics.service.units import UNIT, render_unit

MOST_EXPOSED = 1.5
analyzed = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd"
)


def make_plan(scope: Scope) -> Plan:
    """Return a plan of a program and a user that every Linux has."""
    folder = Path("/etc/tactics")
    secret = Secret("acme.meta.access_token", folder / "credentials/acme.meta.access_token")
    user = "daemon" if scope is Scope.SYSTEM else ""
    python = Path("/bin/sh")  # `verify` looks whether it can be run
    home, config = Path("/var/lib/tactics"), folder / "tactics.toml"
    return Plan(scope, python, home, config, folder, user=user, secrets=(secret,))


def analyze(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run systemd-analyze."""
    return subprocess.run(
        ["systemd-analyze", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | environment,
    )


@analyzed
@pytest.mark.parametrize("scope", Scope)
def test_systemd_reads_every_line(tmp_path, scope):
    """`systemd-analyze verify` knows each key and each value, and warns of none."""
    version = int(analyze("--version").stdout.split()[1])
    path = tmp_path / UNIT
    path.write_text(render_unit(make_plan(scope), version))
    manager = ["--user"] if scope is Scope.USER else []
    runtime = str(tmp_path)  # a user's manager would have one
    told = analyze("verify", *manager, "--man=no", str(path), XDG_RUNTIME_DIR=runtime)
    ours = [line for line in told.stderr.splitlines() if UNIT in line or str(path) in line]
    assert ours == []
    assert told.returncode == 0, told.stderr


@analyzed
def test_the_unit_of_the_machine_is_hardened(tmp_path):
    """`systemd-analyze security` finds no more exposure than 1.5 of 10."""
    path = tmp_path / UNIT
    path.write_text(render_unit(make_plan(Scope.SYSTEM), 252))
    told = analyze("security", "--offline=yes", "--no-pager", str(path))
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert level is not None, told.stderr
    assert float(level[1]) <= MOST_EXPOSED


@pytest.fixture
def tactics(tmp_path):
    """Return a function that runs `tactics service …` for a person without any service."""
    config = tmp_path / "home" / "tactics.toml"
    config.parent.mkdir()
    config.write_text('[orgs.acme]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n')
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TACTICS_HOME": str(config.parent),
        "TACTICS_ACME_META_ACCESS_TOKEN": "of-the-shell",
    }

    def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tactics", "service", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment | more,
            cwd=tmp_path,
        )

    return run


def files_in(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.skipif(sys.platform != "linux", reason="prints a unit on Linux only")
def test_print_shows_the_unit_and_changes_nothing(tactics, tmp_path):
    """Absolute paths to this very program, home and configuration; no secret of this shell."""
    done = tactics("install", "--user", "--print")
    assert done.returncode == 0, done.stderr
    assert f"ExecStart={sys.executable} -m tactics daemon run" in done.stdout
    assert f"Environment=TACTICS_CONFIG={tmp_path}/home/tactics.toml" in done.stdout
    assert "of-the-shell" not in done.stdout + done.stderr
    assert files_in(tmp_path) == ["home/tactics.toml"]


@pytest.mark.skipif(sys.platform != "linux", reason="prints a unit on Linux only")
def test_the_drain_of_the_configuration_counts(tactics, tmp_path):
    """A longer drain is a longer patience of systemd."""
    with (tmp_path / "home/tactics.toml").open("a") as file:
        file.write("[daemon]\ndrain_seconds = 120\n")
    assert "TimeoutStopSec=135" in tactics("install", "--user", "--print").stdout


def test_without_a_configuration_there_is_no_service(tactics, tmp_path):
    """It would be refused at its first start."""
    (tmp_path / "home/tactics.toml").unlink()
    done = tactics("install", "--user", "--print")
    assert (done.returncode, "tactics init" in done.stderr) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no hardened unit")
def test_a_home_that_the_machines_service_cannot_see_is_refused(tactics):
    """The hardened unit hides homes and temporary folders, this one among them."""
    done = tactics("install", "--system", "--print", TACTICS_HOME="/home/ada/tactics",
        TACTICS_CONFIG=str(Path(__file__).parent.parent.parent / "tactics.toml.example"))  # fmt: skip
    assert done.returncode == 2
    assert "the service of the machine sees no such folder" in done.stderr


@pytest.mark.parametrize("verb", ["uninstall", "start", "stop", "status", "logs", "doctor"])
def test_what_is_not_installed_cannot_be_used(tactics, verb):
    """4 where a manager runs and knows no service, 2 where none runs; and what to do."""
    done = tactics(verb, "--user")
    assert done.returncode in {2, 4}
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
