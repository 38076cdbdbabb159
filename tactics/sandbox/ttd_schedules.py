"""MyReports: schedules, their executions, and the files that these deliver.

An execution is complete when it is first asked for, and its numbers are those of that moment.
Source: the ttd contract sheet of 2026-11-21, section 4. Checks no token.
"""

import datetime as dt
import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from tactics.model import Window
from tactics.sandbox.api import After, Call, Refused, Reply
from tactics.sandbox.faults import Fault
from tactics.sandbox.scene import Scene
from tactics.sandbox.ttd_errors import error_reply, span_of
from tactics.sandbox.ttd_files import (
    DATE_FORMATS,
    NUMERIC_FORMATS,
    Layout,
    deliver,
    excel,
    render,
)

_FORMATS = {"CSV": ",", "TSV": "\t", "ExcelPivot": ""}
_CHOICES: dict[str, Collection[str]] = {
    "ReportFileFormat": _FORMATS,
    "ReportDateRange": ("Custom",),
    "ReportFrequency": ("Once", "Daily", "Weekly", "Monthly", "Quarterly"),
    "TimeZone": available_timezones(),
    "ReportDateFormat": DATE_FORMATS,
    "ReportNumericFormat": NUMERIC_FORMATS,
}
_REQUIRED = (
    "ReportScheduleName",
    "ReportTemplateId",
    "ReportFileFormat",
    "ReportDateRange",
    "ReportFrequency",
    "AdvertiserFilters",
)
_OPTIONAL = (
    "ReportStartDateInclusive",
    "ReportEndDateExclusive",
    "ScheduleStartDate",
    "IncludeHeaders",
    *_CHOICES,
)


@dataclass(slots=True)
class Schedule:
    """One schedule and its only execution; `file` is what it delivered."""

    schedule_id: int
    org_id: str
    wanted: dict[str, Any]
    window: Window
    state: str = "Pending"
    file: bytes = b""

    @property
    def execution_id(self) -> int:
        """Return the number of its execution."""
        return self.schedule_id + 8_000

    @property
    def advertisers(self) -> list[str]:
        """Return the advertisers that it reports on."""
        return list(self.wanted["AdvertiserFilters"])


class Schedules:
    """All schedules of everybody."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: dict[int, Schedule] = {}
        self._numbers = itertools.count(4_501)

    def find(self, schedule_id: str) -> Schedule | None:
        """Return a schedule that was not deleted."""
        return self._held.get(int(schedule_id)) if schedule_id.isdecimal() else None

    def of_org(self, org_id: str) -> list[Schedule]:
        """Return an organisation's schedules, oldest first."""
        return [one for one in self._held.values() if one.org_id == org_id]

    def create(self, org_id: str, wanted: dict[str, Any]) -> Schedule:
        """Take a schedule.

        Raises:
            Refused: it is not wanted as the vendor wants it.
        """
        _check(wanted)
        first, after = span_of(wanted)
        window = Window(first, after - dt.timedelta(days=1))
        one = Schedule(next(self._numbers), org_id, wanted, window)
        self._held[one.schedule_id] = one
        return one

    def delete(self, schedule: Schedule) -> None:
        """Forget a schedule, its execution and its file."""
        del self._held[schedule.schedule_id]

    def run(self, schedule: Schedule) -> None:
        """Bring an execution that is due to its end."""
        if schedule.state != "Pending":
            return
        wanted = schedule.wanted
        layout = Layout(
            wanted.get("ReportDateFormat", "US"),
            wanted.get("ReportNumericFormat", "US"),
            _FORMATS[wanted["ReportFileFormat"]],
            headers=bool(wanted.get("IncludeHeaders", True)),
        )
        rows = [
            row
            for advertiser_id in schedule.advertisers
            for row in deliver(self._scene.delivery, advertiser_id, schedule.window)
        ]
        schedule.file = render(rows, layout) if layout.delimiter else excel()
        schedule.state = "Complete"


def describe(schedule: Schedule) -> dict[str, object]:
    """Return a schedule as the vendor shows it."""
    return {"ReportScheduleId": schedule.schedule_id, **schedule.wanted}


def execution_row(schedule: Schedule, base: str) -> dict[str, Any]:
    """Return an execution as the vendor shows it."""
    url = f"{base}/v3/myreports/download/{schedule.execution_id}"
    done = schedule.state == "Complete"
    return {
        "ReportExecutionId": schedule.execution_id,
        "ReportExecutionState": schedule.state,
        "ReportScheduleId": schedule.schedule_id,
        "ReportScheduleName": schedule.wanted["ReportScheduleName"],
        "ReportStartDateInclusive": schedule.wanted["ReportStartDateInclusive"],
        "ReportEndDateExclusive": schedule.wanted["ReportEndDateExclusive"],
        "Timezone": schedule.wanted.get("TimeZone", "UTC"),
        "ReportDeliveries": [{"DeliveredPath": None, "DownloadURL": url}] if done else [],
    }


def _check(wanted: dict[str, Any]) -> None:
    if unknown := sorted(set(wanted) - {*_REQUIRED, *_OPTIONAL}):
        raise Refused(error_reply(400, f"'{unknown[0]}' is not a valid property."))
    if missing := [name for name in _REQUIRED if not wanted.get(name)]:
        raise Refused(error_reply(400, f"{missing[0]} is required."))
    for name, known in _CHOICES.items():
        if wanted.get(name) is not None and wanted[name] not in known:
            raise Refused(error_reply(400, f"{name}: '{wanted[name]}' is not a known value."))


def _in_state(call: Call, fault: Fault, reply: Reply) -> Reply | None:
    """Show the executions of a poll in another state, without a file."""
    state = fault.text("state", "InProgress")
    return _change(call, reply, {"ReportExecutionState": state, "ReportDeliveries": []})


def _change(call: Call, reply: Reply, changes: dict[str, Any]) -> Reply | None:
    rows = _polled(call, reply)
    if not rows:
        return None
    return Reply({**reply.document, "Result": [row | changes for row in rows]})


def _other_days(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Let the executions cover another week than was asked for."""
    week = {
        "ReportStartDateInclusive": "2026-01-05T00:00:00",
        "ReportEndDateExclusive": "2026-01-12T00:00:00",
    }
    return _change(call, reply, week)


def _strangers(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    """Put executions of other schedules and days before the one that was asked for."""
    rows = _polled(call, reply)
    if not rows:
        return None
    bad = {"ReportDeliveries": [{"DownloadURL": f"{call.base}/v3/myreports/download/1"}]}
    strange = rows[0] | bad | {"ReportScheduleId": 1, "ReportExecutionId": 99_001}
    stale = rows[0] | bad | {"ReportEndDateExclusive": "2026-01-12T00:00:00"}
    return Reply({**reply.document, "Result": [strange, stale, *rows]})


def _polled(call: Call, reply: Reply) -> list[dict[str, Any]]:
    good = "/reportexecution/query/" in call.path and isinstance(reply.document, dict)
    return reply.document.get("Result", []) if good else []


def failing(schedules: Schedules) -> After:
    """Return the fault that lets the executions of a poll end in state Failed, for good."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        rows = _polled(call, reply)
        for row in rows:
            if one := schedules.find(str(row["ReportScheduleId"])):
                one.state = "Failed"
        changes = {"ReportExecutionState": "Failed", "ReportDeliveries": []}
        return _change(call, reply, changes) if rows else None

    return effect


def _lose_answer(call: Call, _fault: Fault, _reply: Reply) -> Reply | None:
    """Take the schedule, and say that something went wrong."""
    taken = call.method == "POST" and call.path.endswith("/reportschedule")
    return Reply({"Message": "Gateway Timeout"}, status=504) if taken else None


def _refuse_link(call: Call, fault: Fault, _reply: Reply) -> Reply | None:
    """Refuse a download, as if its link had run out."""
    status = fault.option("status", 403)
    return Reply({"Message": "expired"}, status=status) if "/download/" in call.path else None


AFTER: dict[str, After] = {
    "report_state": _in_state,
    "empty_deliveries": lambda call, _fault, reply: _change(call, reply, {"ReportDeliveries": []}),
    "other_days": _other_days,
    "other_executions": _strangers,
    "answer_lost": _lose_answer,
    "link_refused": _refuse_link,
}
