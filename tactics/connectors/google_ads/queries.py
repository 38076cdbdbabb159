"""What Google Ads is asked, in its query language (GAQL).

Source: contract sheet "Google Ads API (REST search / searchStream)" sections 2, 3 (2026-11-21).
"""

from tactics.model import Slice, Window
from tactics.transport import Request, post_json

REQUIRED_FIELDS = (
    "customer.id",
    "campaign.id",
    "campaign.advertising_channel_type",
    "segments.date",
    "metrics.impressions",
    "metrics.clicks",
    "metrics.cost_micros",
)
# From v22 on it is video_trueview_views; video_views, which many texts show, is refused.
OPTIONAL_FIELDS = (
    "customer.currency_code",
    "customer.time_zone",
    "campaign.name",
    "campaign.status",
    "metrics.conversions",
    "metrics.conversions_value",
    "metrics.video_trueview_views",
)
_ACCOUNT = (
    "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone,"
    " customer.manager FROM customer"
)
_CHILDREN = (
    "SELECT customer_client.id, customer_client.descriptive_name, customer_client.manager,"
    " customer_client.status FROM customer_client"
)


def ask_account(path: str) -> Request:
    """Return the request for an account's name, currency and time zone."""
    return post_json(path, {"query": _ACCOUNT})


def ask_children(path: str) -> Request:
    """Return the request for the accounts below a manager, itself included."""
    return post_json(path, {"query": _CHILDREN})


def is_about_children(request: Request) -> bool:
    """Return whether this is the request of `ask_children`."""
    return b"FROM customer_client" in request.body


def ask_campaigns(path: str, work: Slice) -> Request:
    """Return the request for a row of every campaign and day of the slice.

    One row a campaign and day: another segment in the query would make the key of a row longer.
    """
    fields = [*REQUIRED_FIELDS, *(name for name in OPTIONAL_FIELDS if name not in work.without)]
    query = f"SELECT {', '.join(fields)} FROM campaign WHERE {_between(work.window)}"
    return post_json(path, {"query": query})


def _between(window: Window) -> str:
    return f"segments.date BETWEEN '{window.start}' AND '{window.end}'"
