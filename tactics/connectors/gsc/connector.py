"""Asks Search Console for search performance, and leaves sitemaps and inspections to their modules.

Sends nothing. Source: contract sheet "Google Search Console API" (2026-11-21).
"""

import json
from collections.abc import Mapping

from tactics.connectors.base import DailyQuota, Manifest, Options, Step, StreamSpec
from tactics.connectors.gsc import inspections, sitemaps
from tactics.connectors.gsc.answer import PSEUDONYMS, Report, Sites, open_answer, page_of
from tactics.connectors.gsc.faults import TIMEZONE
from tactics.connectors.gsc.options import GscOptions
from tactics.connectors.gsc.properties import SITES, find_site, overlapping, path_of
from tactics.errors import CursorRejected
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get, post_json

DAY_ROWS = (
    50_000  # about so many rows a day, search type and property are exposed; also in rows.sql
)
MOST_ROWS = 10 * DAY_ROWS  # a list that goes on from there repeats itself (a guess)

_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "site_totals": ("date",),
    "pages": ("date", "page"),
    "queries": ("date", "query"),
    "query_pages": ("date", "query", "page"),
}


def _stream(name: str, *keys: str, days: int = 1) -> StreamSpec:
    return StreamSpec(
        name=name,
        table="search_performance",
        entity_keys=("search_type", "report", *keys),
        slice_days=days,
        lookback_days=3,  # fresh days still move; final data lags two to three days
        final_after_days=3,
        max_history_days=485,  # 16 months, of the shortest months
    )


def _state(name: str, *keys: str) -> StreamSpec:
    """Return a stream that Google has no history of."""
    return StreamSpec(name=name, table=name, entity_keys=keys, slicing="daily", reread_hours=24)


class GscConnector:
    """Google Search Console. Accounts are properties, written as Search Console writes them."""

    manifest = Manifest(
        kind="gsc",
        title="Google Search Console",
        account_example="sc-domain:example.com",
        base_urls={"api": "https://searchconsole.googleapis.com"},
        api_version="webmasters/v3",
        sunset=None,
        breaker="gsc_breaker",
        credentials=(("service_account",), ("client_id", "client_secret", "refresh_token")),
        auth="google",
        scopes=("https://www.googleapis.com/auth/webmasters.readonly",),
        hosts=("googleapis.com",),
        streams=(
            _stream("site_totals", days=28),  # one row a day: the calendar of the property
            _stream("pages", "page_url"),
            _stream("queries", "query"),
            _stream("query_pages", "query", "page_url", "country", "device"),
            _state("sitemaps", "path"),
            _state("url_inspections", "page_url"),  # last: its quota, once spent, parks the source
        ),
        # 1,200 a minute, site and user. What also limits is "load", which has no number: cheap
        # shapes (one day a request) are all that one can do about it.
        requests_per_second=18.0,
        burst=100,
        # A property's; those of a connection are counted together, to be on the safe side.
        # Source: contract sheet, section 5 (2026-11-21).
        daily_quota=DailyQuota(2000, endpoints=("urlInspection",)),
    )
    options = GscOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:
        """Return the totals, the chosen reports, and the chosen parts of the property's health."""
        mine = _mine(options)
        wanted = {"site_totals", *mine.reports}
        wanted |= {"sitemaps"} if mine.sitemaps else set()
        wanted |= {"url_inspections"} if mine.inspect_urls else set()
        return tuple(spec for spec in self.manifest.streams if spec.name in wanted)

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept what is there: Google tells at the first token."""

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for all properties: one that is misspelt is found among them."""
        return get(SITES)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return the property. It has no currency, and its days are Pacific."""
        sites = open_answer(response, Sites).site_entry
        facts = {"permission": find_site(account_id, sites).permission_level}
        if others := overlapping(account_id, sites):
            facts["overlaps"] = ", ".join(others)
        return AccountInfo(account_id, account_id, None, TIMEZONE, facts)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first request of a slice."""
        match work.key.stream:
            case "sitemaps":
                return sitemaps.ask(work.key.account_id)
            case "url_inspections":
                return inspections.ask()
            case _:
                return _ask_report(work, _mine(options))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return the page without personal data, and the request that follows."""
        mine = _mine(options)
        match work.key.stream:
            case "sitemaps":
                return sitemaps.read(mine, response)
            case "url_inspections":
                return inspections.read(work.key.account_id, mine, request, response)
            case _:
                return _read_report(work, mine, request, response)


def _ask_report(work: Slice, mine: GscOptions) -> Request:
    """Return the first page.

    Always with the fresh days: for settled ones the numbers are the same, and only then does
    Google say which days are not settled.
    """
    dimensions = _dimensions(work, mine)
    body = {
        "startDate": work.window.start.isoformat(),
        "endDate": work.window.end.isoformat(),
        "dimensions": dimensions,
        "type": mine.search_type,
        "aggregationType": "auto" if "page" in dimensions else "byProperty",
        "dataState": "all",
        "rowLimit": mine.page_size,
        "startRow": 0,
    }
    return post_json(f"{path_of(work.key.account_id)}/searchAnalytics/query", body)


def _read_report(work: Slice, mine: GscOptions, request: Request, response: Response) -> Step:
    """Return the page, and the request for the rows after it.

    Raises:
        CursorRejected: the list is far longer than Google exposes.
    """
    report = open_answer(response, Report)
    page, changed = page_of(report, _dimensions(work, mine), mine.page_parameters)
    pseudonyms = PSEUDONYMS if changed else {}
    asked = json.loads(request.body)
    reached = asked["startRow"] + len(report.rows)
    if len(report.rows) < asked["rowLimit"]:
        warnings = tuple(_warnings(work, mine, reached))
        return Step(page=page, pseudonyms=pseudonyms, warnings=warnings)
    if reached > MOST_ROWS:
        raise CursorRejected("google's list does not end", rows=reached)
    following = post_json(request.path, {**asked, "startRow": reached})
    return Step(page=page, pseudonyms=pseudonyms, next=following)


def _warnings(work: Slice, mine: GscOptions, rows: int) -> list[str]:
    site, stream = work.key.account_id, work.key.stream
    found = []
    if rows >= DAY_ROWS and len(work.window) == 1:
        found.append(f"gsc: {site} has days that Google cuts at {DAY_ROWS} rows in {stream}")
    others = work.account.facts.get("overlaps")
    if others and mine.warn_overlaps and stream == "site_totals":
        found.append(f"gsc: {site} counts searches that {others} counts too: never add them up")
    return found


def _dimensions(work: Slice, mine: GscOptions) -> list[str]:
    further = mine.breakdown if work.key.stream == "query_pages" else ()
    return [*_DIMENSIONS[work.key.stream], *dict.fromkeys(further)]


def _mine(options: Options) -> GscOptions:
    assert isinstance(options, GscOptions)
    return options


connector = GscConnector()
