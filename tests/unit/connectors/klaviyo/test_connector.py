"""What is asked of Klaviyo, what its answers mean, and which request follows."""

import datetime as dt
import json
from typing import Any

import pytest

from tactics.connectors import Step
from tactics.connectors.carry import carried, carry
from tactics.connectors.klaviyo import KlaviyoOptions, asking, connector
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    SliceTooLarge,
)
from tactics.model import Slice
from tactics.transport import Request
from tests.unit.connectors.builders import account, respond, slice_of

OPTIONS = KlaviyoOptions()
KNOWN = KlaviyoOptions(conversion_metric_id="RESQ6t")
CAMPAIGNS = slice_of("campaign_values")
FLOWS = slice_of("flow_series")
REVENUE = slice_of("attributed_revenue")
SIZES = slice_of("subscribers")
EMPTY_REPORT = {"data": {"type": "campaign-values-report", "attributes": {"results": []}}}
ABOUT = {
    "data": [
        {
            "type": "account",
            "id": "AbC123",
            "attributes": {
                "timezone": "America/New_York",
                "preferred_currency": "usd",
                "contact_information": {"organization_name": "Globex"},
            },
        }
    ]
}


def body_of(request: Request) -> dict[str, Any]:
    """Return the attributes of a question."""
    data = json.loads(request.body)["data"]
    assert isinstance(data["attributes"], dict)
    return data["attributes"] | {"type": data["type"]}


def read(work: Slice, request: Request, value: object, **headers: str) -> Step:
    """Return what an answer means when the metric is known."""
    return connector.read(work, KNOWN, request, respond(value, **headers))


def onward(step: Step) -> Request:
    """Return the request that follows."""
    assert step.next is not None
    return step.next


def metric(metric_id: str, name: str = "Placed Order", integration: object = None) -> object:
    """Return one metric."""
    return {"id": metric_id, "attributes": {"name": name, "integration": integration}}


def items(kind: str, *ids: str, following: str | None = None) -> object:
    """Return a page of a collection."""
    data = [{"type": kind, "id": name, "attributes": {"name": name}} for name in ids]
    return {"data": data, "links": {"self": "x", "next": following}}


def test_every_request_names_the_revision_and_refuses_another() -> None:
    """A retired revision must end in an error, not in other numbers."""
    headers = dict(connector.ask(CAMPAIGNS, OPTIONS).headers)
    assert headers["revision"] == connector.manifest.api_version == "2026-07-15"
    assert headers["x-klaviyo-revision-fall-forward-opt-out"] == "1"
    assert headers["accept"] == "application/vnd.api+json"


def test_the_account_is_asked_for_nothing_personal() -> None:
    """Of the contact information only the organisation's name."""
    query = dict(connector.ask_account("shop", OPTIONS).query)
    assert query["fields[account]"].split(",") == [
        "timezone", "preferred_currency", "test_account", "contact_information.organization_name",
    ]  # fmt: skip


def test_the_account_says_zone_and_currency() -> None:
    """The label stays the account's id; Klaviyo's own id is a fact."""
    info = connector.read_account("shop", OPTIONS, respond(ABOUT))
    assert (info.account_id, info.name, info.currency) == ("shop", "Globex", "USD")
    assert (info.timezone, info.facts) == ("America/New_York", {"klaviyo_account": "AbC123"})


@pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
def test_an_account_without_a_zone_is_refused(zone: str) -> None:
    """Days in an unknown zone would be guesses."""
    about = json.loads(json.dumps(ABOUT).replace("America/New_York", zone))
    with pytest.raises(ContractChanged):
        connector.read_account("shop", OPTIONS, respond(about))


@pytest.mark.parametrize("key", ["", "Xy12ab", "sk_123"])
def test_only_a_private_key_is_taken(key: str) -> None:
    """The public key (the site id) cannot read."""
    connector.check_credentials({"api_key": "pk_abc"}, OPTIONS)
    with pytest.raises(CredentialError):
        connector.check_credentials({"api_key": key}, OPTIONS)


def test_the_campaign_report_is_the_contracts() -> None:
    """One question for all campaigns of the window, by e-mail, grouped by message."""
    body = body_of(asking.report(CAMPAIGNS, "RESQ6t", dt.date(2026, 11, 7)))
    assert body == {
        "type": "campaign-values-report",
        "statistics": list(asking.STATISTICS),
        "timeframe": {"start": "2026-11-01T00:00:00+00:00", "end": "2026-11-07T23:59:59+00:00"},
        "conversion_metric_id": "RESQ6t",
        "group_by": ["campaign_id", "campaign_message_id", "send_channel"],
        "filter": 'equals(send_channel,"email")',
    }


def test_the_flow_report_is_daily() -> None:
    """The same question, by flow and day."""
    body = body_of(asking.report(FLOWS, "RESQ6t", dt.date(2026, 11, 7)))
    assert (body["type"], body["interval"]) == ("flow-series-report", "daily")
    assert body["group_by"] == ["flow_id", "flow_message_id", "send_channel"]


def test_revenue_is_asked_by_local_days_and_message() -> None:
    """The end is excluded, the zone is the account's, orders credited to e-mail only."""
    body = body_of(connector.ask(REVENUE, KNOWN))
    assert body["by"] == ["$attributed_message", "$attributed_flow", "$value_currency"]
    assert body["filter"] == [
        "greater-or-equal(datetime,2026-11-01T00:00:00)",
        "less-than(datetime,2026-11-08T00:00:00)",
        'equals($attributed_channel,"email")',
    ]
    assert (body["interval"], body["timezone"]) == ("day", "Europe/Vienna")


def test_a_zone_goes_by_the_name_that_klaviyo_knows() -> None:
    """Europe/Kyiv is refused by metric aggregates."""
    work = slice_of("attributed_revenue", info=account(timezone="Europe/Kyiv"))
    assert body_of(connector.ask(work, KNOWN))["timezone"] == "Europe/Kiev"


def test_the_metric_is_looked_up_over_all_pages() -> None:
    """Its name must be exact; the last page decides."""
    first = connector.ask(FLOWS, OPTIONS)
    more = {
        "data": [metric("A", "Placed Order (old)"), metric("B")],
        "links": {"next": "/api/metrics?p=2"},
    }
    second = onward(connector.read(FLOWS, OPTIONS, first, respond(more)))
    assert second.path == "/api/metrics?p=2"
    last = {"data": [metric("C", "Viewed Product")], "links": {}}
    third = onward(connector.read(FLOWS, OPTIONS, second, respond(last)))
    assert carried(third) == {"stage": "parents", "metric": "B", "archived": "0"}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], "no such conversion metric"),
        ([metric("A"), metric("B", integration={"name": "Shopify"})], "A (API) and B (Shopify)"),
    ],
)
def test_no_metric_and_two_metrics_are_refused(found: list[object], text: str) -> None:
    """A report without its metric is empty for weeks before anybody notices."""
    request = connector.ask(REVENUE, OPTIONS)
    with pytest.raises(ContractChanged) as caught:
        connector.read(REVENUE, OPTIONS, request, respond({"data": found}))
    assert text in str(caught.value)


def test_metrics_without_an_end_are_refused() -> None:
    """A cursor that walks in circles is noticed though no page of metrics is kept."""
    page = carry(connector.ask(FLOWS, OPTIONS), stage="metrics", pages=99)
    with pytest.raises(CursorRejected):
        connector.read(FLOWS, OPTIONS, page, respond({"data": [], "links": {"next": "/api/m?p=9"}}))


def test_the_integration_narrows_the_lookup() -> None:
    """It is a filter of the request."""
    mine = KlaviyoOptions(conversion_integration="Shopify")
    assert dict(connector.ask(FLOWS, mine).query)["filter"] == 'equals(integration.name,"Shopify")'


@pytest.mark.parametrize(("work", "kind"), [(CAMPAIGNS, "campaigns"), (FLOWS, "flows")])
def test_the_parents_come_before_the_report(work: Slice, kind: str) -> None:
    """Those that are not archived, then the archived ones, then the numbers."""
    first = connector.ask(work, KNOWN)
    assert first.path == f"/api/{kind}"
    step = read(work, first, items(kind, "a", following=f"https://a.klaviyo.com/api/{kind}?page=2"))
    assert json.loads(step.page or b"") == {
        "data": [{"type": kind, "id": "a", "attributes": {"name": "a"}}]
    }
    second = onward(step)
    assert second.path == f"/api/{kind}?page=2"
    archived = onward(read(work, second, items(kind, "b")))
    assert "equals(archived,true)" in dict(archived.query)["filter"]
    report = onward(read(work, archived, items(kind)))
    assert (report.method, carried(report)["metric"]) == ("POST", "RESQ6t")


@pytest.mark.parametrize(
    ("date", "until"),
    [
        ("Sat, 21 Nov 2026 06:00:00 GMT", "2026-11-12"),
        ("Mon, 09 Nov 2026 23:30:00 GMT", "2026-11-10"),  # past midnight in Vienna
        ("Sat, 07 Nov 2026 12:00:00 GMT", "2026-11-07"),
        ("Sun, 01 Nov 2026 12:00:00 GMT", "2026-11-07"),  # a wrong clock cuts nothing
        ("nonsense", "2026-11-07"),
    ],
)
def test_the_campaign_report_reaches_beyond_the_window(date: str, until: str) -> None:
    """Five days further, so that slow sendings are whole; never into the future."""
    archived = asking.parents("campaigns", "RESQ6t", archived=True)
    report = onward(read(CAMPAIGNS, archived, items("campaign"), date=date))
    assert body_of(report)["timeframe"]["end"] == f"{until}T23:59:59+00:00"


def test_the_flow_report_keeps_to_the_window() -> None:
    """A series has its days; nothing beyond is needed."""
    archived = asking.parents("flows", "RESQ6t", archived=True)
    date = "Sat, 21 Nov 2026 06:00:00 GMT"
    report = onward(read(FLOWS, archived, items("flow"), date=date))
    assert body_of(report)["timeframe"]["end"] == "2026-11-07T23:59:59+00:00"


def test_a_page_of_a_report_keeps_what_was_asked() -> None:
    """Silver has no other way to know the metric and the timeframe."""
    request = asking.report(CAMPAIGNS, "RESQ6t", dt.date(2026, 11, 9))
    step = read(CAMPAIGNS, request, EMPTY_REPORT | {"meta": {"agent_hints": {}}})
    assert step.next is None
    assert json.loads(step.page or b"") == {
        "data": EMPTY_REPORT["data"],
        "asked": {"metric_id": "RESQ6t", "start": "2026-11-01", "end": "2026-11-09"},
    }


def test_the_next_page_of_a_report_asks_the_same() -> None:
    """`page_cursor` stands in the link, the question stays in the body."""
    request = asking.report(CAMPAIGNS, "RESQ6t", dt.date(2026, 11, 9))
    link = "https://a.klaviyo.com/api/campaign-values-reports?page_cursor=bmV4dA%3D%3D"
    following = onward(read(CAMPAIGNS, request, EMPTY_REPORT | {"links": {"next": link}}))
    assert following.path == "/api/campaign-values-reports?page_cursor=bmV4dA%3D%3D"
    assert (following.body, following.method) == (request.body, "POST")


def test_the_answer_to_another_question_is_refused() -> None:
    """A flow report is no campaign report."""
    request = asking.report(FLOWS, "RESQ6t", dt.date(2026, 11, 7))
    with pytest.raises(ContractChanged):
        read(FLOWS, request, EMPTY_REPORT)


def aggregates(groups: int, following: str | None = None) -> object:
    """Return a page of metric aggregates."""
    group = {"dimensions": ["m", "", "EUR"], "measurements": {"count": [], "sum_value": []}}
    attributes = {"dates": [], "data": [group] * groups}
    data = {"type": "metric-aggregate", "id": "x", "attributes": attributes}
    return {"data": data, "links": {"self": "x", "next": following}}


def test_the_cursor_of_aggregates_goes_into_the_body() -> None:
    """And one that comes back is refused."""
    link = "https://a.klaviyo.com/api/metric-aggregates?page_cursor=abc%3D"
    first = connector.ask(REVENUE, KNOWN)
    second = onward(read(REVENUE, first, aggregates(2, link)))
    assert body_of(second)["page_cursor"] == "abc="
    with pytest.raises(CursorRejected):
        read(REVENUE, second, aggregates(2, link))
    with pytest.raises(CursorRejected):
        read(REVENUE, first, aggregates(2, "https://a.klaviyo.com/api/metric-aggregates"))


def test_a_full_page_without_a_cursor_is_asked_again_smaller() -> None:
    """Where the cursor stands is not documented: better a smaller window than a cut one."""
    with pytest.raises(SliceTooLarge):
        read(REVENUE, connector.ask(REVENUE, KNOWN), aggregates(500))
    deep = slice_of("attributed_revenue", deep=True)
    step = read(deep, connector.ask(deep, KNOWN), aggregates(500))
    assert "cut off" in step.warnings[0]


def audience(kind: str, name: str) -> object:
    """Return one list or segment with its size."""
    attributes = {"name": name, "profile_count": 7, "definition": {"email": "ada@x.example"}}
    return {"data": {"type": kind, "id": name, "attributes": attributes}}


def test_each_list_is_asked_for_its_size_and_then_each_segment() -> None:
    """A page of ids, one call each, the next page, then the same for segments."""
    page = onward(
        read(
            SIZES, connector.ask(SIZES, KNOWN), items("list", "A", "B", following="/api/lists?p=2")
        )
    )
    assert (page.path, page.query) == (
        "/api/lists/A",
        (("additional-fields[list]", "profile_count"),),
    )
    step = read(SIZES, page, audience("list", "A"))
    assert b"definition" not in (step.page or b"")
    gone = onward(step)
    assert gone.path == "/api/lists/B"
    skipped = connector.read(SIZES, KNOWN, gone, respond({"errors": []}, status=404))
    assert (skipped.page, len(skipped.warnings)) == (None, 1)
    assert onward(skipped).path == "/api/lists?p=2"
    segments = onward(read(SIZES, onward(skipped), items("list")))
    assert segments.path == "/api/segments"
    last = onward(read(SIZES, segments, items("segment", "S")))
    assert read(SIZES, last, audience("segment", "S")).next is None
    with pytest.raises(ContractChanged):
        read(SIZES, last, audience("list", "S"))


def test_an_account_without_audiences_ends() -> None:
    """No list and no segment is no page."""
    segments = onward(read(SIZES, connector.ask(SIZES, KNOWN), items("list")))
    assert read(SIZES, segments, items("segment")) == Step()


def test_links_keep_their_query_and_lose_their_host() -> None:
    """The key never leaves for another host, also behind a proxy's path."""
    request = asking.audiences(
        "lists", "http://127.0.0.1:9/klaviyo/api/lists?page%5Bcursor%5D=a%3D"
    )
    assert request.path == "/api/lists?page%5Bcursor%5D=a%3D"
    assert request.query == ()
    with pytest.raises(ContractChanged):
        asking.following(request, "https://evil.example/steal")
    with pytest.raises(CursorRejected):
        asking.following(request, f"https://a.klaviyo.com{request.path}")


def test_reports_come_last() -> None:
    """Their quota of a day, once spent, parks the source: the others must be home by then."""
    names = [spec.name for spec in connector.streams(OPTIONS)]
    assert names == ["subscribers", "attributed_revenue", "campaign_values", "flow_series"]


def test_ninety_days_cost_two_reports_of_each_kind() -> None:
    """Klaviyo allows two a minute: a first sync waits for none."""
    for spec in connector.manifest.streams[2:]:
        assert -(-91 // spec.slice_days) == 2
        assert spec.slice_days <= 60  # the most that a daily series may span
