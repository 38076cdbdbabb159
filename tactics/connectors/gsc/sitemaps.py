"""Asks for the sitemaps of a property and keeps what Google says of them, without what is personal.

Parses no number. Source: contract sheet "Google Search Console API", sections 3 and 10 (2026-11-21).
"""

from collections.abc import Collection

import msgspec

from tactics.connectors.base import Step
from tactics.connectors.gsc.answer import ABSENT, open_answer
from tactics.connectors.gsc.options import GscOptions
from tactics.connectors.gsc.privacy import clean_page
from tactics.connectors.gsc.properties import path_of
from tactics.transport import Request, Response, get


class Contents(msgspec.Struct):
    """How many URLs of one kind a sitemap has."""

    type: msgspec.Raw = ABSENT
    submitted: msgspec.Raw = ABSENT


class Sitemap(msgspec.Struct, rename="camel"):
    """One sitemap, or an index of others."""

    path: str | None = None
    type: msgspec.Raw = ABSENT
    is_pending: msgspec.Raw = ABSENT
    is_sitemaps_index: msgspec.Raw = ABSENT
    errors: msgspec.Raw = ABSENT
    warnings: msgspec.Raw = ABSENT
    last_submitted: msgspec.Raw = ABSENT
    last_downloaded: msgspec.Raw = ABSENT
    contents: list[Contents] | None = None


class Sitemaps(msgspec.Struct):
    """The sitemaps of a property; the key is missing when there are none."""

    sitemap: list[Sitemap] = []


def ask(account_id: str) -> Request:
    """Return the request for all sitemaps of a property: the list has no pages."""
    return get(f"{path_of(account_id)}/sitemaps")


def read(mine: GscOptions, response: Response) -> Step:
    """Return the page to keep."""
    answer = open_answer(response, Sitemaps)
    for sitemap in answer.sitemap:
        sitemap.path = _clean(sitemap.path, mine.page_parameters)
    return Step(page=msgspec.json.encode(answer))


def _clean(path: str | None, parameters: Collection[str]) -> str | None:
    return None if path is None else clean_page(path, parameters)
