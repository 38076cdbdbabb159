"""Reads a report's file: the rows between the header and the trailer, and nothing else.

A file that was cut off is refused; no value is looked at.
Source: contract sheet "Display & Video 360" section 5 (2026-11-21).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence

from tactics.connectors.dv360.query import Column, is_header_of
from tactics.connectors.tabular import rows_page, split_csv
from tactics.errors import ContractChanged, DecodeError, UpstreamUnavailable

NO_DATA = "No data returned by the reporting service"
TRAILER = "Report Time:"


def read_table(body: bytes, columns: Sequence[Column]) -> bytes:
    """Return the page of a report's rows, without totals and trailer.

    Raises:
        DecodeError: this is no CSV.
        ContractChanged: these are not the columns that were asked for.
        UpstreamUnavailable: the file ends before the report does.
    """
    if body.lstrip()[:1] in {b"<", b"{"}:
        raise DecodeError("the report's file is not CSV", size_bytes=len(body))
    try:
        lines = split_csv(body.decode("utf-8-sig"))
        header = next(lines, [])
        _check_header(header, columns)
        return rows_page(header, _rows(lines, len(columns)))
    except (csv.Error, UnicodeDecodeError) as exc:
        raise DecodeError("the report's file is not CSV", size_bytes=len(body)) from exc


def _check_header(header: Sequence[str], columns: Sequence[Column]) -> None:
    if not header:
        raise _cut_off()
    if len(header) != len(columns):
        raise ContractChanged(
            "the report has another number of columns", columns=len(header), asked=len(columns)
        )
    for cell, column in zip(header, columns, strict=True):
        if not is_header_of(cell, column):
            raise ContractChanged(
                "the report has another column", column=cell[:80], asked=column.name
            )


def _rows(lines: Iterator[list[str]], width: int) -> list[list[str]]:
    rows: list[list[str]] = []
    whole = False
    for line in lines:
        if _is_blank(line) or line[0].startswith((TRAILER, NO_DATA)):
            whole = whole or not _is_blank(line) or _has_more(lines)
            break
        if line[0].strip():
            rows.append(line)
        else:  # the totals have no date; they come last, or not at all
            whole = len(line) == width
    if not whole:
        raise _cut_off()
    if wrong := next((line for line in rows if len(line) != width), None):
        raise ContractChanged("a row has another number of cells", cells=len(wrong), asked=width)
    return rows


def _is_blank(line: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in line)


def _has_more(lines: Iterable[list[str]]) -> bool:
    return any(not _is_blank(line) for line in lines)


def _cut_off() -> UpstreamUnavailable:
    return UpstreamUnavailable(
        "the report's file is cut off",
        hint="it has neither totals nor a trailer; the next sync downloads it again",
    )
