"""A shop, all the way: HTTP, SQLite, Iceberg and DuckDB; silver equals the shop's own ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult
from tests.integration.test_sync import assert_balanced
from tests.lab import TODAY, Lab, open_lab

TABLES = ("orders", "order_refunds", "customers", "products")
QUERIES = "*/graphql.json"  # two shops are asked side by side, and one of them for a token


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with two shops and 15 days of history, read by bulk operation at first."""
    with open_lab(tmp_path, days=15, sources=("shopify",)) as lab:
        yield lab


def ledger(lab: Lab, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the facts of a table by organisation and entity, with their day as `date`."""
    return {
        (fact.org_id, fact.entity_id): {**fact.values, "date": fact.day}
        for fact in lab.world.totals().facts
        if fact.table == table
    }


def silver(lab: Lab, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of a table in the shape of the ledger."""
    names = list(next(iter(ledger(lab, table).values())))
    rows = lab.silver(f"SELECT org_id, entity_id, {', '.join(names)} FROM silver.{table}")
    assert len({row[:2] for row in rows}) == len(rows)
    return {row[:2]: dict(zip(names, row[2:], strict=True)) for row in rows}


def sync(lab: Lab) -> PipelineResult:
    """Run the pipeline, and nothing may go wrong or missing."""
    result = lab.sync()
    assert [problem.message for source in result.sources for problem in source.problems] == []
    assert result.status is RunStatus.SUCCEEDED
    assert_balanced(result)
    return result


def test_silver_follows_the_shop(lab: Lab):
    """A first sync; then changed old orders, a deleted product, another day: to the cent."""
    sync(lab)
    for table in TABLES:
        assert silver(lab, table) == ledger(lab, table)
    actions = lab.world.actions()
    name = actions["refund_order"]()
    actions["edit_order"](amount="12.5")
    actions["delete_product"]()
    lab.world.advance()
    lab.clock.advance(86_400)
    sync(lab)
    for table in TABLES:
        assert silver(lab, table) == ledger(lab, table)
    [(day,)] = lab.silver(
        "SELECT r.date FROM silver.order_refunds r JOIN silver.orders o USING (org_id, order_id)"
        f" WHERE o.order_name = '{name}' AND org_id = 'acme'"
    )
    assert day == TODAY


def test_faults_cost_no_row(lab: Lab):
    """A throttled call and a failed bulk operation: all rows are there, no address in clear is."""
    throttled = lab.plant("throttled", "shopify", path=QUERIES, after=2)
    failed = lab.plant("bulk_failed", "shopify", path=QUERIES, after=3)
    sync(lab)
    assert throttled.fired == failed.fired == 1
    for table in TABLES:
        assert silver(lab, table) == ledger(lab, table)
    [(hashes, customers)] = lab.silver(
        "SELECT count(DISTINCT email_hash), count(*) FROM silver.customers WHERE org_id = 'acme'"
    )
    assert hashes == customers > 0
    assert lab.silver("SELECT count(*) FROM bronze.pages WHERE payload LIKE '%@%'") == [(0,)]


def test_a_refused_shop_stops_alone(lab: Lab):
    """One shop is frozen: its problem is named, the other shop's rows arrive."""
    lab.plant("payment_required", "shopify", account="acme*", times=None)
    result = lab.sync()
    problems = {p.code for source in result.sources for p in source.problems}
    assert problems == {"permission_denied"}
    assert result.status is RunStatus.DEGRADED
    assert {org for org, _ in silver(lab, "orders")} == {"globex"}
