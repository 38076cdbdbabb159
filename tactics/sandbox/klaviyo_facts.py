"""The silver rows that a correct sync of Klaviyo leaves. Knows no HTTP."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from tactics.sandbox.klaviyo_mail import STATISTICS, Audience, Mail, MailCampaign, MailFlow, Stats
from tactics.sandbox.ledger import Fact


def mail_facts(mail: Mail) -> Iterator[Fact]:
    """Yield every row that silver must have; sizes of audiences of today only."""
    for campaign in mail.sent():
        if campaign.channel == "email":
            yield from _campaign_facts(mail, campaign)
    for flow in mail.flows():
        yield from _flow_facts(mail, flow)
    for audience in mail.audiences():
        yield _audience_fact(mail, audience)
    yield from _sale_facts(mail)


def _campaign_facts(mail: Mail, campaign: MailCampaign) -> Iterator[Fact]:
    for message_id in campaign.message_ids:
        stats = mail.campaign_stats(campaign, message_id, mail.history)
        if stats:
            about = {
                "kind": "campaign",
                "parent_id": campaign.campaign_id,
                "message_id": message_id,
            }
            values = about | {"parent_name": campaign.name}
            yield _mail_fact(mail, campaign.day, stats, **values)


def _flow_facts(mail: Mail, flow: MailFlow) -> Iterator[Fact]:
    name = flow.name if flow.until is None else None  # a deleted one is in no list
    for message_id in flow.message_ids:
        about = {"kind": "flow", "parent_id": flow.flow_id, "message_id": message_id}
        for day in mail.history.days():
            stats = mail.flow_stats(flow, message_id, day)
            if any(stats.values()):
                yield _mail_fact(mail, day, stats, **about, parent_name=name)


def _mail_fact(mail: Mail, day: dt.date, stats: Stats, **about: str | None) -> Fact:
    counts = {name: stats[name] for name in STATISTICS[:-2]}
    return _fact(
        mail,
        "email_performance",
        day,
        entity_id=f"{about['kind']}|{about['message_id']}",
        **about,
        **counts,
        send_channel="email",
        conversions=stats["conversion_uniques"],
        conversion_value=Decimal(stats["conversion_value"]).scaleb(-2),
        currency=mail.org.currency,
        conversion_metric_id=mail.metric_id,
    )


def _audience_fact(mail: Mail, audience: Audience) -> Fact:
    return _fact(
        mail,
        "email_subscribers",
        mail.history.end,
        entity_id=f"{audience.kind}|{audience.audience_id}",
        list_id=audience.audience_id,
        list_name=audience.name,
        kind=audience.kind,
        profile_count=audience.size,
        opt_in_process=audience.opt_in_process,
    )


def _sale_facts(mail: Mail) -> Iterator[Fact]:
    for sale in mail.sales(mail.history):
        if sale.channel == "email":
            kind = "flow" if sale.flow_id else "campaign"
            yield _fact(
                mail,
                "email_revenue",
                sale.day,
                entity_id=f"{kind}|{sale.message_id}|{sale.currency}",
                kind=kind,
                message_id=sale.message_id,
                metric_id=mail.metric_id,
                orders=sale.orders,
                revenue=Decimal(sale.cents).scaleb(-2),
                currency=sale.currency,
            )


def _fact(
    mail: Mail, table: str, day: dt.date, *, entity_id: str, **values: int | Decimal | str | None
) -> Fact:
    org_id = mail.org.org_id
    return Fact(table, org_id, "klaviyo", org_id, day, entity_id, values)
