"""The lake: Iceberg tables on local files, written once per load, read by DuckDB.

Never talks to the network; knows no vendor. What needs pyiceberg is loaded when it is first
asked for: it takes a third of a second to import, and the names of tables need none of it.
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
    from tactics.lake.inventory import TableContents, list_contents
    from tactics.lake.lake import Lake
    from tactics.lake.relocate import Relocation, relocate_lake

__all__ = [
    "TABLES",
    "BronzeLoad",
    "Lake",
    "MaintenanceReport",
    "Relocation",
    "SilverLoad",
    "SilverRequest",
    "SilverResult",
    "TableContents",
    "TableSpec",
    "find_table",
    "list_contents",
    "relocate_lake",
]

_HOMES = {
    "Lake": "lake",
    "Relocation": "relocate",
    "TableContents": "inventory",
    "list_contents": "inventory",
    "relocate_lake": "relocate",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"tactics.lake.{_HOMES[name]}"), name)
