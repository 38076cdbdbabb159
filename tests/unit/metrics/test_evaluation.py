"""Generated formulas: what DuckDB computes is what exact arithmetic says."""

import contextlib
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tactics.duck import Connection
from tactics.errors import ConfigError
from tactics.metrics import Registry
from tactics.metrics.definition import read_definitions
from tactics.metrics.formula import Binary, Call, Name, Negative, Node, Number, Source, Span
from tactics.metrics.parse import parse_formula

# Every column is a plain number: what the arithmetic does is tested here, units elsewhere.
TYPES = {"a": "BIGINT", "b": "DECIMAL(15,2)", "c": "DECIMAL(15,4)", "d": "INTEGER"}
GRAIN = '[grains.g]\ndescription="g"\n[grains.g.columns]\n' + "".join(
    f'{name} = {{ type = "rate", additive = true, description = "{name}" }}\n' for name in TYPES
)
NOWHERE = Span(0, 0)
NAMES = st.sampled_from(sorted(TYPES)).map(lambda name: Name(name, NOWHERE))
NUMBERS = st.decimals(0, 2_000, places=2).map(lambda value: Number(Fraction(value), NOWHERE))


def extend(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def call(function: str, fewest: int, most: int) -> st.SearchStrategy[Node]:
        arguments = st.lists(nodes, min_size=fewest, max_size=most).map(tuple)
        return arguments.map(lambda given: Call(function, given, NOWHERE))

    comparison = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    condition = st.builds(Binary, comparison, nodes, nodes, st.just(NOWHERE))
    return st.one_of(
        st.builds(Binary, st.sampled_from("+-*/"), nodes, nodes, st.just(NOWHERE)),
        st.builds(Negative, nodes, st.just(NOWHERE)),
        call("COALESCE", 2, 3),
        call("LEAST", 2, 3),
        call("GREATEST", 2, 3),
        call("NULLIF", 2, 2),
        call("ABS", 1, 1),
        st.tuples(condition, nodes, nodes).map(lambda given: Call("IF", given, NOWHERE)),
    )


FORMULAS = st.recursive(st.one_of(NAMES, NUMBERS), extend, max_leaves=10)
VALUES = st.fixed_dictionaries({
    "a": st.none() | st.integers(-(10**9), 10**9) | st.integers(-2, 2),
    "b": st.none() | st.decimals(-(10**6), 10**6, places=2) | st.decimals(-1, 1, places=2),
    "c": st.none() | st.decimals(-(10**6), 10**6, places=4),
    "d": st.none() | st.integers(-5, 5),
})
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2}


def write(node: Node, binds: int = 0) -> str:
    """Return the text of a tree, with the parentheses that it needs and no others."""
    match node:
        case Number(value=value):
            return str(Decimal(value.numerator) / Decimal(value.denominator))
        case Name(name=name):
            return name
        case Negative(operand=operand):
            return f"(-{write(operand, 3)})"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(write, arguments))})"
        case Binary(operator=operator, left=left, right=right):
            own = BINDING.get(operator, 0)
            text = f"{write(left, own)} {operator} {write(right, own + 1)}"
            return f"({text})" if own < binds else text


@dataclass(frozen=True)
class Near:
    """An exact value, and how far DOUBLE arithmetic may be from it."""

    value: Fraction
    error: Fraction = Fraction(0)

    def rounded(self) -> "Near":
        return Near(self.value, self.error + abs(self.value) / 2**50)


def evaluate(node: Node, row: dict[str, Near | None]) -> Near | None:
    match node:
        case Number(value=value):
            return Near(value)
        case Name(name=name):
            return row[name]
        case Negative(operand=operand):
            inner = evaluate(operand, row)
            return inner and Near(-inner.value, inner.error)
        case Binary(operator=operator, left=left, right=right):
            return arithmetic(operator, evaluate(left, row), evaluate(right, row))
        case Call(function="IF", arguments=(condition, then, otherwise)):
            holds = compare(condition, row)
            return None if holds is None else evaluate(then if holds else otherwise, row)
        case Call(function=function, arguments=arguments):
            return apply(function, [evaluate(argument, row) for argument in arguments])


def arithmetic(operator: str, left: Near | None, right: Near | None) -> Near | None:
    if left is None or right is None:
        return None
    error = left.error + right.error
    match operator:
        case "+":
            return Near(left.value + right.value, error).rounded()
        case "-":
            return Near(left.value - right.value, error).rounded()
        case "*":
            spread = left.error * abs(right.value) + right.error * abs(left.value)
            return Near(left.value * right.value, spread + left.error * right.error).rounded()
    if right.value == 0 and right.error == 0:
        return None
    assume(abs(right.value) > 2 * right.error)  # a divisor that may be 0 or not decides all
    value = left.value / right.value
    spread = (left.error + abs(value) * right.error) / (abs(right.value) - right.error)
    return Near(value, spread).rounded()


def compare(condition: Node, row: dict[str, Near | None]) -> bool | None:
    assert isinstance(condition, Binary)
    left, right = evaluate(condition.left, row), evaluate(condition.right, row)
    if left is None or right is None:
        return None
    error, gap = left.error + right.error, left.value - right.value
    assume(error == 0 or abs(gap) > error)
    holds = {"=": gap == 0, "<>": gap != 0, "<": gap < 0, "<=": gap <= 0, ">": gap > 0}
    return holds.get(condition.operator, gap >= 0)


def apply(function: str, given: list[Near | None]) -> Near | None:
    known = [value for value in given if value is not None]
    if function == "COALESCE":
        return next(iter(known), None)
    if function == "NULLIF":
        first, second = given
        if first is None or second is None:
            return first
        error, gap = first.error + second.error, first.value - second.value
        assume(error == 0 or abs(gap) > error)
        return None if gap == 0 else first
    if len(known) < len(given):
        return None
    error = max(value.error for value in known)
    if function == "ABS":
        return Near(abs(known[0].value), error)
    choose = min if function == "LEAST" else max
    return Near(choose(value.value for value in known), error)


def compile_or_skip(text: str, *, aggregate: bool) -> str:
    # formulas that are refused (numbers only, too large) are not of interest here
    metric = '[metrics.m]\ngrain="g"\ntype="rate"\nunit="x"\ndescription="m"\n'
    definitions = read_definitions(f'{GRAIN}{metric}formula="{text}"', "test")
    sql = None
    with contextlib.suppress(ConfigError):
        sql = Registry(definitions).compile("m", aggregate=aggregate)
    assume(sql is not None)
    return sql


def literal(values: dict[str, object]) -> str:
    cells = (
        f"CAST({'NULL' if values[name] is None else values[name]} AS {kind}) AS {name}"
        for name, kind in TYPES.items()
    )
    return "SELECT " + ", ".join(cells)


def check(duck: Connection, sql: str, rows: list[dict[str, object]], expected: Near | None) -> None:
    relation = " UNION ALL ".join(map(literal, rows))
    (found,) = duck.execute(f"SELECT {sql} FROM ({relation})").fetchall()[0]
    if expected is None or found is None:
        assert found is None, (sql, found)
        assert expected is None, (sql, expected)
        return
    assert math.isfinite(found)
    tolerance = 4 * expected.error + abs(expected.value) / 10**12 + Fraction(1, 10**300)
    assert abs(Fraction(found) - expected.value) <= tolerance, (sql, found, expected)


slow_data = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


@slow_data
@given(FORMULAS, VALUES)
def test_row_equals_exact_arithmetic(duck: Connection, node: Node, values: dict[str, object]):
    """Over a row, DuckDB gives the exact value within DOUBLE's rounding, or NULL where it is."""
    sql = compile_or_skip(write(node), aggregate=False)
    row = {n: None if v is None else Near(Fraction(v)) for n, v in values.items()}
    check(duck, sql, [values], evaluate(node, row))


@slow_data
@given(FORMULAS, st.lists(VALUES, min_size=1, max_size=4))
def test_group_equals_arithmetic_of_sums(
    duck: Connection, node: Node, rows: list[dict[str, object]]
):
    """Over a group, DuckDB gives the formula of the columns' sums."""
    sql = compile_or_skip(write(node), aggregate=True)
    sums: dict[str, Near | None] = {}
    for name in TYPES:
        known = [Fraction(row[name]) for row in rows if row[name] is not None]
        sums[name] = Near(sum(known, Fraction(0))) if known else None
    check(duck, sql, rows, evaluate(node, sums))


@given(FORMULAS)
def test_text_and_tree_agree(node: Node):
    """What is written from a tree is read as the same tree."""
    text = write(node)
    assume(len(text) < 150)  # small enough to be read at all
    assert write(parse_formula(Source("m", text))) == text
