"""Simulates the Klaviyo API: accounts, metrics, campaigns, flows, audiences, reports; read only.

Source: the klaviyo contract sheet of 2026-11-21. Writes nothing.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.faults import Fault
from tactics.sandbox.klaviyo_access import (
    MEDIA_TYPE,
    REPORTS,
    XS,
    Access,
    L,
    M,
    S,
    error_reply,
    key_of,
)
from tactics.sandbox.klaviyo_facts import mail_facts
from tactics.sandbox.klaviyo_faults import AFTER, BEFORE
from tactics.sandbox.klaviyo_lists import (
    audience_document,
    list_accounts,
    list_audiences,
    list_campaigns,
    list_flows,
    list_metrics,
)
from tactics.sandbox.klaviyo_mail import Mail
from tactics.sandbox.klaviyo_query import Document, check_parameters, link
from tactics.sandbox.klaviyo_reports import aggregate, campaign_values, flow_series
from tactics.sandbox.ledger import Fact
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

Answer: TypeAlias = Callable[[Mail, Call], Document]

_ENDPOINTS: tuple[tuple[str, str, Answer, tuple[int, ...]], ...] = (
    ("GET", "/api/accounts", list_accounts, XS),
    ("GET", "/api/metrics", list_metrics, M),
    ("GET", "/api/campaigns", list_campaigns, M),
    ("GET", "/api/flows", list_flows, S),
    ("GET", "/api/lists", list_audiences, L),
    ("GET", "/api/segments", list_audiences, L),
    ("POST", "/api/campaign-values-reports", campaign_values, REPORTS),
    ("POST", "/api/flow-series-reports", flow_series, REPORTS),
    ("POST", "/api/metric-aggregates", aggregate, S),
)


def simulator(scene: Scene) -> Simulator:
    """Return the Klaviyo API over `scene`."""
    klaviyo = _Klaviyo(scene)
    return Simulator(
        name="klaviyo",
        routes=tuple(klaviyo.routes()),
        not_found=lambda _call: error_reply(404, "not_found", "There is no such endpoint."),
        before={**BEFORE, "small_pages": klaviyo.small_pages},
        after=AFTER,
        account=klaviyo.account_of,
        settings=lambda org, url: {"accounts": [org.org_id], "base_url": f"{url}/klaviyo"},
        credentials=lambda org, _url: {"api_key": key_of(scene, org)},
        facts=klaviyo.facts,
    )


class _Klaviyo:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._access = Access(scene)
        first_day = scene.today - dt.timedelta(days=scene.days - 1)
        self._mail = {org_id: Mail(scene, org, first_day) for org_id, org in scene.orgs.items()}
        for org in scene.orgs.values():
            key_of(scene, org)  # made secrets are looked for in the leak test

    def routes(self) -> Iterator[Route]:
        """Yield every endpoint with what it may be asked how often."""
        for method, path, answer, limits in _ENDPOINTS:
            yield Route(method, path, self._handler(answer, path, limits))
        for path in ("/api/lists/{id}", "/api/segments/{id}"):
            yield Route("GET", path, self._get_audience)

    def account_of(self, call: Call) -> str:
        """Return whose key it is."""
        org = self._access.find_org(call)
        return org.org_id if org else ""

    def small_pages(self, call: Call, fault: Fault) -> Reply | None:
        """Answer a report with few rows a page; the option `rows` says how many."""
        reports = {"campaign-values-reports": campaign_values, "flow-series-reports": flow_series}
        report = reports.get(call.path.rpartition("/")[2])
        if report is None:
            return None
        mail = self._mail[self.account_of(call)]
        try:
            return _reply(report(mail, call, fault.option("rows", 3)), {})
        except Refused as refused:
            return refused.reply

    def facts(self, org: Org) -> Iterator[Fact]:
        """Yield what a correct sync leaves in silver."""
        return mail_facts(self._mail[org.org_id])

    def _handler(
        self, answer: Answer, lane: str, limits: tuple[int, ...]
    ) -> Callable[[Call], Reply]:
        def handle(call: Call) -> Reply:
            admitted = self._access.admit(call, lane, limits)
            if call.method == "POST":
                check_parameters(call, "page_cursor")
            return _reply(answer(self._mail[admitted.org.org_id], call), admitted.headers)

        return handle

    def _get_audience(self, call: Call) -> Reply:
        kind = "list" if call.path.startswith("/api/lists") else "segment"
        field = f"additional-fields[{kind}]"
        slow = call.first(field) == "profile_count"
        lane = f"{kind}-size" if slow else f"{kind}"
        admitted = self._access.admit(call, lane, XS if slow else L)
        check_parameters(call, field, f"fields[{kind}]")
        for audience in self._mail[admitted.org.org_id].audiences():
            if (audience.audience_id, audience.kind) == (call.match["id"], kind):
                more = {"profile_count": audience.size} if slow else {}
                document = {
                    "data": audience_document(audience, call, **more),
                    "links": {"self": link(call)},
                }
                return _reply(document, admitted.headers)
        detail = f"A {kind} with id {call.match['id']} does not exist."
        raise Refused(error_reply(404, "not_found", detail))


def _reply(document: Document, headers: dict[str, str]) -> Reply:
    return Reply(document, headers=headers, media_type=MEDIA_TYPE)
