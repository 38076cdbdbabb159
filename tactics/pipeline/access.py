"""A source's way out: its connector, endpoints, credential, breaker and throttle, put together.

Decides which credential alternative is used; sends nothing itself.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tactics.connectors import (
    Connector,
    Manifest,
    Options,
    base_urls_of,
    find_connector,
    options_of,
)
from tactics.errors import CredentialError
from tactics.pipeline.scope import Chosen, Scope
from tactics.pipeline.workspace import Workspace
from tactics.transport import (
    Auth,
    BearerToken,
    Call,
    Client,
    ClientCredentials,
    Endpoints,
    ExtraHeader,
    GoogleRefreshToken,
    GoogleServiceAccount,
    HeaderToken,
    QueryToken,
    Throttle,
)


@dataclass(frozen=True, slots=True)
class Access:
    """A source ready to be asked: how to ask and read, and the client that does it."""

    connector: Connector
    options: Options
    client: Client
    throttle: Throttle


@contextmanager
def open_access(workspace: Workspace, chosen: Chosen) -> Iterator[Access]:
    """Open the way to one source for a block; its API calls are booked when the block ends."""
    connector = find_connector(chosen.kind)
    options = options_of(chosen.settings, connector)
    manifest = connector.manifest
    secrets = find_secrets(workspace, chosen, manifest)
    connector.check_credentials(secrets, options)
    _note_secrets(workspace, chosen, secrets)
    base_urls = base_urls_of(chosen.settings, connector)
    calls: list[Call] = []
    throttle = Throttle(
        requests_per_second=manifest.requests_per_second,
        burst=manifest.burst,
        clock=workspace.clock,
    )
    auth = _auth(
        workspace,
        manifest,
        secrets,
        hint=sign_in_hint(chosen, manifest),
        token_uri=base_urls["api"] + manifest.token_path,
    )
    client = Client(
        Endpoints(
            base_urls,
            hosts=manifest.hosts,
            trusted=manifest.trusted_hosts,
        ),
        settings=workspace.settings.transport,
        breaker=workspace.breaker(manifest.breaker, _own_breaker(workspace, chosen, manifest)),
        throttle=throttle,
        auth=_with_extra_headers(auth, manifest, secrets),
        clock=workspace.clock,
        random=workspace.random,
        record=calls.append,
    )
    try:
        with client:
            yield Access(connector, options, client, throttle)
    finally:
        workspace.store.calls.record_many(chosen.org_id, chosen.source, calls)


def find_secrets(workspace: Workspace, chosen: Chosen, manifest: Manifest) -> dict[str, str]:
    """Return the first complete alternative of the credentials, and the optional ones held.

    Raises:
        CredentialError: no alternative is complete.
    """

    def find(names: tuple[str, ...]) -> dict[str, str]:
        found = {
            name: workspace.credentials.find(chosen.org_id, chosen.source, name) for name in names
        }
        return {name: secret for name, secret in found.items() if secret}

    for names in manifest.credentials:
        if len(found := find(names)) == len(names):
            return found | find(manifest.optional_credentials)
    raise CredentialError(
        f"no credential for {chosen.org_id}.{chosen.source}", hint=sign_in_hint(chosen, manifest)
    )


def _own_breaker(workspace: Workspace, chosen: Chosen, manifest: Manifest) -> str | None:
    """Return the name of this connection's own breaker, if it is not the only one of its kind."""
    kinds = [one.kind for one in Scope().chosen(workspace.settings)]
    if kinds.count(chosen.kind) < 2:  # noqa: PLR2004
        return None
    name = f"{manifest.breaker}.{chosen.org_id}"
    return name if chosen.source == chosen.kind else f"{name}.{chosen.source}"


def _note_secrets(workspace: Workspace, chosen: Chosen, secrets: dict[str, str]) -> None:
    """Remember since when these secrets are used, by a fingerprint that only this home can make."""
    fingerprints = {
        name: hmac.new(workspace.pseudonym_key, secret.encode(), hashlib.sha256).hexdigest()[:32]
        for name, secret in secrets.items()
    }
    workspace.store.sightings.note(chosen.org_id, chosen.source, fingerprints)


def sign_in_hint(chosen: Chosen, manifest: Manifest) -> str:
    """Return what to do when the credential is missing or refused."""
    wanted = " or ".join(" + ".join(names) for names in manifest.credentials)
    first = manifest.credentials[0][0]
    return (
        f"run `tactics auth set {chosen.org_id} {chosen.source} {first}` (needs {wanted});"
        f" {manifest.page} says how to get it"
    )


def _with_extra_headers(auth: Auth, manifest: Manifest, secrets: dict[str, str]) -> Auth:
    for credential, header in manifest.extra_headers:
        if token := secrets.get(credential):
            auth = ExtraHeader(auth, header, token)
    return auth


def _auth(
    workspace: Workspace,
    manifest: Manifest,
    secrets: dict[str, str],
    *,
    hint: str,
    token_uri: str = "",
) -> Auth:
    first = next(iter(secrets.values()))
    clock = workspace.clock
    match manifest.auth:
        case "header" if manifest.token_path and "client_secret" in secrets:
            name, prefix = manifest.auth_header
            app, key = secrets["client_id"], secrets["client_secret"]
            return ClientCredentials(
                token_uri, app, key, clock=clock, header=name, prefix=prefix, hint=hint
            )
        case "header":
            name, prefix = manifest.auth_header
            return HeaderToken(name, first, prefix=prefix, hint=hint)
        case "query":
            proof = secrets.get("app_secret")
            return QueryToken("access_token", first, app_secret=proof, hint=hint)
        case "google" if "service_account" in secrets:
            key = secrets["service_account"]
            return GoogleServiceAccount(key, manifest.scopes, clock=clock, hint=hint)
        case "google":
            names = ("client_id", "client_secret", "refresh_token")
            client_id, client_secret, token = (secrets[name] for name in names)
            return GoogleRefreshToken(client_id, client_secret, token, clock=clock, hint=hint)
        case "bearer":  # pragma: no branch - mypy knows that nothing else is left
            return BearerToken(first, hint=hint)
