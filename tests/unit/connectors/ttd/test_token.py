"""Where the token goes, through the real transport: to the vendor's hosts, and to nobody else."""

import inspect
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.config import TransportSettings
from tactics.connectors import Step
from tactics.connectors.ttd import connector
from tactics.connectors.ttd.place import Place, download
from tactics.errors import ContractChanged
from tactics.transport import (
    Breaker,
    Client,
    Endpoints,
    HeaderToken,
    MemoryBreakers,
    Throttle,
    sender,
)
from tests.support import FakeClock
from tests.unit.connectors.ttd.answers import GOLDEN, OPTIONS, WORK
from tests.unit.connectors.ttd.wide_world import (
    FILES,
    STORAGE,
    VENDOR,
    Seen,
    WideWorld,
    wide_world,
)

TOKEN = "planted-ttd-token-0123456789"
REPORT = (GOLDEN / "report.csv").read_bytes()


def answer(seen: Seen) -> bytes:
    """Lead `/redirect` to the storage, `/elsewhere` away, and deliver the report otherwise."""
    targets = {
        "/redirect": f"https://{STORAGE}/o?X-Amz-Signature=1",
        "/elsewhere": "https://x.example/",
    }
    target = targets.get(seen.target)
    head = f"HTTP/1.1 302 Found\r\nlocation: {target}" if target else "HTTP/1.1 200 OK"
    body = b"" if target else REPORT
    lines = f"{head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return lines.encode() + body


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WideWorld]:
    """Let the transport find all hosts on loopback, by way of a proxy of the environment."""
    with wide_world(tmp_path, answer) as world:
        monkeypatch.setenv("HTTPS_PROXY", world.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(world.authority))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        # This world's authority is nobody else's: it is read anew, and not remembered.
        monkeypatch.setattr(sender, "_ssl_context", inspect.unwrap(sender._ssl_context))
        yield world


@pytest.fixture
def client(world: WideWorld) -> Iterator[Client]:
    """Return a client with the connector's own facts."""
    clock, manifest = FakeClock(), connector.manifest
    name, prefix = manifest.auth_header
    with Client(
        Endpoints(manifest.base_urls, hosts=manifest.hosts, trusted=manifest.trusted_hosts),
        settings=TransportSettings(trust_env=True, max_retries=0),
        breaker=Breaker(manifest.breaker, MemoryBreakers(), clock=clock),
        throttle=Throttle(requests_per_second=100, burst=100, clock=clock),
        auth=HeaderToken(name, TOKEN, prefix=prefix),
        clock=clock,
        random=random.Random(7),
        record=lambda _call: None,
    ) as client:
        yield client


def fetch(client: Client, url: str) -> Step:
    """Download a report as the slice would."""
    request = download(url, Place(schedule="456"))
    return client.exchange(request, lambda r: connector.read(WORK, OPTIONS, request, r))


@pytest.mark.parametrize("host", [VENDOR, FILES])
def test_the_vendors_hosts_get_the_token(world: WideWorld, client: Client, host: str) -> None:
    """Download links need the token since 2026-06-17 (gotcha 1)."""
    step = fetch(client, f"https://{host}/v3/any/path/1")
    assert step.page is not None
    assert [(seen.host, seen.headers.get("ttd-auth")) for seen in world.seen] == [(host, TOKEN)]


def test_the_storage_does_not(world: WideWorld, client: Client) -> None:
    """A link to S3 is its own credential; neither token nor our bookkeeping goes there."""
    step = fetch(client, f"https://{STORAGE}/o?X-Amz-Signature=1")
    assert step.page is not None
    [seen] = world.seen
    assert seen.host == STORAGE
    assert seen.headers.keys() <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_a_redirect_to_the_storage_loses_the_token(world: WideWorld, client: Client) -> None:
    """The vendor sees it, the storage that it leads to does not."""
    assert fetch(client, f"https://{VENDOR}/redirect").page is not None
    assert [(seen.host, seen.headers.get("ttd-auth")) for seen in world.seen] == [
        (VENDOR, TOKEN),
        (STORAGE, None),
    ]
    assert TOKEN not in str(world.seen[1])


@pytest.mark.parametrize("url", ["https://evil-thetradedesk.com/1", f"http://{VENDOR}/1"])
def test_other_hosts_are_not_asked(world: WideWorld, client: Client, url: str) -> None:
    """A stranger, or the vendor without TLS, gets no request at all."""
    with pytest.raises(ContractChanged):
        fetch(client, url)
    with pytest.raises(ContractChanged):
        fetch(client, f"https://{VENDOR}/elsewhere")
    assert [seen.host for seen in world.seen] == [VENDOR]
