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

if TYPE_CHECKING:
    from tactics.pipeline.alert import after_run, between_runs
    from tactics.pipeline.backup import Backup, back_up
    from tactics.pipeline.cost import read_cost, read_latency
    from tactics.pipeline.delivery import sink_breaker
    from tactics.pipeline.explore import query
    from tactics.pipeline.freshness import read_freshness
    from tactics.pipeline.gaps import Gap, StreamDays, list_days
    from tactics.pipeline.health import (
        read_health,
        read_metrics,
        read_vitals,
        unreadable_health,
    )
    from tactics.pipeline.held import Held, Parts
    from tactics.pipeline.lock import CommitLock
    from tactics.pipeline.maintain import Sizes, maintenance_due, measure
    from tactics.pipeline.mend import edit_letter
    from tactics.pipeline.notify import (
        AlertReport,
        Trial,
        deliver_due,
        raise_alerts,
        try_channels,
    )
    from tactics.pipeline.pressure import Flow, Pressure, read_pressure
    from tactics.pipeline.restore import Restored, relocate, restore_backup, verify
    from tactics.pipeline.run import flush, run_maintenance, sync, validate
    from tactics.pipeline.sources import SourceCheck, check_sources
    from tactics.pipeline.workspace import Workspace

__all__ = [
    "AlertReport",
    "Backup",
    "CommitLock",
    "Flow",
    "Freshness",
    "Gap",
    "Held",
    "Outcome",
    "Parts",
    "PipelineResult",
    "Pressure",
    "Problem",
    "Progress",
    "Restored",
    "Scope",
    "Silent",
    "Sizes",
    "SourceCheck",
    "SourceOutcome",
    "StageReport",
    "StreamDays",
    "Trial",
    "Workspace",
    "after_run",
    "back_up",
    "between_runs",
    "check_sources",
    "deliver_due",
    "edit_letter",
    "flush",
    "list_days",
    "maintenance_due",
    "measure",
    "query",
    "raise_alerts",
    "read_cost",
    "read_freshness",
    "read_health",
    "read_latency",
    "read_metrics",
    "read_pressure",
    "read_vitals",
    "relocate",
    "restore_backup",
    "run_maintenance",
    "sink_breaker",
    "sync",
    "try_channels",
    "unreadable_health",
    "validate",
    "verify",
]

_HOMES = {
    "edit_letter": "mend",
    "Backup": "backup",
    "back_up": "backup",
    "Restored": "restore",
    "relocate": "restore",
    "restore_backup": "restore",
    "verify": "restore",
    "AlertReport": "notify",
    "Trial": "notify",
    "after_run": "alert",
    "between_runs": "alert",
    "deliver_due": "notify",
    "raise_alerts": "notify",
    "try_channels": "notify",
    "Gap": "gaps",
    "StreamDays": "gaps",
    "list_days": "gaps",
    "SourceCheck": "sources",
    "check_sources": "sources",
    "Flow": "pressure",
    "Pressure": "pressure",
    "read_pressure": "pressure",
    "Sizes": "maintain",
    "CommitLock": "lock",
    "maintenance_due": "maintain",
    "measure": "maintain",
    "sink_breaker": "delivery",
    "flush": "run",
    "run_maintenance": "run",
    "query": "explore",
    "read_freshness": "freshness",
    "sync": "run",
    "validate": "run",
    "Held": "held",
    "Parts": "held",
    "read_cost": "cost",
    "read_health": "health",
    "read_latency": "cost",
    "read_metrics": "health",
    "read_vitals": "health",
    "unreadable_health": "health",
    "Workspace": "workspace",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"tactics.pipeline.{_HOMES[name]}"), name)
