"""One read of a tab, step by step: values, whole or in blocks, between two looks at Drive.

Knows which request follows which answer; what the cells mean is in `header` and `snapshot`.
"""

from dataclasses import asdict, dataclass, replace
from urllib.parse import quote

from tactics.connectors.carry import carried, carry
from tactics.connectors.sheets.ranges import HEADER_ROWS, Range
from tactics.transport import Request, get

MAX_READS = 3  # of a tab that somebody is typing into
MAX_BLOCK_ROWS = 5000
MIN_BLOCK_ROWS = 50

_PROBE_FIELDS = "id,name,mimeType,modifiedTime,version,trashed"  # lastModifyingUser is personal
_BOOK_FIELDS = (
    "spreadsheetId,properties(title,locale,timeZone),"
    "sheets.properties(sheetId,title,index,hidden,sheetType,gridProperties(rowCount,columnCount))"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one step tells the next.

    `marker` is what Drive said before the cells were read; `first` the first row of the block that
    is asked for (0: the whole range); `size` the rows of a block; `renamed` that the title was
    looked up by the tab's id after the old one had gone.
    """

    marker: str
    title: str
    reads: int = 1
    first: int = 0
    size: int = 0
    renamed: int = 0

    @classmethod
    def of(cls, request: Request) -> "Reading | None":
        """Return what a request carries; None on the first look at Drive."""
        facts = carried(request)
        if not facts:
            return None
        counts = {name: int(facts[name]) for name in ("reads", "first", "size", "renamed")}
        return cls(facts["marker"], facts["title"], **counts)

    def on(self, request: Request) -> Request:
        """Return `request` carrying this."""
        return carry(request, **asdict(self))


def probe(file_id: str) -> Request:
    """Return the cheap question whether the file changed."""
    fields = (("fields", _PROBE_FIELDS), ("supportsAllDrives", "true"))
    return get(f"/files/{quote(file_id, safe='')}", *fields, base="drive")


def discovery(file_id: str) -> Request:
    """Return the question for tabs, locale and time zone."""
    return get(f"/v4/spreadsheets/{quote(file_id, safe='')}", ("fields", _BOOK_FIELDS))


def values(file_id: str, wanted: Range, reading: Reading) -> Request:
    """Return the question for cells: the whole range, or the header and one block of rows.

    Both ranges of a block are one request, which counts once against the quota.
    """
    ranges = [wanted.a1(reading.title)]
    if reading.first:
        ranges = [wanted.rows(reading.title, wanted.top, wanted.top + HEADER_ROWS - 1)]
    if reading.first > wanted.top:
        last = reading.first + reading.size - 1
        ranges.append(wanted.rows(reading.title, reading.first, last))
    request = get(
        f"/v4/spreadsheets/{quote(file_id, safe='')}/values:batchGet",
        *(("ranges", text) for text in ranges),
        ("majorDimension", "ROWS"),
        ("valueRenderOption", "UNFORMATTED_VALUE"),
        ("dateTimeRenderOption", "SERIAL_NUMBER"),
    )
    return reading.on(request)


def in_blocks(wanted: Range, reading: Reading, rows: int) -> Reading:
    """Return the first block of a range that is too much at once: its header rows."""
    half = min(max(rows // 2, MIN_BLOCK_ROWS), MAX_BLOCK_ROWS)
    return replace(reading, first=wanted.top, size=half)


def smaller_block(wanted: Range, reading: Reading) -> Reading | None:
    """Return half of a block that is still too much; None when it cannot be halved."""
    if reading.first <= wanted.top or reading.size // 2 < MIN_BLOCK_ROWS:
        return None
    return replace(reading, size=reading.size // 2)


def next_block(wanted: Range, reading: Reading, rows: int) -> Reading | None:
    """Return the block after this one; None after the last row of the grid."""
    if not reading.first:
        return None
    passed = HEADER_ROWS if reading.first == wanted.top else reading.size
    first = reading.first + passed
    last = rows if wanted.bottom is None else min(rows, wanted.bottom)
    return None if first > last else replace(reading, first=first)


def start_again(reading: Reading, marker: str) -> Reading:
    """Return the next read of a tab that changed while it was read."""
    return Reading(marker, reading.title, reading.reads + 1, renamed=reading.renamed)
