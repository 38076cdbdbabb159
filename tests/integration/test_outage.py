"""The sink is gone for a while: every write waits, is explained, and comes home."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult, flush
from tactics.store import Job
from tests.integration.test_sync import assert_home_equals_vendors
from tests.lab import Lab, troubles

TRIES = 4  # the first one and three retries
MAX_FLUSHES = 8  # pages that the open breaker held back begin to be tried later


@contextmanager
def unusable_warehouse(lab: Lab) -> Iterator[None]:
    """A file stands where the warehouse's folder should be."""
    folder, aside = lab.home.lake / "warehouse", lab.home.lake / "aside"
    folder.rename(aside)
    folder.write_text("not a folder", encoding="utf-8")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@contextmanager
def locked_catalog(lab: Lab) -> Iterator[None]:
    """Another program holds the catalog's SQLite file."""
    with sqlite3.connect(lab.home.lake / "catalog.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
    other.close()


@contextmanager
def full_disk(lab: Lab) -> Iterator[None]:
    """The warehouse lies on a small file system without a free byte."""
    folder, aside = lab.home.lake / "warehouse", lab.home.lake / "aside"
    shutil.copytree(folder, aside)
    size = sum(path.stat().st_size for path in aside.rglob("*")) + 2**20
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size // 1024}k", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        fill(folder / "filler")
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(aside)


def fill(path: Path) -> None:
    """Write until there is no byte left."""
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):  # noqa: PT012 - it is the loop that ends
        while True:
            file.write(b"x" * 4096)


MOUNTS = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
OUTAGES = [unusable_warehouse, locked_catalog, pytest.param(full_disk, marks=MOUNTS)]


def flush_queue(lab: Lab) -> PipelineResult:
    """Run `tactics queue flush` in this process."""
    with lab.workspace() as workspace:
        return flush(workspace)


def dead_letters(lab: Lab) -> list[Job]:
    """Return all dead letters."""
    with lab.workspace() as workspace:
        return workspace.store.jobs.list_dead()


def counts(lab: Lab) -> dict[str, int]:
    """Return how many jobs stand in which state."""
    found: dict[str, int] = {}
    with lab.workspace() as workspace:
        for count in workspace.store.jobs.stats():
            found[count.state] = found.get(count.state, 0) + count.jobs
    return found


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)
def test_writes_wait_become_dead_letters_and_come_home(
    synced: Lab, outage: Callable[[Lab], AbstractContextManager[None]]
):
    """Failed writes wait; after three failed retries they are dead letters; a flush heals them."""
    synced.world.restate(14)
    with outage(synced):
        result = synced.sync()
        assert result.status is RunStatus.FAILED, troubles(result)
        assert counts(synced).get("retryable", 0) > 0
        for _ in range(MAX_FLUSHES):
            flush_queue(synced)
            if set(counts(synced)) == {"discarded"}:
                break
        assert {letter.attempt for letter in dead_letters(synced)} == {TRIES}
        assert set(counts(synced)) == {"discarded"}
        letters = synced.command("dlq", "list", "--json")
        assert letters.returncode == 0, letters.stderr
        assert "sink_unavailable" in letters.stdout
    healed = flush_queue(synced)
    assert healed.status is RunStatus.SUCCEEDED, troubles(healed)
    assert set(counts(synced)) == {"completed"}
    assert_home_equals_vendors(synced)


def test_an_inspected_dead_letter_says_what_to_do(synced: Lab):
    """`dlq inspect` tells the cause, the attempts and the command that brings the row home."""
    synced.world.restate(3)
    with unusable_warehouse(synced):
        synced.sync("meta")
        for _ in range(3):
            flush_queue(synced)
        job_id = dead_letters(synced)[0].job_id
        done = synced.command("dlq", "inspect", str(job_id))
    assert done.returncode == 0, done.stderr
    assert "bronze" in done.stdout
    assert "queue flush" in done.stdout or "dlq retry" in done.stdout
