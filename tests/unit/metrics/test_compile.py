"""Types, sums and the SQL that formulas become."""

import pytest

from tactics.duck import Connection
from tactics.errors import ConfigError
from tests.unit.metrics.conftest import define_metrics, refusal


def sql(formula: str, *, aggregate: bool = False, **settings: object) -> str:
    return define_metrics(formula, **settings).compile("m", aggregate=aggregate, one_currency=True)


@pytest.mark.parametrize(
    ("formula", "kind", "expected"),
    [
        ("clicks / impressions", "rate", "clicks / NULLIF(impressions, 0)"),
        ("spend / value * 100", "percent", "spend / NULLIF(value, 0) * 100"),
        ("spend / 1000", "money", "spend / 1000"),
        ("spend * 1.15", "money", "spend * 1.15"),
        ("spend * share", "money", "CAST(spend AS DOUBLE) * share"),
        ("spend * 123456.7", "money", "CAST(spend AS DOUBLE) * 123456.7"),
        ("spend * (1 / 3)", "money", "spend * 3.3333333333333331e-01"),
        ("spend - (value - spend)", "money", "spend - (value - spend)"),
        ("(spend - value) - spend", "money", "spend - value - spend"),
        ("-(spend - value) / clicks", "money", "(-(spend - value)) / NULLIF(clicks, 0)"),
        ("spend * -2", "money", "spend * (-2)"),
        (
            "clicks / (impressions / reach)",
            "count",
            "clicks / NULLIF(impressions / NULLIF(reach, 0), 0)",
        ),
        ("ROUND(spend / clicks, 2)", "money", "ROUND(spend / NULLIF(clicks, 0), 2)"),
        ("COALESCE(value, 0) / spend", "rate", "COALESCE(value, 0) / NULLIF(spend, 0)"),
        ("NULLIF(clicks, 0) - reach", "count", "NULLIF(clicks, 0) - reach"),
        (
            "LEAST(clicks, reach, 10)",
            "count",
            (
                "CASE WHEN clicks IS NOT NULL AND reach IS NOT NULL "
                "THEN LEAST(CAST(clicks AS DOUBLE), CAST(reach AS DOUBLE), 10) END"
            ),
        ),
        (
            "IF(clicks > 0, spend, 0)",
            "money",
            "CASE WHEN clicks > 0 THEN spend WHEN NOT (clicks > 0) THEN 0 END",
        ),
        ("last_day - first_day", "days", "last_day - first_day"),
        ("first_day + 7", "date", "first_day + 7"),
        (
            "first_day + length",
            "date",
            "CASE WHEN length BETWEEN -100000 AND 100000 THEN first_day + CAST(length AS INTEGER) END",
        ),
        ("SUM(clicks) / MAX(reach)", "rate", "clicks / NULLIF(reach, 0)"),
    ],
)
def test_row_expression(formula: str, kind: str, expected: str):
    """Over a row that holds sums, a formula is plain arithmetic that divides NULL-safe."""
    assert sql(formula, type=kind) == expected


@pytest.mark.parametrize(
    ("formula", "kind", "expected"),
    [
        ("clicks / impressions", "rate", "SUM(clicks) / NULLIF(SUM(impressions), 0)"),
        ("(spend - value) / spend", "rate", "(SUM(spend) - SUM(value)) / NULLIF(SUM(spend), 0)"),
        ("SUM(clicks) / MAX(reach)", "rate", "SUM(clicks) / NULLIF(MAX(reach), 0)"),
        (
            "SUM(clicks * share) / clicks",
            "rate",
            "SUM(CAST(clicks AS DOUBLE) * share) / NULLIF(SUM(clicks), 0)",
        ),
        ("MAX(last_day) - MIN(first_day)", "days", "MAX(last_day) - MIN(first_day)"),
        (
            "GREATEST(clicks - impressions, 0)",
            "count",
            (
                "CASE WHEN (SUM(clicks) - SUM(impressions)) IS NOT NULL "
                "THEN GREATEST(SUM(clicks) - SUM(impressions), 0) END"
            ),
        ),
    ],
)
def test_group_expression(formula: str, kind: str, expected: str):
    """Over a group, columns are summed first: a ratio of sums."""
    assert sql(formula, type=kind, aggregate=True) == expected


def test_additive_metric_is_the_sum_of_its_rows():
    """An additive metric of a group is what its rows add up to."""
    text = sql("clicks * share", type="count", additive=True, aggregate=True)
    assert text == "SUM(CAST(clicks AS DOUBLE) * share)"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("spend + clicks", "+ needs one type, got money and count"),
        ("spend + spend / clicks", "+ needs one type, got money and money per count"),
        ("clicks - length", "- needs one type, got count and days"),
        ("spend + 5", "+ needs one type, got money and a number"),
        ("LEAST(clicks, spend)", "LEAST needs one type, got count and money"),
        ("COALESCE(first_day, 0)", "COALESCE needs one type, got date and a number"),
        ("NULLIF(spend, 1)", "NULLIF needs one type, got money and a number"),
        ("IF(spend > clicks, 1, 2)", "a comparison needs one type, got money and count"),
        ("IF(clicks > 0, spend, clicks)", "IF needs one type, got money and count"),
        ("IF(1 > 2, clicks, 0)", "compares two numbers"),
        ("first_day * 2", "a date cannot be multiplied or divided"),
        ("clicks / first_day", "a date cannot be multiplied or divided"),
        ("-first_day", "a date has no negative"),
        ("first_day + last_day", "cannot take date + date"),
        ("length - first_day", "cannot take days - date"),
        ("first_day + clicks", "date + needs days"),
        ("first_day + 1.5", "date + needs days"),
        ("first_day - 200000", "date - needs days"),
        ("ABS(first_day)", "ABS of a date"),
        ("ROUND(first_day)", "ROUND of a date"),
        ("ROUND(2.5)", "ROUND of a number"),
        ("ROUND(spend, 7)", "ROUND needs 0 to 6 decimals"),
        ("ROUND(spend, clicks)", "ROUND needs 0 to 6 decimals"),
        ("LEAST(1, 2)", "LEAST of numbers only"),
        ("MAX(1)", "MAX of a number"),
        ("clicks / 0", "divides by zero"),
        ("clicks / (3 - 3)", "divides by zero"),
        ("1 / (1 - 1) * clicks", "divides by zero"),
        (
            "clicks * 999999999999 * (999999999999999 * 999999999999999 * 9)",
            "is a number out of range",
        ),
        ("SUM(share)", "SUM of something that does not add up"),
        ("SUM(reach)", "SUM of something that does not add up"),
        ("SUM(clicks / impressions)", "SUM of something that does not add up"),
        ("SUM(clicks * impressions)", "SUM of something that does not add up"),
        ("SUM(clicks + 1)", "SUM of something that does not add up"),
        ("SUM(SUM(clicks))", "aggregates an aggregate"),
        ("MAX(clicks - MIN(clicks))", "aggregates an aggregate"),
        ("clicks / click", "unknown name click"),
        ("visits", "unknown name visits"),
        ("42", "is a number"),
        ("spend * value", "is money^2"),
        ("clicks", "is count, declared as rate"),
    ],
)
def test_refused(formula: str, message: str):
    """A formula that means nothing is refused, and says why."""
    assert refusal(formula).message == f"formula of m: {message}"


def test_sum_of_a_ratio_says_what_to_do():
    """The refusal of a summed ratio points to the sums of its parts."""
    error = refusal("SUM(clicks / impressions) * 100")
    assert "^^^^^^^^^^^^^^^^^^^^" in error.hint
    assert "use the sums of its parts" in error.hint


def test_group_without_meaning():
    """A metric of columns that do not add up has no value for a group unless it says which."""
    days = define_metrics("last_day - first_day", type="days")
    with pytest.raises(ConfigError, match="last_day does not add up over rows") as caught:
        days.compile("m", aggregate=True)
    assert "MIN(…)" in caught.value.hint


def test_too_many_orders_of_magnitude():
    """A formula that could leave the range of DOUBLE is refused: no result is infinite."""
    error = refusal("*".join(["share"] * 9))
    assert error.message == "formula of m: multiplies and divides too much"


def test_nested_metrics_stay_small():
    """Metrics that double with every level are refused before they become megabytes."""
    levels = "".join(
        f'[metrics.m{n}]\ngrain="day"\nformula="GREATEST(m{n - 1}, {n} - m{n - 1})"\n'
        'type="rate"\nunit="x"\ndescription="d"\n'
        for n in range(1, 16)
    )
    first = '[metrics.m0]\ngrain="day"\nformula="share"\ntype="rate"\nunit="x"\ndescription="d"\n'
    assert "grows too large" in refusal("m15", more=first + levels).message


@pytest.mark.parametrize(
    ("formula", "kind", "sql_type"),
    [
        ("spend - value", "money", "DECIMAL(16,2)"),
        ("spend * 1.15", "money", "DECIMAL(18,4)"),
        ("ROUND(spend * 1.15, 2)", "money", "DECIMAL(18,2)"),
        ("COALESCE(spend, 0) + GREATEST(value, 0)", "money", "DECIMAL(16,2)"),
        ("SUM(spend)", "money", "DECIMAL(15,2)"),
        ("clicks - impressions", "count", "BIGINT"),
        ("spend / clicks", "money", "DOUBLE"),
        ("spend * share", "money", "DOUBLE"),
        ("first_day + length", "date", "DATE"),
    ],
)
def test_money_stays_decimal(duck: Connection, formula: str, kind: str, sql_type: str):
    """Sums, differences and short constants keep DECIMAL; quotients and products are DOUBLE."""
    columns = (
        "1.10::DECIMAL(15,2) AS spend, 2.20::DECIMAL(15,2) AS value, 3::BIGINT AS clicks, "
        "4::BIGINT AS impressions, 0.5::DOUBLE AS share, 5::BIGINT AS length, "
        "DATE '2026-11-01' AS first_day"
    )
    rows = duck.execute(f"SELECT {sql(formula, type=kind)} AS result FROM (SELECT {columns})")
    assert [str(column[1]) for column in rows.description or ()] == [sql_type]
    assert rows.fetchall()


def test_date_shift_outside_of_the_calendar(duck: Connection):
    """A broken number of days gives no date instead of an error."""
    text = sql("first_day + length", type="date")
    rows = duck.execute(
        f"SELECT {text} FROM (SELECT DATE '2026-11-01' AS first_day, 1e300 AS length)"
    )
    assert rows.fetchall() == [(None,)]
