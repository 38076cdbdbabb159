"""Our connectors against the simulators, over HTTP: silver is what the vendors' ledger says."""

import datetime as dt
import json
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tactics.config import SourceSettings
from tactics.connectors import (
    Connector,
    Options,
    base_urls_of,
    find_connector,
    options_of,
)
from tactics.errors import FieldRejected, SliceTooLarge
from tactics.model import Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.transport import Request, Response
from tests.lab import PILLARS
from tests.unit.connectors.builders import Silver

TODAY = dt.date(2026, 11, 21)
WINDOW = Window(TODAY - dt.timedelta(days=20), TODAY)
ORG = "acme"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=PILLARS)


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve it on loopback."""
    with serve(world) as running:
        yield running


class Source:
    """One configured source of the sandbox: asks, follows every step, keeps the pages."""

    def __init__(self, world: World, sandbox: Sandbox, kind: str, **extra: object) -> None:
        text = tomllib.loads(world.config_toml(sandbox.url))["orgs"][ORG]["sources"][kind]
        self.settings = SourceSettings.model_validate({**text, **extra})
        self.connector: Connector = find_connector(kind)
        self.options: Options = options_of(self.settings, self.connector)
        self.urls = base_urls_of(self.settings, self.connector)
        secrets = world.environment(sandbox.url, google="refresh_token")
        prefix = f"TACTICS_{ORG}_{kind}_".upper()
        self.secrets = {
            k.removeprefix(prefix).lower(): v for k, v in secrets.items() if k.startswith(prefix)
        }
        self.token = self._google_token(sandbox) if kind == "sheets" else ""
        self.account_id = self.settings.accounts[0]
        self.asked: list[Request] = []

    def account(self) -> Any:
        """Return what the vendor says of the account."""
        response = self.send(self.connector.ask_account(self.account_id, self.options))
        return self.connector.read_account(self.account_id, self.options, response)

    def work(self, stream: str, window: Window = WINDOW, **changes: Any) -> Slice:
        """Return a slice of a stream."""
        key = StreamKey(ORG, self.connector.manifest.kind, self.account_id, stream)
        return Slice(key, window, Priority.LIVE, self.account(), **changes)

    def fetch(self, work: Slice, silver: Silver) -> None:
        """Follow the slice to its end, smaller or without a field where the vendor asks."""
        try:
            self._follow(work, silver)
        except SliceTooLarge:
            if len(work.window) == 1:
                return self.fetch(replace(work, deep=True), silver)
            for half in work.window.halves():
                self.fetch(replace(work, window=half), silver)
        except FieldRejected as error:
            self.fetch(replace(work, without=work.without | {str(error.facts["field"])}), silver)

    def _follow(self, work: Slice, silver: Silver) -> None:
        request: Request | None = self.connector.ask(work, self.options)
        while request is not None:
            assert len(self.asked) < 500
            self.asked.append(request)
            step = self.connector.read(work, self.options, request, self.send(request))
            if step.page is not None:
                silver.add(step.page, request=self._described(work, request), window=work.window)
            request = step.next

    def _described(self, work: Slice, request: Request) -> dict[str, object]:
        facts = {"currency": work.account.currency or "EUR", "timezone": work.account.timezone}
        options = self.options.model_dump(mode="json")
        return {"query": dict(request.query), "account": facts, "options": options}

    def send(self, request: Request) -> Response:
        """Send a request as the transport would, credential included."""
        query = urllib.parse.urlencode([*request.query, *self._query_secret()])
        url = f"{self.urls[request.base]}{request.path}?{query}"
        headers = dict(request.headers)
        if bearer := self.token or self.secrets.get("api_key"):
            headers["authorization"] = f"Bearer {bearer}"
        asked = urllib.request.Request(
            url, data=request.body or None, headers=headers, method=request.method
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return _response(answer.status, answer)
        except urllib.error.HTTPError as error:
            with error:
                return _response(error.code, error)

    def _query_secret(self) -> list[tuple[str, str]]:
        token = self.secrets.get("access_token")
        return [("access_token", token)] if token else []

    def _google_token(self, sandbox: Sandbox) -> str:
        form = urllib.parse.urlencode({"grant_type": "refresh_token", **self.secrets}).encode()
        with urllib.request.urlopen(f"{sandbox.url}/token", data=form, timeout=30) as answer:
            return str(json.load(answer)["access_token"])


def _response(status: int, answer: Any) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(status, answer.read(), headers)


@pytest.fixture
def silver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Silver]:
    """Return the SQL of the stream that the test names."""
    kind, stream = request.param
    opened = Silver(find_connector(kind), stream, tmp_path)
    yield opened
    opened.connection.close()


meta = pytest.mark.parametrize("silver", [("meta", "campaign_insights")], indirect=True)
stripe = pytest.mark.parametrize("silver", [("stripe", "transactions")], indirect=True)
bookings = pytest.mark.parametrize("silver", [("sheets", "bookings")], indirect=True)
deals = pytest.mark.parametrize("silver", [("sheets", "crm_deals")], indirect=True)


def expected_ads(world: World, source: Source) -> set[tuple[object, ...]]:
    """Return the ledger's ad days of the account in the window."""
    return {
        (ad.day, ad.campaign_id, ad.campaign_name, ad.impressions, ad.clicks, ad.spend,
         ad.conversions, ad.conversion_value, ad.video_views, ad.currency)
        for ad in world.totals().between(WINDOW.start, WINDOW.end).ads
        if ad.account_id == source.account_id
    }  # fmt: skip


def ads(rows: list[dict[str, Any]]) -> set[tuple[object, ...]]:
    """Return the good rows in the shape of the ledger."""
    names = ("date", "campaign_id", "campaign_name", "impressions", "clicks", "spend",
             "conversions", "conversion_value", "video_views", "currency")  # fmt: skip
    return {tuple(row[name] for name in names) for row in rows if row["rule"] is None}


@meta
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_meta_equals_the_ledger(world: World, sandbox: Sandbox, silver: Silver, mode: str) -> None:
    """Directly and as a report, over many small pages: every campaign and day to the cent."""
    source = Source(world, sandbox, "meta", report_mode=mode, page_size=7)
    source.fetch(source.work("campaign_insights"), silver)
    found = silver.rows()
    assert ads(found) == expected_ads(world, source)
    assert len(found) == len(ads(found)) > 0
    pages = silver.connection.execute("SELECT string_agg(payload) FROM pages").fetchall()[0][0]
    assert not [secret for secret in world.secrets() if secret in pages]


@meta
@pytest.mark.parametrize(
    "fault",
    [
        Fault("reduce_data", "meta", times=None, options={"over_days": 1}),
        Fault("reduce_data", "meta", times=None, options={"over_days": 0}),
        Fault("bad_field", "meta", times=None, options={"field": "date_stop"}),
        Fault("empty_page_with_next", "meta"),
        Fault("unknown_field", "meta", times=None),
        Fault("version_warning", "meta", times=None),
    ],
    ids=lambda fault: fault.name,
)
def test_meta_copes(world: World, sandbox: Sandbox, silver: Silver, fault: Fault) -> None:
    """Too much data, a refused field, an empty page with a next: nothing is lost."""
    world.faults.plant(fault)
    source = Source(world, sandbox, "meta")
    source.fetch(
        source.work("campaign_insights", Window(TODAY - dt.timedelta(days=3), TODAY)), silver
    )
    wanted = {row for row in expected_ads(world, source) if row[0] >= TODAY - dt.timedelta(days=3)}
    assert ads(silver.rows()) == wanted
    assert fault.fired


@meta
@pytest.mark.parametrize("name", ["job_failed", "job_skipped"])
def test_meta_replaces_a_lost_report(
    world: World, sandbox: Sandbox, silver: Silver, name: str
) -> None:
    """A report that fails once is submitted again, and only once more."""
    world.faults.plant(Fault(name, "meta"))
    source = Source(world, sandbox, "meta", report_mode="async")
    source.fetch(source.work("campaign_insights"), silver)
    assert ads(silver.rows()) == expected_ads(world, source)
    assert [request.method for request in source.asked].count("POST") == 2


@stripe
def test_stripe_equals_the_ledger(world: World, sandbox: Sandbox, silver: Silver) -> None:
    """Every movement of the window by the account's days, in minor units, without personal data."""
    source = Source(world, sandbox, "stripe")
    source.fetch(source.work("transactions"), silver)
    found = {
        (row["date"], row["txn_id"], row["currency"].lower(), row["amount_minor"], row["fee_minor"],
         row["net_minor"], row["reporting_category"], row["status"])
        for row in silver.rows()
        if row["rule"] is None
    }  # fmt: skip
    assert found == {
        (m.day, m.txn_id, m.currency.lower(), m.amount_minor, m.fee_minor, m.net_minor,
         m.reporting_category, m.status)
        for m in world.totals().of(ORG).between(WINDOW.start, WINDOW.end).movements
    }  # fmt: skip
    assert found
    pages = silver.connection.execute("SELECT string_agg(payload) FROM pages").fetchall()[0][0]
    for personal in ("@", "billing_details", "receipt_email", "last4", "description"):
        assert personal not in pages


@stripe
def test_stripe_windows_lose_nothing(world: World, sandbox: Sandbox, silver: Silver) -> None:
    """Day windows and one long window hold the same transactions, each once."""
    source = Source(world, sandbox, "stripe")
    for day in WINDOW.days():
        source.fetch(source.work("transactions", Window(day, day)), silver)
    ids = [row["txn_id"] for row in silver.rows()]
    movements = world.totals().of(ORG).between(WINDOW.start, WINDOW.end).movements
    assert sorted(ids) == sorted(movement.txn_id for movement in movements)


@bookings
@pytest.mark.parametrize("deep", [False, True])
def test_bookings_equal_the_ledger(
    world: World, sandbox: Sandbox, silver: Silver, *, deep: bool
) -> None:
    """Whole or in blocks: each line as a person means it; each unreadable row refused."""
    if deep:
        world.faults.plant(Fault("too_complex", "sheets", times=None, options={"over_rows": 300}))
    source = Source(world, sandbox, "sheets")
    source.fetch(source.work("bookings", Window(TODAY, TODAY)), silver)
    rows = silver.rows()
    totals = world.totals().of(ORG)
    assert {row["sheet_row"]: _line(row) for row in rows if row["rule"] is None} == {
        kept.sheet_row: _meant(kept.booking) for kept in totals.bookings
    }
    refused = {row["sheet_row"]: row["rule"] for row in rows if row["rule"]}
    names = {
        "impossible_date": "flight_end_not_a_date",
        "unreadable_revenue": "booking_revenue_not_a_number",
    }
    assert refused == {
        bad.sheet_row: names.get(bad.reason, bad.reason) for bad in totals.unreadable
    }


LINE = ("booking_id", "client", "campaign", "campaign_id", "platform", "flight_start", "flight_end",
        "booked_impressions", "booking_revenue", "currency", "status", "make_good_for")  # fmt: skip


def _line(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in LINE)


def _meant(booking: Any) -> tuple[object, ...]:
    return tuple(getattr(booking, name) for name in LINE)


@bookings
def test_a_sheet_that_changes_while_it_is_read(
    world: World, sandbox: Sandbox, silver: Silver
) -> None:
    """The edited line is the one that counts."""
    world.faults.plant(Fault("sheet_changed_mid_read", "sheets"))
    source = Source(world, sandbox, "sheets")
    source.fetch(source.work("bookings", Window(TODAY, TODAY)), silver)
    revenue = {
        row["booking_id"]: row["booking_revenue"] for row in silver.rows() if not row["rule"]
    }
    assert revenue == {
        b.booking.booking_id: b.booking.booking_revenue for b in world.totals().of(ORG).bookings
    }


@bookings
def test_a_renamed_tab_is_still_read(world: World, sandbox: Sandbox, silver: Silver) -> None:
    """The tab is found by its id under the new title."""
    source = Source(world, sandbox, "sheets")
    work = source.work("bookings", Window(TODAY, TODAY))
    world.workbook(ORG).rename_tab("Bookings", "Buchungen '26")
    source.fetch(work, silver)
    assert len([row for row in silver.rows() if not row["rule"]]) == len(
        world.totals().of(ORG).bookings
    )


@deals
def test_deals_equal_the_ledger(world: World, sandbox: Sandbox, silver: Silver) -> None:
    """Every deal, and no contact, e-mail or phone."""
    source = Source(world, sandbox, "sheets")
    source.fetch(source.work("crm_deals", Window(TODAY, TODAY)), silver)
    names = (
        "deal_id",
        "company",
        "amount",
        "currency",
        "probability",
        "expected_close",
        "created_on",
        "updated_on",
    )
    found = {tuple(row[name] for name in names) for row in silver.rows() if row["rule"] is None}
    deals = [kept.deal for kept in world.totals().of(ORG).deals]
    assert found == {tuple(getattr(deal, name) for name in names) for deal in deals}
    pages = silver.connection.execute("SELECT string_agg(payload) FROM pages").fetchall()[0][0]
    for deal in deals:
        assert deal.contact_email not in pages
        assert deal.phone not in pages
