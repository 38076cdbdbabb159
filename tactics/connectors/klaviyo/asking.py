"""The requests to Klaviyo, one function for each.

What a request is for, and what was found out before it, travels with it (`carry.py`): `stage` says
how its answer is read. Reads no answer.
Source: contract sheet "Klaviyo", sections 1 to 4 (2026-11-21).
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

from tactics.connectors.carry import carry
from tactics.connectors.klaviyo.faults import CURRENCY_FIELD
from tactics.connectors.klaviyo.options import KlaviyoOptions
from tactics.errors import ContractChanged, CursorRejected
from tactics.model import Slice
from tactics.transport import Request, get

REVISION = "2026-07-15"
MEDIA_TYPE = "application/vnd.api+json"
AGGREGATE_ROWS = 500  # groups on a page of metric aggregates, the default and the most
STATISTICS = (
    "recipients",
    "delivered",
    "opens_unique",
    "clicks_unique",
    "bounced",
    "unsubscribes",
    "spam_complaints",
    "conversion_uniques",
    "conversion_value",
)
# The page sizes are the largest that Klaviyo takes; archived ones are listed only on request.
_PARENTS = {
    "campaigns": (
        ("fields[campaign]", "name,send_time"),
        ("page[size]", "100"),
    ),
    "flows": (
        ("fields[flow]", "name"),
        ("page[size]", "50"),
    ),
}
REPORTS = {
    "campaign_values": "campaign-values-report",
    "flow_series": "flow-series-report",
}
# Klaviyo knows these zones by their older names only (OpenAPI 2026-07-15, metric aggregates).
_OLDER_ZONES = {"Europe/Kyiv": "Europe/Kiev", "Pacific/Kanton": "Pacific/Enderbury"}


def account() -> Request:
    """Return the request for time zone, currency and name of the key's account, and nothing else."""
    fields = "timezone,preferred_currency,test_account,contact_information.organization_name"
    return _versioned(get("/api/accounts", ("fields[account]", fields)))


def metrics(mine: KlaviyoOptions) -> Request:
    """Return the request for the metrics that may be the conversion metric."""
    query = [("fields[metric]", "name,integration")]
    if mine.conversion_integration is not None:
        query.append(("filter", f'equals(integration.name,"{mine.conversion_integration}")'))
    return carry(_versioned(get("/api/metrics", *query)), stage="metrics")


def parents(kind: str, metric_id: str, *, archived: bool = False) -> Request:
    """Return the request for all campaigns or flows: reports name neither them nor send times."""
    wanted = f"equals(archived,{str(archived).lower()})"
    if kind == "campaigns":
        wanted = f'and(equals(messages.channel,"email"),{wanted})'
    request = _versioned(get(f"/api/{kind}", ("filter", wanted), *_PARENTS[kind]))
    return carry(request, stage="parents", metric=metric_id, archived=int(archived))


def report(work: Slice, metric_id: str, until: dt.date) -> Request:
    """Return the request for the report of a window that ends with day `until`."""
    name = REPORTS[work.key.stream]
    parent = name.partition("-")[0]
    attributes: dict[str, object] = {
        "statistics": STATISTICS,
        # both ends inclusive, in the account's time zone whatever the offset says
        "timeframe": {
            "start": f"{work.window.start}T00:00:00+00:00",
            "end": f"{until}T23:59:59+00:00",
        },
        "conversion_metric_id": metric_id,
        "group_by": [f"{parent}_id", f"{parent}_message_id", "send_channel"],
        "filter": 'equals(send_channel,"email")',
    }
    if name == "flow-series-report":
        attributes["interval"] = "daily"
    request = _post(f"/api/{name}s", name, attributes)
    return carry(request, stage="report", metric=metric_id, until=until.isoformat())


def dimensions(work: Slice) -> list[str]:
    """Return by what attributed revenue is grouped."""
    wanted = ["$attributed_message", "$attributed_flow", CURRENCY_FIELD]
    return [name for name in wanted if name not in work.without]


def aggregate(work: Slice, metric_id: str, cursor: str = "") -> Request:
    """Return the request for attributed orders and revenue by day of the order."""
    after = work.window.end + dt.timedelta(days=1)
    zone = work.account.timezone or "UTC"
    attributes: dict[str, object] = {
        "metric_id": metric_id,
        "measurements": ["count", "sum_value"],
        "interval": "day",
        "by": dimensions(work),
        "filter": [
            f"greater-or-equal(datetime,{work.window.start}T00:00:00)",
            f"less-than(datetime,{after}T00:00:00)",
            'equals($attributed_channel,"email")',
        ],
        "timezone": _OLDER_ZONES.get(zone, zone),
        "page_size": AGGREGATE_ROWS,
    }
    if cursor:
        attributes["page_cursor"] = cursor
    request = _post("/api/metric-aggregates", "metric-aggregate", attributes)
    return carry(request, stage="aggregate", metric=metric_id, cursor=cursor)


def audiences(kind: str, link: str = "") -> Request:
    """Return the request for a page of `lists` or `segments`; ten are the most."""
    name = kind.removesuffix("s")
    first = get(f"/api/{kind}", (f"fields[{name}]", "name"), ("page[size]", "10"))
    request = carry(_versioned(first), stage="audiences", kind=kind)
    return following(request, link) if link else request


def audience(kind: str, pending: Sequence[str], after: str) -> Request:
    """Return the request for the size of the first of `pending`; `after` links to the page after.

    Only the single object tells its size, and only 15 of them a minute.
    """
    name = kind.removesuffix("s")
    size = (f"additional-fields[{name}]", "profile_count")
    request = _versioned(get(f"/api/{kind}/{quote(pending[0], safe='')}", size))
    rest = ",".join(pending[1:])
    return carry(request, stage="audience", kind=kind, pending=rest, after=after)


def following(request: Request, link: str) -> Request:
    """Return the request for the page behind `links.next`: its path and query, byte for byte.

    The host is our own, so that the key goes nowhere else.

    Raises:
        ContractChanged: the link does not lead into the API.
        CursorRejected: it leads back to where it stands.
    """
    parts = urlsplit(link)
    _, found, rest = parts.path.partition("/api/")
    if not found:
        raise ContractChanged("klaviyo's next page is not in its API", path=parts.path)
    onward = replace(request, path=f"/api/{rest}?{parts.query}", query=())
    if onward == request:
        raise CursorRejected("klaviyo repeats its cursor", path=request.path)
    return onward


def cursor_of(link: str) -> str:
    """Return the cursor in a link: metric aggregates want it in the body.

    Raises:
        CursorRejected: there is none.
    """
    found = parse_qs(urlsplit(link).query)
    for name in ("page_cursor", "page[cursor]"):
        if name in found:
            return found[name][0]
    raise CursorRejected("klaviyo has a next page but names no cursor")


def _post(path: str, kind: str, attributes: dict[str, object]) -> Request:
    body = json.dumps({"data": {"type": kind, "attributes": attributes}}).encode()
    # A report is a question: asking it twice does no harm.
    request = Request("POST", path, headers=(("content-type", MEDIA_TYPE),), body=body)
    return _versioned(request)


def _versioned(request: Request) -> Request:
    return request.with_headers(
        revision=REVISION,
        # without it a retired revision is answered by another one, in silence
        x_klaviyo_revision_fall_forward_opt_out="1",
        accept=MEDIA_TYPE,
    )
