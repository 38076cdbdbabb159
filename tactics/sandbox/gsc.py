"""Simulates Google Search Console: properties, search analytics, sitemaps and URL inspection.

Days are Pacific; a day is fresh for three days and unknown while it runs. Source: contract sheet
"Google Search Console API" (2026-11-21). Lists no sitemaps within an index.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tactics.sandbox import gsc_errors
from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.faults import Fault
from tactics.sandbox.google import check_bearer, service_account
from tactics.sandbox.gsc_health import (
    contains,
    inspected_urls,
    kept_states,
    shown_inspection,
    shown_sitemaps,
)
from tactics.sandbox.gsc_query import Query, parse_query, read_object
from tactics.sandbox.gsc_reports import kept_rows, shown_rows
from tactics.sandbox.gsc_search import FINAL_AFTER, SearchLog
from tactics.sandbox.ledger import Fact
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

_SCOPES = ("webmasters.readonly", "webmasters")
_OWN = {"acme": "sc-domain:acme.example", "globex": "https://www.globex.example/"}
# Known to the identity, but nobody verified them: their data cannot be read.
_UNVERIFIED = {"acme": "https://www.acme.example/", "globex": "sc-domain:globex.example"}
_INSPECTIONS = 2000  # a day and property
_ORDINARY_PARAMETERS = {"alt", "prettyPrint", "quotaUser", "$.xgafv"}


def simulator(scene: Scene) -> Simulator:
    """Return Search Console over the properties of `scene`."""
    search = _Search(scene)
    return Simulator(
        name="gsc",
        routes=(
            Route("GET", "/webmasters/v3/sites", search.list_sites),
            Route("GET", "/webmasters/v3/sites/{account}", search.get_site),
            Route("POST", "/webmasters/v3/sites/{account}/searchAnalytics/query", search.query),
            Route("GET", "/webmasters/v3/sites/{account}/sitemaps", search.list_sitemaps),
            Route("POST", "/v1/urlInspection/index:inspect", search.inspect),
        ),
        not_found=lambda _call: gsc_errors.error_reply(404, "Not Found", "notFound"),
        before=gsc_errors.BEFORE,
        after={
            "ties_repeat": search.repeat_tie,
            "ties_swap": search.swap_tie,
            "not_a_number": _spoil_clicks,
            "long_doubles": _lengthen,
            "unknown_field": _extra_key,
        },
        settings=lambda org, url: {
            "accounts": [property_of(org.org_id)],
            "base_url": f"{url}/gsc",
            "inspect_urls": inspected_urls(property_of(org.org_id)),
        },
        credentials=lambda org, url: {
            "service_account": json.dumps(service_account(scene.keys[org.org_id], url))
        },
        facts=search.facts,
        actions={
            "gsc_flood": search.flood,
            "gsc_overlap": search.overlap,
            "gsc_lag": search.lag,
            "gsc_drain": search.drain,
        },
    )


def property_of(org_id: str) -> str:
    """Return the property that an organisation reads."""
    return _OWN.get(org_id, f"sc-domain:{org_id}.example")


class _Search:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        first = scene.today - dt.timedelta(days=scene.days - 1)
        self._logs = {
            org_id: SearchLog(scene.seed, property_of(org_id), first) for org_id in scene.orgs
        }
        self._levels = {
            org_id: {
                property_of(org_id): "siteFullUser",
                f"https://shop.{org_id}-outlet.example/": "siteRestrictedUser",
                _UNVERIFIED.get(org_id, f"https://{org_id}.example/"): "siteUnverifiedUser",
            }
            for org_id in scene.orgs
        }
        self._lag_days = FINAL_AFTER
        self._inspected: Counter[tuple[str, dt.date]] = Counter()

    def flood(self, org_id: str = "acme", day: str = "", rows: int = 25_000) -> int:
        """Let a property have a day of exactly `rows` queries and pages (three days ago)."""
        usual = self._scene.today - dt.timedelta(days=FINAL_AFTER)
        self._logs[org_id].flood(dt.date.fromisoformat(day) if day else usual, rows)
        return rows

    def overlap(self, org_id: str = "acme") -> str:
        """Verify the property that overlaps the one that is read."""
        site_url = _UNVERIFIED[org_id]
        self._levels[org_id][site_url] = "siteOwner"
        return site_url

    def lag(self, days: int) -> int:
        """Let Google take so many days until it calls a day complete; the numbers do not wait."""
        self._lag_days = days
        return days

    def drain(self, leave: int, org_id: str = "acme") -> int:
        """Let other programs use today's inspections up, but for `leave` of them."""
        self._inspected[property_of(org_id), self._scene.today] = _INSPECTIONS - leave
        return leave

    def list_sites(self, call: Call) -> Reply:
        levels = self._sign_in(call)
        return Reply({"siteEntry": [_site(url, level) for url, level in levels.items()]})

    def get_site(self, call: Call) -> Reply:
        levels, site_url = self._sign_in(call), call.match["account"]
        if site_url not in levels:
            raise Refused(gsc_errors.error_reply(404, f"'{site_url}' is not known", "notFound"))
        return Reply(_site(site_url, levels[site_url]))

    def query(self, call: Call) -> Reply:
        log, query = self._open(call), parse_query(call.body)
        rows = self._rows(log, query)[query.start_row : query.start_row + query.row_limit]
        document: dict[str, Any] = {"rows": rows} if rows else {}
        document["responseAggregationType"] = "byPage" if query.by_page else "byProperty"
        incomplete = max(self._first_incomplete(), query.window.start)
        if query.fresh and "date" in query.dimensions and incomplete <= query.window.end:
            document["metadata"] = {"firstIncompleteDate": incomplete.isoformat()}
        return Reply(document)

    def list_sitemaps(self, call: Call) -> Reply:
        site_url = self._open(call).site_url
        own = any(log.site_url == site_url for log in self._logs.values())
        found = shown_sitemaps(site_url, self._scene.today) if own else []
        return Reply({"sitemap": found} if found else {})

    def inspect(self, call: Call) -> Reply:
        levels = self._sign_in(call)
        asked = read_object(call.body, ("inspectionUrl", "siteUrl", "languageCode"))
        url, site_url = (str(asked.get(name, "")) for name in ("inspectionUrl", "siteUrl"))
        if not url.startswith(("http://", "https://")) or not site_url:
            gsc_errors.refuse("Request contains an invalid argument.")
        if not _is_readable(levels, site_url) or not contains(site_url, url):
            raise Refused(gsc_errors.not_in_property())
        today = self._scene.today
        if self._inspected[site_url, today] >= _INSPECTIONS:
            message = f"Quota exceeded for {site_url}."
            raise Refused(gsc_errors.error_reply(403, message, "quotaExceeded"))
        self._inspected[site_url, today] += 1
        return Reply(shown_inspection(url, site_url, today))

    def repeat_tie(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Tell the last row of the page before once more; nothing is left out."""
        before = self._row_before(call, reply)
        if before is None or len(reply.document["rows"]) >= parse_query(call.body).row_limit:
            return None
        return Reply({**reply.document, "rows": [before, *reply.document["rows"]]})

    def swap_tie(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Tell the last row of the page before in place of the first one of this page."""
        before = self._row_before(call, reply)
        if before is None:
            return None
        return Reply({**reply.document, "rows": [before, *reply.document["rows"][1:]]})

    def facts(self, org: Org) -> Iterator[Fact]:
        """Yield what silver has after a sync with the settings above: searches, then today's state."""
        yield from self._searches(org)
        yield from self._states(org)

    def _searches(self, org: Org) -> Iterator[Fact]:
        log, today = self._logs[org.org_id], self._scene.today
        for back in range((today - log.first).days, 0, -1):
            day = today - dt.timedelta(days=back)
            hits = log.hits(day, today, self._scene.delivery.version(day))
            is_final = day < self._first_incomplete()
            for entity_id, columns in kept_rows(hits):
                values = {"search_type": "web", "is_final": is_final, **columns}
                yield Fact(
                    table="search_performance",
                    org_id=org.org_id,
                    source="gsc",
                    account_id=log.site_url,
                    day=day,
                    entity_id=entity_id,
                    values=values,
                )

    def _states(self, org: Org) -> Iterator[Fact]:
        site_url, today = property_of(org.org_id), self._scene.today
        for table, entity_id, values in kept_states(site_url, today):
            yield Fact(table, org.org_id, "gsc", site_url, today, entity_id, values)

    def _first_incomplete(self) -> dt.date:
        return self._scene.today - dt.timedelta(days=self._lag_days - 1)

    def _row_before(self, call: Call, reply: Reply) -> dict[str, Any] | None:
        """Return the row before this page, if the page's first row has as many clicks."""
        rows = (reply.document or {}).get("rows")
        start = json.loads(call.body or b"{}").get("startRow", 0)
        if not rows or not start:
            return None
        before = self._rows(self._open(call), parse_query(call.body))[start - 1]
        return before if before["clicks"] == rows[0]["clicks"] else None

    def _rows(self, log: SearchLog, query: Query) -> list[dict[str, Any]]:
        """Return all rows: by day when days are asked for, then most clicks first."""
        if query.search_type != "web":
            return []
        today, version = self._scene.today, self._scene.delivery.version
        days = [
            (day, log.hits(day, today, version(day)))
            for day in query.window.days()
            if query.fresh or day < self._first_incomplete()
        ]
        if "date" in query.dimensions:
            return [row for day, hits in days for row in shown_rows(query, day, hits)]
        return shown_rows(query, query.window.start, [hit for _, hits in days for hit in hits])

    def _open(self, call: Call) -> SearchLog:
        site_url = call.match["account"]
        levels = self._sign_in(call)
        log = next((log for log in self._logs.values() if log.site_url == site_url), None)
        if not _is_readable(levels, site_url):
            raise Refused(gsc_errors.no_permission(site_url))
        return log or SearchLog(self._scene.seed, site_url, self._scene.today)

    def _sign_in(self, call: Call) -> dict[str, str]:
        grant = check_bearer(self._scene, call, _SCOPES)
        for name, _ in call.query:
            if name not in _ORDINARY_PARAMETERS:
                raise gsc_errors.refuse(f'Unknown name "{name}": Cannot bind query parameter.')
        return self._levels[grant.org_id]


def _is_readable(levels: Mapping[str, str], site_url: str) -> bool:
    return levels.get(site_url, "siteUnverifiedUser") != "siteUnverifiedUser"


def _site(site_url: str, level: str) -> dict[str, str]:
    return {"siteUrl": site_url, "permissionLevel": level}


def _spoil_clicks(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    rows = (reply.document or {}).get("rows")
    return rows and Reply({**reply.document, "rows": [{**rows[0], "clicks": "N/A"}, *rows[1:]]})


def _lengthen(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Write positions with 25 decimals, as Google did once."""
    if not (reply.document or {}).get("rows"):
        return None
    rows = [row | {"position": f"<{row['position']:.25f}>"} for row in reply.document["rows"]]
    text = json.dumps({**reply.document, "rows": rows}).replace('"<', "").replace('>"', "")
    return Reply(reply.document, body=text.encode())


def _extra_key(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    rows = (reply.document or {}).get("rows")
    return rows and Reply({
        **reply.document,
        "sandboxNew": [1],
        "rows": [r | {"x": 1} for r in rows],
    })
