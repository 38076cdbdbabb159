"""A loopback mail server that takes mail, or refuses it as a test says."""

import base64
import datetime as dt
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "ops", "planted-smtp-password-0123"


@dataclass
class Mailbox:
    """What a server has taken, and how it behaves: `answers` replace its own, by verb."""

    answers: dict[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN")
    port: int = 0
    verbs: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    signed_in: list[tuple[str, bool]] = field(default_factory=list)  # who, and whether encrypted


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self) -> None:
        box: Mailbox = self.server.mailbox
        self.secure = self.server.context is not None and self.server.implicit
        self.say(box.answers.get("connect", "220 loopback ready"))
        while line := self.rfile.readline():
            verb, _, rest = line.decode("utf-8").strip().partition(" ")
            verb = verb.upper()
            box.verbs.append(verb)
            if answer := self.refusal(box, verb, rest):
                self.say(answer)
            elif not getattr(self, f"do_{verb.lower()}", self.do_unknown)(box, rest):
                return

    def finish(self) -> None:
        """Close what STARTTLS has put around the socket, too."""
        super().finish()
        self.connection.close()

    def refusal(self, box: Mailbox, verb: str, rest: str) -> str:
        """Return what the test lets the server say, to everybody or to one recipient."""
        return box.answers.get(f"{verb} {rest}") or box.answers.get(verb, "")

    def say(self, *lines: str) -> bool:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
        return True

    def do_unknown(self, box: Mailbox, rest: str) -> bool:
        return self.say("500 what?")

    def do_ehlo(self, box: Mailbox, rest: str) -> bool:
        offers = [offer for offer in box.offers if not (self.secure and offer == "STARTTLS")]
        lines = ["loopback", *offers]
        return self.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    def do_starttls(self, box: Mailbox, rest: str) -> bool:
        self.say("220 go ahead")
        self.wfile.flush()
        try:
            self.connection = self.server.context.wrap_socket(self.request, server_side=True)
        except OSError:
            return False  # the client does not trust us, which is what a test is about
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.secure = True
        return True

    def do_auth(self, box: Mailbox, rest: str) -> bool:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        box.signed_in.append((user, self.secure))
        good = (user, password) == (USER, PASSWORD)
        return self.say("235 welcome" if good else f"535 5.7.8 {password} is not it")

    def do_mail(self, box: Mailbox, rest: str) -> bool:
        return self.say("250 ok")

    def do_rcpt(self, box: Mailbox, rest: str) -> bool:
        box.recipients.append(rest.partition(":")[2].strip("<>"))
        return self.say("250 ok")

    def do_data(self, box: Mailbox, rest: str) -> bool:
        self.say("354 go on")
        body = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            body += line
        box.mails.append(message_from_bytes(body, policy=policy.default))
        return self.say(box.answers.get("end", "250 taken"))

    def do_rset(self, box: Mailbox, rest: str) -> bool:
        return self.say("250 ok")

    def do_quit(self, box: Mailbox, rest: str) -> bool:
        self.say("221 bye")
        return False


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mailbox: Mailbox, context: ssl.SSLContext | None, *, implicit: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mailbox, self.context, self.implicit = mailbox, context, implicit
        mailbox.port = self.server_address[1]

    def get_request(self):
        """Encrypt from the start, where that is asked for."""
        request, address = super().get_request()
        if self.implicit and self.context:
            request = self.context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        return request, address

    def handle_error(self, request, client_address) -> None:
        """Say nothing: a client that goes away is no error here."""


@contextmanager
def serve_mail(
    folder: Path | None = None, *, implicit: bool = False, **behaviour: object
) -> Iterator[Mailbox]:
    """Take mail; with a `folder` that holds a certificate the server can encrypt."""
    mailbox = Mailbox(**behaviour)
    context = None
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with _Server(mailbox, context, implicit=implicit) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield mailbox
        finally:
            server.shutdown()
            thread.join()


def make_certificate(folder: Path) -> Path:
    """Write `cert.pem` for 127.0.0.1 and `key.pem`; return the certificate, to be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  certificates are checked against the real clock
    certificate = (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem"
