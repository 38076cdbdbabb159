"""The one place where foreign exceptions become ours.

The file system, SQLite, DuckDB, Arrow and pyiceberg fail in their own words;
behind this module the class says who acts next. Retries nothing.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyiceberg.exceptions
from pydantic import ValidationError

from tactics.duck import DuckError
from tactics.errors import (
    CommitConflict,
    CommitUnknown,
    IntegrityError,
    MappingError,
    SinkUnavailable,
    SizeViolation,
    StoreCorrupt,
    TacticsError,
)

_ICEBERG = tuple(
    found
    for found in vars(pyiceberg.exceptions).values()
    if isinstance(found, type) and issubclass(found, Exception)
)
FOREIGN: tuple[type[Exception], ...] = (
    OSError,
    DuckError,
    sqlite3.Error,
    pa.ArrowException,
    ValidationError,
    *_ICEBERG,
)

# SQLite primary result codes. Source: sqlite.org, Result and Error Codes (2026-11-21).
_SQLITE_UNAVAILABLE = {5, 6, 8, 10, 13, 14}  # busy, locked, readonly, ioerr, full, cantopen
_DUCK_UNAVAILABLE = {"IOException", "OutOfMemoryException", "PermissionException"}
_OVER_LIMIT = (
    "failed to allocate"  # of DuckDB's memory_limit; a full scratch folder fails to offload
)
_DUCK_BROKEN = {"InternalException", "FatalException", "InterruptException"}

_ROOM = "raise memory_limit in [lake], then `tactics dlq retry`"
_HINT = "free space or repair the lake folder; nothing that was fetched is lost"


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn what the block raises into our errors; ours pass unchanged.

    Raises:
        TacticsError: the class that `map_errors` names.
    """
    try:
        yield
    except TacticsError:
        raise
    except FOREIGN as exc:
        error = map_errors(exc)
        raise error from exc


def map_errors(exc: Exception) -> TacticsError:
    """Return our error for one of `FOREIGN`, most specific match first."""
    error: TacticsError
    match exc:
        case pyiceberg.exceptions.CommitStateUnknownException():
            error = CommitUnknown("the lake commit may or may not have happened")
        case (
            pyiceberg.exceptions.CommitFailedException()
            | pyiceberg.exceptions.ValidationException()
        ):
            error = CommitConflict("somebody else moved the lake table")
        case OSError():
            error = SinkUnavailable("the lake cannot be reached", hint=_HINT)
        case DuckError():
            error = _map_duck(exc)
        case sqlite3.Error():
            error = _map_catalog(exc)
        case pa.ArrowException():
            error = StoreCorrupt("a lake file cannot be read")
        case _:
            error = IntegrityError("the lake is not as it was left")
    return error


def _map_duck(exc: Exception) -> TacticsError:
    kind = type(exc).__name__
    if kind == "OutOfMemoryException" and _OVER_LIMIT in str(exc):
        return SizeViolation("a page takes more memory than DuckDB may use", hint=_ROOM)
    if kind in _DUCK_UNAVAILABLE:
        return SinkUnavailable("the lake cannot be reached", hint=_HINT)
    if kind in _DUCK_BROKEN:
        return IntegrityError("DuckDB failed inside")
    return MappingError("the stream's SQL does not fit the pages", hint="see the connector's SQL")


def _map_catalog(exc: sqlite3.Error) -> TacticsError:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF  # none: not of the engine
    if code in _SQLITE_UNAVAILABLE:
        return SinkUnavailable("the lake catalog cannot be used", hint=_HINT, sqlite_code=code)
    return StoreCorrupt("the lake catalog is damaged", sqlite_code=code)
