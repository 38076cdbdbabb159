"""Loads a stream of changes: each record replaces the one of the same entity, whatever its date.

Nothing vanishes here, because the vendor lists what changed and not what is left. Knows no vendor.
"""

from dataclasses import replace
from itertools import starmap

from tactics import crashpoint
from tactics.lake.durable import removed_on_failure
from tactics.lake.planning import BLOCK_BYTES, SMALL_FILE_ROWS, cut_blocks, is_small
from tactics.lake.quarantine import replace_refused, write_outgoing
from tactics.lake.scan import HeldFile, equal, held_files
from tactics.lake.schemas import find_table
from tactics.lake.silver import RESULT, Work, choose_requests, commit
from tactics.lake.staging import Engine
from tactics.lake.values import SilverLoad, SilverRequest, SilverResult
from tactics.lake.warehouse import Warehouse, find_load, summary_of


def load_changes(
    warehouse: Warehouse, engine: Engine, load: SilverLoad, *, block_bytes: int = BLOCK_BYTES
) -> SilverResult:
    """Write the changed records of `load` and return where they went.

    What does not fit into memory at once is cut into loads of its own, one commit each, oldest
    first; repeating any of them changes nothing.
    """
    spec = find_table(load.table)
    table = warehouse.table(spec)
    done = find_load(table, load.load_id)
    if done is not None:
        return SilverResult.from_json(summary_of(done)[RESULT])
    with engine.staging() as staging:
        work = Work(load, spec, table, staging, block_bytes)
        choose_requests(work, warehouse)
        blocks = cut_blocks(work.requests, work.weights, block_bytes)
        if len(blocks) == 1:
            _merge(work, warehouse)
        if len(blocks) <= 1:
            return work.result

    def load_block(number: int, block: list[SilverRequest]) -> SilverResult:
        part = replace(load, load_id=f"{load.load_id}.{number}", requests=tuple(block))
        return load_changes(warehouse, engine, part, block_bytes=block_bytes)

    return sum(starmap(load_block, enumerate(blocks)), start=work.result)


def _merge(work: Work, warehouse: Warehouse) -> None:
    staging, load = work.staging, work.load
    staging.elect(load.winners, snapshot=False)
    staging.stage(work.spec, load, work.requests, work.page_files)
    [(duplicate,)] = staging.run("drop_duplicates")
    [(left, refused)] = staging.run("count_staged")
    staging.run("keep_latest")
    _choose_files(work)
    staging.run("drop_outdated")
    _describe(work)
    [(written,)] = staging.run("count_fresh")
    [(start, end)] = staging.run("changed_span")
    work.result = replace(
        work.result,
        received=left + duplicate,
        written=written,
        duplicate=duplicate,
        quarantined=refused,
        superseded=left - refused - written,
        start=start,
        end=end,
    )
    with removed_on_failure(work.paths):
        if written:
            staging.show("view_merged")
            work.added = write_outgoing(staging, work.table, load.org_id, work.paths)
        else:
            work.replaced = []
        replace_refused(warehouse, staging, load, work.requests)
        crashpoint.reach("silver.files_written")
    commit(work, warehouse)
    crashpoint.reach("silver.committed")


def _choose_files(work: Work) -> None:
    """Choose the held files with entities that come again, and small ones of the same months."""
    load, staging = work.load, work.staging
    files = held_files(
        work.table, *equal(org_id=load.org_id, source=load.source, stream=load.stream)
    )
    touched: set[str] = set()
    if files:
        touched = {
            name for (name,) in staging.run("find_touched", {"files": [f.path for f in files]})
        }
    staging.small = is_small(work.weights.values(), files)
    staging.show("view_changed")
    months = {month for (month,) in staging.run("count_months")}
    work.replaced = [
        file
        for file in files
        if file.path in touched
        or (
            file.rows < SMALL_FILE_ROWS
            and file.first_day
            and file.first_day.replace(day=1) in months
        )
    ]
    _show_held(work, work.replaced)


def _show_held(work: Work, files: list[HeldFile]) -> None:
    work.staging.set(held_files=[file.path for file in files])
    work.staging.show("view_held" if files else "view_held_nothing")


def _describe(work: Work) -> None:
    """Say which rows go and come, and on which days something differs."""
    staging = work.staging
    staging.show("view_changed")
    for statement in ("view_replaced", "view_unchanged", "digest_overwritten", "digest_fresh"):
        staging.run(statement)
    staging.run("keep_refused")
