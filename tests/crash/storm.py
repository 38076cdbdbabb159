"""Kill after kill at one home, by a seed: `python -m tests.crash.storm --kills 200 --seed 1`.

Between kills the vendors restate and somebody edits the sheet. Every few kills the home is brought
to rest and must hold, in every layer, what a twin holds that was never killed. Whatever is wrong
ends the storm with its seed and the number of the kill, which start the very same one again.
"""

import argparse
import datetime as dt
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tactics.crashpoint import CRASH_POINTS
from tactics.home import Home
from tests.crash.nursery import Ended, Nursery
from tests.lab import Lab, open_lab

DAYS = 12  # all within what is read again, so that no change is out of reach
SHORT_PAGES = {"TACTICS_ORGS__ACME__SOURCES__META__PAGE_SIZE": "1"}  # slices of many pages
QUEUED, MENDED, DEAD = "retry.enqueued", "retry.attempted", "dead_letter.discarded"
OUTAGE = (QUEUED, MENDED, DEAD)
CLEAN_SHARE = 0.2  # how often a kill is followed by a clean sync; else by another kill
# How often a sync passes there for certain; a place is hit at any of these times.
TIMES = {
    "ingest.page_appended": 9,
    "ingest.page_committed": 6,
    "ingest.slice_completed": 3,
    "silver.files_written": 2,
    "silver.committed": 2,
}
RETRIES = 4
MINUTE = dt.timedelta(minutes=1)
Say = Callable[[str], None]


class StormError(AssertionError):
    """A promise was broken; the text says how to see it again."""


@dataclass
class Storm:
    """One home under attack, its twin, and what has happened so far."""

    lab: Lab
    twin: Lab
    nursery: Nursery
    seed: int
    say: Say
    rng: random.Random = field(init=False)
    now: dt.datetime = field(init=False)
    deck: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    waiting: bool = False  # something may be in the retry queue

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.now = self.lab.clock.now()

    def rage(self, kills: int, every: int) -> None:
        """Kill that often; compare with the twin after every `every` kills and at the end.

        Raises:
            StormError: the home is not as if nothing had happened.
        """
        while self.kills.total() < kills:
            before = self.kills.total()
            self._change()
            while self.kills.total() < min(before + every, kills):
                self._strike()
                if self.rng.random() < CLEAN_SHARE:
                    self._come_to_rest(self.lab)
            self._compare()

    def _strike(self) -> None:
        """Kill the home at the next place of the deck, in which each place is once."""
        if not self.deck:
            self.deck = self.rng.sample(CRASH_POINTS, len(CRASH_POINTS))
        point = self.deck.pop()
        at = f"{point}:{self.rng.randint(1, TIMES.get(point, 1))}"
        if point == "silver.quarantined":
            self.lab.world.edit_booking()  # a sheet that nobody touched is not read again
        started = time.perf_counter()
        ended = self._outage(point, at) if point in OUTAGE else self._flow(at)
        hit = ended.signal == signal.SIGKILL
        if ended.signal and not hit:
            raise self._wrong(f"died of signal {ended.signal} at {at}", ended.said)
        (self.kills if hit else self.missed)[point] += 1
        seconds = time.perf_counter() - started
        verb = "killed at" if hit else "never came to"
        self.say(f"{self.kills.total():4} {verb} {at:<28} {seconds:5.1f} s")

    def _flow(self, at: str) -> Ended:
        short = SHORT_PAGES if at.startswith("ingest.page") else {}
        ended = self._run(self.lab, "sync", TACTICS_CRASH_AT=at, **short)
        if not ended.signal and ended.code:
            raise self._wrong(f"a sync that was to die at {at} failed", ended.said)
        return ended

    def _outage(self, point: str, at: str) -> Ended:
        """Sync while the warehouse is gone, and die on the way into or out of the retry queue."""
        self.waiting = True
        deadly = {} if point == MENDED else {"TACTICS_CRASH_AT": at}
        with warehouse_gone(self.lab.home):
            ended = self._run(self.lab, "sync", **deadly)
            for _ in range(RETRIES if point == DEAD else 0):
                if ended.signal:
                    break
                ended = self._run(self.lab, "flush", **deadly)
        if point == MENDED:
            ended = self._run(self.lab, "flush", TACTICS_CRASH_AT=at)
        return ended

    def _change(self) -> None:
        """Let the vendors restate some days, and somebody edit the sheet now and then."""
        self.lab.world.restate(self.rng.randint(1, 9))
        if self.rng.random() < 0.7:
            self.lab.world.edit_booking()

    def _compare(self) -> None:
        for lab in (self.lab, self.twin):
            self._come_to_rest(lab)
        mine, wanted = self.lab.layers(), self.twin.layers()
        if mine != wanted:
            raise self._wrong(
                "the layers differ from the twin's", "\n".join(differences(mine, wanted))
            )
        self.compared += 1
        rows = sum(map(len, wanted.values()))
        self.say(f"     equal to the twin: {rows} rows in {len(wanted)} tables")

    def _come_to_rest(self, lab: Lab) -> None:
        """Work off the queue and sync; both must succeed with receipts that balance."""
        commands = ("flush", "sync") if lab is self.lab and self.waiting else ("sync",)
        for command in commands:
            ended = self._run(lab, command)
            if ended != (0, 0, ended.said):
                raise self._wrong(f"a clean {command} ended with {ended[:2]}", ended.said)
        if lab is self.lab:
            self.waiting = False

    def _run(self, lab: Lab, command: str, **environment: str) -> Ended:
        self.now += MINUTE
        return self.nursery.run(command, lab.process_environment(**environment), self.now)

    def _wrong(self, message: str, details: str) -> StormError:
        place = f"seed {self.seed}, after kill {self.kills.total()}"
        return StormError(f"{message} ({place})\n{details[-4000:]}")


def differences(mine: dict[str, list[str]], wanted: dict[str, list[str]]) -> Iterator[str]:
    """Yield the rows that only one of two homes holds."""
    for name in sorted(mine.keys() | wanted.keys()):
        here, there = Counter(mine.get(name, [])), Counter(wanted.get(name, []))
        yield from (f"only here: {name} {row}" for row in (here - there))
        yield from (f"only at the twin: {name} {row}" for row in (there - here))


@contextmanager
def warehouse_gone(home: Home) -> Iterator[None]:
    """Put a file where the warehouse's folder should be, for a while."""
    folder, aside = home.lake / "warehouse", home.lake / "aside"
    folder.mkdir(exist_ok=True)
    folder.rename(aside)
    folder.write_text("not a folder", encoding="utf-8")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def run_storm(folder: Path, *, kills: int, every: int, seed: int, say: Say) -> Storm:
    """Let a storm of so many kills pass over a home in `folder`; return what happened."""
    with open_lab(folder, days=DAYS, orgs=("acme",)) as lab, Nursery(folder) as nursery:
        twin = Lab(lab.world, lab.sandbox, Home(folder / "twin").create())
        storm = Storm(lab, twin, nursery, seed, say)
        storm.rage(kills, every)
        return storm


def main() -> int:
    """Run a storm from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--every", type=int, default=10, help="kills between two comparisons")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tactics-storm-") as folder:
        storm = run_storm(
            Path(folder), kills=chosen.kills, every=chosen.every, seed=chosen.seed, say=_say
        )
    for point in CRASH_POINTS:
        _say(f"{point:<26} {storm.kills[point]:4} kills, {storm.missed[point]} not reached")
    seconds = time.perf_counter() - started
    _say(
        f"{storm.kills.total()} kills, {storm.compared} comparisons, all equal:"
        f" seed {chosen.seed}, {seconds:.0f} s"
    )
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
