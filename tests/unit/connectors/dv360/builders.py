"""Queries, reports and files as Google sends them."""

from tactics.connectors.dv360 import DV360Options
from tactics.connectors.dv360.query import SavedQuery
from tactics.transport import Response
from tests.unit.connectors.builders import WEEK, respond, slice_of

OPTIONS = DV360Options()
WORK = slice_of("campaign_report", account_id="700001")
QUERY = SavedQuery("700001", OPTIONS)
LINK = "https://storage.googleapis.com/bucket/42_7.csv?Signature=abc"
HEADER = (
    "Date,Advertiser ID,Advertiser Currency,Campaign ID,Campaign,Impressions,Clicks,"
    "Revenue (Adv Currency),Total Conversions,Starts (Video),CM360 Post-Click Revenue,"
    "CM360 Post-View Revenue"
)
FIRST = "2026/11/01,700001,EUR,880001,Autumn Video,15230,41,93.417200,3.000000,812,120.5,1.25"
SECOND = "2026/11/02,700001,EUR,880001,Autumn Video,14011,38,88.100000,2.000000,790,80,0"
TOTALS = ",,,,,29241,79,181.517200,5.000000,1602,200.5,1.25"
TRAILER = """
Report Time:,2026/11/03 05:12 GMT
Date Range:,2026/11/01 to 2026/11/02
Group By:,Date
Group By:,Advertiser
MRC Accredited Metrics,"synthetic text, may hold commas"
"synthetic note on finalisation of the previous month"
Filter by Advertiser ID:,Demo Advertiser (700001)
"""
FILE = f"{HEADER}\n{FIRST}\n{SECOND}\n{TOTALS}\n{TRAILER}"


def queries(*titles: str, token: str = "") -> Response:
    """Return a page of the list of queries, numbered from 41."""
    found = [
        {"queryId": str(41 + number), "metadata": {"title": title}}
        for number, title in enumerate(titles)
    ]
    return respond(
        ({"queries": found} if found else {}) | ({"nextPageToken": token} if token else {})
    )


def report(state: str = "QUEUED", *, report_id: str = "7", **metadata: object) -> dict[str, object]:
    """Return a report of query 42 over the week."""
    first, last = (
        {"year": day.year, "month": day.month, "day": day.day} for day in (WEEK.start, WEEK.end)
    )
    status: dict[str, object] = {"state": state, "format": "CSV"}
    if finished := metadata.pop("finished", None):
        status["finishTime"] = finished
    return {
        "key": {"queryId": "42", "reportId": report_id},
        "metadata": {
            "status": status,
            "reportDataStartDate": first,
            "reportDataEndDate": last,
            **metadata,
        },
    }


def done() -> Response:
    """Return a finished report."""
    return respond(report("DONE", googleCloudStoragePath=LINK))


def refused(status: int, message: str = "no", reason: str = "", **headers: str) -> Response:
    """Return Google's error body."""
    error: dict[str, object] = {"code": status, "message": message}
    if reason:
        error["errors"] = [{"reason": reason}]
    return respond({"error": error}, status, **headers)
