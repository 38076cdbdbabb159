"""Units of measure: what may be added to what, and what a quotient is called.

A unit is a product of powers of money, count and days; a rate is the empty product. Knows
nothing of formulas and SQL.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["money", "count", "rate", "percent", "days", "date"]


@dataclass(frozen=True, slots=True)
class Unit:
    """money^m · count^c · days^d; `date` is a calendar day, not a quantity."""

    money: int = 0
    count: int = 0
    days: int = 0
    date: bool = False

    def times(self, other: "Unit") -> "Unit":
        """Return the unit of a product."""
        return Unit(self.money + other.money, self.count + other.count, self.days + other.days)

    def per(self, other: "Unit") -> "Unit":
        """Return the unit of a quotient."""
        return Unit(self.money - other.money, self.count - other.count, self.days - other.days)

    def __str__(self) -> str:
        if self.date:
            return "date"
        powers = {"money": self.money, "count": self.count, "days": self.days}
        above = [f"{n}^{p}" if p > 1 else n for n, p in powers.items() if p > 0]
        below = [f"{n}^{-p}" if p < -1 else n for n, p in powers.items() if p < 0]
        words = "·".join(above) or "number"
        return words + "".join(f" per {name}" for name in below)


NUMBER = Unit()
MONEY = Unit(money=1)
COUNT = Unit(count=1)
DAYS = Unit(days=1)
DATE = Unit(date=True)

_UNITS: dict[Kind, Unit] = {
    "money": MONEY,
    "count": COUNT,
    "rate": NUMBER,
    "percent": NUMBER,
    "days": DAYS,
    "date": DATE,
}


def unit_of(kind: Kind) -> Unit:
    """Return the unit that a column of this type is measured in."""
    return _UNITS[kind]


def kinds_of(unit: Unit) -> tuple[Kind, ...]:
    """Return the types a metric of this unit may be declared as; none if it makes no sense.

    What is left of money is money (a cost per click is a price), what is left of counts is a count
    (impressions per day); anything else per something is a rate (conversions per euro).
    """
    powers = (unit.money, unit.count, unit.days)
    if unit.date:
        return ("date",)
    if unit == NUMBER:
        return ("rate", "percent")
    if unit == DAYS:
        return ("days",)
    if max(powers) > 1 or sum(power > 0 for power in powers) > 1:
        return ()
    if unit.money == 1:
        return ("money",)
    # clicks per day is still a count; clicks per euro is none any more
    return ("count",) if unit.count == 1 and unit.money == 0 else ("rate",)
