"""Asks a world's simulators without a socket."""

import json
from urllib.parse import urlencode

from tactics.sandbox import World
from tactics.sandbox.api import Call, Reply

ORIGIN = "http://127.0.0.1:1"


def ask_meta(world: World, path: str, **query: object) -> Reply:
    """Return Meta's answer to acme; values that are not text go as JSON."""
    token = world.environment(ORIGIN)["TACTICS_ACME_META_ACCESS_TOKEN"]
    pairs = {"access_token": token, **query}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in pairs.items()}
    return world.answer(Call("GET", ORIGIN, "meta", f"/v26.0/{path}", tuple(texts.items())))


def ask_stripe(world: World, path: str, *query: tuple[str, str]) -> Reply:
    """Return Stripe's answer to acme."""
    key = world.environment(ORIGIN)["TACTICS_ACME_STRIPE_API_KEY"]
    headers = {"authorization": f"Bearer {key}"}
    return world.answer(Call("GET", ORIGIN, "stripe", f"/v1/{path}", query, headers))


def google_token(world: World, org_id: str = "acme") -> str:
    """Return an access token, got with the refresh token."""
    found = world.environment(ORIGIN, google="refresh_token")
    names = ("client_id", "client_secret", "refresh_token")
    form = {name: found[f"TACTICS_{org_id}_SHEETS_{name}".upper()] for name in names}
    body = urlencode({"grant_type": "refresh_token", **form}).encode()
    return world.answer(Call("POST", ORIGIN, "token", "/", body=body)).document["access_token"]


def ask_google(world: World, mount: str, path: str, *query: tuple[str, str], token: str) -> Reply:
    """Return the answer of Sheets or Drive; `path` is percent-encoded."""
    headers = {"authorization": f"Bearer {token}"}
    return world.answer(Call("GET", ORIGIN, mount, path, query, headers))
