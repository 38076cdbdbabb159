"""What Google's APIs share: the token endpoint, bearer checks, error bodies, field masks.

Source: the google_sheets contract sheet of 2026-11-21, sections 2 and 6. Knows no spreadsheet.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from tactics.sandbox.api import Before, Call, Refused, Reply, Route, Simulator, constant
from tactics.sandbox.keys import Grant, OrgKeys, service_key, service_key_pem
from tactics.sandbox.scene import Scene

SCOPE = "https://www.googleapis.com/auth/"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# google-auth 2.62 names this audience whatever `token_uri` says; others name the `token_uri`.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_LONGEST_ASSERTION = 3600
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def simulator(scene: Scene) -> Simulator:
    """Return Google's token endpoint for the service accounts and users of `scene`."""
    endpoint = _TokenEndpoint(scene)
    return Simulator(
        name="token",
        routes=(Route("POST", "/", endpoint.issue),),
        not_found=lambda _call: error_reply(404, "The requested URL was not found."),
        before={
            "invalid_grant": constant(
                oauth_error("invalid_grant", "Token has been expired or revoked.")
            ),
            "http_500": constant(oauth_error("internal_failure", "Backend error", status=500)),
        },
        account=endpoint.account_of,
    )


def service_account(keys: OrgKeys, url: str) -> dict[str, str]:
    """Return the JSON key of a service account whose tokens come from the sandbox at `url`."""
    return {
        "type": "service_account",
        "project_id": f"{keys.org_id}-sandbox",
        "private_key_id": f"{keys.org_id}key1",
        "private_key": service_key_pem(),
        "client_email": keys.service_email,
        "client_id": f"10000000000000000{len(keys.org_id)}",
        "token_uri": f"{url}/token",
    }


def error_reply(status: int, message: str, *, name: str = "") -> Reply:
    """Return the error body of Google's newer APIs."""
    known = name or _STATUS_NAMES[status]
    reply = Reply({"error": {"code": status, "message": message, "status": known}}, status=status)
    challenge = 'Bearer realm="https://accounts.google.com/"'
    return (
        reply.with_headers({"www-authenticate": challenge}) if known == "UNAUTHENTICATED" else reply
    )


def oauth_error(error: str, description: str, *, status: int = 400) -> Reply:
    """Return an error body of the token endpoint."""
    return Reply({"error": error, "error_description": description}, status=status)


_EXPIRED = error_reply(
    401,
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie"
    " or other valid authentication credential.",
)
BEFORE: dict[str, Before] = {
    "auth_expired": constant(_EXPIRED),
    "permission": constant(error_reply(403, "The caller does not have permission")),
    "http_500": constant(error_reply(500, "Internal error encountered.")),
    "http_503": constant(error_reply(503, "The service is currently unavailable.")),
}


def check_bearer(scene: Scene, call: Call, scopes: Iterable[str]) -> Grant:
    """Return whose access token it is.

    Raises:
        Refused: it is missing, unknown or has run out, or allows none of `scopes`.
    """
    grant = scene.tokens.find(call.bearer())
    if grant is None:
        raise Refused(_EXPIRED)
    if not grant.scopes & {SCOPE + scope for scope in scopes}:
        raise Refused(error_reply(403, "Request had insufficient authentication scopes."))
    return grant


def pick_fields(document: Any, mask: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the parts of a document that a field mask such as `id,a(b,c.d)` names.

    Raises:
        Refused: the mask names something that is not there.
    """
    return document if mask in {"", "*"} else _pick(document, _parse_mask(mask))


def _pick(document: Any, mask: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(document, list):
        return [_pick(item, mask) for item in document]
    if not isinstance(document, Mapping) or "*" in mask:
        return document
    return {
        name: _pick(document[name], below) if below else document[name]
        for name, below in mask.items()
        if name in document
    }


def _parse_mask(text: str) -> dict[str, Any]:
    """Return a mask as nested names; an empty mapping means everything below.

    Raises:
        Refused: it is no mask.
    """
    if not re.fullmatch(r"[\w.,()*/]+", text) or text.count("(") != text.count(")"):
        raise Refused(error_reply(400, f"Invalid field selection {text}"))
    mask: dict[str, Any] = {}
    for item in _split(text):
        path, _, inner = item.partition("(")
        *parents, last = re.split(r"[./]", path)
        place = mask
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = {**place.get(last, {}), **(_parse_mask(inner[:-1]) if inner else {})}
    return mask


def _split(text: str) -> list[str]:
    """Return the items of a list at its own level, commas within brackets left alone."""
    items, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            items.append("")
        else:
            items[-1] += letter
    return items


class _TokenEndpoint:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def account_of(self, call: Call) -> str:
        form = dict(call.form())
        if client_id := form.get("client_id"):
            return client_id
        claims = self._claims(form.get("assertion", ""))
        return str(claims.get("iss", ""))

    def issue(self, call: Call) -> Reply:
        form = dict(call.form())
        match form.get("grant_type"):
            case str(kind) if kind == _JWT_BEARER:
                return self._for_assertion(call, form.get("assertion", ""))
            case "refresh_token":
                return self._for_refresh_token(form)
            case _:
                return oauth_error("unsupported_grant_type", "Invalid grant_type")

    def _for_assertion(self, call: Call, assertion: str) -> Reply:
        issuer = str(self._claims(assertion).get("iss", ""))
        keys = self._owner("service_email", issuer)
        if keys is None:
            return oauth_error("invalid_grant", "Invalid grant: account not found")
        try:
            # The client's clock may be moved (back-dated runs): only the life span is judged.
            options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]}
            claims = jwt.decode(
                assertion,
                service_key().public_key(),
                algorithms=["RS256"],
                audience=[call.base, _AUDIENCE],
                options=options,  # type: ignore[arg-type]
            )
        except jwt.InvalidSignatureError:
            return oauth_error("invalid_grant", "Invalid JWT Signature.")
        except jwt.InvalidTokenError as exc:
            return oauth_error("invalid_grant", f"Invalid JWT: {exc}")
        if not 0 < int(claims["exp"]) - int(claims["iat"]) <= _LONGEST_ASSERTION:
            text = "Invalid JWT: Token must be a short-lived token (60 minutes)"
            return oauth_error("invalid_grant", text)
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            return oauth_error("invalid_scope", "Empty or missing scope not allowed.")
        return self._grant(keys, keys.service_email, scopes)

    def _for_refresh_token(self, form: Mapping[str, str]) -> Reply:
        keys = self._owner("google_client_id", form.get("client_id", ""))
        if keys is None or form.get("client_secret") != keys.google_client_secret:
            return oauth_error("invalid_client", "The OAuth client was not found.", status=401)
        if form.get("refresh_token") != keys.google_refresh_token:
            return oauth_error("invalid_grant", "Bad Request")
        names = (
            "spreadsheets.readonly",
            "drive.metadata.readonly",
            "adwords",
            "analytics.readonly",
            "webmasters.readonly",
        )
        scopes = frozenset(SCOPE + name for name in names)
        return self._grant(keys, f"person@{keys.org_id}.example", scopes)

    def _grant(self, keys: OrgKeys, email: str, scopes: frozenset[str]) -> Reply:
        tokens = self._scene.tokens
        return Reply({
            "access_token": tokens.issue(keys.org_id, email, scopes),
            "expires_in": int(tokens.lifetime_seconds),
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
        })

    def _owner(self, attribute: str, value: str) -> OrgKeys | None:
        keys = self._scene.keys.values()
        return next((one for one in keys if getattr(one, attribute) == value), None)

    def _claims(self, assertion: str) -> Mapping[str, object]:
        """Return what an assertion says, believed only after its signature was checked."""
        try:
            claims: Mapping[str, object] = jwt.decode(
                assertion, options={"verify_signature": False}
            )
        except jwt.InvalidTokenError:
            return {}
        return claims
