"""What a connection to Search Console may be told. Asks nothing."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from tactics.connectors.base import Options
from tactics.connectors.gsc.privacy import clean_page

PAGE_ROWS = 25_000  # the largest page that Google serves
# Of 2,000 a day and 600 a minute, each for one property: ten readings a day, and no minute is full.
# Source: contract sheet, section 5 (2026-11-21).
MOST_URLS = 200

_Parameter = Annotated[str, StringConstraints(pattern=r"^[^&=#\s]{1,60}$")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#\s]+/\S*$", max_length=2000)]


class GscOptions(Options):
    """What `[orgs.<org>.sources.gsc]` may say besides the common keys."""

    reports: tuple[Literal["pages", "queries", "query_pages"], ...] = Field(
        ("pages", "queries", "query_pages"),
        description="read besides the property's totals, which are always read",
    )
    breakdown: tuple[Literal["country", "device"], ...] = Field(
        ("country", "device"), description="by which query_pages is split further; () for none"
    )
    search_type: Literal["web", "image", "video", "news"] = Field(
        "web", description="of results; another type is another connection, with kind"
    )
    page_parameters: tuple[_Parameter, ...] = Field(
        (), description="URL parameters of pages that are kept; all others are dropped"
    )
    sitemaps: bool = Field(
        default=True, description="read once a day what Google says of the property's sitemaps"
    )
    inspect_urls: tuple[_Url, ...] = Field(
        (),
        max_length=MOST_URLS,
        description="pages of which Google is asked once a day whether it has indexed them",
    )
    warn_overlaps: bool = Field(
        default=True, description="warn of other properties that count the same searches"
    )
    page_size: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS, description="rows per page")

    @field_validator("inspect_urls", mode="after")
    @classmethod
    def _as_they_are_kept(cls, urls: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Return the pages: one that would be kept in another form could become another one.

        Raises:
            ValueError: it would be, or stands there twice.
        """
        parameters = info.data.get("page_parameters", ())
        for number, url in enumerate(urls, 1):
            if clean_page(url, parameters) != url:
                raise ValueError(
                    f"number {number} may not be kept as it is: name its URL parameters in"
                    " page_parameters, and leave out its fragment and what is personal"
                )
            if url in urls[: number - 1]:
                raise ValueError(f"number {number} stands there twice")
        return urls
