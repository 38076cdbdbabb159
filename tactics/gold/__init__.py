"""Published tables: DuckDB generations, the models that fill them and the reports that read them.

Reading a report imports DuckDB only. Knows nothing of vendors, Iceberg or SQLite.
"""

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
