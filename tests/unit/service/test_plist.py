"""The property list for launchd, against the keys and types of launchd.plist(5)."""

import plistlib
from pathlib import Path

import pytest

from tactics.service.plan import Scope, Secret
from tactics.service.plist import build_plist, render_plist

# Source: launchd.plist(5), macOS 14 (read 2026-11-22); the keys that a service like this may use.
SCHEMA = {
    "Label": str,
    "UserName": str,
    "GroupName": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "WorkingDirectory": str,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Umask": int,
    "HardResourceLimits": dict,
    "SoftResourceLimits": dict,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}
KEEP_ALIVE = {"SuccessfulExit": bool, "Crashed": bool}
LIMITS = {"Core", "CPU", "Data", "FileSize", "MemoryLock", "NumberOfFiles"}
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}


@pytest.mark.parametrize("scope", Scope)
def test_the_plist_fits_its_schema(make_plan, scope):
    """Every key is one that launchd knows, with the type it wants; launchd ignores others silently."""
    keys = plistlib.loads(render_plist(make_plan(scope)))
    assert [key for key in keys if key not in SCHEMA] == []
    assert [key for key, value in keys.items() if type(value) is not SCHEMA[key]] == []
    assert all(type(value) is KEEP_ALIVE[key] for key, value in keys["KeepAlive"].items())
    assert keys["HardResourceLimits"].keys() <= LIMITS
    assert keys["ProcessType"] in PROCESS_TYPES
    assert all(type(word) is str for word in keys["ProgramArguments"])
    assert all(type(text) is str for text in keys["EnvironmentVariables"].values())


def test_what_is_written_is_what_was_meant(make_plan):
    """XML in, the same keys out, whatever a path holds."""
    plan = make_plan(home=Path("/Users/ada/Library/Application Support/a & b"))
    assert plistlib.loads(render_plist(plan)) == build_plist(plan)


def test_it_starts_by_itself_and_again_after_a_failure(make_plan):
    """At the load and after a crash, but not after an end that was wanted."""
    keys = build_plist(make_plan())
    assert (keys["RunAtLoad"], keys["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert keys["ThrottleInterval"] >= 10  # launchd's own least


def test_launchd_waits_longer_than_the_drain(make_plan):
    """Its default of 20 seconds would cut the drain off."""
    assert build_plist(make_plan(drain_seconds=30.0))["ExitTimeOut"] == 45


def test_every_path_is_absolute_and_only_the_owner_reads_the_log(make_plan):
    """There is no shell, no profile and `/` as working directory."""
    keys = build_plist(make_plan())
    assert keys["ProgramArguments"][0] == "/opt/tactics/bin/python"
    assert keys["EnvironmentVariables"]["TACTICS_HOME"] == "/var/lib/tactics"
    assert keys["StandardErrorPath"] == "/var/lib/tactics/daemon.log"
    assert keys["Umask"] == 0o077


def test_the_machines_service_is_not_roots(make_plan):
    """A LaunchDaemon without a user would run as root; an agent has none."""
    assert build_plist(make_plan())["UserName"] == "tactics"
    assert "UserName" not in build_plist(make_plan(Scope.USER))


def test_files_of_credentials_are_named_and_never_quoted(make_plan):
    """There is no LoadCredential: the variable names the file; systemd's own are left out."""
    secrets = (
        Secret("acme.meta.access_token", Path("/c/acme.meta.access_token")),
        Secret("acme.stripe.api_key", Path("/c/acme.stripe.api_key.cred"), encrypted=True),
    )
    variables = build_plist(make_plan(secrets=secrets))["EnvironmentVariables"]
    assert variables["TACTICS_ACME_META_ACCESS_TOKEN_FILE"] == "/c/acme.meta.access_token"
    assert not [name for name in variables if "STRIPE" in name]
