"""Stripe's own SDK drives the simulator and gets what the ledger says."""

import datetime as dt
import warnings
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from tactics.sandbox import Fault, Sandbox, World, serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the SDK's own imports
    import stripe

TODAY = dt.date(2026, 11, 21)


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("stripe",))


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world."""
    with serve(world) as sandbox:
        yield sandbox


@pytest.fixture
def client(world: World, sandbox: Sandbox) -> Iterator[stripe.StripeClient]:
    """Return Stripe's client for the sandbox."""
    http = stripe.RequestsClient()
    key = world.environment(sandbox.url)["TACTICS_ACME_STRIPE_API_KEY"]
    base = {"api": f"{sandbox.url}/stripe"}
    yield stripe.StripeClient(key, base_addresses=base, max_network_retries=0, http_client=http)
    http.close()


def test_auto_paging_walks_over_the_whole_ledger(
    world: World, sandbox: Sandbox, client: stripe.StripeClient
) -> None:
    """Every balance transaction comes once, to the cent, newest first."""
    listed = client.v1.balance_transactions.list(params={"limit": 100})

    found = [(t.id, t.amount, t.fee, t.net, t.currency) for t in listed.auto_paging_iter()]

    assert found == [
        (m.txn_id, m.amount_minor, m.fee_minor, m.net_minor, m.currency.lower())
        for m in world.totals().of("acme").movements
    ]
    assert len(sandbox.requests) == -(-len(found) // 100)


def test_a_closed_window_of_one_day_is_exact(world: World, client: stripe.StripeClient) -> None:
    """`created[gte]` and `created[lt]` at local midnight cut out one day, ties at the edges included."""
    zone = ZoneInfo("Europe/Vienna")
    for day in (dt.date(2026, 10, 17), dt.date(2026, 10, 18), dt.date(2026, 10, 25)):
        start = dt.datetime.combine(day, dt.time(), zone)
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
        created = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}

        listed = client.v1.balance_transactions.list(params={"limit": 100, "created": created})

        found = {transaction.id for transaction in listed.auto_paging_iter()}
        assert found == {m.txn_id for m in world.totals().of("acme").movements if m.day == day}


def test_a_payout_is_the_sum_of_what_it_settles(client: stripe.StripeClient) -> None:
    """The transactions of an automatic payout, its own aside, net to its amount."""
    payouts = list(client.v1.payouts.list(params={"limit": 100}).auto_paging_iter())
    assert {"paid", "failed"} <= {payout.status for payout in payouts}
    for payout in payouts[:8]:
        listed = client.v1.balance_transactions.list(params={"payout": payout.id, "limit": 100})
        settled = [t.net for t in listed.auto_paging_iter() if t.source != payout.id or t.net > 0]
        assert sum(settled) == payout.amount


def test_sources_are_expanded(client: stripe.StripeClient) -> None:
    """`expand` puts the charge in place of its id, with the order number in its metadata."""
    params = {"limit": 5, "type": "charge", "expand": ["data.source"]}

    page = client.v1.balance_transactions.list(params=params)

    assert {transaction.source.object for transaction in page.data} == {"charge"}
    assert page.data[0].source.metadata["order_id"].startswith("#")


def test_the_account_tells_its_time_zone(client: stripe.StripeClient) -> None:
    """The account has the currency and the zone that business days are counted in."""
    account = client.v1.accounts.retrieve_current()

    assert account.default_currency == "eur"
    assert account.settings.dashboard.timezone == "Europe/Vienna"


def test_a_wrong_key_is_an_authentication_error(sandbox: Sandbox) -> None:
    """Status 401, and the key is not repeated in the message."""
    http = stripe.RequestsClient()
    base = {"api": f"{sandbox.url}/stripe"}
    client = stripe.StripeClient("rk_test_wrong_key_1234", base_addresses=base, http_client=http)

    with pytest.raises(stripe.AuthenticationError) as caught:
        client.v1.balance_transactions.list()

    http.close()
    assert "wrong_key" not in str(caught.value)


def test_a_restricted_key_is_refused_one_stream_only(
    world: World, client: stripe.StripeClient
) -> None:
    """403 for one path leaves the others alone."""
    fault = world.faults.plant(Fault("permission", "stripe", path="/v1/disputes*", times=None))

    with pytest.raises(stripe.PermissionError):
        client.v1.disputes.list()
    client.v1.refunds.list()

    assert fault.fired == 1


def test_the_rate_limit_has_no_headers(world: World, client: stripe.StripeClient) -> None:
    """429 comes without any hint how long to wait."""
    world.faults.plant(Fault("rate_limit", "stripe"))

    with pytest.raises(stripe.RateLimitError) as caught:
        client.v1.balance_transactions.list()

    assert "retry-after" not in {name.lower() for name in caught.value.headers}
