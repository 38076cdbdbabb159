"""A typed piece of SQL: what every node of a formula compiles to.

Knows how to parenthesise and how large a value can get; knows no formula.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from tactics.metrics.units import NUMBER, Unit

# Orders of magnitude: a value is at most 10^high and a multiple of 10^low, so that it is 0 or at
# least that large. No DECIMAL, BIGINT or sum of them is outside of these. A formula whose `high`
# could leave the range of DOUBLE is refused: no result is ever infinite.
COLUMN_LOW, COLUMN_HIGH = -18, 38
MAX_ORDER = 290
DOUBLE_DIGITS = 17  # a DOUBLE is a multiple of its last binary digit
# Constant factors of so many digits in all keep a product exact in DuckDB's DECIMAL and BIGINT.
EXACT_DIGITS = 6

SUM_LEVEL, PRODUCT_LEVEL, ATOM_LEVEL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Term:
    """SQL with its unit.

    `extensive` means that the values of several rows may be added up. `constant` is the value of a
    piece without columns. `exact` means DECIMAL, BIGINT or DATE, else DOUBLE. `monetary` means that
    a money column is in it, so that rows of two currencies must not be mixed.
    """

    sql: str
    unit: Unit
    level: int = ATOM_LEVEL
    extensive: bool = False
    constant: Fraction | None = None
    exact: bool = True
    monetary: bool = False
    digits: int = 0
    low: int = COLUMN_LOW
    high: int = COLUMN_HIGH
    depth: int = 1

    def at(self, level: int) -> str:
        """Return the SQL, in parentheses where its operator binds weaker than `level`."""
        return self.sql if self.level >= level else f"({self.sql})"

    def as_double(self) -> str:
        """Return the SQL as a DOUBLE."""
        return f"CAST({self.sql} AS DOUBLE)" if self.exact else self.at(PRODUCT_LEVEL)


def constant_term(value: Fraction) -> Term:
    """Return a number: exact while it is a short decimal, else the nearest DOUBLE."""
    order = _order(value)
    short = value * 10**EXACT_DIGITS
    exact = short.denominator == 1 and abs(value) < 10**15
    text = _decimal(value) if exact else f"{float(value):.16e}"
    return Term(
        text,
        NUMBER,
        level=SUM_LEVEL if value < 0 else ATOM_LEVEL,
        constant=value,
        exact=exact,
        digits=len(text.strip("-").replace(".", "")),
        low=order - 1 - DOUBLE_DIGITS,
        high=order + 1,
    )


def align(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return terms that may be compared, or be alternatives of each other.

    Between two DECIMAL(38) of different scale, which is what sums are, DuckDB drops decimals
    (COALESCE, GREATEST, CASE and comparisons do, + and - do not). Beside whole numbers a term stays
    exact; with any other it becomes DOUBLE.
    """
    fractional = [t for t in terms if t.constant is None or t.constant.denominator != 1]
    if len(fractional) < 2 or any(term.unit.date or not term.exact for term in terms):  # noqa: PLR2004
        return terms
    return tuple(
        t if t not in fractional else replace(t, sql=t.as_double(), level=ATOM_LEVEL, exact=False)
        for t in terms
    )


def combine(sql: str, unit: Unit, parts: "tuple[Term, ...]") -> Term:
    """Return a term made of `parts`: as careful as the most careful of them needs."""
    return Term(
        sql,
        unit,
        exact=all(part.exact for part in parts),
        monetary=any(part.monetary for part in parts),
        digits=max(part.digits for part in parts),
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
        depth=1 + max(part.depth for part in parts),
    )


def product(left: Term, right: Term) -> Term:
    """Return `left * right`: exact with a short constant, otherwise in DOUBLE."""
    digits = left.digits + right.digits
    by_constant = left.constant is not None or right.constant is not None
    exact = left.exact and right.exact and by_constant and digits <= EXACT_DIGITS
    if exact or not (left.exact and right.exact):
        first = left.at(PRODUCT_LEVEL)
    else:
        first = left.as_double()
    term = combine(f"{first} * {right.at(ATOM_LEVEL)}", left.unit.times(right.unit), (left, right))
    return replace(
        term,
        level=PRODUCT_LEVEL,
        exact=exact,
        digits=digits,
        extensive=left.extensive != right.extensive,
        low=left.low + right.low - DOUBLE_DIGITS,
        high=left.high + right.high,
    )


def quotient(left: Term, right: Term) -> Term:
    """Return `left / right` in DOUBLE, NULL where `right` is 0."""
    divisor = right.at(ATOM_LEVEL) if right.constant else f"NULLIF({right.sql}, 0)"
    sql = f"{left.at(PRODUCT_LEVEL)} / {divisor}"
    return replace(
        combine(sql, left.unit.per(right.unit), (left, right)),
        level=PRODUCT_LEVEL,
        exact=False,
        extensive=left.extensive and not right.extensive,
        low=left.low - right.high - DOUBLE_DIGITS,
        high=left.high - right.low,
    )


def _order(value: Fraction) -> int:
    """Return an integer near log10 of `value`, 0 for 0."""
    if value == 0:
        return 0
    return len(str(abs(value.numerator))) - len(str(value.denominator))


def _decimal(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    scaled = abs(int(value * 10**EXACT_DIGITS))
    whole, decimals = divmod(scaled, 10**EXACT_DIGITS)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{decimals:0{EXACT_DIGITS}d}".rstrip("0")
