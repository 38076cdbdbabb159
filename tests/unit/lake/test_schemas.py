"""The tables of the lake, as data."""

from types import SimpleNamespace
from typing import Any

import pytest

from tactics.errors import NotFoundError
from tactics.lake import TABLES, find_table
from tactics.lake.scan import relation_sql
from tactics.lake.warehouse import _schema


def test_every_silver_table_says_where_a_row_comes_from():
    """Promise 5 and the receipts need these columns everywhere."""
    carried = {"org_id", "source", "account_id", "date", "fetched_at", "request_id", "log_seq"}
    for spec in TABLES.values():
        assert carried <= set(spec.names), spec.name


@pytest.mark.parametrize("name", ["ad_performance", "silver.ad_performance"])
def test_a_table_is_found_with_and_without_its_namespace(name):
    """Both spellings name the same table."""
    assert find_table(name) is TABLES["ad_performance"]


@pytest.mark.parametrize("name", ["orders_2", "bronze.ad_performance"])
def test_an_unknown_table_is_an_error_that_lists_the_known_ones(name):
    """The hint names what there is."""
    with pytest.raises(NotFoundError) as caught:
        find_table(name)
    assert "ad_performance" in caught.value.hint


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_an_iceberg_type(name):
    """A type that only DuckDB knows would fail when the table is made."""
    spec = find_table(name)
    assert [field.name for field in _schema(spec).fields] == spec.names


def test_a_path_with_a_quote_stays_a_literal():
    """Paths and ids never become SQL."""
    file: Any = SimpleNamespace(path="/home/o'neil/a.parquet", columns={"payload"})
    text = relation_sql(TABLES["pages"], [file], org_id="x' OR '1")
    assert "'/home/o''neil/a.parquet'" in text
    assert "'x'' OR ''1'" in text
