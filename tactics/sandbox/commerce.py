"""An online shop as its shop system keeps it: orders, refunds, customers, products.

Every charge that the payment processor settles in the shop's currency is an order here, under the
same name; beside those stand orders paid in other ways, unpaid, cancelled and test ones. Made once for
the whole history and a while ahead; what is visible depends only on `now`. Knows no HTTP.
"""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from tactics.errors import NotFoundError
from tactics.model import Window
from tactics.sandbox.payments import PRICE_LEVEL, Charge, Payments

_HOUR, _DAY = 3600, 86_400
_FIRST_ORDER_ID = 5_601_000_000_000  # longer than 32 bits, as the vendor's are
_FIRST_REFUND_ID = 930_000_000_000
_FIRST_CUSTOMER_ID = 7_100_000_000_000
_FIRST_PRODUCT_ID = 8_800_000_000_000
_ATTRIBUTED_AFTER = _DAY  # a visit is known a day after the order
_TAX = {"EUR": (20, True), "USD": (8, False)}  # per cent, and whether prices include it
_COUNTRIES = {"EUR": ("AT", "DE", "CH", None), "USD": ("US", "US", "CA", None)}
_VISITS = (
    ("google", "cpc", "brand"),
    ("facebook", "paid_social", "prospecting"),
    ("klaviyo", "email", "welcome"),
    None,
)
# What an order that the processor does not know was paid with, how often, and how it ends.
_OTHERS = (
    ("paypal", 12),
    ("manual", 4),
    ("gift_card", 2),
    ("mixed", 2),
    ("cancelled", 3),
    ("test", 3),
    ("pos", 2),
)
_GATEWAYS = {
    "paypal": ("paypal",),
    "manual": ("manual",),
    "gift_card": ("gift_card",),
    "mixed": ("gift_card", "paypal"),
    "cancelled": ("paypal",),
    "test": ("bogus",),
    "pos": ("cash",),
}
_PRODUCTS = (
    ("Oak table", "ACTIVE"), ("Wool rug", "ACTIVE"), ("Canvas lounger", "ACTIVE"),
    ("Garden bench", "ACTIVE"), ("Felt lamp", "DRAFT"), ("Old stool", "ARCHIVED"),
    ("Linen sofa", "UNLISTED"), ("Gift card", "ACTIVE"),
)  # fmt: skip
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class OrderRefund:
    """Money that went back for an order; `created` in Unix seconds, like every time here."""

    refund_id: int
    created: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `goods` is before discounts and, if `taxes_included`, with tax.

    `paid`, `fulfilled`, `cancelled`, `edited` say when that happens, None when it never does.
    `index` counts the customer's orders from 1.
    """

    order_id: int
    name: str
    created: int
    processed: int
    gateways: tuple[str, ...]
    discounts: Decimal
    tax: Decimal
    shipping: Decimal
    total: Decimal
    taxes_included: bool
    presentment: tuple[Decimal, str]
    units: int
    source_name: str = "web"
    paid: int | None = None
    fulfilled: int | None = None
    cancelled: int | None = None
    edited: int | None = None
    test: bool = False
    customer_id: int | None = None
    index: int | None = None
    visit: tuple[str, str, str] | None = None
    refunds: tuple[OrderRefund, ...] = ()

    def updated(self, now: int) -> int:
        """Return when it last changed before `now`."""
        attributed = self.created + _ATTRIBUTED_AFTER if self.is_attributable else None
        moments = (self.paid, self.fulfilled, self.cancelled, self.edited, attributed)
        events = [self.created + 5, *(refund.created for refund in self.refunds)]
        events += [moment for moment in moments if moment is not None]
        return max((moment for moment in events if moment <= now), default=self.created)

    @property
    def is_attributable(self) -> bool:
        """Return whether the shop looks for the visit that led to the order."""
        return self.source_name == "web" and not self.test

    def is_attributed(self, now: int) -> bool:
        """Return whether that visit is known."""
        return self.is_attributable and self.created + _ATTRIBUTED_AFTER <= now

    def refunds_by(self, now: int) -> list[OrderRefund]:
        """Return the refunds that happened."""
        return [refund for refund in self.refunds if refund.created <= now]

    def refunded(self, now: int) -> Decimal:
        """Return the sum of the refunds that happened."""
        return sum((refund.amount for refund in self.refunds_by(now)), Decimal(0))

    def net_payment(self, now: int) -> Decimal:
        """Return what was received less what went back."""
        received = self.total if happened(self.paid, now) else Decimal(0)
        return received - self.refunded(now)

    def financial_status(self, now: int) -> str:
        """Return the status of the money."""
        if not happened(self.paid, now):
            return "VOIDED" if happened(self.cancelled, now) else "PENDING"
        refunded = self.refunded(now)
        if refunded >= self.total:
            return "REFUNDED"
        return "PARTIALLY_REFUNDED" if refunded else "PAID"


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer; the address and the name are personal and must not travel."""

    customer_id: int
    email: str
    country: str | None
    marketing_state: str
    tags: tuple[str, ...]
    created: int


@dataclass(frozen=True, slots=True)
class Product:
    """One product with the prices of its cheapest and its dearest variant."""

    product_id: int
    title: str
    status: str
    min_price: Decimal
    max_price: Decimal
    created: int


@dataclass(slots=True)
class Shop:
    """Everything one shop will ever sell, oldest first."""

    books: Payments
    orders: dict[str, Order] = field(default_factory=dict)  # by name
    customers: dict[int, Customer] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    next_refund: int = _FIRST_REFUND_ID
    version: int = 0  # of the data: counts the changes by hand

    @property
    def now(self) -> int:
        """Return the instant at which the shop stands."""
        return self.books.now

    def visible(self) -> list[Order]:
        """Return the orders placed so far."""
        return [order for order in self.orders.values() if order.created <= self.now]

    def orders_of(self) -> dict[int, list[Order]]:
        """Return the orders placed so far by customer, without tests."""
        found: dict[int, list[Order]] = {}
        for order in self.visible():
            if order.customer_id is not None:
                found.setdefault(order.customer_id, []).append(order)
        return found

    def inventory(self, product: Product) -> int:
        """Return what is in stock today."""
        day = self.books.local_day(self.now)
        seed = f"{self.books.seed}:stock:{product.product_id}:{day}"
        return random.Random(seed).randrange(-2, 400)

    def refund(self, name: str = "", amount: str = "") -> str:
        """Give money back now, by default all of the oldest order not paid by the processor."""
        order = self._pick(name)
        left = order.total - order.refunded(self.now)
        refund = OrderRefund(self.number_refund(), self.now, Decimal(amount) if amount else left)
        self.orders[order.name] = replace(order, refunds=(*order.refunds, refund))
        self.version += 1
        return order.name

    def edit(self, name: str = "", amount: str = "10.00") -> str:
        """Put goods for `amount` on top of an order now, paid at once."""
        order = self._pick(name)
        total = order.total + Decimal(amount)
        presentment = (order.presentment[0] + Decimal(amount), order.presentment[1])
        self.orders[order.name] = replace(
            order, total=total, presentment=presentment, edited=self.now, units=order.units + 1
        )
        self.version += 1
        return order.name

    def delete_product(self) -> str:
        """Delete the first product; nothing of it is listed any more."""
        self.version += 1
        return self.products.pop(min(self.products)).title

    def number_refund(self) -> int:
        """Return the id of a new refund."""
        self.next_refund += 1
        return self.next_refund

    def _pick(self, name: str) -> Order:
        if name:
            if name not in self.orders:
                raise NotFoundError("the shop has no such order", order=name)
            return self.orders[name]
        return next(
            order
            for order in self.visible()
            if order.gateways == ("paypal",)
            and order.financial_status(self.now) == "PAID"
            and not order.refunds
        )


def happened(moment: int | None, now: int) -> bool:
    """Return whether something has happened by `now`; None never does."""
    return moment is not None and moment <= now


def open_shop(books: Payments) -> Shop:
    """Return the shop whose payments `books` holds."""
    shop = Shop(books)
    maker = _Maker(shop)
    orders = [*maker.paid_by_processor(), *maker.paid_otherwise()]
    orders.sort(key=lambda order: (order.created, order.name))
    for number, order in enumerate(orders):
        known = maker.introduce(replace(order, order_id=_FIRST_ORDER_ID + 1_000 * number))
        shop.orders[known.name] = known
    maker.stock_products()
    return shop


class _Maker:
    """Rolls the dice; one per shop, used up by `open_shop`."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._books = shop.books
        self._currency = shop.books.org.currency
        self._emails: dict[str, str] = {
            charge.order: charge.customer for charge in shop.books.charges
        }
        self._orders: dict[int, int] = {}  # of each customer
        self._guests = self._dice("customers")

    def paid_by_processor(self) -> Iterator[Order]:
        """Yield an order for every charge settled in the shop's currency."""
        refunds = {refund.charge.charge_id: refund for refund in self._books.refunds}
        for charge in self._books.charges:
            if charge.txn.currency != self._currency:
                continue
            order = self._of_charge(charge)
            if refund := refunds.get(charge.charge_id):
                money = Decimal(refund.amount).scaleb(-2)
                back = OrderRefund(self._shop.number_refund(), refund.created, money)
                order = replace(order, refunds=(back,))
            yield order

    def paid_otherwise(self) -> Iterator[Order]:
        """Yield up to two orders a day that the payment processor never sees."""
        number = 20_000
        names, weights = zip(*_OTHERS, strict=True)
        for day in self._days():
            dice = self._dice(f"others:{day}")
            for _ in range(dice.randrange(3)):
                number += 1
                midnight = dt.datetime.combine(day, dt.time(), self._books.zone).timestamp()
                created = int(midnight) + dice.randrange(_DAY - _HOUR)
                [kind] = dice.choices(names, weights)
                yield self._other(kind, f"#{number}", created, dice)

    def introduce(self, order: Order) -> Order:
        """Return the order with its customer: a known one, a new one, or nobody."""
        dice = self._guests
        if order.test or order.source_name == "pos" or dice.random() < 0.05:  # noqa: PLR2004
            return order
        if self._orders and dice.random() < 0.35:  # noqa: PLR2004
            customer_id = dice.choice(list(self._orders))
        else:
            customer_id = self._new_customer(order, dice)
        self._orders[customer_id] = self._orders.get(customer_id, 0) + 1
        return replace(order, customer_id=customer_id, index=self._orders[customer_id])

    def stock_products(self) -> None:
        """Fill the shelves; most products are older than the history."""
        start = self._books.charges[0].created
        for number, (title, status) in enumerate(_PRODUCTS):
            dice = self._dice(f"product:{number}")
            cheapest = Decimal(PRICE_LEVEL * dice.randrange(900, 9_000)).scaleb(-2)
            product = Product(
                product_id=_FIRST_PRODUCT_ID + number,
                title=title,
                status=status,
                min_price=cheapest,
                max_price=cheapest + Decimal(dice.randrange(4)) * 5,
                created=start - (40 - 6 * number) * _DAY,
            )
            self._shop.products[product.product_id] = product

    def _new_customer(self, order: Order, dice: random.Random) -> int:
        number = len(self._shop.customers)
        email = self._emails.get(order.name, f"Buyer{number}@Shopper.example")
        subscribed = dice.random() < 0.6  # noqa: PLR2004
        customer = Customer(
            customer_id=_FIRST_CUSTOMER_ID + number,
            email=email,
            country=dice.choice(_COUNTRIES[self._currency]),
            marketing_state="SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
            tags=("vip", "newsletter") if number % 10 == 0 else (),
            created=order.created,
        )
        self._shop.customers[customer.customer_id] = customer
        return customer.customer_id

    def _of_charge(self, charge: Charge) -> Order:
        dice = self._dice(f"order:{charge.order}")
        paid = Decimal(charge.amount).scaleb(-2)
        order = self._order(charge.order, charge.created, Decimal(charge.txn.amount), dice)
        return replace(
            order,
            gateways=("stripe",),
            presentment=(paid, charge.currency),
            paid=charge.created,
            fulfilled=charge.created + dice.randrange(_DAY, 3 * _DAY),
            visit=dice.choice(_VISITS),
        )

    def _other(self, kind: str, name: str, created: int, dice: random.Random) -> Order:
        price = PRICE_LEVEL * dice.randrange(1_500, 22_000)
        order = self._order(name, created, Decimal(price), dice)
        order = replace(order, gateways=_GATEWAYS[kind])
        done = replace(order, paid=created, fulfilled=created + 2 * _DAY)
        match kind:
            case "manual":  # entered the next day, paid by bank transfer, sometimes never
                paid = created + 6 * _DAY if dice.randrange(3) else None
                backdated = created - dice.randrange(_DAY)
                return replace(
                    order, processed=backdated, source_name="shopify_draft_order", paid=paid
                )
            case "cancelled":
                return self._cancelled(order, dice)
            case "test":
                return replace(done, test=True)
            case "pos":
                return replace(done, source_name="pos")
            case _:
                return replace(done, visit=dice.choice(_VISITS))

    def _cancelled(self, order: Order, dice: random.Random) -> Order:
        """Return the order cancelled on the next day: before it was paid, or with all money back."""
        at = order.created + _DAY
        if dice.randrange(2):
            return replace(order, cancelled=at)
        back = OrderRefund(self._shop.number_refund(), at, order.total)
        return replace(order, paid=order.created, cancelled=at, refunds=(back,))

    def _order(self, name: str, created: int, minor: Decimal, dice: random.Random) -> Order:
        """Return an order that comes to `minor` cents, with what it is made of."""
        total = minor.scaleb(-2)
        percent, included = _TAX[self._currency]
        shipping = Decimal("4.9") if dice.randrange(3) == 0 and total > 10 else Decimal(0)  # noqa: PLR2004
        goods = total - shipping
        discounts = (goods / 10).quantize(CENT) if dice.randrange(5) == 0 else Decimal(0)
        tax = goods * percent / (100 + percent)
        # Some tax is told to a tenth of a cent: readers have to round.
        tax = tax.quantize(Decimal("0.001") if dice.randrange(6) == 0 else CENT, ROUND_HALF_UP)
        return Order(
            order_id=0,
            name=name,
            created=created,
            processed=created,
            gateways=(),
            discounts=discounts,
            tax=tax,
            shipping=shipping,
            total=total,
            taxes_included=included,
            presentment=(total, self._currency),
            units=dice.randrange(1, 5),
        )

    def _days(self) -> Iterator[dt.date]:
        moments = [charge.created for charge in self._books.charges]
        first, last = self._books.local_day(min(moments)), self._books.local_day(max(moments))
        yield from Window(first, last).days()

    def _dice(self, purpose: str) -> random.Random:
        return random.Random(f"{self._books.seed}:shop:{self._books.org.org_id}:{purpose}")
