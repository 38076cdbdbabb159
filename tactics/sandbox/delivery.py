"""How the campaigns deliver, day by day, and how the vendor restates it later.

A day's numbers are a pure function of (seed, campaign, day, restatements so far), so that order of
asking never matters. Every ad simulator renders these rows; none adds up its own.
"""

import datetime as dt
import random
from dataclasses import dataclass
from typing import TypeAlias

from tactics.model import Window
from tactics.sandbox.plan import Campaign

CampaignDay: TypeAlias = tuple[str, dt.date]

_WEEKDAYS = (1.02, 1.00, 0.98, 0.99, 1.05, 1.03, 0.93)  # Monday first; the mean is 1
_TODAY_SHARE = 0.3  # it is early in the day: today's row is partial
_ORDER_VALUE = 9_000  # minor units


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one campaign did on one day; money in minor units of the account's currency."""

    impressions: int = 0
    clicks: int = 0
    spend_minor: int = 0
    conversions: int = 0
    value_minor: int = 0
    video_views: int = 0

    def __add__(self, other: "Metrics") -> "Metrics":
        return Metrics(*(a + b for a, b in zip(self._values(), other._values(), strict=True)))

    def split(self, percent: int) -> tuple["Metrics", "Metrics"]:
        """Return two parts that add up to the whole, the first about `percent` of it."""
        first = tuple(value * percent // 100 for value in self._values())
        rest = (value - part for value, part in zip(self._values(), first, strict=True))
        return Metrics(*first), Metrics(*rest)

    def _values(self) -> tuple[int, ...]:
        return (
            self.impressions,
            self.clicks,
            self.spend_minor,
            self.conversions,
            self.value_minor,
            self.video_views,
        )


class Delivery:
    """The daily rows of all campaigns up to `today`, with what has been restated or dropped."""

    def __init__(self, seed: int, today: dt.date, campaigns: tuple[Campaign, ...]) -> None:
        self._seed = seed
        self.today = today
        self.campaigns = {campaign.campaign_id: campaign for campaign in campaigns}
        self.names = {campaign.campaign_id: campaign.name for campaign in campaigns}
        self._restated: dict[dt.date, int] = {}
        self._dropped: set[CampaignDay] = set()
        self._rows: dict[CampaignDay, Metrics] = {}

    def of_account(self, account_id: str) -> list[Campaign]:
        """Return the campaigns of an account, oldest first."""
        return [
            campaign
            for campaign in self.campaigns.values()
            if campaign.account.account_id == account_id
        ]

    def find(self, campaign: Campaign, day: dt.date) -> Metrics | None:
        """Return the row of a campaign's day; None where nothing was delivered."""
        flight = campaign.delivers
        key = (campaign.campaign_id, day)
        if flight is None or not flight.start <= day <= min(flight.end, self.today):
            return None
        if key in self._dropped:
            return None
        if key not in self._rows:
            self._rows[key] = self._make(campaign, day)
        return self._rows[key]

    def rows(self, campaign: Campaign, window: Window) -> list[tuple[dt.date, Metrics]]:
        """Return the delivered days of a campaign within `window`, oldest first."""
        found = ((day, self.find(campaign, day)) for day in window.days())
        return [(day, metrics) for day, metrics in found if metrics is not None]

    def version(self, day: dt.date) -> int:
        """Return how often `day` was restated; every simulator's own numbers may depend on it."""
        return self._restated.get(day, 0)

    def restate(self, days: int) -> Window:
        """Change the numbers of the last `days` days, as vendors do for weeks."""
        window = Window(self.today - dt.timedelta(days=days - 1), self.today)
        for day in window.days():
            self._restated[day] = self._restated.get(day, 0) + 1
        self._rows = {key: row for key, row in self._rows.items() if key[1] < window.start}
        return window

    def drop(self, count: int, days: int = 14) -> list[CampaignDay]:
        """Make `count` rows of the last `days` closed days vanish, and return which."""
        window = Window(self.today - dt.timedelta(days=days), self.today - dt.timedelta(days=1))
        present = [
            (campaign.campaign_id, day)
            for campaign in self.campaigns.values()
            for day, _ in self.rows(campaign, window)
        ]
        chosen = random.Random(f"{self._seed}:drop:{len(self._dropped)}").sample(present, count)
        self._dropped.update(chosen)
        return sorted(chosen)

    def rename(self, campaign_id: str, name: str) -> None:
        """Give a campaign another name, also in its history."""
        self.names[self.campaigns[campaign_id].campaign_id] = name

    def advance(self, days: int) -> None:
        """Let `days` pass; what was today is now whole."""
        self._rows = {key: row for key, row in self._rows.items() if key[1] < self.today}
        self.today += dt.timedelta(days=days)

    def _make(self, campaign: Campaign, day: dt.date) -> Metrics:
        dice = random.Random(f"{self._seed}:{campaign.campaign_id}:{day}")
        share = _TODAY_SHARE if day == self.today else 1.0
        volume = campaign.daily_impressions * _WEEKDAYS[day.weekday()] * share
        impressions = round(volume * dice.uniform(0.94, 1.06))
        clicks = round(impressions * campaign.click_rate * dice.uniform(0.85, 1.15))
        spend = float(campaign.cost_per_mille) * impressions / 10 * dice.uniform(0.95, 1.05)
        conversions = round(clicks * campaign.purchase_rate * dice.uniform(0.5, 1.6))
        metrics = Metrics(
            impressions=impressions,
            clicks=clicks,
            spend_minor=round(spend),
            conversions=conversions,
            value_minor=round(conversions * _ORDER_VALUE * dice.uniform(0.8, 1.2)),
            video_views=round(impressions * campaign.video_rate),
        )
        for version in range(1, self.version(day) + 1):
            metrics = _restated(
                metrics, random.Random(f"{self._seed}:{campaign.campaign_id}:{day}:{version}")
            )
        return metrics


def _restated(metrics: Metrics, dice: random.Random) -> Metrics:
    """Return later numbers: a few more of everything, spend corrected by up to 2 %."""
    late = dice.randint(0, 3)
    return metrics + Metrics(
        impressions=dice.randint(1, 60),
        clicks=dice.randint(0, 2),
        spend_minor=dice.randint(-metrics.spend_minor // 50, metrics.spend_minor // 50),
        conversions=late,
        value_minor=late * dice.randint(_ORDER_VALUE // 2, _ORDER_VALUE * 2),
    )
