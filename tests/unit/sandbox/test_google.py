"""The token endpoint: what it signs, what it refuses."""

import datetime as dt
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tactics.sandbox import Fault, Limits, World
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN

NOW = 1_800_000_000
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"


@pytest.fixture
def world() -> World:
    """Return a fresh world whose tokens live ten minutes."""
    return World(today=dt.date(2026, 11, 21), limits=Limits(google_token_seconds=600))


def post(world: World, **form: str) -> Reply:
    """Return the answer of the token endpoint."""
    return world.answer(Call("POST", ORIGIN, "token", "/", body=urlencode(form).encode()))


def sign(world: World, key: str = "", **changes: object) -> str:
    """Return an assertion of acme's service account, with changed claims."""
    account = world.service_account("acme", ORIGIN)
    claims = {
        "iss": account["client_email"],
        "aud": account["token_uri"],
        "scope": SCOPE,
        "iat": NOW,
        "exp": NOW + 3600,
    }
    return jwt.encode(claims | changes, key or account["private_key"], algorithm="RS256")


def test_a_signed_assertion_gets_a_token(world: World) -> None:
    """The answer says how long it lives and what it may."""
    reply = post(world, grant_type=BEARER, assertion=sign(world))

    assert reply.status == 200
    assert reply.document["expires_in"] == 600
    assert reply.document["scope"] == SCOPE
    assert reply.document["access_token"] in world.secrets()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://elsewhere.example/token"}, "invalid_grant"),
        ({"iss": "nobody@example.com"}, "invalid_grant"),
        ({"exp": NOW + 7200}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_a_wrong_claim_is_refused(world: World, changes: dict[str, object], error: str) -> None:
    """Audience, issuer, life span and scope are checked; the clock is not."""
    reply = post(world, grant_type=BEARER, assertion=sign(world, **changes))

    assert (reply.status, reply.document["error"]) == (400, error)


def test_another_key_is_refused(world: World) -> None:
    """The signature must be of the account's own key."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    reply = post(world, grant_type=BEARER, assertion=sign(world, other.decode()))

    assert reply.document == {
        "error": "invalid_grant",
        "error_description": "Invalid JWT Signature.",
    }


def test_nonsense_is_refused(world: World) -> None:
    """No assertion, no known grant, no such path."""
    assert post(world, grant_type=BEARER, assertion="x.y.z").document["error"] == "invalid_grant"
    assert post(world, grant_type="password").document["error"] == "unsupported_grant_type"
    assert world.answer(Call("GET", ORIGIN, "token", "/")).status == 404


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("CLIENT_SECRET", 401, "invalid_client"), ("REFRESH_TOKEN", 400, "invalid_grant")],
)
def test_a_wrong_user_credential_is_refused(
    world: World, name: str, status: int, error: str
) -> None:
    """A wrong secret is the client's fault, a wrong refresh token the grant's."""
    found = world.environment(ORIGIN, google="refresh_token") | {f"TACTICS_ACME_SHEETS_{name}": "x"}
    form = {
        field: found[f"TACTICS_ACME_SHEETS_{field.upper()}"]
        for field in ("client_id", "client_secret", "refresh_token")
    }

    reply = post(world, grant_type="refresh_token", **form)

    assert (reply.status, reply.document["error"]) == (status, error)


def test_a_grant_can_be_revoked_for_one_account(world: World) -> None:
    """The fault is addressed by the account's e-mail."""
    email = world.service_account("acme", ORIGIN)["client_email"]
    fault = world.faults.plant(Fault("invalid_grant", "token", account=email))

    assert post(world, grant_type=BEARER, assertion=sign(world)).status == 400
    assert post(world, grant_type=BEARER, assertion=sign(world)).status == 200
    assert fault.fired == 1
