"""A tiny vendor for the lake's tests: pages of ad rows, a sheet, and the SQL that reads them."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tactics.config import LakeSettings
from tactics.duck import DuckLimits, connect
from tactics.home import Home
from tactics.lake import Lake, SilverLoad, SilverRequest, SilverResult
from tactics.model import CoveredDay, Finality, RawPage, StreamKey, Window

FETCHED = dt.datetime(2026, 11, 20, 6, 0, tzinfo=dt.UTC)
Row = Mapping[str, object]
ALL = "* REPLACE (fetched_at::VARCHAR AS fetched_at)"

ADS_SQL = r"""
WITH records AS (
    SELECT pages.* EXCLUDE (payload, window_start, window_end, page, api_version, request),
        unnest(try(from_json(payload, '[{"id":"VARCHAR","name":"VARCHAR","day":"VARCHAR","impressions":"VARCHAR","spend":"VARCHAR"}]'))) AS r,
        generate_subscripts(try(from_json(payload, '["JSON"]')), 1) AS position
    FROM pages
)
SELECT log_seq, org_id, source, account_id, stream, request_id, fetched_at, position,
    r.id AS entity_id, try_cast(r.day AS DATE) AS date,
    r.id AS campaign_id, r.name AS campaign_name, 'social' AS channel,
    try_cast(r.impressions AS BIGINT) AS impressions, 0::BIGINT AS clicks,
    CASE WHEN regexp_matches(r.spend, '^-?\d+(\.\d+)?$') THEN r.spend::DECIMAL(15,2) END AS spend,
    'EUR' AS currency, 0::DECIMAL(15,4) AS conversions, 0::DECIMAL(15,2) AS conversion_value,
    NULL::BIGINT AS video_views, 'Europe/Vienna' AS timezone, 100 AS quality_score,
    CASE WHEN NOT regexp_matches(r.spend, '^-?\d+(\.\d+)?$') THEN 'spend_not_a_number' END AS rule,
    CASE WHEN NOT regexp_matches(r.spend, '^-?\d+(\.\d+)?$') THEN to_json(r) END AS record
FROM records
"""

SHEET_SQL = """
WITH records AS (
    SELECT pages.* EXCLUDE (payload, window_start, window_end, page, api_version, request),
        unnest(from_json(payload, '[{"id":"VARCHAR","start":"VARCHAR","impressions":"VARCHAR"}]')) AS r
    FROM pages
)
SELECT log_seq, org_id, source, account_id, stream, request_id, fetched_at, 0 AS position,
    r.id AS entity_id, try_cast(r.start AS DATE) AS date, r.id AS booking_id,
    NULL AS client, NULL AS campaign, r.id AS campaign_id, NULL AS platform, NULL AS channel,
    try_cast(r.start AS DATE) AS flight_start, try_cast(r.start AS DATE) + 30 AS flight_end,
    try_cast(r.impressions AS BIGINT) AS booked_impressions, NULL AS booking_revenue,
    'EUR' AS currency, 'live' AS status, NULL AS make_good_for, 1 AS sheet_row, NULL AS extras,
    NULL AS goal, NULL AS booked_clicks, NULL AS booked_views, NULL AS booked_conversions,
    NULL AS booked_spend, 1 AS start_share, NULL AS hiatus, NULL AS plan,
    100 AS quality_score, NULL AS rule, NULL AS record
FROM records
"""


def day(number: int) -> dt.date:
    """Return a day of October 2026 (31 is the last one, 32 is the first of November)."""
    return dt.date(2026, 10, 1) + dt.timedelta(days=number - 1)


def ad(name: str, number: int, spend: str = "1.00", impressions: int = 100) -> Row:
    """Return a vendor's row of campaign `name` on a day of October."""
    return {
        "id": name,
        "name": f"Campaign {name}",
        "day": day(number).isoformat(),
        "impressions": str(impressions),
        "spend": spend,
    }


@dataclass
class Vendor:
    """Hands out pages as ingest would: log positions ascend, every fetch has its own request."""

    source: str = "meta"
    stream: str = "insights"
    org_id: str = "acme"
    seq: int = 0
    fetches: dict[str, list[RawPage]] = field(default_factory=dict)

    def key(self, account: str = "act_1") -> StreamKey:
        """Return the stream of an account."""
        return StreamKey(self.org_id, self.source, account, self.stream)

    def fetch(  # every fact of a fetch has a default
        self,
        request_id: str,
        pages: Iterable[object],
        *,
        first: int = 1,
        last: int = 3,
        account: str = "act_1",
        fetched_at: dt.datetime = FETCHED,
    ) -> list[RawPage]:
        """Return the pages of one fetch of the days `first` to `last`."""
        made = []
        for number, payload in enumerate(pages):
            self.seq += 1
            body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            made.append(
                RawPage(
                    self.seq,
                    self.key(account),
                    request_id,
                    Window(day(first), day(last)),
                    number,
                    fetched_at,
                    "v1",
                    '{"account":{"currency":"EUR"}}',
                    body,
                )
            )
        self.fetches[request_id] = made
        return made

    def load(
        self,
        load_id: str,
        *request_ids: str,
        wins: Mapping[str, Iterable[int]] | None = None,
        finality: Finality = Finality.PROVISIONAL,
    ) -> SilverLoad:
        """Return the load of these fetches; by default each wins all days of its window."""
        return SilverLoad(
            load_id,
            "ad_performance",
            ADS_SQL,
            self.org_id,
            self.source,
            self.stream,
            tuple(self._request(request_id) for request_id in request_ids),
            tuple(
                covered
                for request_id in request_ids
                for covered in self._wins(request_id, wins, finality)
            ),
        )

    def _request(self, request_id: str) -> SilverRequest:
        pages = self.fetches[request_id]
        return SilverRequest(
            request_id, pages[0].key.account_id, pages[0].log_seq, pages[-1].log_seq, len(pages)
        )

    def _wins(
        self, request_id: str, wins: Mapping[str, Iterable[int]] | None, finality: Finality
    ) -> Iterable[CoveredDay]:
        page = self.fetches[request_id][0]
        chosen = None if wins is None else wins.get(request_id, ())
        days = page.window.days() if chosen is None else (day(number) for number in chosen)
        for covered in days:
            yield CoveredDay(page.key, covered, finality, request_id, page.fetched_at)


def booking(name: str, start: int, impressions: int = 1000) -> Row:
    """Return a row of a sheet: a flight that starts on a day of October."""
    return {"id": name, "start": day(start).isoformat(), "impressions": str(impressions)}


def sheet_load(vendor: Vendor, load_id: str, *request_ids: str) -> SilverLoad:
    """Return the load of whole sheets into bookings; each fetch covers its day."""
    plain = vendor.load(load_id, *request_ids)
    return replace(plain, table="bookings", sql=SHEET_SQL, slicing="snapshot")


def change_load(vendor: Vendor, load_id: str, *request_ids: str) -> SilverLoad:
    """Return the load of changed records into bookings, each under its own day."""
    plain = vendor.load(load_id, *request_ids)
    return replace(plain, table="bookings", sql=SHEET_SQL, slicing="changes")


def limits(home: Home) -> DuckLimits:
    """Return small bounds for DuckDB."""
    return DuckLimits(home.scratch, memory_limit="512MB")


def open_lake(home: Home, **settings: int) -> Lake:
    """Open the lake of a test's home."""
    return Lake.open(home, LakeSettings(**settings), limits(home), busy_seconds=0.1)


def rows(lake: Lake, home: Home, table: str, columns: str = ALL, **only: object) -> list[tuple]:
    """Return the rows of a lake table (`only` some), sorted."""
    connection = connect(None, limits(home), folders=lake.folders())
    try:
        sql = f"SELECT {columns} FROM {lake.relation_sql(table, **only)} AS t ORDER BY ALL"
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def spend(lake: Lake, home: Home) -> list[tuple]:
    """Return account, campaign, day of month and spend of every ad row."""
    return [
        (account, campaign, str(amount), (date - day(1)).days + 1)
        for account, campaign, amount, date in rows(
            lake, home, "ad_performance", "account_id, campaign_id, spend, date"
        )
    ]


def balanced(result: SilverResult) -> bool:
    """Return whether every record of a load is accounted for."""
    return result.received == (
        result.written + result.duplicate + result.quarantined + result.superseded
    )
