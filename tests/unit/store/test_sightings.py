"""Since when a connection uses its credentials."""

import datetime as dt

from tactics.store import Store
from tests.support import FakeClock

DAY_SECONDS = 86_400


def test_a_credential_is_as_old_as_its_first_use(store: Store, clock: FakeClock) -> None:
    """Seen again it stays as old as it was; each of several has its own age."""
    began = clock.now()
    store.sightings.note("acme", "meta", {"access_token": "f1"})
    clock.advance(DAY_SECONDS)
    store.sightings.note("acme", "meta", {"access_token": "f1", "app_secret": "f2"})
    day = dt.timedelta(days=1)
    wanted = {"access_token": began, "app_secret": began + day}
    assert store.sightings.first_used("acme", "meta") == wanted


def test_another_credential_begins_anew(store: Store, clock: FakeClock) -> None:
    """Where a person has put in a new token, its age counts from then."""
    store.sightings.note("acme", "meta", {"access_token": "f1"})
    clock.advance(DAY_SECONDS)
    store.sightings.note("acme", "meta", {"access_token": "f2"})
    assert store.sightings.first_used("acme", "meta") == {"access_token": clock.now()}


def test_each_connection_has_its_own(store: Store) -> None:
    """Neither another source nor another organisation is meant."""
    store.sightings.note("acme", "meta", {"access_token": "f1"})
    assert store.sightings.first_used("acme", "stripe") == {}
    assert store.sightings.first_used("beta", "meta") == {}
