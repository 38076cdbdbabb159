"""What visitors do on the pretend companies' sites, by day and where they came from.

A day's rows are a pure function of (seed, property, day, how often the day was restated). Purchases
are the shop's own orders, paid clicks those of the ad campaigns. Knows no HTTP.
"""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from tactics.model import Window
from tactics.sandbox.ledger import Fact
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

NOT_AVAILABLE = "(data not available)"

Origin: TypeAlias = tuple[str, str, str, str]  # channel group, source, medium, campaign

_WEEKDAYS = (1.08, 1.05, 1.02, 1.0, 0.97, 0.9, 0.98)  # Monday first
_TODAY_SHARE = 0.3  # it is early in the day
_UNKNOWN: Origin = ("Unassigned", NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE)
_KNOWN: Origin = ("Cross-network", "google", "cpc", "(cross-network)")
_VANISHING: Origin = ("Referral", "partner.example", "referral", "(referral)")
_DIRECT: Origin = ("Direct", "(direct)", "(none)", "(direct)")
_BASE: dict[Origin, int] = {
    ("Organic Search", "google", "organic", "(organic)"): 420,
    ("Organic Search", "bing", "organic", "(organic)"): 60,
    _DIRECT: 310,
    ("Referral", "news.example", "referral", "(referral)"): 45,
    _VANISHING: 20,
    ("Email", "newsletter", "email", "Weekly | News"): 80,
    ("Organic Social", "instagram.com", "social", "(not set)"): 70,
    _UNKNOWN: 25,
}
_PAID = {
    "meta": ("Paid Social", "facebook", "paid"),
    "google_ads": ("Paid Search", "google", "cpc"),
}
# Revenue is a sum of floats on Google's side: the text may miss the cent by a hair, never by half.
_NOISE = (Decimal(0), Decimal("-0.000001"), Decimal("0.0000000003"), Decimal("0.004999"))
_OTHER_REVENUE = Decimal("1.005")  # exactly between two cents


@dataclass(frozen=True, slots=True)
class Property:
    """One web property; its currency and time zone are its own, not the company's."""

    property_id: str
    org_id: str
    currency: str
    timezone: str
    percent: int = 100  # of the usual traffic
    has_shop: bool = False


@dataclass(frozen=True, slots=True)
class Visits:
    """What came from one origin on one day; decimals as exact as the vendor's text."""

    day: dt.date
    origin: Origin
    sessions: int = 0
    engaged: int = 0
    users: int = 0
    new_users: int = 0
    views: int = 0
    key_events: Decimal = Decimal(0)
    purchases: int = 0
    revenue: Decimal = Decimal(0)
    total_revenue: Decimal = Decimal(0)


def plan_properties(org: Org) -> tuple[Property, ...]:
    """Return the web properties of a company: its shop, and acme's blog overseas."""
    shop = {"acme": "421000001", "globex": "431000001"}[org.org_id]
    found = [Property(shop, org.org_id, org.currency, org.timezone, has_shop=True)]
    if org.org_id == "acme":
        found.append(Property("421000002", org.org_id, "USD", "America/New_York", percent=12))
    return tuple(found)


@dataclass(slots=True)
class Traffic:
    """The rows of every property, made when they are first asked for."""

    scene: Scene
    _held: dict[tuple[str, dt.date], tuple[tuple[int, dt.date], list[Visits]]] = field(
        default_factory=dict
    )
    _orders: dict[tuple[str, dt.date], dict[dt.date, list[int]]] = field(default_factory=dict)

    def rows(self, web: Property, window: Window) -> list[Visits]:
        """Return what the property recorded within `window`, as it stands today."""
        first = self.scene.today - dt.timedelta(days=self.scene.days - 1)
        start, end = max(window.start, first), min(window.end, self.scene.today)
        if start > end:
            return []
        return [row for day in Window(start, end).days() for row in self._day(web, day)]

    def facts(self, org: Org) -> Iterator[Fact]:
        """Yield what a correct sync leaves in silver."""
        history = Window(dt.date.min, self.scene.today)
        for web in plan_properties(org):
            for row in self.rows(web, history):
                yield _fact(web, row)

    def _day(self, web: Property, day: dt.date) -> list[Visits]:
        state = (self.scene.delivery.version(day), self.scene.today)
        made, rows = self._held.get((web.property_id, day), ((-1, day), []))
        if made != state:
            rows = self._make(web, day)
            self._held[web.property_id, day] = (state, rows)
        return rows

    def _make(self, web: Property, day: dt.date) -> list[Visits]:
        volumes = self._volumes(web, day)
        rows = [self._visits(web, day, origin, sessions) for origin, sessions in volumes.items()]
        rows = [row for row in rows if row.sessions]
        return self._sell(rows, web, day) if web.has_shop and rows else rows

    def _volumes(self, web: Property, day: dt.date) -> dict[Origin, int]:
        """Return the sessions by origin; a restated day knows better where they came from."""
        share = _TODAY_SHARE if day == self.scene.today else 1.0
        scale = web.percent / 100 * _WEEKDAYS[day.weekday()] * share
        volumes = {
            origin: round(usual * scale * self._dice(web, day, origin).uniform(0.85, 1.15))
            for origin, usual in _BASE.items()
        } | self._paid(web, day)
        if version := self.scene.delivery.version(day):
            volumes[_KNOWN] = volumes.pop(_UNKNOWN)
            volumes[_DIRECT] += volumes.pop(_VANISHING) + version
        return volumes

    def _paid(self, web: Property, day: dt.date) -> dict[Origin, int]:
        """Return about half of the clicks of each ad campaign that ran."""
        delivery, found = self.scene.delivery, dict[Origin, int]()
        for campaign in self.scene.orgs[web.org_id].campaigns if web.has_shop else ():
            labels, metrics = _PAID.get(campaign.account.source), delivery.find(campaign, day)
            if labels and metrics:
                origin = (*labels, delivery.names[campaign.campaign_id])
                found[origin] = found.get(origin, 0) + metrics.clicks // 2
        return found

    def _visits(self, web: Property, day: dt.date, origin: Origin, sessions: int) -> Visits:
        dice = self._dice(web, day, origin)
        engaged = round(sessions * dice.uniform(0.5, 0.75))
        users = round(sessions * dice.uniform(0.78, 0.92))
        return Visits(
            day=day,
            origin=origin,
            sessions=sessions,
            engaged=engaged,
            users=users,
            new_users=round(users * dice.uniform(0.4, 0.7)),
            views=round(sessions * dice.uniform(2.1, 3.4)),
            key_events=Decimal(dice.randint(0, engaged * 60_000)).scaleb(-6),
            total_revenue=_OTHER_REVENUE if origin == _DIRECT else Decimal(0),
        )

    def _sell(self, rows: list[Visits], web: Property, day: dt.date) -> list[Visits]:
        """Give every order of the day to one of the rows."""
        dice = random.Random(f"{self.scene.seed}:ga4:orders:{web.property_id}:{day}")
        for amount in self._orders_of(web.org_id).get(day, []):
            at = dice.randrange(len(rows))
            row, money = rows[at], Decimal(amount).scaleb(-2)
            noise = dice.choice(_NOISE) if row.purchases == 0 else Decimal(0)
            rows[at] = replace(
                row,
                purchases=row.purchases + 1,
                revenue=row.revenue + money + noise,
                total_revenue=row.total_revenue + money,
            )
        return rows

    def _orders_of(self, org_id: str) -> dict[dt.date, list[int]]:
        """Return the amounts of the shop's orders in its own currency, by day."""
        key = (org_id, self.scene.today)
        if key not in self._orders:
            books, found = self.scene.payments(org_id), dict[dt.date, list[int]]()
            for charge in books.charges:
                if charge.created <= books.now and charge.txn.currency == books.org.currency:
                    found.setdefault(books.local_day(charge.created), []).append(charge.txn.amount)
            self._orders[key] = found
        return self._orders[key]

    def _dice(self, web: Property, day: dt.date, origin: Origin) -> random.Random:
        version = self.scene.delivery.version(day)
        return random.Random(f"{self.scene.seed}:ga4:{web.property_id}:{day}:{origin}:{version}")


def _fact(web: Property, row: Visits) -> Fact:
    group, source, medium, campaign = row.origin
    return Fact(
        table="web_traffic",
        org_id=web.org_id,
        source="ga4",
        account_id=web.property_id,
        day=row.day,
        entity_id="|".join(row.origin),
        values={
            "channel_group": group,
            "traffic_source": source,
            "medium": medium,
            "campaign": campaign,
            "sessions": row.sessions,
            "engaged_sessions": row.engaged,
            "users": row.users,
            "new_users": row.new_users,
            "page_views": row.views,
            "key_events": _rounded(row.key_events, "0.0001"),
            "purchases": row.purchases,
            "purchase_revenue": _rounded(row.revenue, "0.01"),
            "total_revenue": _rounded(row.total_revenue, "0.01"),
            "currency": web.currency,
            "timezone": web.timezone,
        },
    )


def _rounded(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)
