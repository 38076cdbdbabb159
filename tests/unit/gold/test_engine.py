"""Errors of DuckDB and of files, as ours."""

import errno
from pathlib import Path

import duckdb
import pytest

from tactics.errors import (
    ConfigError,
    IntegrityError,
    SinkUnavailable,
    StoreBusy,
    StoreCorrupt,
    TacticsError,
)
from tactics.gold import map_errors
from tactics.gold.engine import _CLASSES


def every_class() -> list[type[duckdb.Error]]:
    """Return DuckDB's exception classes, all the way down."""
    found, waiting = [], [duckdb.Error]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += below
        waiting += below
    return found


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_every_class_is_mapped(kind: type[duckdb.Error]) -> None:
    """Each class, or one of its ancestors, has a place; the rest stops the process as ours."""
    named = [base.__name__ for base in kind.__mro__ if base.__name__ in _CLASSES]
    error = map_errors(kind("text"))
    expected = _CLASSES[named[0]] if named else IntegrityError
    assert type(error) is (IntegrityError if expected is ConfigError else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Could not write file "x": No space left on device', SinkUnavailable),
        ('Could not write all bytes to file "x": wanted=1 wrote=0', SinkUnavailable),
        ("Could not set lock on file", StoreBusy),
        ('The file "x" exists, but it is not a valid DuckDB database file!', StoreCorrupt),
        ("Corrupt database file: computed checksum 1 does not match", StoreCorrupt),
        ("Failure while replaying WAL file", StoreCorrupt),
        ("something new", SinkUnavailable),
    ],
)
def test_input_output_errors_by_their_text(text: str, expected: type[TacticsError]) -> None:
    """DuckDB has one class for a full disk and a broken file; the words tell them apart."""
    assert type(map_errors(duckdb.IOException(text))) is expected


def test_a_full_disk_in_our_own_file_work() -> None:
    """ENOSPC from the copy or the pointer is the same condition, with its reason."""
    error = map_errors(OSError(errno.ENOSPC, "No space left on device"), place=Path("/x/current"))
    assert isinstance(error, SinkUnavailable)
    assert error.facts == {"file": "current", "reason": "ENOSPC"}
    assert "free disk space" in error.hint


def test_words_of_a_value_are_not_words_of_duckdb() -> None:
    """A value that says "Corrupt database" in a failed cast breaks nothing."""
    error = duckdb.ConversionException("Could not convert string 'Corrupt database' to INT32")
    assert type(map_errors(error, refused=ConfigError)) is ConfigError


def test_a_refused_statement_is_the_fault_of_who_wrote_it() -> None:
    """A user's typing mistake is a usage error; our own is a bug."""
    mistake = duckdb.ParserException("syntax error")
    assert type(map_errors(mistake, refused=ConfigError)) is ConfigError
    assert type(map_errors(mistake)) is IntegrityError
