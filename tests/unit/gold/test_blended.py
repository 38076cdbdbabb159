"""What the whole business earns: one currency, no part missing, every rate shown."""

from typing import Any

import pytest

from tactics.gold import StreamFacts
from tactics.home import Home
from tests.unit.gold.pillars import ACCOUNTS, MAIL, META, SHOP, STRIPE, Pillars, org_of, rates
from tests.unit.gold.silver import NOW, day

RATES = rates(
    ("11-02", "USD", "1.25"),
    ("11-02", "GBP", "0.80"),
    ("11-05", "USD", "1.60"),
    ("11-05", "GBP", "0.90"),
)
TTD = StreamFacts("ttd", "ttd", "reports", "ad_performance", final_after_days=7)


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Pillars:
    """Return gold of a few days on which one thing each is special."""
    business = Pillars(Home(tmp_path_factory.mktemp("home")))
    business.deliver(
        "c1", start=day("11-01"), end=day("11-19"), spend="40.00", conversion_value="150.00"
    )
    business.order("#1", "11-01", gateways="paypal", is_first_order=True, refunded="20.00")
    business.order("#2", "11-01", gateways="stripe")
    business.charge("#2", "11-01", fee_minor=300)
    business.plant("order_refunds", "11-01", order_id="91", amount="20.00")
    business.plant("email_performance", "11-01", conversion_value="90.00")
    business.deliver("c2", date=day("11-02"), spend="0", conversion_value="0", account_id="act_1")
    business.deliver("c3", date=day("11-03"), spend="10.00", conversion_value="0", currency="USD")
    business.deliver("c3", date=day("11-04"), spend="10.00", conversion_value="0", currency="CHF")
    business.deliver("c3", date=day("11-06"), spend="16.00", conversion_value="0", currency="USD")
    business.deliver("c3", date=day("11-13"), spend="16.00", conversion_value="0", currency="USD")
    business.order("#5", "11-07", total="80.00", currency="GBP", is_first_order=True)
    business.charge("#5", "11-07", 8_000, currency="GBP")
    business.order("#6", "11-08", is_first_order=None)
    business.load("10-01", "11-19")
    for stream, on in ((META, "11-09"), (SHOP, "11-10"), (MAIL, "11-11"), (STRIPE, "11-12")):
        business.coverage.pop(
            next(key for key in business.coverage if key[1:] == key_of(stream, on))
        )
    business.build(fx_rates=RATES, full=True)
    return business


def key_of(stream: StreamFacts, on: str) -> tuple[Any, ...]:
    """Return the tail of a day's key in the ledger."""
    return (stream.source, ACCOUNTS[stream.source], stream.stream, day(on))


def test_a_day_in_one_currency(business: Pillars) -> None:
    """Spend, net sales, first orders, and what platforms claim, each with its ratio."""
    row = business.day_of("blended_daily", "11-01")
    assert (row["currency"], row["spend"], row["store_revenue"]) == ("EUR", 40, 180)
    assert (row["orders"], row["new_customers"], row["new_customer_revenue"]) == (2, 1, 80)
    assert (row["ad_value"], row["email_value"], row["claimed_value"]) == (150, 90, 240)
    assert (row["stripe_net"], row["revenue_basis"]) == (97, "orders")
    ratios = [
        row[name] for name in ("mer", "amer", "cac", "roas_blended", "roas_claimed", "over_claim")
    ]
    assert ratios == pytest.approx([4.5, 2, 40, 4.5, 3.75, 240 / 180])
    assert (row["is_converted"], row["rate_date"], row["rates"], row["findings"]) == (
        False,
        None,
        None,
        None,
    )


def test_nothing_sold_is_zero_and_its_ratios_null(business: Pillars) -> None:
    """A loaded day without orders sold nothing: 0. What would divide by it is NULL."""
    row = business.day_of("blended_daily", "11-02")
    assert (row["store_revenue"], row["orders"], row["new_customers"], row["mer"]) == (0, 0, 0, 0)
    assert (row["cac"], row["over_claim"]) == (None, None)


def test_foreign_spend_is_converted_and_says_so(business: Pillars) -> None:
    """Ten dollars of 3 November cost eight euros, at the rate of the day before."""
    row = business.day_of("blended_daily", "11-03")
    assert (row["spend"], row["is_converted"], row["rate_date"]) == (48, True, day("11-02"))
    assert row["rates"] == "USD 0.800000 EUR of 2026-11-02"
    assert row["findings"] == "converted at ECB reference rates"


def test_a_currency_without_a_rate_is_refused(business: Pillars) -> None:
    """Francs are never added to euros: the sum is unknown, and the day says why."""
    row = business.day_of("blended_daily", "11-04")
    assert (row["spend"], row["mer"], row["store_revenue"]) == (None, None, 0)
    assert row["findings"] == "no exchange rate for CHF (spend)"
    assert row["is_converted"] is False


def test_each_currency_without_a_rate_is_a_finding_of_its_own(pillars: Pillars) -> None:
    """So that a report over many days names each of them once."""
    pillars.orgs = (org_of(META),)
    pillars.load("11-01", "11-19", META)
    for on, currency in (("11-01", "CHF"), ("11-01", "GBP"), ("11-02", "CHF")):
        money = {"spend": "1.00", "conversion_value": "0", "currency": currency}
        pillars.deliver(f"c{currency}", date=day(on), **money)
    pillars.build()
    francs, pounds = (f"no exchange rate for {name} (spend)" for name in ("CHF", "GBP"))
    assert pillars.day_of("blended_daily", "11-01")["findings"] == f"{francs}; {pounds}"
    rows = pillars.gold.report("blended", org_id="acme", now=NOW).rows
    assert rows[0]["findings"] == f"{francs} | {pounds}"


@pytest.mark.parametrize(("on", "spend"), [("11-06", 50), ("11-13", None)])
def test_a_rate_is_good_for_a_week(business: Pillars, on: str, spend: int | None) -> None:
    """The rate of 5 November converts up to the 12th, and no day longer."""
    assert business.day_of("blended_daily", on)["spend"] == spend


def test_foreign_sales_are_converted(business: Pillars) -> None:
    """Eighty pounds of net sales, first orders and net are the same euros."""
    row = business.day_of("blended_daily", "11-07")
    in_euros = pytest.approx(88.89)
    assert [
        float(row[name]) for name in ("store_revenue", "new_customer_revenue", "stripe_net")
    ] == [in_euros] * 3


def test_unknown_first_orders_are_not_none(business: Pillars) -> None:
    """A shop that cannot tell first orders has no new customers to count: NULL, and so is CAC."""
    row = business.day_of("blended_daily", "11-08")
    assert (row["orders"], row["new_customers"], row["new_customer_revenue"], row["cac"]) == (
        1,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("on", "missing", "unknown"),
    [
        ("11-09", "meta act_1", {"spend", "ad_value", "claimed_value", "mer", "cac"}),
        (
            "11-10",
            "shopify demo",
            {"store_revenue", "orders", "new_customers", "mer", "over_claim"},
        ),
        ("11-11", "klaviyo mail", {"email_value", "claimed_value", "over_claim"}),
        ("11-12", "stripe main", {"stripe_net"}),
    ],
)
def test_what_is_not_loaded_is_unknown(
    business: Pillars, on: str, missing: str, unknown: set[str]
) -> None:
    """A missing day of a source is named, and makes NULL of everything that needs it, and of no more."""
    row = business.day_of("blended_daily", on)
    assert {name for name in unknown if row[name] is not None} == set()
    known = {"spend", "store_revenue", "stripe_net", "email_value"} - unknown
    assert {name for name in known if row[name] is None} == set()
    assert row["findings"] == f"not loaded: {missing}"


def test_an_org_in_dollars(pillars: Pillars) -> None:
    """Euros become dollars the other way round: one euro is 1.25 of them."""
    pillars.orgs = (org_of(META, currency="USD"),)
    pillars.deliver("c1", date=day("11-03"), spend="40.00")
    pillars.deliver("c2", date=day("11-03"), spend="10.00", currency="USD")
    pillars.load("11-03", "11-03", META)
    pillars.build(fx_rates=RATES, full=True)
    row = pillars.day_of("blended_daily", "11-03")
    assert (row["currency"], row["spend"]) == ("USD", 60)
    assert row["rates"] == "EUR 1.250000 USD of 2026-11-02"


def test_cross_rates(pillars: Pillars) -> None:
    """Pounds become dollars over the euro, at the older of the two rates' dates."""
    pillars.orgs = (org_of(META, currency="USD"),)
    pillars.deliver("c1", date=day("11-06"), spend="8.00", currency="GBP")
    pillars.load("11-01", "11-06", META)
    pillars.build(fx_rates=rates(("11-05", "USD", "1.20"), ("11-04", "GBP", "0.80")), full=True)
    row = pillars.day_of("blended_daily", "11-06")
    assert (row["spend"], row["rate_date"]) == (12, day("11-04"))


def test_rates_are_kept_when_a_newer_file_has_fewer(pillars: Pillars) -> None:
    """Once known, a rate stays; a build without a file converts as before, a new file corrects."""
    pillars.orgs = (org_of(META),)
    pillars.deliver("c1", start=day("11-03"), end=day("11-04"), spend="10.00", currency="USD")
    pillars.load("11-01", "11-06", META)
    pillars.build(fx_rates=RATES, full=True)
    pillars.build(changes=[])
    assert pillars.day_of("blended_daily", "11-03")["spend"] == 8
    pillars.build(fx_rates=rates(("11-04", "USD", "1")), changes=[])
    spends = pillars.read("SELECT spend FROM blended_daily WHERE spend > 0 ORDER BY date")
    assert [row["spend"] for row in spends] == [8, 10]
    pillars.build(full=True)
    assert pillars.day_of("blended_daily", "11-04")["spend"] == 10
    assert len(pillars.read("SELECT * FROM fx_rates")) == 5


def test_meta_only(pillars: Pillars) -> None:
    """An org with one ad platform has its spend; everything that needs a shop is NULL."""
    pillars.orgs = (org_of(META),)
    pillars.deliver("c1", start=day("11-01"), end=day("11-02"))
    pillars.load("11-01", "11-02", META)
    pillars.build()
    row = pillars.day_of("blended_daily", "11-02")
    assert (row["spend"], row["claimed_value"], row["revenue_basis"]) == (5, 20, None)
    unknown = ("store_revenue", "orders", "new_customers", "stripe_net", "mer", "cac", "over_claim")
    assert {row[name] for name in unknown} == {None}
    rows = pillars.gold.report("blended", now=NOW).rows
    assert rows[0]["last_day"] == day("11-02")


def test_stripe_stands_in_for_a_shop(pillars: Pillars) -> None:
    """Without a shop, revenue is charges less refunds and disputes, before fees."""
    pillars.orgs = (org_of(STRIPE),)
    pillars.charge(None, "11-01", 10_000, fee_minor=300)
    pillars.transact("refund", -2_000, date=day("11-01"))
    pillars.load("11-01", "11-02", STRIPE)
    pillars.build()
    row = pillars.day_of("blended_daily", "11-01")
    assert (row["revenue_basis"], row["store_revenue"], row["stripe_net"]) == ("charges", 80, 77)
    assert (row["orders"], row["spend"]) == (None, None)


def test_finality_is_that_of_the_parts(pillars: Pillars) -> None:
    """A day is as settled as the least settled of spend and sales."""
    pillars.orgs = (org_of(META, SHOP),)
    pillars.load("11-01", "11-03", META)
    pillars.load("11-01", "11-02", SHOP, finality="provisional")
    pillars.load("11-03", "11-03", SHOP, finality="open")
    pillars.build()
    rows = pillars.read("SELECT finality FROM blended_daily ORDER BY date")
    assert [row["finality"] for row in rows] == ["provisional", "provisional", "open"]


class TestAccounts:
    """Which accounts a day waits for."""

    def test_one_that_never_came(self, pillars: Pillars) -> None:
        """A source that was never loaded leaves spend unknown: it is not 0."""
        pillars.orgs = (org_of(META, TTD),)
        pillars.deliver("c1", date=day("11-01"))
        pillars.load("11-01", "11-01", META)
        pillars.build()
        row = pillars.day_of("blended_daily", "11-01")
        assert (row["spend"], row["findings"]) == (None, "not loaded: ttd")

    def test_a_disabled_one(self, pillars: Pillars) -> None:
        """Nothing is expected of a source that is switched off."""
        off = StreamFacts("ttd", "ttd", "reports", "ad_performance", enabled=False)
        pillars.orgs = (org_of(META, off),)
        pillars.deliver("c1", date=day("11-01"))
        pillars.load("11-01", "11-01", META)
        pillars.build()
        assert pillars.day_of("blended_daily", "11-01")["spend"] == 5

    def test_one_that_left_the_configuration(self, pillars: Pillars) -> None:
        """An account that is no longer configured is expected to its last day, gaps before it count."""
        pillars.orgs = (
            org_of(
                one := StreamFacts(
                    "meta", "meta", "insights", "ad_performance", accounts=("act_1",)
                )
            ),
        )
        pillars.load("11-01", "11-04", one)
        for on in ("11-01", "11-03"):
            pillars.cover(day(on), day(on), account_id="act_old")
        pillars.build()
        rows = pillars.read("SELECT spend IS NOT NULL AS known FROM blended_daily ORDER BY date")
        assert [row["known"] for row in rows] == [True, False, True, True]

    def test_one_of_two_never_came(self, pillars: Pillars) -> None:
        """Of two configured accounts one was never loaded: its name is told."""
        both = StreamFacts(
            "meta", "meta", "insights", "ad_performance", accounts=("act_1", "act_2")
        )
        pillars.orgs = (org_of(both),)
        pillars.load("11-01", "11-01", both)
        pillars.build()
        row = pillars.day_of("blended_daily", "11-01")
        assert (row["spend"], row["findings"]) == (None, "not loaded: meta act_2")

    def test_an_optional_stream(self, pillars: Pillars) -> None:
        """A stream that was never read is not missed where the account has another of the table."""
        more = StreamFacts("meta", "meta", "extra", "ad_performance")
        pillars.orgs = (org_of(META, more),)
        pillars.load("11-01", "11-01", META)
        pillars.build()
        assert pillars.day_of("blended_daily", "11-01")["spend"] == 0

    def test_one_that_began_later(self, pillars: Pillars) -> None:
        """Before its first day an account is not missed."""
        pillars.orgs = (org_of(META),)
        pillars.load("11-01", "11-02", META)
        pillars.cover(day("11-02"), day("11-02"), account_id="act_2")
        pillars.build()
        rows = pillars.read("SELECT spend FROM blended_daily")
        assert [row["spend"] for row in rows] == [0, 0]


def test_the_blended_report(business: Pillars) -> None:
    """Blocks of 28 and 7 days; a sum with an unknown day is unknown, and says how many are known."""
    rows = business.gold.report("blended", org_id="acme", now=NOW).rows
    assert [row["period"] for row in rows] == ["28 days", "28 days before", *["7 days"] * 8]
    month, before, week, week_before = rows[:4]
    assert (month["first_day"], month["last_day"]) == (day("10-23"), day("11-19"))
    assert (month["spend"], month["mer"], month["days_known"]) == (None, None, 24)
    assert (before["days_known"], before["last_day"]) == (22, day("10-22"))
    assert (week["first_day"], week["spend"], week["is_converted"]) == (day("11-13"), None, False)
    assert "no exchange rate for USD (spend)" in week["findings"]
    assert week_before["spend"] is None
    first = next(
        row for row in rows if row["last_day"] == day("11-05") and row["period"] == "7 days"
    )
    assert first["store_revenue"] == 180
    assert (
        first["findings"] == "converted at ECB reference rates | no exchange rate for CHF (spend)"
    )


def test_a_whole_block(pillars: Pillars) -> None:
    """Seven known days are a ratio of sums."""
    pillars.orgs = (org_of(META, SHOP),)
    pillars.deliver("c1", start=day("11-13"), end=day("11-19"), spend="10.00")
    pillars.order("#1", "11-14", total="140.00", is_first_order=True)
    pillars.order("#2", "11-15", total="70.00", is_first_order=True)
    pillars.load("11-13", "11-19", META, SHOP)
    pillars.build()
    week = next(
        row for row in pillars.gold.report("blended", now=NOW).rows if row["period"] == "7 days"
    )
    assert (week["spend"], week["store_revenue"], week["days_known"]) == (70, 210, 7)
    ratios = [week[name] for name in ("mer", "amer", "cac", "average_order_value")]
    assert ratios == [3, 3, 35, 105]
    assert week["freshness"] == "1 day behind"
