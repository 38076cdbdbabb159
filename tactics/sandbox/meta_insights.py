"""Meta's insights query: parameters in, rows out, without HTTP.

Validates like the vendor, aggregates the delivery by level, day and breakdown, and writes every
metric as text.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tactics.model import Window
from tactics.sandbox.delivery import Delivery, Metrics
from tactics.sandbox.plan import PURCHASE, AdAccount, Campaign

LEVELS = ("account", "campaign", "adset", "ad")
# Source: the meta contract sheet of 2026-11-21, section 4; facebook-business 26.0.3, adsinsights.py.
# A subset: the fields a reporting client asks for. Unknown ones are refused as the vendor does.
FIELDS = frozenset({
    "account_currency",
    "account_id",
    "account_name",
    "action_values",
    "actions",
    "ad_id",
    "ad_name",
    "adset_id",
    "adset_name",
    "attribution_setting",
    "buying_type",
    "campaign_id",
    "campaign_name",
    "clicks",
    "conversion_values",
    "conversions",
    "cost_per_action_type",
    "cost_per_inline_link_click",
    "cpc",
    "cpm",
    "cpp",
    "ctr",
    "date_start",
    "date_stop",
    "frequency",
    "impressions",
    "inline_link_click_ctr",
    "inline_link_clicks",
    "objective",
    "outbound_clicks",
    "purchase_roas",
    "reach",
    "social_spend",
    "spend",
    "unique_clicks",
    "video_play_actions",
    "video_thruplay_watched_actions",
    "website_purchase_roas",
})
_DEFAULT_FIELDS = ("account_id", "campaign_id", "impressions", "spend")
_WINDOWS = ("1d_click", "7d_click", "1d_view")  # 7d_view and 28d_view return nothing any more
_AD_SHARE = 60  # percent of a campaign that its first ad delivers
_PLATFORM_SHARE = 70  # percent of a campaign that runs on Facebook, the rest on Instagram
_MAX_INCREMENT = 90


class BadParameter(Exception):
    """A parameter the vendor refuses, with the code it refuses it with."""

    def __init__(self, message: str, *, code: int = 100, subcode: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """A checked query. Without `window` the vendor answers with no rows instead of an error."""

    window: Window | None
    level: str = "account"
    increment: int | None = None
    fields: tuple[str, ...] = _DEFAULT_FIELDS
    windows: tuple[str, ...] = ()
    by_platform: bool = False
    campaign_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One row before it is written: whose it is, over which days, and its numbers."""

    campaign: Campaign
    ad: int
    platform: str
    days: Window
    metrics: Metrics


def parse_query(parameters: Mapping[str, str], oldest: dt.date) -> InsightsQuery:
    """Return the query that the parameters mean; `oldest` is how far back the vendor looks.

    Raises:
        BadParameter: the vendor would refuse one of them.
    """
    query = InsightsQuery(
        window=_parse_window(parameters.get("time_range", "")),
        level=_one_of(parameters.get("level", "account"), LEVELS, "level"),
        increment=_parse_increment(parameters.get("time_increment", "all_days")),
        fields=_parse_fields(parameters.get("fields", "")),
        windows=tuple(_parse_list(parameters.get("action_attribution_windows", ""))),
        by_platform=_parse_breakdowns(parameters.get("breakdowns", "")),
        campaign_ids=_parse_filtering(parameters.get("filtering", "")),
    )
    if query.window and query.window.start < oldest:
        raise BadParameter(
            "(#3018) The start date of the time range cannot be beyond 37 months from the current date",
            code=3018,
        )
    return query


def insight_rows(
    query: InsightsQuery, campaigns: list[Campaign], delivery: Delivery
) -> list[dict[str, object]]:
    """Return the rows of a query, oldest first; what was not delivered has no row."""
    if query.window is None:
        return []
    wanted = query.campaign_ids
    chosen = [c for c in campaigns if wanted is None or c.campaign_id in wanted]
    parts = [
        part
        for days in _buckets(query.window, query.increment)
        for part in _merge(query, _parts(query, chosen, delivery, days))
    ]
    return [_write(query, part, delivery.names[part.campaign.campaign_id]) for part in parts]


def _parts(
    query: InsightsQuery, campaigns: list[Campaign], delivery: Delivery, days: Window
) -> Iterator[_Part]:
    for campaign in campaigns:
        rows = delivery.rows(campaign, days)
        if not rows:
            continue
        total = sum((metrics for _, metrics in rows), Metrics())
        for ad, share in enumerate(_shares(total, _AD_SHARE, wanted=query.level == "ad")):
            platforms = _shares(share, _PLATFORM_SHARE, wanted=query.by_platform)
            for platform, metrics in zip(("facebook", "instagram"), platforms, strict=False):
                yield _Part(campaign, ad, platform, days, metrics)


def _shares(metrics: Metrics, percent: int, *, wanted: bool) -> tuple[Metrics, ...]:
    return metrics.split(percent) if wanted else (metrics,)


def _merge(query: InsightsQuery, parts: Iterator[_Part]) -> list[_Part]:
    """Add up what the account level does not tell apart."""
    if query.level != "account":
        return list(parts)
    merged: dict[str, _Part] = {}
    for part in parts:
        known = merged.get(part.platform)
        total = known.metrics + part.metrics if known else part.metrics
        merged[part.platform] = replace(known or part, metrics=total)
    return list(merged.values())


def _write(query: InsightsQuery, part: _Part, name: str) -> dict[str, object]:
    values = _values(query, part, name)
    row = {field: values[field] for field in query.fields if values.get(field) not in (None, [])}
    row["date_start"] = part.days.start.isoformat()
    row["date_stop"] = part.days.end.isoformat()
    if query.by_platform:
        row["publisher_platform"] = part.platform
    return row


def _values(query: InsightsQuery, part: _Part, name: str) -> dict[str, object]:
    account, metrics = part.campaign.account, part.metrics
    values: dict[str, object] = {
        **_names(query.level, part, account, name),
        "impressions": str(metrics.impressions),
        "reach": str(metrics.impressions * 4 // 5),
        "clicks": str(metrics.clicks),
        "inline_link_clicks": str(_link_clicks(metrics)),
        "spend": money(metrics.spend_minor),
        "ctr": _ratio(100 * metrics.clicks, metrics.impressions),
        "cpc": _ratio(metrics.spend_minor / 100, metrics.clicks),
        "cpm": _ratio(10 * metrics.spend_minor, metrics.impressions),
        "actions": _actions(query, part),
        "action_values": _action_values(query, part),
    }
    if metrics.video_views:
        values["video_play_actions"] = [_action(query, "video_view", metrics.video_views)]
    return values


def _names(level: str, part: _Part, account: AdAccount, name: str) -> dict[str, object]:
    names: dict[str, object] = {
        "account_id": bare_id(account),
        "account_name": account.name,
        "account_currency": account.currency,
    }
    number = int(part.campaign.campaign_id)
    if level != "account":
        names |= {"campaign_id": str(number), "campaign_name": name}
    if level in {"adset", "ad"}:
        names |= {"adset_id": str(number + 1_000_000), "adset_name": f"{name} · set"}
    if level == "ad":
        names |= {
            "ad_id": str(number + 2_000_000 + part.ad),
            "ad_name": f"{name} · ad {part.ad + 1}",
        }
    return names


def bare_id(account: AdAccount) -> str:
    """Return an account's id as rows have it: without the `act_` of paths."""
    return account.account_id.removeprefix("act_")


def _actions(query: InsightsQuery, part: _Part) -> list[dict[str, str]]:
    """Return the action counts: a purchase is there under several names, never to be summed."""
    metrics = part.metrics
    counts = {"link_click": _link_clicks(metrics), "video_view": metrics.video_views}
    counts |= dict.fromkeys(_purchase_types(query, part), metrics.conversions)
    return [_action(query, name, count) for name, count in counts.items() if count]


def _action_values(query: InsightsQuery, part: _Part) -> list[dict[str, str]]:
    if not part.metrics.conversions:
        return []
    text = money(part.metrics.value_minor).rstrip("0").rstrip(".")
    return [
        {"action_type": name, "value": text, **_by_window(query, text)}
        for name in _purchase_types(query, part)
    ]


def _purchase_types(query: InsightsQuery, part: _Part) -> tuple[str, ...]:
    # The account level adds up campaigns that count under different names; the vendor has all.
    return PURCHASE if query.level == "account" else part.campaign.purchase_types


def without_purchases(row: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Return a row as the vendor at times has it: no purchase, although there were some.

    Source: the meta contract sheet of 2026-11-21, section 10, gotcha 6 (airbyte #31787, #64554).
    """
    if row.get("campaign_id") != campaign_id:
        return row
    lists = ("actions", "action_values")
    kept = {
        name: [action for action in row[name] if action["action_type"] not in PURCHASE]
        for name in lists
        if name in row
    }
    shown = {name: value for name, value in row.items() if name not in lists}
    return shown | {name: actions for name, actions in kept.items() if actions}


def _action(query: InsightsQuery, name: str, count: int) -> dict[str, str]:
    return {"action_type": name, "value": str(count), **_by_window(query, str(count))}


def _by_window(query: InsightsQuery, value: str) -> dict[str, str]:
    return {window: value for window in query.windows if window in _WINDOWS}


def _link_clicks(metrics: Metrics) -> int:
    return metrics.clicks * 9 // 10


def money(minor: int) -> str:
    """Return minor units of a two-decimal currency as the vendor writes them."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def _ratio(above: float, below: int) -> str | None:
    return f"{above / below:.6f}" if below else None


def _buckets(window: Window, increment: int | None) -> list[Window]:
    """Return the stretches of days that become one row each; None is the whole window."""
    if increment is None:
        return [window]
    step = dt.timedelta(days=increment)
    starts = [window.start + step * index for index in range(-(-len(window) // increment))]
    return [Window(start, min(start + step - dt.timedelta(days=1), window.end)) for start in starts]


def _parse_window(text: str) -> Window | None:
    if not text:
        return None
    try:
        value = json.loads(text)
        since, until = (dt.date.fromisoformat(value[name]) for name in ("since", "until"))
    except (ValueError, KeyError, TypeError) as exc:
        raise BadParameter("(#100) param time_range must be a valid time range") from exc
    if since > until:
        raise BadParameter(
            "(#100) Since date must be before or equal to until date", subcode=1487033
        )
    return Window(since, until)


def _parse_increment(text: str) -> int | None:
    if text in {"all_days", "0"}:
        return None
    if not text.isdigit() or not 1 <= int(text) <= _MAX_INCREMENT:
        raise BadParameter("(#100) param time_increment must be between 1 and 90")
    return int(text)


def _parse_fields(text: str) -> tuple[str, ...]:
    fields = tuple(_parse_list(text)) or _DEFAULT_FIELDS
    unknown = [field for field in fields if field not in FIELDS]
    if unknown:
        raise BadParameter(
            f"(#100) {unknown[0]} is not valid for fields param. please check the reference"
        )
    return fields


def _parse_breakdowns(text: str) -> bool:
    breakdowns = _parse_list(text)
    if set(breakdowns) - {"publisher_platform"}:
        raise BadParameter("Invalid combination of breakdowns", code=2, subcode=1504041)
    return bool(breakdowns)


def _parse_filtering(text: str) -> frozenset[str] | None:
    chosen: frozenset[str] | None = None
    for item in json.loads(text) if text else []:
        if item.get("field") != "campaign.id" or item.get("operator") not in {"IN", "EQUAL"}:
            raise BadParameter(
                "(#100) filtering: field or operator is not supported", subcode=1487079
            )
        value = item["value"]
        ids = frozenset(map(str, value if isinstance(value, list) else [value]))
        chosen = ids if chosen is None else chosen & ids
    return chosen


def _parse_list(text: str) -> list[str]:
    """Return a list that came as JSON or joined with commas; the vendor takes both."""
    if not text.startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    value: Any = json.loads(text)
    return [str(item) for item in value]


def _one_of(text: str, allowed: tuple[str, ...], name: str) -> str:
    if text not in allowed:
        raise BadParameter(f"(#100) param {name} must be one of {{{', '.join(allowed)}}}")
    return text
