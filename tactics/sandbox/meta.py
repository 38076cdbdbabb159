"""Simulates the Meta Marketing API: ad accounts, campaigns, insights direct and as report jobs.

Source: the meta contract sheet of 2026-11-21. Errors mostly come with status 400: who looks only at
the status is lost. Renders what `meta_insights.py` computes.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.faults import Fault
from tactics.sandbox.meta_access import Access
from tactics.sandbox.meta_errors import (
    AFTER,
    BEFORE,
    cursor,
    error_reply,
    field_list,
    offset,
    usage_headers,
)
from tactics.sandbox.meta_insights import (
    BadParameter,
    bare_id,
    insight_rows,
    parse_query,
    without_purchases,
)
from tactics.sandbox.meta_reports import Reports
from tactics.sandbox.plan import AdAccount, Campaign, Org
from tactics.sandbox.scene import Scene

_MAX_PAGE = 1000
_ACCOUNT_FIELDS = ("id", "account_id")
_DAYS_PER_MONTH = 30.44


def simulator(scene: Scene) -> Simulator:
    """Return the Meta Marketing API over `scene`."""
    access, reports = Access(scene), Reports(scene)
    meta = _Meta(scene, access, reports)
    return Simulator(
        name="meta",
        routes=(
            Route("GET", "/{version}/me/adaccounts", meta.list_accounts),
            Route("GET", "/{version}/oauth/access_token", access.exchange),
            Route("GET", "/{version}/{node}/insights", meta.list_insights),
            Route("POST", "/{version}/{node}/insights", meta.submit_report),
            Route("GET", "/{version}/{node}/campaigns", meta.list_campaigns),
            Route("GET", "/{version}/{node}", meta.get_node),
            Route("GET", "/{version}/{node}/", meta.get_node),
        ),
        not_found=lambda _call: error_reply("Unknown path components", code=2500),
        before=BEFORE | {"reduce_data": meta.too_much_data},
        after=AFTER
        | {
            "job_failed": reports.ending("Job Failed"),
            "job_skipped": reports.ending("Job Skipped"),
            "job_stuck_at_100": reports.stall,
            "purchases_hidden": meta.hide_purchases,
        },
        account=meta.account_of,
        settings=lambda org, url: {
            "accounts": [account.account_id for account in _meta_accounts(org)],
            "base_url": f"{url}/meta",
        },
        credentials=lambda org, _url: {
            "access_token": scene.keys[org.org_id].meta_access_token,
            "app_secret": scene.keys[org.org_id].meta_app_secret,
        },
    )


class _Meta:
    def __init__(self, scene: Scene, access: Access, reports: Reports) -> None:
        self._scene = scene
        self._access = access
        self._reports = reports
        self._calls: dict[str, int] = {}

    def account_of(self, call: Call) -> str:
        """Return the account that a call is about, also when it names a report."""
        node = call.match.get("node", "")
        report = self._reports.find(node)
        return report.account.account_id if report else node

    def list_accounts(self, call: Call) -> Reply:
        org = self._access.sign_in(call)
        fields = field_list(call.first("fields")) or _ACCOUNT_FIELDS
        rows = [_pick(_account_row(account), fields) for account in _meta_accounts(org)]
        return self._page(call, rows)

    def list_campaigns(self, call: Call) -> Reply:
        account = self._access.account(call)
        fields = field_list(call.first("fields")) or ("id",)
        campaigns = self._scene.delivery.of_account(account.account_id)
        rows = [_pick(self._campaign_row(campaign), fields) for campaign in campaigns]
        return self._page(call, rows)

    def get_node(self, call: Call) -> Reply:
        """Return a report's state, a campaign or an account, whatever the id names."""
        fields = field_list(call.first("fields"))
        if report := self._reports.find(call.match["node"]):
            self._access.check_owner(call, report.account)
            return self._reports.poll(report)
        if campaign := self._scene.delivery.campaigns.get(call.match["node"]):
            self._access.check_owner(call, campaign.account)
            return Reply(_pick(self._campaign_row(campaign), fields or ("id",)))
        account = self._access.account(call)
        return Reply(_pick(_account_row(account), fields or _ACCOUNT_FIELDS))

    def list_insights(self, call: Call) -> Reply:
        """Return a page of insights of a report, a campaign or an account."""
        delivery = self._scene.delivery
        if report := self._reports.find(call.match["node"]):
            self._access.check_owner(call, report.account)
            self._reports.check_ready(report)
            account, parameters = report.account, report.parameters
            campaigns = delivery.of_account(account.account_id)
        elif campaign := delivery.campaigns.get(call.match["node"]):
            self._access.check_owner(call, campaign.account)
            account, parameters, campaigns = campaign.account, dict(call.query), [campaign]
        else:
            account, parameters = self._access.account(call), dict(call.query)
            campaigns = delivery.of_account(account.account_id)
        rows = self._rows(account, parameters, campaigns)
        return self._page(call, rows).with_headers(self._usage(account))

    def submit_report(self, call: Call) -> Reply:
        account = self._access.account(call)
        parameters = {**dict(call.query), **dict(call.form())}
        self._rows(account, parameters, [])  # refuses bad parameters at once
        return self._reports.submit(account, parameters)

    def too_much_data(self, call: Call, fault: Fault) -> Reply | None:
        """Refuse direct insights over more than `over_days` days; reports are still fine."""
        direct = call.method == "GET" and "insights" in call.path
        if not direct or self._reports.find(call.match.get("node", "")):
            return None
        try:
            window = parse_query(dict(call.query), dt.date.min).window
        except BadParameter:
            return None  # the handler refuses it
        if window is None or len(window) <= fault.option("over_days", 0):
            return None
        message = "Please reduce the amount of data you're asking for, then retry your request"
        return error_reply(message, code=100, subcode=fault.option("subcode", 1487534))

    def hide_purchases(self, call: Call, fault: Fault, reply: Reply) -> Reply | None:
        """Leave the purchases of the campaign `campaign` out at campaign level, and only there."""
        report = self._reports.find(call.match.get("node", ""))
        asked = report.parameters if report else dict(call.query)
        if call.method != "GET" or "insights" not in call.path or asked.get("level") != "campaign":
            return None
        rows = reply.document.get("data", [])
        shown = [without_purchases(row, fault.text("campaign", "")) for row in rows]
        return replace(reply, document={**reply.document, "data": shown}) if shown != rows else None

    def _rows(
        self, account: AdAccount, parameters: Mapping[str, str], campaigns: list[Campaign]
    ) -> list[dict[str, object]]:
        history = dt.timedelta(days=self._scene.limits.meta_history_months * _DAYS_PER_MONTH)
        try:
            query = parse_query(parameters, self._scene.today - history)
        except BadParameter as exc:
            raise Refused(error_reply(str(exc), code=exc.code, subcode=exc.subcode)) from exc
        except ValueError as exc:
            message = f"(#100) {bare_id(account)}: a parameter is not JSON"
            raise Refused(error_reply(message, code=100)) from exc
        return insight_rows(query, campaigns, self._scene.delivery)

    def _page(self, call: Call, rows: list[dict[str, object]]) -> Reply:
        limit = _limit(call, self._scene.limits.meta_page_size)
        start = offset(call.first("after"))
        part = rows[start : start + limit]
        if not part:
            return Reply({"data": []})
        cursors = {"before": cursor(start), "after": cursor(start + len(part))}
        paging: dict[str, object] = {"cursors": cursors}
        if start + limit < len(rows):
            kept = [(name, value) for name, value in call.query if name not in {"after", "limit"}]
            following = [*kept, ("limit", str(limit)), ("after", cursors["after"])]
            paging["next"] = f"{call.base}{call.path}?{urlencode(following)}"
        return Reply({"data": part, "paging": paging})

    def _campaign_row(self, campaign: Campaign) -> dict[str, object]:
        running = campaign.delivers is not None and campaign.delivers.end >= self._scene.today
        return {
            "id": campaign.campaign_id,
            "account_id": bare_id(campaign.account),
            "name": self._scene.delivery.names[campaign.campaign_id],
            "status": "ACTIVE" if running else "PAUSED",
            "effective_status": "ACTIVE" if running else "PAUSED",
        }

    def _usage(self, account: AdAccount) -> dict[str, str]:
        calls = self._calls[account.account_id] = self._calls.get(account.account_id, 0) + 1
        return usage_headers(bare_id(account), min(60, calls // 20))


def _meta_accounts(org: Org) -> list[AdAccount]:
    return [account for account in org.accounts if account.source == "meta"]


def _account_row(account: AdAccount) -> dict[str, object]:
    return {
        "id": account.account_id,
        "account_id": bare_id(account),
        "name": account.name,
        "currency": account.currency,
        "timezone_name": account.timezone,
        "account_status": 1,
    }


def _pick(row: Mapping[str, object], fields: tuple[str, ...]) -> dict[str, object]:
    unknown = [name for name in fields if name not in row]
    if unknown:
        message = f"(#100) Tried accessing nonexisting field ({unknown[0]})"
        raise Refused(error_reply(message, code=100))
    return {name: row[name] for name in dict.fromkeys((*fields, "id"))}


def _limit(call: Call, default: int) -> int:
    text = call.first("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= _MAX_PAGE:
        raise Refused(error_reply("(#100) param limit must be a positive number", code=100))
    return int(text)
