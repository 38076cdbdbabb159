"""Foreign exceptions: every one finds its class."""

import errno
import sqlite3

import pyarrow as pa
import pyiceberg.exceptions
import pytest

from tactics.duck import DuckError
from tactics.errors import (
    CommitConflict,
    CommitUnknown,
    IntegrityError,
    MappingError,
    NotFoundError,
    SinkUnavailable,
    SizeViolation,
    StoreCorrupt,
    TacticsError,
)
from tactics.lake.failures import FOREIGN, map_errors, mapped_errors

ICEBERG = [
    found
    for found in vars(pyiceberg.exceptions).values()
    if isinstance(found, type) and issubclass(found, Exception)
]


def duck_classes(base: type[Exception] = DuckError) -> list[type[Exception]]:
    """Return DuckDB's exception classes, as far as they fall."""
    return [base, *(found for sub in base.__subclasses__() for found in duck_classes(sub))]


def sqlite_error(code: int) -> sqlite3.Error:
    """Return what is raised for a result code of SQLite."""
    error = sqlite3.OperationalError("told by the engine")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("kind", [*ICEBERG, *duck_classes()], ids=lambda kind: kind.__name__)
def test_every_exception_of_the_libraries_is_mapped(kind):
    """None of them leaves the lake as it is."""
    assert issubclass(kind, FOREIGN)
    assert isinstance(map_errors(kind("told by the library")), TacticsError)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.ENOTDIR, errno.EROFS])
def test_an_unusable_disk_is_a_sink_that_may_heal(code):
    """The write waits in the retry queue."""
    assert isinstance(map_errors(OSError(code, "told by the system")), SinkUnavailable)


@pytest.mark.parametrize("code", [5, 6, 8, 10, 13, 14, 5 | (2 << 8)])
def test_a_busy_or_full_catalog_is_a_sink_that_may_heal(code):
    """Extended result codes count as their primary code."""
    assert isinstance(map_errors(sqlite_error(code)), SinkUnavailable)


@pytest.mark.parametrize("code", [11, 26])
def test_a_damaged_catalog_stops_the_process(code):
    """Evidence is kept; nothing is written on top."""
    assert isinstance(map_errors(sqlite_error(code)), StoreCorrupt)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (pyiceberg.exceptions.CommitFailedException("x"), CommitConflict),
        (pyiceberg.exceptions.CommitStateUnknownException("x"), CommitUnknown),
        (pyiceberg.exceptions.NoSuchTableError("x"), IntegrityError),
        (pa.ArrowInvalid("x"), StoreCorrupt),
    ],
)
def test_the_class_says_who_acts_next(error, expected):
    """Conflict: retry; unknown: look for the load id; the rest: stop."""
    assert isinstance(map_errors(error), expected)


def test_sql_that_does_not_fit_is_a_matter_of_the_load():
    """It becomes a dead letter; a full disk or memory does not."""
    kinds = {kind.__name__: kind for kind in duck_classes()}
    assert isinstance(map_errors(kinds["BinderException"]("x")), MappingError)
    assert isinstance(map_errors(kinds["ConversionException"]("x")), MappingError)
    assert isinstance(map_errors(kinds["IOException"]("x")), SinkUnavailable)
    assert isinstance(map_errors(kinds["OutOfMemoryException"]("x")), SinkUnavailable)


def test_a_page_that_needs_more_memory_than_allowed_is_a_matter_of_the_page():
    """It becomes a dead letter: to try again helps as little as with SQL that does not fit."""
    [kind] = [kind for kind in duck_classes() if kind.__name__ == "OutOfMemoryException"]
    assert isinstance(map_errors(kind("failed to allocate data of size 1 MiB")), SizeViolation)
    assert isinstance(map_errors(kind("failed to offload data block")), SinkUnavailable)


def fail(error: Exception) -> None:
    """Raise behind the border."""
    with mapped_errors():
        raise error


def test_our_own_errors_pass_unchanged():
    """Mapping happens once, at the border."""
    error = NotFoundError("no such table")
    with pytest.raises(NotFoundError) as caught:
        fail(error)
    assert caught.value is error


def test_the_cause_stays_readable():
    """The text of the library is the last part of ours."""
    with pytest.raises(SinkUnavailable, match="no space left"):
        fail(OSError(errno.ENOSPC, "no space left"))
