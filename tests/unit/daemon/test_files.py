"""The configuration, read again when it was changed."""

import os
from pathlib import Path

import pytest

from tactics.config import Settings
from tactics.daemon.files import SettingsFile
from tactics.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a configuration."""
    file = tmp_path / "tactics.toml"
    file.write_text("[daemon]\nport = 1\n")
    return file


def test_a_change_is_read_once(path: Path):
    """What was edited counts from the next look on, and whoever wants to hears of it."""
    heard: list[Settings] = []
    file = SettingsFile(path, {}, changed=heard.append)
    assert file.read() is file.read()
    path.write_text("[daemon]\nport = 22\n")
    assert file.read().daemon.port == 22
    assert [settings.daemon.port for settings in heard] == [1, 22]


def test_a_wrong_edit_is_told_until_it_is_mended(path: Path):
    """A configuration that cannot be read is an error at each look, and the old one is not used."""
    file = SettingsFile(path, {})
    file.read()
    path.write_text("[daemon]\nport = -1\n")
    for _ in range(2):
        with pytest.raises(ConfigError):
            file.read()
    path.unlink()
    with pytest.raises(ConfigError):
        file.read()
    path.write_text("[daemon]\nport = 3\n")
    assert file.read().daemon.port == 3


def test_a_touch_changes_nothing_but_the_look(path: Path):
    """The same text read again gives the same settings."""
    file = SettingsFile(path, {})
    before = file.read()
    os.utime(path, ns=(1, 1))
    assert file.read() == before
