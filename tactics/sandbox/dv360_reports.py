"""Bid Manager's queries and their reports: who sees them, how they move on, where the file lies.

A report is done when it is first polled. Source: the dv360 contract sheet of 2026-11-21, sections 2
to 4. Writes no CSV itself.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tactics.model import Window
from tactics.sandbox.dv360_csv import write_report
from tactics.sandbox.dv360_queries import QuerySpec, day_document
from tactics.sandbox.plan import AdAccount
from tactics.sandbox.scene import Scene

BUCKET = "sandbox-dv360-reports"


@dataclass(slots=True)
class Report:
    """One run of a query; `file` is there once it is done."""

    report_id: str
    query: "Query"
    window: Window
    state: str = "QUEUED"
    finished_at: dt.datetime | None = None
    file: str = ""
    links: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the file's name in storage."""
        return f"{self.query.query_id}_{self.report_id}.csv"


@dataclass(slots=True)
class Query:
    """One saved query; `creator` alone sees it."""

    query_id: str
    creator: str
    org_id: str
    document: Mapping[str, Any]
    spec: QuerySpec
    accounts: Sequence[AdAccount]
    reports: dict[str, Report] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the query as the API shows it."""
        return {**self.document, "queryId": self.query_id}


class Queries:
    """All queries saved so far, and their reports."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: dict[str, Query] = {}
        self._numbers = itertools.count(1_200_000_001)
        self._report_numbers = itertools.count(1)

    def save(self, make: Callable[[str], Query]) -> Query:
        """Keep a new query under the next id."""
        query = make(str(next(self._numbers)))
        self._held[query.query_id] = query
        return query

    def of(self, creator: str) -> list[Query]:
        """Return the queries that somebody made, oldest first."""
        return [query for query in self._held.values() if query.creator == creator]

    def find(self, query_id: str) -> Query | None:
        """Return a query, whoever made it."""
        return self._held.get(query_id)

    def delete(self, query: Query) -> None:
        """Drop a query and its reports."""
        del self._held[query.query_id]

    def find_file(self, name: str) -> Report | None:
        """Return the report whose file has this name."""
        everywhere = (r for query in self._held.values() for r in query.reports.values())
        return next((report for report in everywhere if report.name == name), None)

    def run(self, query: Query, window: Window) -> Report:
        """Start a report."""
        report = Report(str(next(self._report_numbers)), query, window)
        query.reports[report.report_id] = report
        return report

    def poll(self, report: Report) -> None:
        """Move a report on: its numbers are those of this moment."""
        if report.state == "QUEUED":
            report.file = write_report(
                self._scene, report.query.spec, report.query.accounts, report.window
            )
            self._finish(report, "DONE")

    def fail(self, report: Report) -> None:
        """End a report without a file."""
        self._finish(report, "FAILED")

    def to_json(self, report: Report, base: str) -> dict[str, Any]:
        """Return the report as the API shows it; when done, with a new link to its file."""
        status: dict[str, Any] = {"state": report.state, "format": "CSV"}
        metadata: dict[str, Any] = {
            "status": status,
            "reportDataStartDate": day_document(report.window.start),
            "reportDataEndDate": day_document(report.window.end),
        }
        if report.finished_at:
            status["finishTime"] = f"{report.finished_at:%Y-%m-%dT%H:%M:%SZ}"
        if report.state == "DONE":
            metadata["googleCloudStoragePath"] = self._link(report, base)
        key = {"queryId": report.query.query_id, "reportId": report.report_id}
        return {"key": key, "metadata": metadata, "params": report.query.document["params"]}

    def _link(self, report: Report, base: str) -> str:
        # Who has the link has the file: the signature is planted among the secrets.
        keys = self._scene.keys[report.query.org_id]
        signature = keys.make(f"dv360:{report.name}:{len(report.links)}", size=16)
        report.links.append(signature)
        signed = f"GoogleAccessId=reports@sandbox.example&Expires=1900000000&Signature={signature}"
        return f"{base}/storage/{BUCKET}/{report.name}?{signed}"

    def _finish(self, report: Report, state: str) -> None:
        report.state, report.finished_at = state, self._scene.now()
