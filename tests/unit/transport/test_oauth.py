"""Access tokens: fetched once, renewed in time, dead when they are dead."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tactics.errors import (
    ContractChanged,
    CredentialError,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import (
    GOOGLE_TOKEN_URI,
    ClientCredentials,
    GoogleRefreshToken,
    GoogleServiceAccount,
    Response,
    get,
    redact,
)

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()


class Endpoint:
    """A token endpoint that answers as it is told and counts."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked = []

    def __call__(self, request) -> Response:
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def token(value: str = "ya29.planted-access", seconds: object = 3599) -> Response:
    return Response(200, json.dumps({"access_token": value, "expires_in": seconds}).encode())


def error(status: int, code: object = None, **headers: str) -> Response:
    body = json.dumps({"error": code}).encode() if code else b"<html>busy</html>"
    return Response(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


def key_json(**changes: object) -> str:
    key = {
        "type": "service_account",
        "client_email": "robot@acme.iam.gserviceaccount.com",
        "private_key": PEM,
        "private_key_id": "kid-1",
        "token_uri": "http://127.0.0.1:9/token",
    }
    return json.dumps(key | changes)


@pytest.fixture
def refresh_token(clock):
    return GoogleRefreshToken(
        "client-1", "planted-client-secret", "1//planted-refresh", clock=clock, hint="run this"
    )


def bearer(auth, endpoint) -> str:
    return dict(auth.sign(get("/x"), endpoint).headers)["authorization"]


def test_service_account_signs_an_assertion(clock):
    """The JWT goes to the key's token_uri; its audience stays Google's address."""
    endpoint = Endpoint(token())
    auth = GoogleServiceAccount(key_json(), ["scope.a", "scope.b"], clock=clock)
    assert bearer(auth, endpoint) == "Bearer ya29.planted-access"
    (request,) = endpoint.asked
    form = parse_qs(request.body.decode())
    assertion = form["assertion"][0]
    claims = jwt.decode(
        assertion,
        PRIVATE.public_key(),
        algorithms=["RS256"],
        audience=GOOGLE_TOKEN_URI,
        options={"verify_exp": False, "verify_iat": False},
    )
    now = int(clock.now().timestamp())
    assert request.path == "http://127.0.0.1:9/token"
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert claims == {
        "iss": "robot@acme.iam.gserviceaccount.com",
        "scope": "scope.a scope.b",
        "aud": GOOGLE_TOKEN_URI,
        "iat": now,
        "exp": now + 3600,
    }
    assert jwt.get_unverified_header(assertion)["kid"] == "kid-1"
    assert redact(f"{json.dumps(PEM)} ya29.planted-access") == '"***" ***'


def test_a_key_is_checked_once(clock, monkeypatch):
    """Sources that begin together with the same key wait for one check of it."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    checked = []

    def count(*arguments, **options):
        checked.append(arguments)
        return serialization.load_pem_private_key(*arguments, **options)

    monkeypatch.setattr(jwt.algorithms, "load_pem_private_key", count)
    key = key_json(private_key=pem.decode())
    sources = [GoogleServiceAccount(key, ["s"], clock=clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda source: bearer(source, Endpoint(token())), sources))
    assert tokens == ["Bearer ya29.planted-access"] * 4
    assert len(checked) == 1


def test_refresh_token_is_exchanged(refresh_token):
    """The form carries client and refresh token to Google, and all of them are secrets."""
    endpoint = Endpoint(token())
    assert bearer(refresh_token, endpoint) == "Bearer ya29.planted-access"
    (request,) = endpoint.asked
    assert request.path == GOOGLE_TOKEN_URI
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["client-1"],
        "client_secret": ["planted-client-secret"],
        "refresh_token": ["1//planted-refresh"],
    }
    assert redact("planted-client-secret 1//planted-refresh") == "*** ***"


def test_token_is_renewed_a_minute_before_it_ends(refresh_token, clock):
    """A token serves until 60 s before its end."""
    endpoint = Endpoint(token("token-one"), token("token-two"))
    assert bearer(refresh_token, endpoint) == "Bearer token-one"
    clock.advance(3538)
    assert bearer(refresh_token, endpoint) == "Bearer token-one"
    clock.advance(1)
    assert bearer(refresh_token, endpoint) == "Bearer token-two"
    assert refresh_token.secrets() == ("token-one", "token-two")


def test_replaced_tokens_stay_hidden_for_one_more_life(refresh_token, clock):
    """A token may be under way while its successor is fetched; then it is forgotten."""
    endpoint = Endpoint(token("token-one", 0), token("token-two", 0), token("token-three", 0))
    bearer(refresh_token, endpoint)
    bearer(refresh_token, endpoint)
    assert redact("token-one token-two") == "*** ***"
    bearer(refresh_token, endpoint)
    assert redact("token-one token-two token-three") == "token-one *** ***"


def test_eight_threads_make_one_request(refresh_token):
    """However many threads need a token, one asks and all get it."""
    ready, go = threading.Barrier(9, timeout=5), threading.Event()

    def slow(request):
        asked.append(request)
        assert go.wait(5)
        return token("shared-token")

    def work():
        ready.wait()
        return bearer(refresh_token, slow)

    asked = []
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work) for _ in range(8)]
        ready.wait()
        go.set()
        assert {future.result(5) for future in futures} == {"Bearer shared-token"}
    assert len(asked) == 1


def test_failed_flight_fails_for_all_and_the_next_tries_again(refresh_token):
    """A transient failure is everybody's, and is not remembered."""
    endpoint = Endpoint(error(503), token("after-all"))
    with pytest.raises(UpstreamUnavailable):
        bearer(refresh_token, endpoint)
    assert bearer(refresh_token, endpoint) == "Bearer after-all"


def test_interrupted_flight_lands(refresh_token):
    """Ctrl-C during the request reaches its thread, and leaves nobody waiting."""
    endpoint = Endpoint(KeyboardInterrupt(), token("after-all"))
    with pytest.raises(KeyboardInterrupt):
        bearer(refresh_token, endpoint)
    assert bearer(refresh_token, endpoint) == "Bearer after-all"


def test_rejected_token_is_replaced_once(refresh_token):
    """Two threads whose requests were refused with the same token cause one renewal."""
    endpoint = Endpoint(token("token-one"), token("token-two"))
    rejected = refresh_token.sign(get("/x"), endpoint)
    refresh_token.refresh(rejected, endpoint)
    refresh_token.refresh(rejected, endpoint)
    assert len(endpoint.asked) == 2
    assert bearer(refresh_token, endpoint) == "Bearer token-two"


def test_service_account_refreshes_and_hides(clock):
    """A service account's refused token is replaced the same way."""
    endpoint = Endpoint(token("token-one"), token("token-two"))
    auth = GoogleServiceAccount(key_json(), ["s"], clock=clock)
    assert auth.secrets() == ()
    auth.refresh(auth.sign(get("/x"), endpoint), endpoint)
    assert auth.secrets() == ("token-one", "token-two")


def test_invalid_grant_is_final(refresh_token):
    """A dead refresh token is reported with the command to run and not asked for again."""
    endpoint = Endpoint(error(400, "invalid_grant"))
    for _ in range(2):
        with pytest.raises(CredentialError, match="error=invalid_grant") as caught:
            bearer(refresh_token, endpoint)
        assert caught.value.hint.startswith("run this; refresh tokens die after 7 days")
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(500), UpstreamUnavailable),
        (error(408), UpstreamUnavailable),
        (error(400, "temporarily_unavailable"), UpstreamUnavailable),
        (error(429, retry_after="9"), RateLimited),
        (error(401, "invalid_client"), CredentialError),
        (error(403), CredentialError),
        (error(400, ["a", "list"]), CredentialError),
        (error(302), ContractChanged),
        (Response(200, b"[]"), ContractChanged),
        (Response(200, b"<html>"), ContractChanged),
        (token("", 5), ContractChanged),
        (token("abcdefgh", "soon"), ContractChanged),
    ],
)
def test_answers_of_the_token_endpoint_are_classified(refresh_token, answer, expected):
    """Each refusal says whether to wait, to sign in, or that the endpoint is none."""
    with pytest.raises(TacticsError) as caught:
        bearer(refresh_token, Endpoint(answer))
    assert type(caught.value) is expected
    if expected is RateLimited:
        assert caught.value.retry_after_seconds == 9


@pytest.mark.parametrize("text", ["not json", "[]", "{}", key_json(private_key=5)])
def test_key_that_is_none_is_refused(text, clock):
    """What is not a service account's key is named so, and not shown."""
    with pytest.raises(CredentialError, match="not the JSON key") as caught:
        GoogleServiceAccount(text, ["s"], clock=clock)
    assert caught.value.__cause__ is None


def test_broken_private_key_is_not_quoted(clock):
    """A private key that cannot be read is refused when it is needed, without a word of it."""
    auth = GoogleServiceAccount(key_json(private_key="planted garbage"), ["s"], clock=clock)
    with pytest.raises(CredentialError, match="private key") as caught:
        bearer(auth, Endpoint(token()))
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("uri", ["http://evil.example/token", "ftp://h/", "nonsense"])
def test_token_endpoint_must_be_https(uri, clock):
    """Secrets go to https, or to this machine."""
    with pytest.raises(CredentialError, match="https address"):
        GoogleServiceAccount(key_json(token_uri=uri), ["s"], clock=clock)


def test_key_without_token_uri_asks_google(clock):
    """Google's own address is the default."""
    endpoint = Endpoint(token())
    bearer(GoogleServiceAccount(key_json(token_uri=""), ["s"], clock=clock), endpoint)
    assert endpoint.asked[0].path == GOOGLE_TOKEN_URI


TOKEN_URI = "https://shop.example/admin/oauth/access_token"


@pytest.fixture
def app(clock):
    return ClientCredentials(
        TOKEN_URI, "app-1", "planted-app-secret", clock=clock, header="x-shop-token", prefix="t "
    )


def test_an_app_signs_in_with_its_secret(app):
    """Id and secret go to the token endpoint; the token goes into the header that was chosen."""
    endpoint = Endpoint(token("planted-shop-token", 86_399))
    assert app.sign(get("/x"), endpoint).headers == (("x-shop-token", "t planted-shop-token"),)
    (request,) = endpoint.asked
    assert (request.method, request.path) == ("POST", TOKEN_URI)
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app-1"],
        "client_secret": ["planted-app-secret"],
    }
    assert redact("planted-app-secret planted-shop-token") == "*** ***"


def test_an_apps_token_is_minted_anew_before_it_ends(app, clock):
    """There is no refresh token: the same secret gets the next token, a minute before the end."""
    endpoint = Endpoint(token("token-one", 86_399), token("token-two", 86_399))
    app.sign(get("/x"), endpoint)
    clock.advance(86_338)
    app.sign(get("/x"), endpoint)
    assert len(endpoint.asked) == 1
    clock.advance(1)
    assert app.sign(get("/x"), endpoint).headers == (("x-shop-token", "t token-two"),)
    assert app.secrets() == ("token-one", "token-two")


def test_an_apps_refused_token_is_replaced_once(app):
    """Two threads whose requests were refused with the same token cause one renewal."""
    endpoint = Endpoint(token("token-one"), token("token-two"))
    rejected = app.sign(get("/x"), endpoint)
    app.refresh(rejected, endpoint)
    app.refresh(rejected, endpoint)
    assert len(endpoint.asked) == 2
    assert app.sign(get("/x"), endpoint).headers == (("x-shop-token", "t token-two"),)


def test_an_apps_threads_make_one_request(app):
    """However many threads need a token, one asks and all get it."""
    ready, go = threading.Barrier(9, timeout=5), threading.Event()

    def slow(request):
        asked.append(request)
        assert go.wait(5)
        return token("shared-token")

    def work():
        ready.wait()
        return app.sign(get("/x"), slow).headers

    asked = []
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work) for _ in range(8)]
        ready.wait()
        go.set()
        assert {future.result(5) for future in futures} == {(("x-shop-token", "t shared-token"),)}
    assert len(asked) == 1


def test_an_app_that_is_refused_needs_a_person(app):
    """A wrong secret is told once and not tried again."""
    endpoint = Endpoint(error(401, "invalid_client"))
    for _ in range(2):
        with pytest.raises(CredentialError, match="error=invalid_client"):
            app.sign(get("/x"), endpoint)
    assert len(endpoint.asked) == 1


def test_an_apps_secret_goes_to_https_only(clock):
    """Secrets go to https, or to this machine."""
    with pytest.raises(CredentialError, match="https address"):
        ClientCredentials("http://shop.example/token", "app-1", "planted", clock=clock)
