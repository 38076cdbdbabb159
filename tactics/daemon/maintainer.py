"""Keeps the home small while nothing else goes on: the daily round, and the WAL in between.

Retention, compaction, snapshots, orphans, generations and pruning are the pipeline's; a run does
them by itself, so here is only what happens when no run comes by.
"""

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from tactics.daemon.work import Beat, Done, Job, Verb, Worker
from tactics.pipeline import Sizes, Workspace, maintenance_due, measure

WAL_BYTES = 4 * 2**20  # SQLite's own checkpoints reuse the file, and never make it smaller


@dataclass(frozen=True, slots=True)
class MaintainerReport:
    """What the home takes, before and after, where something was done."""

    round: Done | None = None
    wal_emptied: bool = False
    before: Sizes | None = None
    after: Sizes | None = None


class Maintainer:
    """Has a round of maintenance done where none was for a day, and empties the WAL."""

    name: ClassVar[str] = "maintainer"

    def __init__(
        self, workspace: Workspace, worker: Worker, *, beat: Beat, seconds: float = 600.0
    ) -> None:
        self.seconds = seconds
        self._workspace = workspace
        self._worker = worker
        self._beat = beat

    def step(self, now: dt.datetime) -> MaintainerReport:  # noqa: ARG002 (every service's signature)
        """Do what is due, unless a run is on."""
        store = self._workspace.store
        wal = store.health().wal_bytes > WAL_BYTES
        due = maintenance_due(self._workspace) and store.runs.latest() is not None
        if self._worker.busy or not (wal or due):
            return MaintainerReport()
        before = measure(self._workspace.home)
        done = self._worker.run(Job(Verb.MAINTAIN), self._beat) if due else None
        emptied = store.checkpoint()
        return MaintainerReport(done, emptied, before, measure(self._workspace.home))
