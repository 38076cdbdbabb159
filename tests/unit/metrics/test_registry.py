"""The registry: names, order, refusals, and what users add."""

from pathlib import Path

import pytest

from tactics.duck import Connection
from tactics.errors import ConfigError, NotFoundError
from tactics.metrics import Registry, fingerprint
from tactics.metrics.registry import digest_files
from tests.unit.metrics.conftest import define_metrics, refusal

EXAMPLE = Path(__file__).parents[3] / "examples" / "metrics" / "custom.toml"


def metric(name: str, formula: str, *, kind: str = "rate", grain: str = "day") -> str:
    return (
        f'[metrics.{name}]\ngrain = "{grain}"\nformula = "{formula}"\n'
        f'type = "{kind}"\nunit = "x"\ndescription = "d"\n'
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "extra.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_metrics_build_on_metrics():
    """A metric may use another one, in whatever order they are written."""
    more = metric("twice", "once * 2") + metric("once", "clicks / impressions")
    registry = define_metrics("twice + once", more=more)
    once = "clicks / NULLIF(impressions, 0)"
    assert registry.compile("m") == f"{once} * 2 + {once}"


def test_group_of_a_metric_of_metrics():
    """A ratio inside of a ratio is a ratio of sums too; an additive part is summed as a whole."""
    more = metric("owed", "clicks * share", kind="count") + "additive = true\n"
    registry = define_metrics("owed / impressions", more=more)
    expected = "SUM(CAST(clicks AS DOUBLE) * share) / NULLIF(SUM(impressions), 0)"
    assert registry.compile("m", aggregate=True) == expected


def test_circle():
    """Metrics that need each other are refused, with the circle."""
    error = refusal("a", more=metric("a", "b") + metric("b", "m + 1"))
    assert error.message.startswith("metrics form a circle: ")
    assert {"a", "b", "m"} == set(error.message.split(": ")[1].split(" -> "))


def test_circle_of_one():
    """A metric cannot be its own part."""
    assert refusal("m + 1").message == "metrics form a circle: m -> m"


def test_aggregate_may_name_its_own_row():
    """In `aggregate` a metric's own name is its value for a row."""
    registry = define_metrics("clicks * share", type="count", additive=True, aggregate="SUM(m)")
    assert registry.compile("m", aggregate=True) == "SUM(CAST(clicks AS DOUBLE) * share)"


def test_aggregate_of_another_type():
    """`aggregate` is measured in the metric's unit."""
    error = refusal("clicks / impressions", aggregate="SUM(clicks)")
    assert error.message == "formula of m (aggregate): is count, declared as rate"


def test_declared_additive_but_is_not():
    """Only what adds up may be declared additive."""
    error = refusal("clicks / impressions", additive=True)
    assert error.message == "formula of m: is declared additive but does not add up"


def test_grains_do_not_mix():
    """A metric reads columns and metrics of one grain."""
    error = refusal("clicks / v", more=metric("v", "visits", kind="count", grain="other"))
    assert error.message == "formula of m: v is of grain other, not day"


def test_unknown_grain():
    """A grain that does not exist is named, with the closest one."""
    error = refusal("clicks", grain="dya")
    assert (error.message, error.hint) == ("metric m: unknown grain dya", "did you mean day?")


def test_metric_named_like_a_column():
    """A metric cannot hide a column."""
    error = refusal("clicks", more=metric("spend", "value", kind="money"))
    assert error.message == "metric spend: a column has this name"


def test_column_named_like_a_word_of_sql():
    """A column that would need quotes is refused."""
    more = '[grains.g]\ndescription="d"\n[grains.g.columns]\norder={type="count",description="d"}\n'
    assert refusal("clicks", more=more).message == "formula of order: is a word of SQL"


def test_unknown_metric(registry: Registry):
    """An unknown metric is not found, with the closest name."""
    with pytest.raises(NotFoundError, match="no such metric: crt") as caught:
        registry.compile("crt")
    assert caught.value.hint == "did you mean ctr?"


def test_unknown_name_lists_what_is_there():
    """Where nothing is close, the names of the grain are listed."""
    hint = refusal("xyzzy").hint
    assert "known are clicks, conversions, first_day" in hint
    assert "visits" not in hint


def test_mixed_currencies_give_null(registry: Registry, duck: Connection):
    """A group of two currencies has no cost per click, and no silent sum."""
    rows = (
        "(VALUES ('a', 'EUR', 10.00::DECIMAL(15,2), 5), ('b', 'EUR', 10.00, 5), "
        "('b', 'USD', 10.00, 5)) t(org_id, currency, spend, clicks)"
    )
    cpc = registry.compile("cpc", aggregate=True)
    query = f"SELECT org_id, {cpc} FROM {rows} GROUP BY org_id ORDER BY org_id"
    assert duck.execute(query).fetchall() == [("a", 2.0), ("b", None)]


def test_rates_of_counts_need_no_currency(registry: Registry):
    """A metric without money does not look at the currency."""
    assert registry.compile("ctr", aggregate=True) == "SUM(clicks) / NULLIF(SUM(impressions), 0)"


def test_currency_test_can_be_left_out(registry: Registry):
    """A query that groups by currency needs no test of it."""
    text = registry.compile("cpc", aggregate=True, one_currency=True)
    assert text == "SUM(spend) / NULLIF(SUM(clicks), 0)"


def test_compiled_once(registry: Registry):
    """The second answer is the first one."""
    assert registry.compile("roas") is registry.compile("roas")


def test_metrics_are_described(registry: Registry):
    """Every metric says its unit and meaning; the mapping cannot be changed."""
    assert registry.metrics["pacing_rate"].unit == "%"
    assert registry.grains["line"].currency == "currency"
    with pytest.raises(TypeError):
        registry.metrics["ctr"] = None


def test_example_adds_metrics(duck: Connection):
    """The example file loads, and its metrics compute."""
    registry = Registry.load(EXAMPLE)
    values = {
        name: duck.execute(
            f"SELECT {registry.compile(name)} FROM (SELECT 10.00::DECIMAL(15,2) AS spend, "
            "40::BIGINT AS clicks, 4.0::DECIMAL(15,4) AS conversions, "
            "25.00::DECIMAL(15,2) AS conversion_value)"
        ).fetchall()[0][0]
        for name in ("billed_cpa", "guarded_conversion_rate", "profit", "profit_percent")
    }
    assert {name: float(value) for name, value in values.items()} == pytest.approx({
        "billed_cpa": 2.875,
        "guarded_conversion_rate": 0.1,
        "profit": 15,
        "profit_percent": 150,
    })


def test_example_guard_is_null():
    """The guard of the example is NULL below its limit, also over a group."""
    text = Registry.load(EXAMPLE).compile("guarded_conversion_rate", aggregate=True)
    assert "SUM(clicks) >= 30" in text


def test_built_in_keeps_its_meaning(tmp_path: Path):
    """A user's file cannot redefine what is built in."""
    path = write(tmp_path, metric("ctr", "clicks / impressions", grain="delivery"))
    with pytest.raises(ConfigError, match="already defined: ctr"):
        Registry.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[metrics", "the metrics cannot be read"),
        ("[metrics.x]\nformula = 'a'", "metrics.x.grain: field required"),
        (metric("x", "clicks", kind="text"), "metrics.x.type: input should be"),
        (metric("x", "clicks") + "sql = 'x'", "metrics.x.sql: extra inputs"),
        (metric("Ctr", "clicks"), "metrics.Ctr"),
    ],
)
def test_broken_file(tmp_path: Path, text: str, message: str):
    """A file that is not a metrics file is refused with the key."""
    with pytest.raises(ConfigError) as caught:
        Registry.load(write(tmp_path, text))
    assert caught.value.message.startswith(message)


def test_missing_file(tmp_path: Path):
    """A file that does not exist is a mistake of the configuration."""
    with pytest.raises(ConfigError, match="the metrics cannot be read"):
        Registry.load(tmp_path / "none.toml")


def test_fingerprint_covers_definitions_and_code(tmp_path: Path):
    """An edited, added or renamed file, or another version, is another fingerprint."""
    (tmp_path / "builtin.toml").write_text("formula", encoding="utf-8")
    found = [digest_files(tmp_path, "1.0"), digest_files(tmp_path, "1.1")]
    (tmp_path / "builtin.toml").write_text("formulb", encoding="utf-8")
    found.append(digest_files(tmp_path, "1.0"))
    (tmp_path / "term.py").touch()
    found.append(digest_files(tmp_path, "1.0"))
    (tmp_path / "term.py").rename(tmp_path / "parse.py")
    found.append(digest_files(tmp_path, "1.0"))
    assert len(set(found)) == len(found)
    assert digest_files(tmp_path, "1.0") == found[-1]


def test_fingerprint_is_that_of_the_package():
    """It is taken from the files that are shipped, and is the same each time."""
    fingerprint.cache_clear()
    before = fingerprint()
    fingerprint.cache_clear()
    assert fingerprint() == before


def test_built_in_metrics_are_compiled_once_per_process():
    """Who loads them twice gets the same ones; a file of one's own is compiled each time."""
    assert Registry.load() is Registry.load()
    assert Registry.load(EXAMPLE) is not Registry.load(EXAMPLE)
