"""Simulates The Trade Desk's REST API: advertisers, campaigns, and reports by MyReports.

Source: the ttd contract sheet of 2026-11-21; nobody has seen a schema, so this is as provisional as
the sheet. A template cannot be made here: each organisation has one. Renders what the delivery says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.faults import Fault
from tactics.sandbox.plan import AdAccount, Org
from tactics.sandbox.scene import Scene
from tactics.sandbox.ttd_errors import BEFORE, NO_CONTENT, document, error_reply, masked, peek
from tactics.sandbox.ttd_files import AFTER as FILE_FAULTS
from tactics.sandbox.ttd_files import CONVERSIONS, REVENUE
from tactics.sandbox.ttd_schedules import AFTER as REPORT_FAULTS
from tactics.sandbox.ttd_schedules import Schedule, Schedules, describe, execution_row, failing

_MAX_PAGE = 1_000


def simulator(scene: Scene) -> Simulator:
    """Return The Trade Desk over `scene`."""
    desk = _Desk(scene)
    reports = "/v3/myreports"
    return Simulator(
        name="ttd",
        routes=(
            Route("POST", "/v3/partner/query", desk.list_partners),
            Route("POST", "/v3/advertiser/query/partner", desk.list_advertisers),
            Route("GET", "/v3/advertiser/{account}", desk.get_advertiser),
            Route("POST", "/v3/campaign/query/advertiser", desk.list_campaigns),
            Route("POST", f"{reports}/reporttemplateheader/query", desk.list_templates),
            Route("POST", f"{reports}/reportschedule", desk.create_schedule),
            Route("POST", f"{reports}/reportschedule/query", desk.list_schedules),
            Route("GET", f"{reports}/reportschedule/{{schedule}}", desk.get_schedule),
            Route("DELETE", f"{reports}/reportschedule/{{schedule}}", desk.delete_schedule),
            Route("POST", f"{reports}/reportexecution/query/advertisers", desk.list_executions),
            Route("POST", f"{reports}/reportexecution/query/partners", desk.list_executions),
            Route("GET", f"{reports}/download/{{execution}}", desk.download),
        ),
        not_found=lambda _call: error_reply(404, "No HTTP resource was found."),
        before=BEFORE | {"schedule_gone": desk.lose_schedule},
        after={**FILE_FAULTS, **REPORT_FAULTS, "report_failed": failing(desk.schedules)},
        account=desk.account_of,
        settings=desk.settings,
        credentials=lambda org, _url: {"token": token_of(scene, org.org_id)},
    )


def token_of(scene: Scene, org_id: str) -> str:
    """Return the long-lived token of an organisation."""
    return scene.keys[org_id].make("ttd", prefix="ttd-", size=24)


class _Desk:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.schedules = Schedules(scene)

    def settings(self, org: Org, url: str) -> dict[str, object]:
        """Return what the connection's configuration says."""
        return {
            "accounts": [account.account_id for account in _advertisers(org)],
            "base_url": f"{url}/ttd/v3",
            "partner_id": _partner(org),
            "report_template_id": self._template(org),
            "timezone": org.timezone,
            "conversions_column": CONVERSIONS,
            "conversion_value_column": REVENUE,
        }

    def account_of(self, call: Call) -> str:
        """Return the advertiser that a call is about, also when it names a schedule or a file."""
        number = call.match.get("schedule") or _schedule_of(call.match.get("execution", ""))
        if one := self.schedules.find(number):
            return one.advertisers[0]
        if account_id := call.match.get("account"):
            return account_id
        wanted = peek(call) or {}
        names = wanted.get("AdvertiserFilters") or wanted.get("AdvertiserIds") or [""]
        return str(wanted.get("AdvertiserId", names[0]))

    def lose_schedule(self, call: Call, _fault: Fault) -> Reply | None:
        """Delete the schedule that a call names, as a person in the vendor's pages might."""
        wanted = peek(call) or {}
        numbers = [call.match.get("schedule", ""), *map(str, wanted.get("ReportScheduleIds", []))]
        found = [one for number in numbers if (one := self.schedules.find(number))]
        for one in found:
            self.schedules.delete(one)
        return error_reply(404, "The report schedule does not exist.") if found else None

    def list_partners(self, call: Call) -> Reply:
        org = self._sign_in(call)
        return _page(document(call), [{"PartnerId": _partner(org), "PartnerName": org.name}])

    def list_advertisers(self, call: Call) -> Reply:
        org = self._of_partner(call)
        return _page(document(call), [_advertiser_row(a, org) for a in _advertisers(org)])

    def get_advertiser(self, call: Call) -> Reply:
        org = self._sign_in(call)
        return Reply(_advertiser_row(self._advertiser(org, call.match["account"]), org))

    def list_campaigns(self, call: Call) -> Reply:
        wanted = document(call)
        account = self._advertiser(self._sign_in(call), str(wanted.get("AdvertiserId")))
        delivery = self._scene.delivery
        rows = [
            {
                "CampaignId": one.campaign_id,
                "AdvertiserId": account.account_id,
                "CampaignName": delivery.names[one.campaign_id],
            }
            for one in delivery.of_account(account.account_id)
        ]
        return _page(wanted, rows)

    def list_templates(self, call: Call) -> Reply:
        org = self._sign_in(call)
        row = {"ReportTemplateHeaderId": self._template(org), "Name": "Campaigns by day"}
        return _page(document(call), [row])

    def create_schedule(self, call: Call) -> Reply:
        """Take a schedule; the same one twice gives two.

        Raises:
            Refused: its template or advertisers are not there, or somebody else's.
        """
        org, wanted = self._sign_in(call), document(call)
        one = self.schedules.create(org.org_id, wanted)
        if wanted["ReportTemplateId"] != self._template(org):
            self.schedules.delete(one)
            raise Refused(masked())
        for advertiser_id in one.advertisers:
            self._advertiser(org, advertiser_id)
        return Reply(describe(one))

    def list_schedules(self, call: Call) -> Reply:
        org, wanted = self._of_partner(call), document(call)
        part = str(wanted.get("NameContains", ""))
        found = [
            describe(one)
            for one in self.schedules.of_org(org.org_id)
            if part.lower() in one.wanted["ReportScheduleName"].lower()
        ]
        return _page(wanted, found)

    def get_schedule(self, call: Call) -> Reply:
        return Reply(describe(self._schedule(call)))

    def delete_schedule(self, call: Call) -> Reply:
        self.schedules.delete(self._schedule(call))
        return Reply(body=b"", status=NO_CONTENT)

    def list_executions(self, call: Call) -> Reply:
        """Return executions; asking brings those that are due to their end."""
        org, wanted = self._sign_in(call), document(call)
        for advertiser_id in wanted.get("AdvertiserIds", []):
            self._advertiser(org, advertiser_id)
        asked = set(wanted.get("AdvertiserIds") or (a.account_id for a in _advertisers(org)))
        numbers = set(wanted.get("ReportScheduleIds", []))
        states = {state.lower() for state in wanted.get("ReportExecutionStates", [])}
        rows = []
        for one in self.schedules.of_org(org.org_id):
            if asked & set(one.advertisers) and (not numbers or one.schedule_id in numbers):
                self.schedules.run(one)
                rows.append(execution_row(one, call.base))
        shown = [row for row in rows if not states or row["ReportExecutionState"].lower() in states]
        return _page(wanted, _sort(shown, wanted.get("SortFields", [])))

    def download(self, call: Call) -> Reply:
        """Return a file: a link alone opens nothing since 2026-06-17.

        Raises:
            Refused: there is no such file.
        """
        org = self._sign_in(call)
        one = self.schedules.find(_schedule_of(call.match["execution"]))
        if one is None or one.org_id != org.org_id or one.state != "Complete":
            raise Refused(error_reply(404, "The report does not exist."))
        return Reply(body=one.file, media_type="application/octet-stream")

    def _sign_in(self, call: Call) -> Org:
        token = call.headers.get("ttd-auth", "")
        for org_id, org in self._scene.orgs.items():
            if token == token_of(self._scene, org_id):
                return org
        raise Refused(error_reply(401, "The authentication token is invalid or has expired."))

    def _of_partner(self, call: Call) -> Org:
        org = self._sign_in(call)
        if document(call).get("PartnerId") != _partner(org):
            raise Refused(masked())
        return org

    def _advertiser(self, org: Org, account_id: str) -> AdAccount:
        for account in _advertisers(org):
            if account.account_id == account_id:
                return account
        raise Refused(masked())

    def _schedule(self, call: Call) -> Schedule:
        org = self._sign_in(call)
        one = self.schedules.find(call.match["schedule"])
        if one is None or one.org_id != org.org_id:
            raise Refused(masked())
        return one

    def _template(self, org: Org) -> int:
        return 70_001 + sorted(self._scene.orgs).index(org.org_id)


def _schedule_of(execution: str) -> str:
    return str(int(execution) - 8_000) if execution.isdecimal() else ""


def _partner(org: Org) -> str:
    return f"{org.org_id[:4]}prt"


def _advertisers(org: Org) -> list[AdAccount]:
    return [account for account in org.accounts if account.source == "ttd"]


def _advertiser_row(account: AdAccount, org: Org) -> dict[str, object]:
    return {
        "AdvertiserId": account.account_id,
        "AdvertiserName": account.name,
        "PartnerId": _partner(org),
        "CurrencyCode": account.currency,
    }


def _sort(rows: list[dict[str, Any]], fields: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    for field in reversed(fields):
        name = field.get("FieldId")
        if name not in {"ReportEndDateExclusive", "ReportExecutionId"}:
            raise Refused(error_reply(400, f"SortFields: '{name}' is not a known value."))
        rows = sorted(rows, key=lambda row: row[name], reverse=not field.get("Ascending", True))
    return rows


def _page(wanted: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Reply:
    """Return the rows from offset `PageStartIndex` on: it counts rows, not pages.

    Raises:
        Refused: offset or size are missing or out of range.
    """
    start, size = wanted.get("PageStartIndex"), wanted.get("PageSize")
    if not isinstance(start, int) or start < 0:
        raise Refused(error_reply(400, "PageStartIndex is required."))
    if not isinstance(size, int) or not 1 <= size <= _MAX_PAGE:
        raise Refused(error_reply(400, f"PageSize must be between 1 and {_MAX_PAGE}."))
    part = list(rows[start : start + size])
    counts = {"ResultCount": len(part), "TotalFilteredCount": len(rows)}
    return Reply({"Result": part, **counts, "TotalUnfilteredCount": len(rows)})
