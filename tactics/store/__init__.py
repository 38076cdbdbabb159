"""What must survive a crash: one SQLite file with the event log, ledgers, queue and breakers."""

from tactics.store.breakers import BreakerState, BreakerStatus
from tactics.store.bus import Event, Position
from tactics.store.calls import ApiCall, CallTotal
from tactics.store.codec import Packed, pack
from tactics.store.coverage import Watermark
from tactics.store.fetches import Fetch, FetchState
from tactics.store.jobs import DeadLetterFilter, Job, JobCount, JobState, backoff_seconds
from tactics.store.migrate import APPLICATION_ID, list_migrations, render_schema
from tactics.store.runs import Run, RunStage, SyncRequest
from tactics.store.store import Pruned, Store, StoreHealth

__all__ = [
    "APPLICATION_ID",
    "ApiCall",
    "BreakerState",
    "BreakerStatus",
    "CallTotal",
    "DeadLetterFilter",
    "Event",
    "Fetch",
    "FetchState",
    "Job",
    "JobCount",
    "JobState",
    "Packed",
    "Position",
    "Pruned",
    "Run",
    "RunStage",
    "Store",
    "StoreHealth",
    "SyncRequest",
    "Watermark",
    "backoff_seconds",
    "list_migrations",
    "pack",
    "render_schema",
]
