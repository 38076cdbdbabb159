"""One verb per file, in the order data flows; `run.py` is the whole flow on one page.

The verbs import the engines, so they are loaded when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING

from tactics.pipeline.result import (
    Freshness,
    Outcome,
    PipelineResult,
    Problem,
    SourceOutcome,
    StageReport,
)
from tactics.pipeline.scope import Progress, Scope, Silent
from tactics.pipeline.workspace import Workspace

if TYPE_CHECKING:
    from tactics.pipeline.explore import query
    from tactics.pipeline.freshness import read_freshness
    from tactics.pipeline.gaps import Gap, StreamDays, list_days
    from tactics.pipeline.run import flush, sync, validate
    from tactics.pipeline.sources import SourceCheck, check_sources

__all__ = [
    "Freshness",
    "Gap",
    "Outcome",
    "PipelineResult",
    "Problem",
    "Progress",
    "Scope",
    "Silent",
    "SourceCheck",
    "SourceOutcome",
    "StageReport",
    "StreamDays",
    "Workspace",
    "check_sources",
    "flush",
    "list_days",
    "query",
    "read_freshness",
    "sync",
    "validate",
]

_HOMES = {
    "Gap": "gaps",
    "StreamDays": "gaps",
    "list_days": "gaps",
    "SourceCheck": "sources",
    "check_sources": "sources",
    "flush": "run",
    "query": "explore",
    "read_freshness": "freshness",
    "sync": "run",
    "validate": "run",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"tactics.pipeline.{_HOMES[name]}"), name)
