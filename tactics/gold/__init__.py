"""Published tables: DuckDB generations, the models that fill them and the reports that read them.

Reading a report imports DuckDB only. Knows nothing of vendors, Iceberg or SQLite.
"""

from tactics.gold.catalog import TABLES
from tactics.gold.engine import map_errors
from tactics.gold.gold import Gold
from tactics.gold.plan import Change, Part, plan_parts
from tactics.gold.reports import Answer, Report
from tactics.gold.request import Generation, GoldBuild, OrgFacts, StreamFacts

__all__ = [
    "TABLES",
    "Answer",
    "Change",
    "Generation",
    "Gold",
    "GoldBuild",
    "OrgFacts",
    "Part",
    "Report",
    "StreamFacts",
    "map_errors",
    "plan_parts",
]
