"""What a person and a script see when a command fails."""

import os
import re
from pathlib import Path

import pytest
import typer

from tactics.cli.app import open_command
from tactics.cli.failure import exit_code_of
from tactics.errors import CircuitOpen, ConfigError, CredentialError, NotFoundError, StoreCorrupt


def failing(error):
    """Return a command that raises."""

    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConfigError("x"), 2), (CredentialError("x"), 3), (NotFoundError("x"), 4),
     (StoreCorrupt("x"), 70), (CircuitOpen("x"), 1), (KeyboardInterrupt(), 130),
     (typer.Abort(), 130), (RuntimeError("Query interrupted"), 130)],
)  # fmt: skip
def test_each_group_of_errors_has_its_exit_code(error, code):
    """Scripts tell by the exit code who acts next."""
    assert exit_code_of(failing(error)) == code


def test_an_interruption_says_that_nothing_is_lost(capsys):
    """Ctrl-C ends with one calm line, also when DuckDB was the one that noticed it."""
    for error in (KeyboardInterrupt(), RuntimeError("Query interrupted")):
        exit_code_of(failing(error))
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("interrupted; what was fetched is kept")


def test_an_error_and_its_hint_are_two_lines_on_stderr(capsys):
    """The message says what is wrong, the hint what to do."""
    exit_code_of(failing(NotFoundError("no such run", hint="see `tactics runs list`", run="ab")))
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == "error: no such run: run=ab\nhint: see `tactics runs list`\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("report", "seo", "--home", "/x"), "--home stands before the command: tactics --home … report seo"),
        (("dlq", "list", "--config=/x"), "--config stands before the command: tactics --config … dlq list"),
        (("report", "seo", "--hom", "/x"), "tactics report seo --help"),
        (("--hom", "/x", "report", "seo"), "tactics --help"),
    ],
)  # fmt: skip
def test_an_option_of_all_commands_is_put_in_its_place(capsys, words, hint):
    """Who writes it behind the command is told where it belongs; other options get the help."""
    command = open_command()
    run = lambda: command.main(list(words), prog_name="tactics", standalone_mode=False)  # noqa: E731
    assert exit_code_of(run) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"hint: {hint}"


def test_a_crash_is_short_and_keeps_its_traceback_without_secrets(capsys, tmp_path, monkeypatch):
    """The terminal gets two lines, a private file gets the rest, neither a token."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = exit_code_of(failing(RuntimeError("GET /x?access_token=EAAB0123456789")))
    shown = capsys.readouterr().err
    kept = Path(re.search(r"in (\S+\.txt)", shown).group(1))
    assert code == 1
    assert len(shown.splitlines()) == 2
    assert "RuntimeError" in kept.read_text()
    assert "EAAB0123456789" not in shown + kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_what_a_command_returns_is_its_exit_code():
    """A number is the exit code, anything else is success."""
    assert exit_code_of(lambda: 6) == 6
    assert exit_code_of(lambda: None) == 0


def test_a_reader_that_leaves_is_no_error(capfd):
    """`tactics … | head` ends quietly."""
    kept = os.dup(1)
    try:
        assert exit_code_of(failing(BrokenPipeError())) == 141
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capfd.readouterr().err == ""
