"""Static credentials."""

import hashlib
import hmac

import pytest

from tactics.errors import CredentialError
from tactics.transport import BearerToken, ExtraHeader, HeaderToken, QueryToken, get, redact

TOKEN = "planted-static-token"


def no_network(_request):
    pytest.fail("a static credential needs no network")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (BearerToken(TOKEN), "authorization", f"Bearer {TOKEN}"),
        (HeaderToken("TTD-Auth", TOKEN), "TTD-Auth", TOKEN),
    ],
)
def test_header_tokens(auth, header, value):
    """The token goes into its header and is known as a secret."""
    assert auth.sign(get("/x"), no_network).headers == ((header, value),)
    assert auth.secrets() == (TOKEN,)
    assert redact(f"got {TOKEN}") == "got ***"


def test_an_extra_header_travels_beside_the_credential():
    """Both are sent, both are secrets, and renewing is the other one's business."""
    auth = ExtraHeader(BearerToken(TOKEN, hint="run this"), "developer-token", "planted-extra")
    signed = auth.sign(get("/x"), no_network)
    assert dict(signed.headers) == {
        "authorization": f"Bearer {TOKEN}",
        "developer-token": "planted-extra",
    }
    assert auth.secrets() == (TOKEN, "planted-extra")
    assert redact("got planted-extra") == "got ***"
    with pytest.raises(CredentialError, match="no longer accepts"):
        auth.refresh(get("/x"), no_network)


def test_query_token_without_proof():
    """Without an app secret only the token is sent, in place of one that stands there."""
    request = get("/x", ("access_token", "old"), ("a", "1"))
    signed = QueryToken("access_token", TOKEN).sign(request, no_network)
    assert signed.query == (("a", "1"), ("access_token", TOKEN))


def test_query_token_with_proof():
    """The proof is the hex HMAC-SHA256 of the token under the app secret."""
    auth = QueryToken("access_token", TOKEN, app_secret="planted-app-secret")
    proof = hmac.new(b"planted-app-secret", TOKEN.encode(), hashlib.sha256).hexdigest()
    signed = auth.sign(get("/x"), no_network)
    assert signed.query == (("access_token", TOKEN), ("appsecret_proof", proof))
    assert auth.secrets() == (TOKEN, proof)
    assert redact(f"planted-app-secret {proof}") == "*** ***"


@pytest.mark.parametrize(
    "auth",
    [BearerToken(TOKEN, hint="run this"), QueryToken("access_token", TOKEN, hint="run this")],
)
def test_static_token_cannot_be_refreshed(auth):
    """Only a person can replace it, and is told how."""
    with pytest.raises(CredentialError) as caught:
        auth.refresh(get("/x"), no_network)
    assert caught.value.hint == "run this"
