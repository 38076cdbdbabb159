"""The credentials the sandbox hands out and insists on, made from the seed; and Google's tokens.

None of them opens anything but a sandbox. Access tokens run out by the injected clock.
"""

import functools
import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tactics.clock import Clock


@dataclass(frozen=True, slots=True)
class OrgKeys:
    """What one organisation signs in with; further keys are made when a simulator asks for them."""

    seed: int
    org_id: str
    meta_access_token: str
    meta_app_secret: str
    stripe_api_key: str
    google_client_id: str
    google_client_secret: str
    google_refresh_token: str
    service_email: str
    made: dict[str, str] = field(default_factory=dict, compare=False)

    def make(self, purpose: str, prefix: str = "", size: int = 24) -> str:
        """Return the secret for `purpose`: `prefix` and `size` bytes in hexadecimal."""
        return self.made.setdefault(
            purpose, prefix + _derive(self.seed, self.org_id, purpose, size)
        )

    def secrets(self) -> tuple[str, ...]:
        """Return the values that must never show up in a file, a log or an error."""
        return (
            self.meta_access_token,
            self.meta_app_secret,
            self.stripe_api_key,
            self.google_client_secret,
            self.google_refresh_token,
            *self.made.values(),
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """Who an access token belongs to, what it may do, and until when (monotonic seconds)."""

    org_id: str
    email: str
    scopes: frozenset[str]
    expires_at: float


class Tokens:
    """The Google access tokens issued so far."""

    def __init__(self, seed: int, clock: Clock, lifetime_seconds: float) -> None:
        self._seed = seed
        self._clock = clock
        self.lifetime_seconds = lifetime_seconds
        self._grants: dict[str, Grant] = {}

    def issue(self, org_id: str, email: str, scopes: frozenset[str]) -> str:
        """Return a new access token."""
        token = "ya29.sandbox-" + _derive(self._seed, org_id, f"access{len(self._grants)}", 24)
        until = self._clock.monotonic() + self.lifetime_seconds
        self._grants[token] = Grant(org_id, email, scopes, until)
        return token

    def find(self, token: str) -> Grant | None:
        """Return the grant of a token that is known and has not run out."""
        grant = self._grants.get(token)
        alive = grant is not None and self._clock.monotonic() < grant.expires_at
        return grant if alive else None

    def issued(self) -> tuple[str, ...]:
        """Return every token ever issued."""
        return tuple(self._grants)

    def revoke(self) -> None:
        """Expire every access token now; refreshing still works."""
        self._grants = {
            token: Grant(grant.org_id, grant.email, grant.scopes, self._clock.monotonic())
            for token, grant in self._grants.items()
        }


def make_keys(seed: int, org_id: str) -> OrgKeys:
    """Return the credentials of an organisation; the same seed gives the same ones."""
    return OrgKeys(
        seed=seed,
        org_id=org_id,
        meta_access_token="EAAB" + _derive(seed, org_id, "meta", 40),
        meta_app_secret=_derive(seed, org_id, "app_secret", 16),
        stripe_api_key="rk_test_" + _derive(seed, org_id, "stripe", 24),
        google_client_id=f"{org_id}-sandbox.apps.example",
        google_client_secret="GOCSPX-" + _derive(seed, org_id, "client_secret", 14),
        google_refresh_token="1//0" + _derive(seed, org_id, "refresh", 32),
        service_email=f"tactics@{org_id}-sandbox.iam.example",
    )


def appsecret_proof(token: str, app_secret: str) -> str:
    """Return the HMAC with which Meta binds a token to its app."""
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


@functools.cache
def service_key() -> rsa.RSAPrivateKey:
    """Return the key of every sandbox service account; made once per process, on first use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def service_key_pem() -> str:
    """Return the private key as it stands in a service account's JSON."""
    return (
        service_key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _derive(seed: int, org_id: str, purpose: str, size: int) -> str:
    return hashlib.blake2b(f"{seed}:{org_id}:{purpose}".encode(), digest_size=size).hexdigest()
