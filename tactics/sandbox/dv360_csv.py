"""The file of a Bid Manager report: header, rows, totals, and a trailer that looks like rows.

Amounts have six places; rounded half-up to cents they are the ledger's. Source: the dv360 contract
sheet of 2026-11-21, section 5. Reads no request.
"""

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from tactics.model import Window
from tactics.sandbox.delivery import Metrics
from tactics.sandbox.dv360_queries import DIMENSIONS, METRICS, QuerySpec
from tactics.sandbox.plan import AdAccount, Campaign
from tactics.sandbox.scene import Scene

NO_DATA = "No data returned by the reporting service."
_COUNTS = frozenset({
    "METRIC_IMPRESSIONS",
    "METRIC_CLICKS",
    "METRIC_RICH_MEDIA_VIDEO_PLAYS",
    "METRIC_RICH_MEDIA_VIDEO_COMPLETIONS",
})
_BELOW_A_CENT = 4900  # millionths: never enough to round to another cent

_Amounts: TypeAlias = Mapping[str, Decimal]


def write_report(
    scene: Scene, spec: QuerySpec, accounts: Sequence[AdAccount], window: Window
) -> str:
    """Return the CSV of a report; without any delivery it says so in place of rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([
        *(DIMENSIONS[name] for name in spec.group_bys),
        *(METRICS[name] for name in spec.metrics),
    ])
    groups = _group(scene, spec, accounts, window)
    if not groups:
        writer.writerow([NO_DATA])
    for key, amounts in groups.items():
        writer.writerow([*key, *_write(amounts, spec)])
    if groups:
        totals = _sum(list(groups.values()), spec)
        writer.writerow([*("" for _ in spec.group_bys), *_write(totals, spec)])
    writer.writerows(_trailer(scene, spec, accounts, window))
    return out.getvalue()


def _trailer(
    scene: Scene, spec: QuerySpec, accounts: Sequence[AdAccount], window: Window
) -> Iterator[list[str]]:
    yield []
    yield ["Report Time:", f"{scene.now():%Y/%m/%d %H:%M} GMT"]
    yield ["Date Range:", f"{window.start:%Y/%m/%d} to {window.end:%Y/%m/%d}"]
    for name in spec.group_bys:
        yield ["Group By:", DIMENSIONS[name]]
    yield [
        "MRC Accredited Metrics",
        "Impressions, clicks and viewability are accredited, others not",
    ]
    yield ["Numbers of the previous month are final on the 1st of the month, in general"]
    for account in accounts:
        yield ["Filter by Advertiser ID:", f"{account.name} ({account.account_id})"]


def _group(
    scene: Scene, spec: QuerySpec, accounts: Sequence[AdAccount], window: Window
) -> dict[tuple[str, ...], _Amounts]:
    found: dict[tuple[str, ...], list[_Amounts]] = {}
    for account in accounts:
        for campaign in scene.delivery.of_account(account.account_id):
            for day, metrics in scene.delivery.rows(campaign, window):
                cells = _cells(scene, campaign) | {"FILTER_DATE": f"{day:%Y/%m/%d}"}
                key = tuple(cells[name] for name in spec.group_bys)
                version = scene.delivery.version(day)
                name = f"{scene.seed}:dv360:{campaign.campaign_id}:{day}:{version}"
                found.setdefault(key, []).append(_amounts(metrics, random.Random(name)))
    return {key: _sum(rows, spec) for key, rows in sorted(found.items())}


def _cells(scene: Scene, campaign: Campaign) -> dict[str, str]:
    account = campaign.account
    return {
        "FILTER_ADVERTISER": account.account_id,
        "FILTER_ADVERTISER_NAME": account.name,
        "FILTER_ADVERTISER_CURRENCY": account.currency,
        "FILTER_ADVERTISER_TIMEZONE": account.timezone,
        "FILTER_MEDIA_PLAN": campaign.campaign_id,
        "FILTER_MEDIA_PLAN_NAME": scene.delivery.names[campaign.campaign_id],
    }


def _amounts(metrics: Metrics, dice: random.Random) -> _Amounts:
    """Return the metrics of a day; only the sum of the two values is exact to a millionth."""
    odd = dice.randint(-_BELOW_A_CENT, _BELOW_A_CENT)
    spend = metrics.spend_minor * 10_000 + odd if metrics.spend_minor else 0
    clicked = metrics.value_minor * 10_000 * dice.randint(20, 90) // 100
    millionths = {
        "METRIC_REVENUE_ADVERTISER": spend,
        "METRIC_MEDIA_COST_ADVERTISER": spend * 4 // 5,
        "METRIC_TOTAL_MEDIA_COST_ADVERTISER": spend * 9 // 10,
        "METRIC_TOTAL_CONVERSIONS": metrics.conversions * 1_000_000,
        "METRIC_CM360_POST_CLICK_REVENUE": clicked,
        "METRIC_CM360_POST_VIEW_REVENUE": metrics.value_minor * 10_000 - clicked,
        "METRIC_IMPRESSIONS": metrics.impressions * 1_000_000,
        "METRIC_CLICKS": metrics.clicks * 1_000_000,
        "METRIC_RICH_MEDIA_VIDEO_PLAYS": metrics.video_views * 1_000_000,
        "METRIC_RICH_MEDIA_VIDEO_COMPLETIONS": metrics.video_views * 3 // 5 * 1_000_000,
    }
    return {name: Decimal(number).scaleb(-6) for name, number in millionths.items()}


def _sum(rows: Sequence[_Amounts], spec: QuerySpec) -> _Amounts:
    return {name: sum((row[name] for row in rows), Decimal(0)) for name in spec.metrics}


def _write(amounts: _Amounts, spec: QuerySpec) -> list[str]:
    return [
        f"{amounts[name]:.0f}" if name in _COUNTS else f"{amounts[name]:.6f}"
        for name in spec.metrics
    ]
