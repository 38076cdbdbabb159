"""What is asked of systemd, and what its answers mean."""

import pytest

from tactics.errors import ConfigError, NotFoundError
from tactics.service.manager import Places
from tactics.service.plan import Scope
from tactics.service.systemd import Systemd, read_state, systemd_places

UNIT = "[Service]\nExecStart={start}\nUser=tactics\nProtectHome=yes\n"
START = '"/opt/my tools/python" -m tactics daemon run'


@pytest.fixture
def places(tmp_path):
    """Return places in a folder of the test."""
    return Places(tmp_path / "systemd/tactics.service", tmp_path / "etc", tmp_path / "home")


@pytest.fixture
def person(places, told):
    """Return the manager of a person's service."""
    told.answers["--version"] = (0, "systemd 252 (252.1)\n")
    return Systemd(Scope.USER, places, run=told.run, euid=1000)


@pytest.fixture
def plan(make_plan, places):
    """Return the plan of a person's service."""
    return make_plan(Scope.USER, home=places.home, folder=places.folder)


def test_installed_is_written_enabled_and_restarted(person, plan, places, told):
    """The unit lies there before systemd is told; a service that runs gets the new unit."""
    person.install(plan, start=True)
    assert places.definition.read_text() == person.render(plan)
    assert places.definition.stat().st_mode & 0o777 == 0o644
    assert places.home.stat().st_mode & 0o777 == 0o700
    assert (places.folder / "credentials").stat().st_mode & 0o777 == 0o700
    prefix = "systemctl --no-ask-password --user"
    told_of = [line for line in told.commands if "--version" not in line]
    assert told_of == [
        f"{prefix} daemon-reload",
        f"{prefix} enable tactics.service",
        f"{prefix} restart tactics.service",
    ]


def test_installed_without_a_start(person, plan, told):
    """An image is built before it runs."""
    person.install(plan, start=False)
    assert not [line for line in told.commands if "restart" in line]


def test_a_person_is_told_of_lingering(person, plan):
    """Without it the service ends when the person signs out."""
    (advice,) = person.install(plan, start=False)
    assert "loginctl enable-linger" in advice


def test_only_root_touches_the_service_of_the_machine(places, told, make_plan):
    """The hint is the command that works; nothing was run."""
    manager = Systemd(Scope.SYSTEM, places, run=told.run, euid=1000)
    with pytest.raises(ConfigError) as caught:
        manager.install(make_plan(), start=True)
    assert caught.value.hint == "sudo tactics service install"
    assert told.commands == []


def test_a_service_that_does_not_start_says_why(person, plan, told):
    """The exit code of the daemon leads to what to do."""
    told.answers["restart"] = (1, "Job for tactics.service failed.")
    told.answers["show"] = (0, "ActiveState=failed\nResult=exit-code\nExecMainStatus=70\n")
    with pytest.raises(ConfigError, match="exit-code 70") as caught:
        person.install(plan, start=True)
    assert "our own state is broken" in caught.value.hint


def test_what_systemd_refuses_is_told_in_its_words(person, plan, told):
    """With what to do, where that is known."""
    told.answers["daemon-reload"] = (1, "Failed to connect to bus: No medium found\n")
    with pytest.raises(ConfigError, match="Failed to connect to bus") as caught:
        person.install(plan, start=True)
    assert "--system" in caught.value.hint


@pytest.mark.parametrize("verb", ["uninstall", "start", "stop", "state"])
def test_what_is_not_installed_cannot_be_used(person, told, verb):
    """Exit code 4, and the command that installs it."""
    with pytest.raises(NotFoundError) as caught:
        getattr(person, verb)()
    assert caught.value.hint == "tactics service install --user"
    assert told.commands == []


def test_uninstalled_is_stopped_and_forgotten(person, plan, places, told):
    """The unit is gone; the home stays."""
    person.install(plan, start=True)
    told.commands.clear()
    person.uninstall()
    assert not places.definition.exists()
    assert places.home.exists()
    assert [line.split(" --user ")[1] for line in told.commands] == [
        "disable --now tactics.service",
        "daemon-reload",
        "reset-failed tactics.service",
    ]


def test_a_look_from_inside_has_the_properties_of_the_unit(person, plan, told):
    """systemd-run gets what makes the environment, and the program with another verb."""
    person.install(plan, start=False)
    told.answers["cat"] = (0, UNIT.format(start=START))
    inside = person.inside(["doctor", "--json"], 100)
    assert inside.environment is None
    assert inside.command[:2] == ["systemd-run", "--user"]
    assert {"--property=User=tactics", "--property=ProtectHome=yes"} <= set(inside.command)
    tail = inside.command[inside.command.index("--") + 1 :]
    assert tail == ["/opt/my tools/python", "-m", "tactics", "doctor", "--json"]


def test_a_credential_that_is_gone_is_told_before_systemd_fails(person, plan, told, tmp_path):
    """Its own refusal would reach only the journal."""
    person.install(plan, start=False)
    gone = tmp_path / "acme.meta.access_token"
    unit = UNIT.format(start=START) + f"LoadCredential=acme.meta.access_token:{gone}\n"
    told.answers["cat"] = (0, unit)
    with pytest.raises(ConfigError, match="credential is gone"):
        person.inside(["doctor"], 80)
    gone.write_text("back")
    assert person.inside(["doctor"], 80).command


def test_an_edited_unit_that_starts_something_else_is_refused(person, plan, told):
    """A doctor of something else would lie."""
    person.install(plan, start=False)
    told.answers["cat"] = (0, UNIT.format(start="/bin/true"))
    with pytest.raises(ConfigError, match="does not start the daemon"):
        person.inside(["doctor"], 80)


def test_logs_are_the_journals(person, plan):
    """Of this unit alone."""
    person.install(plan, start=False)
    command = person.log_command(20, follow=True)
    assert command[:4] == ["journalctl", "--user", "--unit=tactics.service", "--lines=20"]
    assert command[-1] == "--follow"


@pytest.mark.parametrize(
    ("facts", "state", "detail"),
    [
        ({"ActiveState": "active", "StatusText": "idle"}, "running", "idle"),
        ({"ActiveState": "activating", "SubState": "start"}, "starting", ""),
        ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "watchdog"},
         "restarting", "watchdog"),
        ({"ActiveState": "deactivating", "Result": "success"}, "stopping", ""),
        ({"ActiveState": "inactive", "Result": "success"}, "stopped", ""),
        ({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "2"},
         "failed", "exit-code 2"),
    ],
)  # fmt: skip
def test_the_words_of_systemd_are_made_ours(facts, state, detail):
    """One word for how it stands, and what it says or why it ended."""
    read = read_state(facts)
    assert (read.state, read.detail) == (state, detail)


def test_a_running_service_has_a_process_and_an_age():
    """Zero stands for neither."""
    facts = {"ActiveState": "active", "MainPID": "17", "ActiveEnterTimestampMonotonic": "2500000"}
    read = read_state(facts)
    assert (read.pid, read.since_monotonic, read.restarts) == (17, 2.5, 0)
    assert read_state({"ActiveState": "inactive", "MainPID": "0"}).pid is None


@pytest.mark.parametrize("code", [2, 70, 203, 217, 226, 243])
def test_each_known_end_has_its_remedy(code):
    """A person reads what to do, not a number."""
    facts = {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": str(code)}
    assert read_state(facts).remedy not in {"", "`tactics service logs`"}


def test_where_systemd_looks(tmp_path):
    """The machine's units are root's; a person's follow XDG_CONFIG_HOME."""
    machine = systemd_places(Scope.SYSTEM, tmp_path, {})
    assert str(machine.definition) == "/etc/systemd/system/tactics.service"
    person = systemd_places(Scope.USER, tmp_path, {"XDG_CONFIG_HOME": "/c"})
    assert str(person.definition) == "/c/systemd/user/tactics.service"
    assert (str(person.folder), person.home) == ("/c/tactics", tmp_path)
