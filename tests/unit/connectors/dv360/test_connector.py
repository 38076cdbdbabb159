"""The advertiser's account, and the options."""

import datetime as dt

import pytest

from tactics.config import SourceSettings
from tactics.connectors import options_of, plan_slices
from tactics.connectors.dv360 import DV360Options, connector
from tactics.connectors.dv360.query import SavedQuery
from tactics.errors import ConfigError, ContractChanged, PermissionDenied
from tactics.model import AccountInfo, StreamKey
from tests.unit.connectors.builders import account, respond
from tests.unit.connectors.dv360.builders import OPTIONS, refused

GENERAL = {"currencyCode": "EUR", "timeZone": "Europe/Vienna"}


def test_the_account_is_the_advertiser() -> None:
    """Its name, currency and time zone come from Display & Video 360, not from Bid Manager."""
    request = connector.ask_account("700001", OPTIONS)
    assert (request.base, request.path) == ("entities", "/v4/advertisers/700001")
    said = {"advertiserId": "700001", "displayName": "Acme", "generalConfig": GENERAL}
    info = connector.read_account("700001", OPTIONS, respond(said))
    assert info == AccountInfo("700001", "Acme", "EUR", "Europe/Vienna")


@pytest.mark.parametrize("missing", ["currencyCode", "timeZone"])
def test_an_advertiser_without_currency_or_zone_is_refused(missing: str) -> None:
    """Without them days and money would be guesses."""
    general = {**GENERAL, missing: ""}
    said = {"advertiserId": "700001", "generalConfig": general}
    with pytest.raises(ContractChanged, match="currency and time zone"):
        connector.read_account("700001", OPTIONS, respond(said))


def test_somebody_elses_advertiser_needs_a_role() -> None:
    """The hint says where to give it."""
    with pytest.raises(PermissionDenied) as caught:
        connector.read_account("700001", OPTIONS, refused(403))
    assert "reporting role" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "present", "absent"),
    [
        ({}, "METRIC_REVENUE_ADVERTISER", "METRIC_MEDIA_COST_ADVERTISER"),
        ({"cost": "media_cost"}, "METRIC_MEDIA_COST_ADVERTISER", "METRIC_REVENUE_ADVERTISER"),
        ({"cost": "total_media_cost"}, "METRIC_TOTAL_MEDIA_COST_ADVERTISER", "METRIC_REVENUE_ADVERTISER"),
        ({"video_views": "completions"}, "METRIC_RICH_MEDIA_VIDEO_COMPLETIONS", "METRIC_RICH_MEDIA_VIDEO_PLAYS"),
        ({"cm360_revenue": False}, "METRIC_CLICKS", "METRIC_CM360_POST_VIEW_REVENUE"),
    ],
)  # fmt: skip
def test_options_choose_the_columns(options: dict[str, object], present: str, absent: str) -> None:
    """Cost, video views and revenue are what the configuration says."""
    names = [c.name for c in SavedQuery("1", DV360Options.model_validate(options)).columns]
    assert present in names
    assert absent not in names


def test_an_unknown_cost_is_refused() -> None:
    """The message names the key."""
    with pytest.raises(ConfigError, match="cost"):
        options_of(SourceSettings.model_validate({"cost": "profit"}), connector)


def test_a_month_is_read_again_after_it_was_certified() -> None:
    """On the fourth the first of last month is still within the days that are read again."""
    [spec] = connector.streams(OPTIONS)
    assert spec.lookback_days >= 31 + 3
    assert spec.final_after_days == spec.lookback_days


def test_a_first_sync_is_one_report() -> None:
    """The 90 days that are asked for, and today beside them, fit into one window."""
    (spec,) = connector.manifest.streams
    noon = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    key = StreamKey("acme", "dv360", "700001", spec.name)
    history = SourceSettings().history_days
    (work,) = plan_slices(
        spec, key, account(), covered={}, today=noon.date(), history_days=history, now=noon
    )
    assert len(work.window) == history + 1
