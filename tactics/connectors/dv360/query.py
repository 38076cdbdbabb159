"""The saved query of an advertiser: its columns, its title, and the days it is run for.

Silver reads the columns by position, so their order here is the order in campaign_report.sql.
Source: contract sheet "Display & Video 360" sections 3 and 10 (2026-11-21).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from tactics.connectors.base import Options
from tactics.model import Window


class DV360Options(Options):
    """What `[orgs.<org>.sources.dv360]` may say besides the common keys."""

    entities_base_url: str | None = Field(
        None, description="another host for the advertisers' names, as base_url"
    )
    cost: Literal["revenue", "media_cost", "total_media_cost"] = Field(
        "revenue", description="what counts as spend; revenue is what the advertiser is charged"
    )
    video_views: Literal["starts", "completions"] = Field(
        "starts", description="what counts as a video view"
    )
    cm360_revenue: bool = Field(
        default=True,
        description="read the value of conversions from Campaign Manager 360; false: it is unknown",
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how the API calls it, and a word that its header always has.

    Headers are display names and vary: "(Adv Currency)" and "(Advertiser Currency)".
    """

    name: str
    word: str


_DIMENSIONS = (
    Column("FILTER_DATE", "date"),
    Column("FILTER_ADVERTISER", "advertiser"),
    Column("FILTER_ADVERTISER_CURRENCY", "currency"),
    Column("FILTER_MEDIA_PLAN", "campaign"),  # "media plan" is what everybody calls the campaign
    Column("FILTER_MEDIA_PLAN_NAME", "campaign"),
)
_COSTS = {
    "revenue": Column("METRIC_REVENUE_ADVERTISER", "revenue"),
    "media_cost": Column("METRIC_MEDIA_COST_ADVERTISER", "mediacost"),
    "total_media_cost": Column("METRIC_TOTAL_MEDIA_COST_ADVERTISER", "mediacost"),
}
_VIDEO_VIEWS = {
    "starts": Column("METRIC_RICH_MEDIA_VIDEO_PLAYS", "video"),
    "completions": Column("METRIC_RICH_MEDIA_VIDEO_COMPLETIONS", "video"),
}
_CM360_REVENUE = (
    Column("METRIC_CM360_POST_CLICK_REVENUE", "revenue"),
    Column("METRIC_CM360_POST_VIEW_REVENUE", "revenue"),
)


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """What is saved at Google once for each advertiser, and run again and again."""

    advertiser_id: str
    options: DV360Options

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the report, in order."""
        return (*_DIMENSIONS, *self._metrics())

    @property
    def title(self) -> str:
        """Return the title by which the query is found again: another spec has another title."""
        text = json.dumps(self._specification(), sort_keys=True)
        return f"tactics {self.advertiser_id} {hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def body(self) -> dict[str, object]:
        """Return the query as it is created; every run brings its own dates."""
        return {
            **self._specification(),
            "metadata": {
                "title": self.title,
                "dataRange": {"range": "PREVIOUS_DAY"},
                "format": "CSV",
                "sendNotification": False,
            },
        }

    def _specification(self) -> dict[str, object]:
        return {
            "params": {
                "type": "STANDARD",
                "groupBys": [column.name for column in _DIMENSIONS],
                "filters": [{"type": "FILTER_ADVERTISER", "value": self.advertiser_id}],
                "metrics": [column.name for column in self._metrics()],
            },
            "schedule": {"frequency": "ONE_TIME"},  # runs only when it is told to
        }

    def _metrics(self) -> tuple[Column, ...]:
        return (
            Column("METRIC_IMPRESSIONS", "impressions"),
            Column("METRIC_CLICKS", "clicks"),
            _COSTS[self.options.cost],
            Column("METRIC_TOTAL_CONVERSIONS", "conversions"),
            _VIDEO_VIEWS[self.options.video_views],
            *(_CM360_REVENUE if self.options.cm360_revenue else ()),
        )


def date_range(window: Window) -> dict[str, object]:
    """Return the days of a run, in the advertiser's time zone."""
    start, end = (
        {"year": day.year, "month": day.month, "day": day.day} for day in (window.start, window.end)
    )
    return {"range": "CUSTOM_DATES", "customStartDate": start, "customEndDate": end}


def is_header_of(cell: str, column: Column) -> bool:
    """Return whether a header may be that of a column; case and punctuation do not matter."""
    return column.word in re.sub(r"[^a-z0-9]", "", cell.lower())
