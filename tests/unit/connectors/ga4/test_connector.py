"""What is asked of Google Analytics, and what its answers mean."""

import datetime as dt
import json
from typing import Any

import pytest

from tactics.connectors.carry import HEADER
from tactics.connectors.ga4 import GoogleAnalyticsOptions, connector
from tactics.connectors.ga4 import report as reports
from tactics.errors import (
    ContractChanged,
    CursorRejected,
    DecodeError,
    FieldRejected,
    SliceTooLarge,
)
from tactics.model import AccountInfo, Window
from tactics.transport import Request
from tests.unit.connectors.builders import respond, slice_of
from tests.unit.connectors.ga4.reports import METRICS, failure, report, row

OPTIONS = GoogleAnalyticsOptions(page_size=2)
WORK = slice_of("traffic", account_id="123")
DAY = slice_of("traffic", window=Window(dt.date(2026, 11, 3), dt.date(2026, 11, 3)))
INCOMPATIBLE = (
    "Please remove sessionCampaignName to make the request compatible for example. The request's"
    " dimensions & metrics are incompatible."
)


def body_of(request: Request | None) -> dict[str, Any]:
    """Return the body of a request."""
    assert request is not None
    body: dict[str, Any] = json.loads(request.body)
    return body


def read(value: object, *, work: Any = WORK, request: Request | None = None, status: int = 200):
    """Read one answer."""
    asked = request or connector.ask(work, OPTIONS)
    return connector.read(work, OPTIONS, asked, respond(value, status))


def test_a_window_is_one_report_in_a_stated_order() -> None:
    """Fixed days, five dimensions, nine metrics, an order on every dimension, and the quota."""
    request = connector.ask(WORK, GoogleAnalyticsOptions())
    body = body_of(request)
    assert (request.method, request.path) == ("POST", "/v1beta/properties/123:runReport")
    assert body["dateRanges"] == [{"startDate": "2026-11-01", "endDate": "2026-11-07"}]
    assert [item["name"] for item in body["dimensions"]] == list(reports.DIMENSIONS)
    assert [item["name"] for item in body["metrics"]] == list(METRICS)
    ordered = [item["dimension"]["dimensionName"] for item in body["orderBys"]]
    assert ordered == list(reports.DIMENSIONS)
    assert (body["limit"], body["offset"]) == ("50000", "0")
    assert body["returnPropertyQuota"] is True
    assert request.idempotent


def test_key_events_have_their_new_name() -> None:
    """`conversions` became `keyEvents` in 2024; at most ten metrics fit into a request."""
    assert "keyEvents" in METRICS
    assert "conversions" not in METRICS
    assert len(METRICS) <= 10


def test_a_refused_metric_is_not_asked_for() -> None:
    """The other metrics are, in the same order."""
    work = slice_of("traffic", without=frozenset({"keyEvents", "sessions"}))
    names = [item["name"] for item in body_of(connector.ask(work, OPTIONS))["metrics"]]
    assert names == [name for name in METRICS if name != "keyEvents"]


@pytest.mark.parametrize(
    ("account_id", "path"),
    [("123", "123"), ("properties/123", "123"), ("1/../2", "1%2F..%2F2")],
)
def test_the_property_stands_in_the_path(account_id: str, path: str) -> None:
    """With or without its prefix, and never as more than one part."""
    request = connector.ask_account(account_id, OPTIONS)
    assert request.path == f"/v1beta/properties/{path}:runReport"


def test_the_property_tells_currency_and_time_zone() -> None:
    """A report of one metric says both, also without a row."""
    answer = report(metadata={"currencyCode": "USD", "timeZone": "America/New_York"})
    info = connector.read_account("123", OPTIONS, respond(answer))
    assert info == AccountInfo("123", "123", "USD", "America/New_York")
    assert body_of(connector.ask_account("123", OPTIONS))["limit"] == "1"


@pytest.mark.parametrize("metadata", [{"timeZone": "Mars"}, {"currencyCode": ""}])
def test_a_property_without_either_is_refused(metadata: dict[str, str]) -> None:
    """Days and money would be guesses."""
    with pytest.raises(ContractChanged, match="currency and time zone"):
        connector.read_account("123", OPTIONS, respond(report(metadata=metadata)))


def test_pages_follow_until_the_count_is_reached() -> None:
    """The offset grows by the rows that came; the last page ends the slice."""
    first = read(report(row(), row(), rowCount=3))
    assert body_of(first.next)["offset"] == "2"
    assert body_of(first.next)["orderBys"] == body_of(connector.ask(WORK, OPTIONS))["orderBys"]
    last = read(report(row(), rowCount=3), request=first.next)
    assert last.next is None
    assert last.warnings == ()


def test_a_page_that_is_cut_short_loses_no_row() -> None:
    """If Google sends fewer rows than asked for, the next page begins right behind them."""
    step = read(report(row(), rowCount=5))
    assert body_of(step.next)["offset"] == "1"


def test_an_empty_page_before_the_end_starts_the_slice_again() -> None:
    """To go on would leave a hole."""
    with pytest.raises(CursorRejected, match="sends none"):
        read(report(rowCount=5))


def test_rows_that_change_meanwhile_are_told() -> None:
    """The count of a day that still runs may move between pages: a warning, and read again later."""
    first = read(report(row(), row(), rowCount=3))
    last = read(report(row(), row(), rowCount=4), request=first.next)
    assert last.next is None
    assert "changed while they were read" in last.warnings[0]


def test_an_empty_report_is_a_page() -> None:
    """No `rows`, no `rowCount`: the days are covered, and hold nothing."""
    step = read(report())
    assert (step.next, json.loads(step.page or b"")["kind"]) == (None, "analyticsData#runReport")


def test_the_page_is_kept_as_received() -> None:
    """Byte for byte, unless somebody must be protected."""
    body = json.dumps(report(row()), indent=1).encode()
    assert read(body).page == body


@pytest.mark.parametrize(
    "metadata",
    [
        {"dataLossFromOtherRow": True},
        {"samplingMetadatas": [{"samplesReadCount": "1", "samplingSpaceSize": "2"}]},
    ],
)
def test_a_coarse_report_is_asked_for_in_smaller_windows(metadata: dict[str, Any]) -> None:
    """Sampling and (other) grow with the window; a single day is taken as it is."""
    with pytest.raises(SliceTooLarge):
        read(report(row(), metadata=metadata))
    assert read(report(row(), metadata=metadata), work=DAY).page is not None


def test_caveats_become_warnings() -> None:
    """Metrics that the credential may not see, and data that was cut off."""
    metadata = {
        "schemaRestrictionResponse": {
            "activeMetricRestrictions": [
                {"metricName": "totalRevenue", "restrictedMetricTypes": ["REVENUE_DATA"]}
            ]
        },
        "dataTruncationReasons": [{"dataTruncationType": "DATA_TRUNCATION_TYPE_DATE_RANGE"}],
    }
    warnings = read(report(row(), metadata=metadata)).warnings
    assert warnings == (
        "ga4: the credential may not see totalRevenue",
        "ga4: data is cut off: DATA_TRUNCATION_TYPE_DATE_RANGE",
    )


def test_personal_values_never_get_into_a_page() -> None:
    """An address in a campaign link is masked before anything is kept, with a warning."""
    leaky = row(("20261103", "Email", "news", "email", "to ann@shopper.example"))
    step = read(report(leaky))
    assert b"ann@" not in (step.page or b"")
    assert "masked" in step.warnings[0]


def test_a_bucket_that_runs_low_pauses_the_property() -> None:
    """`propertyQuota` of each answer is looked at, together with the answer's date."""
    quota = {"tokensPerHour": {"consumed": 10, "remaining": 20}}
    answer = respond(report(row(), propertyQuota=quota), 200, date="Sat, 21 Nov 2026 09:59:15 GMT")
    assert connector.read(WORK, OPTIONS, connector.ask(WORK, OPTIONS), answer).pause_seconds == 45


@pytest.mark.parametrize(
    "message",
    [
        "Field keyEvents is not a valid metric. For a list of valid dimensions and metrics, see …",
        "Did you mean conversions? Field keyEvents is not a valid metric.",
        INCOMPATIBLE.replace("sessionCampaignName", "keyEvents"),
    ],
)
def test_a_metric_that_is_named_is_left_out(message: str) -> None:
    """Unknown or incompatible: the slice is fetched without it."""
    with pytest.raises(FieldRejected) as caught:
        read(failure("INVALID_ARGUMENT", message), status=400)
    assert caught.value.facts["field"] == "keyEvents"


@pytest.mark.parametrize("name", ["sessions", "sessionSource"])
def test_what_silver_needs_cannot_be_left_out(name: str) -> None:
    """Without sessions or a dimension there is no row."""
    with pytest.raises(ContractChanged):
        read(failure("INVALID_ARGUMENT", f"Field {name} is not a valid metric."), status=400)


def test_an_incompatible_set_is_checked() -> None:
    """Where Google names no metric of ours, the preflight is asked which one it is."""
    step = read(failure("INVALID_ARGUMENT", INCOMPATIBLE), status=400)
    assert step.page is None
    assert step.next is not None
    assert step.next.path == "/v1beta/properties/123:checkCompatibility"
    assert body_of(step.next)["metrics"] == [{"name": "sessions"}]
    found = [(name, "COMPATIBLE") for name in METRICS if name != "newUsers"]
    answer = {
        "metricCompatibilities": [
            {"metricMetadata": {"apiName": name}, "compatibility": word}
            for name, word in [*found, ("newUsers", "INCOMPATIBLE")]
        ]
    }
    with pytest.raises(FieldRejected) as caught:
        read(answer, request=step.next)
    assert caught.value.facts["field"] == "newUsers"


def test_a_preflight_that_finds_nothing_ends_the_stream() -> None:
    """Google says of every metric that it goes, and yet refuses the report."""
    answer = {
        "metricCompatibilities": [
            {"metricMetadata": {"apiName": name}, "compatibility": "COMPATIBLE"} for name in METRICS
        ]
    }
    with pytest.raises(ContractChanged, match="names no culprit"):
        read(answer, request=reports.compatibility("123"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b'{"kind": "analyticsData#run', DecodeError),
        (b"<html>hello</html>", DecodeError),
        (b"\xff\xfe", DecodeError),
        ({"kind": "analyticsData#batchRunReports"}, ContractChanged),
        ({"rows": []}, ContractChanged),
        (report(row(), dimensionHeaders=[{"name": "date"}]), ContractChanged),
    ],
)
def test_another_answer_is_refused(value: object, kind: type[Exception]) -> None:
    """What is not JSON may be a broken transfer; other JSON is another contract."""
    with pytest.raises(kind):
        read(value)


def test_nothing_personal_travels_along() -> None:
    """Only the row count is carried from page to page."""
    step = read(report(row(), row(), rowCount=3))
    assert step.next is not None
    assert dict(step.next.headers)[HEADER] == "rows=3"


def test_tiers_are_a_little_short_of_a_day_and_a_week() -> None:
    """A sync that starts an hour earlier than yesterday's still reads the 14 days again."""
    [spec] = connector.manifest.streams
    assert spec.lookback_days == 3
    assert [days for days, _ in spec.tiers] == [14, 35]
    assert all(20 <= hours < limit for (_, hours), limit in zip(spec.tiers, (24, 168), strict=True))


def test_every_credential_is_accepted_at_first() -> None:
    """Google tells with the first token."""
    connector.check_credentials({"service_account": "{}"}, OPTIONS)
    assert connector.streams(OPTIONS) == connector.manifest.streams
