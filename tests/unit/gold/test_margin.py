"""Margin: what is booked, what is earned, what it will be, and when it is not known.

A line brings 100 euros for 10,000 impressions in ten days and costs five euros a day.
"""

from decimal import Decimal

import pytest

from tests.unit.gold.plans import Plans, Row

plans = Plans()


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05"))
def test_margin_percent(line: Row) -> None:
    """Revenue less spend, over revenue: 75 percent of 100 when 25 are spent."""
    assert line["margin_percent"] == 75


@plans(lambda line: line.book().deliver("11-01", "11-05").cover("11-05"))
def test_booked_earned_and_projected(margin: Row) -> None:
    """Half delivered earns half the revenue; the projection spends on at the recent pace."""
    assert margin["margin_amount"] == Decimal("75.00")
    assert margin["markup_percent"] == 300
    assert margin["earned_revenue"] == 50
    assert margin["earned_margin_percent"] == 50
    assert margin["projected_spend"] == 50
    assert margin["projected_margin_percent"] == 50
    assert margin["margin_at_risk"] == 0


@plans(lambda line: line.book(booking_revenue="137.77").deliver("11-01", "11-05").cover("11-05"))
def test_margin_and_markup_say_the_same(margin: Row) -> None:
    """Margin is markup / (1 + markup), whatever the numbers (BidTheatre has it inverted)."""
    markup = margin["markup_percent"] / 100
    assert margin["margin_percent"] / 100 == pytest.approx(markup / (1 + markup))


@plans(
    lambda line: (
        line.book().deliver("11-01", "11-05", impressions=2_000, spend="10.00").cover("11-05")
    )
)
def test_over_delivery_burns_margin(margin: Row) -> None:
    """Revenue is capped at what was booked; the cost of what comes on top is at risk."""
    assert margin["projected_spend"] == 100
    assert margin["margin_at_risk"] == 50  # half of the 20,000 impressions nobody pays for


@plans(
    lambda line: (
        line
        .book(booking_revenue=None)
        .book("/2", booking_revenue="0.00")
        .deliver("11-01", "11-05")
        .cover("11-05")
    )
)
def test_no_revenue_no_margin(lines: list[Row]) -> None:
    """Without revenue the margin is NULL, never minus infinity."""
    assert [line["margin_percent"] for line in lines] == [None, None]


@plans(lambda line: line.book(currency="USD").deliver("11-01", "11-05").cover("11-05"))
def test_currencies_differ(line: Row, margin: Row) -> None:
    """Revenue in dollars less spend in euros is no number: NULL, with the reason."""
    assert line["margin_percent"] is None
    assert (line["currency"], line["spend_currency"]) == ("USD", "EUR")
    assert line["findings"] == "margin unknown: revenue in USD, spend in EUR"
    unknown = ("margin_amount", "markup_percent", "earned_margin_percent", "margin_at_risk")
    assert [margin[name] for name in unknown] == [None] * 4


@plans(
    lambda line: (
        line.book().deliver("11-01", "11-05").deliver("11-05", currency="GBP").cover("11-05")
    )
)
def test_spend_in_two_currencies_is_not_summed(line: Row) -> None:
    """A campaign billed in euros and pounds has delivery, but no spend and no margin."""
    assert line["delivered_impressions"] == 6000
    assert line["actual_spend"] is None
    assert line["margin_percent"] is None
    assert "spend in several currencies (EUR, GBP): not summed" in line["findings"]


@plans(lambda line: line.book(currency=None).deliver("11-01", "11-05").cover("11-05"))
def test_booking_without_currency(line: Row) -> None:
    """The organisation's currency is assumed, and said."""
    assert line["margin_percent"] == 75
    assert line["findings"] == "booking has no currency, read as EUR"


@plans(
    lambda line: (
        line
        .book(booking_revenue=None, client=None)
        .deal(amount="50.00")
        .deliver("11-01", "11-05")
        .cover("11-05")
    )
)
def test_revenue_from_the_crm(line: Row) -> None:
    """A booking without revenue takes that of its deal, and the deal's company as client."""
    assert line["booking_revenue"] == Decimal("50.00")
    assert line["client"] == "Deal Company"
    assert line["findings"] == "revenue from CRM deal D-test_revenue_from_the_crm"


@plans(
    lambda line: (
        line
        .book()
        .deal(amount="12000.00")
        .deal("/2", amount="1.00", deal_stage="Closed Lost")
        .deliver("11-01", "11-05")
        .cover("11-05")
    )
)
def test_crm_contradicts_the_booking(line: Row) -> None:
    """The booking wins, and the difference is found; lost deals say nothing."""
    assert line["booking_revenue"] == Decimal("100.00")
    assert line["findings"] == "CRM deal D-test_crm_contradicts_the_booking says 12,000.00 EUR"


@plans(
    lambda line: line.book().deliver("11-01", "11-05").deliver("10-30", spend="7.00").cover("11-05")
)
def test_spend_outside_the_flight_is_apart(line: Row) -> None:
    """Money spent before the flight is shown and does not enter the margin."""
    assert (line["actual_spend"], line["out_of_flight_spend"]) == (25, 7)
    assert line["margin_percent"] == 75
