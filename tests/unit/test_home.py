"""Where state and configuration live, by default and when somebody says otherwise."""

from pathlib import Path

import pytest

from tactics.home import Home, find_config, find_home


def test_a_home_that_is_named_is_taken(tmp_path: Path):
    """Relative to the folder of the command, so that it stays the same one."""
    assert find_home({"TACTICS_HOME": str(tmp_path)}) == Home(tmp_path)
    assert find_home({"TACTICS_HOME": "here"}).root == Path.cwd() / "here"


def test_on_a_mac_it_is_with_the_other_applications(monkeypatch: pytest.MonkeyPatch):
    """The platform's folder, whatever XDG says."""
    monkeypatch.setattr("sys.platform", "darwin")
    wanted = Path.home() / "Library" / "Application Support" / "tactics"
    assert find_home({"XDG_DATA_HOME": "/elsewhere"}).root == wanted


def test_elsewhere_it_is_with_the_data_of_the_user(monkeypatch: pytest.MonkeyPatch):
    """`$XDG_DATA_HOME`, or where that is by default."""
    monkeypatch.setattr("sys.platform", "linux")
    assert find_home({"XDG_DATA_HOME": "/data"}).root == Path("/data/tactics")
    assert find_home({}).root == Path.home() / ".local" / "share" / "tactics"


def test_a_configuration_beside_the_command_comes_before_the_homes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And one that is named before both."""
    monkeypatch.chdir(tmp_path)
    environment = {"TACTICS_HOME": str(tmp_path / "home")}
    assert find_config(environment) == tmp_path / "home" / "tactics.toml"
    (tmp_path / "tactics.toml").touch()
    assert find_config(environment) == Path("tactics.toml")
    named = environment | {"TACTICS_CONFIG": "/etc/tactics.toml"}
    assert find_config(named) == Path("/etc/tactics.toml")
