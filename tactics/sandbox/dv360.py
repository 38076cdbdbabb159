"""Simulates Bid Manager v2 (queries, reports, files) and the advertisers of Display & Video 360 v4.

Source: the dv360 contract sheet of 2026-11-21. One mount serves both APIs and the storage that the
reports' links lead to, which takes no Authorization header.
"""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.dv360_access import (
    PAGING,
    advertisers_of,
    forbidden,
    json_body,
    page_of,
    partner_of,
    sign_in,
)
from tactics.sandbox.dv360_entities import Entities
from tactics.sandbox.dv360_errors import BEFORE, FILE_FAULTS, storage_error
from tactics.sandbox.dv360_queries import BadQuery, parse_query, parse_range
from tactics.sandbox.dv360_reports import BUCKET, Queries, Query, Report
from tactics.sandbox.faults import Fault
from tactics.sandbox.google import error_reply, service_account
from tactics.sandbox.keys import Grant
from tactics.sandbox.plan import AdAccount
from tactics.sandbox.scene import Scene

_SCOPE = "doubleclickbidmanager"
_MISSING = "Requested entity was not found."
_T = TypeVar("_T")


def simulator(scene: Scene) -> Simulator:
    """Return Bid Manager and the advertisers of `scene`."""
    manager, entities = _BidManager(scene), Entities(scene)
    return Simulator(
        name="dv360",
        routes=(
            Route("GET", "/v2/queries", manager.list_queries),
            Route("POST", "/v2/queries", manager.create_query),
            Route("GET", "/v2/queries/{query}/reports", manager.list_reports),
            Route("GET", "/v2/queries/{query}/reports/{report}", manager.get_report),
            Route("POST", "/v2/queries/{query}:run", manager.run_query),
            Route("GET", "/v2/queries/{query}", manager.get_query),
            Route("DELETE", "/v2/queries/{query}", manager.delete_query),
            Route("GET", "/v4/advertisers", entities.list_advertisers),
            Route("GET", "/v4/advertisers/{account}", entities.get_advertiser),
            Route("GET", "/v4/advertisers/{account}/campaigns", entities.list_campaigns),
            Route("GET", "/storage/{bucket}/{file}", manager.download),
        ),
        not_found=lambda _call: error_reply(404, "Method not found."),
        before=BEFORE,
        after=FILE_FAULTS
        | {
            "run_lost": manager.lose_run,
            "report_failed": manager.fail_report,
            "report_slow": manager.slow_report,
            "unknown_field": _extra_key,
        },
        account=manager.account_of,
        settings=lambda org, url: {
            "accounts": [account.account_id for account in advertisers_of(org)],
            "base_url": f"{url}/dv360",
            "entities_base_url": f"{url}/dv360",
        },
        credentials=lambda org, url: {
            "service_account": json.dumps(service_account(scene.keys[org.org_id], url))
        },
    )


class _BidManager:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._queries = Queries(scene)

    def account_of(self, call: Call) -> str:
        """Return the first advertiser that a call is about."""
        if call.path.startswith("/storage/"):
            report = self._queries.find_file(call.match.get("file", ""))
            return report.query.accounts[0].account_id if report else ""
        if query := self._queries.find(call.match.get("query", "")):
            return query.accounts[0].account_id
        return call.match.get("account", "")

    def list_queries(self, call: Call) -> Reply:
        grant = sign_in(self._scene, call, _SCOPE, known=PAGING)
        queries = self._queries.of(grant.email)
        return page_of(call, queries, Query.to_json, list_name="queries", sort="queryId")

    def create_query(self, call: Call) -> Reply:
        grant = sign_in(self._scene, call, _SCOPE)
        document = json_body(call)
        spec = _checked(lambda: parse_query(document))
        accounts = self._filtered(grant, spec.filters)
        query = self._queries.save(
            lambda number: Query(number, grant.email, grant.org_id, document, spec, accounts)
        )
        return Reply(query.to_json())

    def get_query(self, call: Call) -> Reply:
        return Reply(self._query(call).to_json())

    def delete_query(self, call: Call) -> Reply:
        self._queries.delete(self._query(call))
        return Reply({})

    def run_query(self, call: Call) -> Reply:
        query = self._query(call, known=frozenset({"synchronous"}))
        document = json_body(call) if call.body else {}
        chosen = document.get("dataRange", query.spec.data_range)
        window = _checked(lambda: parse_range(chosen, self._scene.today))
        return Reply(self._queries.to_json(self._queries.run(query, window), call.base))

    def list_reports(self, call: Call) -> Reply:
        query = self._query(call, known=PAGING)
        reports = list(query.reports.values())

        def show(report: Report) -> dict[str, Any]:
            return self._queries.to_json(report, call.base)

        return page_of(call, reports, show, list_name="reports", sort="key.reportId")

    def get_report(self, call: Call) -> Reply:
        report = self._query(call).reports.get(call.match["report"])
        if report is None:
            raise Refused(error_reply(404, _MISSING))
        self._queries.poll(report)
        return Reply(self._queries.to_json(report, call.base))

    def download(self, call: Call) -> Reply:
        """Return a report's file to whoever has its link, and to nobody who also signs in."""
        if "authorization" in call.headers:
            return storage_error(400, "InvalidArgument")
        report = self._queries.find_file(call.match["file"])
        if report is None or call.match["bucket"] != BUCKET:
            return storage_error(404, "NoSuchKey")
        if call.first("Signature") not in report.links:
            return storage_error(403, "SignatureDoesNotMatch")
        return Reply(body=report.file.encode(), media_type="text/csv; charset=utf-8")

    def lose_run(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Start the report, and let the answer get lost on its way."""
        if not call.path.endswith(":run") or reply.status != HTTPStatus.OK:
            return None
        return error_reply(503, "The service is currently unavailable.")

    def fail_report(self, call: Call, _fault: Fault, _reply: Reply) -> Reply | None:
        """End a polled report in failure; the vendor does not say why."""
        if (report := self._polled(call)) is None:
            return None
        self._queries.fail(report)
        return Reply(self._queries.to_json(report, call.base))

    def slow_report(self, call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        """Let a report run a little longer."""
        if self._polled(call) is None:
            return None
        document = reply.document
        metadata = {**document["metadata"], "status": {"state": "RUNNING", "format": "CSV"}}
        del metadata["googleCloudStoragePath"]
        return Reply({**document, "metadata": metadata})

    def _polled(self, call: Call) -> Report | None:
        query = self._queries.find(call.match.get("query", ""))
        report = query.reports.get(call.match.get("report", "")) if query else None
        return report if report and report.state == "DONE" else None

    def _query(self, call: Call, *, known: frozenset[str] = frozenset()) -> Query:
        """Return the query of the path.

        Raises:
            Refused: there is none; for everybody but its creator it does not exist.
        """
        grant = sign_in(self._scene, call, _SCOPE, known=known)
        query = self._queries.find(call.match["query"])
        if query is None or query.creator != grant.email:
            raise Refused(error_reply(404, _MISSING))
        return query

    def _filtered(self, grant: Grant, filters: Sequence[tuple[str, str]]) -> list[AdAccount]:
        org = self._scene.orgs[grant.org_id]
        held = {account.account_id: account for account in advertisers_of(org)}
        chosen: list[AdAccount] = []
        for kind, value in filters:
            if kind == "FILTER_PARTNER" and value == partner_of(org):
                chosen += held.values()
            elif kind == "FILTER_ADVERTISER" and value in held:
                chosen.append(held[value])
            else:
                raise forbidden()
        return chosen


def _checked(parse: Callable[[], _T]) -> _T:
    try:
        return parse()
    except BadQuery as exc:
        raise Refused(error_reply(400, str(exc))) from exc


def _extra_key(_call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    if not isinstance(reply.document, dict) or reply.status != HTTPStatus.OK:
        return None
    return Reply({**reply.document, "sandboxNewField": {"nested": ["1"]}})
