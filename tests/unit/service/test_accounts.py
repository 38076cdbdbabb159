"""The service's user, and what it may read."""

import os

import pytest

from tactics.errors import ConfigError
from tactics.service.accounts import (
    give_secrets,
    make_own_folders,
    make_user,
    own_name,
    share_folders,
)
from tactics.service.plan import Scope, Secret


@pytest.fixture
def plan(make_plan, tmp_path):
    """Return the plan of a service that runs as whoever runs the test."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/tactics.toml").write_text("")
    (tmp_path / "etc/tactics.toml").chmod(0o600)
    places = {"home": tmp_path / "srv/home", "folder": tmp_path / "etc"}
    return make_plan(user=own_name(), config=tmp_path / "etc/tactics.toml", **places)


def mode(path):
    return path.stat().st_mode & 0o777


def test_the_folders_are_shared_as_little_as_possible(plan):
    """The home is the user's; its group reads the configuration, and only root the secrets."""
    share_folders(plan)
    assert mode(plan.home) == 0o700
    assert mode(plan.folder) == 0o750
    assert mode(plan.config) == 0o640
    assert mode(plan.secrets_folder) == 0o700


def test_a_configuration_elsewhere_is_not_changed(plan, tmp_path, make_plan):
    """It is refused where the service's user may not read it."""
    elsewhere = tmp_path / "mine.toml"
    elsewhere.write_text("")
    elsewhere.chmod(0o000)
    other = make_plan(user=plan.user, home=plan.home, folder=plan.folder, config=elsewhere)
    with pytest.raises(ConfigError, match="may not read its configuration"):
        share_folders(other)
    elsewhere.chmod(0o400)
    share_folders(other)
    assert mode(elsewhere) == 0o400


def test_a_user_that_is_not_there_is_not_made_up(make_plan, told):
    """Only our own user is made."""
    with pytest.raises(ConfigError, match="user=no-such-user"):
        make_user(make_plan(user="no-such-user"), told.run)
    assert told.commands == []


def test_a_user_that_is_there_is_taken(make_plan, told):
    """Nothing is run."""
    make_user(make_plan(user=own_name()), told.run)
    assert told.commands == []


def test_a_persons_folders_are_their_own(make_plan, tmp_path):
    """Home, folder and secrets."""
    plan = make_plan(Scope.USER, home=tmp_path / "a/home", folder=tmp_path / "b")
    make_own_folders(plan)
    assert {mode(path) for path in (plan.home, plan.folder, plan.secrets_folder)} == {0o700}


def test_secrets_are_given_where_the_manager_passes_none_on(plan, make_plan, tmp_path):
    """Their owner becomes the service's user."""
    share_folders(plan)
    path = plan.secrets_folder / "acme.meta.access_token"
    path.write_text("s")
    give_secrets(make_plan(user=own_name(), folder=plan.folder, secrets=(Secret("a.b.c", path),)))
    assert path.stat().st_uid == os.getuid()
