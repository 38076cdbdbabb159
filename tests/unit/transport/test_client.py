"""The whole way out, against a real server on loopback."""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tactics.clock import SystemClock
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    CredentialExpired,
    DecodeError,
    NetworkUnreachable,
    RateLimited,
    SizeViolation,
    TransientError,
    UpstreamUnavailable,
)
from tactics.transport import (
    BearerToken,
    GoogleRefreshToken,
    QueryToken,
    Request,
    Response,
    get,
    post_json,
    retry_after_seconds,
)
from tests.unit.transport.conftest import TOKEN
from tests.unit.transport.server import closed_port, http, serve


def read(response: Response) -> str:
    """Classify the way a connector does."""  # noqa: DOC501
    wait = retry_after_seconds(response.headers)
    match response.status:
        case 200:
            return response.body.decode()
        case 401:
            raise CredentialExpired("token refused", hint="run this")
        case 429:
            raise RateLimited("slow down", retry_after_seconds=wait)
        case status if status >= 500:
            raise UpstreamUnavailable("down", retry_after_seconds=wait)
        case _:
            raise ContractChanged("our request is wrong")


BUSY = http(b"", 503)
LIMITED = http(b"", 429)


def test_credential_and_result(rig):
    """A request goes out signed, and what the reader makes of the answer comes back."""
    with serve(http(b"page")) as server:
        assert rig.client(server.url + "/v1").exchange(get("/x", ("a", "1")), read) == "page"
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("GET", "/v1/x?a=1")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"


def test_request_may_go_without_credential(rig):
    """A request that wants no credential carries none."""
    with serve(http(b"page")) as server:
        rig.client(server.url).exchange(Request("GET", "/x", auth=False), read)
    assert "authorization" not in server.seen[0].headers


def test_transient_failures_are_retried(rig):
    """503 three times, then an answer: waits of 1, 2 and 4 seconds, and four ledger entries."""
    with serve(BUSY, BUSY, BUSY, http(b"page")) as server:
        request = get("/act_1/insights")
        assert rig.client(server.url).exchange(request, read, account_id="act_1") == "page"
    assert [1 <= rig.clock.slept[0] <= 1.5, 2 <= rig.clock.slept[1] <= 3] == [True, True]
    assert 4 <= rig.clock.slept[2] <= 6
    assert [(c.status, c.attempt) for c in rig.calls] == [(503, 1), (503, 2), (503, 3), (200, 4)]
    assert (rig.calls[3].account_id, rig.calls[3].size_bytes) == ("act_1", 4)
    assert rig.calls[3].endpoint == "GET api/{id}/insights"


def test_last_failure_comes_out(rig):
    """After three retries the error is the vendor's, and nobody is left alone yet."""
    with serve(BUSY) as server, pytest.raises(UpstreamUnavailable, match="down"):
        rig.client(server.url).exchange(get("/x"), read)
    assert len(server.seen) == 4
    assert rig.opened == []


def test_retries_can_be_fewer(rig):
    """A caller that would rather know soon says so."""
    with serve(BUSY) as server, pytest.raises(UpstreamUnavailable):
        rig.client(server.url).exchange(get("/x"), read, max_retries=0)
    assert len(server.seen) == 1


def test_cut_body_is_retried(rig):
    """A response that breaks off is fetched again, and read once."""
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    bodies = []
    with serve(cut, http(b"whole")) as server:
        rig.client(server.url).exchange(get("/x"), lambda r: bodies.append(r.body))
    assert bodies == [b"whole"]
    assert [c.status for c in rig.calls] == [0, 200]


def test_failure_that_opens_the_breaker_ends_the_retries(rig):
    """No waiting for a source that is left alone now; the next call makes no request."""
    with serve(BUSY) as server:
        client = rig.client(server.url, breaker=rig.breaker(failure_threshold=2))
        with pytest.raises(UpstreamUnavailable):
            client.exchange(get("/x"), read)
        with pytest.raises(CircuitOpen):
            client.exchange(get("/x"), read)
    assert len(server.seen) == 2
    assert len(rig.clock.slept) == 1


def test_open_breaker_is_not_waited_for(rig):
    """An open breaker fails at once, without a request and without a wait."""
    breaker = rig.breaker()
    breaker.open_for(0, "test")
    with serve(http()) as server, pytest.raises(CircuitOpen):
        rig.client(server.url, breaker=breaker).exchange(get("/x"), read)
    assert (server.seen, rig.clock.slept, rig.calls) == ([], [], [])


def test_trial_after_the_cooldown_closes_it(rig):
    """After the cool-down one good answer brings the source back."""
    breaker = rig.breaker()
    breaker.open_for(0, "test")
    rig.clock.advance(300)
    with serve(http(b"page")) as server:
        client = rig.client(server.url, breaker=breaker)
        assert [client.exchange(get("/x"), read) for _ in range(2)] == ["page", "page"]


def test_retry_after_is_waited_for(rig):
    """A wait the server asks for is never cut short."""
    with serve(http(b"", 429, Retry_After="30"), http(b"page")) as server:
        assert rig.client(server.url).exchange(get("/x"), read) == "page"
    assert 30 <= rig.clock.slept[0] <= 30.5


def test_exhausted_rate_limit_opens_the_breaker(rig):
    """Still limited after the retries: left alone for the cool-down at least."""
    with serve(LIMITED) as server:
        client = rig.client(server.url)
        with pytest.raises(RateLimited):
            client.exchange(get("/x"), read)
        with pytest.raises(CircuitOpen) as caught:
            client.exchange(get("/x"), read)
    assert len(server.seen) == 4
    assert 299 <= caught.value.retry_after_seconds <= 300
    assert rig.opened == [("meta_breaker", "rate_limited: slow down")]


@pytest.mark.parametrize(
    ("status", "wait", "left_alone"), [(429, 73473, 73473), (503, 4000, 4000), (429, 10**9, 86400)]
)
def test_long_retry_after_is_not_slept(rig, status, wait, left_alone):
    """More than two minutes: the error comes at once, the breaker remembers until then."""
    with serve(http(b"", status, Retry_After=str(wait))) as server:
        client = rig.client(server.url)
        with pytest.raises(TransientError) as caught:
            client.exchange(get("/x"), read)
        with pytest.raises(CircuitOpen) as refused:
            client.exchange(get("/x"), read)
    assert caught.value.retry_after_seconds == wait
    assert refused.value.retry_after_seconds == left_alone
    assert (len(server.seen), rig.clock.slept) == (1, [])


@pytest.mark.parametrize(
    "error",
    [ContractChanged("x"), DecodeError("x"), CredentialError("x"), ValueError("bug")],
)
def test_permanent_errors_are_neutral(rig, error):
    """What is not transient is raised at once and says nothing about the vendor's health."""

    def reader(_):
        raise error

    with serve(http()) as server:
        client = rig.client(server.url, breaker=rig.breaker(failure_threshold=1))
        for _ in range(3):
            with pytest.raises(type(error)):
                client.exchange(get("/x"), reader)
    assert (len(server.seen), rig.opened, rig.clock.slept) == (3, [], [])


def test_interrupt_is_neutral(rig):
    """Ctrl-C goes through at once and opens nothing."""

    def reader(_):
        raise KeyboardInterrupt

    with serve(http()) as server, pytest.raises(KeyboardInterrupt):
        rig.client(server.url, breaker=rig.breaker(failure_threshold=1)).exchange(get("/x"), reader)
    assert (len(server.seen), rig.opened) == (1, [])


def test_large_response_is_not_retried(rig):
    """A response over the budget would be as large the next time."""
    with serve(http(bytes(2000))) as server, pytest.raises(SizeViolation):
        rig.client(server.url, max_body_bytes=1000).exchange(get("/x"), read)
    assert len(server.seen) == 1


def test_offline_waits_once_per_client(rig):
    """The first exchange retries for the network, the next ones know and fail at once."""
    client = rig.client(f"http://127.0.0.1:{closed_port()}", breaker=rig.breaker())
    with pytest.raises(NetworkUnreachable):
        client.exchange(get("/x"), read)
    assert len(rig.clock.slept) == 3
    with pytest.raises(NetworkUnreachable):
        client.exchange(get("/x"), read)
    assert len(rig.clock.slept) == 3
    assert rig.opened == []


def test_network_that_is_back_is_retried_again(rig):
    """One answer is enough to be patient again."""
    with serve(http(b"page"), BUSY, http(b"page")) as server:
        client = rig.client(server.url)
        client._unreachable = True
        assert [client.exchange(get("/x"), read) for _ in range(2)] == ["page", "page"]
    assert len(rig.clock.slept) == 1


@pytest.mark.parametrize(
    ("answer", "requests"), [(BUSY, 1), (b"HTTP/1.1 200 OK\r\ncontent-le", 1), (LIMITED, 4)]
)
def test_request_that_may_have_been_carried_out_is_not_repeated(rig, answer, requests):
    """Without idempotence only a refusal at the door is worth another try."""
    request = Request("POST", "/reports", body=b"{}", idempotent=False)
    with serve(answer) as server, pytest.raises(TransientError):
        rig.client(server.url).exchange(request, read)
    assert len(server.seen) == requests


def test_unsent_request_is_repeated_without_idempotence(rig):
    """A refused connection means that nothing was carried out."""
    client = rig.client(f"http://127.0.0.1:{closed_port()}")
    request = Request("POST", "/reports", idempotent=False)
    with pytest.raises(NetworkUnreachable):
        client.exchange(request, read)
    assert len(rig.calls) == 4


def test_redirect_within_the_own_host_keeps_the_credential(rig):
    """A redirect on the same origin is followed, signed and within one attempt."""
    with serve(http(b"", 302, Location="/v2/x?b=2"), http(b"page")) as server:
        assert rig.client(server.url).exchange(get("/x", ("a", "1")), read) == "page"
    assert server.seen[1].target == "/v2/x?b=2"
    assert server.seen[1].headers["authorization"] == f"Bearer {TOKEN}"
    assert [c.attempt for c in rig.calls] == [1, 1]


def test_redirect_to_another_host_is_refused(rig):
    """A foreign host gets neither request nor credential; the message names it."""
    with (
        serve(http(b"stolen")) as thief,
        serve(http(b"", 307, Location=thief.url)) as server,
        pytest.raises(ContractChanged, match="host that is not its own") as caught,
    ):
        rig.client(server.url).exchange(get("/x"), read)
    assert thief.seen == []
    assert thief.url in str(caught.value)


def test_redirect_in_circles_ends(rig):
    """A redirect to itself is followed a few times only."""
    with (
        serve(http(b"", 302, Location="/x")) as server,
        pytest.raises(ContractChanged, match="in circles"),
    ):
        rig.client(server.url).exchange(get("/x"), read)
    assert len(server.seen) == 6


def test_allowed_host_gets_no_credential(rig):
    """A download host gets neither the token nor the vendor's headers."""
    client = rig.client("http://127.0.0.1:1/api", hosts=("storage.example",))
    request = get("https://eu.storage.example/o?sig=1").with_headers(
        range="b=1", stripe_account="a"
    )
    signed, url = client._prepare(request)
    assert signed.headers == (("range", "b=1"),)
    assert url.host == "eu.storage.example"


def test_credential_inside_a_foreign_url_is_refused(rig):
    """A vendor that would pass our token on to another host is stopped."""
    client = rig.client(
        "http://127.0.0.1:1/api",
        hosts=("storage.example",),
        auth=QueryToken("access_token", "planted/query token"),
    )
    path = f"https://storage.example/o?back={quote('planted/query token', safe='')}"
    with pytest.raises(ContractChanged, match="credential sent to another host") as caught:
        client._prepare(get(path))
    assert "planted" not in str(caught.value)


def test_token_in_a_page_is_hidden_from_the_reader(rig):
    """Meta repeats the token in paging.next: the page that is kept does not hold it."""
    auth = QueryToken("access_token", "planted-query-token", app_secret="planted-app")
    page = json.dumps({"paging": {"next": "https://h/x?access_token=planted-query-token&after=A"}})
    with serve(http(page.encode())) as server:
        text = rig.client(server.url, auth=auth).exchange(get("/x"), read)
    assert "access_token=planted-query-token" in server.seen[0].target
    assert text == '{"paging": {"next": "https://h/x?access_token=***&after=A"}}'


def google(clock, url: str) -> GoogleRefreshToken:
    return GoogleRefreshToken(
        "client", "planted-client", "planted-refresh", clock=clock, token_uri=f"{url}/token"
    )


def vendor(seen):
    """Answer as a token endpoint and an API that refuses the first token."""
    if seen.target == "/token":
        vendor.tokens += 1
        answer = {"access_token": f"access-token-{vendor.tokens}", "expires_in": 3599}
        return http(json.dumps(answer).encode())
    good = seen.headers["authorization"] in {"Bearer access-token-2", "Bearer access-token-3"}
    return http(b"page") if good else http(b"", 401)


def test_expired_token_is_refreshed_once(rig):
    """A refused token is replaced and the request repeated, without a wait or a failure."""
    vendor.tokens = 0
    with serve(vendor) as server:
        client = rig.client(server.url, auth=google(rig.clock, server.url))
        assert client.exchange(get("/x"), read) == "page"
    assert [s.target for s in server.seen] == ["/token", "/x", "/token", "/x"]
    assert rig.clock.slept == []


def test_eight_threads_share_one_refresh(rig):
    """Eight requests refused with the same token cause one renewal."""
    vendor.tokens = 0
    with serve(vendor) as server:
        client = rig.client(server.url, auth=google(rig.clock, server.url), clock=SystemClock())
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: client.exchange(get("/x"), read), range(8)))
    assert results == ["page"] * 8
    assert vendor.tokens == 2


def test_fresh_token_that_is_refused_needs_a_person(rig):
    """Refused twice in a row is not retried: someone has to sign in."""
    token = http(b'{"access_token": "access-token-x", "expires_in": 3599}')
    with serve(lambda s: token if s.target == "/token" else http(b"", 401)) as server:
        client = rig.client(server.url, auth=google(rig.clock, server.url))
        with pytest.raises(CredentialError, match="fresh token too") as caught:
            client.exchange(get("/x"), read)
    assert type(caught.value) is CredentialError
    assert caught.value.hint == "run this"
    assert len(server.seen) == 4


def test_refused_static_token_says_what_the_vendor_said(rig):
    """A token that cannot be refreshed ends the exchange with both stories."""
    with serve(http(b"", 401)) as server, pytest.raises(CredentialError) as caught:
        rig.client(server.url).exchange(get("/x"), read)
    assert str(caught.value) == "the vendor no longer accepts the token: token refused"
    assert len(server.seen) == 1


def test_token_endpoint_that_is_down_is_transient(rig):
    """5xx of the token endpoint is retried like the vendor's own."""
    answers = iter([BUSY, http(b'{"access_token": "access-token-x", "expires_in": 9999}')])
    with serve(lambda s: next(answers) if s.target == "/token" else http(b"page")) as server:
        client = rig.client(server.url, auth=google(rig.clock, server.url))
        assert client.exchange(get("/x"), read) == "page"
    assert len(rig.clock.slept) == 1


def test_dead_refresh_token_stops_at_once(rig):
    """invalid_grant is no failure of the vendor and is not asked for twice."""
    with serve(http(b'{"error": "invalid_grant"}', 400)) as server:
        client = rig.client(server.url, auth=google(rig.clock, server.url))
        for _ in range(2):
            with pytest.raises(CredentialError, match="invalid_grant"):
                client.exchange(get("/x"), read)
    assert [s.target for s in server.seen] == ["/token"]
    assert rig.clock.slept == []


@pytest.mark.parametrize(
    "answer",
    [
        http(b"", 503),
        http(b"", 400),
        http(b"", 401),
        http(b"", 302, Location="http://127.0.0.1:9/?access_token=planted-query-token"),
        b"garbage planted-query-token\r\n\r\n",
        http(bytes(3000)),
    ],
)
def test_no_error_shows_the_secret(rig, answer):
    """However an exchange fails, no token in use is in a text of the error or its causes."""
    BearerToken(TOKEN)

    def careless(response):
        try:
            read(response)
        except ContractChanged as exc:
            said = f"bad: {TOKEN}-planted-query-token"
            raise ContractChanged(said, hint=said, url=said) from exc

    with serve(answer) as server:
        client = rig.client(
            server.url,
            auth=QueryToken("access_token", "planted-query-token"),
            max_body_bytes=2000,
        )
        with pytest.raises(Exception) as caught:
            client.exchange(get("/x"), careless)
    error = caught.value
    while error is not None:
        assert "planted" not in f"{error} {error!r} {getattr(error, 'hint', '')} {error.args}"
        error = error.__cause__


def test_slow_down_pauses_the_account(rig):
    """A vendor's wish for a pause holds the next request of that account only."""
    with serve(http(b"page")) as server, rig.client(server.url) as client:
        client.slow_down("act_1", 60)
        client.exchange(get("/x"), read, account_id="act_2")
        assert rig.clock.slept == []
        client.exchange(post_json("/x", {}), read, account_id="act_1")
    assert sum(rig.clock.slept) == pytest.approx(60, abs=0.1)
