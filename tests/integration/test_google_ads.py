"""Google Ads from the simulated vendor to silver: rows, restatements, refusals, managers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult, SourceOutcome
from tests.lab import TODAY, Lab, open_lab
from tests.unit.sandbox.test_google_ads import agency_of

DAYS = 20  # two slices
ADS = """
    SELECT org_id, source, account_id, campaign_id, date, campaign_name, impressions, clicks, spend,
           conversions, conversion_value, video_views, currency
    FROM silver.ad_performance ORDER BY ALL
"""
CLIENT, OTHER_CLIENT = "1112223330", "1112223331"
PARTNER = "TACTICS_ORGS__ACME__SOURCES__PARTNER__"


@pytest.fixture
def ads(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation, which only uses Google Ads."""
    with open_lab(tmp_path, days=DAYS, sources=("google_ads",), orgs=("acme",)) as lab:
        yield lab


def vendor(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what the vendor holds of the days that the first sync reads."""
    return sorted(
        (ad.org_id, "google_ads", ad.account_id, ad.campaign_id, ad.day, ad.campaign_name,
         ad.impressions, ad.clicks, ad.spend, ad.conversions, ad.conversion_value, ad.video_views,
         ad.currency)
        for ad in lab.world.totals().ads
    )  # fmt: skip


def outcome_of(result: PipelineResult, source: str = "google_ads") -> SourceOutcome:
    """Return how a source fared."""
    [found] = [one for one in result.sources if one.source == source]
    return found


def test_silver_follows_the_vendor(ads: Lab) -> None:
    """First sync, second sync, restated days and a day later: always the vendor's own rows.

    Today's rows are there, too, and marked as open (gotcha 9).
    """
    assert ads.sync().status is RunStatus.SUCCEEDED
    assert ads.silver(ADS) == vendor(ads)
    finality = f"SELECT DISTINCT finality, date = DATE '{TODAY}' FROM silver.ad_performance"
    assert sorted(ads.silver(finality)) == [("open", True), ("provisional", False)]
    assert ads.sync().status is RunStatus.SUCCEEDED
    assert ads.silver(ADS) == vendor(ads)

    ads.world.restate(14)
    ads.world.rename_campaign()
    dropped = ads.world.drop_rows(2)
    ads.world.advance(1)
    ads.clock.advance(24 * 3600)
    ads.world.expire_tokens()
    assert ads.sync().status is RunStatus.SUCCEEDED
    assert ads.silver(ADS) == vendor(ads)
    held = set(ads.silver("SELECT campaign_id, date FROM silver.ad_performance"))
    assert not held & set(dropped)


def test_a_refused_account_is_named_and_stops_no_other(ads: Lab) -> None:
    """Its neighbour arrives; the run says which account is missing, and why (gotcha 8)."""
    fault = ads.plant("permission", "google_ads", account=CLIENT, times=None)
    result = ads.sync()
    assert fault.fired == 1
    assert result.status is RunStatus.DEGRADED
    [problem] = outcome_of(result).problems
    assert (problem.account_id, problem.code) == (CLIENT, "permission_denied")
    assert "login_account" in problem.hint
    held = {
        account
        for (account,) in ads.silver("SELECT DISTINCT account_id FROM silver.ad_performance")
    }
    assert CLIENT not in held
    assert OTHER_CLIENT in held


def test_an_exhausted_day_leaves_google_alone(ads: Lab) -> None:
    """One refusal, and nothing is sent until the time that Google named; then all arrives."""
    fault = ads.plant("quota_exhausted", "google_ads")
    [problem, *_] = outcome_of(ads.sync()).problems
    assert (problem.code, fault.fired) == ("rate_limited", 1)
    ads.sandbox.clear_requests()
    ads.clock.advance(40_000)
    ads.sync()
    assert ads.sandbox.requests == ()
    ads.clock.advance(1_000)
    ads.sync()  # the test's clock runs while the trial of the other account is on its way
    assert ads.sync().status is RunStatus.SUCCEEDED
    assert ads.silver(ADS) == vendor(ads)


def test_a_refused_field_is_unknown_not_zero(ads: Lab) -> None:
    """Without the view count everything else arrives, and the run says what is missing."""
    ads.plant("bad_field", "google_ads", times=None)
    result = ads.sync()
    assert result.status is RunStatus.SUCCEEDED
    assert any("metrics.video_trueview_views" in text for text in result.warnings)
    assert ads.silver("SELECT count(video_views), count(*) > 0 FROM silver.ad_performance") == [
        (0, True)
    ]
    assert [row[:11] for row in ads.silver(ADS)] == [row[:11] for row in vendor(ads)]


def test_managers(ads: Lab) -> None:
    """A client that two connections reach counts once; a manager names its clients (gotcha 1)."""
    agency = agency_of(ads.world)
    key = ads.world.environment(ads.sandbox.url)["TACTICS_ACME_GOOGLE_ADS_SERVICE_ACCOUNT"]
    ads.extra = {
        f"{PARTNER}KIND": "google_ads",
        f"{PARTNER}ACCOUNTS": f'["{CLIENT}", "{agency}"]',
        f"{PARTNER}LOGIN_ACCOUNT": f'"{agency}"',
        f"{PARTNER}BASE_URL": f"{ads.sandbox.url}/google_ads",
        "TACTICS_ACME_PARTNER_SERVICE_ACCOUNT": key,
    }
    result = ads.sync()
    assert outcome_of(result).problems == ()
    [problem] = outcome_of(result, "partner").problems
    assert (problem.account_id, problem.code) == (agency, "contract_changed")
    assert "1112223330 (Acme Search), 1112223331 (Acme Video)" in problem.hint
    assert any(CLIENT in text and "is read by google_ads" in text for text in result.warnings)
    assert ads.silver(ADS) == vendor(ads)
