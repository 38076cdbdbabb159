"""Commands that read what was published, and those that begin: on a home with one booking."""

import io
import json
import os

import pytest

from tactics.cli.failure import DEGRADED
from tactics.daemon import DaemonLock
from tactics.home import Home
from tests.unit.pipeline.sheet import make_home

EMPTY = ["channels", "revenue", "reconciliation", "web", "seo", "email", "blended"]
CONFIG = """
[orgs.acme]
name = "Acme"
currency = "EUR"
timezone = "Europe/Vienna"
[orgs.acme.sources.sheets]
accounts = ["s1"]
bookings_range = "Bookings"
[orgs.acme.sources.shop]
kind = "stripe"
enabled = false
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home that only readers share."""
    home = make_home(Home(tmp_path_factory.mktemp("whole") / "home"))
    (home.root / "tactics.toml").write_text(CONFIG, encoding="utf-8")
    return home


@pytest.fixture
def read(tactics, whole):
    """Return a function that runs a command which reads that home."""
    return lambda *words: tactics("--home", whole.root, *words)


@pytest.fixture
def configured(home):
    """Return a home with a configuration and no data."""
    (home.root / "tactics.toml").write_text(CONFIG, encoding="utf-8")
    return home


def rows_of(told):
    """Return the rows that a command printed as JSON."""
    assert told.code == 0, told.err
    return json.loads(told.out)["rows"]


@pytest.mark.parametrize("name", ["pacing", "margin"])
def test_a_report_is_a_screen_json_or_csv(read, name):
    """The booked line is in each form, as data on stdout."""
    [row] = rows_of(read("report", name, "--json"))
    assert (row["org_id"], row["booking_id"]) == ("acme", "BK-1")
    assert read("report", name).out
    header, line = read("report", name, "--csv").out.splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=False))["org_id"] == "acme"


@pytest.mark.parametrize("name", EMPTY)
def test_a_report_without_rows_is_no_error(read, name):
    """Where nothing is held of a pillar stdout stays empty, and stderr says so."""
    told = read("report", name)
    assert (told.code, told.out) == (0, "")
    assert "nothing to report" in told.err


def test_an_organisation_of_which_nothing_is_held_is_not_found(read):
    """It is no empty report: the name may be mistyped."""
    told = read("report", "pacing", "--org", "acme", "--org", "nobody")
    assert (told.code, told.out) == (4, "")
    assert "org=nobody" in told.err
    assert "tactics sources list" in told.err


def test_nothing_was_published_yet(tactics):
    """A report of an empty home tells what comes first."""
    told = tactics("report", "pacing")
    assert told.code == 4
    assert "tactics sync" in told.err


def test_sql_answers_in_each_form(read):
    """A table, JSON with NULL and types, CSV; a name that comes twice hides no column."""
    query = "SELECT booking_id, NULL AS none, booking_id FROM silver.bookings"
    wanted = {"booking_id": "BK-1", "none": None, "booking_id_1": "BK-1"}
    assert rows_of(read("sql", query, "--json")) == [wanted]
    assert read("sql", query, "--csv").out.splitlines() == [
        "booking_id,none,booking_id_1",
        "BK-1,,BK-1",
    ]
    header, line = read("sql", query).out.splitlines()
    assert header.split() == ["booking_id", "none", "booking_id_1"]
    assert line.split()[::2] == ["BK-1", "BK-1"]


def test_sql_shows_wide_rows_as_records(read):
    """What does not fit the terminal is one line for each value."""
    told = read("sql", "SELECT * FROM silver.bookings")
    assert any(line.split() == ["booking_id", "BK-1"] for line in told.out.splitlines())


def test_sql_over_gold_leaves_the_lake_closed(read, whole):
    """A lake that cannot be opened is no matter for who asks gold; of silver nothing can be said."""
    aside = whole.lake.rename(whole.root / "aside")
    whole.lake.write_text("not a folder", encoding="utf-8")
    try:
        assert rows_of(read("sql", "SELECT count(*) AS n FROM campaign_pacing", "--json")) == [
            {"n": 1}
        ]
        assert read("sql", "FROM silver.bookings").code != 0
    finally:
        whole.lake.unlink()
        aside.rename(whole.lake)


def test_sql_reads_standard_input(read, monkeypatch):
    """A long statement can be piped in."""
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 42 AS answer"))
    assert rows_of(read("sql", "-", "--json")) == [{"answer": 42}]


@pytest.mark.parametrize("query", ["SELEC 1", "DELETE FROM campaign_pacing"])
def test_sql_that_is_wrong_or_would_write_is_refused(read, query):
    """It is the caller's to correct, and nothing was changed."""
    told = read("sql", query)
    assert (told.code, told.out) == (2, "")
    assert "configuration" not in told.err


def test_sources_are_listed(tactics, configured):
    """Also the disabled ones, with the kind that reads them."""
    rows = rows_of(tactics("sources", "list", "--json"))
    assert [(row["source"], row["kind"], row["enabled"]) for row in rows] == [
        ("sheets", "sheets", True),
        ("shop", "stripe", False),
    ]
    lines = tactics("sources", "list").out.splitlines()
    assert lines[2].split() == ["acme", "shop", "stripe", "no"]


def test_a_source_without_credentials_is_told_what_to_do(tactics, configured):
    """The check asks nobody, and names the command that helps."""
    told = tactics("sources", "check")
    assert told.code == DEGRADED
    assert "failed" in told.out
    assert "tactics auth set acme sheets" in told.err
    told = tactics("sources", "check", "--json")
    [row] = json.loads(told.out)["rows"]
    assert (told.code, row["ok"], row["problem"]["code"]) == (DEGRADED, False, "credential_error")


def test_a_credential_that_no_source_uses_is_not_asked_for(tactics, configured, monkeypatch):
    """The hint names those that it does use; standard input stays unread."""
    piped = io.StringIO("planted-secret")
    monkeypatch.setattr("sys.stdin", piped)
    told = tactics("auth", "set", "acme", "shop", "password")
    assert (told.code, piped.tell()) == (4, 0)
    assert "api_key" in told.err


def test_an_empty_credential_is_refused(tactics, configured, monkeypatch):
    """A pipe from an empty file keeps nothing."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    told = tactics("auth", "set", "acme", "shop", "api_key")
    assert (told.code, told.out) == (2, "")
    assert "the credential is empty" in told.err


def test_without_sources_there_is_nothing_to_list_or_fetch(tactics, home):
    """Each command says which file to edit."""
    (home.root / "tactics.toml").touch()
    for words in (["sources", "list"], ["sync"]):
        told = tactics(*words)
        assert told.code == 0
        assert "tactics.toml" in told.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--until", "2026-11-01"], "--until needs --since"),
        (["--since", "2026-11-05", "--until", "2026-11-01"], "--since is after --until"),
        (["--since", "yesterday"], "not a day such as"),
        (["--since", "2026-11-01", "--until", "2026-13-01"], "not a day such as"),
    ],
)
def test_days_that_make_no_sense_are_refused(tactics, configured, words, why):
    """Before anybody is asked for them."""
    told = tactics("sync", *words)
    assert told.code == 2
    assert why in told.err
    assert not configured.database.exists()


def test_a_sync_that_stays_offline_works_on_what_is_held(tactics, configured):
    """It needs no credential; without news the run succeeds."""
    told = tactics("sync", "--offline", "--json")
    assert told.code == 0
    assert json.loads(told.out)["status"] == "succeeded"
    assert tactics("validate").code == 0


def test_a_configuration_to_begin_with_is_written_once(tactics, home):
    """Private, and never over one that is there."""
    printed = tactics("init", "--print").out
    assert tactics("init").code == 0
    path = home.root / "tactics.toml"
    assert path.read_text(encoding="utf-8") == printed
    assert path.stat().st_mode & 0o777 == 0o600
    told = tactics("init", "--json")
    assert (told.code, told.out) == (2, "")
    assert "already" in told.err


@pytest.mark.parametrize("place", ["file/tactics.toml", "file/folder/tactics.toml"])
def test_a_configuration_in_a_place_that_is_no_folder_is_told(tactics, home, place):
    """The path is named, so that another one can be chosen."""
    (home.root / "file").touch()
    told = tactics("--config", home.root / place, "init")
    assert told.code == 2
    assert "cannot be written" in told.err


def test_the_daemon_that_runs_here_is_told(tactics, store, home, clock):
    """Its process and address; before its first beat it is starting."""
    assert tactics("daemon", "status").code == 4
    with DaemonLock(home) as lock:
        lock.acquire(clock.now(), clock)
        lock.announce(clock.now(), "http://127.0.0.1:8737")
        [row] = rows_of(tactics("daemon", "status", "--json"))
        assert (row["url"], row["state"]) == ("http://127.0.0.1:8737", "starting")
        assert row["pid"] == os.getpid()
        assert "8737" in tactics("daemon", "status").out


def test_a_service_can_be_looked_at_before_it_is_installed(tactics, configured, monkeypatch):
    """The definition is printed with this home and configuration, and nothing is written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(configured.root / "xdg"))
    monkeypatch.setenv("HOME", str(configured.root / "me"))
    told = tactics("service", "install", "--user", "--print")
    assert told.code == 0, told.err
    assert str(configured.root / "tactics.toml") in told.out
    assert not (configured.root / "xdg").exists()
    assert not (configured.root / "me").exists()
