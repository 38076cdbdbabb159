"""Simulates the Google Ads API: accounts behind managers, and reports by query.

Source: the google_ads contract sheet of 2026-11-21, sections 1 to 5. Renders what
`google_ads_query.py` computes.
"""

import json
import re
from typing import Any

from tactics.sandbox import google
from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator
from tactics.sandbox.google_ads_errors import AFTER, BEFORE, refusal, wrapped
from tactics.sandbox.google_ads_query import BadQuery, Customer, Query, parse_query, rows_of
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

VERSIONS = ("v23", "v24", "v25", "v26")

_SCOPES = ("adwords",)
_CUSTOMER_ID = re.compile(r"\d{10}")
_WRONG_MANAGER = "authorizationError.INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION"
_BATCH_ROWS = 50  # Google's are larger; here a month has several
_STREAM_KEYS = {"query", "summaryRowSetting"}
_SEARCH_KEYS = {"query", "pageToken", "validateOnly", "searchSettings"}


def simulator(scene: Scene) -> Simulator:
    """Return the Google Ads API over `scene`."""
    ads = _GoogleAds(scene)
    return Simulator(
        name="google_ads",
        routes=(
            Route("GET", "/{version}/customers:listAccessibleCustomers", ads.list_accessible),
            Route("POST", "/{version}/customers/{account}/googleAds:searchStream", ads.stream),
            Route("POST", "/{version}/customers/{account}/googleAds:search", ads.search),
        ),
        not_found=lambda _call: google.error_reply(404, "The requested URL was not found."),
        before=BEFORE,
        after=AFTER,
        settings=lambda org, url: {
            "accounts": [account.customer_id for account in clients_of(org)],
            "login_account": managers_of(org)[0].customer_id,
            "base_url": f"{url}/google_ads",
        },
        credentials=lambda org, url: {
            "service_account": json.dumps(google.service_account(scene.keys[org.org_id], url))
        },
    )


def clients_of(org: Org) -> tuple[Customer, ...]:
    """Return the accounts that advertise."""
    return tuple(
        Customer(account.account_id, account.name, account.currency, account.timezone)
        for account in org.accounts
        if account.source == "google_ads"
    )


def managers_of(org: Org) -> tuple[Customer, ...]:
    """Return the managers: the agency's own, and a partner's who sees the first client too."""
    return tuple(
        Customer(f"{digit}00{number:07d}", f"{org.name} {title}", org.currency, org.timezone, True)  # noqa: FBT003
        for digit, title in ((9, "Agency"), (8, "Partner"))
        for number in (sum(map(ord, org.org_id)),)
    )


class _GoogleAds:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._requests = 0

    def list_accessible(self, call: Call) -> Reply:
        """Return what the credential sees directly: the managers, not their clients."""
        org = self._sign_in(call)
        names = [f"customers/{manager.customer_id}" for manager in managers_of(org)]
        return Reply({"resourceNames": names})

    def stream(self, call: Call) -> Reply:
        """Return all rows in batches; no rows are an empty array.

        Raises:
            Refused: as an array, too.
        """
        try:
            query, rows = self._answer(call, _STREAM_KEYS)
        except Refused as exc:
            raise Refused(wrapped(call, exc.reply)) from exc
        common = {"fieldMask": query.mask, "requestId": self._request_id()}
        batches: list[dict[str, Any]] = [
            {"results": rows[at : at + _BATCH_ROWS], **common}
            for at in range(0, len(rows), _BATCH_ROWS)
        ]
        for batch in batches[-1:]:
            batch["queryResourceConsumption"] = str(len(rows))
        return Reply(batches)

    def search(self, call: Call) -> Reply:
        """Return all rows as one page: there are never 10,000."""
        query, rows = self._answer(call, _SEARCH_KEYS)
        return Reply({
            "results": rows,
            "fieldMask": query.mask,
            "queryResourceConsumption": str(len(rows)),
        })

    def _answer(self, call: Call, known: set[str]) -> tuple[Query, list[dict[str, Any]]]:
        org = self._sign_in(call)
        customer = _find_customer(org, call)
        body = _parse_body(call, known)
        clients = _below(org, customer)
        try:
            query = parse_query(str(body.get("query", "")), self._scene.today)
            return query, rows_of(query, customer, clients, self._scene.delivery)
        except BadQuery as exc:
            raise Refused(refusal(exc.code, exc.message)) from exc

    def _sign_in(self, call: Call) -> Org:
        if call.match["version"] not in VERSIONS:
            raise Refused(refusal("requestError.UNSUPPORTED_VERSION"))
        grant = google.check_bearer(self._scene, call, _SCOPES)
        return self._scene.orgs[grant.org_id]

    def _request_id(self) -> str:
        self._requests += 1
        return f"sandbox{self._requests:016d}"


def _find_customer(org: Org, call: Call) -> Customer:
    """Return the account of the path.

    Raises:
        Refused: it cannot be reached the way the call comes.
    """
    account_id = call.match["account"]
    login = call.headers.get("login-customer-id", "")
    if not _CUSTOMER_ID.fullmatch(account_id):
        raise Refused(refusal("requestError.INVALID_CUSTOMER_ID"))
    if login and not _CUSTOMER_ID.fullmatch(login):
        raise Refused(refusal("headerError.INVALID_LOGIN_CUSTOMER_ID"))
    managers = {one.customer_id: one for one in managers_of(org)}
    clients = {one.customer_id: one for one in clients_of(org)}
    entry = managers.get(login or account_id)
    if entry is None:  # clients are only reached through a manager
        raise Refused(refusal("authorizationError.USER_PERMISSION_DENIED"))
    if account_id == entry.customer_id:
        return entry
    below = {one.customer_id for one in _below(org, entry)}
    if account_id in clients and account_id not in below:
        raise Refused(refusal(_WRONG_MANAGER))
    if account_id not in below:
        raise Refused(refusal("authorizationError.USER_PERMISSION_DENIED"))
    return clients[account_id]


def _below(org: Org, manager: Customer) -> tuple[Customer, ...]:
    agency, partner = managers_of(org)
    seen = {agency.customer_id: clients_of(org), partner.customer_id: clients_of(org)[:1]}
    return seen.get(manager.customer_id, ())


def _parse_body(call: Call, known: set[str]) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError as exc:
        raise Refused(google.error_reply(400, "Invalid JSON payload received.")) from exc
    if "pageSize" in body:
        raise Refused(refusal("requestError.PAGE_SIZE_NOT_SUPPORTED"))
    if body.get("pageToken"):
        raise Refused(refusal("requestError.INVALID_PAGE_TOKEN"))
    if unknown := sorted(set(body) - known):
        message = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        raise Refused(google.error_reply(400, message))
    return dict(body)
