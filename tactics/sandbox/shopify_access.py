"""Who may ask a simulated shop, and how much: tokens that run out, versions, the bucket of points.

Source: the shopify contract sheet of 2026-11-21, sections 1, 2 and 6. Renders nothing but refusals.
"""

import re
from dataclasses import dataclass

from tactics.sandbox.api import Call, Refused, Reply
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene
from tactics.sandbox.shopify_documents import shop_domain

VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10")
TOKEN_HEADER = "x-shopify-access-token"  # noqa: S105  a header's name
SCOPES = ("read_orders", "read_all_orders", "read_customers", "read_products")
TOKEN_SECONDS = 86_399
_BUCKET_SECONDS = 20  # a full bucket is what comes in within so long
_INVALID = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@dataclass(slots=True)
class _Bucket:
    """The points that one app may spend in one shop."""

    rate: float
    level: float
    updated: float

    def refill(self, now: float) -> None:
        self.level = min(self.rate * _BUCKET_SECONDS, self.level + (now - self.updated) * self.rate)
        self.updated = now


class Access:
    """Tokens and points of all shops."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._issued: dict[str, tuple[str, float]] = {}  # token: organisation, end of its life
        self._buckets: dict[str, _Bucket] = {}

    def credentials(self, org: Org) -> dict[str, str]:
        """Return a static token for the first organisation, an app's id and secret for others."""
        if org.org_id == next(iter(self._scene.orgs)):
            return {"access_token": self._static(org.org_id)}
        return {"client_id": self._client_id(org.org_id), "client_secret": self._secret(org.org_id)}

    def sign_in(self, call: Call) -> Org:
        """Return whose token it is.

        Raises:
            Refused: nobody's, or it has run out.
        """
        org_id = self.find(call)
        if org_id is None:
            raise Refused(Reply({"errors": _INVALID}, status=401))
        return self._scene.orgs[org_id]

    def find(self, call: Call) -> str | None:
        """Return whose token it is, None when nobody's."""
        token = call.headers.get(TOKEN_HEADER, "")
        org_id, until = self._issued.get(token, ("", 0.0))
        if org_id and self._scene.clock.monotonic() < until:
            return org_id
        return next((known for known in self._scene.orgs if token == self._static(known)), None)

    def issue(self, call: Call) -> Reply:
        """Return an access token for an app's id and secret, good for a day."""
        form = dict(call.form())
        if form.get("grant_type") != "client_credentials":
            return Reply({"error": "unsupported_grant_type"}, status=400)
        client_id = form.get("client_id", "")
        owner = next((o for o in self._scene.orgs if client_id == self._client_id(o)), None)
        if owner is None or form.get("client_secret") != self._secret(owner):
            return Reply({"error": "invalid_client"}, status=401)
        keys = self._scene.keys[owner]
        token = keys.make(f"shopify access {len(self._issued)}", prefix="shpat_", size=16)
        self._issued[token] = (owner, self._scene.clock.monotonic() + TOKEN_SECONDS)
        scope = ",".join(SCOPES)
        return Reply({"access_token": token, "scope": scope, "expires_in": TOKEN_SECONDS})

    def expire_tokens(self) -> None:
        """Let every issued token run out now; static ones live on."""
        self._issued = {token: (org_id, 0.0) for token, (org_id, _) in self._issued.items()}

    def headers(self, call: Call) -> dict[str, str]:
        """Return the headers of an answer; a version that has ended is answered by the oldest.

        Raises:
            Refused: there is no such version.
        """
        version = call.match["version"]
        if not re.fullmatch(r"\d{4}-(01|04|07|10)", version) or version > VERSIONS[-1]:
            raise Refused(Reply({"errors": "Not Found"}, status=404))
        return {
            "x-shopify-api-version": max(version, VERSIONS[0]),
            "x-request-id": "5a7d9c2e-sandbox",
        }

    def spend(self, org: Org, points: float) -> bool:
        """Take points out of the bucket; return False, and take none, when they are not there."""
        bucket = self._bucket(org)
        if points > bucket.level:
            return False
        bucket.level -= points
        return True

    def status(self, org: Org) -> dict[str, float]:
        """Return the bucket as the vendor tells of it."""
        bucket = self._bucket(org)
        return {
            "maximumAvailable": bucket.rate * _BUCKET_SECONDS,
            "currentlyAvailable": int(bucket.level),
            "restoreRate": bucket.rate,
        }

    def _bucket(self, org: Org) -> _Bucket:
        now, rate = (
            self._scene.clock.monotonic(),
            float(self._scene.limits.shopify_points_per_second),
        )
        bucket = self._buckets.setdefault(org.org_id, _Bucket(rate, rate * _BUCKET_SECONDS, now))
        bucket.refill(now)
        return bucket

    def _static(self, org_id: str) -> str:
        return self._scene.keys[org_id].make("shopify", prefix="shpat_", size=16)

    def _secret(self, org_id: str) -> str:
        return self._scene.keys[org_id].make("shopify app", prefix="shpss_", size=16)

    def _client_id(self, org_id: str) -> str:
        return f"{shop_domain(org_id)}-app".replace(".", "-")
