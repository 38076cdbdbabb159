"""Where a command finds its home and configuration."""

import pytest

from tactics.cli.session import Session
from tactics.errors import NotFoundError


def test_flags_win_over_the_environment(tmp_path, monkeypatch):
    """--home and --config are the last word."""
    monkeypatch.setenv("TACTICS_HOME", "/elsewhere")
    session = Session.begin(home=tmp_path, config=tmp_path / "my.toml")
    assert session.root == tmp_path
    assert session.config_path == tmp_path / "my.toml"


def test_a_home_without_a_store_is_named(tmp_path):
    """Looking at a home that never synced fails with exit code 4 and creates nothing."""
    session = Session.begin(home=tmp_path / "new", config=None)
    with pytest.raises(NotFoundError, match="nothing is stored here yet"), session.store():
        pass
    assert not (tmp_path / "new").exists()
