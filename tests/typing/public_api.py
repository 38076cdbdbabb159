"""Uses of the public API that must type-check; never run."""

import datetime as dt
from pathlib import Path
from typing import assert_type

from tactics.analytics import Health
from tactics.clock import SystemClock
from tactics.config import Settings, load_settings
from tactics.home import Home, find_home
from tactics.metrics import Registry, render
from tactics.model import Receipt
from tactics.pipeline import PipelineResult, Scope, Workspace, query, read_health, sync
from tactics.store import Job, Store


def run_once(path: Path) -> int:
    """Sync one source and return the exit code."""
    settings = assert_type(load_settings(path), Settings)
    home = assert_type(find_home(), Home)
    with Workspace.open(settings, home, SystemClock()) as workspace:
        result = assert_type(sync(workspace, Scope(sources=("meta",))), PipelineResult)
        names, rows = query(workspace, "FROM campaign_pacing")
        assert_type(names, list[str])
        assert_type(rows, list[tuple[object, ...]])
        assert_type(workspace.store, Store)
        assert_type(read_health(workspace, workspace.clock.now()), Health)
        assert_type(workspace.store.jobs.list_dead(), list[Job])
    receipts: tuple[Receipt, ...] = result.receipts
    assert_type(result.started_at, dt.datetime)
    return result.exit_code if receipts else 0


def show_formula() -> str:
    """Return a metric as SQL."""
    registry = Registry.load()
    return assert_type(render("{{ ctr }}", registry), str)
