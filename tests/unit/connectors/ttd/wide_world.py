"""Hosts of the wide world on loopback: a proxy that speaks TLS as whoever is asked for.

So the real transport can ask `https://….amazonaws.com` without a network, and a test sees what
arrived there.
"""

import datetime as dt
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VENDOR, FILES, STORAGE = (
    "api.thetradedesk.com",
    "files.thetradedesk.com",
    "ttd-reports.s3.amazonaws.com",
)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived at a host."""

    host: str
    target: str
    headers: dict[str, str]


Answer = Callable[[Seen], bytes]


@dataclass
class WideWorld:
    """The proxy's address, the authority that its certificates are of, and what it saw."""

    url: str
    authority: Path
    seen: list[Seen] = field(default_factory=list)


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: Path, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = WideWorld(
            f"http://127.0.0.1:{self.server_address[1]}", _make_certificate(folder)
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.world.authority)
        self.answer = answer


class _Handler(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self) -> None:
        host = self.rfile.readline().decode().split()[1].partition(":")[0]
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        with (
            self.server.context.wrap_socket(self.connection, server_side=True) as secure,
            secure.makefile("rb") as stream,
        ):
            target = stream.readline().decode().split()[1]
            headers = {}
            while line := stream.readline().strip().decode():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            seen = Seen(host, target, headers)
            self.server.world.seen.append(seen)
            secure.sendall(self.server.answer(seen))


def _make_certificate(folder: Path) -> Path:
    """Return a file with a certificate for all hosts, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of tactics")])
    now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    hosts = x509.SubjectAlternativeName([x509.DNSName(h) for h in (VENDOR, FILES, STORAGE)])
    certificate = (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now.replace(year=2100))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "authority.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def wide_world(folder: Path, answer: Answer) -> Iterator[WideWorld]:
    """Answer for all hosts until the block ends."""
    with _Proxy(folder, answer) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy.world
        finally:
            proxy.shutdown()
            thread.join()
