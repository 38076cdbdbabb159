"""Everything the simulators are views of: companies, delivery, money, sheets, keys, and the date.

Serves nothing; `World` adds the simulators and the mutations on top.
"""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from tactics.clock import Clock
from tactics.model import Window
from tactics.sandbox.delivery import Delivery
from tactics.sandbox.keys import OrgKeys, Tokens, make_keys
from tactics.sandbox.payments import Payments, make_payments
from tactics.sandbox.plan import Org, plan_orgs
from tactics.sandbox.workbook import Workbook

_HOUR = 6  # UTC: the same calendar day in Vienna and in New York


@dataclass(frozen=True, slots=True)
class Limits:
    """What the simulated vendors tolerate.

    Source: google_sheets contract sheet of 2026-11-21, section 6 (300 reads a minute and project;
    the 60 a minute and user are within it: lower `sheets_reads_per_minute` to test them); meta
    contract sheet of 2026-11-21, section 5 (100 % is not done), section 7 (37 months).
    """

    google_token_seconds: float = 3599
    sheets_reads_per_minute: int = 300
    report_polls: int = 3
    meta_versions: tuple[str, ...] = ("v25.0", "v26.0")
    meta_page_size: int = 25
    meta_history_months: int = 37
    shopify_points_per_second: int = 2000  # the largest plan's
    klaviyo_limit_factor: int = 100  # times the limits of its contract sheet, section 3; 1 is real


class Scene:
    """The truth at this moment."""

    def __init__(
        self,
        seed: int,
        today: dt.date,
        days: int,
        *,
        clock: Clock,
        limits: Limits,
        sources: Collection[str] | None = None,
    ) -> None:
        self.seed = seed
        self.today = today
        self.days = days
        self.clock = clock
        self.limits = limits
        self.orgs = {org.org_id: org for org in plan_orgs(today, days, sources)}
        campaigns = tuple(campaign for org in self.orgs.values() for campaign in org.campaigns)
        self.delivery = Delivery(seed, today, campaigns)
        self._history = Window(today - dt.timedelta(days=days - 1), today)
        self._payments: dict[str, Payments] = {}
        books = (self._make_workbook(org) for org in self.orgs.values())
        self.workbooks = {book.file_id: book for book in books}
        self.keys: dict[str, OrgKeys] = {org_id: make_keys(seed, org_id) for org_id in self.orgs}
        self.tokens = Tokens(seed, clock, limits.google_token_seconds)

    def now(self) -> dt.datetime:
        """Return the instant at which the vendors stand: early on `today`."""
        return dt.datetime.combine(self.today, dt.time(_HOUR), dt.UTC)

    def payments(self, org_id: str) -> Payments:
        """Return the books of an organisation's shop, made when they are first asked for."""
        if org_id not in self._payments:
            now = int(self.now().timestamp())
            org = self.orgs[org_id]
            self._payments[org_id] = make_payments(org, self.seed, self._history, now)
        return self._payments[org_id]

    def workbook(self, org_id: str) -> Workbook:
        """Return the spreadsheet of an organisation."""
        return next(book for book in self.workbooks.values() if book.org_id == org_id)

    def advance(self, days: int) -> None:
        """Let `days` pass."""
        self.today += dt.timedelta(days=days)
        self.delivery.advance(days)
        for books in self._payments.values():
            books.now = int(self.now().timestamp())

    def _make_workbook(self, org: Org) -> Workbook:
        name = hashlib.blake2b(f"{self.seed}:{org.org_id}:sheet".encode(), digest_size=16)
        return Workbook(org, f"1{name.hexdigest()}", self.now() - dt.timedelta(days=2))
