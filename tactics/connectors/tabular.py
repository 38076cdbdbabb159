"""Vendors' CSV reports as the JSON rows of text that bronze keeps.

A page looks like `{"columns": ["Date", …], "rows": [["2026-11-01", …], …]}`; every value stays the
text that the vendor sent. Knows no vendor's columns.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

import msgspec


def split_csv(text: str, delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the rows of a CSV text; a blank line is an empty row."""
    return csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)


def rows_page(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return the page that holds `rows`."""
    return msgspec.json.encode({"columns": list(columns), "rows": [list(row) for row in rows]})
