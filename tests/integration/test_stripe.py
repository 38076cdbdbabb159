"""Stripe has no "updated": what changes later arrives because the last weeks are read again."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tests.lab import Lab, open_lab

DAYS = 40
COLUMNS = "txn_id, status, reporting_category, fee_minor, net_minor"


@pytest.fixture
def lab(tmp_path: Path):
    """Return a lab with one organisation's Stripe only."""
    with open_lab(tmp_path, days=DAYS, sources=("stripe",), orgs=("acme",)) as lab:
        yield lab


def sync_later(lab: Lab, days: int) -> None:
    """Let days pass, for Stripe and for us, and sync."""
    lab.world.advance(days)
    lab.clock.advance(dt.timedelta(days=days).total_seconds())
    assert lab.sync().status is RunStatus.SUCCEEDED


def held(lab: Lab) -> dict[str, tuple[Any, ...]]:
    """Return what silver has of each transaction."""
    return {row[0]: row[1:] for row in lab.silver(f"SELECT {COLUMNS} FROM silver.transactions")}


def vouched(lab: Lab) -> dict[str, tuple[Any, ...]]:
    """Return what Stripe has of each transaction now."""
    return {
        m.txn_id: (m.status, m.reporting_category, m.fee_minor, m.net_minor)
        for m in lab.world.totals().movements
    }


def test_what_was_pending_becomes_available(lab: Lab):
    """A created-only cursor would keep the first status for ever (gotchas 1, 2 and 9)."""
    sync_later(lab, 0)
    before = held(lab)
    pending = {txn for txn, (status, *_) in before.items() if status == "pending"}
    sync_later(lab, 10)
    after, wanted = held(lab), vouched(lab)
    assert pending
    assert {after[txn][0] for txn in pending} == {"available"}
    assert before.keys() <= after.keys()
    assert after == {txn: wanted[txn] for txn in after}


def test_what_fails_later_is_a_movement_of_its_own(lab: Lab):
    """A failed refund is in the ledger, with no event read and no fee counted twice (gotcha 7)."""
    lab.extra["TACTICS_ORGS__ACME__SOURCES__STRIPE__HISTORY_DAYS"] = "90"
    sync_later(lab, 60)
    found, wanted = held(lab), vouched(lab)
    categories = {category for _, category, _, _ in found.values()}
    assert {"charge", "refund", "refund_failure", "payout"} <= categories
    assert {fee for _, category, fee, _ in found.values() if category == "refund"} == {0}
    assert found == {txn: wanted[txn] for txn in found}
