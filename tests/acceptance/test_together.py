"""Many processes on one home: readers never wait, a second sync follows, no secret is left behind."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, open_lab, result_of

READERS = 20


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with both organisations and 30 days of history."""
    with open_lab(tmp_path, days=30) as lab:
        yield lab


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return exit code, standard output and error of a process that ends."""
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def test_twenty_readers_during_a_sync(lab: Lab):
    """Twenty reports at once, while a sync writes, all answer without an error."""
    assert lab.command("sync").returncode == 0
    lab.world.restate(10)
    lab.plant("latency", times=None, seconds=0.1)
    syncing = lab.start("sync")
    readers = [lab.start("report", "pacing", "--json") for _ in range(READERS)]
    for code, out, err in map(outcome, readers):
        assert code == 0, err
        assert '"rows"' in out
    code, _, err = outcome(syncing)
    assert code == 0, err


def test_a_second_sync_follows_the_first(lab: Lab):
    """The second `tactics sync` fetches nothing itself and reports the run of the first."""
    lab.plant("latency", times=None, seconds=0.3)
    first = lab.start("sync", "--json")
    wait_for_lock(lab, first)
    code, out, err = outcome(lab.start("sync", "--json"))
    first_code, first_out, _ = outcome(first)
    assert (code, first_code) == (0, 0), err
    followed = result_of(subprocess.CompletedProcess([], 0, out))
    led = result_of(subprocess.CompletedProcess([], 0, first_out))
    assert followed["followed"] == led["run_id"]
    runs = result_of(lab.command("runs", "list", "--json"))["rows"]
    assert [run["command"] for run in runs] == ["sync"]


def wait_for_lock(lab: Lab, process: subprocess.Popen[str]) -> None:
    """Return once the process has written its number into the lock."""
    while process.poll() is None:
        if lab.home.lock.exists() and lab.home.lock.read_text().strip() == str(process.pid):
            return


def test_no_secret_in_any_file_log_or_error(lab: Lab):
    """After good runs, refused credentials and broken answers no planted secret is found."""
    words = []
    for fault in ("truncated_json", "auth_expired", "html_200", "cursor_loop", "permission"):
        planted = lab.plant(fault, times=2)
        done = lab.command("sync", "--source", "meta")
        words += [done.stdout, done.stderr]
        assert planted.fired, fault
        lab.world.faults.clear()
    for command in (
        ("sync",),
        ("dlq", "list"),
        ("runs", "list"),
        ("sources", "check"),
        ("doctor",),
    ):
        done = lab.command(*command)
        words += [done.stdout, done.stderr]
    secrets = [secret for secret in lab.world.secrets() if len(secret) >= 8]
    assert len(secrets) > 5
    pattern = re.compile("|".join(map(re.escape, secrets)).encode())
    files = [path for path in lab.home.root.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path.name for path in files if pattern.search(path.read_bytes())] == []
    assert pattern.search("\n".join(words).encode()) is None
    pages = lab.silver("SELECT payload || request FROM bronze.pages")
    letters = lab.command("dlq", "list", "--json").stdout
    assert pattern.search("\n".join([letters, *(text for (text,) in pages)]).encode()) is None


def test_files_are_private(lab: Lab):
    """Folders of the home are 0700 and the database 0600: only this user may read."""
    lab.command("sync", "--source", "stripe")
    assert lab.home.root.stat().st_mode & 0o077 == 0
    assert lab.home.database.stat().st_mode & 0o077 == 0
