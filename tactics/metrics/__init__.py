"""The calculation engine: metrics are typed formulas, compiled to DuckDB SQL.

`Registry.load()` reads and checks them, `render` fills them into a gold model. Runs no SQL.
"""

from tactics.metrics.definition import Column, Grain, Metric
from tactics.metrics.registry import Registry, fingerprint
from tactics.metrics.render import render

__all__ = ["Column", "Grain", "Metric", "Registry", "fingerprint", "render"]
