"""Asks Google about chosen pages, one at a time, and keeps what it says of their place in the index.

The properties of the identity come first: they tell which pages can be asked for here. A page that
Google refuses does not stop the others. Keeps no address of who links to a page.
Source: contract sheet "Google Search Console API", sections 3, 5 and 8 (2026-11-21).
"""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from tactics.connectors.base import Step
from tactics.connectors.carry import carried, carried_count, carry
from tactics.connectors.gsc.answer import ABSENT, Site, Sites, open_answer
from tactics.connectors.gsc.faults import error_of, refuses_page
from tactics.connectors.gsc.options import GscOptions
from tactics.connectors.gsc.privacy import clean_page
from tactics.connectors.gsc.properties import SITES, contains, find_site
from tactics.errors import TacticsError
from tactics.transport import Request, Response, get, post_json

INSPECT = "/v1/urlInspection/index:inspect"
LANGUAGE = "en-US"  # of the coverage state, which is a text
TOLD = 3  # addresses in a warning


class IndexStatus(msgspec.Struct, rename="camel"):
    """Whether a page is in the index, and why not; what else Google tells is dropped."""

    verdict: msgspec.Raw = ABSENT
    coverage_state: msgspec.Raw = ABSENT
    robots_txt_state: msgspec.Raw = ABSENT
    indexing_state: msgspec.Raw = ABSENT
    page_fetch_state: msgspec.Raw = ABSENT
    last_crawl_time: msgspec.Raw = ABSENT
    google_canonical: str | None = None
    user_canonical: str | None = None
    crawled_as: msgspec.Raw = ABSENT


class Result(msgspec.Struct, rename="camel"):
    """What was found out about a page; mobile, AMP and rich results are not read."""

    index_status_result: IndexStatus | None = None


class Inspection(msgspec.Struct, rename="camel"):
    """The answer about one page."""

    inspection_result: Result


class _Kept(msgspec.Struct, rename="camel"):
    """The same as it is stored: Google does not say which page it was."""

    page_url: str
    index_status_result: IndexStatus | None


def ask() -> Request:
    """Return the request that a reading begins with: the properties of the identity."""
    return get(SITES)


def read(account_id: str, mine: GscOptions, request: Request, response: Response) -> Step:
    """Return what an answer means, and the request for the next page of the website.

    Raises:
        TacticsError: the answer is an error, and not of this one page; or every page was refused.
    """
    urls = [url for url in mine.inspect_urls if contains(account_id, url)]
    if request.path == SITES:
        sites = open_answer(response, Sites).site_entry
        find_site(account_id, sites)
        following = _inspect(account_id, urls, 0) if urls else None
        return Step(next=following, warnings=_elsewhere(mine.inspect_urls, sites))
    place = carried_count(request, "place")
    refused = [int(text) for text in carried(request).get("refused", "").split()]
    refusal = _refusal(response)
    refused += [place] if refusal else []
    if refusal and len(refused) == len(urls):
        raise refusal
    page = None if refusal else _page(urls[place], mine, open_answer(response, Inspection))
    if place + 1 < len(urls):
        return Step(page=page, next=_inspect(account_id, urls, place + 1, refused))
    return Step(page=page, warnings=_refused(account_id, [urls[at] for at in refused]))


def _inspect(
    account_id: str, urls: Sequence[str], place: int, refused: Sequence[int] = ()
) -> Request:
    body = {"inspectionUrl": urls[place], "siteUrl": account_id, "languageCode": LANGUAGE}
    return carry(post_json(INSPECT, body), place=place, refused=" ".join(map(str, refused)))


def _refusal(response: Response) -> TacticsError | None:
    if response.status == HTTPStatus.OK:
        return None
    error = error_of(response)
    return error if refuses_page(error) else None


def _page(url: str, mine: GscOptions, answer: Inspection) -> bytes:
    status = answer.inspection_result.index_status_result
    if status is not None:
        status.google_canonical = _clean(status.google_canonical, mine)
        status.user_canonical = _clean(status.user_canonical, mine)
    return msgspec.json.encode(_Kept(url, status))


def _clean(url: str | None, mine: GscOptions) -> str | None:
    return None if url is None else clean_page(url, mine.page_parameters)


def _elsewhere(urls: Sequence[str], sites: Sequence[Site]) -> tuple[str, ...]:
    """Return a warning of pages that no property has; those of another one are its business."""
    known = [site.site_url for site in sites if site.readable]
    strange = [url for url in urls if not any(contains(site, url) for site in known)]
    return (f"gsc: no property contains {_listed(strange)}: not inspected",) if strange else ()


def _refused(account_id: str, urls: Sequence[str]) -> tuple[str, ...]:
    return (f"gsc: google refuses to inspect {_listed(urls)} in {account_id}",) if urls else ()


def _listed(urls: Sequence[str]) -> str:
    more = f" and {len(urls) - TOLD} more" if len(urls) > TOLD else ""
    return ", ".join(urls[:TOLD]) + more
