"""The language of formulas, and what is not in it."""

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import ConfigError
from tactics.metrics.formula import Binary, Call, Name, Negative, Node, Number, Source
from tactics.metrics.parse import MAX_CHARACTERS, MAX_NESTING, MAX_WORDS, check_name, parse_formula


def parse(text: str) -> Node:
    return parse_formula(Source("m", text))


def refuse(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


def shape(node: Node) -> str:
    """Return the tree with every parenthesis written out."""
    match node:
        case Number(value=value):
            return str(value)
        case Name(name=name):
            return name
        case Negative(operand=operand):
            return f"(-{shape(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({shape(left)}{operator}{shape(right)})"
        case Call(function=function, arguments=arguments):
            return f"{function}({','.join(map(shape, arguments))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", "(a+(b*c))"),
        ("a - b - c", "((a-b)-c)"),
        ("a / b * c", "((a/b)*c)"),
        ("a / (b * c)", "(a/(b*c))"),
        ("-a * b", "((-a)*b)"),
        ("a - -b", "(a-(-b))"),
        ("sum(a) / NullIf(b, 0)", "(SUM(a)/NULLIF(b,0))"),
        ("IF((a >= b), a, COALESCE(b, c, 1.5))", "IF((a>=b),a,COALESCE(b,c,3/2))"),
        ("IF(a != b, LEAST(a, b), ROUND(a, 2))", "IF((a<>b),LEAST(a,b),ROUND(a,2))"),
        ("a\n  + b", "(a+b)"),
    ],
)
def test_precedence(text: str, tree: str):
    """Operators bind as in arithmetic, functions are known in any case."""
    assert shape(parse(text)) == tree


def test_numbers_are_exact():
    """A number keeps every digit."""
    assert parse("123456789012345.000001") == Number(
        Fraction(123456789012345000001, 10**6), parse("123456789012345.000001").span
    )


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "is empty", 1),
        ("   ", "is empty", 1),
        ("clicks +", "cannot be read", 8),
        ("(clicks", "cannot be read", 2),
        ("clicks)", "cannot be read", 7),
        ("clicks impressions", "an operator is missing here", 8),
        ("2 (clicks)", "an operator is missing here", 3),
        ("clicks + 'x'", "does not know \"'x'\"", 10),
        ('"clicks"', "does not know '\"clicks\"'", 1),
        ("(select 1)", "does not know 'select'", 2),
        ("ads.clicks", "does not know '.'", 4),
        ("clicks; drop", "does not know ';'", 7),
        ("clicks % 2", "does not know '%'", 8),
        ("clicks ** 2", "does not know '**'", 8),
        ("clicks::int", "does not know '::'", 7),
        ("null", "does not know 'null'", 1),
        ("case when a then b end", "does not know 'case'", 1),
        ("sum(distinct clicks)", "does not know 'distinct'", 5),
        ("sum(clicks) over ()", "does not know 'over'", 13),
        ("clicks -- note", "has a comment", 1),
        ("/* note */ clicks", "has a comment", 12),
        ("median(clicks)", "unknown function median", 1),
        ("read_csv(clicks)", "unknown function read_csv", 1),
        ("sum", "sum is a function", 1),
        ("Clicks", "unknown name 'Clicks'", 1),
        ("kosten_für", "unknown name 'kosten_für'", 1),
        ("1e9", "is not a plain number", 1),
        ("1_000", "is not a plain number", 1),
        ("5.", "is not a plain number", 1),
        ("1.1234567", "is not a plain number", 1),
        ("a > b", "a comparison stands only in IF", 1),
        ("a + (b = c)", "a comparison stands only in IF", 6),
        ("IF(a, b, c)", "IF needs a comparison", 4),
        ("IF(a > b, c)", "IF takes 3 arguments, got 2", 4),
        ("ROUND(a, 1, 2)", "ROUND takes 1 to 2 arguments, got 3", 1),
        ("(a, b)", "is not a formula here", 2),
        ("a +\n (b c)", "an operator is missing here", 5),
    ],
)
def test_refusals(text: str, message: str, column: int):
    """What is not in the language is refused at its place."""
    error = refuse(text)
    assert error.message == f"formula of m: {message}"
    assert error.facts["column"] == column


def test_hint_points_at_the_mistake():
    """The hint shows the line, carets under the mistake, and what to do."""
    error = refuse("clicks /\n  median(impressions)")
    line, carets = error.hint.splitlines()
    assert line == "  median(impressions)"
    assert carets.startswith("  ^^^^^^ functions are SUM, MIN")
    assert error.facts == {"line": 2, "column": 3}


@pytest.mark.parametrize(
    "text",
    [
        "a + " * 300 + "a",
        "+".join("a" * (MAX_WORDS // 2 + 1)),
        "(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1),
        "a" * (MAX_CHARACTERS + 1),
    ],
)
def test_size_is_bounded(text: str):
    """A formula too large for a reader is refused before it can exhaust the stack."""
    assert "too many" in refuse(text).message


def test_largest_formulas_are_read():
    """A formula at the limits still fits on the stack."""
    parse("+".join("a" * (MAX_WORDS // 2)))
    parse("ABS(" * MAX_NESTING + "a" + ")" * MAX_NESTING)
    parse("- " * (MAX_WORDS - 1) + "a")


@pytest.mark.parametrize("name", ["order", "select", "date", "sum", "user", "end"])
def test_words_of_sql_are_no_names(name: str):
    """A column is never named so that SQL would misread it."""
    with pytest.raises(ConfigError, match=f"formula of {name}"):
        check_name(name)


PLAIN = "a b spend clicks SUM MIN IF ROUND NULLIF COALESCE foo select case null and not from"
SIGNS = r"""1 0 2.5 1e5 .5 'x' " ' -- /* \ */ ( ) ( ) , + - * / = < > <> . :: ; {{ }} $1 ? @ #"""
WORDS = [*PLAIN.split(), *SIGNS.split(), "\n", "é", "\x00"]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_parser_fails_only_with_config_errors(text: str):
    """Whatever is typed, the answer is a tree or a ConfigError."""
    with contextlib.suppress(ConfigError):
        parse(text)


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_refusals_point_into_the_text(text: str):
    """The place of a mistake is in the text, and the hint shows it."""
    caught: list[ConfigError] = []
    try:
        parse(text)
    except ConfigError as error:
        caught.append(error)
    for error in caught:
        assert 1 <= error.facts["line"] <= text.count("\n") + 1
        assert "^" in error.hint
