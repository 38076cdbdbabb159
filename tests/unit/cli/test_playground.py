"""The simulators' home never mixes with real data."""

import os
import stat

import pytest

from tactics.cli import playground
from tactics.errors import ConfigError


def test_an_empty_home_is_claimed_and_claimed_again(tmp_path):
    """The second demo overwrites the configuration of the first."""
    root = tmp_path / "home"
    playground.claim_home(root, "# one\n")
    path = playground.claim_home(root, "# two\n")
    assert path.read_text() == playground.MARK + "# two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["tactics.toml", "tactics.db"])
def test_a_home_in_use_is_refused(tmp_path, name):
    """Neither a configuration nor data of a person is touched."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="in use"):
        playground.claim_home(tmp_path, "# demo\n")
    assert (tmp_path / name).read_text() == "mine"


def test_the_credentials_file_can_be_sourced_and_is_private(tmp_path):
    """Quotes and newlines in a credential survive the shell."""
    path = playground.write_exports(tmp_path, {"TACTICS_A": "it's\n{}"})
    assert path.read_text() == "export TACTICS_A='it'\"'\"'s\n{}'\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_temporary_home_is_ours_alone(tmp_path, monkeypatch):
    """A folder that somebody else could read is refused."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = playground.temporary_home()
    assert first == playground.temporary_home()
    assert str(os.getuid()) in first.name
    first.chmod(0o755)
    with pytest.raises(ConfigError):
        playground.temporary_home()
