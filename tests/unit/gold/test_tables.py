"""The tables that are sums: ads by day, week and month, Stripe's bridge, bookings, freshness."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.gold.silver import NOW, Silver, day


def test_ad_daily_keeps_cents(silver: Silver) -> None:
    """Spend stays decimal: a thousand times ten cents is a hundred, not a hundred and a bit."""
    for number in range(100):
        silver.deliver("c1", date=day("11-01"), spend="0.10", entity_id=f"e{number}")
    silver.build()
    assert silver.read("SELECT spend FROM ad_daily") == [{"spend": Decimal("10.00")}]


def test_ratios_are_ratios_of_sums(silver: Silver) -> None:
    """The week's click-through rate is clicks by impressions, not the mean of the days'."""
    silver.deliver(date=day("11-02"), impressions=1000, clicks=100)
    silver.deliver(date=day("11-03"), impressions=9000, clicks=0)
    silver.build()
    assert silver.read("SELECT ctr FROM ad_weekly") == [{"ctr": 0.01}]
    assert silver.read("SELECT ctr FROM ad_monthly") == [{"ctr": 0.01}]


def test_division_by_zero_is_null(silver: Silver) -> None:
    """No clicks, no cost per click: NULL, not infinite."""
    silver.deliver(
        date=day("11-02"), impressions=0, clicks=0, spend="0", conversions="0", conversion_value="0"
    )
    silver.build()
    (row,) = silver.read("SELECT ctr, cpc, cpm, cpa, roas FROM ad_daily")
    assert set(row.values()) == {None}


def test_currencies_are_never_added(silver: Silver) -> None:
    """A campaign in two currencies has two rows, in every table."""
    for currency in ("EUR", "GBP"):
        silver.deliver(date=day("11-02"), currency=currency)
    silver.build()
    for table in ("ad_daily", "ad_weekly", "ad_monthly"):
        assert silver.read(f"SELECT count(*) AS n FROM {table}") == [{"n": 2}], table


def test_weeks_begin_on_monday(silver: Silver) -> None:
    """Sunday 1 November belongs to the week of 26 October, and its month to November."""
    silver.deliver(start=day("11-01"), end=day("11-02"))
    silver.build()
    weeks = silver.read("SELECT week_start, days FROM ad_weekly ORDER BY 1")
    assert weeks == [
        {"week_start": day("10-26"), "days": 1},
        {"week_start": day("11-02"), "days": 1},
    ]
    assert silver.read("SELECT month_start, days FROM ad_monthly") == [
        {"month_start": day("11-01"), "days": 2}
    ]


def test_finality_is_that_of_the_least_settled_day(silver: Silver) -> None:
    """One open day makes the month open."""
    silver.deliver(date=day("11-02"), finality="final")
    silver.deliver(date=day("11-03"), finality="provisional")
    silver.deliver(date=day("11-09"), finality="open")
    silver.build()
    weeks = silver.read("SELECT finality FROM ad_weekly ORDER BY week_start")
    assert [row["finality"] for row in weeks] == ["provisional", "open"]
    assert silver.read("SELECT finality FROM ad_monthly") == [{"finality": "open"}]


def test_newest_name_wins(silver: Silver) -> None:
    """Two entities of a campaign on one day: the name that was fetched last is shown."""
    silver.deliver(date=day("11-02"), campaign_name="Old", log_seq=1, entity_id="a")
    silver.deliver(date=day("11-02"), campaign_name="New", log_seq=2, entity_id="b")
    silver.build()
    (row,) = silver.read("SELECT campaign_name, impressions FROM ad_daily")
    assert row == {"campaign_name": "New", "impressions": 2000}


def test_revenue_bridge(silver: Silver) -> None:
    """Charges, refunds, disputes, other and fees add up to net; with payouts, to the balance."""
    silver.transact("charge", 12_050, 201)
    silver.transact("charge", 5_000, 100, status="pending")
    silver.transact("refund", -2_000)
    silver.transact("refund_failure", 500)
    silver.transact("dispute", -3_000, 1_500)
    silver.transact("dispute_reversal", 1_000)
    silver.transact("fee", -250)
    silver.transact("other_adjustment", 77)
    silver.transact("a category of next year", 3)
    silver.transact("payout", -8_000, 25)
    silver.build()
    (row,) = silver.read("SELECT * FROM revenue_daily")
    assert row["charges_minor"] == 17_050
    assert row["refunds_minor"] == -1_500
    assert row["disputes_minor"] == -2_000
    assert row["fees_minor"] == 201 + 100 + 1_500 + 250 + 25
    assert row["other_minor"] == 80
    parts = ("charges_minor", "refunds_minor", "disputes_minor", "other_minor")
    assert row["net_minor"] == sum(row[name] for name in parts) - row["fees_minor"]
    total = sum(item["net_minor"] for item in silver.rows["transactions"])
    assert row["net_minor"] + row["payouts_minor"] == total
    assert (row["transactions"], row["charge_count"], row["pending"]) == (10, 2, 1)


@pytest.mark.parametrize(
    ("currency", "scale", "charges"),
    [("JPY", 0, "12050"), ("EUR", 2, "120.5"), ("KWD", 3, "12.05")],
)
def test_minor_and_major_units(silver: Silver, currency: str, scale: int, charges: str) -> None:
    """Yen have no cents and dinars a thousand: both units are kept side by side."""
    silver.transact("charge", 12_050, currency=currency, scale=scale)
    silver.build()
    (row,) = silver.read("SELECT currency, charges_minor, charges FROM revenue_daily")
    assert row == {"currency": currency, "charges_minor": 12_050, "charges": Decimal(charges)}


def test_freshness_of_a_stream(silver: Silver) -> None:
    """The watermark stops before the first missing day; finality is counted."""
    silver.cover(day("11-01"), day("11-10"))
    silver.cover(day("11-08"), day("11-10"), finality="provisional")
    silver.cover(day("11-11"), day("11-11"), finality="open")
    del silver.coverage["acme", "meta", "act_1", "insights", day("11-06")]
    silver.build()
    (row,) = silver.read("SELECT * FROM freshness WHERE source = 'meta'")
    assert (row["first_day"], row["newest_day"]) == (day("11-01"), day("11-11"))
    assert row["watermark"] == day("11-05")
    assert row["last_fetched_at"] == NOW
    counts = [row[f"days_{name}"] for name in ("open", "provisional", "final", "missing")]
    assert counts == [1, 3, 6, 1]


def test_freshness_of_an_account_that_left(silver: Silver) -> None:
    """Who left the configuration is never read again: nothing is behind, and its rows stay."""
    (org,) = [one for one in silver.orgs if one.org_id == "acme"]
    meta = replace(org.streams[0], accounts=("act_1", "act_3"))
    silver.orgs = (replace(org, streams=(meta,)),)
    for account in ("act_1", "act_2"):
        silver.cover(day("11-01"), day("11-10"), account_id=account)
    silver.deliver(date=day("11-05"), account_id="act_2")
    silver.build()
    rows = silver.read("SELECT account_id FROM freshness")
    assert rows == [{"account_id": "act_1"}]
    assert len(silver.read("SELECT * FROM ad_daily")) == 1


def test_freshness_of_a_snapshot(silver: Silver) -> None:
    """A sheet read twice in a month misses nothing between."""
    sheet = {"source": "sheets", "account_id": "sheet", "stream": "bookings"}
    silver.cover(day("11-01"), day("11-01"), **sheet)
    silver.cover(day("11-20"), day("11-20"), **sheet)
    silver.build()
    (row,) = silver.read("SELECT * FROM freshness WHERE source = 'sheets'")
    assert (row["watermark"], row["days_missing"]) == (day("11-20"), 0)


@pytest.mark.parametrize("held", [True, False])
def test_freshness_of_a_stream_that_is_left_out(silver: Silver, *, held: bool) -> None:
    """While its source reads others, it is not missed; of a disabled source all streams are shown."""
    (org,) = [one for one in silver.orgs if one.org_id == "acme"]
    off = replace(org.streams[0], stream="extra", enabled=False)
    silver.orgs = (replace(org, streams=(org.streams[0], off)),)
    for stream in ("insights", "extra") if held else ():
        silver.cover(day("11-01"), day("11-02"), stream=stream)
    silver.build()
    assert silver.read("SELECT stream FROM freshness") == [{"stream": "insights"}]
    silver.orgs = (replace(org, streams=(replace(org.streams[0], enabled=False), off)),)
    silver.build()
    assert len(silver.read("SELECT stream FROM freshness")) == 2


def test_stream_that_was_never_loaded(silver: Silver) -> None:
    """A configured stream without a single day is listed: that it is empty is the news."""
    silver.build()
    rows = silver.read("SELECT source, account_id, newest_day FROM freshness ORDER BY source")
    assert [row["source"] for row in rows] == ["meta", "sheets", "stripe", "ttd"]
    assert {row["newest_day"] for row in rows} == {None}


def test_old_days_are_dropped(silver: Silver) -> None:
    """Retention of two years ends on its day."""
    last = NOW.date() - dt.timedelta(days=730)
    silver.deliver(start=last - dt.timedelta(days=1), end=last)
    silver.build()
    assert silver.read("SELECT date FROM ad_daily") == [{"date": last}]
