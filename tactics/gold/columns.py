"""What a build is told, column by column, as DuckDB takes lists of values.

Pure: takes values, returns values.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from tactics.gold.request import GoldBuild


def org_columns(build: GoldBuild) -> dict[str, object]:
    """Return the organisations by column; `todays` is the calendar day where each of them lives."""
    orgs = build.orgs
    return {
        "org_ids": [org.org_id for org in orgs],
        "names": [org.name for org in orgs],
        "currencies": [org.currency for org in orgs],
        "timezones": [org.timezone for org in orgs],
        "todays": [calendar_day(build.built_at, org.timezone) for org in orgs],
    }


def stream_columns(build: GoldBuild) -> dict[str, object]:
    """Return the streams of every organisation by column."""
    pairs = [(org.org_id, stream) for org in build.orgs for stream in org.streams]
    return {
        "org_ids": [org_id for org_id, _ in pairs],
        "sources": [stream.source for _, stream in pairs],
        "kinds": [stream.kind for _, stream in pairs],
        "streams": [stream.stream for _, stream in pairs],
        "tables": [stream.table for _, stream in pairs],
        "snapshots": [stream.snapshot for _, stream in pairs],
        "final_after_days": [stream.final_after_days for _, stream in pairs],
        "enabled": [stream.enabled for _, stream in pairs],
        "accounts": [list(stream.accounts) for _, stream in pairs],
    }


def zone_columns(build: GoldBuild) -> dict[str, object]:
    """Return the time zones of the accounts by column."""
    rows = [(org.org_id, *zone) for org in build.orgs for zone in org.zones]
    return {
        "org_ids": [row[0] for row in rows],
        "sources": [row[1] for row in rows],
        "account_ids": [row[2] for row in rows],
        "timezones": [row[3] for row in rows],
    }


def coverage_columns(build: GoldBuild) -> dict[str, object]:
    """Return the coverage ledger by column."""
    rows = build.coverage
    return {
        "org_ids": [row[0] for row in rows],
        "sources": [row[1] for row in rows],
        "account_ids": [row[2] for row in rows],
        "streams": [row[3] for row in rows],
        "days": [row[4] for row in rows],
        "finalities": [str(row[5]) for row in rows],
        "fetched_ats": [row[7] for row in rows],
    }


def rate_columns(build: GoldBuild, first: dt.date) -> dict[str, object]:
    """Return the exchange rates from `first` on by column; a file of decades is longer than needed."""
    rows = [row for row in build.fx_rates if row[0] >= first]
    return {
        "days": [day for day, _, _ in rows],
        "currencies": [currency for _, currency, _ in rows],
        "rates": [str(rate) for _, _, rate in rows],
    }


def calendar_day(instant: dt.datetime, timezone: str) -> dt.date:
    """Return the day that `instant` falls on in `timezone`."""
    return instant.astimezone(ZoneInfo(timezone)).date()
