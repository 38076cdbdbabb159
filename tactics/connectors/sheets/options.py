"""What a Sheets connection may be told: which tabs, which headers, what to keep.

Reads no file.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from tactics.config import Currency
from tactics.connectors.base import Options
from tactics.connectors.sheets.header import BOOKINGS, CRM_DEALS
from tactics.connectors.sheets.ranges import Range, parse_range

COLUMNS = {"bookings": BOOKINGS, "crm_deals": CRM_DEALS}


def _known_range(text: str) -> str:
    parse_range(text)
    return text


TabRange = Annotated[str, AfterValidator(_known_range)]


class SheetsOptions(Options):
    """What `[orgs.<org>.sources.sheets]` may say besides the common keys."""

    bookings_range: TabRange | None = Field(
        None,
        examples=["Bookings"],
        description='tab with the bookings: "Bookings", "#0" (by id), "Bookings!A1:Z"',
    )
    crm_range: TabRange | None = Field(None, examples=["CRM"], description="tab with the CRM deals")
    drive_base_url: str | None = Field(None, description="another host for Drive, as base_url")
    aliases: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description='other headers: { campaign_id = ["Kampagne"] }'
    )
    extra_columns: tuple[str, ...] = Field(
        (), description="more columns to keep; all others are dropped, they may be personal"
    )
    currency: Currency | None = Field(None, description="of rows that name none; else the org's")
    allow_empty: bool = Field(
        default=False, description="believe an empty tab: it removes all rows held"
    )
    synthetic_keys: bool = Field(
        default=False, description="without a key column, make one of client, campaign and start"
    )

    @model_validator(mode="after")
    def _something_to_read(self) -> "SheetsOptions":
        if self.bookings_range is None and self.crm_range is None:
            raise ValueError("set bookings_range or crm_range")
        known = {name for columns in COLUMNS.values() for name in columns.names}
        if unknown := sorted(self.aliases.keys() - known):
            raise ValueError(
                f"aliases: no column {unknown[0]}, known are {', '.join(sorted(known))}"
            )
        return self

    def range_of(self, stream: str) -> Range:
        """Return where a stream's rows stand."""
        text = {"bookings": self.bookings_range, "crm_deals": self.crm_range}[stream]
        assert text is not None, stream
        return parse_range(text)
