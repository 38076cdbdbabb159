"""Opens every DuckDB connection: offline, bounded, UTC, confined to named folders.

Knows no table of ours. Imports DuckDB's core alone: the package around it (relations, expressions, Arrow)
takes four times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import _duckdb

Connection: TypeAlias = _duckdb.DuckDBPyConnection
DuckError: TypeAlias = _duckdb.Error


@dataclass(frozen=True, slots=True)
class DuckLimits:
    """What one connection may use; `scratch` takes what does not fit into memory."""

    scratch: Path
    memory_limit: str = "1GB"
    threads: int = 2


def connect(
    database: Path | None,
    limits: DuckLimits,
    *,
    read_only: bool = False,
    folders: Sequence[Path] = (),
) -> Connection:
    """Open `database` (None: in memory) that can reach only itself, the scratch and `folders`."""
    connection = _duckdb.connect(
        ":memory:" if database is None else str(database),
        read_only=read_only,
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": limits.memory_limit,
            "threads": str(limits.threads),
            "temp_directory": str(limits.scratch),
        },
    )
    allowed = [limits.scratch, *folders]
    listed = ", ".join("'" + str(folder).replace("'", "''") + "/'" for folder in allowed)
    connection.execute(f"SET allowed_directories = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET lock_configuration = true")
    return connection
