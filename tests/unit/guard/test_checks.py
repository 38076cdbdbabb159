"""Every check, on rows that break its rule and on rows that only look like it."""

import datetime as dt

import pytest

from tactics.guard import load_checks
from tactics.model import Severity
from tests.unit.guard.rows import (
    FETCHED,
    TODAY,
    Bench,
    Row,
    ad,
    booking,
    covered,
    day,
    deal,
    mail,
    order,
    org,
    refund,
    refused,
    search,
    total,
    traffic,
    transaction,
)

Views = dict[str, list[Row]]

MARCH = dt.date(2026, 3, 2)


def ads(*changes: dict[str, object]) -> Views:
    return {"ad_performance": [ad(**change) for change in changes]}


def sheet(*changes: dict[str, object], **views: list[Row]) -> Views:
    lines = [booking(**{"booking_id": f"BK-{n}", **change}) for n, change in enumerate(changes, 1)]
    return {"bookings": lines, **views}


def stripe(**changes: object) -> Views:
    return {"transactions": [transaction(**changes)]}


def month_of_ads(usual: str, today: str) -> list[Row]:
    """Return four weeks of the same spend, and a day that differs from them."""
    return [*(ad(date=day(-offset), spend=usual) for offset in range(1, 29)), ad(spend=today)]


def month_of_impressions(usual: int, today: int) -> list[Row]:
    """Return four weeks of the same delivery, and a day that differs from them."""
    return [
        *(ad(date=day(-offset), impressions=usual) for offset in range(1, 29)),
        ad(impressions=today),
    ]


def account(*rows: Row, **totals: object) -> Views:
    """Return the account's own total of a day, and its campaigns; both read at once."""
    return {
        "ad_performance": list(rows),
        "ad_account_totals": [total(**totals)],
        "coverage": covered(0) + covered(0, stream="account_insights"),
    }


def read_later(hours: int, finality: str) -> Views:
    """Return an account whose purchases are missing, its campaigns read so many hours later."""
    later = FETCHED + dt.timedelta(hours=hours)
    return account(ad(conversions="0")) | {
        "coverage": covered(0, finality=finality, fetched_at=later)
        + covered(0, finality=finality, stream="account_insights")
    }


def shop_and_stripe(*rows: Row) -> Views:
    """Return orders and charges of an organisation that has both loaded for a month."""
    charges = [row for row in rows if "txn_id" in row]
    old = transaction(txn_id="old", order_ref="#1", date=day(-30))
    return {
        "orders": [row for row in rows if "order_name" in row],
        "transactions": [*charges, old],
        "coverage": [
            *covered(-30, 0, source="shopify", account_id="s", stream="orders"),
            *covered(-30, 0, source="stripe", account_id="m", stream="balance_transactions"),
        ],
    }


# check, rows that break it, how many offend
BAD: list[tuple[str, Views, int]] = [
    ("negative_revenue", stripe(amount_minor=-1, amount="-0.01"), 1),
    ("negative_revenue", stripe(amount_minor=-1, reporting_category=None, type="payment"), 1),
    ("negative_revenue", sheet({"booking_revenue": "-5.00"}), 1),
    ("negative_revenue", ads({"conversion_value": "-0.01"}), 1),
    ("missing_dates", {"coverage": covered(-5, -4, -1, 0)}, 1),
    ("missing_dates", {"coverage": covered(-9, -7, -5)}, 2),
    (
        "unknown_ad_channel",
        ads({"channel": "smoke signals"}, {"channel": "social", "date": MARCH}),
        1,
    ),
    ("unknown_ad_channel", ads({"channel": None}), 1),
    ("channel_consistency", ads({"channel": "social"}, {"channel": "search", "date": MARCH}), 2),
    ("channel_consistency", ads({"channel": "video"}, {"channel": "display", "date": MARCH}), 2),
    ("channel_consistency", sheet({"channel": "interwebs"}), 1),
    ("channel_consistency", sheet({"channel": "search"}, ad_performance=[ad()]), 2),
    (
        "channel_consistency",
        sheet({"channel": "search", "platform": None}, ad_performance=[ad()]),
        2,
    ),
    ("channel_consistency", sheet({"channel": "email"}, {"channel": "social"}), 2),
    ("clicks_exceed_impressions", ads({"impressions": 10, "clicks": 20}), 1),
    ("clicks_exceed_impressions", ads({"impressions": None, "clicks": 20}), 1),
    (
        "clicks_exceed_impressions",
        ads({"impressions": 5, "clicks": 6}, {"impressions": 5, "clicks": 6, "date": day(-1)}),
        1,
    ),
    ("clicks_without_impressions", ads({"impressions": 0, "clicks": 1}), 1),
    ("clicks_without_impressions", ads({"impressions": None, "clicks": 1}), 1),
    ("spend_without_impressions", ads({"impressions": 0}), 1),
    ("spend_without_impressions", ads({"impressions": None}), 1),
    ("negative_spend", ads({"spend": "100.00"}, {"spend": "-1.01", "date": day(-1)}), 1),
    ("negative_spend", ads({"spend": "-0.01"}), 1),
    ("currency_missing", ads({"currency": None}), 1),
    ("currency_missing", ads({"currency": "", "spend": "0"}), 1),
    ("currency_missing", ads({"currency": "eur"}), 1),
    ("currency_missing", ads({"currency": "EURO"}), 1),
    ("currency_missing", stripe(currency=None), 1),
    ("currency_missing", sheet({"currency": None}), 1),
    ("currency_missing", {"crm_deals": [deal(currency=None)]}, 1),
    ("mixed_currency_account", ads({}, {"currency": "USD", "campaign_id": "c2"}), 1),
    ("duplicate_entities", ads({}, {"channel": "search"}), 1),
    ("duplicate_entities", {"transactions": [transaction(), transaction()]}, 1),
    ("duplicate_entities", sheet({"booking_id": "BK-1"}, {"booking_id": "BK-1"}), 1),
    ("duplicate_entities", {"crm_deals": [deal(), deal()]}, 1),
    ("net_equals_amount_minus_fee", stripe(net_minor=11_850), 1),
    ("net_equals_amount_minus_fee", stripe(net="118.500"), 1),
    ("net_equals_amount_minus_fee", stripe(fee_minor=None), 1),
    ("booking_dates", sheet({"flight_start": day(0), "flight_end": day(-1)}), 1),
    ("overlapping_bookings", sheet({}, {"flight_start": day(10), "flight_end": day(20)}), 1),
    ("overlapping_bookings", sheet({}, {"platform": " Meta "}), 1),
    (
        "overlapping_bookings",  # the second ends before the third starts, the first does not
        sheet(
            {"flight_start": day(-20), "flight_end": day(20)},
            {"flight_start": day(-10), "flight_end": day(-5)},
            {"flight_start": day(0), "flight_end": day(5)},
        ),
        2,
    ),
    ("booking_without_campaign", sheet({"campaign_id": None}, {"campaign_id": "  "}), 2),
    (
        "unknown_campaign",
        sheet({"campaign_id": "c9"}, ad_performance=[ad()], coverage=covered(0)),
        1,
    ),
    (
        "unknown_campaign",
        sheet({"campaign_id": "c9", "platform": None}, ad_performance=[ad()], coverage=covered(0)),
        1,
    ),
    ("delivery_outside_flight", sheet({}, ad_performance=[ad(date=day(-11)), ad()]), 1),
    ("delivery_outside_flight", sheet({"platform": ""}, ad_performance=[ad(date=day(11))]), 1),
    (
        "delivery_outside_flight",
        sheet(
            {}, {"status": "Cancelled", "flight_end": day(30)}, ad_performance=[ad(date=day(11))]
        ),
        1,
    ),
    (
        "quarantine_share",
        {"ad_performance": [ad()] * 98, "quarantine": refused(2), "coverage": covered(0)},
        1,
    ),
    ("quarantine_share", {"quarantine": refused(1), "coverage": covered(0)}, 1),
    (
        "quarantine_flood",
        {"ad_performance": [ad()] * 79, "quarantine": refused(20), "coverage": covered(0)},
        1,
    ),
    ("quarantine_flood", {"quarantine": refused(5), "coverage": covered(0)}, 1),
    ("unit_jump", {"ad_performance": month_of_ads("10.00", "101.00")}, 1),
    (
        "unit_jump",
        {
            "orders": [
                *(order(order_id=f"{n}", date=day(-n), total="20.00") for n in range(1, 29)),
                order(date=day(0), total="2000.00"),
            ]
        },
        1,
    ),
    ("duplicate_entities", {"orders": [order(), order(date=day(-3))]}, 1),
    ("duplicate_entities", {"web_traffic": [traffic(), traffic()]}, 1),
    ("currency_missing", {"orders": [order(currency=None)]}, 1),
    ("currency_missing", {"web_traffic": [traffic(currency="")]}, 1),
    ("currency_missing", {"email_performance": [mail(currency=None)]}, 1),
    ("currency_missing", {"order_refunds": [refund(currency="euro")]}, 1),
    ("negative_revenue", {"orders": [order(total="-1.00")]}, 1),
    ("negative_revenue", {"order_refunds": [refund(amount="-1.00")]}, 1),
    ("search_clicks_exceed_impressions", {"search_performance": [search(clicks=901)]}, 1),
    (
        "search_queries_exceed_site",
        {
            "search_performance": [
                search(),
                search(report="query", query="a", clicks=30),
                search(report="query", query="b", clicks=21),
            ]
        },
        1,
    ),
    ("funnel_order", {"web_traffic": [traffic(engaged_sessions=501)]}, 1),
    ("funnel_order", {"email_performance": [mail(delivered=1001)]}, 1),
    ("funnel_order", {"email_performance": [mail(opens_unique=991)]}, 1),
    ("refunds_add_up", {"orders": [order(refunded="20.00")]}, 1),
    ("refunds_add_up", {"orders": [order(refunded="25.00")], "order_refunds": [refund()]}, 1),
    ("orders_without_charge", shop_and_stripe(order()), 1),
    (
        "orders_without_charge",
        shop_and_stripe(
            order(), order(order_id="5002", order_name="#1002"), transaction(order_ref="5002")
        ),
        1,
    ),
    ("volume_drop", {"ad_performance": month_of_impressions(1000, 499)}, 1),
    (
        "volume_drop",
        {
            "web_traffic": [
                *(traffic(date=day(-n), sessions=200) for n in range(1, 29)),
                traffic(sessions=10),
            ]
        },
        1,
    ),
    ("ad_rollup", account(ad(conversions="0", conversion_value="0")), 2),
    ("ad_rollup", account(ad(), ad(campaign_id="c2", impressions=3), impressions=1_000), 5),
    ("ad_rollup", account(ad(spend="9.97")), 1),
    ("ad_rollup", account(ad(impressions=998)), 1),
    ("ad_rollup", account(), 5),  # campaigns were read for the day, and have no rows
    ("ad_rollup", account(ad(), spend="0", date=day(-1)), 5),  # the other way round
    ("ad_rollup", read_later(6, "provisional"), 1),
    ("ad_rollup", read_later(7, "final"), 1),
    ("stale_source", {"coverage": covered(-9, -8, -4), "orgs": [org()]}, 1),
    ("future_dates", ads({"date": day(3)}), 1),
    ("future_dates", stripe(date=day(3)), 1),
    ("future_dates", {"crm_deals": [deal(created_on=day(3))]}, 1),
]

# check, rows that look like it but are right
GOOD: list[tuple[str, Views]] = [
    ("negative_revenue", stripe(amount_minor=-1, reporting_category="refund", type="refund")),
    ("negative_revenue", stripe(amount_minor=-1, reporting_category="payout", type="payout")),
    ("negative_revenue", sheet({"booking_revenue": "0.00"}, {"booking_revenue": None})),
    ("missing_dates", {"coverage": covered(-2, -1, 0)}),
    ("missing_dates", {"coverage": covered(0)}),
    ("missing_dates", {"coverage": covered(-9, 0, stream="bookings")}),
    ("missing_dates", {"coverage": covered(-9, account_id="act_2") + covered(0)}),
    ("unknown_ad_channel", ads({"channel": "Paid Social"}, {"channel": "ctv", "date": MARCH})),
    ("unknown_ad_channel", sheet({"channel": "interwebs"}, ad_performance=[ad()])),
    ("channel_consistency", ads({"channel": "smoke signals"}, {"channel": None, "date": MARCH})),
    ("channel_consistency", ads({"channel": "Paid Social"}, {"channel": "social", "date": MARCH})),
    ("channel_consistency", ads({"channel": "social"}, {"channel": "search", "source": "ga"})),
    ("channel_consistency", sheet({"channel": None}, ad_performance=[ad()])),
    ("channel_consistency", sheet({"channel": "online-video"}, ad_performance=[ad(channel="ctv")])),
    ("channel_consistency", sheet({"channel": "Video"}, {}, ad_performance=[ad()])),
    ("channel_consistency", sheet({"channel": "ctv"}, ad_performance=[ad(channel="youtube")])),
    ("channel_consistency", sheet({"channel": "tv", "campaign_id": None}, {"campaign_id": None})),
    (
        "channel_consistency",  # the same id on another platform is another campaign
        sheet({"channel": "search", "platform": "google_ads"}, ad_performance=[ad()]),
    ),
    ("clicks_exceed_impressions", ads({"impressions": 0, "clicks": 9})),
    ("clicks_exceed_impressions", ads({}, {"impressions": 0, "clicks": 50, "date": day(-1)})),
    (
        "clicks_without_impressions",
        ads({"impressions": 1, "clicks": 1}, {"impressions": None, "clicks": 0}),
    ),
    ("spend_without_impressions", ads({"impressions": 0, "spend": "0"})),
    ("spend_without_impressions", ads({"impressions": 0, "spend": "-1.00"})),
    ("negative_spend", ads({"spend": "100.00"}, {"spend": "-1.00", "date": day(-1)})),
    ("negative_spend", ads({"spend": "0"})),
    ("currency_missing", ads({"currency": None, "spend": "0", "conversion_value": None})),
    ("currency_missing", sheet({"currency": None, "booking_revenue": None})),
    ("mixed_currency_account", ads({}, {"currency": "USD", "account_id": "act_2"})),
    ("mixed_currency_account", ads({}, {"currency": None, "spend": "0"})),
    ("duplicate_entities", ads({}, {"date": day(-1)}, {"account_id": "act_2"}, {"org_id": "b"})),
    ("net_equals_amount_minus_fee", stripe()),
    ("booking_dates", sheet({"flight_start": TODAY, "flight_end": TODAY}, {"flight_end": None})),
    ("overlapping_bookings", sheet({}, {"flight_start": day(11), "flight_end": day(20)})),
    ("overlapping_bookings", sheet({}, {"make_good_for": "BK-1"})),
    ("overlapping_bookings", sheet({}, {"status": "cancelled"})),
    ("overlapping_bookings", sheet({}, {"campaign_id": "c2"}, {"platform": "dv360"})),
    ("overlapping_bookings", sheet({"campaign_id": None}, {"campaign_id": None})),
    ("booking_without_campaign", sheet({}, {"campaign_id": None, "status": "Canceled"})),
    ("unknown_campaign", sheet({}, ad_performance=[ad()], coverage=covered(0))),
    (
        "unknown_campaign",  # not started as far as is loaded
        sheet({"campaign_id": "c9"}, ad_performance=[ad()], coverage=covered(-10)),
    ),
    (
        "unknown_campaign",  # its platform is not connected
        sheet({"campaign_id": "c9", "platform": "tv"}, ad_performance=[ad()], coverage=covered(0)),
    ),
    ("delivery_outside_flight", sheet({}, ad_performance=[ad(date=day(-10)), ad(date=day(10))])),
    (
        "delivery_outside_flight",
        sheet(
            {}, {"flight_start": day(11), "flight_end": day(20)}, ad_performance=[ad(date=day(11))]
        ),
    ),
    (
        "delivery_outside_flight",
        sheet({}, ad_performance=[ad(date=day(11), impressions=0, spend="0")]),
    ),
    ("delivery_outside_flight", sheet({}, ad_performance=[ad(date=day(11), source="dv360")])),
    ("delivery_outside_flight", sheet({}, ad_performance=[ad(date=day(11), campaign_id="c2")])),
    (
        "quarantine_share",
        {"ad_performance": [ad()] * 99, "quarantine": refused(1), "coverage": covered(0)},
    ),
    (
        "quarantine_share",  # a later fetch replaced the one that was refused
        {"quarantine": refused(5), "coverage": covered(0, request_id="r2")},
    ),
    (
        "quarantine_share",  # older snapshots of a sheet are no longer current
        {
            "quarantine": refused(5, stream="bookings"),
            "coverage": covered(-1, stream="bookings")
            + covered(0, stream="bookings", request_id="r2"),
        },
    ),
    (
        "quarantine_flood",
        {"ad_performance": [ad()], "quarantine": refused(19), "coverage": covered(0)},
    ),
    (
        "quarantine_flood",
        {"ad_performance": [ad()] * 80, "quarantine": refused(20), "coverage": covered(0)},
    ),
    ("quarantine_flood", {"quarantine": refused(4), "coverage": covered(0)}),
    ("unit_jump", {"ad_performance": month_of_ads("10.00", "100.00")}),
    ("search_clicks_exceed_impressions", {"search_performance": [search(clicks=900)]}),
    (
        "search_queries_exceed_site",
        {
            "search_performance": [
                search(),
                search(report="query", query="a", clicks=50),
                search(report="page", page_url="/", clicks=80),
            ]
        },
    ),
    (
        "funnel_order",
        {
            "web_traffic": [traffic(engaged_sessions=501), traffic(entity_id="Email")],
            "email_performance": [mail()],
        },
    ),
    ("refunds_add_up", {"orders": [order(refunded="20.00")], "order_refunds": [refund()]}),
    ("refunds_add_up", {"order_refunds": [refund(order_id="4000")]}),
    ("orders_without_charge", shop_and_stripe(order(), transaction(order_ref="5001"))),
    ("orders_without_charge", shop_and_stripe(order(), transaction(order_ref="#1001"))),
    ("orders_without_charge", shop_and_stripe(order(gateways="paypal"))),
    ("orders_without_charge", shop_and_stripe(order(financial_status="pending"))),
    ("orders_without_charge", shop_and_stripe(order(is_test=True))),
    ("orders_without_charge", shop_and_stripe(order(date=day(-1)))),
    ("orders_without_charge", {"orders": [order()], "coverage": covered(-9, 0, stream="orders")}),
    (
        "orders_without_charge",  # one of 300
        shop_and_stripe(
            *(order(order_id=f"{n}", order_name=None) for n in range(300)),
            *(transaction(order_ref=f"{n}") for n in range(299)),
        ),
    ),
    ("volume_drop", {"ad_performance": month_of_impressions(1000, 500)}),
    ("volume_drop", {"ad_performance": month_of_impressions(99, 1)}),
    (
        "volume_drop",
        {
            "ad_performance": [
                *month_of_impressions(1000, 900),
                ad(date=day(1), impressions=5, finality="open"),
            ]
        },
    ),
    ("ad_rollup", account(ad())),
    (
        "ad_rollup",
        account(
            ad(spend="4.00", clicks=5, impressions=400, conversions="1", conversion_value="30"),
            ad(
                campaign_id="c2",
                spend="5.98",
                clicks=15,
                impressions=599,
                conversions="0",
                conversion_value="0",
            ),
        ),
    ),
    ("ad_rollup", account(ad(conversions=None))),
    ("ad_rollup", account(ad(conversions="0"), conversions=None)),
    ("ad_rollup", ads({"spend": "1.00"}) | {"coverage": covered(0)}),  # reads no totals
    (
        "ad_rollup",  # the campaigns of the day were not read yet
        account() | {"coverage": covered(-1) + covered(0, stream="account_insights")},
    ),
    (
        "ad_rollup",  # another account's
        account(ad()) | {"ad_performance": [ad(), ad(account_id="act_2", source="ttd")]},
    ),
    ("ad_rollup", read_later(7, "provisional")),
    ("ad_rollup", read_later(0, "open")),
    ("stale_source", {"coverage": covered(-9, -8, -3), "orgs": [org()]}),
    ("stale_source", {"coverage": covered(-30, stream="bookings"), "orgs": [org()]}),
    ("unit_jump", {"ad_performance": month_of_ads("1.00", "99.00")}),
    ("unit_jump", ads({"spend": "5000.00"}, {"spend": "1.00", "date": day(-1)})),
    (
        "unit_jump",  # seen long ago
        {
            "ad_performance": [
                *month_of_ads("10.00", "5000.00"),
                ad(date=day(30), spend="10.00"),
            ]
        },
    ),
    ("future_dates", ads({"date": day(2)})),
    ("future_dates", sheet({"flight_start": day(30), "flight_end": day(60)})),
    ("future_dates", {"crm_deals": [deal(expected_close=day(300))]}),
]


@pytest.mark.parametrize(("check", "views", "rows"), BAD)
def test_bad_rows_are_found(bench: Bench, check: str, views: Views, rows: int):
    """The check finds the rows, counts them and shows them."""
    finding = bench.find(check, **views)
    assert finding is not None
    assert (finding.org_id, finding.rows, len(finding.examples)) == ("acme", rows, rows)


@pytest.mark.parametrize(("check", "views"), GOOD)
def test_good_rows_are_left_alone(bench: Bench, check: str, views: Views):
    """What only looks like the mistake is not reported."""
    assert bench.find(check, **views) is None


def test_every_check_is_tested():
    """Each check has rows that break it, and rows that do not."""
    names = {check.name for check in load_checks()}
    assert names == {check for check, *_ in BAD} == {check for check, _ in GOOD}


def test_severities():
    """What halts is what makes numbers wrong; what may be right only warns."""
    errors = {check.name for check in load_checks() if check.severity is Severity.ERROR}
    assert errors == {
        "booking_dates",
        "channel_consistency",
        "clicks_exceed_impressions",
        "currency_missing",
        "duplicate_entities",
        "future_dates",
        "missing_dates",
        "negative_revenue",
        "net_equals_amount_minus_fee",
        "quarantine_flood",
        "search_clicks_exceed_impressions",
    }


def test_gap_is_named(bench: Bench):
    """A gap says its first and last day."""
    finding = bench.find("missing_dates", coverage=covered(-5, -1))
    assert finding is not None
    (example,) = finding.examples
    assert (example["first_missing"], example["last_missing"]) == (day(-4), day(-2))
    assert example["missing_days"] == 3


def test_delivery_outside_flight_is_summed(bench: Bench):
    """Out-of-flight delivery is one row per campaign with its sums."""
    late = [ad(date=day(11)), ad(date=day(12)), ad()]
    finding = bench.find("delivery_outside_flight", bookings=[booking()], ad_performance=late)
    assert finding is not None
    (example,) = finding.examples
    assert (example["days"], example["impressions"], str(example["spend"])) == (2, 2_000, "20.00")


def test_overlap_names_the_other_line(bench: Bench):
    """An overlap says which booking it overlaps."""
    lines = [booking(), booking(booking_id="BK-2", flight_start=day(5), flight_end=day(30))]
    finding = bench.find("overlapping_bookings", bookings=lines)
    assert finding is not None
    assert finding.examples[0]["booking_id"] == "BK-2"
    assert finding.examples[0]["overlaps_booking"] == "BK-1"
