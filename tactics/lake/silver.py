"""Loads the completed fetches of one stream into its silver table, in one commit.

Metrics are windows that are overwritten: exactly the winning (account, day)s are replaced, and
rows that vanished upstream vanish here. Knows no vendor; the stream's SQL does.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from tactics import crashpoint
from tactics.lake.durable import removed_on_failure
from tactics.lake.planning import (
    BLOCK_BYTES,
    RequestWeight,
    choose_winners,
    complete_requests,
    cut_blocks,
    is_small,
    month_span,
    must_rewrite,
)
from tactics.lake.quarantine import replace_refused, write_outgoing
from tactics.lake.scan import HeldFile, between, equal, held_files
from tactics.lake.schemas import PAGES, TableSpec, find_table
from tactics.lake.staging import Engine, Staging
from tactics.lake.values import SilverLoad, SilverRequest, SilverResult
from tactics.lake.warehouse import (
    LOAD_ID,
    REQUESTS,
    Change,
    Warehouse,
    find_load,
    recent_requests,
    summary_of,
)
from tactics.model import CoveredDay

RESULT = "tactics.result"


@dataclass(slots=True)
class Work:
    """What the steps of one load hand to each other."""

    load: SilverLoad
    spec: TableSpec
    table: Table
    staging: Staging
    block_bytes: int
    page_files: list[str] = field(default_factory=list)
    weights: dict[str, RequestWeight] = field(default_factory=dict)
    requests: list[SilverRequest] = field(default_factory=list)
    winners: list[CoveredDay] = field(default_factory=list)
    replaced: list[HeldFile] = field(default_factory=list)
    added: list[DataFile] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    replayed: bool = False  # whether a request of the load was committed before
    result: SilverResult = field(default_factory=SilverResult)


def load_silver(
    warehouse: Warehouse, engine: Engine, load: SilverLoad, *, block_bytes: int = BLOCK_BYTES
) -> SilverResult:
    """Write the winning days of `load` and return where its records went.

    A load that was committed before is found by its id and returns the same result. Refused rows
    are committed first: once the load id is there, nothing of the load is missing.
    """
    spec = find_table(load.table)
    table = warehouse.table(spec)
    done = find_load(table, load.load_id)
    if done is not None:
        return SilverResult.from_json(summary_of(done)[RESULT])
    with engine.staging() as staging:
        work = Work(load, spec, table, staging, block_bytes)
        choose_requests(work, warehouse)
        if not work.requests:
            return work.result
        _choose_winners(work)
        with removed_on_failure(work.paths):
            _write_blocks(work)
            if not load.as_of_fetch:
                replace_refused(warehouse, staging, load, work.requests)
            crashpoint.reach("silver.files_written")
        commit(work, warehouse)
        crashpoint.reach("silver.committed")
        return work.result


def choose_requests(work: Work, warehouse: Warehouse) -> None:
    """Find the pages of the load in bronze, and which of its requests are whole."""
    load, staging = work.load, work.staging
    first = min(request.first_seq for request in load.requests)
    last = max(request.last_seq for request in load.requests)
    pages = held_files(
        warehouse.find(PAGES), *equal(org_id=load.org_id), *between("log_seq", first, last)
    )
    work.page_files = [page.path for page in pages]
    work.weights = {w.request_id: w for w in staging.weigh(load.requests, work.page_files)}
    work.requests = complete_requests(load.requests, work.weights)
    complete = {request.request_id for request in work.requests}
    left_out = {request.request_id for request in load.requests} - complete
    work.result = SilverResult(incomplete=tuple(sorted(left_out)))
    committed = recent_requests(work.table)
    work.replayed = not complete.isdisjoint(committed)
    staging.ask(work.requests, work.weights, windows=load.slicing == "days", committed=committed)
    facts = {"table_name": work.spec.name, "source": load.source, "stream": load.stream}
    staging.set(load={**facts, "snapshot": load.snapshot})


def _choose_winners(work: Work) -> None:
    load, staging = work.load, work.staging
    work.winners = choose_winners(load, {request.request_id for request in work.requests})
    work.replaced = _held(work)
    staging.small = is_small(work.weights.values(), work.replaced)
    if work.replaced:
        staging.set(held_files=[file.path for file in work.replaced])
        staging.show("view_held")
    if load.snapshot and work.replaced:
        _drop_outdated(work)
    staging.elect(work.winners, snapshot=load.snapshot)
    if work.replaced:
        staging.run("view_overwritten")
        staging.run("view_kept")


def _held(work: Work) -> list[HeldFile]:
    load = work.load
    if not work.winners:
        return []
    same = equal(org_id=load.org_id, source=load.source, stream=load.stream)
    if load.snapshot:
        return held_files(work.table, *same)
    months = month_span([winner.day for winner in work.winners])
    held = held_files(work.table, *same, *between("date", months.start, months.end))
    return [file for file in held if must_rewrite(file, work.winners)]


def _drop_outdated(work: Work) -> None:
    """Leave accounts alone whose held snapshot is newer than the one at hand."""
    newest = dict(work.staging.run("newest_held"))
    last_seq = {request.request_id: request.last_seq for request in work.requests}
    work.winners = [
        winner
        for winner in work.winners
        if newest.get(winner.key.account_id, 0) <= last_seq[winner.request_id]
    ]
    if not work.winners:
        work.replaced = []


def _write_blocks(work: Work) -> None:
    staging, overwritten = work.staging, 0
    if work.replaced:
        staging.run("digest_overwritten")
        [(overwritten,)] = staging.run("count_digests")
    for number, block in enumerate(cut_blocks(work.requests, work.weights, work.block_bytes)):
        staging.stage(work.spec, work.load, block, work.page_files)
        _count_block(work)
        staging.run("digest_fresh" if overwritten else "tally_fresh")
        staging.show("view_merged" if work.replaced and not number else "view_unmerged")
        work.added += write_outgoing(staging, work.table, work.load.org_id, work.paths)
    if work.replayed:
        staging.run("digest_replayed")
    [(start, end)] = staging.run("changed_span")
    work.result = replace(work.result, start=start, end=end)


def _count_block(work: Work) -> None:
    """Count where the records of a block went, and keep those that are refused."""
    staging, result = work.staging, work.result
    [(duplicate,)] = staging.run("drop_duplicates")
    [(left, refused)] = staging.run("count_staged")
    if refused:
        staging.run("keep_refused")
    staging.show("view_fresh")
    [(written,)] = staging.run("count_fresh")
    work.result = replace(
        result,
        received=result.received + left + duplicate,
        written=result.written + written,
        duplicate=result.duplicate + duplicate,
        quarantined=result.quarantined + refused,
        superseded=result.superseded + left - refused - written,
    )


def commit(work: Work, warehouse: Warehouse) -> None:
    """Replace the files in one snapshot that remembers the load and its result."""
    change = Change(
        work.added,
        [file.data_file for file in work.replaced],
        {
            LOAD_ID: work.load.load_id,
            RESULT: work.result.to_json(),
            REQUESTS: " ".join(request.request_id for request in work.requests),
        },
    )
    if change:
        warehouse.commit(work.table, change)
