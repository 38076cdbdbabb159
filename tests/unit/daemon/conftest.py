"""A workspace without sources, and workers that remember what they were asked for."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tactics.config import Settings
from tactics.daemon.work import Beat, Done, Ending, Job
from tactics.home import Home
from tactics.pipeline import Workspace
from tactics.store import Store
from tests.support import FakeClock

Open = Callable[..., Workspace]


@dataclass
class Hand:
    """A worker that does what a test says."""

    does: Callable[[Job], Done] = lambda _: Done(Ending.DONE)
    busy: bool = False
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job, beat: Beat) -> Done:
        """Remember the job, and do it."""
        self.jobs.append(job)
        beat(job.verb.value)
        return self.does(job)


@pytest.fixture(scope="session")
def _empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated store to copy: migrating syncs the disk many times."""
    path = tmp_path_factory.mktemp("store") / "tactics.db"
    Store.open(path, FakeClock()).close()
    return path


@pytest.fixture
def open_workspace(home: Home, clock: FakeClock, _empty_store: Path) -> Iterator[Open]:
    """Return a function that opens the home with some settings."""
    shutil.copy(_empty_store, home.database)
    with ExitStack() as stack:

        def open_one(**settings: Any) -> Workspace:
            checked = Settings.model_validate(settings)
            return stack.enter_context(Workspace.open(checked, home, clock, environment={}))

        yield open_one


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with the defaults."""
    return open_workspace()


def orgs_of(**schedules: str | None) -> dict[str, Any]:
    """Return organisations by `org__source`, each source with its own schedule or none."""
    orgs: dict[str, Any] = {}
    for name, schedule in schedules.items():
        org_id, source = name.split("__")
        facts = {"name": org_id, "currency": "EUR", "timezone": "Europe/Vienna", "sources": {}}
        org = orgs.setdefault(org_id, facts)
        org["sources"][source] = {} if schedule is None else {"schedule": schedule}
    return orgs


def jump(clock: FakeClock, seconds: float) -> None:
    """Set the wall clock, as a person or NTP does: no time passes."""
    clock._now += dt.timedelta(seconds=seconds)


def ignore(_: str) -> None:
    """Hear nothing."""
