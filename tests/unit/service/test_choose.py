"""Which manager, and whose service."""

import os

import pytest

from tactics.errors import ConfigError
from tactics.service import choose
from tactics.service.choose import find_manager
from tactics.service.launchd import Launchd
from tactics.service.plan import Scope
from tactics.service.systemd import Systemd


@pytest.fixture
def environment(tmp_path):
    """Return the environment of a person whose folders lie in the test's."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c")}


@pytest.mark.parametrize("scope", Scope)
def test_the_platform_decides(tmp_path, environment, scope):
    """On Linux it is systemd, on macOS launchd, for whom it was asked."""
    for platform, kind in (("linux", Systemd), ("darwin", Launchd)):
        found = find_manager(scope, tmp_path, environment, platform=platform, running=False)
        assert (type(found), found.scope) == (kind, scope)


def test_a_persons_own_service_comes_first(tmp_path, environment):
    """Who has installed one means that one."""
    unit = tmp_path / "c/systemd/user/tactics.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("")
    found = find_manager(None, tmp_path, environment, platform="linux", running=False)
    assert found.scope is Scope.USER


def test_root_means_the_machine(tmp_path, environment):
    """And everybody else their own, as long as none is installed."""
    if choose.systemd_places(Scope.SYSTEM, tmp_path, {}).definition.exists():
        pytest.skip("this machine has the service")
    found = find_manager(None, tmp_path, environment, platform="linux", running=False)
    assert found.scope is (Scope.SYSTEM if os.geteuid() == 0 else Scope.USER)


def test_a_machine_without_a_manager(tmp_path, environment):
    """The hint says how another supervisor runs the daemon."""
    if choose.BOOTED.is_dir():
        pytest.skip("this machine runs systemd")
    with pytest.raises(ConfigError, match="neither systemd nor launchd") as caught:
        find_manager(None, tmp_path, environment, platform="linux")
    assert "tactics daemon run" in caught.value.hint
