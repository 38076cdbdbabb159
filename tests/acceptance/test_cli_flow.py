"""`tactics` as a person and a script use it: sync, reports, SQL, failures, on a real sandbox."""

import csv
import io
import json

import pytest

from tests.lab import Lab, open_lab, result_of

PACING_FIELDS = """
    org_id source campaign_id campaign_name flight_start flight_end total_days elapsed_days
    booked_impressions delivered_impressions expected_impressions pacing_rate variance
    required_daily_impressions status booking_revenue actual_spend currency margin_percent as_of
    freshness
""".split()  # noqa: SIM905 - a table of names


@pytest.fixture(scope="module")
def home_of_all(tmp_path_factory):
    """Return a lab with one organisation, 40 days of history and a first sync behind it."""
    with open_lab(tmp_path_factory.mktemp("flow"), orgs=("globex",)) as lab:
        done = lab.command("sync")
        assert done.returncode == 0, done.stdout + done.stderr
        yield lab


@pytest.fixture
def lab(home_of_all: Lab):
    """Return the lab without any fault."""
    yield home_of_all
    home_of_all.world.faults.clear()


def test_sync_prints_outcomes_and_a_receipt(lab: Lab):
    """Stdout tells what came and that nothing was lost; there is nothing to complain about."""
    done = lab.command("sync")
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout.splitlines()[0]
    assert "globex/meta" in done.stdout
    assert "adds up: nothing was lost" in done.stdout
    assert not any(secret in done.stdout + done.stderr for secret in lab.world.secrets())


def test_sync_as_json_is_its_pipeline_result_and_nothing_else(lab: Lab):
    """Programs parse stdout whole."""
    result = result_of(lab.command("sync", "--json", "--source", "meta", "--org", "globex"))
    assert result["status"] == "succeeded"
    assert [source["source"] for source in result["sources"]] == ["meta"]
    assert {"run_id", "stages", "guard", "receipts", "freshness", "stale"} <= set(result)


def test_a_failed_source_exits_6_and_says_what_to_do(lab: Lab):
    """The other sources are served, the hint names the next step, `runs list` remembers."""
    lab.plant("auth_expired", times=None)
    done = lab.command("sync")
    assert done.returncode == 6, done.stdout + done.stderr
    assert "globex/meta    failed" in done.stdout
    assert "next: globex/meta:" in done.stderr
    assert "tactics auth set globex meta access_token" in done.stderr
    assert "degraded" in lab.command("runs", "list").stdout


def test_offline_serves_what_is_held_and_says_its_age(lab: Lab):
    """Nothing is asked, nothing fails, and the age is told, not called stale."""
    lab.sandbox.clear_requests()
    done = lab.command("sync", "--offline")
    assert done.returncode == 0, done.stdout
    assert "nothing was fetched: the oldest is globex/" in done.stderr
    assert "stale" not in done.stderr
    assert lab.sandbox.requests == ()


def test_an_unknown_source_exits_4(lab: Lab):
    """A typing error does not sync everything else."""
    done = lab.command("sync", "--source", "metta")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no such source: metta" in done.stderr


def test_the_pacing_report_has_the_promised_names(lab: Lab):
    """JSON and CSV carry the same rows, the screen fits 80 columns."""
    told = json.loads(lab.command("report", "pacing", "--json").stdout)
    assert list(told) == ["kind", "generated_at", "as_of", "rows"]
    assert told["as_of"] == "2026-11-20"
    assert set(PACING_FIELDS) <= set(told["rows"][0])
    comma = csv.DictReader(io.StringIO(lab.command("report", "pacing", "--csv").stdout))
    assert [row["campaign_id"] for row in comma] == [row["campaign_id"] for row in told["rows"]]
    screen = lab.command("report", "pacing", COLUMNS="80").stdout
    assert max(map(len, screen.splitlines())) <= 80
    assert "Pacing of globex" in screen


def test_a_stale_report_says_so(lab: Lab):
    """Ten days later the numbers are the same, with a banner on stderr."""
    done = lab.command("report", "pacing", TACTICS_NOW="2026-12-01T09:00:00Z")
    assert done.returncode == 0
    assert "data may be stale: globex/meta is 10 days behind" in done.stderr


@pytest.mark.parametrize("report", ["pacing", "margin", "channels"])
def test_every_report_can_be_narrowed_to_an_organisation(lab: Lab, report):
    """An organisation that nothing is held of is an error, as for sync; two are both shown."""
    rows = json.loads(lab.command("report", report, "--org", "globex", "--json").stdout)["rows"]
    assert {row["org_id"] for row in rows} == {"globex"}
    other = lab.command("report", report, "--org", "acme", "--json")
    assert (other.returncode, other.stdout) == (4, "")
    assert lab.command("report", report, "--org", "globex", "--org", "acme").returncode == 4


def test_sql_reads_gold_and_silver_and_writes_nothing(lab: Lab):
    """Tables by name, decimals exact, and no way to change them."""
    query = "SELECT sum(spend) AS spend FROM ad_daily"
    told = json.loads(lab.command("sql", query, "--json").stdout)
    assert told["rows"][0]["spend"] > 0
    assert lab.command("sql", "SELECT 1 AS one", "--csv").stdout == "one\n1\n"
    assert lab.command("sql", "FROM silver.bookings").returncode == 0
    twice = json.loads(lab.command("sql", "SELECT 1 AS a, 2 AS a", "--json").stdout)
    assert twice["rows"] == [{"a": 1, "a_1": 2}]
    later = "SELECT DATE '2026-11-01' + INTERVAL 1 DAY AS day"
    told = json.loads(lab.command("sql", later, "--json", TZ="America/New_York").stdout)
    assert told["rows"] == [{"day": "2026-11-02T00:00:00"}]
    for bad in ("DROP TABLE ad_daily", "SELECT nonsense", "COPY ad_daily TO '/tmp/x.csv'"):
        done = lab.command("sql", bad)
        assert (done.returncode, done.stdout) == (2, ""), bad


def test_sources_answer_or_say_why_not(lab: Lab):
    """`sources check` asks each account who it is."""
    rows = json.loads(lab.command("sources", "check", "--json").stdout)["rows"]
    assert all(row["ok"] for row in rows)
    lab.plant("auth_expired", times=None)
    done = lab.command("sources", "check")
    assert done.returncode == 6
    assert "failed" in done.stdout


def test_validate_prints_what_data_guard_finds(lab: Lab):
    """Without errors the exit code is 0, and the JSON is a pipeline_result."""
    result = result_of(lab.command("validate", "--json"))
    assert result["status"] == "succeeded"
    assert result["guard"]["checks_run"] > 0


def test_doctor_is_content_after_a_sync(lab: Lab):
    """Every line of a healthy installation is ok, but for the keyring of a server."""
    # The last run may have been one meant to fail. Each process begins at the lab's instant, so that
    # only a later instant makes this one the newest.
    lab.clock.advance(60)
    assert lab.command("sync").returncode == 0
    rows = json.loads(lab.command("doctor", "--json").stdout)["rows"]
    troubled = {row["check"]: row for row in rows if row["level"] != "ok"}
    assert set(troubled) <= {"keyring", "disk"}, troubled


def test_queue_flush_with_nothing_to_do_is_fine(lab: Lab):
    """It is a run like any other."""
    assert result_of(lab.command("queue", "flush", "--json"))["status"] == "succeeded"
