"""Opens DuckDB for gold and turns its errors into ours.

Knows no table.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tactics import duck
from tactics.errors import (
    ConfigError,
    IntegrityError,
    SinkUnavailable,
    StoreBusy,
    StoreCorrupt,
    TacticsError,
)

# By name of the class, so that nothing but tactics.duck imports duckdb. Looked up along the class's
# ancestors, so the most specific entry wins.
_CLASSES: dict[str, type[TacticsError]] = {
    "ParserException": ConfigError,
    "SyntaxException": ConfigError,
    "BinderException": ConfigError,
    "CatalogException": ConfigError,
    "InvalidInputException": ConfigError,
    "InvalidTypeException": ConfigError,
    "PermissionException": ConfigError,
    "NotSupportedError": ConfigError,
    "DataError": ConfigError,
    "OutOfMemoryException": SinkUnavailable,
    "InterruptException": SinkUnavailable,
    "TransactionException": SinkUnavailable,
    "ResourceInUseException": StoreBusy,
    "IOException": SinkUnavailable,
    "SerializationException": StoreCorrupt,
    "FatalException": StoreCorrupt,
    "InternalException": StoreCorrupt,
}
# One class for a full disk and a broken file: only the words tell them apart.
_AMBIGUOUS = {"IOException", "FatalException"}
_TEXTS: tuple[tuple[str, type[TacticsError]], ...] = (
    ("No space left", SinkUnavailable),
    ("File too large", SinkUnavailable),
    ("Could not write", SinkUnavailable),
    ("Could not set lock", StoreBusy),
    ("Could not read enough bytes", StoreCorrupt),
    ("not a valid DuckDB database file", StoreCorrupt),
    ("Corrupt database", StoreCorrupt),
    ("different checksum", StoreCorrupt),
    ("newer version of DuckDB", StoreCorrupt),
    ("WAL file", StoreCorrupt),
)
REBUILD = "gold is derived: `tactics sync` builds it anew"
_HINTS: dict[type[TacticsError], str] = {
    SinkUnavailable: "free disk space or memory, then run `tactics sync` again",
    StoreBusy: "another program has the file open: close it, then try again",
    StoreCorrupt: REBUILD,
    ConfigError: "correct the statement; `SHOW ALL TABLES` lists what there is",
}


def map_errors(
    exc: Exception, *, place: Path | None = None, refused: type[TacticsError] = IntegrityError
) -> TacticsError:
    """Return what a DuckDB or file error means here; the caller raises it `from exc`.

    `refused` is for statements that DuckDB does not accept: our own are a bug, a user's are theirs.
    """
    kind = _condition(exc)
    kind = refused if kind is ConfigError else kind
    facts: dict[str, object] = {} if place is None else {"file": place.name}
    if isinstance(exc, OSError) and exc.errno is not None:
        facts["reason"] = errno.errorcode.get(exc.errno, exc.errno)
    message = "the statement is refused" if kind is ConfigError else "gold failed"
    return kind(message, hint=_HINTS.get(kind, ""), **facts)


def _condition(exc: Exception) -> type[TacticsError]:
    names = [base.__name__ for base in type(exc).__mro__]
    usual = next((_CLASSES[name] for name in names if name in _CLASSES), IntegrityError)
    if isinstance(exc, OSError) or not _AMBIGUOUS.isdisjoint(names):
        text = str(exc)
        usual = SinkUnavailable if isinstance(exc, OSError) else usual
        return next((kind for words, kind in _TEXTS if words in text), usual)
    return usual


@contextmanager
def mapped(
    place: Path | None = None, refused: type[TacticsError] = IntegrityError
) -> Iterator[None]:
    """Let DuckDB and file errors leave the block as ours.

    Raises:
        TacticsError: what `map_errors` says.
    """
    try:
        yield
    except (duck.DuckError, OSError) as exc:
        error: TacticsError = map_errors(exc, place=place, refused=refused)
        raise error from exc


@contextmanager
def opened(
    path: Path, limits: duck.DuckLimits, folders: Sequence[Path] = ()
) -> Iterator[duck.Connection]:
    """Open a generation that is being built: the only writer of its file."""
    with mapped(path):
        connection = duck.connect(path, limits, folders=folders)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def reading(
    path: Path, limits: duck.DuckLimits, folders: Sequence[Path] = ()
) -> Iterator[duck.Connection]:
    """Open a published generation read-only, attached as `gold` to a database in memory.

    Attached, because DuckDB shares one instance per path within a process, configuration and all;
    views that a caller lays beside gold's tables live in memory.
    """
    with mapped(path):
        connection = duck.connect(None, limits, folders=[path.parent, *folders])
        try:
            attach(connection, path, "gold")
            connection.execute("SET search_path = 'memory.main,gold.main'")
            yield connection
        finally:
            connection.close()


def attach(connection: duck.Connection, path: Path, name: str) -> None:
    """Attach a generation read-only as `name`."""
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {name} (READ_ONLY)")
