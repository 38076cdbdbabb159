"""The `tactics` command as a subprocess: exit codes, streams, colour, JSON, what it imports."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tactics.cli.app import NOUNS
from tactics.store import Store

ENGINES = {"duckdb", "_duckdb", "pydantic", "httpx", "pyarrow", "pyiceberg", "sqlglot", "starlette", "uvicorn"}  # fmt: skip
STORE_ONLY = (["dlq", "list"], ["queue", "status"], ["breakers", "list"], ["runs", "list"])


@pytest.fixture
def environment(home, clock):
    """Return the environment of a person whose home holds an empty store."""
    Store.open(home.database, clock).close()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(home.root), "TACTICS_HOME": str(home.root), "COLUMNS": "80"}


def run(environment, *words, options=(), **more):
    """Run `tactics` and return what became of it."""
    return subprocess.run(
        [sys.executable, *options, "-m", "tactics", *words],
        check=False, capture_output=True, text=True, env=environment, cwd=environment["HOME"],
        timeout=60, **more,
    )  # fmt: skip


def imported(environment, *words):
    """Return the modules that a command imports."""
    lines = run(environment, *words, options=["-X", "importtime"]).stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def on_a_terminal(environment, *words):
    """Run `tactics` with stdout on a terminal, and return what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tactics", *words], stdout=theirs, stderr=subprocess.DEVNULL,
        env=environment, cwd=environment["HOME"],
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while block := _read(ours):
            shown += block
        process.wait(60)
    os.close(ours)
    return shown.decode()


def _read(handle):
    try:
        return os.read(handle, 65536)
    except OSError:  # Linux says EIO where others say end of file
        return b""


@pytest.mark.parametrize("words", [["--help"], ["--version"], *STORE_ONLY], ids=" ".join)
def test_help_and_store_commands_import_no_engine(environment, words):
    """Looking at the store costs no DuckDB, Arrow, Iceberg or HTTP, and not even pydantic."""
    assert run(environment, *words).returncode == 0
    assert imported(environment, *words) & ENGINES == set()


def test_help_imports_no_rich_and_no_noun(environment):
    """`tactics --help` is typer and nothing else."""
    modules = imported(environment, "--help")
    assert modules & {"rich", "pydantic", "tactics.store"} == set()
    assert modules & {noun.module for noun in NOUNS.values()} == set()


def test_a_report_imports_duckdb_only(environment):
    """A report needs no Arrow, Iceberg, HTTP or SQL parser, also when there is nothing yet."""
    assert imported(environment, "report", "pacing") & ENGINES <= {"_duckdb", "pydantic"}


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--help"], 0), (["dlq", "list"], 0), (["dlq"], 2), (["no-such-noun"], 2),
     (["dlq", "list", "--limit", "many"], 2), (["sync"], 2), (["dlq", "inspect", "7"], 4),
     (["report", "pacing"], 4), (["--home", "/nowhere", "dlq", "list"], 4)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_the_exit_code_tells_who_acts_next(environment, words, code):
    """0 fine, 2 usage or configuration, 4 not found; talk goes to stderr when it failed."""
    ended = run(environment, *words)
    assert ended.returncode == code
    assert (ended.stdout == "") == (code != 0 or words == ["dlq", "list"])
    assert "Traceback" not in ended.stderr


def test_a_damaged_store_stops_with_70(environment, home):
    """Our own broken state is never limped on with."""
    home.database.write_bytes(b"not a database" * 1000)
    ended = run(environment, "dlq", "list")
    assert ended.returncode == 70
    assert ended.stderr.startswith("error: ")


def test_a_sync_without_a_source_says_so(environment):
    """After `init` nothing is configured yet; a run over nothing is no silent success."""
    assert run(environment, "init").returncode == 0
    ended = run(environment, "sync")
    assert ended.returncode == 0, ended.stderr
    assert "no source is configured: edit tactics.toml" in ended.stderr


def test_a_mistyped_noun_is_corrected(environment):
    """The message names what was meant and where the help is."""
    assert run(environment, "synk").stderr.splitlines() == [
        "error: no such command 'synk'. Did you mean 'sync'?",
        "hint: tactics --help",
    ]


@pytest.mark.parametrize("words", STORE_ONLY, ids=" ".join)
def test_json_is_the_same_envelope_everywhere(environment, words):
    """`kind`, `generated_at`, `as_of`, `rows`, and nothing else on stdout."""
    told = json.loads(run(environment, *words, "--json").stdout)
    assert list(told) == ["kind", "generated_at", "as_of", "rows"]
    assert told["rows"] == []


def test_the_clock_can_be_set(environment):
    """TACTICS_NOW fixes `generated_at`."""
    told = run(environment | {"TACTICS_NOW": "2026-03-01T12:00:00Z"}, "runs", "list", "--json")
    assert json.loads(told.stdout)["generated_at"].startswith("2026-03-01T12:00")
    assert run(environment | {"TACTICS_NOW": "noon"}, "runs", "list").returncode == 2


def test_colour_is_for_terminals_without_no_color(environment):
    """A pipe gets plain text; a terminal gets colour unless NO_COLOR is set."""
    terminal = environment | {"TERM": "xterm-256color"}
    assert "\x1b[" in on_a_terminal(terminal, "doctor")
    assert "\x1b[3" not in on_a_terminal(terminal | {"NO_COLOR": "1"}, "doctor")
    assert "\x1b" not in run(terminal, "doctor").stdout


def test_a_reader_that_leaves_early_is_no_error(environment):
    """`tactics … | head -0` prints no traceback."""
    line = f"{sys.executable} -m tactics doctor --json | true"
    ended = subprocess.run(
        ["/bin/sh", "-c", line], check=False, capture_output=True, text=True, env=environment
    )
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr


def test_completion_knows_nouns_and_verbs(environment):
    """The shell asks typer, typer asks the lazy group."""
    asked = {"_TACTICS_COMPLETE": "complete_bash"}
    nouns = run(environment | asked | {"COMP_WORDS": "tactics d", "COMP_CWORD": "1"})
    assert nouns.stdout.split() == ["demo", "dlq", "daemon", "doctor"]
    verbs = run(environment | asked | {"COMP_WORDS": "tactics dlq re", "COMP_CWORD": "2"})
    assert verbs.stdout.split() == ["retry"]


@pytest.mark.parametrize("noun", NOUNS)
def test_the_help_of_each_noun_begins_as_the_overview_says(environment, noun):
    """The overview's one-liners, kept apart so that help stays cheap, cannot drift."""
    ended = run(environment, noun, "--help")
    assert ended.returncode == 0
    assert NOUNS[noun].summary in " ".join(ended.stdout.split())


def test_a_look_leaves_no_trace(environment, tmp_path):
    """Commands that only look create no home."""
    nowhere = Path(tmp_path / "nowhere")
    for words in (["dlq", "list"], ["report", "pacing"], ["doctor"]):
        run(environment, "--home", str(nowhere), *words)
    assert not nowhere.exists()
