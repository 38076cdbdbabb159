"""A workspace in a temporary home, and the probe as an installed connector."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tactics.config import Settings
from tactics.home import Home
from tactics.pipeline import Workspace
from tests.support import FakeClock

Open = Callable[..., Workspace]
ENVIRONMENT = {f"TACTICS_{org}_PROBE_TOKEN": "planted-token-0123456789" for org in ("ACME", "BETA")}


@pytest.fixture
def open_workspace(home: Home, clock: FakeClock) -> Iterator[Open]:
    """Return a function that opens the home with some settings; all are closed afterwards."""
    with ExitStack() as stack:

        def open_one(**settings: Any) -> Workspace:
            environment = settings.pop("environment", ENVIRONMENT)
            checked = Settings.model_validate(settings)
            return stack.enter_context(
                Workspace.open(checked, home, clock, environment=environment)
            )

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
