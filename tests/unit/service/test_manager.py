"""What all service managers share."""

import sys

import pytest

from tactics.errors import ConfigError
from tactics.service.manager import insist, left_behind, run_program, write_definition


def test_a_program_is_run_without_input():
    """It cannot wait for an answer that nobody gives."""
    done = run_program([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"])
    assert (done.returncode, done.stdout) == (0, "''\n")


def test_a_missing_program_is_a_matter_of_the_machine():
    """The message names it."""
    with pytest.raises(ConfigError, match="program=no-such-program"):
        run_program(["no-such-program"])


def test_a_failed_program_is_told_in_its_own_words():
    """And where it says nothing, by its exit code."""
    with pytest.raises(ConfigError, match="says=no"):
        insist(run_program, ["sh", "-c", "echo no >&2; exit 1"])
    with pytest.raises(ConfigError, match="exit code 3"):
        insist(run_program, ["sh", "-c", "exit 3"])


def test_a_definition_that_cannot_be_written(tmp_path):
    """A file where a folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_definition(tmp_path / "file" / "unit", "text")


def test_a_definition_replaces_the_one_before(tmp_path):
    """And leaves nothing beside it."""
    path = tmp_path / "a" / "unit"
    write_definition(path, "one")
    write_definition(path, "two")
    assert [one.read_text() for one in path.parent.iterdir()] == ["two"]


def test_what_the_service_will_not_see_is_named_and_never_shown():
    """Settings, credentials and proxies of the shell, by their names."""
    environment = {
        "TACTICS_HOME": "/h",
        "TACTICS_ACME_META_ACCESS_TOKEN": "secret",
        "https_proxy": "http://p",
        "PATH": "/bin",
    }
    assert left_behind(environment) == ["TACTICS_ACME_META_ACCESS_TOKEN", "https_proxy"]
