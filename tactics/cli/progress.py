"""Progress of long work on stderr: bars in a terminal, nothing elsewhere.

Implements `tactics.pipeline.Progress`. Never writes to stdout.
"""

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tactics.cli.words import plural

STAGES = {
    "ingest": "fetching",
    "bronze": "keeping pages (bronze)",
    "silver": "typing rows (silver)",
    "validate": "checking (DataGuard)",
    "gold": "building reports (gold)",
}


@dataclass(slots=True)
class _Bar:
    task: TaskID
    slices: int = 0
    fetched: int = 0
    pages: int = 0

    @property
    def done(self) -> str:
        return f"{self.fetched}/{self.slices}"


class Bars(AbstractContextManager["Bars"]):
    """One bar per source while it fetches, then one line for the stage that runs.

    Called from several fetching threads.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[done]}"),
            TextColumn("{task.fields[note]}", markup=False),
            console=console or Console(stderr=True),
            transient=True,
            disable=console is None and not Console(stderr=True).is_terminal,
        )
        self._lock = threading.Lock()
        self._bars: dict[str, _Bar] = {}
        self._stage: TaskID | None = None

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def begin(self, org_id: str, source: str, *, slices: int) -> None:
        """Show that a source has so many more slices to fetch."""
        with self._lock:
            bar = self._bar(org_id, source)
            bar.slices += slices
            self._display.update(bar.task, total=bar.slices, done=bar.done)

    def advance(self, org_id: str, source: str, *, pages: int) -> None:
        """Count one finished slice of `pages`."""
        with self._lock:
            bar = self._bar(org_id, source)
            bar.pages += pages
            bar.fetched += 1
            note = plural(bar.pages, "page")
            self._display.update(bar.task, advance=1, done=bar.done, note=note)

    def stage(self, name: str) -> None:
        """Show which stage runs."""
        words = STAGES.get(name, name)
        if self._stage is None:
            self._stage = self._display.add_task(words, total=None, done="", note="")
        self._display.update(self._stage, description=words)

    def refresh(self) -> None:
        """Draw now, not at the next tick."""
        self._display.refresh()

    def done(self) -> None:
        """Take the bars away."""
        self._display.stop()

    def _bar(self, org_id: str, source: str) -> _Bar:
        name = f"{org_id}/{source}"
        if name not in self._bars:
            self._bars[name] = _Bar(self._display.add_task(name, total=0, done="", note=""))
        return self._bars[name]
