"""Published tables: DuckDB generations, the models that fill them and the reports that read them.

Reading a report imports DuckDB only, and none of what builds: names are loaded when they are first
asked for. Knows nothing of vendors, Iceberg or SQLite.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tactics.gold.catalog import TABLES
    from tactics.gold.engine import map_errors
    from tactics.gold.gold import Gold
    from tactics.gold.plan import Change, Part, plan_parts
    from tactics.gold.reports import Answer, Report
    from tactics.gold.request import Generation, GoldBuild, OrgFacts, RateRow, StreamFacts
    from tactics.gold.taxonomy import Explanation, explain, explain_ad

__all__ = [
    "TABLES",
    "Answer",
    "Change",
    "Explanation",
    "Generation",
    "Gold",
    "GoldBuild",
    "OrgFacts",
    "Part",
    "RateRow",
    "Report",
    "StreamFacts",
    "explain",
    "explain_ad",
    "map_errors",
    "plan_parts",
]

_HOMES = {
    "TABLES": "catalog",
    "Answer": "reports",
    "Change": "plan",
    "Explanation": "taxonomy",
    "Generation": "request",
    "Gold": "gold",
    "GoldBuild": "request",
    "OrgFacts": "request",
    "Part": "plan",
    "RateRow": "request",
    "Report": "reports",
    "StreamFacts": "request",
    "explain": "taxonomy",
    "explain_ad": "taxonomy",
    "map_errors": "engine",
    "plan_parts": "plan",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"tactics.gold.{_HOMES[name]}"), name)
