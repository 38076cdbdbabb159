"""The lake: Iceberg tables on local files, written once per load, read by DuckDB.

Never talks to the network; knows no vendor. `Lake` itself is loaded when it is first asked for:
pyiceberg and SQLAlchemy take a second to import, and the names of tables need neither.
"""

import importlib
from typing import TYPE_CHECKING

from tactics.lake.schemas import TABLES, TableSpec, find_table
from tactics.lake.values import (
    BronzeLoad,
    MaintenanceReport,
    SilverLoad,
    SilverRequest,
    SilverResult,
)

if TYPE_CHECKING:
    from tactics.lake.lake import Lake

__all__ = [
    "TABLES",
    "BronzeLoad",
    "Lake",
    "MaintenanceReport",
    "SilverLoad",
    "SilverRequest",
    "SilverResult",
    "TableSpec",
    "find_table",
]


def __getattr__(name: str) -> object:
    if name != "Lake":
        raise AttributeError(name)
    return importlib.import_module("tactics.lake.lake").Lake
