"""Google's answers as values: the file, the spreadsheet, its cells.

Raises what `faults` makes of everything else.
"""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from tactics.connectors.sheets.faults import error_of
from tactics.connectors.sheets.ranges import Tab
from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

NATIVE = "application/vnd.google-apps.spreadsheet"


class File(msgspec.Struct, rename="camel"):
    """What Drive says of the file."""

    mime_type: str = ""
    modified_time: str = ""
    version: str = ""
    trashed: bool = False

    def marker(self) -> str:
        """Return what changes whenever the file does.

        Raises:
            ContractChanged: the file is no readable Google Sheet.
        """
        if self.trashed:
            raise ContractChanged("the spreadsheet is in the bin", hint="restore it in Drive")
        if self.mime_type != NATIVE:
            raise ContractChanged(
                "the file is not a Google Sheet",
                hint="an uploaded .xlsx: open it and save it as a Google Sheet",
                mime_type=self.mime_type,
            )
        return f"{self.version}@{self.modified_time}"


class ValueRange(msgspec.Struct):
    """One range of cells; a range without any value has no `values` at all."""

    range: str = ""
    values: list[list[Any]] = []


class Batch(msgspec.Struct, rename="camel"):
    """The answer to values:batchGet."""

    value_ranges: list[ValueRange]


class _Grid(msgspec.Struct, rename="camel"):
    row_count: int = 0


class _Properties(msgspec.Struct, rename="camel"):
    title: str = ""
    sheet_id: int = 0
    hidden: bool = False
    sheet_type: str = "GRID"
    grid_properties: _Grid = msgspec.field(default_factory=_Grid)
    locale: str = ""
    time_zone: str = ""


class _Sheet(msgspec.Struct):
    properties: _Properties


class Book(msgspec.Struct):
    """The spreadsheet: its own properties and its tabs."""

    properties: _Properties
    sheets: list[_Sheet]

    def tabs(self) -> list[Tab]:
        """Return the tabs that have cells."""
        found = [sheet.properties for sheet in self.sheets]
        return [
            Tab(tab.sheet_id, tab.title, tab.grid_properties.row_count, tab.hidden)
            for tab in found
            if tab.sheet_type == "GRID"
        ]


Answer = TypeVar("Answer", Book, Batch, File)


def decode(response: Response, kind: type[Answer]) -> Answer:
    """Return the answer as a value.

    Raises:
        TacticsError: the call failed.
        ContractChanged: the answer is JSON of another shape.
        DecodeError: it is no JSON.
    """
    if response.status != HTTPStatus.OK:
        error = error_of(response)
        raise error
    try:
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("google answers in another shape") from exc
    except msgspec.DecodeError as exc:
        raise DecodeError("google's answer is not JSON", size_bytes=len(response.body)) from exc
