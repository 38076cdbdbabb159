"""A `tactics` that runs in this process, on a home of its own."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tactics.cli.app import open_command
from tactics.cli.failure import exit_code_of
from tactics.home import Home
from tactics.store import Store


class Told(NamedTuple):
    """What a command said, and how it ended."""

    out: str
    err: str
    code: int


@pytest.fixture
def tactics(home: Home, capsys, monkeypatch) -> Callable[..., Told]:
    """Return a function that runs one command line."""
    monkeypatch.setenv("TACTICS_HOME", str(home.root))
    monkeypatch.setenv("TACTICS_NOW", "2026-11-21T09:00:00Z")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TACTICS_CONFIG", raising=False)
    monkeypatch.chdir(home.root)
    command = open_command()

    def run(*words: object) -> Told:
        arguments = [str(word) for word in words]
        code = exit_code_of(
            lambda: command.main(arguments, prog_name="tactics", standalone_mode=False)
        )
        streams = capsys.readouterr()
        return Told(streams.out, streams.err, code)

    return run


@pytest.fixture
def store(home, clock):
    """Return the store that the commands will look at."""
    with Store.open(home.database, clock) as store:
        yield store
