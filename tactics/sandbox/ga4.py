"""Simulates the Google Analytics Data API: reports, the list of fields, the preflight, quotas.

Source: the ga4 contract sheet of 2026-11-21. Accounts are properties; a service account sees those
of its own company. Writes nothing.
"""

import json
import random
from typing import Any

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.faults import Fault
from tactics.sandbox.ga4_faults import AFTER, BEFORE
from tactics.sandbox.ga4_quota import Quotas, refusal
from tactics.sandbox.ga4_report import (
    DIMENSIONS,
    METRICS,
    Schema,
    bad,
    check_body,
    make_report,
    names_of,
)
from tactics.sandbox.ga4_traffic import Property, Traffic, plan_properties
from tactics.sandbox.google import check_bearer, error_reply, service_account
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

_SCOPES = ("analytics.readonly", "analytics")
_MOST_REPORTS = 5
_DENIED = (
    "User does not have sufficient permissions for this property. To learn more about Property ID,"
    " see https://developers.google.com/analytics/devguides/reporting/data/v1/property-id."
)


def simulator(scene: Scene) -> Simulator:
    """Return the Data API over the web properties of `scene`."""
    api = _DataApi(scene)
    path = "/v1beta/properties/{account}"
    return Simulator(
        name="ga4",
        routes=(
            Route("POST", f"{path}:runReport", api.run_report),
            Route("POST", f"{path}:batchRunReports", api.run_reports),
            Route("POST", f"{path}:checkCompatibility", api.check_compatibility),
            Route("GET", f"{path}/metadata", api.get_metadata),
        ),
        not_found=lambda _call: error_reply(404, "Requested entity was not found."),
        before=BEFORE | {"http_500": api.fail, "http_503": api.be_unavailable},
        after=AFTER,
        settings=lambda org, url: {
            "accounts": [web.property_id for web in plan_properties(org)],
            "base_url": f"{url}/ga4",
        },
        credentials=lambda org, url: {
            "service_account": json.dumps(service_account(scene.keys[org.org_id], url))
        },
        facts=api.traffic.facts,
        actions={
            "ga4_drain": api.quotas.drain,
            "ga4_retire": api.schema.retire,
            "ga4_make_incompatible": api.schema.make_incompatible,
        },
    )


class _DataApi:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._properties = {
            web.property_id: web for org in scene.orgs.values() for web in plan_properties(org)
        }
        self._dice = random.Random(f"{scene.seed}:ga4:order")
        self.traffic = Traffic(scene)
        self.quotas = Quotas(scene.clock)
        self.schema = Schema()

    def run_report(self, call: Call) -> Reply:
        return Reply(self._report(self._sign_in(call), _body(call)))

    def run_reports(self, call: Call) -> Reply:
        web, body = self._sign_in(call), _body(call)
        requests = body.get("requests", [])
        if len(requests) > _MOST_REPORTS:
            raise Refused(bad(f"A batch request is limited to {_MOST_REPORTS} requests."))
        reports = [self._report(web, request) for request in requests]
        return Reply({"reports": reports, "kind": "analyticsData#batchRunReports"})

    def check_compatibility(self, call: Call) -> Reply:
        """Tell what may be added to a request that is itself compatible."""
        self._sign_in(call)
        body = _body(call)
        dimensions = names_of(body, "dimensions")
        self.schema.check(dimensions, names_of(body, "metrics"))
        campaigns = "sessionCampaignName" in dimensions
        blocked = self.schema.incompatible if campaigns else set[str]()
        return Reply({
            "dimensionCompatibilities": [
                {"dimensionMetadata": _dimension(name), "compatibility": "COMPATIBLE"}
                for name in DIMENSIONS
            ],
            "metricCompatibilities": [
                {
                    "metricMetadata": _metric(name),
                    "compatibility": "INCOMPATIBLE" if name in blocked else "COMPATIBLE",
                }
                for name in self.schema.known()
            ],
        })

    def get_metadata(self, call: Call) -> Reply:
        web_id = "0" if call.match["account"] == "0" else self._sign_in(call).property_id
        return Reply({
            "name": f"properties/{web_id}/metadata",
            "dimensions": [_dimension(name) for name in DIMENSIONS],
            "metrics": [_metric(name) for name in self.schema.known()],
        })

    def fail(self, call: Call, _fault: Fault) -> Reply:
        """Fail, which counts: too many failures and every call is refused."""
        return self._fail(call, error_reply(500, "Internal error encountered."))

    def be_unavailable(self, call: Call, _fault: Fault) -> Reply:
        """Be unavailable, which counts as well."""
        return self._fail(call, error_reply(503, "The service is currently unavailable."))

    def _fail(self, call: Call, failure: Reply) -> Reply:
        property_id = call.match["account"]
        if empty := self.quotas.exhausted(property_id):
            return refusal(empty)
        self.quotas.fail(property_id)
        return failure

    def _sign_in(self, call: Call) -> Property:
        """Return the property, if it is there, may be read, and has tokens left.

        Raises:
            Refused: 400, 401, 403 or 429.
        """
        org = self._scene.orgs[check_bearer(self._scene, call, _SCOPES).org_id]
        property_id = call.match["account"]
        if not property_id.isdigit():
            raise Refused(
                bad(f"Invalid property ID: {property_id}. A numeric Property ID is required.")
            )
        web = self._properties.get(property_id)
        if web is None or not _belongs(web, org):
            raise Refused(error_reply(403, _DENIED))
        if empty := self.quotas.exhausted(property_id):
            raise Refused(refusal(empty))
        return web

    def _report(self, web: Property, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("property", f"properties/{web.property_id}") != f"properties/{web.property_id}":
            raise Refused(bad("The property of a nested request must be that of the batch."))
        asked = check_body(body, self.schema, self._scene.today)
        visits = [row for window in asked.windows for row in self.traffic.rows(web, window)]
        report = make_report(asked, visits, web, self._dice)
        tokens = 1 + len(asked.dimensions) + asked.days // 7
        self.quotas.charge(web.property_id, tokens)
        if asked.wants_quota:
            report["propertyQuota"] = self.quotas.state(web.property_id, tokens)
        return report


def _belongs(web: Property, org: Org) -> bool:
    return web.org_id == org.org_id


def _body(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body or b"{}")
    except ValueError:
        raise Refused(bad("Invalid JSON payload received. Unexpected token.")) from None
    if not isinstance(body, dict):
        raise Refused(bad("Invalid JSON payload received. An object is expected."))
    return body


def _dimension(name: str) -> dict[str, Any]:
    return {"apiName": name, "uiName": name, "description": name, "category": "Traffic source"}


def _metric(name: str) -> dict[str, Any]:
    facts = {"apiName": name, "uiName": name, "description": name, "category": "Session"}
    renamed = {"keyEvents": {"deprecatedApiNames": ["conversions"]}}
    return {**facts, "type": METRICS[name][0], **renamed.get(name, {})}
