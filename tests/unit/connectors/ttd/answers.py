"""What The Trade Desk answers, and a slice that is asked step by step."""

from pathlib import Path
from typing import Any

from tactics.connectors import Step
from tactics.connectors.ttd import TtdOptions, connector
from tactics.transport import Request, Response
from tests.unit.connectors.builders import respond, slice_of

GOLDEN = Path(__file__).parent / "golden"
CONVERSIONS = "01 - Total Click + View Conversions"
OPTIONS = TtdOptions(partner_id="abcprt", report_template_id=123, conversions_column=CONVERSIONS)
WORK = slice_of("campaign_report")
TODAY = "Sat, 21 Nov 2026 09:00:00 GMT"
TAG = "tactics acme.source act_1 t123 2026-11-01..2026-11-08"


def schedules(*rows: tuple[int, str], total: int | None = None) -> Response:
    """Return a page of schedules, answered on the day of the tests."""
    found = [{"ReportScheduleId": number, "ReportScheduleName": name} for number, name in rows]
    return respond({"Result": found, "TotalFilteredCount": total or len(found)}, date=TODAY)


def execution(**changes: Any) -> dict[str, Any]:
    """Return the execution of schedule 456, complete."""
    return {
        "ReportExecutionId": 9001,
        "ReportExecutionState": "Complete",
        "ReportScheduleId": 456,
        "ReportStartDateInclusive": "2026-11-01T00:00:00",
        "ReportEndDateExclusive": "2026-11-08T00:00:00",
        "ReportDeliveries": [{"DownloadURL": "https://api.thetradedesk.com/v3/file/1"}],
    } | changes


def executions(*rows: dict[str, Any], total: int | None = None) -> Response:
    """Return a page of executions."""
    return respond({"Result": rows, "TotalFilteredCount": total or len(rows)})


def read(request: Request, response: Response) -> Step:
    """Return what a response to a request of the slice means."""
    return connector.read(WORK, OPTIONS, request, response)


def follow(*responses: Response, job: str | None = None) -> Step:
    """Return the step after all these responses, the first to the slice's first request."""
    request: Request | None = connector.ask(slice_of("campaign_report", job=job), OPTIONS)
    step = Step()
    for response in responses:
        assert request is not None, "the slice has ended"
        step = read(request, response)
        request = step.next
    return step


def after(step: Step) -> Request:
    """Return the request that follows."""
    assert step.next is not None
    return step.next
