"""The money of an online shop as its payment processor books it.

Charges, refunds, disputes, fees and payouts with their balance transactions, made once for the whole
history and a while ahead; what is visible, pending or paid depends only on `now`. Knows no HTTP.
"""

import datetime as dt
import functools
import hashlib
import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tactics.model import Window
from tactics.sandbox.plan import Org

AHEAD_DAYS = 60  # how far the world can be advanced before the shop falls silent
_SALE_CHARGES = 130  # one busy day needs more than one page of 100
_AVAILABLE_AFTER_DAYS = 5
_DISPUTE_FEE = 2000
_MONTHLY_FEE = 1200
_DAY = 86_400
_TIE_EVERY_DAYS = 10  # on these days charges share the first and the last second of the day

# Source: the Stripe contract sheet of 2026-11-21, section 5 (zero-decimal and 1000-divisor lists).
MINOR_UNITS = {"JPY": 1, "KRW": 1, "KWD": 1000}

# Furniture costs this many times the prices below, so that the shop earns more than its ads cost.
PRICE_LEVEL = 6
_RATES = {  # currency: fee share, fixed fee, smallest and largest charge, all in minor units
    "EUR": (0.015, 25, 1_900, 24_000),
    "GBP": (0.015, 20, 1_500, 18_000),
    "USD": (0.029, 30, 2_000, 30_000),
    "JPY": (0.036, 0, 2_000, 30_000),
    "KWD": (0.025, 100, 6_000, 90_000),
}
_MIX = {  # currency: fewest and most charges a day; KWD every 15 days
    "EUR": {"EUR": (3, 9), "GBP": (0, 2), "JPY": (0, 1)},
    "USD": {"USD": (2, 6)},
}


@dataclass(frozen=True, slots=True)
class Txn:
    """One balance transaction, in the settlement currency; times are Unix seconds."""

    txn_id: str
    type: str
    reporting_category: str
    amount: int
    fee: int
    currency: str
    created: int
    available_on: int
    source: str | None
    exchange_rate: float | None = None

    @property
    def net(self) -> int:
        """Return what the balance gains."""
        return self.amount - self.fee


@dataclass(frozen=True, slots=True)
class Charge:
    """One payment by a customer; `amount` in the currency the customer saw."""

    charge_id: str
    amount: int
    currency: str
    created: int
    txn: Txn
    order: str
    customer: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Money back to a customer; one that fails returns the money with a second transaction."""

    refund_id: str
    charge: Charge
    amount: int
    created: int
    txn: Txn
    failure: Txn | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A charge the customer's bank took back; `reversal` when the shop won."""

    dispute_id: str
    charge: Charge
    created: int
    closes_at: int
    outcome: str
    txn: Txn
    reversal: Txn | None


@dataclass(frozen=True, slots=True)
class Payout:
    """Money on its way to the bank, and the transactions it settles."""

    payout_id: str
    amount: int
    currency: str
    created: int
    arrival: int
    txn: Txn
    failure: Txn | None
    settles: tuple[str, ...]


@dataclass(slots=True)
class Payments:
    """Everything one shop will ever book, oldest first."""

    org: Org
    seed: int
    now: int
    charges: list[Charge] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    txns: list[Txn] = field(default_factory=list)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Return the shop's time zone."""
        return zoneinfo.ZoneInfo(self.org.timezone)

    def visible(self) -> list[Txn]:
        """Return the transactions booked so far, newest first."""
        return [txn for txn in reversed(self.txns) if txn.created <= self.now]

    def status(self, txn: Txn) -> str:
        """Return whether the money of a transaction can be paid out yet."""
        return "available" if txn.available_on <= self.now else "pending"

    def local_day(self, seconds: int) -> dt.date:
        """Return the shop's calendar day of an instant."""
        return dt.datetime.fromtimestamp(seconds, self.zone).date()


def make_payments(org: Org, seed: int, window: Window, now: int) -> Payments:
    """Return the books of `org` from the first day of `window` to `AHEAD_DAYS` after the last."""
    return replace(_keep_books(org, seed, window), now=now)


@functools.lru_cache(maxsize=8)
def _keep_books(org: Org, seed: int, window: Window) -> Payments:
    """Return the books as of no time: the same for every world, and nobody adds to them later."""
    books = Payments(org, seed, now=0)
    maker = _Maker(books, random.Random(f"{seed}:payments:{org.org_id}"))
    until = window.end + dt.timedelta(days=AHEAD_DAYS)
    sale_day = window.start + dt.timedelta(days=len(window) * 7 // 10)
    for day in Window(window.start, until).days():
        maker.book_day(day, sale=day == sale_day)
    books.txns.sort(key=lambda txn: txn.created)  # stable: ties keep the order of booking
    maker.pay_out(until)
    books.txns.sort(key=lambda txn: txn.created)
    return books


class _Maker:
    """Rolls the dice; one per shop, used up by `make_payments`."""

    def __init__(self, books: Payments, dice: random.Random) -> None:
        self._books = books
        self._dice = dice
        self._zone = books.zone
        self._currency = books.org.currency
        self._numbers = iter(range(10**9))

    def book_day(self, day: dt.date, *, sale: bool) -> None:
        for currency, count in self._volumes(day, sale=sale):
            for created in sorted(self._moments(day, count, ties=currency == self._currency)):
                self._book_charge(currency, created)
        if day.day == 1:
            self._book("stripe_fee", "fee", -_MONTHLY_FEE, self._second(day, 3600))

    def pay_out(self, until: dt.date) -> None:
        """Settle every Monday, per currency, what became available since the last payout."""
        waiting: dict[str, list[Txn]] = {}
        for txn in self._books.txns:
            waiting.setdefault(txn.currency, []).append(txn)
        first = self._books.local_day(self._books.txns[0].created)
        for day in Window(first, until).days():
            if day.weekday() == 0:
                for currency in sorted(waiting):
                    waiting[currency] = self._settle(waiting[currency], self._second(day, 14_400))

    def _volumes(self, day: dt.date, *, sale: bool) -> Iterator[tuple[str, int]]:
        for currency, (fewest, most) in _MIX[self._currency].items():
            count = self._dice.randint(fewest, most)
            yield currency, _SALE_CHARGES if sale and currency == self._currency else count
        if day.toordinal() % 15 == 0 and self._currency == "EUR":
            yield "KWD", 1

    def _moments(self, day: dt.date, count: int, *, ties: bool) -> list[int]:
        start = self._second(day, 0)
        end = self._second(day + dt.timedelta(days=1), 0)
        moments = [self._dice.randrange(start, end) for _ in range(count)]
        if ties and day.toordinal() % _TIE_EVERY_DAYS == 0:
            moments += [start, start, end - 1, end - 1]
        return moments

    def _second(self, day: dt.date, offset: int) -> int:
        return int(dt.datetime.combine(day, dt.time(), self._zone).timestamp()) + offset

    def _book_charge(self, currency: str, created: int) -> None:
        share, fixed, smallest, largest = _RATES[currency]
        amount = PRICE_LEVEL * self._dice.randint(smallest, largest)
        if currency == "KWD":
            amount -= amount % 10  # the vendor rounds three-decimal amounts to tens
        charge_id = self._name("ch")
        rate = 0.9214 if currency == "EUR" and self._dice.randrange(12) == 0 else None
        txn = self._book(
            "charge", "charge", amount, created, source=charge_id,
            currency=currency, fee=round(amount * share) + fixed, exchange_rate=rate,
        )  # fmt: skip
        number = 1001 + len(self._books.charges)
        charge = Charge(
            charge_id=charge_id,
            amount=round(amount / rate) if rate else amount,
            currency="USD" if rate else currency,
            created=created,
            txn=txn,
            order=f"#{number}",
            customer=f"customer{number}@shopper.example",
        )
        self._books.charges.append(charge)
        self._afterlife(charge)

    def _afterlife(self, charge: Charge) -> None:
        """Refund about every sixteenth charge, dispute every hundred and twentieth."""
        number = len(self._books.charges)
        if self._dice.randrange(16) == 0:
            self._book_refund(charge)
        elif number % 120 == 50:  # noqa: PLR2004 - any fixed place in the sequence will do
            self._book_dispute(charge, ("won", "lost", "under_review")[number // 120 % 3])

    def _book_refund(self, charge: Charge) -> None:
        amount = charge.txn.amount if self._dice.randrange(3) else charge.txn.amount // 20 * 10
        created = charge.created + self._dice.randrange(_DAY, 20 * _DAY)
        refund_id, currency = self._name("re"), charge.txn.currency
        txn = self._book("refund", "refund", -amount, created, source=refund_id, currency=currency)
        fails = len(self._books.refunds) % 9 == 4  # noqa: PLR2004
        failure = (
            self._book(
                "refund_failure", "refund_failure", amount, created + 4 * _DAY, source=refund_id,
                currency=currency,
            )
            if fails
            else None
        )  # fmt: skip
        self._books.refunds.append(Refund(refund_id, charge, amount, created, txn, failure))

    def _book_dispute(self, charge: Charge, outcome: str) -> None:
        created = charge.created + 12 * _DAY
        closes = created + 25 * _DAY
        dispute_id, currency = self._name("dp"), charge.txn.currency
        amount = charge.txn.amount
        txn = self._book(
            "adjustment", "dispute", -amount, created, source=dispute_id,
            currency=currency, fee=_DISPUTE_FEE,
        )  # fmt: skip
        reversal = (
            self._book("adjustment", "dispute_reversal", amount, closes, source=dispute_id, currency=currency)
            if outcome == "won"
            else None
        )  # fmt: skip
        self._books.disputes.append(
            Dispute(dispute_id, charge, created, closes, outcome, txn, reversal)
        )

    def _settle(self, waiting: list[Txn], at: int) -> list[Txn]:
        """Pay out what is available at `at`; return what goes on waiting."""
        due = [txn for txn in waiting if txn.available_on <= at and txn.created < at]
        total = sum(txn.net for txn in due)
        if total <= 0:
            return waiting
        settled = {txn.txn_id for txn in due}
        rest = [txn for txn in waiting if txn.txn_id not in settled]
        payout_id, currency = self._name("po"), due[0].currency
        txn = self._book(
            "payout", "payout", -total, at, source=payout_id, currency=currency, wait=0
        )
        failure = None
        if len(self._books.payouts) % 12 == 3:  # noqa: PLR2004
            failure = self._book(
                "payout_failure", "payout_reversal", total, at + 3 * _DAY, source=payout_id,
                currency=currency, wait=0,
            )  # fmt: skip
            rest.append(failure)
        arrival = at + 2 * _DAY
        self._books.payouts.append(
            Payout(payout_id, total, currency, at, arrival, txn, failure, tuple(settled))
        )
        return rest

    def _book(
        self,
        kind: str,
        category: str,
        amount: int,
        created: int,
        *,
        source: str | None = None,
        currency: str | None = None,
        fee: int = 0,
        exchange_rate: float | None = None,
        wait: int = _AVAILABLE_AFTER_DAYS,
    ) -> Txn:
        available = created if wait == 0 else (created // _DAY + wait) * _DAY
        txn = Txn(
            txn_id=self._name("txn"),
            type=kind,
            reporting_category=category,
            amount=amount,
            fee=fee,
            currency=currency or self._currency,
            created=created,
            available_on=available,
            source=source,
            exchange_rate=exchange_rate,
        )
        self._books.txns.append(txn)
        return txn

    def _name(self, prefix: str) -> str:
        text = f"{self._books.seed}:{self._books.org.org_id}:{prefix}:{next(self._numbers)}"
        return f"{prefix}_1S{hashlib.blake2b(text.encode(), digest_size=11).hexdigest()}"
