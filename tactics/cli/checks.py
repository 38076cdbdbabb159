"""What `tactics doctor` looks at: each check is a function that returns lines.

Looks only; repairs, creates and sends nothing, and never shows a secret.
"""

import datetime as dt
import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tactics.cli.session import Session
from tactics.cli.wiring import Configured, configured, is_complete, names_of, open_credentials
from tactics.cli.words import age_since, instant, listed, plural
from tactics.errors import CredentialError, TacticsError
from tactics.model import RunStatus

if TYPE_CHECKING:
    from tactics.store import Run, Store

MIB, GIB = 2**20, 2**30
LARGE_WAL_BYTES = 512 * MIB
LOW_DISK_BYTES = 2 * GIB
NO_DISK_BYTES = GIB // 4
PROBLEM_LINES = 3
SUNSET_DAYS = (7, 30, 60)
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
BUILT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)  # no right clock shows a time before this version
_PRIVATE = stat.S_IRWXG | stat.S_IRWXO


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the doctor; `exit_code` counts when the level is `fail`."""

    check: str
    level: Level
    detail: str
    remedy: str = ""
    exit_code: int = 1


def examine(session: Session) -> Iterator[Line]:
    """Yield every line; a check that breaks is itself a failed line and stops no other.

    Without a configuration there is nothing to say about what is configured, and a damaged
    database is told once.
    """
    broken: set[str] = set()
    for name, check in CHECKS.items():
        if NEEDS.get(name) in broken:
            continue
        lines = _lines_of(name, check, session)
        if any(line.level is Level.FAIL for line in lines):
            broken.add(name)
        yield from lines


def _lines_of(name: str, check: "Check", session: Session) -> list[Line]:
    lines: list[Line] = []
    try:
        lines.extend(check(session))
    except TacticsError as exc:
        lines.append(Line(name, Level.FAIL, str(exc), exc.hint, exc.exit_code))
    return lines


def check_versions(session: Session) -> Iterator[Line]:  # noqa: ARG001 (one signature for all)
    """Yield what this installation runs on."""
    yield Line("python", Level.OK, f"{platform.python_version()} ({sys.platform})")
    for package in ("duckdb", "pyiceberg", "pyarrow"):
        try:
            yield Line(package, Level.OK, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Line(package, Level.FAIL, "not installed", "install tactics again")


def check_home(session: Session) -> Iterator[Line]:
    """Yield whether the home is there and readable by its owner only."""
    root = session.root
    if not root.exists():
        yield Line("home", Level.WARN, f"{root} does not exist yet", "`tactics sync` creates it")
        return
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        remedy = "give this user the folder, or choose another with --home"
        yield Line("home", Level.FAIL, f"{root} cannot be written", remedy)
        return
    exposed = [path for path in _own_paths(root) if path.exists() and _mode(path) & _PRIVATE]
    if exposed:
        names = listed([str(path) for path in exposed])
        yield Line("home", Level.WARN, f"others may read {names}", f"chmod -R go= {root}")
    else:
        yield Line("home", Level.OK, f"{root}, readable by its owner only")


def check_disk(session: Session) -> Iterator[Line]:
    """Yield how much the home's disk can still take."""
    place = session.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / GIB:.1f} GiB free at {place}"
    level = (
        Level.FAIL if free < NO_DISK_BYTES else Level.WARN if free < LOW_DISK_BYTES else Level.OK
    )
    yield Line("disk", level, detail, "" if level is Level.OK else "free disk space")


def check_config(session: Session) -> Iterator[Line]:
    """Yield whether the configuration loads, down to the vendors' own keys."""
    from tactics.connectors import options_of

    settings = session.settings()
    sources = list(configured(settings))
    for source in sources:
        options_of(source.settings, source.connector)
    detail = (
        f"{session.config_path}: {plural(len(settings.orgs), 'organisation')},"
        f" {plural(len(sources), 'source')}"
    )
    if sources:
        yield Line("config", Level.OK, detail)
    else:
        yield Line("config", Level.WARN, detail, "take the `#` away before a source in that file")


def check_credentials(session: Session) -> Iterator[Line]:
    """Yield whether each enabled source has what it needs to sign in, and from where."""
    credentials = open_credentials(session)
    for one in configured(session.settings()):
        if not one.settings.enabled:
            continue
        name = f"credentials {one.org_id}/{one.source}"
        manifest = one.connector.manifest
        wanted = [(one.org_id, one.source, secret) for secret, _ in names_of(manifest)]
        located = credentials.listing(wanted)
        held = [f"{found.name} from {found.place}" for found in located if found.place]
        warnings = "; ".join(found.warning for found in located if found.warning)
        if not is_complete(located, manifest):
            remedy = f"`tactics auth set {one.org_id} {one.source} {manifest.credentials[0][0]}`"
            yield Line(name, Level.FAIL, warnings or "none found", remedy, exit_code=3)
        elif warnings:
            yield Line(name, Level.WARN, warnings, "see the warning", exit_code=3)
        else:
            yield Line(name, Level.OK, listed(held))


def check_keyring(session: Session) -> Iterator[Line]:  # noqa: ARG001 (one signature for all)
    """Yield which keyring this machine has; a server has none, which is fine."""
    from tactics.credentials import system_keyring

    try:
        backend = system_keyring()
    except CredentialError as exc:
        remedy = "a headless machine has none: use files or variables, see `tactics auth list`"
        yield Line("keyring", Level.WARN, str(exc), remedy)
    else:
        yield Line("keyring", Level.OK, f"{type(backend).__module__}")


def check_apis(session: Session) -> Iterator[Line]:
    """Yield how long the vendors still serve the API versions that are used."""
    today = session.clock().now().date()
    manifests = {one.connector.manifest.kind: one.connector.manifest for one in _enabled(session)}
    for kind, manifest in sorted(manifests.items()):
        yield sunset_line(kind, manifest.api_version, manifest.sunset, today)


def sunset_line(kind: str, version: str, sunset: dt.date | None, today: dt.date) -> Line:
    """Return how urgent an API version's end is: it warns at 60, 30 and 7 days."""
    name = f"api {kind}"
    if sunset is None:
        return Line(name, Level.OK, f"{version}, no end announced")
    days = (sunset - today).days
    detail = f"{version} ends {sunset}, in {plural(days, 'day')}"
    remedy = "upgrade tactics"
    if days <= 0:
        return Line(name, Level.FAIL, f"{version} ended {sunset}", remedy)
    mark = next((mark for mark in SUNSET_DAYS if days <= mark), None)
    if mark is None:
        return Line(name, Level.OK, detail)
    return Line(name, Level.FAIL if mark == SUNSET_DAYS[0] else Level.WARN, detail, remedy)


def check_store(session: Session) -> Iterator[Line]:
    """Yield whether tactics.db is sound, all of it read."""
    with _store_if_any(session) as store:
        if store is None:
            yield Line("database", Level.OK, "none yet")
            return
        health = store.health(check=True)
        size = f"{health.file_bytes / MIB:.1f} MiB, log {health.wal_bytes / MIB:.1f} MiB"
        row = store.database.read_one("SELECT sqlite_version()")
        detail = f"SQLite {row and row[0]}, schema {health.schema_version}, {size}"
        if not health.problems:
            yield Line("database", Level.OK, detail)
        for problem in health.problems:
            remedy = "stop tactics, keep a copy, restore a backup"
            found = "; ".join(problem.splitlines()[:PROBLEM_LINES])
            yield Line("database", Level.FAIL, found, remedy, exit_code=70)
        if health.wal_bytes > LARGE_WAL_BYTES:
            remedy = "end whatever keeps tactics.db open"
            yield Line("database log", Level.WARN, "the log does not shrink", remedy)


def check_queue(session: Session) -> Iterator[Line]:
    """Yield what waits for a retry, and what has become a dead letter."""
    with _store_if_any(session) as store:
        counts = [] if store is None else store.jobs.stats()
    waiting = [c for c in counts if c.state in {"available", "scheduled", "running", "retryable"}]
    dead = sum(c.jobs for c in counts if c.state == "discarded")
    number = sum(c.jobs for c in waiting)
    now = session.clock().now()
    oldest = age_since(min((c.oldest_created_at for c in waiting), default=None), now)
    detail = f"{plural(number, 'write')} waiting, the oldest {oldest}" if number else "empty"
    remedy = "`tactics queue flush`" if number else ""
    yield Line("queue", Level.WARN if number else Level.OK, detail, remedy)
    if dead:
        yield Line("dead letters", Level.WARN, plural(dead, "dead letter"), "`tactics dlq list`")


def check_breakers(session: Session) -> Iterator[Line]:
    """Yield the breakers that are not closed."""
    with _store_if_any(session) as store:
        breakers = [] if store is None else store.breakers.list_all()
    unsound = [breaker for breaker in breakers if breaker.state != "closed"]
    for breaker in unsound:
        until = f" until {instant(breaker.open_until)} UTC" if breaker.open_until else ""
        remedy = f"it tries again by itself; or `tactics breakers reset {breaker.name}`"
        state = str(breaker.state).replace("_", " ")
        yield Line("breaker", Level.WARN, f"{breaker.name} is {state}{until}", remedy)
    if not unsound:
        yield Line("breakers", Level.OK, "all closed")


def check_clock(session: Session) -> Iterator[Line]:
    """Yield whether the clock can be right: not before this version, nor before the last run."""
    now = session.clock().now()
    latest = _latest_run(session)
    remedy = "set the machine's clock" + (
        ", or unset TACTICS_NOW" if session.environment.get("TACTICS_NOW") else ""
    )
    if now < BUILT:
        yield Line("clock", Level.FAIL, f"{instant(now)} UTC is before this version", remedy)
    elif latest and latest.created_at > now + CLOCK_TOLERANCE:
        detail = f"{instant(now)} UTC, but a run began {instant(latest.created_at)}"
        yield Line("clock", Level.FAIL, detail, remedy)
    else:
        yield Line("clock", Level.OK, f"{instant(now)} UTC")


def check_last_run(session: Session) -> Iterator[Line]:
    """Yield how the last run ended."""
    run = _latest_run(session)
    if run is None:
        return
    detail = f"{run.command} {run.status}, {age_since(run.created_at, session.clock().now())} ago"
    good = run.status in {RunStatus.SUCCEEDED, RunStatus.RUNNING}
    level, remedy = (Level.OK, "") if good else (Level.WARN, "`tactics runs show`")
    yield Line("last run", level, detail, remedy)


def check_lake(session: Session) -> Iterator[Line]:
    """Yield whether the lake's folder can be written; there is none before the first sync."""
    folder = session.home.lake / "warehouse"
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Line("lake", Level.OK, str(folder))
    else:
        remedy = "repair that folder; what could not be written waits: `tactics queue status`"
        yield Line("lake", Level.FAIL, f"{folder} is no folder that can be written", remedy)


def check_gold(session: Session) -> Iterator[Line]:
    """Yield whether reports can be read, and how far behind they are."""
    from tactics.cli.screens import stale_sources
    from tactics.duck import DuckLimits
    from tactics.gold import Gold

    home = session.home
    gold = Gold(home, DuckLimits(home.scratch))
    if gold.current() is None:
        yield Line("gold", Level.WARN, "nothing is published yet", "`tactics sync`")
        return
    report = gold.report("freshness", now=session.clock().now())
    yield Line("gold", Level.OK, f"generation {report.generation}")
    if stale := stale_sources(report.freshness):
        yield Line("freshness", Level.WARN, listed(stale), "`tactics sync`")
    else:
        yield Line("freshness", Level.OK, "every source is current")


def _enabled(session: Session) -> list[Configured]:
    return [one for one in configured(session.settings()) if one.settings.enabled]


@contextmanager
def _store_if_any(session: Session) -> Iterator["Store | None"]:
    if (session.root / "tactics.db").exists():
        with session.store() as store:
            yield store
    else:
        yield None


def _latest_run(session: Session) -> "Run | None":
    with _store_if_any(session) as store:
        return None if store is None else store.runs.latest()


def _own_paths(root: Path) -> list[Path]:
    return [root, *(root / name for name in ("tactics.db", "lake", "gold", "tmp"))]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


Check: TypeAlias = Callable[[Session], Iterator[Line]]

# What each check cannot do without.
NEEDS = {
    "credentials": "config",
    "apis": "config",
    "clock": "database",
    "last run": "database",
    "queue": "database",
    "breakers": "database",
}
# Each key names the line that stands for a check that could not run at all.
CHECKS: dict[str, Check] = {
    "versions": check_versions,
    "home": check_home,
    "disk": check_disk,
    "database": check_store,
    "clock": check_clock,
    "last run": check_last_run,
    "queue": check_queue,
    "breakers": check_breakers,
    "lake": check_lake,
    "gold": check_gold,
    "keyring": check_keyring,
    "config": check_config,
    "credentials": check_credentials,
    "apis": check_apis,
}
