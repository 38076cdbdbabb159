"""`health`, `status`, `report cost` and `report latency` on the command line, on a real store."""

import csv
import datetime as dt
import io
import json
import os
import subprocess
import sys

import pytest

from tactics.cli.upkeep import duration, size
from tactics.errors import DecodeError, SinkUnavailable
from tactics.model import Finality, RunStatus, StreamKey, Window
from tactics.store import RunLatency, RunSource
from tests.unit.store.builders import fetch_days

CONFIG = """
[orgs.acme]
name = "Acme"
currency = "EUR"
timezone = "Europe/Vienna"
[orgs.acme.sources.stripe]
"""
STREAM = StreamKey("acme", "stripe", "stripe", "transactions")
ENGINES = {"duckdb", "_duckdb", "pyarrow", "pyiceberg", "starlette", "httpx", "sqlglot"}


@pytest.fixture
def held(home, store, clock):
    """Configure one source whose days are held, and a run that ended well."""
    (home.root / "tactics.toml").write_text(CONFIG)
    days = Window(dt.date(2026, 11, 18), dt.date(2026, 11, 20))
    fetch_days(store, days, key=STREAM, finality=Finality.FINAL)
    run_id = store.runs.start("sync", {})
    store.runs.finish(run_id, RunStatus.SUCCEEDED, {})
    measured = [
        RunLatency("acme", "stripe", "end_to_end", 100.0, 2),
        RunLatency("acme", "stripe", "source_to_bronze", 1000.0, 2),
    ]
    store.history.record(
        run_id, [RunSource("acme", "stripe", "ok", received=5, cpu_seconds=61.0)], measured
    )
    return store


@pytest.fixture
def well(held):
    """Let no stage have been slow."""
    held.database.write("UPDATE latencies SET seconds = 2.5")
    return held


def test_health_of_a_home_that_is_well(tactics, well):
    """One word, a line for each check, exit code 0."""
    told = tactics("health")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("ok: nothing to do\n")
    assert "freshness" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_health_that_is_degraded(tactics, well):
    """The worst stands first, stderr has the command, the exit code is 6."""
    well.jobs.discard_now("ingest", STREAM, DecodeError("cut off"))
    told = tactics("health")
    assert told.code == 6
    assert told.out.splitlines()[0] == "degraded: 1 warning"
    assert told.out.splitlines()[2].split()[:2] == ["warn", "dead_letters"]
    assert told.err == "next: tactics dlq list\n"


def test_health_that_is_failing(tactics, well, clock):
    """What waits for a person exits with 1."""
    well.jobs.enqueue("gold", None, STREAM, SinkUnavailable("full"))
    well.database.write("UPDATE jobs SET created_at = '2026-11-19T00:00:00.000000Z'")
    told = tactics("health", "--json")
    data = json.loads(told.out)
    assert (told.code, data["kind"], data["state"]) == (1, "health", "failing")
    assert data["rows"][0]["name"] == "queue"
    assert data["rows"][0]["command"] == "tactics queue flush"


def test_a_damaged_store_is_failing_and_told(tactics, well, home):
    """Health is an answer also when the store gives none."""
    well.close()
    data = bytearray(home.database.read_bytes())
    data[100:8000] = b"\xff" * 7900
    home.database.write_bytes(data)
    told = tactics("health", "--json")
    assert told.code == 1
    assert [row["name"] for row in json.loads(told.out)["rows"]] == ["store"]


def test_an_empty_home_has_no_health_yet(tactics):
    """Nothing is stored: the hint names the first command."""
    told = tactics("health")
    assert (told.code, "tactics sync" in told.err) == (4, True)


def test_health_loads_no_engine(well, home):
    """It starts without a database engine, the lake or a web library."""
    code = (
        "import sys; sys.argv = ['tactics', 'health']\n"
        "import contextlib, io, json\n"
        "from tactics.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    main()\n"
        "assert out.getvalue().startswith('ok'), out.getvalue()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    environment = {
        **os.environ,
        "TACTICS_HOME": str(home.root),
        "TACTICS_CONFIG": str(home.root / "tactics.toml"),
        "TACTICS_NOW": "2026-11-21T09:00:00Z",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert not ENGINES & set(json.loads(done.stdout))


def test_status_is_one_screen(tactics, well):
    """The state, each source with its age and when it is due, and what waits."""
    told = tactics("status")
    assert told.code == 0
    lines = [line for line in told.out.splitlines() if line]
    assert lines[0] == "ok: nothing to do"
    assert lines[2].split() == [
        "acme/stripe", "ok", "2026-11-20", "23:00", "10", "h", "0", "s", "in", "25", "h",
    ]  # fmt: skip
    assert any(line.startswith("queue") for line in lines)
    assert max(map(len, lines)) <= 80


def test_status_says_what_is_wrong(tactics, held):
    """Only checks that want something are listed, and the source shows the worst of its own."""
    told = tactics("status")
    assert told.code == 0
    assert "source to bronze" in told.out
    assert told.err == "next: tactics report latency\n"
    data = json.loads(tactics("status", "--json").out)
    assert (data["kind"], data["state"]) == ("status", "degraded")
    [row] = data["rows"]
    assert (row["source"], row["state"]) == ("stripe", "warn")
    assert (row["data_at"], row["age_seconds"]) == ("2026-11-20T23:00:00Z", 36000.0)
    assert (data["waiting"], data["dead_letters"], data["running"]) == (0, 0, False)
    assert data["last_run"]["status"] == "succeeded"


def test_status_without_a_source(tactics, home, store):
    """A configuration without one is no error."""
    (home.root / "tactics.toml").write_text("")
    told = tactics("status")
    assert (told.code, "no source is configured" in told.err) == (0, True)


def test_the_cost_report(tactics, held):
    """What each source took and what is stored; CSV has the sources alone."""
    told = tactics("report", "cost", "--days", "2")
    assert told.code == 0
    assert "1:01 m" in told.out
    assert "tactics.db" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    data = json.loads(tactics("report", "cost", "--json").out)
    assert (data["kind"], data["since"]) == ("cost", "2026-11-15")
    assert data["rows"][0]["cpu_seconds"] == 61.0
    assert data["rows"][0]["quota_limit"] is None
    assert {row["place"] for row in data["stored"]} == {"store"}
    [row] = csv.DictReader(io.StringIO(tactics("report", "cost", "--csv").out))
    assert (row["source"], row["cpu_seconds"], row["quota_limit"]) == ("stripe", "61.0", "")


def test_the_latency_report(tactics, held):
    """One line per source under the budget's; JSON and CSV have one per stage."""
    told = tactics("report", "latency")
    assert told.code == 0
    assert told.out.splitlines()[-1].split() == [
        "acme/stripe", "16:40", "m", "-", "-", "-", "1:40", "m", "1",
    ]  # fmt: skip
    rows = json.loads(tactics("report", "latency", "--json").out)["rows"]
    assert [(row["stage"], row["breaches"]) for row in rows] == [
        ("source_to_bronze", 1),
        ("end_to_end", 0),
    ]
    assert rows[0]["max_seconds"] == 900
    assert len(tactics("report", "latency", "--csv").out.splitlines()) == 3


def test_nothing_was_measured_yet(tactics, store):
    """Without a measurement there is no table."""
    told = tactics("report", "latency")
    assert (told.code, told.out) == (0, "")
    assert "nothing was published" in told.err


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "-"), (0.44, "0.4 s"), (200, "3:20 m"), (3900, "1:05 h")]
)
def test_durations(seconds, told):
    """Tenths of seconds, then minutes, then hours."""
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("number", "told"), [(None, "-"), (12, "12"), (1536, "1.5K"), (3 * 2**30, "3.0G")]
)
def test_sizes(number, told):
    """In units of 1,024."""
    assert size(number) == told
