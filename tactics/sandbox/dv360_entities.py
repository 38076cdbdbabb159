"""The advertisers and campaigns of Display & Video 360 v4.

Source: the dv360 contract sheet of 2026-11-21, section 6. Knows no report.
"""

from typing import Any

from tactics.sandbox.api import Call, Reply
from tactics.sandbox.dv360_access import (
    PAGING,
    advertisers_of,
    forbidden,
    page_of,
    partner_of,
    sign_in,
)
from tactics.sandbox.plan import AdAccount
from tactics.sandbox.scene import Scene

_SCOPE = "display-video"
_MOST = 200


class Entities:
    """Advertisers as their own identities see them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def list_advertisers(self, call: Call) -> Reply:
        """Return the advertisers of a partner.

        Raises:
            Refused: it is somebody else's partner.
        """
        grant = sign_in(self._scene, call, _SCOPE, known=PAGING | {"partnerId"})
        org = self._scene.orgs[grant.org_id]
        if call.first("partnerId") != partner_of(org):
            refusal = forbidden()
            raise refusal
        accounts = advertisers_of(org)
        return page_of(
            call, accounts, self._show, list_name="advertisers", sort="displayName", most=_MOST
        )

    def get_advertiser(self, call: Call) -> Reply:
        """Return one advertiser."""
        return Reply(self._show(self._find(call)))

    def list_campaigns(self, call: Call) -> Reply:
        """Return the campaigns of an advertiser."""
        account = self._find(call, known=PAGING)
        documents = [
            {
                "name": f"advertisers/{account.account_id}/campaigns/{campaign.campaign_id}",
                "advertiserId": account.account_id,
                "campaignId": campaign.campaign_id,
                "displayName": self._scene.delivery.names[campaign.campaign_id],
                "entityStatus": "ENTITY_STATUS_ACTIVE",
            }
            for campaign in self._scene.delivery.of_account(account.account_id)
        ]
        return page_of(call, documents, dict, list_name="campaigns", sort="displayName", most=_MOST)

    def _find(self, call: Call, *, known: frozenset[str] = frozenset()) -> AdAccount:
        grant = sign_in(self._scene, call, _SCOPE, known=known)
        accounts = advertisers_of(self._scene.orgs[grant.org_id])
        found = next((a for a in accounts if a.account_id == call.match["account"]), None)
        if found is None:
            raise forbidden()
        return found

    def _show(self, account: AdAccount) -> dict[str, Any]:
        return {
            "name": f"advertisers/{account.account_id}",
            "advertiserId": account.account_id,
            "partnerId": partner_of(self._scene.orgs[account.org_id]),
            "displayName": account.name,
            "entityStatus": "ENTITY_STATUS_ACTIVE",
            "updateTime": "2026-01-15T08:30:00Z",
            "generalConfig": {
                "domainUrl": f"https://{account.org_id}.example",
                "timeZone": account.timezone,
                "currencyCode": account.currency,
            },
        }
