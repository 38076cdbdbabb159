"""Where requests may go."""

import httpx
import pytest

from tactics.errors import ConfigError, ContractChanged
from tactics.transport import Endpoints, Request, Response, get, post_json
from tactics.transport.endpoints import endpoint_of, follow

META = Endpoints(
    {
        "api": "https://graph.facebook.com/v26.0/",
        "drive": "https://www.googleapis.com:443/drive/v3",
    },
    ("storage.googleapis.com", ".thetradedesk.com"),
)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (get("/act_1/insights"), "https://graph.facebook.com/v26.0/act_1/insights"),
        (get("act_1"), "https://graph.facebook.com/v26.0/act_1"),
        (get(""), "https://graph.facebook.com/v26.0"),
        (get("//evil.com/x"), "https://graph.facebook.com/v26.0/evil.com/x"),
        (get("/files/1", base="drive"), "https://www.googleapis.com/drive/v3/files/1"),
        (get("/v/%27My%20Tab%27%21A1%3AB2"), "…/v/%27My%20Tab%27%21A1%3AB2"),
        (get("/x", ("created[gte]", "1"), ("a", "b c+d")), "…/x?created%5Bgte%5D=1&a=b%20c%2Bd"),
        (get("/x?a=1&b=%2F", ("a", "2")), "…/x?b=%2F&a=2"),
        (get("/x?sig=a%2Bb"), "…/x?sig=a%2Bb"),
        (get("https://storage.googleapis.com/o?sig=a%2Bb"), None),
        (get("https://eu.thetradedesk.com/o"), None),
        (get("HTTPS://graph.facebook.com/v26.0/next?after=x"), None),
    ],
)
def test_request_becomes_a_url(request_, expected):
    """Paths hang under their base, absolute ones stand for themselves, encoding stays as it is."""
    expected = expected or request_.path.replace("HTTPS", "https")
    expected = expected.replace("…", "https://graph.facebook.com/v26.0")
    assert str(META.resolve(request_)) == expected


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.com/x",
        "https://graph.facebook.com.evil.com/x",
        "https://evilthetradedesk.com/x",
        "https://graph.facebook.com@evil.com/",
        "https://graph.facebook.com\\@evil.com/",
        "https://user:secretpw@graph.facebook.com/x",
        "https://graph.facebook.com:8443/x",
        "http://graph.facebook.com/x",
        "http://storage.googleapis.com/x",
        "https://graph.facebook.com./x",
        "http:///x",
    ],
)
def test_other_hosts_are_refused(path):
    """Look-alike hosts, other ports, plain http and user names in URLs lead nowhere."""
    with pytest.raises(ContractChanged, match="host that is not its own") as caught:
        META.resolve(get(path))
    assert "secretpw" not in str(caught.value)


def test_what_is_no_url_is_refused():
    """A link that cannot be parsed is the vendor's fault."""
    with pytest.raises(ContractChanged, match="no URL"):
        META.resolve(get("https://h:port/"))


@pytest.mark.parametrize(
    "url",
    ["graph.facebook.com", "ftp://h", "https://", "https://u@h", "https://h?key=1", "http://h:x"],
)
def test_base_urls_are_checked(url):
    """A base URL that is none, or that carries a secret, is a configuration error."""
    with pytest.raises(ConfigError, match="name=api"):
        Endpoints({"api": url})


def test_credential_goes_to_base_origins_only():
    """A host where downloads are allowed is not one that gets the credential."""
    assert META.owns(httpx.URL("https://graph.facebook.com/anything"))
    assert not META.owns(httpx.URL("https://storage.googleapis.com/o"))


def test_credential_goes_to_trusted_hosts_by_https():
    """The vendor's own further hosts get the credential; look-alikes and plain http do not."""
    vendor = Endpoints({"api": "https://api.desk.example"}, trusted=("desk.example",))
    assert vendor.owns(httpx.URL("https://files.desk.example/x"))
    assert vendor.resolve(get("https://files.desk.example/x"))
    for url in ("http://files.desk.example/x", "https://evildesk.example/x"):
        assert not vendor.owns(httpx.URL(url))
        with pytest.raises(ContractChanged):
            vendor.resolve(get(url))


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "GET", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_redirect_keeps_or_changes_the_method(status, method, becomes):
    """303, and 301 or 302 after a POST, are followed by a GET without a body."""
    request = Request(
        method, "/x", query=(("a", "1"),), headers=(("Content-Type", "t"),), body=b"b"
    )
    onward = follow(
        request, httpx.URL("https://h/v1/x"), Response(status, b"", {"location": "../y"})
    )
    assert (onward.method, onward.path, onward.query) == (becomes, "https://h/y", ())
    kept = becomes == method and status != 303
    assert (onward.body, bool(onward.headers)) == (b"b" if kept else b"", kept)


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {"location": "/y"}), (302, {}), (304, {"location": "/y"})]
)
def test_other_answers_are_no_redirects(status, headers):
    """A redirect needs its status and its location."""
    assert follow(get("/x"), httpx.URL("https://h/x"), Response(status, b"", headers)) is None


@pytest.mark.parametrize(
    ("location", "words"), [("https://h:x/", "no URL"), ("mailto:a@b", "away from HTTP")]
)
def test_redirect_to_nonsense_is_refused(location, words):
    """A redirect leads to an http(s) URL or nowhere."""
    response = Response(302, b"", {"location": location})
    with pytest.raises(ContractChanged, match=words):
        follow(get("/x"), httpx.URL("https://h/x"), response)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (get("/act_123/insights?x=1"), "GET api/{id}/insights"),
        (
            post_json("/v1beta/properties/9:runReport", {}),
            "POST api/v1beta/properties/{id}:runReport",
        ),
        (get("/files/" + "a" * 44, base="drive"), "GET drive/files/{id}"),
        (get("https://h/o/1"), "GET download"),
    ],
)
def test_ledger_names_endpoints_without_ids(request_, expected):
    """Calls are counted by what they ask for, not by whom."""
    assert endpoint_of(request_) == expected
