"""What is asked of launchd, and what its answers mean."""

import os
import plistlib

import pytest

from tactics.errors import ConfigError, NotFoundError
from tactics.service.launchd import Launchd, launchd_places, read_printed
from tactics.service.manager import Places
from tactics.service.plan import Scope

# The form of `launchctl print gui/501/…`, macOS 14, shortened.
RUNNING = """gui/501/tactics.daemon = {
\tactive count = 1
\tpath = /Users/ada/Library/LaunchAgents/tactics.daemon.plist
\tstate = running

\tprogram = /opt/tactics/bin/python
\tenvironment = {
\t\tPATH => /usr/bin
\t}
\truns = 3
\tpid = 812
\tlast exit code = 1
}
"""
NOT_LOADED = (113, "Could not find service")
STOPPED = "x = {\n\tstate = not running\n\truns = 1\n\tlast exit code = 0\n}\n"
FAILED = "x = {\n\tstate = spawn scheduled\n\truns = 9\n\tlast exit code = 78: EX_CONFIG\n}\n"


@pytest.fixture
def places(tmp_path):
    """Return places in a folder of the test."""
    return Places(tmp_path / "agents/tactics.daemon.plist", tmp_path / "etc", tmp_path / "home")


@pytest.fixture
def person(places, told, clock):
    """Return the manager of a person's service, which is not loaded."""
    told.answers["print"] = NOT_LOADED
    return Launchd(Scope.USER, places, clock=clock, run=told.run, euid=501)


@pytest.fixture
def plan(make_plan, places):
    """Return the plan of a person's service."""
    return make_plan(Scope.USER, home=places.home, folder=places.folder)


def test_installed_is_written_and_loaded_anew(person, plan, places, told):
    """What was loaded before is thrown out first: launchd reads a plist once."""
    person.install(plan, start=True)
    assert plistlib.loads(places.definition.read_bytes())["Label"] == "tactics.daemon"
    target = f"gui/{os.getuid()}/tactics.daemon"
    assert told.commands == [
        f"launchctl bootout {target}",
        f"launchctl print {target}",
        f"launchctl enable {target}",
        f"launchctl bootstrap gui/{os.getuid()} {places.definition}",
    ]


def test_what_launchd_refuses_is_told(person, plan, told):
    """In its own words."""
    told.answers["bootstrap"] = (5, "Bootstrap failed: 5: Input/output error")
    with pytest.raises(ConfigError, match="Input/output error"):
        person.install(plan, start=True)


def test_started_where_it_is_loaded_and_where_it_is_not(person, plan, told):
    """`kickstart` knows only what was loaded."""
    person.install(plan, start=False)
    told.answers["print"] = (0, STOPPED)
    person.start()
    assert told.commands[-1].startswith("launchctl kickstart")
    told.answers["print"] = NOT_LOADED
    person.start()
    assert told.commands[-1].startswith("launchctl bootstrap")


def test_stopped_is_told_to_end(person, plan, told, clock):
    """It waits for the end, which is not followed by a start; it stays loaded."""
    person.install(plan, start=True)
    ends = iter([(0, RUNNING), (0, RUNNING), (0, STOPPED)])
    told.answers["print"] = lambda: next(ends)
    person.stop()
    assert [line.split()[1] for line in told.commands[-4:]] == ["print", "kill", "print", "print"]
    assert clock.slept == [0.5]


def test_what_does_not_run_is_not_told_to_end(person, plan, told):
    """There is no process to signal; launchctl would fail."""
    person.install(plan, start=True)
    told.answers["print"] = (0, STOPPED)
    person.stop()
    assert not [line for line in told.commands if "kill" in line]


def test_what_does_not_end_is_told(person, plan, told, clock):
    """After the time that launchd would give it, too."""
    person.install(plan, start=True)
    told.answers["print"] = (0, RUNNING)
    with pytest.raises(ConfigError, match="does not come to its end"):
        person.stop()
    assert sum(clock.slept) == pytest.approx(45, abs=1)


def test_uninstalled_is_gone(person, plan, places):
    """The home stays."""
    person.install(plan, start=True)
    person.uninstall()
    assert not places.definition.exists()
    assert places.home.exists()


@pytest.mark.parametrize("verb", ["uninstall", "start", "stop", "state"])
def test_what_is_not_installed_cannot_be_used(person, verb):
    """Exit code 4, and the command that installs it."""
    with pytest.raises(NotFoundError):
        getattr(person, verb)()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (RUNNING, ("running", 812, 2, "")),
        (STOPPED, ("stopped", None, 0, "")),
        (FAILED, ("failed", None, 8, "exit code 78")),
        ("", ("stopped", None, None, "")),
    ],
)
def test_the_words_of_launchd_are_made_ours(text, wanted):
    """Its printed form may change: what is not found is not known."""
    read = read_printed(text)
    assert (read.state, read.pid, read.restarts, read.detail) == wanted


def test_a_look_from_inside_has_the_variables_of_the_plist_and_no_others(person, plan, monkeypatch):
    """What this shell exports is not what the service sees."""
    monkeypatch.setenv("TACTICS_ACME_META_ACCESS_TOKEN", "of the shell")
    person.install(plan, start=False)
    inside = person.inside(["doctor"], 80)
    assert inside.command == ["/opt/tactics/bin/python", "-m", "tactics", "doctor"]
    assert inside.environment is not None
    assert inside.environment["PATH"] == "/usr/bin:/bin:/usr/sbin:/sbin"
    assert inside.environment["TACTICS_HOME"] == str(plan.home)
    assert "TACTICS_ACME_META_ACCESS_TOKEN" not in inside.environment


def test_logs_are_the_file_that_launchd_writes(person, plan, places):
    """There is no journal."""
    person.install(plan, start=False)
    log = str(places.home / "daemon.log")
    assert person.log_command(5, follow=False) == ["tail", "-n", "5", log]
    assert "-F" in person.log_command(5, follow=True)


def test_a_plist_that_was_damaged_is_refused(person, plan, places):
    """The hint writes it anew."""
    person.install(plan, start=False)
    places.definition.write_text("<plist><dict>")
    with pytest.raises(ConfigError, match="cannot be read"):
        person.log_command(5, follow=False)


def test_where_launchd_looks(tmp_path):
    """Agents of a person, daemons of the machine."""
    person = launchd_places(Scope.USER, tmp_path, {"HOME": "/Users/ada"})
    assert str(person.definition) == "/Users/ada/Library/LaunchAgents/tactics.daemon.plist"
    machine = launchd_places(Scope.SYSTEM, tmp_path, {})
    assert str(machine.definition) == "/Library/LaunchDaemons/tactics.daemon.plist"
