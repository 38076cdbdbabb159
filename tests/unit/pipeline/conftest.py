"""A workspace in a temporary home, and the probe as an installed connector."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tactics.config import Settings
from tactics.home import Home
from tactics.pipeline import Workspace
from tactics.store import Store
from tests.support import FakeClock

Open = Callable[..., Workspace]
ENVIRONMENT = {f"TACTICS_{org}_PROBE_TOKEN": "planted-token-0123456789" for org in ("ACME", "BETA")}


@pytest.fixture(scope="session")
def _empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated store to copy: migrating syncs the disk many times."""
    path = tmp_path_factory.mktemp("store") / "tactics.db"
    Store.open(path, FakeClock()).close()
    return path


@pytest.fixture
def open_workspace(home: Home, clock: FakeClock, _empty_store: Path) -> Iterator[Open]:
    """Return a function that opens the home with some settings; all are closed afterwards."""
    shutil.copy(_empty_store, home.database)
    with ExitStack() as stack:

        def open_one(**settings: Any) -> Workspace:
            environment = settings.pop("environment", ENVIRONMENT)
            time = settings.pop("clock", clock)
            checked = Settings.model_validate(settings)
            return stack.enter_context(Workspace.open(checked, home, time, environment=environment))

        yield open_one


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with the defaults."""
    return open_workspace()


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the probe as a package with an entry point would be."""
    facts = tmp_path / "site" / "probe-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n")
    entry = "[tactics.connectors]\nprobe = tests.unit.pipeline.probe:connector\n"
    (facts / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(facts.parent))


def orgs_of(url: str, *names: str, **source: Any) -> dict[str, Any]:
    """Return organisations that each read the probe at `url`."""
    probe = {"base_url": url, "history_days": 3, **source}
    facts = {"name": "Org", "currency": "EUR", "timezone": "Europe/Vienna"}
    return {name: {**facts, "sources": {"probe": probe}} for name in names or ("acme",)}
