"""Opens a report file, whatever it is wrapped in, and refuses what silver would misread.

A file may be gzip or zip, begin with a byte order mark, be separated by tabs, be Excel behind a CSV
name, or be empty. Source: contract sheet "The Trade Desk" section 4 (2026-11-21). Types no value:
silver does that in SQL.
"""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, cast

from tactics.connectors.tabular import rows_page, split_csv
from tactics.errors import ContractChanged, DecodeError, SliceTooLarge, UpstreamUnavailable

MAX_BYTES = 64 * 2**20  # as JSON half as much again, which silver reads within 1 GB (measured)

_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",\t;"
_NUMBERS = ("impressions", "clicks", "spend", "conversions", "conversion_value", "video_views")
_FOREIGN_DATE = re.compile(r"\s*\d{1,2}[./]\d{1,2}[./]\d{4}\b")


def read_table(
    body: bytes, titles: Mapping[str, Sequence[str]], *, max_bytes: int = MAX_BYTES
) -> bytes:
    """Return the file as a page of rows of text; an empty file is a page without rows.

    `titles` are the columns that must be there, each with the titles it may have.

    Raises:
        ContractChanged: it is Excel, lacks a column, or is not in the formats that were asked for.
        DecodeError: it is no text, or no table.
        SliceTooLarge: unpacked, it is larger than allowed.
        UpstreamUnavailable: it ends in the middle.
    """
    text = _decode(_unpack(body, max_bytes))
    rows = _rows(text)
    if not rows:
        return rows_page([], [])
    columns, records = [title.strip() for title in rows[0]], rows[1:]
    places = _find_columns(columns, titles)
    _refuse_other_formats(records, places)
    return rows_page(columns, records)


def _unpack(body: bytes, max_bytes: int) -> bytes:
    try:
        if body.startswith(_GZIP):
            body = _read(cast("IO[bytes]", gzip.GzipFile(fileobj=io.BytesIO(body))), max_bytes)
        if body.startswith(_ZIP):
            body = _unzip(body, max_bytes)
    except EOFError as exc:
        raise UpstreamUnavailable("the packed report ends in the middle") from exc
    except (OSError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
        raise DecodeError("the report is not packed the way it claims") from exc
    if body.startswith(_OLE):
        raise _excel()
    return body


def _unzip(body: bytes, max_bytes: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        if any(info.filename == "[Content_Types].xml" for info in files):
            raise _excel()
        if len(files) != 1:
            raise ContractChanged("a zipped report holds other than one file", files=len(files))
        with archive.open(files[0]) as file:
            return _read(file, max_bytes)


def _read(file: IO[bytes], max_bytes: int) -> bytes:
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SliceTooLarge("the unpacked report is larger than allowed", allowed_bytes=max_bytes)
    return data


def _excel() -> ContractChanged:
    return ContractChanged(
        "the report is an Excel file, not CSV",
        hint="the template must be a plain table, not a pivot; tactics asked for CSV",
    )


def _decode(body: bytes) -> str:
    encoding = "utf-16" if body.startswith(_UTF16) else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as exc:
        raise DecodeError("the report is no UTF-8 text", size_bytes=len(body)) from exc
    if text.lstrip().startswith("<"):
        raise DecodeError("the report is a web page", size_bytes=len(body))
    return text


def _rows(text: str) -> list[list[str]]:
    head = text.lstrip().partition("\n")[0]
    try:
        delimiter = max(_DELIMITERS, key=lambda one: len(next(split_csv(head, one), [])))
        rows = split_csv(text, delimiter)
        return [row for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as exc:
        raise DecodeError("the report is no table") from exc


def _find_columns(columns: Sequence[str], titles: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return where each column stands; case and blanks around a title do not count.

    Raises:
        ContractChanged: one is not there.
    """
    named = [column.lower() for column in columns]
    places: dict[str, int] = {}
    missing: list[str] = []
    for role, names in titles.items():
        found = [named.index(name.lower()) for name in names if name.lower() in named]
        places |= {role: found[0]} if found else {}
        missing += [] if found else [" / ".join(names)]
    if missing:
        raise ContractChanged(
            "the report lacks a column",
            hint="add it to the template, or name its title in column_aliases or the …_column options",
            missing=", ".join(missing),
            columns=", ".join(columns)[:500],
        )
    return places


def _refuse_other_formats(records: Iterable[Sequence[str]], places: Mapping[str, int]) -> None:
    """Stop at dates like 01/11/2026 and numbers with a comma: nobody knows what they mean.

    Raises:
        ContractChanged: there is one.
    """
    date = places["date"]
    numbers = [places[role] for role in _NUMBERS if role in places]
    for row in records:
        width = len(row)
        if date < width and _FOREIGN_DATE.match(row[date]):
            error = _foreign("date format (Sortable)", row[date])
            raise error
        for number in numbers:
            if number < width and "," in row[number]:
                error = _foreign("numeric format (US)", row[number])
                raise error


def _foreign(asked: str, found: str) -> ContractChanged:
    return ContractChanged(
        f"the report is not in the {asked} that was asked for",
        hint="nothing was stored: 01/11/2026 and 1,234 mean different things in different formats",
        found=found[:40],
    )
