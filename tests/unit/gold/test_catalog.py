"""The `.sql` files: their headers, their order, and what makes a generation outdated."""

import re

import pytest

import tactics.gold
from tactics.gold import TABLES
from tactics.gold.build import silver_contract
from tactics.gold.catalog import (
    REPORTS,
    STEPS,
    compile_metrics,
    fill,
    fingerprint,
    load_migrations,
    load_models,
    load_report,
    load_step,
    schema_version,
)
from tactics.lake import TABLES as LAKE
from tactics.sql import header_facts
from tests.unit.gold.silver import Silver, render_metrics


@pytest.mark.parametrize("name", TABLES)
def test_models_state_grain_units_source_and_part(name: str) -> None:
    """Every model says what a row is, in what it is measured, where it comes from."""
    facts = header_facts(load_models()[name].sql)
    assert {"grain", "units", "source", "part"} <= facts.keys()
    assert facts["part"] in {"day", "week", "month", "org"}


@pytest.mark.parametrize("name", STEPS)
def test_steps_state_grain_and_source(name: str) -> None:
    """Steps say it too."""
    assert {"grain", "units", "source"} <= header_facts(load_step(name)).keys()


@pytest.mark.parametrize("name", REPORTS)
def test_reports_state_their_columns(name: str) -> None:
    """A report says what its rows hold."""
    assert "columns" in header_facts(load_report(name))


def test_derived_models_inherit_their_inputs() -> None:
    """A week changes when the silver table behind the day does."""
    models = load_models()
    assert models["ad_weekly"].inputs == {"ad_performance"}
    assert models["revenue_daily"].inputs == {"transactions"}


def test_a_model_reaches_as_far_as_what_it_reads() -> None:
    """What moves a row of an upstream table must reach the rows made of it."""
    models = load_models()
    for model in models.values():
        if model.part == "day":
            upstream = re.findall(r"gold\.(\w+)", header_facts(model.sql)["source"])
            assert all(models[name].reach <= model.reach for name in upstream), model.name


def test_gold_reads_columns_that_silver_has() -> None:
    """Every column that gold relies on is in the lake, with the type that gold expects."""
    for table, (sql, _) in silver_contract().items():
        held = dict(LAKE[table].columns)
        for kind, column in re.findall(r"NULL::(\w+(?:\(\d+, ?\d+\))?) AS (\w+)", sql):
            assert kind.replace(", ", ",") == held[column], (table, column)


def test_migrations_are_numbered_without_gaps() -> None:
    """The newest number is the schema version."""
    numbers = [number for number, _ in load_migrations()]
    assert numbers == list(range(1, schema_version() + 1))


def test_another_formula_is_another_fingerprint() -> None:
    """Stored rows depend on the formulas: changing one makes the generation outdated."""
    definitions = compile_metrics(render_metrics)
    changed = definitions | {"ctr": "(clicks * 2.0 / impressions)"}
    assert fingerprint(definitions) == fingerprint(dict(definitions))
    assert fingerprint(definitions) != fingerprint(changed)


def test_fill_puts_expressions_in_place() -> None:
    """Placeholders may have blanks; nothing else is touched."""
    assert fill("SELECT {{ ctr }}, {{cpc}} -- {x}", {"ctr": "(1)", "cpc": "(2)"}) == (
        "SELECT (1), (2) -- {x}"
    )


def test_public_names() -> None:
    """What the package exports is what it says."""
    assert all(hasattr(tactics.gold, name) for name in tactics.gold.__all__)
    assert sorted(tactics.gold.__all__, key=str.lower) == sorted(
        set(tactics.gold.__all__), key=str.lower
    )


def test_every_table_has_the_columns_of_its_model(silver: Silver) -> None:
    """The columns that people rely on are there, in every table."""
    silver.build()
    wanted = {
        "ad_daily": "org_id source account_id campaign_id campaign_name channel date impressions "
        "clicks spend currency conversions conversion_value video_views ctr cpc cpm cpa roas finality",
        "ad_weekly": "week_start ctr cpc cpm cpa roas finality",
        "ad_monthly": "month_start ctr cpc cpm cpa roas finality",
        "campaign_pacing": "org_id source campaign_id campaign_name flight_start flight_end total_days "
        "elapsed_days booked_impressions delivered_impressions expected_impressions pacing_rate "
        "variance required_daily_impressions status booking_revenue actual_spend currency "
        "margin_percent as_of freshness",
    }
    for table, names in wanted.items():
        columns = {row["column_name"] for row in silver.read(f"DESCRIBE {table}")}
        assert set(names.split()) <= columns, table
