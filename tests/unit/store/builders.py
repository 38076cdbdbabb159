"""Values that the store's tests are made of."""

import datetime as dt

from tactics.model import AccountInfo, Finality, Priority, Slice, StreamKey, Window
from tactics.store import Author, Store

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")
OTHER_KEY = StreamKey("acme", "stripe", "main", "balance_transactions")
ACCOUNT = AccountInfo("act_1", "Acme EU", "EUR", "Europe/Vienna", {"locale": "de_AT"})
DAY = dt.date(2026, 11, 19)
WINDOW = Window(DAY, DAY + dt.timedelta(days=1))
UTC = dt.UTC
ME = Author("ada", "workshop")


def slice_of(key: StreamKey = KEY, window: Window = WINDOW) -> Slice:
    """Return a slice to fetch."""
    return Slice(key, window, Priority.LIVE, ACCOUNT)


def fetch_days(
    store: Store,
    window: Window = WINDOW,
    *,
    key: StreamKey = KEY,
    finality: Finality = Finality.PROVISIONAL,
    marker: str | None = None,
) -> str:
    """Fetch a slice of one page to its end, and return its request_id."""
    request_id = store.fetches.begin(slice_of(key, window), api_version="v25.0")
    with store.transaction():
        store.fetches.append_page(request_id, b'{"data":[]}', request="{}")
        days = [(day, finality) for day in window.days()]
        store.fetches.complete(request_id, days=days, marker=marker)
    return request_id
