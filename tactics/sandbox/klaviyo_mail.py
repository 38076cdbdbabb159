"""The e-mail of one organisation: campaigns, flows, lists, and what came of every message.

Numbers are a pure function of (seed, message, day, restatements, age): people open and buy for days
after a message was sent. Knows no HTTP.
"""

import datetime as dt
import hashlib
import random
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from tactics.model import Window
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

T = TypeVar("T")
Stats: TypeAlias = dict[str, int]

STATISTICS = (
    "recipients", "delivered", "opens_unique", "clicks_unique", "bounced", "unsubscribes",
    "spam_complaints", "conversion_uniques", "conversion_value",
)  # fmt: skip
_GROWTH = (45, 75, 88, 94, 97, 100)  # percent of the opens after so many days
_TODAY_PERCENT = 30  # it is early in the day
_SCHEDULED_DAYS = 7  # campaigns are planned so far ahead
_ARCHIVED_AFTER_DAYS = 45
_AUDIENCE = {"acme": 24_000, "globex": 9_000}
_THEMES = ("Newsletter", "Weekend Deal", "New In", "Back in Stock", "Members First")
_FLOWS = {
    "acme": (("Welcome Series", 3), ("Abandoned Cart", 2), ("Win-back", 1), ("Old Birthday", 1)),
    "globex": (("Welcome Series", 2), ("Trial Ending", 1)),
}
_DELETED_FLOW, _SUNDAY_OFF = "Old Birthday", "Win-back"
_LISTS = {
    "acme": ("Newsletter", "VIP", "Checkout", "Pop-up", "Store Vienna", "Store Graz", "Giveaway",
             "Press", "Partners", "Beta Testers", "SMS Opt-in"),
    "globex": ("Newsletter", "Trial Users"),
}  # fmt: skip
_SEGMENTS = {"acme": ("Engaged 90 days", "Repeat Purchasers"), "globex": ("Engaged 90 days",)}
_ORDER_CENTS = (2_900, 18_900)
_BUYING_DAYS = 5  # the attribution window
_RARE = 0.2
_MAILING_DAYS = (2, 4)  # Tuesday and Thursday
_SUNDAY = 7


@dataclass(frozen=True, slots=True)
class MailCampaign:
    """One campaign; `parts` are the days on which it goes out and the percent of each."""

    campaign_id: str
    name: str
    channel: str
    send_time: dt.datetime | None  # UTC; a draft has none
    day: dt.date  # of the send time, in the account's time zone
    message_ids: tuple[str, ...]
    parts: tuple[tuple[dt.date, int], ...]
    archived: bool


@dataclass(frozen=True, slots=True)
class MailFlow:
    """One flow; a deleted one is in the reports of its time and in no list."""

    flow_id: str
    name: str
    message_ids: tuple[str, ...]
    until: dt.date | None = None
    is_resting: bool = False  # sends nothing on Sundays


@dataclass(frozen=True, slots=True)
class Audience:
    """One list or segment."""

    audience_id: str
    name: str
    kind: str
    size: int
    opt_in_process: str | None


@dataclass(frozen=True, slots=True)
class Sale:
    """The attributed orders of one message, day and currency; flow is empty for a campaign's."""

    day: dt.date
    channel: str
    message_id: str
    flow_id: str
    currency: str
    orders: int
    cents: int


class Mail:
    """What one organisation's account holds at this moment."""

    def __init__(self, scene: Scene, org: Org, first_day: dt.date) -> None:
        self.org = org
        self.metric_id = _code(scene.seed, org.org_id, "placed order")
        self.first_day = first_day
        self._scene = scene
        self._zone = zoneinfo.ZoneInfo(org.timezone)
        self._campaigns: dict[dt.date, list[MailCampaign]] = {}

    @property
    def history(self) -> Window:
        """Return the days that have something, today included."""
        return Window(self.first_day, self._scene.today)

    def campaigns(self) -> list[MailCampaign]:
        """Return every campaign, oldest first: sent, scheduled, a draft, and those of SMS."""
        today = self._scene.today
        if today not in self._campaigns:
            last = today + dt.timedelta(days=_SCHEDULED_DAYS)
            found = [self._campaign(day) for day in Window(self.first_day, last).days()]
            self._campaigns = {today: [self._draft(), *(item for item in found if item)]}
        return self._campaigns[today]

    def sent(self) -> list[MailCampaign]:
        """Return the campaigns that have begun to go out, those of SMS included."""
        return [campaign for campaign in self.campaigns() if self.is_sent(campaign)]

    def is_sent(self, campaign: MailCampaign) -> bool:
        """Return whether a campaign has begun to go out."""
        return campaign.send_time is not None and campaign.send_time <= self._scene.now()

    def flows(self) -> list[MailFlow]:
        """Return every flow, the deleted one included."""
        return [
            MailFlow(
                flow_id=_code(self._scene.seed, self.org.org_id, name),
                name=name,
                message_ids=tuple(self._ulid(f"{name}:{number}") for number in range(count)),
                until=self._half() if name == _DELETED_FLOW else None,
                is_resting=name == _SUNDAY_OFF,
            )
            for name, count in _of(_FLOWS, self.org)
        ]

    def audiences(self) -> list[Audience]:
        """Return the lists and segments with their sizes of today."""
        held = [(name, "list") for name in _of(_LISTS, self.org)]
        held += [(name, "segment") for name in _of(_SEGMENTS, self.org)]
        return [self._audience(name, kind) for name, kind in held]

    def campaign_stats(self, campaign: MailCampaign, message_id: str, window: Window) -> Stats:
        """Return what came so far of what was sent within `window`; empty when nothing was."""
        total: Stats = {}
        for day, percent in campaign.parts:
            if window.start <= day <= min(window.end, self._scene.today):
                audience = _of(_AUDIENCE, self.org) // len(campaign.message_ids)
                part = self._stats(message_id, day, audience * percent // 100)
                total = {name: total.get(name, 0) + part[name] for name in STATISTICS}
        return total

    def flow_stats(self, flow: MailFlow, message_id: str, day: dt.date) -> Stats:
        """Return what came so far of what a flow sent on `day`; all zero when it sent nothing."""
        resting = flow.is_resting and day.isoweekday() == _SUNDAY
        over = flow.until is not None and day > flow.until
        if resting or over or not self.first_day <= day <= self._scene.today:
            return dict.fromkeys(STATISTICS, 0)
        return self._stats(message_id, day, self._of_today(day, 260))

    def sales(self, window: Window) -> Iterator[Sale]:
        """Yield the attributed orders of the days in `window`."""
        bounds = (max(self.first_day, window.start), min(self._scene.today, window.end))
        for campaign in self.sent():
            days = [campaign.day + dt.timedelta(days=offset) for offset in range(_BUYING_DAYS)]
            for message_id in campaign.message_ids:
                for day in (day for day in days if bounds[0] <= day <= bounds[1]):
                    yield from self._sales(day, campaign.channel, message_id, flow_id="")
        for flow in self.flows():
            last = min(flow.until or bounds[1], bounds[1])
            days = list(Window(bounds[0], last).days()) if bounds[0] <= last else []
            for message_id in flow.message_ids:
                for day in days:
                    yield from self._sales(day, "email", message_id, flow_id=flow.flow_id)

    def _sales(
        self, day: dt.date, channel: str, message_id: str, *, flow_id: str
    ) -> Iterator[Sale]:
        dice = self._dice("sales", message_id, day)
        foreign = "CHF" if self.org.currency == "EUR" else "CAD"
        for currency, most in ((self.org.currency, 6), (foreign, 1)):
            orders = self._of_today(day, dice.randint(0, most)) + self._version(day)
            cents = sum(dice.randint(*_ORDER_CENTS) for _ in range(orders))
            if orders and (currency != foreign or dice.random() < _RARE):
                yield Sale(day, channel, message_id, flow_id, currency, orders, cents)

    def _stats(self, message_id: str, day: dt.date, audience: int) -> Stats:
        dice = self._dice("stats", message_id, day)
        recipients = round(audience * dice.uniform(0.6, 1.0))
        bounced = round(recipients * dice.uniform(0.004, 0.012))
        delivered = recipients - bounced
        grown = _GROWTH[min((self._scene.today - day).days, len(_GROWTH) - 1)]
        opens = round(delivered * dice.uniform(0.35, 0.5)) * grown // 100
        clicks = round(opens * dice.uniform(0.05, 0.12))
        buyers = round(clicks * dice.uniform(0.05, 0.2))
        cents = round(buyers * 8_000 * dice.uniform(0.8, 1.2))
        for version in range(1, self._version(day) + 1):
            late = self._dice("late", message_id, day, version)
            opens, clicks = opens + late.randint(1, 9), clicks + late.randint(0, 2)
            buyers, cents = buyers + 1, cents + late.randint(*_ORDER_CENTS)
        return {
            "recipients": recipients,
            "delivered": delivered,
            "opens_unique": opens,
            "clicks_unique": clicks,
            "bounced": bounced,
            "unsubscribes": round(delivered * dice.uniform(0.0005, 0.003)),
            "spam_complaints": round(delivered * dice.uniform(0, 0.0004)),
            "conversion_uniques": buyers,
            "conversion_value": cents,
        }

    def _campaign(self, day: dt.date) -> MailCampaign | None:
        dice = self._dice("campaign", day)
        if day.isoweekday() not in _MAILING_DAYS and dice.random() > _RARE:
            return None
        # 23:30 in New York is the next day in UTC, 0:10 in Vienna the day before
        at = dice.choice(((6, 0), (9, 30), (17, 0), (23, 30), (0, 10)))
        local = dt.datetime.combine(day, dt.time(*at), self._zone)
        is_slow = dice.random() < _RARE  # it goes out over two days
        next_day = day + dt.timedelta(days=1)
        count = 2 if dice.random() < _RARE else 1
        age = (self._scene.today - day).days
        return MailCampaign(
            campaign_id=self._ulid(f"campaign:{day}"),
            name=f"{dice.choice(_THEMES)} | {day:%d %b %Y}",
            channel="sms" if dice.random() < _RARE / 2 else "email",
            send_time=local.astimezone(dt.UTC),
            day=day,
            message_ids=tuple(self._ulid(f"campaign:{day}:{number}") for number in range(count)),
            parts=((day, 60), (next_day, 40)) if is_slow else ((day, 100),),
            archived=age > _ARCHIVED_AFTER_DAYS and dice.random() < _RARE,
        )

    def _draft(self) -> MailCampaign:
        return MailCampaign(
            campaign_id=self._ulid("draft"),
            name="Untitled",
            channel="email",
            send_time=None,
            day=self.first_day,
            message_ids=(self._ulid("draft:0"),),
            parts=(),
            archived=False,
        )

    def _audience(self, name: str, kind: str) -> Audience:
        dice = self._dice("audience", name, kind)
        age = (self._scene.today - self.first_day).days
        size = dice.randint(200, _of(_AUDIENCE, self.org)) + age * dice.randint(0, 25)
        process = dice.choice(("single_opt_in", "double_opt_in")) if kind == "list" else None
        code = _code(self._scene.seed, self.org.org_id, f"{kind}:{name}")
        return Audience(code, name, kind, size, process)

    def _half(self) -> dt.date:
        return self.first_day + dt.timedelta(days=self._scene.days // 2)

    def _of_today(self, day: dt.date, number: int) -> int:
        return number * _TODAY_PERCENT // 100 if day == self._scene.today else number

    def _version(self, day: dt.date) -> int:
        return self._scene.delivery.version(day)

    def _dice(self, *names: object) -> random.Random:
        text = ":".join(map(str, (self._scene.seed, self.org.org_id, "klaviyo", *names)))
        return random.Random(text)

    def _ulid(self, name: str) -> str:
        return f"01{_digest(self._scene.seed, self.org.org_id, name)[:24].upper()}"


def _of(table: Mapping[str, T], org: Org) -> T:
    return table.get(org.org_id, table["globex"])


def _code(seed: int, org_id: str, name: str) -> str:
    """Return a short id such as `Y6nRLr`, as metrics, flows, lists and segments have."""
    number = int(_digest(seed, org_id, name), 16)
    letters = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    return "".join(letters[number // len(letters) ** place % len(letters)] for place in range(6))


def _digest(seed: int, org_id: str, name: str) -> str:
    return hashlib.blake2b(f"{seed}:{org_id}:klaviyo:{name}".encode(), digest_size=16).hexdigest()
