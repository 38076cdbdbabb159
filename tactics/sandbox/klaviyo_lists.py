"""Klaviyo's collections: accounts, metrics, campaigns, flows, lists and segments.

Source: the klaviyo contract sheet of 2026-11-21, sections 3 and 4, and the OpenAPI document of
revision 2026-07-15 for the shapes.
"""

import datetime as dt
from collections.abc import Sequence

from tactics.sandbox.api import Call, Refused
from tactics.sandbox.klaviyo_access import invalid
from tactics.sandbox.klaviyo_mail import Audience, Mail, MailCampaign
from tactics.sandbox.klaviyo_query import (
    Document,
    check_parameters,
    cut,
    link,
    page_size,
    parse_filter,
    sparse,
)

_TIMES = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
_CAMPAIGN_FILTERS = {
    "id": ("any",),
    "messages.channel": ("equals",),
    "name": ("contains",),
    "status": ("any", "equals"),
    "archived": ("equals",),
    "created_at": _TIMES,
    "scheduled_at": _TIMES,
    "updated_at": _TIMES,
}
_FLOW_FILTERS = {
    "id": ("any",),
    "name": ("contains", "equals"),
    "archived": ("equals",),
    "created": _TIMES,
    "updated": _TIMES,
}
_AUDIENCE_FILTERS = {
    "id": ("any", "equals"),
    "name": ("any", "equals"),
    "created": ("greater-than",),
    "updated": ("greater-than",),
}
_METRIC_FILTERS = {"integration.name": ("equals",), "integration.category": ("equals",)}
_METRICS_ON_A_PAGE = 200


def list_accounts(mail: Mail, call: Call) -> Document:
    """Return the one account of the key."""
    check_parameters(call, "fields[account]")
    org = mail.org
    attributes = {
        "test_account": False,
        "contact_information": {
            "default_sender_name": f"Ada of {org.name}",
            "default_sender_email": f"ada@{org.org_id}.example",
            "website_url": f"https://{org.org_id}.example",
            "organization_name": org.name,
            "street_address": {"address1": "Ring 1", "city": "Wien", "country": "AT"},
        },
        "industry": None,
        "timezone": org.timezone,
        "preferred_currency": org.currency,
        "public_api_key": mail.metric_id[::-1],
        "locale": org.locale.replace("_", "-"),
    }
    kept = sparse(attributes, call.first("fields[account]"))
    return {"data": [_resource(call, "account", mail.metric_id[::-1], kept)], "links": _links(call)}


def list_metrics(mail: Mail, call: Call) -> Document:
    """Return a page of metrics."""
    check_parameters(call, "fields[metric]", "filter", "page[cursor]")
    terms = parse_filter(call.first("filter"), _METRIC_FILTERS)
    shop = {"object": "integration", "id": "0eMvjm", "name": "Shopify", "category": "eCommerce"}
    own = {"object": "integration", "id": "7FtS4J", "name": "Klaviyo", "category": "Internal"}
    named = [
        ("Opened Email", own),
        ("Placed Order", shop),
        ("Refunded Order", shop),
        ("Signed Up", {}),
    ]
    found = []
    for name, integration in named:
        if all(term.holds(integration.get(term.field.partition(".")[2])) for term in terms):
            attributes = {
                "name": name,
                "created": "2024-01-01T09:00:00+00:00",
                "updated": "2024-01-01T09:00:00+00:00",
                "integration": integration,
            }
            metric_id = mail.metric_id if name == "Placed Order" else f"M{len(name):05d}"
            kept = sparse(attributes, call.first("fields[metric]"))
            found.append(_resource(call, "metric", metric_id, kept))
    return _page(call, found, _METRICS_ON_A_PAGE)


def list_campaigns(mail: Mail, call: Call) -> Document:
    """Return a page of campaigns; archived ones only on request.

    Raises:
        Refused: the channel is not said.
    """
    check_parameters(call, "fields[campaign]", "filter", "page[cursor]", "page[size]")
    terms = parse_filter(call.first("filter"), _CAMPAIGN_FILTERS)
    if "messages.channel" not in {term.field for term in terms}:
        detail = "A channel filter is required to list campaigns."
        raise Refused(invalid(detail, parameter="filter"))
    if "archived" not in {term.field for term in terms}:
        terms += parse_filter("equals(archived,false)", _CAMPAIGN_FILTERS)
    found = []
    for campaign in mail.campaigns():
        attributes = _campaign_attributes(mail, campaign)
        known = attributes | {"id": campaign.campaign_id, "messages.channel": campaign.channel}
        if all(term.holds(known[term.field]) for term in terms):
            kept = sparse(attributes, call.first("fields[campaign]"))
            found.append(_resource(call, "campaign", campaign.campaign_id, kept))
    return _page(call, found, page_size(call, 100))


def _campaign_attributes(mail: Mail, campaign: MailCampaign) -> Document:
    created = dt.datetime.combine(campaign.day - dt.timedelta(days=3), dt.time(9), dt.UTC)
    sent = mail.is_sent(campaign)
    status = "Draft" if campaign.send_time is None else "Sent" if sent else "Scheduled"
    return {
        "name": campaign.name,
        "status": status,
        "archived": campaign.archived,
        "audiences": {"included": ["Y6nRLr"], "excluded": []},
        "send_options": {"use_smart_sending": True},
        "tracking_options": None,
        "send_strategy": {"method": "immediate"},
        "created_at": created.isoformat(),
        "scheduled_at": created.isoformat() if campaign.send_time else None,
        "updated_at": (campaign.send_time or created).isoformat(),
        "send_time": campaign.send_time.isoformat() if campaign.send_time else None,
    }


def list_flows(mail: Mail, call: Call) -> Document:
    """Return a page of flows; a deleted one is gone."""
    check_parameters(call, "fields[flow]", "filter", "page[cursor]", "page[size]")
    terms = parse_filter(call.first("filter"), _FLOW_FILTERS)
    found = []
    for flow in mail.flows():
        attributes = {
            "name": flow.name,
            "status": "live",
            "archived": flow.is_resting,
            "created": "2024-01-01T09:00:00+00:00",
            "updated": "2024-06-01T09:00:00+00:00",
            "trigger_type": "Metric",
        }
        known = attributes | {"id": flow.flow_id}
        if flow.until is None and all(term.holds(known[term.field]) for term in terms):
            kept = sparse(attributes, call.first("fields[flow]"))
            found.append(_resource(call, "flow", flow.flow_id, kept))
    return _page(call, found, page_size(call, 50))


def list_audiences(mail: Mail, call: Call) -> Document:
    """Return a page of lists or segments."""
    kind = call.path.removeprefix("/api/").removesuffix("s")
    check_parameters(call, f"fields[{kind}]", "filter", "page[cursor]", "page[size]")
    terms = parse_filter(call.first("filter"), _AUDIENCE_FILTERS)
    found = []
    for audience in mail.audiences():
        document = audience_document(audience, call)
        known = document["attributes"] | {"id": audience.audience_id, "name": audience.name}
        if audience.kind == kind and all(term.holds(known.get(term.field)) for term in terms):
            found.append(document)
    page = _page(call, found, page_size(call, 10))
    if kind == "segment" and page["links"]["next"] is None:
        del page["links"]["next"]  # null or absent: both mean the end
    return page


def audience_document(audience: Audience, call: Call, **more: object) -> Document:
    """Return one list or segment; a segment's conditions hold personal data."""
    attributes: Document = {
        "name": audience.name,
        "created": "2024-01-01T09:00:00+00:00",
        "updated": "2026-03-01T09:00:00+00:00",
    }
    if audience.kind == "list":
        attributes["opt_in_process"] = audience.opt_in_process
    else:
        condition = {"type": "profile-property", "property": "email", "value": "ada@x.example"}
        attributes |= {"is_active": True, "is_processing": False, "is_starred": False}
        attributes["definition"] = {"condition_groups": [{"conditions": [condition]}]}
    kept = sparse(attributes | more, call.first(f"fields[{audience.kind}]"))
    return _resource(call, audience.kind, audience.audience_id, kept)


def _resource(call: Call, kind: str, found_id: str, attributes: Document) -> Document:
    self_link = {"self": f"{call.base}/api/{kind}s/{found_id}"}
    return {"type": kind, "id": found_id, "attributes": attributes, "links": self_link}


def _page(call: Call, found: Sequence[Document], size: int) -> Document:
    page, cursor = cut(found, call.first("page[cursor]"), size)
    return {"data": page, "links": _links(call, cursor)}


def _links(call: Call, cursor: str | None = None) -> Document:
    onward = link(call, **{"page[cursor]": cursor}) if cursor else None
    return {"self": link(call), "prev": None, "next": onward}
