"""What may be added to what, and what a metric of a unit may be called."""

import pytest

from tactics.metrics.units import COUNT, DATE, DAYS, MONEY, NUMBER, Unit, kinds_of, unit_of


@pytest.mark.parametrize(
    ("unit", "kinds", "text"),
    [
        (MONEY, ("money",), "money"),
        (MONEY.per(COUNT), ("money",), "money per count"),
        (MONEY.per(MONEY), ("rate", "percent"), "number"),
        (COUNT.per(DAYS), ("count",), "count per days"),
        (COUNT.per(MONEY), ("rate",), "count per money"),
        (NUMBER.per(DAYS), ("rate",), "number per days"),
        (DAYS, ("days",), "days"),
        (DAYS.per(COUNT), ("rate",), "days per count"),
        (DATE, ("date",), "date"),
        (MONEY.times(MONEY), (), "money^2"),
        (MONEY.times(COUNT), (), "money·count"),
        (MONEY.per(DAYS.times(DAYS)), ("money",), "money per days^2"),
    ],
)
def test_names_of_units(unit: Unit, kinds: tuple[str, ...], text: str):
    """A unit has the types it can be declared as, and a name for messages."""
    assert kinds_of(unit) == kinds
    assert str(unit) == text


def test_declared_types_have_units():
    """A percentage is measured like a rate."""
    assert unit_of("percent") == unit_of("rate") == NUMBER
