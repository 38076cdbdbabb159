"""Step 3: complete requests from bronze to the typed silver tables.

Only a complete request counts, and only for the days that no newer request has fetched.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from tactics.connectors import Connector, find_connector, spec_of, stream_sql
from tactics.errors import ConfigError, CountMismatch, MappingError
from tactics.lake import SilverLoad, SilverRequest, SilverResult
from tactics.model import (
    TOPIC_CLEANED,
    TOPIC_PROCESSED,
    CoveredDay,
    Finality,
    Receipt,
    StreamKey,
)
from tactics.pipeline.bronze import name_load
from tactics.pipeline.delivery import Delivery, Emission, Written
from tactics.pipeline.workspace import Workspace
from tactics.store import Event, Fetch, FetchState

BATCH_LOADS = 100_000  # all that is new: one commit per table and run


def silver_stage(workspace: Workspace, receipts: list[Receipt]) -> Delivery:
    """Return the stage that writes silver; it adds a receipt per stream to `receipts`."""

    def write(events: Sequence[Event]) -> Written:
        fetches = _complete_fetches(workspace, events)
        sequence = [event.seq for event in events]
        rows, emissions, made = 0, [], []
        for _, group in itertools.groupby(fetches, key=_stream_of):
            load, history = _plan_loads(workspace, list(group), name_load("silver", sequence))
            result = workspace.lake.load_silver(load)
            rows += result.written
            made.append(_receipt(load, result))
            emissions.append(_emission(load, result))
            if history is not None:
                emissions.append(_emission(history, workspace.lake.load_silver(history)))
        receipts.extend(made)  # only now: a batch that fails half way comes again
        return Written(rows, tuple(emissions))

    return Delivery(workspace, "silver", TOPIC_CLEANED, write, batch_events=BATCH_LOADS)


def _complete_fetches(workspace: Workspace, events: Sequence[Event]) -> list[Fetch]:
    ids = dict.fromkeys(itertools.chain.from_iterable(e.header["request_ids"] for e in events))
    fetches = workspace.store.fetches.get_many(list(ids)).values()
    return sorted(
        (fetch for fetch in fetches if fetch.state is FetchState.COMPLETED), key=_stream_of
    )


def _stream_of(fetch: Fetch) -> tuple[str, str, str]:
    return fetch.key.org_id, fetch.key.source, fetch.key.stream


def _plan_loads(
    workspace: Workspace, fetches: list[Fetch], load_id: str
) -> tuple[SilverLoad, SilverLoad | None]:
    """Return the load of the stream's table, and that of its history if it keeps one."""
    org_id, source, stream = _stream_of(fetches[0])
    connector = _connector(workspace, org_id, source)
    spec = spec_of(connector, stream)
    requests = tuple(
        SilverRequest(f.request_id, f.key.account_id, f.first_seq or 0, f.last_seq or 0, f.pages)
        for f in fetches
    )
    load = SilverLoad(
        load_id=f"{load_id}-{org_id}-{source}-{stream}",
        table=spec.table,
        sql=stream_sql(connector, stream),
        org_id=org_id,
        source=source,
        stream=stream,
        requests=requests,
        winners=tuple(workspace.store.coverage.winners([f.request_id for f in fetches])),
        slicing="days" if spec.slicing == "daily" else spec.slicing,
    )
    if spec.history_table is None:
        return load, None
    history = replace(
        load,
        load_id=f"{load.load_id}-history",
        table=spec.history_table,
        winners=_readings(workspace, fetches, load.winners),
        slicing="days",
        as_of_fetch=True,
    )
    return load, history


def _readings(
    workspace: Workspace, fetches: list[Fetch], current: tuple[CoveredDay, ...]
) -> tuple[CoveredDay, ...]:
    """Return the last reading of each day: the ledger of a snapshot knows only the last of all."""
    last = workspace.store.fetches.last_of_their_window([f.request_id for f in fetches])
    known = {winner.request_id for winner in current}
    earlier = (
        CoveredDay(f.key, f.window.start, Finality.FINAL, f.request_id, f.finalized_at)
        for f in fetches
        if f.request_id in last - known and f.finalized_at
    )
    return (*current, *earlier)


def _connector(workspace: Workspace, org_id: str, source: str) -> Connector:
    """Return the connector of a source, also of one that has left the configuration.

    Raises:
        MappingError: nobody reads that kind (any more); these requests wait as dead letters.
    """
    org = workspace.settings.orgs.get(org_id)
    settings = org.sources.get(source) if org else None
    try:
        return find_connector((settings.kind if settings else None) or source)
    except ConfigError as exc:
        raise MappingError(
            f"nobody reads {org_id}.{source}",
            hint="put its `kind` back into the configuration, then `tactics dlq retry`",
        ) from exc


def _receipt(load: SilverLoad, result: SilverResult) -> Receipt:
    receipt = Receipt(
        StreamKey(load.org_id, load.source, "", load.stream),
        received=result.received,
        written=result.written,
        duplicate=result.duplicate + result.superseded,
        quarantined=result.quarantined,
    )
    if not receipt.balances():
        raise CountMismatch("silver lost or made up rows", load_id=load.load_id, receipt=receipt)
    return receipt


def _emission(load: SilverLoad, result: SilverResult) -> Emission:
    header = {
        "load_id": load.load_id,
        "org_id": load.org_id,
        "source": load.source,
        "table": load.table,
        "start": result.start.isoformat() if result.start else None,
        "end": result.end.isoformat() if result.end else None,
    }
    return Emission(TOPIC_PROCESSED, StreamKey(load.org_id, load.source, "", load.stream), header)
