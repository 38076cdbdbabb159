"""Who the pretend companies are and what they booked: the truth every simulator is a view of.

Organisations, ad campaigns with different fates, bookings and CRM deals. Delivers nothing and
serves nothing.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from tactics.model import Window

HISTORY_DAYS = 120  # the fates below are laid out over this many days and scaled to others

PURCHASE = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")


@dataclass(frozen=True, slots=True)
class AdAccount:
    """One ad account, by the id that stands in the configuration; `source` serves it."""

    account_id: str
    org_id: str
    source: str
    name: str
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign: `delivers` bounds the days it runs on, None when it never runs.

    `daily_impressions` is the mean of a delivering day, money is per thousand impressions in the
    account's currency. `purchase_types` are the names under which the vendor counts a purchase.
    """

    campaign_id: str
    account: AdAccount
    name: str
    delivers: Window | None
    daily_impressions: int
    cost_per_mille: Decimal
    click_rate: float = 0.012
    purchase_rate: float = 0.03
    video_rate: float = 0.0
    purchase_types: tuple[str, ...] = PURCHASE
    kind: str = ""  # the vendor's own type of campaign, where it has types


@dataclass(frozen=True, slots=True)
class Booking:
    """One booked line as a person means it; how its cells look is the workbook's business."""

    booking_id: str
    client: str
    campaign: str
    campaign_id: str | None
    platform: str | None
    channel: str | None
    flight_start: dt.date
    flight_end: dt.date
    booked_impressions: int | None
    booking_revenue: Decimal | None
    currency: str
    status: str
    make_good_for: str | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """One line of the CRM tab; contact, phone and notes are personal and must not travel."""

    deal_id: str
    company: str
    contact_email: str
    phone: str
    stage: str
    amount: Decimal
    currency: str
    probability: Decimal
    expected_close: dt.date
    created_on: dt.date
    updated_on: dt.date
    owner: str
    booking_id: str | None = None


@dataclass(frozen=True, slots=True)
class Org:
    """One pretend company with everything it planned."""

    org_id: str
    name: str
    currency: str
    timezone: str
    locale: str
    accounts: tuple[AdAccount, ...]
    campaigns: tuple[Campaign, ...]
    bookings: tuple[Booking, ...]
    deals: tuple[Deal, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A campaign and its booking, days relative to today; `rate` is delivered over booked.

    `account` counts the organisation's accounts at `source`.
    """

    name: str
    account: int
    start: int
    end: int
    daily: int
    rate: float
    cost: str
    sold: str | None
    client: str
    channel: str = "Social"
    delivers: bool = True
    booked: bool = True
    video: float = 0.0
    purchases: tuple[str, ...] = PURCHASE
    make_good_for: str | None = None
    source: str = "meta"
    kind: str = ""


_ACME = (
    _Line("Autumn Launch | Awareness", 0, -40, 19, 18_000, 1.005, "4.10", "7.50", "Alpen Optik"),
    _Line("Winter Sale | Prospecting", 0, -30, 15, 14_000, 0.70, "3.80", "6.90", "Berghof Möbel"),
    _Line(
        "Retargeting | Always on",
        0,
        -119,
        30,
        9_000,
        1.19,
        "5.60",
        "6.20",
        "Caffè Corso",
        purchases=("purchase", "offsite_conversion.fb_pixel_purchase"),
    ),
    _Line("Summer Closing | Video", 0, -100, -21, 22_000, 1.015, "2.90", "5.40", "Donau Reisen", "Video", video=0.31),
    _Line("Christmas | Teaser", 1, 9, 33, 30_000, 1.0, "4.00", "8.00", "Edelweiß Kosmetik", delivers=False),
    _Line("Brand Uplift | Test", 1, -45, 12, 5_000, 1.0, "4.70", None, "Acme", booked=False, video=0.12),
    _Line("App Install | Push", 1, -10, 20, 12_000, 1.0, "3.30", "6.00", "Fjord Apps", delivers=False),
    _Line(
        "Back to School | Reach",
        1,
        -90,
        -55,
        16_000,
        0.82,
        "5.90",
        "5.50",
        "Gutenberg Papier",
        purchases=("offsite_conversion.fb_pixel_purchase",),
    ),
    _Line(
        "Back to School | Make-good", 1, -14, 6, 8_000, 0.97, "3.10", "0", "Gutenberg Papier", make_good_for="BK-1008"
    ),
    _Line(
        "Brand | Search", 0, -119, 60, 4_200, 1.0, "31.00", None, "Acme", "Search",
        booked=False, source="google_ads", kind="SEARCH",
    ),
    _Line(
        "Generic | Optics AT", 0, -60, 30, 7_500, 0.93, "24.00", "38.00", "Alpen Optik", "Search",
        source="google_ads", kind="SEARCH",
    ),
    _Line(
        "PMax | Winter", 0, -45, 20, 26_000, 1.04, "6.20", "9.80", "Berghof Möbel", "performance_max",
        video=0.05, source="google_ads", kind="PERFORMANCE_MAX",
    ),
    _Line(
        "YouTube | Donau Spring", 1, -35, 25, 21_000, 0.88, "5.40", "8.60", "Donau Reisen", "YouTube",
        video=0.28, source="google_ads", kind="VIDEO",
    ),
    _Line(
        "Shopping | All products", 0, -119, 60, 11_000, 1.0, "9.10", None, "Acme", "Shopping",
        booked=False, source="google_ads", kind="SHOPPING",
    ),
    _Line(
        "Display | Retargeting", 1, -70, -12, 15_000, 1.02, "3.20", "5.10", "Caffè Corso", "Display",
        source="google_ads", kind="DISPLAY",
    ),
    _Line(
        "Autumn Video | Programmatic", 0, -50, 12, 15_000, 0.97, "6.10", "9.90", "Edelweiß Kosmetik",
        "Programmatic", video=0.42, source="dv360",
    ),
    _Line(
        "Always-on | Prospecting DV", 0, -119, 45, 9_000, 1.0, "4.40", None, "Acme", "Programmatic",
        booked=False, source="dv360",
    ),
    _Line(
        "CTV | Fjord Apps", 0, -30, 30, 10_500, 0.79, "12.50", "19.00", "Fjord Apps", "Programmatic",
        video=0.76, source="ttd",
    ),
    _Line(
        "Audio | Caffè Corso", 0, -80, -30, 8_000, 1.06, "5.90", "8.00", "Caffè Corso", "Programmatic",
        source="ttd",
    ),
)  # fmt: skip

_GLOBEX = (
    _Line("Holiday Gifts | Prospecting", 0, -25, 20, 11_000, 0.99, "6.10", "10.50", "Globex Retail"),
    _Line("Cloud Trial | Lookalike", 0, -119, 45, 6_000, 0.88, "8.40", "11.00", "Globex Cloud"),
    _Line(
        "Cloud | Search US", 0, -119, 45, 5_200, 1.0, "44.00", None, "Globex", "Search",
        booked=False, source="google_ads", kind="SEARCH",
    ),
    _Line(
        "Gifts | PMax US", 0, -25, 20, 18_000, 1.01, "7.70", "12.00", "Globex Retail", "performance_max",
        source="google_ads", kind="PERFORMANCE_MAX",
    ),
    _Line(
        "Cloud Trial | DV Video", 0, -40, 20, 9_500, 0.91, "7.20", "11.40", "Globex Cloud", "Programmatic",
        video=0.37, source="dv360",
    ),
    _Line(
        "Gifts | CTV", 0, -20, 30, 7_000, 1.0, "14.00", "21.50", "Globex Retail", "Programmatic",
        video=0.7, source="ttd",
    ),
)  # fmt: skip


# Where campaigns get their numbers; the ids of Meta are above 2**53 and neighbours: whoever reads an
# id as a float gets another campaign.
_FIRST_IDS = {
    "meta": {"acme": 23_850_000_000_000_001, "globex": 23_950_000_000_000_001},
    "google_ads": {"acme": 11_200_000_001, "globex": 11_900_000_001},
    "dv360": {"acme": 880_001, "globex": 890_001},
    "ttd": {"acme": 1, "globex": 901},
}


def plan_orgs(today: dt.date, days: int, sources: Collection[str] | None = None) -> tuple[Org, ...]:
    """Return the companies, their flights laid around `today` within `days` of history.

    `sources` are the ad platforms that they use (and whatever else); all by default.
    """
    chosen = frozenset(_FIRST_IDS if sources is None else sources)
    return (
        _plan_org(
            Org("acme", "Acme Media", "EUR", "Europe/Vienna", "en_GB", (), (), (), ()),
            {
                "meta": {"act_1000000001": "Acme AT", "act_1000000002": "Acme DE"},
                "google_ads": {"1112223330": "Acme Search", "1112223331": "Acme Video"},
                "dv360": {"700001": "Acme Programmatic"},
                "ttd": {"acmead1": "Acme TTD"},
            },
            tuple(line for line in _ACME if line.source in chosen),
            _Calendar(today, days),
        ),
        _plan_org(
            Org("globex", "Globex", "USD", "America/New_York", "en_US", (), (), (), ()),
            {
                "meta": {"act_3000000001": "Globex US"},
                "google_ads": {"4445556660": "Globex US Search"},
                "dv360": {"700201": "Globex Programmatic"},
                "ttd": {"globad1": "Globex TTD"},
            },
            tuple(line for line in _GLOBEX if line.source in chosen),
            _Calendar(today, days),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Calendar:
    today: dt.date
    days: int

    def day(self, offset: int) -> dt.date:
        """Return today plus `offset`; past offsets shrink or stretch with the history."""
        scaled = -round(-offset * (self.days - 1) / (HISTORY_DAYS - 1)) if offset < 0 else offset
        return self.today + dt.timedelta(days=scaled)


def _plan_org(
    org: Org,
    accounts: Mapping[str, Mapping[str, str]],
    lines: tuple[_Line, ...],
    calendar: _Calendar,
) -> Org:
    held = {
        source: [
            AdAccount(account_id, org.org_id, source, name, org.currency, org.timezone)
            for account_id, name in names.items()
        ]
        for source, names in accounts.items()
        if any(line.source == source for line in lines)
    }
    numbers = {source: first[org.org_id] for source, first in _FIRST_IDS.items()}
    campaigns, bookings = [], []
    for index, line in enumerate(lines):
        number = numbers[line.source]
        numbers[line.source] += 1
        campaign_id = f"cmp{number:03d}" if line.source == "ttd" else str(number)
        campaign = _campaign(campaign_id, held[line.source][line.account], line, calendar)
        campaigns.append(campaign)
        if line.booked:
            first = 1001 if org.org_id == "acme" else 2001
            bookings.append(_booking(f"BK-{first + index}", campaign, line, calendar))
    return replace(
        org,
        accounts=tuple(account for found in held.values() for account in found),
        campaigns=tuple(campaigns),
        bookings=tuple(bookings),
        deals=_deals(org, bookings, calendar.today),
    )


def _campaign(campaign_id: str, account: AdAccount, line: _Line, calendar: _Calendar) -> Campaign:
    flight = Window(calendar.day(line.start), calendar.day(line.end))
    return Campaign(
        campaign_id=campaign_id,
        account=account,
        name=line.name,
        delivers=flight if line.delivers else None,
        daily_impressions=line.daily,
        cost_per_mille=Decimal(line.cost),
        video_rate=line.video,
        purchase_types=line.purchases,
        kind=line.kind,
    )


def _booking(booking_id: str, campaign: Campaign, line: _Line, calendar: _Calendar) -> Booking:
    flight = Window(calendar.day(line.start), calendar.day(line.end))
    booked = round(line.daily * len(flight) / line.rate / 1000) * 1000
    sold = Decimal(line.sold or "0")
    return Booking(
        booking_id=booking_id,
        client=line.client,
        campaign=line.name,
        campaign_id=campaign.campaign_id,
        platform=line.source,
        channel=line.channel,
        flight_start=flight.start,
        flight_end=flight.end,
        booked_impressions=booked,
        booking_revenue=(sold * booked / 1000).quantize(Decimal("0.01")),
        currency=campaign.account.currency,
        status="confirmed",
        make_good_for=line.make_good_for,
    )


_STAGES = (
    ("Lead", "0.10"),
    ("Qualified", "0.25"),
    ("Proposal", "0.50"),
    ("Negotiation", "0.75"),
    ("Closed Won", "1.00"),
    ("Closed Lost", "0.00"),
)


def _deals(org: Org, bookings: list[Booking], today: dt.date) -> tuple[Deal, ...]:
    deals = []
    for index in range(3 * len(bookings) // 2):
        booking = bookings[index] if index < len(bookings) else None
        stage, probability = ("Closed Won", "1.00") if booking else _STAGES[index % 4]
        created = today - dt.timedelta(days=max(100 - 5 * index, 3))
        client = booking.client if booking else f"{org.name} Prospect {index}"
        deals.append(
            Deal(
                deal_id=f"D-{org.org_id[:2].upper()}-{index + 1:03d}",
                company=client,
                contact_email=f"contact{index}@{org.org_id}-client.example",
                phone=f"+43 1 555 {index:04d}",
                stage=stage,
                amount=(booking and booking.booking_revenue) or Decimal(4000 + 750 * index),
                currency=org.currency,
                probability=Decimal(probability),
                expected_close=created + dt.timedelta(days=45),
                created_on=created,
                updated_on=created + dt.timedelta(days=9),
                owner=("Ada", "Bela", "Chiara")[index % 3],
                booking_id=booking.booking_id if booking else None,
            )
        )
    return tuple(deals)
