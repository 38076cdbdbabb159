"""Opens Google's answers and writes the page that is kept: its rows without what is personal.

Numbers are copied byte for byte; fields that are not declared here are dropped. Decides nothing
about the slice. Source: contract sheet "Google Search Console API", sections 3 and 9 (2026-11-21).
"""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import TypeVar

import msgspec

from tactics.connectors.gsc.faults import error_of
from tactics.connectors.gsc.privacy import clean_page, clean_query
from tactics.connectors.scrub import Shape
from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

PSEUDONYMS: Shape = {"original": {"keys": None}}

ABSENT = msgspec.Raw(b"null")
_METRICS = ("clicks", "impressions", "ctr", "position")


class Row(msgspec.Struct):
    """One row: `keys` in the order of the dimensions, metrics as they were sent."""

    keys: list[str]
    clicks: msgspec.Raw = ABSENT
    impressions: msgspec.Raw = ABSENT
    ctr: msgspec.Raw = ABSENT
    position: msgspec.Raw = ABSENT


class Metadata(msgspec.Struct, rename="camel", omit_defaults=True):
    """From which day on the numbers still move."""

    first_incomplete_date: str | None = None


class Report(msgspec.Struct, rename="camel"):
    """A page of rows; `rows` is left out when there are none, the aggregation never is."""

    response_aggregation_type: str
    rows: list[Row] = []
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class _Original(msgspec.Struct):
    keys: str


class _Kept(msgspec.Struct, rename="camel", omit_defaults=True):
    """A page as it is stored: by column, which takes a fraction of the memory to read again.

    `original` tells rows apart that became equal when something personal was taken out of their
    keys. It is a pseudonym before anything is stored.
    """

    response_aggregation_type: str
    metadata: Metadata
    columns: dict[str, list[str | None] | list[msgspec.Raw]]
    original: list[_Original | None] | None = None


class Site(msgspec.Struct, rename="camel"):
    """A property that the identity knows, and what it may do there."""

    site_url: str
    permission_level: str = ""

    @property
    def readable(self) -> bool:
        """Return whether its data may be read."""
        return self.permission_level.replace("_", "").lower() != "siteunverifieduser"


class Sites(msgspec.Struct, rename="camel"):
    """The list of properties; the key is missing when there are none."""

    site_entry: list[Site] = []


_Answer = TypeVar("_Answer", bound=msgspec.Struct)


def open_answer(response: Response, kind: type[_Answer]) -> _Answer:
    """Return the body of a successful answer.

    Raises:
        TacticsError: the call failed, see `faults.py`.
        ContractChanged: it is JSON of another shape.
        DecodeError: it is no JSON.
    """
    _check(response)
    try:
        response.body.decode()
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("google answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError("google's answer is not JSON", size_bytes=len(response.body)) from exc


def _check(response: Response) -> None:
    if response.status != HTTPStatus.OK:
        raise error_of(response)


def page_of(
    report: Report, dimensions: Sequence[str], parameters: Collection[str]
) -> tuple[bytes, bool]:
    """Return the page to keep, and whether something personal was taken out of it.

    `parameters` are the URL parameters of pages that may stay. A row that lacks keys gets nulls.
    """
    columns: dict[str, list[str | None] | list[msgspec.Raw]] = {}
    changed: set[int] = set()
    for place, name in enumerate(dimensions):
        texts = [row.keys[place] if place < len(row.keys) else None for row in report.rows]
        kept = [_clean(name, text, parameters) for text in texts]
        changed |= {at for at, text in enumerate(texts) if text != kept[at]}
        columns[name] = kept
    for name in _METRICS:
        columns[name] = [getattr(row, name) for row in report.rows]
    page = _Kept(report.response_aggregation_type, report.metadata, columns)
    if changed:
        page.original = [
            _original(row) if at in changed else None for at, row in enumerate(report.rows)
        ]
    return msgspec.json.encode(page), bool(changed)


def _clean(dimension: str, text: str | None, parameters: Collection[str]) -> str | None:
    if text is None or dimension not in {"query", "page"}:
        return text
    return clean_query(text) if dimension == "query" else clean_page(text, parameters)


def _original(row: Row) -> _Original:
    # in hexadecimal: pseudonyms ignore case and blanks, URLs do not
    return _Original(msgspec.json.encode(row.keys).hex())
