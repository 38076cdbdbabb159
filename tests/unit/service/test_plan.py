"""What a service is made of, and what is refused."""

from pathlib import Path

import pytest

from tactics.errors import ConfigError
from tactics.service.plan import Scope, Secret, find_secrets, refuse_unfit


def secret(folder: Path, name: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text("s")
    path.chmod(mode)
    return path


def test_each_file_of_the_folder_is_a_credential(tmp_path):
    """The name says whose it is; `.cred` says that it is encrypted for this machine."""
    plain = secret(tmp_path, "acme.meta.access_token")
    sealed = secret(tmp_path, "acme.google_ads.refresh_token.cred")
    assert find_secrets(tmp_path).secrets == (
        Secret("acme.google_ads.refresh_token", sealed, encrypted=True),
        Secret("acme.meta.access_token", plain),
    )


def test_what_is_no_credential_is_told_and_left_alone(tmp_path):
    """An editor's copy, or a name in capitals, is not passed to the service."""
    strange = [secret(tmp_path, "README"), secret(tmp_path, "acme.meta.token~")]
    found = find_secrets(tmp_path)
    assert (found.secrets, list(found.ignored)) == ((), strange)


def test_a_secret_that_others_can_read_is_told(tmp_path):
    """An encrypted one may lie open."""
    exposed = secret(tmp_path, "acme.meta.access_token", 0o644)
    secret(tmp_path, "acme.stripe.api_key.cred", 0o644)
    assert find_secrets(tmp_path).exposed == (exposed,)


def test_no_folder_is_no_credential(tmp_path):
    """The first installation makes the folder."""
    assert find_secrets(tmp_path / "none").secrets == ()


def test_one_credential_in_two_files_is_refused(tmp_path):
    """Nobody could say which of them counts."""
    secret(tmp_path, "acme.meta.access_token")
    secret(tmp_path, "acme.meta.access_token.cred")
    with pytest.raises(ConfigError, match="lies there twice"):
        find_secrets(tmp_path)


def test_a_folder_that_cannot_be_read_is_refused(tmp_path):
    """A file in its place, say."""
    with pytest.raises(ConfigError, match="cannot be read"):
        find_secrets(secret(tmp_path, "file"))


@pytest.mark.parametrize("path", ["relative/home", "/with\na line", "/with\x7fdel"])
def test_a_path_that_a_unit_cannot_name_is_refused(make_plan, path):
    """Relative paths and control characters."""
    with pytest.raises(ConfigError, match="plain, absolute paths"):
        refuse_unfit(make_plan(home=Path(path)), [])


@pytest.mark.parametrize("path", ["/home/ada/t", "/root", "/tmp/t", "/var/tmp/t"])  # noqa: S108
def test_what_the_hardened_service_does_not_see_is_refused(make_plan, path):
    """Home, configuration and the program itself must lie outside of what the unit hides."""
    for changes in ({"home": Path(path)}, {"config": Path(path)}):
        with pytest.raises(ConfigError, match="sees no such folder"):
            refuse_unfit(make_plan(**changes), [])
    with pytest.raises(ConfigError, match="cannot see it") as caught:
        refuse_unfit(make_plan(), [Path(path)])
    assert "/opt/tactics" in caught.value.hint


def test_a_persons_service_sees_what_the_person_sees(make_plan):
    """Nothing is hidden from a user unit."""
    refuse_unfit(make_plan(Scope.USER, home=Path("/home/ada/t")), [Path("/home/ada/venv")])


def test_a_home_that_only_begins_alike_is_fine(make_plan):
    """/homes is not /home."""
    refuse_unfit(make_plan(home=Path("/homes/t")), [Path("/rooted")])
