"""A whole tactics against a whole sandbox: real HTTP, SQLite, Iceberg and DuckDB in tmp_path."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tactics.config import load_settings
from tactics.home import Home
from tactics.model import RunStatus
from tactics.pipeline import PipelineResult, Scope, Workspace, query, sync
from tactics.sandbox import Fault, Sandbox, World, serve
from tests.support import FakeClock

TODAY = dt.date(2026, 11, 21)
NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
PILLARS = ("meta", "stripe", "sheets")
VOLATILE = {"fetched_at", "request_id", "log_seq", "built_at", "checked_at", "last_fetched_at"}


@dataclass
class Lab:
    """One home that talks to one sandbox, both under a test's control."""

    world: World
    sandbox: Sandbox
    home: Home
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process of this lab sees: credentials, home, configuration, the date."""
        return self.world.environment(self.sandbox.url) | self.extra

    @property
    def config(self) -> Path:
        """Return the configuration file, written anew for the sandbox's address."""
        path = self.home.root / "tactics.toml"
        path.write_text(self.world.config_toml(self.sandbox.url), encoding="utf-8")
        return path

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Open the home in this process."""
        settings = load_settings(self.config, self.extra)
        environment = self.environment
        with Workspace.open(settings, self.home, self.clock, environment=environment) as workspace:
            yield workspace

    def sync(self, *sources: str, offline: bool = False) -> PipelineResult:
        """Run the pipeline in this process."""
        with self.workspace() as workspace:
            return sync(workspace, Scope(sources=sources, offline=offline))

    def plant(self, name: str, api: str = "meta", **options: Any) -> Fault:
        """Make the sandbox misbehave."""
        return self.world.faults.plant(Fault(name, api, **options))

    def command(
        self, *arguments: str, timeout: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `tactics …` as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "tactics", *arguments],
            env=self.process_environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `tactics …` without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "tactics", *arguments],
            env=self.process_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def process_environment(self, **environment: str) -> dict[str, str]:
        """Return the environment of a process of this lab."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("TACTICS_")}
        return (
            kept
            | {
                "TACTICS_HOME": str(self.home.root),
                "TACTICS_CONFIG": str(self.config),
                "TACTICS_NOW": self.clock.now().isoformat(),
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
                "NO_COLOR": "1",
            }
            | self.environment
            | environment
        )

    def silver(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query over silver (`silver.ad_performance`, …) and gold."""
        with self.workspace() as workspace:
            return query(workspace, sql)[1]

    def layers(self) -> dict[str, list[str]]:
        """Return every row of silver and gold as text, without what names a fetch or an instant."""
        tables = self.silver(
            "SELECT database_name, table_name, list(column_name ORDER BY column_index)"
            " FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal"
            f" AND database_name <> 'bronze' AND column_name NOT IN {(*VOLATILE,)}"
            " AND table_name NOT IN ('meta', 'generation', 'freshness') GROUP BY ALL ORDER BY ALL"
        )
        names = {(d, t): f"{'silver' if d == 'silver' else 'gold'}.{t}" for d, t, _ in tables}
        found: dict[str, list[str]] = {name: [] for name in names.values()}
        selects = [
            f"SELECT '{names[database, table]}' AS name,"
            f" {_struct(columns)}::VARCHAR AS text"
            f" FROM {database}.main.{table}"
            for database, table, columns in tables
        ]
        for name, text in self.silver(" UNION ALL ".join(selects) + " ORDER BY ALL"):
            found[name].append(text)
        return found


def _struct(columns: list[str]) -> str:
    """Return SQL for one value that shows a row whole: names, NULLs and all."""
    return "{" + ", ".join(f"'{name}': \"{name}\"" for name in columns) + "}"


@contextmanager
def open_lab(folder: Path, *, days: int = 40, **options: Any) -> Iterator[Lab]:
    """Serve a world of `days` and return a lab with an empty home in `folder`.

    The world has one source of each pillar unless `sources` says otherwise: None means all ten.
    """
    world = World(today=TODAY, days=days, **{"sources": PILLARS, **options})
    with serve(world) as sandbox:
        yield Lab(world, sandbox, Home(folder / "home").create())


class Synced:
    """A home after its first sync, put back for each test that begins there: to sync costs seconds.

    It always stands at the same path, because a lake knows its files by their whole paths.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder, self._options = folder / "lab", options
        self._kept = folder / "kept"
        with open_lab(self._folder, **options) as lab:
            assert lab.sync().status is RunStatus.SUCCEEDED
            self._seconds = lab.clock.monotonic()
        (self._folder / "home").rename(self._kept)

    @contextmanager
    def again(self) -> Iterator[Lab]:
        """Return a lab as the first sync left it, its world untouched."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder / "home")
        with open_lab(self._folder, **self._options) as lab:
            lab.clock.advance(self._seconds)
            yield lab


def troubles(result: PipelineResult) -> str:
    """Return what went wrong in a run, a line each: of a whole result pytest shows the beginning."""
    parts = (*result.sources, *result.stages)
    return "\n".join(f"{part}" for part in parts if part.problems) or "no problem is told"


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON that a command printed."""
    value: dict[str, Any] = json.loads(done.stdout)
    return value
