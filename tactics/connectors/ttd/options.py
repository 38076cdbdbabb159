"""What a connection to The Trade Desk may say, and by which titles its columns are known.

The report template is made by a person in the Trade Desk's own pages, so the titles of its columns
are settings. Asks nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from tactics.config import TimeZone
from tactics.connectors.base import Options

Role = Literal[
    "date", "advertiser_id", "campaign_id", "campaign_name", "impressions", "clicks", "currency"
]
# Titles are English display names; those of 2026-05 and before differ (contract section 4 and 11).
TITLES: dict[Role, tuple[str, ...]] = {
    "date": ("Date", "Report Date"),
    "advertiser_id": ("Advertiser ID",),
    "campaign_id": ("Campaign ID",),
    "campaign_name": ("Campaign", "Campaign Name"),
    "impressions": ("Impressions",),
    "clicks": ("Clicks",),
    "currency": ("Advertiser Currency Code",),
}
ALWAYS: tuple[Role, ...] = ("date", "advertiser_id", "campaign_id", "impressions", "clicks")
CONVERSIONS, VIDEO_VIEWS = "All Last Click + View Conversions", "Player Starts"

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Cost = Annotated[_Title, StringConstraints(pattern=r" \((Adv Currency|USD)\)$")]
_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]


class TtdOptions(Options):
    """What `[orgs.<org>.sources.ttd]` may say besides the common keys."""

    partner_id: _Id = Field(
        description="the partner that the advertisers belong to, a short text", examples=["abcd123"]
    )
    report_template_id: int = Field(
        gt=0, description="the MyReports template with the columns to read", examples=[123456]
    )
    timezone: TimeZone = Field(
        "UTC", description="in which the days of the reports are cut; a change shifts the history"
    )
    cost_column: _Cost = Field(
        "Advertiser Cost (Adv Currency)",
        description='the column that is the spend; ends in "(Adv Currency)" or "(USD)"',
    )
    conversions_column: _Title | None = Field(
        None,
        description=f'the column that is the conversions; else "{CONVERSIONS}", if it is there',
    )
    conversion_value_column: _Title | None = Field(
        None, description="the column that is the revenue of the conversions; none by default"
    )
    video_views_column: _Title | None = Field(
        None,
        description=f'the column that is the video views; else "{VIDEO_VIEWS}", if it is there',
    )
    column_aliases: dict[Role, tuple[_Title, ...]] = Field(
        default_factory=dict,
        validate_default=True,
        description="further titles of a column, for templates that name it differently",
        examples=[{"date": ["Day"]}],
    )

    @field_validator("column_aliases", mode="after")
    @classmethod
    def _with_the_known_titles(cls, given: Mapping[Role, tuple[str, ...]]) -> object:
        # Silver reads the titles from the options beside the page, so all of them stand there.
        return {
            role: tuple(dict.fromkeys((*given.get(role, ()), *known)))
            for role, known in TITLES.items()
        }

    @model_validator(mode="after")
    def _one_currency(self) -> "TtdOptions":
        value = self.conversion_value_column or ""
        if value.endswith("(USD)") != self.cost_column.endswith("(USD)") and value.endswith(")"):
            raise ValueError("cost_column and conversion_value_column are in different currencies")
        return self


def titles_of(mine: TtdOptions) -> dict[str, tuple[str, ...]]:
    """Return for each column that the report must have the titles it may have."""
    chosen = {
        "spend": mine.cost_column,
        "conversions": mine.conversions_column,
        "conversion_value": mine.conversion_value_column,
        "video_views": mine.video_views_column,
    }
    wanted = {str(role): mine.column_aliases[role] for role in ALWAYS}
    return wanted | {role: (title,) for role, title in chosen.items() if title}
