"""The service under a real systemd: installed, hung, killed, misconfigured, stopped, removed.

The machine is systemd-nspawn on an overlay of this one, without a network; the vendors are the
bundled simulators on its loopback. The daemon is the one that `tactics service install` writes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.machine import PYTHON, Machine, open_machine, why_not

UNIT = "tactics.service"
HOME = "/var/lib/tactics"
CONFIG = "/etc/tactics/tactics.toml"
QUICK = "[Service]\nWatchdogSec=6\nRestartSec=1\n"  # as `systemctl edit` writes it
CHILD = "tests.acceptance.service_world"


@dataclass
class Service:
    """The service of the machine, seen through its own command and through systemctl."""

    machine: Machine

    def tactics(self, *words: str) -> str:
        """Run a verb of `tactics service` that has to succeed."""
        return self.machine.get("tactics", "service", *words, timeout=90)

    def status(self) -> tuple[dict[str, object], int]:
        """Return the row of `tactics service status` and the exit code."""
        done = self.machine.run("tactics", "service", "status", "--json")
        return json.loads(done.stdout)["rows"][0], done.returncode

    def shown(self, name: str) -> str:
        """Return a property of the unit."""
        return self.machine.get("systemctl", "show", f"--property={name}", "--value", UNIT).strip()

    def kill(self, signal: str) -> None:
        """Send a signal to the daemon itself."""
        self.machine.get("systemctl", "kill", f"--signal={signal}", "--kill-whom=main", UNIT)

    def wait_for_start(self, number: int) -> None:
        """Wait until it runs after so many restarts."""
        self.machine.wait_for(
            lambda: (self.shown("NRestarts"), self.shown("ActiveState")) == (str(number), "active"),
            f"restart {number}",
        )

    def wait_for_home(self, what: str) -> None:
        """Wait until the daemon has come so far."""
        self.child(what, HOME)

    def child(self, *words: str) -> None:
        """Run a helper as the service's user, from the source tree."""
        line = f'cd /opt/source-test && exec {PYTHON} -m {CHILD} "$@"'
        self.machine.get(
            "runuser", "-u", "tactics", "--", "sh", "-c", line, "-", *words, timeout=150
        )

    def journal(self) -> str:
        """Return all that it has said."""
        return self.tactics("logs", "--lines", "9999")


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    """Return a machine with a running systemd, this tactics, and the vendors on its loopback."""
    if reason := why_not():
        pytest.skip(reason)
    with open_machine(tmp_path) as machine:
        options = ["--quiet", "--unit=vendors", "--property=WorkingDirectory=/opt/source-test"]
        machine.get("systemd-run", *options, PYTHON, "-m", CHILD, "serve", "/etc/tactics")
        config = machine.root / CONFIG.lstrip("/")
        machine.wait_for(config.exists, "the vendors")
        yield machine


def test_the_service_of_the_machine(machine: Machine):
    """Hung, killed, refused or stopped: it is started again or not, as it should, and loses nothing."""
    machine.write(f"/etc/systemd/system/{UNIT}.d/quick.conf", QUICK)
    encrypt_one(machine)
    service = Service(machine)
    installs_and_runs(service)
    survives_a_kill_in_the_middle_of_a_sync(service)
    looks_from_inside(service)
    is_restarted_by_the_watchdog(service)
    stops_gracefully(service)
    does_not_try_again_what_cannot_work(service)
    leaves_the_data(service)


def encrypt_one(machine: Machine) -> None:
    """Let one of the credentials lie there encrypted, as docs/service.md has it."""
    plain = "/etc/tactics/credentials/acme.stripe.api_key"
    machine.get("systemd-creds", "encrypt", "--name=acme.stripe.api_key", plain, f"{plain}.cred")
    machine.get("rm", plain)


def installs_and_runs(service: Service) -> None:
    """`install` returns when the daemon is ready; it is enabled, hardened, and has its secrets."""
    assert service.tactics("install") == f"written: /etc/systemd/system/{UNIT}\n"
    row, code = service.status()
    assert (row["state"], row["restarts"], row["starts_by_itself"], code) == ("running", 0, True, 0)
    assert str(row["pid"]) == service.shown("MainPID")
    user = service.machine.get("ps", "-o", "user=", "-p", str(row["pid"])).strip()
    assert user == "tactics"
    assert service.machine.get("stat", "-c", "%U %a", HOME).split() == ["tactics", "700"]
    assert service.machine.get("stat", "-c", "%U %a", "/etc/tactics/credentials").split() == [
        "root",
        "700",
    ]
    told = service.machine.get("systemd-analyze", "security", "--no-pager", UNIT)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert level is not None
    assert float(level[1]) <= 1.5


def survives_a_kill_in_the_middle_of_a_sync(service: Service) -> None:
    """Killed with -9 while pages come in it is started again, and every figure comes home."""
    service.wait_for_home("fetching")
    service.kill("KILL")
    service.wait_for_start(1)
    service.machine.get("systemctl", "kill", "--signal=USR1", "vendors")
    service.wait_for_home("synced")
    service.child("compare", HOME, CONFIG)


def looks_from_inside(service: Service) -> None:
    """The doctor sees what the service sees: its home, and the credentials that systemd passes."""
    rows = json.loads(service.tactics("doctor", "--json"))["rows"]
    found = {row["check"]: (row["level"], row["detail"]) for row in rows}
    assert found["credentials acme/stripe"] == ("ok", "api_key from systemd")
    assert found["home"] == ("ok", f"{HOME}, readable by its owner only")
    assert not [row for row in rows if row["level"] == "fail"]


def is_restarted_by_the_watchdog(service: Service) -> None:
    """A daemon that hangs is ended, says where it hung, and is started again."""
    service.kill("STOP")
    service.wait_for_start(2)
    said = service.journal()
    assert "Failed with result 'watchdog'" in said
    assert "tactics/daemon/main.py" in said  # the stack of the thread that hung


def stops_gracefully(service: Service) -> None:
    """`stop` drains: exit code 0, and the daemon's last word is in the journal."""
    service.tactics("stop")
    assert (service.shown("ActiveState"), service.shown("Result")) == ("inactive", "success")
    assert (service.shown("ExecMainCode"), service.shown("ExecMainStatus")) == ("1", "0")
    assert re.search(r"python\[\d+\]: stopped$", service.journal(), re.MULTILINE)
    assert service.status()[1] == 4


def does_not_try_again_what_cannot_work(service: Service) -> None:
    """A refused configuration is told and final, a missing secret is told, until they are mended."""
    config = service.machine.root / CONFIG.lstrip("/")
    good = config.read_text()
    config.write_text(f"{good}\n[daemon]\nport = -1\n")
    done = service.machine.run("tactics", "service", "start")
    assert done.returncode == 2
    assert "the configuration is refused" in done.stderr
    row, code = service.status()
    assert (row["state"], row["detail"], row["restarts"], code) == ("failed", "exit-code 2", 0, 1)
    config.write_text(good)
    secret = service.machine.root / "etc/tactics/credentials/acme.meta.app_secret"
    aside = secret.rename(secret.with_name("aside"))
    done = service.machine.run("tactics", "service", "start")
    assert "a file of a credential is gone" in done.stderr
    aside.rename(secret)
    service.tactics("start")
    assert service.status()[0]["state"] == "running"


def leaves_the_data(service: Service) -> None:
    """After `uninstall` systemd knows no unit, and the home is as it was."""
    service.tactics("uninstall")
    done = service.machine.run("tactics", "service", "status", "--system")
    assert (done.returncode, "is not installed" in done.stderr) == (4, True)
    assert service.shown("LoadState") == "not-found"
    mine = ["tactics", "--home", HOME, "--config", CONFIG]
    days = service.machine.get(*mine, "sql", "--csv", "SELECT count(*) FROM ad_daily")
    assert int(days.split()[-1]) > 0


def test_the_service_of_a_person(machine: Machine):
    """A user unit: installed without root, advice on lingering, started, watched and stopped."""
    machine.get("useradd", "--create-home", "ada")
    machine.get("loginctl", "enable-linger", "ada")
    uid = machine.get("id", "-u", "ada").strip()
    bus = machine.root / f"run/user/{uid}/bus"
    machine.wait_for(
        lambda: machine.run("test", "-S", f"/run/user/{uid}/bus").returncode == 0, str(bus)
    )

    def tactics(*words: str) -> str:
        environment = [f"XDG_RUNTIME_DIR=/run/user/{uid}", "HOME=/home/ada"]
        as_ada = ["runuser", "-u", "ada", "--", "env", "--chdir=/home/ada", *environment]
        return machine.get(*as_ada, "tactics", *words, timeout=90)

    machine.get("install", "-d", "-o", "ada", "-m", "700", "/home/ada/.local/share/tactics")
    machine.get("install", "-o", "ada", CONFIG, "/home/ada/.local/share/tactics/tactics.toml")
    machine.get("sh", "-c", "install -d -o ada -m 700 /home/ada/.config/tactics/credentials &&"
        " install -o ada -m 600 /etc/tactics/credentials/* /home/ada/.config/tactics/credentials/")  # fmt: skip
    machine.get("chown", "-R", "ada:", "/home/ada/.local", "/home/ada/.config")
    written = tactics("service", "install")
    assert written == f"written: /home/ada/.config/systemd/user/{UNIT}\n"
    row = json.loads(tactics("service", "status", "--json"))["rows"][0]
    assert (row["service"], row["state"], row["starts_by_itself"]) == ("user", "running", True)
    checks = json.loads(tactics("service", "doctor", "--json"))["rows"]
    found = {row["check"]: row["detail"] for row in checks}
    assert found["credentials acme/stripe"] == "api_key from systemd"
    tactics("service", "stop")
    tactics("service", "uninstall")
    assert not (machine.root / f"home/ada/.config/systemd/user/{UNIT}").exists()
