"""The report: order, limits, orgs, switches, and failing checks."""

import json
import math

import pytest

from tactics.config import GuardSettings
from tactics.errors import ConfigError, IntegrityError
from tactics.guard import load_checks, run_checks
from tactics.guard.report import known_channels
from tactics.model import Severity
from tests.unit.guard.rows import Bench, ad, booking, covered, day, deal, transaction


def test_good_data(bench: Bench):
    """Good data has no findings, and every check ran."""
    report = bench.run(
        ad_performance=[ad()],
        transactions=[transaction()],
        bookings=[booking()],
        crm_deals=[deal()],
        coverage=covered(-1, 0),
    )
    assert report.findings == ()
    assert report.checks_run == len(load_checks())
    assert report.halted_orgs == frozenset()


def test_empty_lake(bench: Bench):
    """Nothing loaded is nothing wrong."""
    assert bench.run().findings == ()


def test_errors_come_first(bench: Bench):
    """Findings are sorted by severity, then check, then org."""
    wrong = {"impressions": 0, "conversion_value": "-1.00", "channel": "smoke"}
    report = bench.run(ad_performance=[ad(org_id=org, **wrong) for org in ("b", "a")])
    found = [(f.severity.value, f.check, f.org_id) for f in report.findings]
    assert found == sorted(found)
    assert {severity for severity, *_ in found} == {"error", "warn"}


def test_only_the_org_with_an_error_halts(bench: Bench):
    """An org is halted by its own errors; warnings halt nobody."""
    rows = [ad(), ad(org_id="b", conversion_value="-1.00"), ad(org_id="c", impressions=0, clicks=0)]
    report = bench.run(ad_performance=rows)
    assert {finding.org_id for finding in report.findings} == {"b", "c"}
    assert report.halted_orgs == {"b"}


def test_examples_are_limited(bench: Bench):
    """Many offending rows are counted, and the first ten shown in order."""
    rows = [ad(campaign_id=f"c{n:02}", conversion_value="-1.00") for n in range(25)]
    (finding,) = bench.run(ad_performance=rows).findings
    assert finding.rows == 25
    assert [row["entity_id"] for row in finding.examples] == [f"c{n:02}" for n in range(10)]


def test_disabled_check_does_not_run(bench: Bench):
    """A check that is switched off neither runs nor counts."""
    settings = GuardSettings(disabled=("negative_revenue",))
    report = bench.run(settings, ad_performance=[ad(conversion_value="-1.00")])
    assert report.findings == ()
    assert report.checks_run == len(load_checks()) - 1


def test_unknown_disabled_check(bench: Bench):
    """A name that is no check is refused, with those that are."""
    with pytest.raises(ConfigError, match="no such check: negative_revenues") as caught:
        bench.run(GuardSettings(disabled=("negative_revenues",)))
    assert "negative_revenue, " in caught.value.hint


@pytest.mark.parametrize(("percent", "found"), [(1, 1), (50, 0), (math.inf, 0)])
def test_credit_limit_is_configured(bench: Bench, percent: float, found: int):
    """`credit_percent` says how much negative spend is usual."""
    rows = [ad(spend="100.00"), ad(spend="-40.00", date=day(-1))]
    report = bench.run(GuardSettings(credit_percent=percent), ad_performance=rows)
    assert len(report.findings) == found


def test_failing_check(bench: Bench):
    """A check that cannot run stops everything and is named."""
    bench.run()
    bench.connection.unregister("orgs")
    with pytest.raises(IntegrityError, match="a check cannot run: check=stale_source"):
        run_checks(bench.connection, GuardSettings())


def test_runs_twice_on_one_connection(bench: Bench):
    """The second run sees the rows of the second run."""
    assert bench.run(ad_performance=[ad(conversion_value="-1.00")]).findings
    assert not bench.run(ad_performance=[ad()]).findings


def test_json(bench: Bench):
    """The report is plain JSON: dates and money as text."""
    report = bench.run(bookings=[booking(booking_revenue="-5.00", flight_start=day(-3))])
    data = json.loads(json.dumps(report.to_json()))
    assert (data["errors"], data["warnings"], data["halted_orgs"]) == (1, 0, ["acme"])
    (finding,) = data["findings"]
    assert finding["check"] == "negative_revenue"
    assert finding["severity"] == Severity.ERROR
    assert finding["examples"][0]["value"] == "-5.000"
    assert finding["examples"][0]["date"] == "2026-11-17"
    assert finding["examples"][0]["sheet_row"] == 2


def test_channels_are_told():
    """The hint lists every known channel, and no name stands for two."""
    (check,) = (check for check in load_checks() if check.name == "channel_consistency")
    channels = known_channels()
    listed = check.hint.split(": ")[1].split(", ")
    assert listed == sorted({entry["channel"] for entry in channels})
    names = [entry["name"] for entry in channels]
    assert len(names) == len(set(names))
