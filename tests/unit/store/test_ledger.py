"""The API call ledger and the accounts."""

import datetime as dt
from dataclasses import dataclass, replace

from tactics.store import Store
from tests.support import FakeClock
from tests.unit.store.builders import ACCOUNT

AT = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Call:
    """An attempt as transport records it."""

    account_id: str = "act_1"
    endpoint: str = "/insights"
    status: int = 200
    attempt: int = 1
    size_bytes: int = 100
    seconds: float = 0.25
    at: dt.datetime = AT


def test_calls_add_up(store: Store) -> None:
    """Calls, failures, retries, bytes and seconds are summed for each connection."""
    store.calls.record_many("acme", "meta", [Call(), Call(status=503), Call(attempt=2)])
    store.calls.record_many("acme", "meta", [Call(status=0, size_bytes=0)])
    store.calls.record_many("acme", "stripe", [Call(endpoint="/v1/balance")])
    meta, stripe = store.calls.totals(AT.date())
    assert (meta.calls, meta.failed, meta.retries) == (4, 2, 1)
    assert (meta.received_bytes, meta.seconds) == (300, 1.0)
    assert (stripe.source, stripe.calls) == ("stripe", 1)


def test_totals_count_from_a_utc_day(store: Store) -> None:
    """A call belongs to the UTC day in which it was made."""
    vienna = dt.timezone(dt.timedelta(hours=1))
    after_midnight_there = dt.datetime(2026, 11, 22, 0, 30, tzinfo=vienna)
    store.calls.record_many("acme", "meta", [replace(Call(), at=after_midnight_there)])
    assert len(store.calls.totals(dt.date(2026, 11, 21))) == 1
    assert store.calls.totals(dt.date(2026, 11, 22)) == []


def test_no_calls_are_nothing(store: Store) -> None:
    """A connection that made no call is not in the ledger."""
    store.calls.record_many("acme", "meta", [])
    assert store.calls.totals(AT.date()) == []


def test_an_account_comes_back(store: Store, clock: FakeClock) -> None:
    """What the vendor said, and when; an unknown account is None."""
    store.accounts.put("acme", "meta", ACCOUNT)
    assert store.accounts.get("acme", "meta", "act_1") == (ACCOUNT, clock.now())
    assert store.accounts.get("acme", "meta", "act_2") is None
    assert store.accounts.get("other", "meta", "act_1") is None


def test_the_newest_word_counts(store: Store, clock: FakeClock) -> None:
    """A renamed account is known by its new name, and an account may have no currency."""
    store.accounts.put("acme", "meta", ACCOUNT)
    clock.advance(60)
    renamed = replace(ACCOUNT, name="Acme Europe", currency=None, facts={})
    store.accounts.put("acme", "meta", renamed)
    assert store.accounts.get("acme", "meta", "act_1") == (renamed, clock.now())
