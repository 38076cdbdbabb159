"""Who may see what at Meta: versions, tokens, proofs, accounts.

Source: the meta contract sheet of 2026-11-21, sections 1 and 2. Renders nothing but refusals.
"""

from tactics.sandbox.api import Call, Refused, Reply
from tactics.sandbox.keys import OrgKeys, appsecret_proof
from tactics.sandbox.meta_errors import error_reply, missing
from tactics.sandbox.plan import AdAccount, Org
from tactics.sandbox.scene import Scene

_LONG_LIVED_SECONDS = 5_184_000


class Access:
    """The tokens of all organisations, those exchanged since included."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._exchanged: dict[str, str] = {}

    def sign_in(self, call: Call, token: str = "") -> Org:
        """Return whose token it is.

        Raises:
            Refused: the version has ended, the token is not known, or its proof is wrong.
        """
        version = call.match["version"]
        if version not in self._scene.limits.meta_versions:
            message = f"(#2635) You are calling a deprecated version of the Ads API ({version})."
            raise Refused(error_reply(message, code=2635))
        sent = dict(call.form()) | dict(call.query)
        token = token or sent.get("access_token", "") or call.bearer()
        keys = self._find_keys(token)
        if keys is None:
            message = "Invalid OAuth access token - Cannot parse access token"
            raise Refused(error_reply(message, code=190))
        proof = sent.get("appsecret_proof", "")
        if proof and proof != appsecret_proof(token, keys.meta_app_secret):
            message = "Invalid appsecret_proof provided in the API argument"
            raise Refused(error_reply(message, code=100))
        return self._scene.orgs[keys.org_id]

    def exchange(self, call: Call) -> Reply:
        """Return a long-lived token for one that is still good.

        Raises:
            Refused: the token or the app's secret is wrong.
        """
        org = self.sign_in(call, call.first("fb_exchange_token"))
        keys = self._scene.keys[org.org_id]
        if call.first("client_secret") != keys.meta_app_secret:
            raise Refused(error_reply("Error validating client secret.", code=1))
        fresh = f"{keys.meta_access_token}{len(self._exchanged)}"
        self._exchanged[fresh] = org.org_id
        expires = {"token_type": "bearer", "expires_in": _LONG_LIVED_SECONDS}
        return Reply({"access_token": fresh, **expires})

    def account(self, call: Call) -> AdAccount:
        """Return the ad account of the path.

        Raises:
            Refused: there is none, or it belongs to somebody else.
        """
        org = self.sign_in(call)
        node = call.match["node"]
        everywhere = (account for org in self._scene.orgs.values() for account in org.accounts)
        account = next((a for a in everywhere if a.account_id == node and a.source == "meta"), None)
        if account is None:
            raise Refused(missing(node))
        if account.org_id != org.org_id:
            message = "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
            raise Refused(error_reply(message, code=200, status=403))
        return account

    def check_owner(self, call: Call, account: AdAccount) -> None:
        """Let only the account's owner pass.

        Raises:
            Refused: for everybody else the object does not exist.
        """
        if self.sign_in(call).org_id != account.org_id:
            raise Refused(missing(call.match["node"]))

    def _find_keys(self, token: str) -> OrgKeys | None:
        for keys in self._scene.keys.values():
            if token == keys.meta_access_token or self._exchanged.get(token) == keys.org_id:
                return keys
        return None
