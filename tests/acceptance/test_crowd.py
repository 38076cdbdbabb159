"""A daemon and twenty commands at once, again and again: nobody meets a lock, no change is lost.

For two minutes: `CROWD_SECONDS=120 pytest tests/acceptance/test_crowd.py`.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tactics.errors import DecodeError
from tactics.model import RunStatus
from tests.integration.test_daemon import daemon_of
from tests.integration.test_sync import assert_home_equals_vendors
from tests.lab import Lab, open_lab

SECONDS = float(os.environ.get("CROWD_SECONDS", "10"))
PATIENCE_SECONDS = 300  # for one command among twenty on a slow machine
NAMES = tuple(f"place_{number}" for number in range(6))
EDITS = 20  # of each, where nothing but editing goes on
OTHERS = (
    ("sync",),
    ("sync", "--source", "meta"),
    ("sync", "--offline"),
    ("queue", "flush"),
    ("validate",),
    ("alerts", "ack", "--all"),
    ("alerts", "list"),
    ("report", "pacing"),
    ("report", "cost"),
    ("status",),
    ("health",),
    ("runs", "list"),
    ("dlq", "list"),
    ("sql", "SELECT count(*) FROM ad_daily"),
)
WELL = {0, 6}  # 6: somebody should look, as at a dead letter
LOCKED = re.compile(r"lock|busy|Traceback", re.IGNORECASE)


@dataclass
class Crowd:
    """Twenty people, each of whom types one command after the other until it is time to stop."""

    lab: Lab
    letter: int
    stopping: threading.Event = field(default_factory=threading.Event)
    done: list[tuple[str, int, str]] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)

    def repeat(self, *command: str) -> None:
        """Type a command again and again."""
        while not self.stopping.is_set():
            self._type(*command)

    def edit(self, name: str) -> None:
        """Count up in one's own place of a dead letter that all the others edit too."""
        while not self.stopping.is_set():
            value = self.values[name] + 1
            if self._type("dlq", "edit", str(self.letter), "--set", f"{name}={value}") == 0:
                self.values[name] = value

    def _type(self, *command: str) -> int:
        done = self.lab.command(*command, timeout=PATIENCE_SECONDS)
        self.done.append((" ".join(command), done.returncode, done.stderr))
        return done.returncode


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation that has synced."""
    with open_lab(tmp_path, days=10, orgs=("acme",)) as lab:
        assert lab.sync().status is RunStatus.SUCCEEDED
        yield lab


def bury_page(lab: Lab) -> int:
    """Make a dead letter of a page that is no worse than others, and return its number."""
    with lab.workspace() as workspace:
        store = workspace.store
        event = next(
            event
            for seq in range(1, 99)
            if (event := store.bus.get(seq)) and event.key and event.key.source == "meta"
        )
        error = DecodeError("planted by a test")
        return store.jobs.discard_now("bronze", event.key, error, event_seq=event.seq)


def test_a_daemon_and_twenty_commands_at_once(lab: Lab):
    """Whoever reads, writes, syncs or edits the same letter: all come through, and every edit stands."""
    crowd = Crowd(lab, bury_page(lab))
    with (
        daemon_of(lab, TACTICS_DAEMON__SCHEDULE="* * * * *") as daemon,
        ThreadPoolExecutor(len(NAMES) + len(OTHERS)) as pool,
    ):
        people = [pool.submit(crowd.edit, name) for name in NAMES]
        people += [pool.submit(crowd.repeat, *command) for command in OTHERS]
        try:
            lab.world.restate(5)
            daemon.wait_for(lambda: len(crowd.done) > len(people), PATIENCE_SECONDS)
            crowd.stopping.wait(SECONDS)
        finally:
            crowd.stopping.set()
        for person in people:
            person.result()
        assert daemon.end() == 0
    sys.stdout.write(f"{len(crowd.done)} commands, {crowd.values.total()} edits\n")
    assert [one for one in crowd.done if one[1] not in WELL or LOCKED.search(one[2])] == []
    assert LOCKED.search(daemon.log.read_text()) is None
    assert_every_edit_stands(crowd)
    assert lab.command("sync").returncode in WELL
    assert_home_equals_vendors(lab)


EDIT_OFTEN = """
import sys
from tactics.cli import main

letter, place, times = sys.argv[1:]
for value in range(1, int(times) + 1):
    sys.argv = ["tactics", "dlq", "edit", letter, "--set", f"{place}={value}"]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
"""


def test_many_who_mend_the_same_letter(lab: Lab):
    """Each changes another place of it, as fast as can be: no change is made to an older state."""
    crowd = Crowd(lab, bury_page(lab))
    editors = {
        name: subprocess.Popen(
            [sys.executable, "-c", EDIT_OFTEN, str(crowd.letter), name, str(EDITS)],
            env=lab.process_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in NAMES
    }
    for name, editor in editors.items():
        _, said = editor.communicate(timeout=PATIENCE_SECONDS)
        assert editor.returncode == 0, said
        crowd.values[name] = EDITS
    assert_every_edit_stands(crowd)


def assert_every_edit_stands(crowd: Crowd) -> None:
    """Each place holds what was last written there, and each edit has its note."""
    with crowd.lab.workspace() as workspace:
        letters = workspace.store.letters
        held = json.loads(letters.payload(crowd.letter) or b"")
        notes = letters.changes(job_ids=[crowd.letter], limit=10**6)
    assert {name: held.get(name) for name in crowd.values} == dict(crowd.values)
    assert len(notes) == sum(crowd.values.values())
    assert crowd.values.keys() == set(NAMES)
