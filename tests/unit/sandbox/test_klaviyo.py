"""The Klaviyo simulator: keys, scopes, revisions, limits, filters, cursors, and growing numbers."""

import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tactics.sandbox import Fault, Limits, World
from tactics.sandbox.api import Call, Reply
from tests.support import FakeClock
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
REPORT = "/api/campaign-values-reports"
SERIES = "/api/flow-series-reports"
AGGREGATES = "/api/metric-aggregates"
EMAIL = "equals(messages.channel,'email')"
MEDIA = "application/vnd.api+json"
# Revision 2026-07-15 of the OpenAPI document: what a campaign must have.
CAMPAIGN_FIELDS = {
    "name", "status", "archived", "audiences", "send_options", "send_strategy", "created_at",
    "updated_at",
}  # fmt: skip


@pytest.fixture
def world() -> World:
    """Return a world of 60 days."""
    return World(today=TODAY, days=60, sources=("klaviyo",))


def ask(world: World, path: str, *query: tuple[str, str], **headers: str) -> Reply:
    """Return the answer to acme's GET; headers may be replaced."""
    return world.answer(Call("GET", ORIGIN, "klaviyo", path, query, known(world, **headers)))


def post(
    world: World, path: str, attributes: dict[str, Any], kind: str = "", **headers: str
) -> Reply:
    """Return the answer to acme's question."""
    parts = urlsplit(path)
    kind = kind or parts.path.rpartition("/")[2].removesuffix("s")
    body = json.dumps({"data": {"type": kind, "attributes": attributes}}).encode()
    known_headers = known(world, **{"content_type": MEDIA, **headers})
    query = tuple(parse_qsl(parts.query))
    return world.answer(
        Call("POST", ORIGIN, "klaviyo", parts.path, query, known_headers, body=body)
    )


def known(world: World, **headers: str) -> dict[str, str]:
    """Return the headers of a good call, or others."""
    key = world.environment(ORIGIN)["TACTICS_ACME_KLAVIYO_API_KEY"]
    good = {"authorization": f"Klaviyo-API-Key {key}", "revision": "2026-07-15"}
    return good | {name.replace("_", "-"): value for name, value in headers.items()}


def error_of(reply: Reply) -> tuple[int, str]:
    """Return status and code of an error."""
    return reply.status, reply.document["errors"][0]["code"]


def question(world: World, **more: Any) -> dict[str, Any]:
    """Return a question about the campaigns of the last month."""
    [metric] = [
        item
        for item in ask(world, "/api/metrics").document["data"]
        if item["attributes"]["name"] == "Placed Order"
    ]
    return {
        "statistics": ["recipients", "opens_unique", "conversion_value"],
        "timeframe": {"start": "2026-10-22T00:00:00+00:00", "end": "2026-11-21T23:59:59+00:00"},
        "conversion_metric_id": metric["id"],
        **more,
    }


def results(reply: Reply) -> list[dict[str, Any]]:
    """Return the rows of a report."""
    found: list[dict[str, Any]] = reply.document["data"]["attributes"]["results"]
    return found


@pytest.mark.parametrize("authorization", ["", "Bearer pk_x", "Klaviyo-API-Key pk_wrong"])
def test_without_the_key_there_is_nothing(world: World, authorization: str) -> None:
    """A missing or wrong key is 401."""
    reply = ask(world, "/api/lists", authorization=authorization)
    assert error_of(reply) == (401, "not_authenticated")


@pytest.mark.parametrize(
    ("revision", "strict", "status", "served"),
    [
        ("2026-07-15", "1", 200, "2026-07-15"),
        ("2026-10-15", "1", 200, "2026-10-15"),
        ("2024-02-15", "1", 410, None),
        ("2024-02-15", "0", 200, "2025-01-15"),
        ("2027-01-15", "1", 400, None),
        ("", "1", 400, None),
    ],
)
def test_a_revision_is_served_or_not(
    world: World, revision: str, strict: str, *, status: int, served: str | None
) -> None:
    """A retired one falls forward, unless the caller opts out."""
    opt_out = {"x_klaviyo_revision_fall_forward_opt_out": strict}
    reply = ask(world, "/api/lists", revision=revision, **opt_out)
    assert reply.status == status
    assert reply.headers.get("x-klaviyo-api-revision") == served


def test_an_unknown_path_is_404(world: World) -> None:
    """Profiles and events are not served at all."""
    assert error_of(ask(world, "/api/profiles")) == (404, "not_found")
    assert error_of(ask(world, "/api/lists/gone")) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("/api/campaigns", (), "filter"),
        ("/api/campaigns", (("filter", "status ne draft"),), "filter"),
        ("/api/campaigns", (("filter", "equals(send_time,1)"),), "filter"),
        ("/api/campaigns", (("filter", "contains(status,'x')"),), "filter"),
        ("/api/lists", (("page[size]", "11"),), "page[size]"),
        ("/api/lists", (("page[cursor]", "???"),), "page[cursor]"),
        ("/api/lists", (("nonsense", "1"),), "nonsense"),
        ("/api/lists", (("fields[list]", "profile_count"),), "fields"),
        ("/api/flows", (("filter", "greater-than(updated,soon)"),), "filter"),
    ],
)
def test_a_wrong_request_names_its_parameter(
    world: World, path: str, query: tuple[tuple[str, str], ...], parameter: str
) -> None:
    """400 with code `invalid` and where it is wrong."""
    reply = ask(world, path, *query)
    assert error_of(reply) == (400, "invalid")
    assert reply.document["errors"][0]["source"] == {"parameter": parameter}


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (REPORT, {"statistics": ["opens"]}),
        (REPORT, {"statistics": []}),
        (REPORT, {"group_by": ["campaign_id"]}),
        (REPORT, {"filter": "equals(campaign_name,'x')"}),
        (REPORT, {"timeframe": {"start": "2025-01-01", "end": "2026-11-21"}}),
        (REPORT, {"timeframe": {"key": "last_30_days"}}),
        (REPORT, {"interval": "daily"}),
        (REPORT, {"conversion_metric_id": "nope"}),
        (SERIES, {"interval": "daily", "timeframe": {"start": "2026-09-01", "end": "2026-10-31"}}),
        (SERIES, {"interval": "yearly"}),
    ],
)
def test_a_wrong_question_names_its_place(world: World, path: str, change: dict[str, Any]) -> None:
    """400 with a pointer into the body; 61 days are one too many for a daily series."""
    reply = post(world, path, question(world, **change))
    assert error_of(reply) == (400, "invalid")


@pytest.mark.parametrize(("body", "kind"), [(b"{", ""), (b"{}", ""), (b"", "flow-series-report")])
def test_a_body_that_is_no_document_is_refused(world: World, body: bytes, kind: str) -> None:
    """No JSON, no data, or a report of another type."""
    call = Call("POST", ORIGIN, "klaviyo", REPORT, (), known(world, content_type=MEDIA), body=body)
    reply = post(world, REPORT, question(world), kind) if kind else world.answer(call)
    assert error_of(reply) == (400, "invalid")


def test_a_question_needs_its_media_type(world: World) -> None:
    """Plain JSON is not taken."""
    reply = post(world, REPORT, question(world), content_type="application/json")
    assert reply.status == 415


def test_campaigns_have_the_shape_of_the_revision(world: World) -> None:
    """Drafts, scheduled and sent ones; only e-mail, archived ones on request."""
    page = ask(world, "/api/campaigns", ("filter", EMAIL)).document["data"]
    assert all(item["attributes"].keys() >= CAMPAIGN_FIELDS for item in page)
    assert {item["attributes"]["status"] for item in page} == {"Draft", "Scheduled", "Sent"}
    assert not any(item["attributes"]["archived"] for item in page)
    archived = ask(world, "/api/campaigns", ("filter", f"and({EMAIL},equals(archived,true))"))
    assert {item["attributes"]["archived"] for item in archived.document["data"]} <= {True}


@pytest.mark.parametrize(
    ("filter_", "holds"),
    [
        (
            "greater-or-equal(updated_at,2026-11-01T00:00:00Z)",
            lambda a: a["updated_at"] >= "2026-11",
        ),
        ("less-than(created_at,2026-11-01)", lambda a: a["created_at"] < "2026-11"),
        ("any(status,['Draft','Sent'])", lambda a: a["status"] in {"Draft", "Sent"}),
        ("contains(name,'Deal')", lambda a: "Deal" in a["name"]),
    ],
)
def test_campaigns_can_be_filtered(world: World, filter_: str, holds: Any) -> None:
    """Times, lists of values and parts of names."""
    every = ask(world, "/api/campaigns", ("filter", EMAIL)).document["data"]
    page = ask(world, "/api/campaigns", ("filter", f"and({EMAIL},{filter_})")).document["data"]
    assert [item["id"] for item in page] == [
        item["id"] for item in every if holds(item["attributes"])
    ]
    assert 0 < len(page) < len(every)


def test_a_cursor_leads_through_all_pages(world: World) -> None:
    """`links.next` keeps the filter and the size; the last page has null."""
    every = ask(world, "/api/campaigns", ("filter", EMAIL)).document["data"]
    found, query = [], (("filter", EMAIL), ("page[size]", "7"))
    while True:
        document = ask(world, "/api/campaigns", *query).document
        found += document["data"]
        if document["links"]["next"] is None:
            break
        query = tuple(parse_qsl(urlsplit(document["links"]["next"]).query))
    assert found == every


def test_the_end_is_null_or_absent(world: World) -> None:
    """Lists say null, segments nothing."""
    lists = ask(world, "/api/lists", ("page[cursor]", "bmV4dDoxMA==")).document["links"]
    segments = ask(world, "/api/segments").document["links"]
    assert lists["next"] is None
    assert "next" not in segments


def test_sparse_fields_keep_personal_data_away(world: World) -> None:
    """Only what is asked for is sent, also of a nested object."""
    fields = ("fields[account]", "timezone,contact_information.organization_name")
    [account] = ask(world, "/api/accounts", fields).document["data"]
    assert account["attributes"] == {
        "timezone": "Europe/Vienna",
        "contact_information": {"organization_name": "Acme Media"},
    }


def test_a_size_is_told_of_one_list_only(world: World) -> None:
    """And only when it is asked for."""
    first = ask(world, "/api/lists").document["data"][0]
    path = f"/api/lists/{first['id']}"
    sized = ask(world, path, ("additional-fields[list]", "profile_count")).document
    assert "profile_count" not in ask(world, path).document["data"]["attributes"]
    assert sized["data"]["attributes"]["profile_count"] > 0


def strict_world(clock: FakeClock) -> World:
    """Return a world with Klaviyo's own limits."""
    limits = Limits(klaviyo_limit_factor=1)
    return World(today=TODAY, days=60, sources=("klaviyo",), clock=clock, limits=limits)


def test_reports_are_two_a_minute_and_225_a_day() -> None:
    """The headers tell of the tightest window; a refusal tells only how long to wait."""
    clock = FakeClock()
    world = strict_world(clock)
    asked = question(world)
    first = post(world, REPORT, asked)
    assert first.headers["ratelimit-limit"] == "1, 1;w=1, 2;w=60, 225;w=86400"
    assert (first.headers["ratelimit-remaining"], first.headers["ratelimit-reset"]) == ("0", "1")
    clock.advance(1)
    second = post(world, REPORT, asked)
    assert second.headers["ratelimit-reset"] == "59"
    clock.advance(1)
    third = post(world, REPORT, asked)
    assert (third.status, third.headers["retry-after"]) == (429, "58")
    assert not [name for name in third.headers if name.startswith("ratelimit")]
    served = 2
    while clock.monotonic() < 86_000:
        clock.advance(30)
        served += post(world, REPORT, asked).status == 200
    assert served == 225
    spent = post(world, REPORT, asked)
    assert int(spent.headers["retry-after"]) == 86_400 - int(clock.monotonic())


def test_sizes_have_a_slow_lane_of_their_own() -> None:
    """15 a minute, while lists go on."""
    clock = FakeClock()
    world = strict_world(clock)
    first = ask(world, "/api/lists").document["data"][0]["id"]
    size = (f"/api/lists/{first}", ("additional-fields[list]", "profile_count"))
    statuses = []
    for _ in range(16):
        clock.advance(1)
        statuses.append(ask(world, *size).status)
    assert statuses == [200] * 15 + [429]
    assert ask(world, "/api/lists").status == 200


def test_limits_are_each_accounts_own() -> None:
    """What one organisation uses up is not missing at the other."""
    clock = FakeClock()
    world = strict_world(clock)
    key = world.environment(ORIGIN)["TACTICS_GLOBEX_KLAVIYO_API_KEY"]
    assert [ask(world, "/api/accounts").status for _ in range(2)] == [200, 429]
    other = ask(world, "/api/accounts", authorization=f"Klaviyo-API-Key {key}")
    assert other.status == 200


def test_numbers_grow_from_day_to_day(world: World) -> None:
    """Opens of recent messages rise, those of old ones stay; and so does what is restated."""

    def opens(start: str, end: str) -> list[float]:
        timeframe = {"start": start, "end": end}
        rows = results(post(world, REPORT, question(world, timeframe=timeframe)))
        return [row["statistics"]["opens_unique"] for row in rows]

    recent, old = ("2026-11-17", "2026-11-20"), ("2026-10-01", "2026-10-31")
    before = opens(*recent), opens(*old)
    world.advance()
    after = opens(*recent), opens(*old)
    world.restate(14)
    restated = opens(*recent), opens(*old)
    assert all(late > early for early, late in zip(before[0], after[0], strict=True))
    assert all(late > early for early, late in zip(after[0], restated[0], strict=True))
    assert before[1] == after[1] == restated[1]


def test_a_window_cuts_a_campaign_that_goes_out_over_two_days(world: World) -> None:
    """Two windows that meet inside of it have a part each: they add up to the whole."""
    whole = {}
    for row in results(post(world, REPORT, question(world))):
        whole[row["groupings"]["campaign_message_id"]] = row["statistics"]["recipients"]
    parts: dict[str, list[float]] = {}
    for offset in range(31):
        day = str(dt.date(2026, 10, 22) + dt.timedelta(days=offset))
        asked = question(world, timeframe={"start": day, "end": day})
        for row in results(post(world, REPORT, asked)):
            found = parts.setdefault(row["groupings"]["campaign_message_id"], [])
            found.append(row["statistics"]["recipients"])
    assert {name: sum(found) for name, found in parts.items()} == whole
    assert max(map(len, parts.values())) == 2


def test_a_report_can_be_filtered_and_paged(world: World) -> None:
    """By channel; and the cursor of a report has its own name."""
    world.faults.plant(Fault("small_pages", "klaviyo", times=None, options={"rows": 2}))
    found, path = [], REPORT
    while path:
        reply = post(world, path, question(world, filter='equals(send_channel,"email")'))
        found += results(reply)
        following = reply.document["links"]["next"]
        path = following and following.removeprefix(f"{ORIGIN}/klaviyo")
    world.faults.clear()
    every = results(post(world, REPORT, question(world)))
    email = [row for row in every if row["groupings"]["send_channel"] == "email"]
    assert found == email
    assert len(every) > len(email)


def test_small_pages_refuse_a_wrong_question_too(world: World) -> None:
    """The fault changes the size of a page and nothing else."""
    world.faults.plant(Fault("small_pages", "klaviyo", times=None))
    assert post(world, REPORT, {}).status == 400
    assert ask(world, "/api/lists").status == 200


def revenue(world: World, **more: Any) -> Reply:
    """Return attributed revenue of November."""
    return post(
        world,
        AGGREGATES,
        {
            "metric_id": question(world)["conversion_metric_id"],
            "measurements": ["sum_value"],
            "timezone": "Europe/Vienna",
            "filter": [
                "greater-or-equal(datetime,2026-11-01T00:00:00)",
                "less-than(datetime,2026-11-22T00:00:00)",
            ],
            **more,
        },
    )


def test_aggregates_are_paged_in_the_body(world: World) -> None:
    """`page_cursor` stands beside the question; the pages add up."""
    by = ["$attributed_message", "$attributed_channel"]
    every = revenue(world, by=by).document["data"]["attributes"]["data"]
    found, cursor = [], None
    while True:
        more = {"page_cursor": cursor} if cursor else {}
        document = revenue(world, by=by, page_size=10, **more).document
        found += document["data"]["attributes"]["data"]
        if document["links"]["next"] is None:
            break
        [cursor] = dict(parse_qsl(urlsplit(document["links"]["next"]).query)).values()
    assert found == every
    assert {group["dimensions"][1] for group in every} == {"email", "sms"}


@pytest.mark.parametrize(
    "change",
    [
        {"by": ["$flow_channel"]},
        {"filter": ["greater-or-equal(datetime,2026-11-01)"]},
        {"metric_id": "nope"},
        {"timezone": "UTC"},
        {"sort": "-count"},
    ],
)
def test_wrong_aggregates_are_refused(world: World, change: dict[str, Any]) -> None:
    """Unknown groups, half a time range, another metric; and what the simulator cannot do."""
    assert error_of(revenue(world, **change)) == (400, "invalid")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("http_500", 500, "internal_server_error"),
        ("http_524", 524, "timeout"),
        ("auth", 401, "not_authenticated"),
        ("forbidden", 403, "permission_denied"),
        ("invalid", 400, "invalid"),
        ("conflict", 409, "conflict"),
        ("gone", 410, "gone"),
        ("rate_limit", 429, "throttled"),
    ],
)
def test_errors_have_the_vendors_form(world: World, fault: str, status: int, code: str) -> None:
    """Status, code and the number for support, once."""
    world.faults.plant(Fault(fault, "klaviyo"))
    reply = ask(world, "/api/lists")
    assert error_of(reply) == (status, code)
    assert len(reply.document["errors"][0]["id"]) == 36
    assert reply.media_type == MEDIA
    assert ask(world, "/api/lists").status == 200


@pytest.mark.parametrize(
    "fault",
    ["bad_cursor", "no_currency_groups", "cursor_loop", "foreign_next", "empty_results", "instants",
     "not_a_number", "missing_statistic", "misaligned_series", "forget_campaign", "two_metrics"],
)  # fmt: skip
def test_a_fault_leaves_other_calls_alone(world: World, fault: str) -> None:
    """It fires only on what it is about; an error or a single list is none of it."""
    planted = world.faults.plant(Fault(fault, "klaviyo", times=None))
    first = ask(world, "/api/segments").document["data"][0]["id"]
    planted.fired = 0
    ask(world, f"/api/segments/{first}", ("additional-fields[segment]", "profile_count"))
    ask(world, "/api/lists/gone")
    assert planted.fired == (fault in {"cursor_loop", "foreign_next"})


def test_a_deleted_flow_stays_in_the_reports(world: World) -> None:
    """Its numbers end in the middle of the history; the list does not know it."""
    listed = {item["id"] for item in ask(world, "/api/flows").document["data"]}
    asked = question(
        world, interval="daily", timeframe={"start": "2026-09-23", "end": "2026-11-21"}
    )
    reported = {row["groupings"]["flow_id"] for row in results(post(world, SERIES, asked))}
    assert len(reported - listed) == 1


def test_facts_do_not_depend_on_the_order_of_asking(world: World) -> None:
    """The ledger of one world is that of another, also after time has passed."""
    other = World(today=TODAY, days=60, sources=("klaviyo",))
    ask(other, "/api/lists")
    for one in (world, other):
        one.restate(3)
        one.advance(2)
    assert world.totals().facts == other.totals().facts
