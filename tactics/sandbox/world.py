"""The pretend world a test or a demo talks to: data, its exact totals, mutations, faults, credentials.

Deterministic: the same seed, date and mutations give the same bytes. Opens no socket; `serve` does.
"""

import datetime as dt
import email.utils
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from tactics.clock import Clock, SystemClock
from tactics.sandbox.api import Call, Reply
from tactics.sandbox.delivery import CampaignDay
from tactics.sandbox.dispatch import Dispatcher, known_faults
from tactics.sandbox.faults import Faults
from tactics.sandbox.google import service_account
from tactics.sandbox.keys import service_key_pem
from tactics.sandbox.ledger import AdDay, Movement, Totals
from tactics.sandbox.plan import HISTORY_DAYS, Booking, Org
from tactics.sandbox.registry import build_simulators
from tactics.sandbox.scene import Limits, Scene
from tactics.sandbox.workbook import Workbook


class World:
    """All simulated vendors of some organisations, as they stand early on `today`.

    `sources` limits which of them the organisations use; by default they use all. Thread-safe:
    mutations and answers exclude each other.
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        today: dt.date,
        days: int = HISTORY_DAYS,
        orgs: tuple[str, ...] = ("acme", "globex"),
        sources: Collection[str] | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._scene = Scene(
            seed,
            today,
            days,
            clock=clock or SystemClock(),
            limits=limits or Limits(),
            sources=sources,
        )
        self._orgs = [self._scene.orgs[org_id] for org_id in orgs]
        self._simulators = build_simulators(self._scene)
        self._sources = [
            simulator
            for simulator in self._simulators
            if sources is None or simulator.name in sources
        ]
        self._lock = threading.RLock()
        self.faults = Faults(known_faults(self._simulators))
        self._dispatcher = Dispatcher(self._simulators, self.faults, self._lock)

    @property
    def today(self) -> dt.date:
        """Return the current, partial day."""
        return self._scene.today

    def answer(self, call: Call) -> Reply:
        """Return what a simulated API says, dated by the vendors' own day."""
        reply = self._dispatcher.answer(call)
        date = email.utils.format_datetime(self._scene.now(), usegmt=True)
        return replace(reply, headers={"date": date, **reply.headers})

    def totals(self) -> Totals:
        """Return what the vendors hold now, today's partial day included."""
        with self._lock:
            books = [self._scene.workbook(org.org_id) for org in self._orgs]
            return Totals(
                ads=tuple(row for org in self._orgs for row in self._ad_days(org)),
                movements=tuple(row for org in self._orgs for row in self._movements(org)),
                bookings=tuple(row for book in books for row in book.bookings()),
                unreadable=tuple(row for book in books for row in book.unreadable()),
                deals=tuple(row for book in books for row in book.deals()),
                facts=tuple(
                    fact
                    for simulator in self._sources
                    for org in self._orgs
                    for fact in simulator.facts(org)
                ),
            )

    def restate(self, days: int = 14) -> None:
        """Change the ad numbers of the last `days` days, today included."""
        with self._lock:
            self._scene.delivery.restate(days)

    def rename_campaign(self, campaign_id: str | None = None, name: str | None = None) -> str:
        """Rename a campaign, also in its history (by default the first), and return its id."""
        with self._lock:
            names = self._scene.delivery.names
            chosen = campaign_id or self._orgs[0].campaigns[0].campaign_id
            self._scene.delivery.rename(chosen, name or f"{names[chosen]} (renamed)")
            return chosen

    def drop_rows(self, count: int = 2) -> list[CampaignDay]:
        """Make some ad rows of the last 14 closed days vanish; return their campaign and day."""
        with self._lock:
            return self._scene.delivery.drop(count)

    def edit_booking(self, booking_id: str | None = None, **changes: object) -> Booking:
        """Edit a line of a bookings tab (by default the first, to earn 100 more)."""
        with self._lock:
            chosen = booking_id or self._orgs[0].bookings[0].booking_id
            book = next(
                book
                for book in self._scene.workbooks.values()
                if any(row.booking.booking_id == chosen for row in book.bookings())
            )
            if not changes:
                row = next(row for row in book.bookings() if row.booking.booking_id == chosen)
                changes = {"booking_revenue": (row.booking.booking_revenue or Decimal(0)) + 100}
            return book.edit_booking(chosen, **changes)

    def advance(self, days: int = 1) -> dt.date:
        """Let days pass: delivery goes on, pending money becomes available; return the new today."""
        with self._lock:
            self._scene.advance(days)
            return self._scene.today

    def release_meta(self, *versions: str) -> None:
        """Let Meta serve these API versions from now on, and no others."""
        with self._lock:
            self._scene.limits = replace(self._scene.limits, meta_versions=versions)

    def workbook(self, org_id: str) -> Workbook:
        """Return the spreadsheet of an organisation, to edit it in rougher ways."""
        return self._scene.workbook(org_id)

    def expire_tokens(self) -> None:
        """Expire every Google access token issued so far."""
        self._scene.tokens.revoke()

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """Return the mutations by the names the control endpoint knows them by."""
        return {
            "restate": self.restate,
            "rename": self.rename_campaign,
            "drop": self.drop_rows,
            "edit_booking": self.edit_booking,
            "advance": self.advance,
            "expire_tokens": self.expire_tokens,
            **{
                name: self._locked(act)
                for sim in self._sources
                for name, act in sim.actions.items()
            },
        }

    def _locked(self, action: Callable[..., object]) -> Callable[..., object]:
        def act(**arguments: object) -> object:
            with self._lock:
                return action(**arguments)

        return act

    def config_toml(self, url: str) -> str:
        """Return a complete tactics.toml whose sources are the sandbox at `url`."""
        return "\n".join(line for org in self._orgs for line in self._org_toml(org, url))

    def environment(self, url: str, *, google: str = "service_account") -> dict[str, str]:
        """Return the credentials as `TACTICS_<ORG>_<SOURCE>_<NAME>`.

        `google="refresh_token"` gives Google's three user credentials in place of the key file.
        """
        found: dict[str, str] = {}
        for org in self._orgs:
            for simulator in self._sources:
                held = simulator.credentials(org, url)
                if google == "refresh_token" and "service_account" in held:
                    del held["service_account"]
                    held |= self._user_credentials(org.org_id)
                for name, value in held.items():
                    found[_variable(org.org_id, simulator.name, name)] = value
        return found

    def secrets(self) -> tuple[str, ...]:
        """Return every planted or issued secret: none may be found in a file, log or error."""
        lines = service_key_pem().splitlines()
        planted = [text for keys in self._scene.keys.values() for text in keys.secrets()]
        return (*planted, *self._scene.tokens.issued(), *lines[1:-1])

    def service_account(self, org_id: str, url: str) -> dict[str, str]:
        """Return the service account key of an organisation as a mapping."""
        return service_account(self._scene.keys[org_id], url)

    def _user_credentials(self, org_id: str) -> dict[str, str]:
        keys = self._scene.keys[org_id]
        return {
            "client_id": keys.google_client_id,
            "client_secret": keys.google_client_secret,
            "refresh_token": keys.google_refresh_token,
        }

    def _org_toml(self, org: Org, url: str) -> Iterator[str]:
        yield f"[orgs.{org.org_id}]"
        yield from _toml({"name": org.name, "currency": org.currency, "timezone": org.timezone})
        for simulator in self._sources:
            if settings := simulator.settings(org, url):
                yield f"[orgs.{org.org_id}.sources.{simulator.name}]"
                yield from _toml(settings | {"history_days": self._scene.days})

    def _ad_days(self, org: Org) -> Iterator[AdDay]:
        delivery = self._scene.delivery
        for campaign in org.campaigns:
            if campaign.delivers is None:
                continue
            account = campaign.account
            for day, metrics in delivery.rows(campaign, campaign.delivers):
                yield AdDay(
                    org_id=org.org_id,
                    source=account.source,
                    account_id=account.account_id,
                    day=day,
                    campaign_id=campaign.campaign_id,
                    campaign_name=delivery.names[campaign.campaign_id],
                    currency=account.currency,
                    impressions=metrics.impressions,
                    clicks=metrics.clicks,
                    spend=Decimal(metrics.spend_minor).scaleb(-2),
                    conversions=Decimal(metrics.conversions),
                    conversion_value=Decimal(metrics.value_minor).scaleb(-2),
                    video_views=metrics.video_views,
                )

    def _movements(self, org: Org) -> Iterator[Movement]:
        books = self._scene.payments(org.org_id)
        for txn in books.visible():
            yield Movement(
                org_id=org.org_id,
                source="stripe",
                account_id=org.org_id,
                day=books.local_day(txn.created),
                currency=txn.currency,
                txn_id=txn.txn_id,
                type=txn.type,
                reporting_category=txn.reporting_category,
                status=books.status(txn),
                amount_minor=txn.amount,
                fee_minor=txn.fee,
                net_minor=txn.net,
            )


def _variable(org_id: str, source: str, name: str) -> str:
    return f"TACTICS_{org_id}_{source}_{name}".upper()


def _toml(values: Mapping[str, object]) -> Iterator[str]:
    # The values here (text, numbers, lists of text) look the same in JSON and in TOML.
    for key, value in values.items():
        yield f"{key} = {json.dumps(value)}"
    yield ""
