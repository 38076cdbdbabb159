"""A Meta-like API with millions of rows that cost next to nothing to serve: for benchmarks.

Pages are joined from rows written once; per day only the date changes. Totals are known without
adding up a million rows. Answers account look-ups and direct insights of campaigns, nothing else.
"""

import datetime as dt
import functools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.delivery import Metrics
from tactics.sandbox.dispatch import Dispatcher, known_faults
from tactics.sandbox.faults import Faults
from tactics.sandbox.keys import make_keys
from tactics.sandbox.meta_errors import AFTER, BEFORE, cursor, error_reply, offset
from tactics.sandbox.meta_insights import BadParameter, money, parse_query

_ACCOUNT = "act_9000000000000001"
_FIRST_CAMPAIGN = 23_850_000_100_000_000
_VARIANTS = 7  # weekdays look different; a restated day takes the next variant
_DATE = "@@@@-@@-@@"  # stands where a row has its date, of the same length


@dataclass(frozen=True, slots=True)
class BulkTotals:
    """What all rows add up to; money is exact."""

    rows: int
    impressions: int
    clicks: int
    spend: Decimal
    conversions: int
    conversion_value: Decimal
    video_views: int

    def to_json(self) -> dict[str, object]:
        """Return plain values; Decimals are text."""
        counts = {name: getattr(self, name) for name in ("rows", "impressions", "clicks")}
        rest = {"conversions": self.conversions, "video_views": self.video_views}
        money_of = {"spend": str(self.spend), "conversion_value": str(self.conversion_value)}
        return {**counts, **rest, **money_of}


class BulkMeta:
    """One ad account with `campaigns` rows on each of its days; `pages` pages in all.

    The days end the day before `today`. Drop-in for `World` in `serve`.
    """

    def __init__(
        self,
        rows_per_page: int = 500,
        pages: int = 2000,
        *,
        today: dt.date,
        campaigns: int = 2500,
        seed: int = 7,
    ) -> None:
        self._page_size = rows_per_page
        self._campaigns = campaigns
        self._today = today
        self._days = -(-rows_per_page * pages // campaigns)
        self._shifts: dict[dt.date, int] = {}
        self._keys = make_keys(seed, "bulk")
        simulator = Simulator(
            name="meta",
            routes=(
                Route("GET", "/{version}/{account}/insights", self._list_insights),
                Route("GET", "/{version}/{account}", self._get_account),
            ),
            not_found=lambda _call: error_reply("Unknown path components", code=2500),
            before=BEFORE,
            after=AFTER,
        )
        self.faults = Faults(known_faults([simulator]))
        self._dispatcher = Dispatcher([simulator], self.faults, threading.RLock())

    @property
    def start(self) -> dt.date:
        """Return the first day that has rows."""
        return self._today - dt.timedelta(days=self._days)

    @property
    def end(self) -> dt.date:
        """Return the last day that has rows."""
        return self._today - dt.timedelta(days=1)

    def answer(self, call: Call) -> Reply:
        """Return what the API says."""
        return self._dispatcher.answer(call)

    def totals(self) -> BulkTotals:
        """Return what all rows add up to now."""
        sums = [_variant_sum(variant, self._campaigns) for variant in range(_VARIANTS)]
        total = Metrics()
        for number in range(self._days):
            total += sums[self._variant(self.start + dt.timedelta(days=number))]
        return BulkTotals(
            rows=self._days * self._campaigns,
            impressions=total.impressions,
            clicks=total.clicks,
            spend=Decimal(total.spend_minor).scaleb(-2),
            conversions=total.conversions,
            conversion_value=Decimal(total.value_minor).scaleb(-2),
            video_views=total.video_views,
        )

    def restate(self, days: int = 30) -> None:
        """Change all numbers of the last `days` days."""
        for number in range(days):
            day = self.end - dt.timedelta(days=number)
            self._shifts[day] = self._shifts.get(day, 0) + 1

    def advance(self, days: int = 1) -> dt.date:
        """Add `days` days of rows; return the new today."""
        self._today += dt.timedelta(days=days)
        self._days += days
        return self._today

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """Return the mutations by name."""
        return {"restate": self.restate, "advance": self.advance}

    def config_toml(self, url: str) -> str:
        """Return a complete tactics.toml with this account as its only source."""
        return (
            '[orgs.bulk]\nname = "Bulk"\ncurrency = "EUR"\ntimezone = "Europe/Vienna"\n\n'
            f'[orgs.bulk.sources.meta]\naccounts = ["{_ACCOUNT}"]\nbase_url = "{url}/meta"\n'
            f"history_days = {self._days + 1}\nrollup_check = false\n"
        )

    def environment(self, _url: str) -> dict[str, str]:
        """Return the credentials as environment variables."""
        return {"TACTICS_BULK_META_ACCESS_TOKEN": self._keys.meta_access_token}

    def _get_account(self, call: Call) -> Reply:
        self._sign_in(call)
        return Reply({
            "id": _ACCOUNT,
            "account_id": _ACCOUNT.removeprefix("act_"),
            "name": "Bulk",
            "currency": "EUR",
            "timezone_name": "Europe/Vienna",
            "account_status": 1,
        })

    def _list_insights(self, call: Call) -> Reply:
        self._sign_in(call)
        parameters = dict(call.query)
        try:
            window = parse_query(parameters, dt.date.min).window
        except BadParameter as exc:
            raise Refused(error_reply(str(exc), code=exc.code)) from exc
        if window is None:
            return Reply({"data": []})
        start, end = max(window.start, self.start), min(window.end, self.end)
        size = min(int(parameters.get("limit", 25)), self._page_size)
        per_day = -(-self._campaigns // size)
        place = offset(parameters.get("after", ""))
        count = max(0, (end - start).days + 1) * per_day
        if place >= count:
            return Reply({"data": []})
        number, chunk = divmod(place, per_day)
        day = start + dt.timedelta(days=number)
        pieces = _pieces(
            self._variant(day), chunk * size, min(chunk * size + size, self._campaigns)
        )
        paging = json.dumps(_paging(call, place, last=place + 1 == count)).encode()
        # One join, one copy: this is the server's whole work per page.
        return Reply(body=day.isoformat().encode().join([*pieces[:-1], pieces[-1] + paging + b"}"]))

    def _variant(self, day: dt.date) -> int:
        return (day.toordinal() + self._shifts.get(day, 0)) % _VARIANTS

    def _sign_in(self, call: Call) -> None:
        token = call.first("access_token") or call.bearer()
        if token != self._keys.meta_access_token:
            message = "Invalid OAuth access token - Cannot parse access token"
            raise Refused(error_reply(message, code=190))


def _paging(call: Call, place: int, *, last: bool) -> dict[str, object]:
    cursors = {"before": cursor(place), "after": cursor(place + 1)}
    if last:
        return {"cursors": cursors}
    kept = [(name, value) for name, value in call.query if name != "after"]
    query = urlencode([*kept, ("after", cursors["after"])])
    return {"cursors": cursors, "next": f"{call.base}{call.path}?{query}"}


@functools.lru_cache(maxsize=512)
def _pieces(variant: int, start: int, end: int) -> list[bytes]:
    """Return the page of the campaigns `start` up to `end`, cut where a date belongs."""
    rows = b",".join(_row(variant, campaign) for campaign in range(start, end))
    return (b'{"data":[' + rows + b'],"paging":').split(_DATE.encode())


def _metrics(variant: int, campaign: int) -> Metrics:
    """Return plausible numbers; a formula instead of dice, because a million are wanted."""
    mixed = (campaign * 2_654_435_761 + variant * 40_503) % 2**32
    impressions = 500 + mixed % 40_000
    clicks = impressions * (5 + mixed % 17) // 1000
    conversions = clicks * (mixed % 7) // 100
    return Metrics(
        impressions=impressions,
        clicks=clicks,
        spend_minor=impressions * (3 + mixed % 5) // 10 + mixed % 97,
        conversions=conversions,
        value_minor=conversions * (4_000 + mixed % 9_000),
        video_views=impressions // 4 if campaign % 3 == 0 else 0,
    )


@functools.cache
def _variant_sum(variant: int, campaigns: int) -> Metrics:
    return sum((_metrics(variant, campaign) for campaign in range(campaigns)), Metrics())


def _row(variant: int, campaign: int) -> bytes:
    metrics = _metrics(variant, campaign)
    counts = {"link_click": metrics.clicks, "video_view": metrics.video_views}
    counts |= dict.fromkeys(("omni_purchase", "purchase"), metrics.conversions)
    row: dict[str, object] = {
        "account_id": _ACCOUNT.removeprefix("act_"),
        "account_currency": "EUR",
        "campaign_id": str(_FIRST_CAMPAIGN + campaign),
        "campaign_name": f"Bulk campaign {campaign:05d}",
        "impressions": str(metrics.impressions),
        "clicks": str(metrics.clicks),
        "spend": money(metrics.spend_minor),
        "actions": [_pair(name, str(count)) for name, count in counts.items() if count],
    }
    if metrics.conversions:
        row["action_values"] = [_pair("omni_purchase", money(metrics.value_minor))]
    if metrics.video_views:
        row["video_play_actions"] = [_pair("video_view", str(metrics.video_views))]
    row |= {"date_start": _DATE, "date_stop": _DATE}
    return json.dumps(row, separators=(",", ":")).encode()


def _pair(name: str, value: str) -> dict[str, str]:
    return {"action_type": name, "value": value}
