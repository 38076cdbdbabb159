"""Meta's report jobs: they move on each time somebody asks, and can fail or get stuck.

Source: the meta contract sheet of 2026-11-21, section 5. Makes no rows.
"""

import datetime as dt
import itertools
from dataclasses import dataclass

from tactics.sandbox.api import After, Call, Refused, Reply
from tactics.sandbox.faults import Fault
from tactics.sandbox.meta_errors import not_ready
from tactics.sandbox.meta_insights import bare_id
from tactics.sandbox.plan import AdAccount
from tactics.sandbox.scene import Scene

_LIFE_DAYS = 30


@dataclass(slots=True)
class Report:
    """One job; `failure` is the state it ended in when it did not complete."""

    report_id: str
    account: AdAccount
    parameters: dict[str, str]
    created_on: dt.date
    polls: int = 0
    failure: str = ""


class Reports:
    """All jobs submitted so far."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: dict[str, Report] = {}
        self._numbers = itertools.count(880_000_000_000_001)

    def submit(self, account: AdAccount, parameters: dict[str, str]) -> Reply:
        """Take a job and return its id."""
        report = Report(str(next(self._numbers)), account, parameters, self._scene.today)
        self._held[report.report_id] = report
        return Reply({"report_run_id": report.report_id})

    def find(self, node: str) -> Report | None:
        """Return the job of that id; None when the id means something else, or is too old."""
        report = self._held.get(node)
        if report is None or (self._scene.today - report.created_on).days > _LIFE_DAYS:
            return None
        return report

    def check_ready(self, report: Report) -> None:
        """Let only completed jobs pass.

        Raises:
            Refused: the rows are not there yet.
        """
        if report.failure or report.polls < self._scene.limits.report_polls:
            raise Refused(not_ready())

    def poll(self, report: Report) -> Reply:
        """Move a job on and return its state."""
        report.polls += 1
        status, percent = self._progress(report)
        document: dict[str, object] = {
            "id": report.report_id,
            "account_id": bare_id(report.account),
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status in {"Job Started", "Job Running"},
        }
        if report.failure == "Job Failed":
            document |= {
                "error_code": 2,
                "error_message": "Service temporarily unavailable",
                "error_subcode": 1504022,
                "error_user_title": "The report could not be made",
                "error_user_msg": "Try again later.",
            }
        return Reply(document)

    def ending(self, status: str) -> After:
        """Return the fault that ends a job in `status` when it is next polled."""

        def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
            report = self._polled(call, reply)
            if report is None or report.failure:
                return None
            report.failure = status
            return self.poll(report)

        return effect

    def stall(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Say 100 % and yet `Job Running`; who fetches the rows is told to wait."""
        if self._polled(call, reply):
            stuck = {"async_status": "Job Running", "async_percent_completion": 100}
            return Reply({**reply.document, **stuck, "is_running": True})
        fetched = call.match.get("node") in self._held and "insights" in call.path
        return not_ready() if fetched else None

    def _polled(self, call: Call, reply: Reply) -> Report | None:
        good = isinstance(reply.document, dict) and "async_status" in reply.document
        return self._held.get(call.match.get("node", "")) if good else None

    def _progress(self, report: Report) -> tuple[str, int]:
        if report.failure:
            return report.failure, 37
        needed = self._scene.limits.report_polls
        if report.polls >= needed:
            return "Job Completed", 100
        # The last poll before the end shows the vendor's trap: 100 % and still running.
        return ("Job Running", 100) if report.polls == needed - 1 else ("Job Not Started", 0)
