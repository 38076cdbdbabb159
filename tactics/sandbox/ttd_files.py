"""The files that The Trade Desk delivers: a template's columns, and the disguises seen in the wild.

Source: the ttd contract sheet of 2026-11-21, section 4; the revenue column's title is made up. Knows
no schedule.
"""

import csv
import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tactics.model import Window
from tactics.sandbox.api import After, Call, Reply
from tactics.sandbox.delivery import Delivery, Metrics
from tactics.sandbox.faults import Fault
from tactics.sandbox.plan import Campaign

CONVERSIONS = "All Last Click + View Conversions"
REVENUE = "All Last Click + View Revenue (Adv Currency)"
COLUMNS = (
    "Date", "Advertiser ID", "Advertiser", "Campaign ID", "Campaign", "Impressions", "Clicks",
    "Advertiser Cost (Adv Currency)", "Advertiser Currency Code", "Player Starts",
    "Player Completed Views", "01 - Total Click + View Conversions", CONVERSIONS, REVENUE,
)  # fmt: skip
_DATES = {"Sortable": "%Y-%m-%d", "International": "%d/%m/%Y", "US": "%m/%d/%Y"}
DATE_FORMATS, NUMERIC_FORMATS = tuple(_DATES), ("US", "International")
_XLSX_PART = "[Content_Types].xml"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a schedule wants its file."""

    dates: str = "Sortable"
    numbers: str = "US"
    delimiter: str = ","
    headers: bool = True


Row = tuple[dt.date, Campaign, str, Metrics]


def deliver(delivery: Delivery, advertiser_id: str, window: Window) -> list[Row]:
    """Return what an advertiser's campaigns did, as the numbers stand now."""
    return [
        (day, campaign, delivery.names[campaign.campaign_id], metrics)
        for campaign in delivery.of_account(advertiser_id)
        for day, metrics in delivery.rows(campaign, window)
    ]


def render(rows: Iterable[Row], layout: Layout) -> bytes:
    """Return the file; an execution without rows is an empty one."""
    lines = [_cells(row, layout) for row in rows]
    if not lines:
        return b""
    return _write([COLUMNS, *lines] if layout.headers else lines, layout.delimiter)


def _cells(row: Row, layout: Layout) -> list[str]:
    day, campaign, name, metrics = row
    account = campaign.account
    completed = metrics.video_views * 3 // 4
    return [
        day.strftime(_DATES[layout.dates]),
        account.account_id,
        account.name,
        campaign.campaign_id,
        name,
        str(metrics.impressions),
        str(metrics.clicks),
        _money(metrics.spend_minor, layout),
        account.currency,
        str(metrics.video_views),
        str(completed),
        str(metrics.conversions // 2),
        str(metrics.conversions),
        _money(metrics.value_minor, layout),
    ]


def _money(minor: int, layout: Layout) -> str:
    text = f"{Decimal(minor).scaleb(-2):.6f}"
    return text.replace(".", ",") if layout.numbers == "International" else text


def _write(rows: Iterable[Sequence[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def excel(_body: bytes = b"") -> bytes:
    """Return what a pivot delivers: the beginnings of an Excel file."""
    return zipped(b"<Types/>", _XLSX_PART)


def zipped(body: bytes, name: str = "report.csv") -> bytes:
    """Return a zip archive of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), body)
    return packed.getvalue()


def _table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def _foreign(body: bytes) -> bytes:
    """Write dates as dd/mm/yyyy and decimals with a comma, whatever was asked for."""
    head, *rows = _table(body)
    money = [index for index, title in enumerate(head) if title.endswith("(Adv Currency)")]
    for row in rows:
        row[0] = dt.date.fromisoformat(row[0]).strftime(_DATES["International"])
        for index in money:
            row[index] = row[index].replace(".", ",")
    return _write([head, *rows])


def _halved(body: bytes) -> bytes:
    """Add a dimension: each row becomes two, of two ad groups, that add up to it."""
    head, *rows = _table(body)
    counts = [index for index, title in enumerate(head) if index > head.index("Campaign")]
    split = []
    for row in rows:
        parts = [list(row), list(row)]
        for index in counts:
            if row[index].replace(".", "", 1).isdecimal():
                whole = Decimal(row[index])
                parts[0][index] = str(half := whole // 2)
                parts[1][index] = str(whole - half)
        split += [[*part, f"adg{number}"] for number, part in enumerate(parts)]
    return _write([[*head, "Ad Group ID"], *split])


def _spoiled(body: bytes) -> bytes:
    head, first, *rows = _table(body)
    first[head.index("Advertiser Cost (Adv Currency)")] = "N/A"
    return _write([head, first, *rows])


def _each_file(change: Callable[[bytes], bytes]) -> After:
    """Return a fault that changes the file of a download."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        body = _file(call, reply)
        return replace(reply, body=change(body)) if body else None

    return effect


def _rename(call: Call, fault: Fault, reply: Reply) -> Reply | None:
    """Give the column `from` the title `to`; to nothing takes it away."""
    body = _file(call, reply)
    if not body:
        return None
    head, *rows = _table(body)
    place = head.index(fault.text("from", "Campaign ID"))
    if title := fault.text("to", ""):
        head[place] = title
    else:
        for row in (head, *rows):
            del row[place]
    return replace(reply, body=_write([head, *rows]))


def _file(call: Call, reply: Reply) -> bytes:
    return reply.body or b"" if "/download/" in call.path and reply.status == 200 else b""  # noqa: PLR2004


AFTER: dict[str, After] = {
    "gzip_file": _each_file(lambda body: gzip.compress(body, mtime=0)),
    "zip_file": _each_file(zipped),
    "byte_order_mark": _each_file(lambda body: b"\xef\xbb\xbf" + body),
    "tabs": _each_file(lambda body: _write(_table(body), "\t")),
    "excel_file": _each_file(excel),
    "empty_file": _each_file(lambda _body: b""),
    "international": _each_file(_foreign),
    "extra_dimension": _each_file(_halved),
    "not_a_number": _each_file(_spoiled),
    "renamed_column": _rename,
}
