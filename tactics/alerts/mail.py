"""The e-mail channel: SMTP, encrypted before a password is sent.

Knows one conversation; smtplib lives here.
"""

import ipaddress
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime

from tactics.alerts.message import Message
from tactics.config import AlertSettings
from tactics.errors import (
    ConfigError,
    ContractChanged,
    CredentialError,
    NetworkUnreachable,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import redact

SUBJECT_CHARACTERS = 120
_PASSWORD_HINT = "correct smtp_user in [alerts], or `tactics auth set alerts smtp password`"  # noqa: S105 - a hint
_PERMANENT = 500  # RFC 5321, section 4.2.1: 5yz will not change by asking again


class EmailChannel:
    """Sends messages; `find_password` is asked at each send, if there is a user."""

    name = "email"

    def __init__(self, settings: AlertSettings, find_password: Callable[[], str]) -> None:
        self._settings = settings
        self._find_password = find_password

    def send(self, message: Message) -> str:
        """Hand the message to the server; return which of several recipients it refused.

        Raises:
            TacticsError: a setting or the password is missing, or the server refuses.
        """
        mail = to_mail(message, self._settings)
        user = self._settings.smtp_user
        password = self._find_password() if user else ""
        self._refuse_open_password()
        with _errors_of_ours(), self._connected() as server:
            if user:
                server.login(user, password)
            refused = server.send_message(mail)
            with suppress(smtplib.SMTPException, OSError):  # the message is taken, whatever follows
                server.quit()
        return f"the server refuses {', '.join(sorted(refused))}" if refused else ""

    def _refuse_open_password(self) -> None:
        settings = self._settings
        if settings.smtp_security == "none" and settings.smtp_user and not _is_here(settings):
            raise ConfigError(
                "a password is not sent over an open connection",
                hint="set smtp_security to starttls or ssl in [alerts]",
            )

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypted unless the settings say otherwise."""
        settings, context = self._settings, ssl.create_default_context()
        where = (settings.smtp_host or "", settings.smtp_port)
        seconds = settings.timeout_seconds
        server = (
            smtplib.SMTP_SSL(*where, timeout=seconds, context=context)
            if settings.smtp_security == "ssl"
            else smtplib.SMTP(*where, timeout=seconds)
        )
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            yield server
        finally:
            server.close()


def to_mail(message: Message, settings: AlertSettings) -> EmailMessage:
    """Return a message as mail; its Message-ID is the same however often it is sent.

    Raises:
        ConfigError: who sends, who gets it, or the server is not set.
    """
    wanted = ("smtp_host", "email_from", "email_to")
    if missing := [name for name in wanted if not getattr(settings, name)]:
        raise ConfigError("e-mail is not set up", hint=f"set {', '.join(missing)} in [alerts]")
    sender = str(settings.email_from)
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.headline.split())[:SUBJECT_CHARACTERS]
    mail["From"] = sender
    mail["To"] = ", ".join(settings.email_to)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content("\n".join(message.lines()) + "\n")
    return mail


def map_errors(exc: Exception) -> TacticsError:
    """Return the error of ours that smtplib's or the socket's is; the caller raises it."""
    match exc:
        case smtplib.SMTPAuthenticationError():
            error: TacticsError = CredentialError(
                "the mail server refuses the sign-in", hint=_PASSWORD_HINT, said=_said(exc)
            )
        case smtplib.SMTPNotSupportedError():
            hint = "set smtp_security and smtp_user in [alerts] to what the server offers"
            error = ConfigError("the mail server cannot do that", hint=hint, said=redact(str(exc)))
        case smtplib.SMTPRecipientsRefused() if _all_permanent(exc):
            error = ConfigError(
                "the mail server refuses every recipient", hint="correct email_to in [alerts]"
            )
        case smtplib.SMTPResponseException() if exc.smtp_code >= _PERMANENT:
            error = ContractChanged("the mail server refuses the message", said=_said(exc))
        case smtplib.SMTPException():
            error = UpstreamUnavailable("the mail server has trouble", said=redact(str(exc)))
        case ssl.SSLError():
            hint = "check smtp_port and smtp_security in [alerts], and the server's certificate"
            error = UpstreamUnavailable("no trustworthy connection to the mail server", hint=hint)
        case TimeoutError():
            error = UpstreamUnavailable("the mail server stopped answering")
        case _:
            hint = "check smtp_host and smtp_port in [alerts], and the network"
            error = NetworkUnreachable("no connection to the mail server", hint=hint)
    return error


@contextmanager
def _errors_of_ours() -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError, UnicodeError) as exc:
        raise map_errors(exc) from None  # smtplib keeps what was sent, the sign-in too


def _said(exc: smtplib.SMTPResponseException) -> str:
    text = exc.smtp_error
    words = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else str(text)
    return redact(f"{exc.smtp_code} {' '.join(words.split())}"[:200])


def _all_permanent(exc: smtplib.SMTPRecipientsRefused) -> bool:
    return all(code >= _PERMANENT for code, _ in exc.recipients.values())


def _is_here(settings: AlertSettings) -> bool:
    host = settings.smtp_host or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
