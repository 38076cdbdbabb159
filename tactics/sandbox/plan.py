"""Who the pretend companies are and what they booked: the truth every simulator is a view of.

Organisations, ad campaigns with different fates, bookings and CRM deals. Delivers nothing and
serves nothing.
"""

import datetime as dt
from collections.abc import Mapping
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
    """A campaign and its booking, days relative to today; `rate` is delivered over booked."""

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
)  # fmt: skip

_GLOBEX = (
    _Line("Holiday Gifts | Prospecting", 0, -25, 20, 11_000, 0.99, "6.10", "10.50", "Globex Retail"),
    _Line("Cloud Trial | Lookalike", 0, -119, 45, 6_000, 0.88, "8.40", "11.00", "Globex Cloud"),
)  # fmt: skip


def plan_orgs(today: dt.date, days: int) -> tuple[Org, ...]:
    """Return the companies, their flights laid around `today` within `days` of history."""
    return (
        _plan_org(
            Org("acme", "Acme Media", "EUR", "Europe/Vienna", "en_GB", (), (), (), ()),
            _accounts("acme", "EUR", "Europe/Vienna", {1000000001: "Acme AT", 1000000002: "Acme DE"}),
            _ACME,
            _Calendar(today, days),
        ),
        _plan_org(
            Org("globex", "Globex", "USD", "America/New_York", "en_US", (), (), (), ()),
            _accounts("globex", "USD", "America/New_York", {3000000001: "Globex US"}),
            _GLOBEX,
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


def _accounts(
    org_id: str, currency: str, timezone: str, names: Mapping[int, str]
) -> tuple[AdAccount, ...]:
    return tuple(
        AdAccount(f"act_{number}", org_id, "meta", name, currency, timezone)
        for number, name in names.items()
    )


def _plan_org(
    org: Org, accounts: tuple[AdAccount, ...], lines: tuple[_Line, ...], calendar: _Calendar
) -> Org:
    # Above 2**53 and neighbours: whoever reads an id as a float gets another campaign.
    first = 23_850_000_000_000_001 if org.org_id == "acme" else 23_950_000_000_000_001
    campaigns, bookings = [], []
    for index, line in enumerate(lines):
        campaign = _campaign(str(first + index), accounts[line.account], line, calendar)
        campaigns.append(campaign)
        if line.booked:
            number = 1001 + index if org.org_id == "acme" else 2001 + index
            bookings.append(_booking(f"BK-{number}", campaign, line, calendar))
    return replace(
        org,
        accounts=accounts,
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
        platform="meta",
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
        created = today - dt.timedelta(days=100 - 5 * index)
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
