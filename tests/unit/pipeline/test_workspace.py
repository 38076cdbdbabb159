"""One process's hold on a home."""

import sqlite3
import subprocess
import sys

import pytest

from tactics import pipeline
from tactics.errors import CircuitOpen
from tactics.home import Home
from tactics.pipeline import Workspace
from tactics.transport import forget_secret, redact
from tests.unit.pipeline.conftest import Open


def test_opening_makes_the_home(workspace: Workspace, home: Home):
    """Folders and the store are made at the first use, for this user only."""
    assert home.database.exists()
    assert {folder.stat().st_mode & 0o777 for folder in (home.root, home.lake, home.gold)} == {
        0o700
    }
    assert workspace.home == home


def test_limits_come_from_the_settings(open_workspace: Open):
    """DuckDB gets what the configuration allows, and spills into the home."""
    workspace = open_workspace(
        lake={"memory_limit": "700MB"}, gold={"memory_limit": "300MB", "threads": 1}
    )
    lake, gold = workspace.lake_limits, workspace.gold_limits
    assert (lake.memory_limit, lake.threads) == ("700MB", 1)
    assert (gold.memory_limit, gold.threads) == ("300MB", 1)
    assert lake.scratch == gold.scratch == workspace.home.scratch


def test_breakers_are_shared_through_the_home(open_workspace: Open):
    """A breaker that one process opens is open for the next one, with the settings' cool-down."""
    one = open_workspace(breakers={"cooldown_seconds": 60})
    other = open_workspace()
    one.breaker("b").open_for(0, "down")
    with pytest.raises(CircuitOpen) as caught, other.breaker("b").attempt():
        pytest.fail("let through")
    assert caught.value.retry_after_seconds == 60


def test_found_secrets_are_hidden(open_workspace: Open):
    """A secret that was found in the environment is hidden in every text from then on."""
    secret = "planted-in-a-workspace"
    workspace = open_workspace(environment={"TACTICS_ACME_META_ACCESS_TOKEN": secret})
    assert workspace.credentials.find("acme", "meta", "access_token") == secret
    assert secret not in redact(f"it is {secret}")
    forget_secret(secret)


def test_closing_lets_go_of_the_lake(workspace: Workspace):
    """The catalog that was opened on the way is closed with the workspace, once or twice."""
    workspace.lake.files("ad_performance")
    catalog = workspace.lake._warehouse._catalog
    assert catalog.entries() == []
    workspace.close()
    workspace.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        catalog.entries()


def test_the_verbs_are_loaded_when_they_are_asked_for():
    """The package opens without an engine; a name it does not have is refused."""
    code = (
        "import sys; from tactics import pipeline;"
        " print(sorted({'duckdb', '_duckdb', 'pyarrow', 'pyiceberg', 'tactics.pipeline.run'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert callable(pipeline.sync)
    with pytest.raises(AttributeError, match="nothing"):
        pipeline.nothing  # noqa: B018


def test_the_key_for_personal_data_is_made_once(open_workspace: Open):
    """Every process of a home hashes with the same 32 bytes, which only this user can read."""
    one, other = open_workspace(), open_workspace()
    assert one.pseudonym_key == other.pseudonym_key
    assert len(one.pseudonym_key) == 32
    path = one.home.pseudonym_key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.glob("*pseudonym*")] == [path.name]
