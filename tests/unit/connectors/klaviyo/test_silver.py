"""How Klaviyo's pages become rows of email_performance, email_revenue and email_subscribers."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors.klaviyo import connector
from tests.unit.connectors.builders import TODAY, WEEK, Silver, described, pick

ASKED = {"metric_id": "RESQ6t", "start": "2026-11-01", "end": "2026-11-09"}
STATS = {
    "recipients": 1020.0, "delivered": 1000.0, "opens_unique": 410.0, "clicks_unique": 55.0,
    "bounced": 20.0, "unsubscribes": 3.0, "spam_complaints": 0.0, "conversion_uniques": 9.0,
    "conversion_value": 812.4,
}  # fmt: skip
NUMBERS = [
    "recipients", "delivered", "opens_unique", "clicks_unique", "bounced", "unsubscribes",
    "spam_complaints", "conversions", "conversion_value",
]  # fmt: skip
BY = ["$attributed_message", "$attributed_flow", "$value_currency"]
Make = Callable[[str], Silver]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Silver]]:
    """Return the SQL of every stream, each opened once."""
    names = [spec.name for spec in connector.manifest.streams]
    found = {name: Silver(connector, name, tmp_path_factory.mktemp("scratch")) for name in names}
    yield found
    for silver in found.values():
        silver.connection.close()


@pytest.fixture
def make(databases: dict[str, Silver]) -> Make:
    """Return a stream's SQL over no pages yet."""
    return lambda stream: databases[stream].clear()


def campaign(name: str = "01C", sent: str | None = "2026-11-03T09:00:00+00:00") -> object:
    """Return a campaign as the page of campaigns has it."""
    return {"type": "campaign", "id": name, "attributes": {"name": f"C {name}", "send_time": sent}}


def result(parent: str = "01C", message: str = "01M", **stats: object) -> object:
    """Return a result of the campaign report."""
    groups = {"campaign_id": parent, "campaign_message_id": message, "send_channel": "email"}
    return {"groupings": groups, "statistics": STATS | stats}


def report(*results: object, **attributes: object) -> object:
    """Return a page of a report."""
    return {"data": {"attributes": {"results": results, **attributes}}, "asked": ASKED}


def flow(days: list[str], **stats: object) -> object:
    """Return a flow report with one result; statistics are 0 on every day unless said."""
    groups = {"flow_id": "F1", "flow_message_id": "01F", "send_channel": "email"}
    series: dict[str, object] = {name: [0.0] * len(days) for name in STATS}
    return report({"groupings": groups, "statistics": series | stats}, date_times=days)


def sales(days: list[str], *groups: object) -> object:
    """Return a page of attributed revenue."""
    attributes = {"dates": days, "data": groups}
    return {"data": {"attributes": attributes}, "asked": {"metric_id": "RESQ6t", "by": BY}}


def group(dimensions: list[str], counts: list[object], money: list[object]) -> object:
    """Return the orders of one message."""
    return {"dimensions": dimensions, "measurements": {"count": counts, "sum_value": money}}


def test_a_campaign_row(make: Make) -> None:
    """Numbers from the report, name and day from the campaign, the rest from what was asked."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]})
    silver.add(report(result()))
    row = silver.row()
    assert pick(row, NUMBERS) == [1020, 1000, 410, 55, 20, 3, 0, 9, Decimal("812.40")]
    assert pick(row, ["entity_id", "date", "kind", "parent_id", "parent_name", "message_id"]) == [
        "campaign|01M", dt.date(2026, 11, 3), "campaign", "01C", "C 01C", "01M",
    ]  # fmt: skip
    assert pick(row, ["send_channel", "currency", "conversion_metric_id", "as_of"]) == [
        "email", "EUR", "RESQ6t", TODAY,
    ]  # fmt: skip
    assert pick(row, ["window_start", "window_end", "quality_score", "rule"]) == [
        WEEK.start, dt.date(2026, 11, 9), 100, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "zone", "day"),
    [
        ("2026-11-03T23:30:00+00:00", "Europe/Vienna", dt.date(2026, 11, 4)),
        ("2026-11-03T23:30:00Z", "America/New_York", dt.date(2026, 11, 3)),
        ("2026-11-03T03:30:00+00:00", "America/New_York", dt.date(2026, 11, 2)),
    ],
)
def test_the_day_is_the_accounts(make: Make, sent: str, zone: str, day: dt.date) -> None:
    """An instant is another day in another zone."""
    silver = make("campaign_values")
    silver.add({"data": [campaign(sent=sent)]}, request=described(timezone=zone))
    silver.add(report(result()), request=described(timezone=zone))
    assert silver.row()["date"] == day


def test_campaigns_of_other_days_are_rows_of_other_fetches(make: Make) -> None:
    """What went out before the window, or in the days that the report reaches beyond, is no row."""
    silver = make("campaign_values")
    silver.add({
        "data": [
            campaign("old", "2026-10-31T09:00:00+00:00"),
            campaign("mine"),
            campaign("next", "2026-11-08T09:00:00+00:00"),
        ]
    })
    silver.add(report(*(result(name, f"m-{name}") for name in ("old", "mine", "next"))))
    assert silver.row()["message_id"] == "m-mine"


def test_requests_do_not_mix(make: Make) -> None:
    """The campaigns of one fetch do not date the results of another."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]}, request_id="a")
    silver.add(report(result()), request_id="b")
    assert silver.rules() == ["campaign_unknown"]


def test_a_campaign_in_both_lists_counts_once(make: Make) -> None:
    """It was archived while the lists were read; the later name is right."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]})
    renamed = {
        "type": "campaign",
        "id": "01C",
        "attributes": {"name": "Z", "send_time": "2026-11-04T09:00:00Z"},
    }
    silver.add({"data": [renamed]})
    silver.add(report(result()))
    assert pick(silver.row(), ["parent_name", "date"]) == ["Z", dt.date(2026, 11, 4)]


@pytest.mark.parametrize(
    ("stats", "name", "value"),
    [
        ({"conversion_value": 2.345}, "conversion_value", Decimal("2.35")),
        ({"conversion_value": -2.345}, "conversion_value", Decimal("-2.35")),
        ({"conversion_value": 1e3}, "conversion_value", Decimal("1000.00")),
        ({"conversion_value": 1234567890123.45}, "conversion_value", Decimal("1234567890123.45")),
        ({"recipients": 1020}, "recipients", 1020),
        ({"recipients": 9007199254740993}, "recipients", 9007199254740993),
        ({"conversion_uniques": None}, "conversions", None),
    ],
)
def test_numbers_are_exact(make: Make, stats: dict[str, object], name: str, value: object) -> None:
    """Klaviyo's floats become integers and cents, half up, without a detour over floats."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]})
    silver.add(report(result(**stats)))
    row = silver.row()
    assert (row[name], row["rule"]) == (value, None)


@pytest.mark.parametrize(
    ("stats", "rule"),
    [
        ({"recipients": "N/A"}, "recipients_not_an_integer"),
        ({"conversion_uniques": 1.5}, "conversion_uniques_not_an_integer"),
        ({"spam_complaints": True}, "spam_complaints_not_an_integer"),
        ({"conversion_value": "812,40"}, "conversion_value_not_a_number"),
        ({"conversion_value": 1e30}, "conversion_value_not_a_number"),
        ({"recipients": [1.0, 2.0]}, "series_misaligned"),
    ],
)
def test_a_number_that_is_none_refuses_its_row(
    make: Make, stats: dict[str, object], rule: str
) -> None:
    """The rule names the statistic; the neighbour arrives."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]})
    silver.add(report(result(**stats), result(message="01N")))
    [first, second] = silver.rows()
    assert (first["rule"], second["rule"]) == (rule, None)
    assert '"campaign_id":"01C"' in first["record"]


@pytest.mark.parametrize(
    ("page", "parent", "rule"),
    [
        (report(result(parent="")), campaign(), "campaign_id_missing"),
        (report(result(message=" ")), campaign(), "message_id_missing"),
        (report(result(parent="gone")), campaign(), "campaign_unknown"),
        (report(result()), campaign(sent=None), "send_time_not_a_time"),
        (report(result()), campaign(sent="soon"), "send_time_not_a_time"),
    ],
)
def test_a_result_without_its_place_is_refused(
    make: Make, page: object, parent: object, rule: str
) -> None:
    """No id, no campaign, no day."""
    silver = make("campaign_values")
    silver.add({"data": [parent]})
    silver.add(page)
    assert silver.rules() == [rule]


def test_an_account_without_a_currency_has_no_money(make: Make) -> None:
    """Reports name no currency of their own."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]}, request=described(currency=""))
    silver.add(report(result()), request=described(currency=""))
    assert silver.rules() == ["currency_missing"]


def test_missing_statistics_lower_the_quality(make: Make) -> None:
    """They are unknown, not 0."""
    silver = make("campaign_values")
    silver.add({"data": [campaign()]})
    silver.add(report(result(delivered=None), result(message="01N", bounced=None)))
    assert [pick(row, ["quality_score", "rule"]) for row in silver.rows()] == [
        [80, None],
        [90, None],
    ]


def test_a_flow_has_a_row_for_each_day_with_something(make: Make) -> None:
    """The arrays are aligned with the days; days of zeros have no row."""
    silver = make("flow_series")
    silver.add({"data": [{"type": "flow", "id": "F1", "attributes": {"name": "Welcome"}}]})
    days = [f"2026-11-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    silver.add(flow(days, recipients=[5.0, 0.0, 0.0], conversion_value=[0.0, 0.0, 9.99]))
    rows = silver.rows()
    assert [pick(row, ["date", "recipients", "conversion_value"]) for row in rows] == [
        [dt.date(2026, 11, 1), 5, Decimal("0.00")],
        [dt.date(2026, 11, 3), 0, Decimal("9.99")],
    ]
    assert pick(rows[0], ["entity_id", "kind", "parent_id", "parent_name", "quality_score"]) == [
        "flow|01F", "flow", "F1", "Welcome", 100,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["2026-11-05", "2026-11-05T00:00:00", "2026-11-05T00:00:00+00:00", "2026-11-05T00:00:00+01:00",
     "2026-11-04T23:00:00+00:00", "2026-11-04T23:00:00Z"],
)  # fmt: skip
@pytest.mark.parametrize("stream", ["flow_series", "attributed_revenue"])
def test_a_day_may_be_written_in_many_ways(make: Make, stream: str, text: str) -> None:
    """A midnight is its day; the instant of a local midnight, too."""
    silver = make(stream)
    silver.add(
        flow([text], recipients=[1.0])
        if stream == "flow_series"
        else sales([text], group(["m", "", ""], [1.0], [9.5]))
    )
    assert silver.row()["date"] == dt.date(2026, 11, 5)


def test_a_flow_that_was_deleted_keeps_its_numbers(make: Make) -> None:
    """Its name is unknown, its days are not."""
    silver = make("flow_series")
    silver.add({"data": []})
    silver.add(flow(["2026-11-05"], recipients=[1.0]))
    assert pick(silver.row(), ["parent_name", "quality_score", "rule"]) == [None, 90, None]


@pytest.mark.parametrize(
    ("days", "stats", "rule"),
    [
        (["2026-11-05", "2026-11-06"], {"delivered": [1.0]}, "series_misaligned"),
        (["2026-11-05"], {"delivered": [1.0, 2.0]}, "series_misaligned"),
        (["2026-11-05", "2026-11-06"], {"delivered": 3.0}, "series_misaligned"),
        (["someday"], {"delivered": [1.0]}, "date_not_a_date"),
        (["2026-11-05"], {"delivered": ["N/A"]}, "delivered_not_an_integer"),
    ],
)
def test_a_series_that_does_not_fit_is_one_refused_row(
    make: Make, days: list[str], stats: dict[str, object], rule: str
) -> None:
    """Numbers of the wrong day would be worse than none."""
    silver = make("flow_series")
    silver.add(flow(days, **stats))
    assert silver.rules() == [rule]


def test_revenue_by_day_and_currency(make: Make) -> None:
    """Orders of no message are nobody's row, days without an order neither."""
    silver = make("attributed_revenue")
    days = ["2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"]
    silver.add(
        sales(
            days,
            group(["01M", "", "EUR"], [2.0, 0.0], [120.5, 0.0]),
            group(["01M", "", "chf"], [0.0, 1.0], [0.0, 8.125]),
            group(["01F", "F1", ""], [1.0, 0.0], [7.0, 0.0]),
            group(["", "", "EUR"], [9.0, 9.0], [900.0, 900.0]),
            group([], [9.0, 9.0], [900.0, 900.0]),
        )
    )
    names = ["entity_id", "kind", "message_id", "orders", "revenue", "currency", "metric_id"]
    assert [pick(row, names) for row in silver.rows()] == [
        ["campaign|01M|EUR", "campaign", "01M", 2, Decimal("120.50"), "EUR", "RESQ6t"],
        ["campaign|01M|CHF", "campaign", "01M", 1, Decimal("8.13"), "CHF", "RESQ6t"],
        ["flow|01F|EUR", "flow", "01F", 1, Decimal("7.00"), "EUR", "RESQ6t"],
    ]


@pytest.mark.parametrize(
    ("counts", "money", "rule"),
    [
        (["N/A"], [1.0], "orders_not_an_integer"),
        ([1.0], ["1,0"], "revenue_not_a_number"),
        ([1.0, 2.0], [1.0], "series_misaligned"),
        ([1.0], [], "series_misaligned"),
        ([1.0], [None], None),
    ],
)
def test_revenue_that_cannot_be_read_is_refused(
    make: Make, counts: list[object], money: list[object], rule: str | None
) -> None:
    """A missing amount is unknown; a broken one refuses the row."""
    silver = make("attributed_revenue")
    silver.add(sales(["2026-11-01"], group(["m", "", "EUR"], counts, money)))
    row = silver.row()
    assert row["rule"] == rule
    assert rule is not None or row["quality_score"] == 80


def test_the_size_of_a_list(make: Make) -> None:
    """The day is the one of the fetch; a segment has no opt-in process."""
    silver = make("subscribers")
    attributes = {"name": "Newsletter", "opt_in_process": "double_opt_in", "profile_count": 1234}
    silver.add({"data": {"type": "list", "id": "Y6nRLr", "attributes": attributes}})
    silver.add({"data": {"type": "segment", "id": "S", "attributes": {"profile_count": 0}}})
    names = ["entity_id", "date", "list_id", "list_name", "kind", "profile_count", "opt_in_process"]
    first, second = silver.rows()
    assert pick(first, [*names, "quality_score"]) == [
        "list|Y6nRLr", WEEK.start, "Y6nRLr", "Newsletter", "list", 1234, "double_opt_in", 100,
    ]  # fmt: skip
    assert pick(second, [*names, "quality_score"]) == [
        "segment|S", WEEK.start, "S", None, "segment", 0, None, 90,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("audience", "rule"),
    [
        ({"type": "list", "id": "", "attributes": {"profile_count": 1}}, "list_id_missing"),
        ({"type": "tag", "id": "T", "attributes": {"profile_count": 1}}, "kind_unknown"),
        ({"type": "list", "id": "L", "attributes": {}}, "profile_count_not_an_integer"),
        ({"type": "list", "id": "L", "attributes": {"profile_count": "many"}}, "profile_count_not_an_integer"),
        ({"type": "list", "id": "L", "attributes": {"profile_count": -1}}, "profile_count_not_an_integer"),
    ],
)  # fmt: skip
def test_a_size_that_is_none_is_refused(make: Make, audience: dict[str, Any], rule: str) -> None:
    """A size that nobody knows is not 0."""
    silver = make("subscribers")
    silver.add({"data": audience})
    assert silver.rules() == [rule]
