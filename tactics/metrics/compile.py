"""Checks the types of a formula and turns it into one SQL expression.

Two ways: over a row that holds the components already summed (`aggregate` False), and over the
rows of a group (`aggregate` True), where a ratio becomes a ratio of sums. Reads no files.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from tactics.metrics.formula import (
    AGGREGATES,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Source,
    Span,
    walk,
)
from tactics.metrics.term import (
    ATOM_LEVEL,
    MAX_ORDER,
    SUM_LEVEL,
    Term,
    align,
    combine,
    constant_term,
    product,
    quotient,
)
from tactics.metrics.units import DAYS, NUMBER, Unit

# What DuckDB parses without trouble (its expression depth ends at 1,000).
MAX_SQL = 20_000
MAX_DEPTH = 250
MAX_CONSTANT = 10**30
MAX_ROWS_ORDER = 12  # of a group
MAX_DATE_SHIFT = 100_000  # days; a broken quotient must not push a date out of DuckDB's calendar

Resolve = Callable[[str, bool], Term]


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles one formula.

    `resolve(name, aggregate)` returns the term of a column or metric and raises LookupError, with
    advice as its text, where there is none.
    """

    source: Source
    resolve: Resolve
    aggregate: bool

    def compile(self, node: Node) -> Term:
        """Return the SQL of `node`.

        Raises:
            ConfigError: the units do not fit, a name is unknown, or the result could overflow.
        """
        match node:
            case Number(value=value):
                term = constant_term(value)
            case Name():
                term = self._name(node)
            case Negative():
                term = self._negative(node)
            case Binary():
                term = self._binary(node)
            case Call():
                term = self._call(node)
        if term.high > MAX_ORDER:
            raise self.source.refuse(node.span, "multiplies and divides too much", "split it")
        if len(term.sql) > MAX_SQL or term.depth > MAX_DEPTH:
            raise self.source.refuse(node.span, "grows too large", "build on fewer metrics")
        return term

    def _name(self, node: Name) -> Term:
        try:
            return self.resolve(node.name, self.aggregate)
        except LookupError as exc:
            message, advice = exc.args
            raise self.source.refuse(node.span, message, advice) from None

    def _negative(self, node: Negative) -> Term:
        operand = self.compile(node.operand)
        if operand.constant is not None:
            return constant_term(-operand.constant)
        if operand.unit.date:
            raise self.source.refuse(node.span, "a date has no negative")
        sql = f"-{operand.at(ATOM_LEVEL)}"
        negative = combine(sql, operand.unit, (operand,))
        return replace(negative, level=SUM_LEVEL, extensive=operand.extensive)

    def _binary(self, node: Binary) -> Term:
        left, right = self.compile(node.left), self.compile(node.right)
        if left.constant is not None and right.constant is not None:
            return self._fold(node, left.constant, right.constant)
        if node.operator in "*/":
            return self._scale(node, left, right)
        if left.unit.date or right.unit.date:
            return self._calendar(node, left, right)
        unit = self._same_unit(node.span, f"{node.operator} needs", (left, right))
        sql = f"{left.at(SUM_LEVEL)} {node.operator} {right.at(SUM_LEVEL + 1)}"
        both = combine(sql, unit, (left, right))
        extensive = _adds_up((left, right))
        return replace(both, level=SUM_LEVEL, extensive=extensive, high=both.high + 1)

    def _fold(self, node: Binary, left: Fraction, right: Fraction) -> Term:
        if node.operator == "/" and right == 0:
            raise self.source.refuse(node.span, "divides by zero")
        match node.operator:
            case "+":
                value = left + right
            case "-":
                value = left - right
            case "*":
                value = left * right
            case _:
                value = left / right
        if value and not Fraction(1, MAX_CONSTANT) < abs(value) < MAX_CONSTANT:
            raise self.source.refuse(node.span, "is a number out of range")
        return constant_term(value)

    def _scale(self, node: Binary, left: Term, right: Term) -> Term:
        if left.unit.date or right.unit.date:
            raise self.source.refuse(node.span, "a date cannot be multiplied or divided")
        if node.operator == "*":
            return product(left, right)
        if right.constant == 0:
            raise self.source.refuse(node.span, "divides by zero")
        return quotient(left, right)

    def _calendar(self, node: Binary, left: Term, right: Term) -> Term:
        """Return date - date (days) or date ± days (date)."""
        if node.operator == "-" and left.unit.date and right.unit.date:
            sql = f"{left.sql} - {right.at(ATOM_LEVEL)}"
            return replace(combine(sql, DAYS, (left, right)), level=SUM_LEVEL, high=10)
        if right.unit.date:
            raise self.source.refuse(
                node.span, f"cannot take {left.unit} {node.operator} date", "date + days"
            )
        sql = f"{left.sql} {node.operator} {self._day_count(node, right)}"
        guarded = sql
        if right.constant is None:
            limits = f"BETWEEN -{MAX_DATE_SHIFT} AND {MAX_DATE_SHIFT}"
            guarded = f"CASE WHEN {right.at(ATOM_LEVEL)} {limits} THEN {sql} END"
        return replace(combine(guarded, left.unit, (left, right)), level=SUM_LEVEL, exact=True)

    def _day_count(self, node: Binary, days: Term) -> str:
        if days.constant is None and days.unit == DAYS:
            return f"CAST({days.sql} AS INTEGER)"
        value = days.constant
        if value is None or value.denominator != 1 or abs(value) > MAX_DATE_SHIFT:
            raise self.source.refuse(
                node.span, f"date {node.operator} needs days", "whole days, or a number of days"
            )
        return days.at(ATOM_LEVEL)

    def _call(self, node: Call) -> Term:
        if node.function in AGGREGATES:
            return self._aggregated(node)
        if node.function == "ROUND":
            return self._round(node)
        if node.function == "IF":
            return self._choose(node)
        terms = tuple(self.compile(argument) for argument in node.arguments)
        return self._pointwise(node, terms)

    def _aggregated(self, node: Call) -> Term:
        (argument,) = node.arguments
        if any(isinstance(part, Call) and part.function in AGGREGATES for part in walk(argument)):
            raise self.source.refuse(node.span, "aggregates an aggregate", "once is enough")
        # Inside an aggregate there is one row; and a row is a group of one, so that outside of
        # `aggregate` mode the function itself falls away.
        inner = replace(self, aggregate=False).compile(argument)
        if inner.constant is not None:
            raise self.source.refuse(node.span, f"{node.function} of a number")
        if node.function == "SUM" and not inner.extensive:
            raise self.source.refuse(
                argument.span,
                "SUM of something that does not add up",
                f"{inner.unit}: a rate, an average or a reach; use the sums of its parts",
            )
        extensive = node.function == "SUM"
        if not self.aggregate:
            return replace(inner, extensive=extensive)
        term = combine(f"{node.function}({inner.sql})", inner.unit, (inner,))
        return replace(term, extensive=extensive, high=inner.high + MAX_ROWS_ORDER)

    def _pointwise(self, node: Call, terms: tuple[Term, ...]) -> Term:
        if all(term.constant is not None for term in terms):
            raise self.source.refuse(node.span, f"{node.function} of numbers only")
        unit = self._same_unit(node.span, f"{node.function} needs", terms)
        if unit.date and node.function == "ABS":
            raise self.source.refuse(node.span, "ABS of a date")
        aligned = align(terms)
        listed = ", ".join(term.sql for term in aligned)
        sql = f"{node.function}({listed})"
        if node.function in {"LEAST", "GREATEST"}:
            # DuckDB ignores NULLs here; unknown must stay unknown, not become the other value
            known = [f"{t.at(ATOM_LEVEL)} IS NOT NULL" for t in terms if t.constant is None]
            sql = f"CASE WHEN {' AND '.join(known)} THEN {sql} END"
        extensive = _adds_up(terms) and node.function != "ABS"
        return replace(combine(sql, unit, aligned), extensive=extensive)

    def _round(self, node: Call) -> Term:
        value, *rest = (self.compile(argument) for argument in node.arguments)
        digits = rest[0].constant if rest else Fraction(0)
        if digits is None or digits not in range(7):
            raise self.source.refuse(node.span, "ROUND needs 0 to 6 decimals")
        if value.constant is not None or value.unit.date:
            raise self.source.refuse(node.span, f"ROUND of a {value.unit}")
        term = combine(f"ROUND({value.sql}, {int(digits)})", value.unit, (value,))
        return replace(term, extensive=value.extensive)

    def _choose(self, node: Call) -> Term:
        condition, *branches = node.arguments
        assert isinstance(condition, Binary)
        left, right = self.compile(condition.left), self.compile(condition.right)
        self._same_unit(condition.span, "a comparison needs", (left, right))
        if left.constant is not None and right.constant is not None:
            raise self.source.refuse(condition.span, "compares two numbers")
        terms = tuple(self.compile(branch) for branch in branches)
        unit = self._same_unit(node.span, "IF needs", terms)
        terms = align(terms)
        left, right = align((left, right))
        test = f"{left.at(SUM_LEVEL)} {condition.operator} {right.at(SUM_LEVEL)}"
        then, otherwise = (term.sql for term in terms)
        # an unknown condition gives NULL, not the second branch
        sql = f"CASE WHEN {test} THEN {then} WHEN NOT ({test}) THEN {otherwise} END"
        term = combine(sql, unit, (left, right, *terms))
        exact = all(branch.exact for branch in terms)
        return replace(term, exact=exact, extensive=_adds_up(terms))

    def _same_unit(self, span: Span, who: str, terms: tuple[Term, ...]) -> Unit:
        """Return the unit that all terms share; numbers take the unit of their neighbours."""
        units = list(dict.fromkeys(term.unit for term in terms if term.constant is None))
        if len(units) > 1:
            listed = " and ".join(str(unit) for unit in units)
            raise self.source.refuse(span, f"{who} one type, got {listed}", "convert one of them")
        unit = units[0] if units else NUMBER
        numbers = [term.constant for term in terms if term.constant is not None]
        if (unit.money or unit.date) and any(numbers):
            raise self.source.refuse(
                span, f"{who} one type, got {unit} and a number", "a number has no currency"
            )
        if unit.date and numbers:
            raise self.source.refuse(span, f"{who} one type, got date and a number")
        return unit


def _adds_up(terms: tuple[Term, ...]) -> bool:
    """Return whether rows of this may be summed: all parts may, zeros aside."""
    return all(term.extensive or term.constant == 0 for term in terms)
