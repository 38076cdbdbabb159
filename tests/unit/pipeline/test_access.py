"""The way to a source: credentials, how they travel, and the bill of its calls."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tactics.connectors import Manifest
from tactics.errors import ContractChanged, CredentialError
from tactics.pipeline import Scope, Workspace
from tactics.pipeline.access import (
    _auth,
    _with_extra_headers,
    find_secrets,
    open_access,
    sign_in_hint,
)
from tactics.pipeline.scope import Chosen
from tactics.transport import GoogleRefreshToken, GoogleServiceAccount, Request, Response, get
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.probe import connector
from tests.unit.pipeline.vendor import PAGE, open_vendor

MANIFEST = connector.manifest
PREFIX = "TACTICS_ACME_PROBE_"


def choose(open_workspace: Open, url: str = "", **secrets: str) -> tuple[Workspace, Chosen]:
    """Return a workspace with these credentials and its only source."""
    environment = {f"{PREFIX}{name.upper()}": text for name, text in secrets.items()}
    workspace = open_workspace(orgs=orgs_of(url), environment=environment)
    [chosen] = Scope().chosen(workspace.settings)
    return workspace, chosen


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({"token": "t-123456"}, {"token"}),
        ({"token": "t-123456", "extra": "e-123456"}, {"token", "extra"}),
        ({"client_id": "i-123456", "client_secret": "s-123456"}, {"client_id", "client_secret"}),
        ({"token": "t-123456", "client_id": "i-123456"}, {"token"}),
    ],
)
def test_the_first_complete_alternative_is_used(
    open_workspace: Open, held: Mapping[str, str], found: set[str]
):
    """Credentials are taken from one alternative, whole, with the optional ones beside it."""
    secrets = find_secrets(*choose(open_workspace, **held), MANIFEST)
    assert secrets == {name: held[name] for name in found}


def test_half_an_alternative_is_none(open_workspace: Open):
    """Without a complete alternative the error names what is needed, and the command."""
    with pytest.raises(CredentialError, match=r"acme\.probe") as caught:
        find_secrets(*choose(open_workspace, client_id="i-123456"), MANIFEST)
    assert "tactics auth set acme probe token" in caught.value.hint
    assert "token or client_id + client_secret" in caught.value.hint


def sign(workspace: Workspace, secrets: dict[str, str], kind: str) -> Request:
    """Return a request with the credential, as `kind` sends it."""
    manifest: Manifest = replace(MANIFEST, auth=kind)  # type: ignore[arg-type]
    return _auth(workspace, manifest, secrets, hint="").sign(get("/x"), _no_token_endpoint)


def _no_token_endpoint(request: Request) -> Response:
    raise AssertionError(request)


def test_a_bearer_travels_in_a_header(workspace: Workspace):
    """A static token is sent as `Authorization: Bearer`."""
    request = sign(workspace, {"token": "t-123456"}, "bearer")
    assert dict(request.headers) == {"authorization": "Bearer t-123456"}


def test_a_query_token_brings_its_proof(workspace: Workspace):
    """A token in the query is proved by the app's secret, if there is one."""
    request = sign(workspace, {"access_token": "t-123456"}, "query")
    assert dict(request.query) == {"access_token": "t-123456"}
    proved = sign(workspace, {"access_token": "t-123456", "app_secret": "s-123456"}, "query")
    assert set(dict(proved.query)) == {"access_token", "appsecret_proof"}


def test_google_takes_a_key_or_a_refresh_token(workspace: Workspace):
    """Google is signed in to with a service account's key, or as an installed app."""
    manifest = replace(MANIFEST, auth="google", scopes=("sheets",))
    key = json.dumps({"client_email": "a@b", "private_key": "pem-123456"})
    account = _auth(workspace, manifest, {"service_account": key}, hint="")
    assert isinstance(account, GoogleServiceAccount)
    names = ("client_id", "client_secret", "refresh_token")
    app = _auth(workspace, manifest, dict.fromkeys(names, "x-123456"), hint="")
    assert isinstance(app, GoogleRefreshToken)


def test_an_optional_credential_travels_in_its_own_header(workspace: Workspace):
    """It is sent when it is held, and not missed when it is not."""
    manifest = replace(MANIFEST, extra_headers=(("developer_token", "developer-token"),))
    token = {"token": "t-123456"}
    for secrets, sent in (
        (token, {}),
        (token | {"developer_token": "d-123456"}, {"developer-token": "d-123456"}),
    ):
        plain = _auth(workspace, replace(manifest, auth="bearer"), secrets, hint="")
        signed = _with_extra_headers(plain, manifest, secrets).sign(get("/x"), _no_token_endpoint)
        assert dict(signed.headers) == {"authorization": "Bearer t-123456", **sent}


def test_a_header_token_is_static_or_minted(workspace: Workspace):
    """A token is sent in the vendor's header as it is; an app's id and secret first get one."""
    manifest = replace(
        MANIFEST, auth="header", auth_header=("x-shop-token", ""), token_path="/oauth/token"
    )
    static = _auth(workspace, manifest, {"access_token": "t-123456"}, hint="")
    assert static.sign(get("/x"), _no_token_endpoint).headers == (("x-shop-token", "t-123456"),)

    def mint(request: Request) -> Response:
        assert request.path == "https://shop.example/oauth/token"
        return Response(200, b'{"access_token": "minted-1", "expires_in": 86399}')

    secrets = {"client_id": "i-123456", "client_secret": "s-123456"}
    uri = "https://shop.example/oauth/token"
    minted = _auth(workspace, manifest, secrets, hint="", token_uri=uri)
    assert minted.sign(get("/x"), mint).headers == (("x-shop-token", "minted-1"),)


@pytest.mark.usefixtures("_installed")
def test_calls_are_booked_when_the_way_closes(open_workspace: Open):
    """Every call counts, also when the block ends with an error."""
    with open_vendor(PAGE) as vendor:
        workspace, chosen = choose(open_workspace, vendor.url, token="t-123456")
        with pytest.raises(ContractChanged), open_access(workspace, chosen) as access:
            access.client.exchange(get("/a1"), _refuse)
    [total] = workspace.store.calls.totals(workspace.clock.now().date())
    assert (total.org_id, total.source, total.calls) == ("acme", "probe", 1)


def _refuse(response: Response) -> None:
    raise ContractChanged("enough", status=response.status)


@pytest.mark.usefixtures("_installed")
def test_a_wrong_kind_of_credential_is_refused_before_any_call(open_workspace: Open):
    """The connector looks at the credential first."""
    with open_vendor(PAGE) as vendor:
        chosen = choose(open_workspace, vendor.url, token="wrong-123")
        with pytest.raises(CredentialError, match="refused"), open_access(*chosen):
            pytest.fail("the way is open")
    assert vendor.asked == []


def test_the_hint_names_the_manual(open_workspace: Open):
    """Whoever has to sign in finds the page that says how."""
    _, chosen = choose(open_workspace)
    assert "docs/connectors/probe.md" in sign_in_hint(chosen, MANIFEST)
