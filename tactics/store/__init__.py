"""What must survive a crash: one SQLite file with the event log, ledgers, queue and breakers."""

from tactics.store.breakers import BreakerState, BreakerStatus
from tactics.store.bus import Event, Position
from tactics.store.calls import ApiCall, CallTotal
from tactics.store.codec import Packed, pack
from tactics.store.copies import Frozen, count_rows, file_version, find_damage, freeze
from tactics.store.coverage import Watermark
from tactics.store.fetches import Fetch, FetchState
from tactics.store.heartbeats import Heartbeat
from tactics.store.history import (
    Backlog,
    DailyCalls,
    PublishedGeneration,
    RequestPassage,
    RunLatency,
    RunSource,
)
from tactics.store.jobs import DeadLetterFilter, Job, JobCount, JobState, backoff_seconds
from tactics.store.letters import Author, Cause, LetterAction, LetterChange
from tactics.store.migrate import APPLICATION_ID, list_migrations, render_schema
from tactics.store.outbox import (
    AlertBacklog,
    AlertDelivery,
    AlertRoutes,
    AlertState,
    HeldAlert,
)
from tactics.store.runs import Run, RunStage, SyncRequest
from tactics.store.store import Pruned, Store, StoreHealth
from tactics.store.visits import Visit

__all__ = [
    "APPLICATION_ID",
    "AlertBacklog",
    "AlertDelivery",
    "AlertRoutes",
    "AlertState",
    "ApiCall",
    "Author",
    "Backlog",
    "BreakerState",
    "BreakerStatus",
    "CallTotal",
    "Cause",
    "DailyCalls",
    "DeadLetterFilter",
    "Event",
    "Fetch",
    "FetchState",
    "Frozen",
    "Heartbeat",
    "HeldAlert",
    "Job",
    "JobCount",
    "JobState",
    "LetterAction",
    "LetterChange",
    "Packed",
    "Position",
    "Pruned",
    "PublishedGeneration",
    "RequestPassage",
    "Run",
    "RunLatency",
    "RunSource",
    "RunStage",
    "Store",
    "StoreHealth",
    "SyncRequest",
    "Visit",
    "Watermark",
    "backoff_seconds",
    "count_rows",
    "file_version",
    "find_damage",
    "freeze",
    "list_migrations",
    "pack",
    "render_schema",
]
