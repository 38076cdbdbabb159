"""The e-mail channel, against a mail server on loopback."""

import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from tactics.alerts import EmailChannel
from tactics.alerts.mail import map_errors
from tactics.config import AlertSettings
from tactics.errors import (
    ConfigError,
    ContractChanged,
    CredentialError,
    NetworkUnreachable,
    UpstreamUnavailable,
)
from tactics.transport import forget_secret, register_secret
from tests.unit.alerts.messages import HALT, message, notice
from tests.unit.alerts.smtp import PASSWORD, USER, Mailbox, make_certificate, serve_mail
from tests.unit.transport.server import closed_port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the server's certificate and key."""
    return make_certificate(tmp_path_factory.mktemp("tls")).parent


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Trust the certificate, as an operator does who runs his own authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    return certificate


def channel(box: Mailbox, password: str = PASSWORD, **settings: object) -> EmailChannel:
    """Return a channel to the server, which knows the password once it is asked."""
    facts = {
        "smtp_host": "127.0.0.1",
        "smtp_port": box.port,
        "smtp_security": "none",
        "email_from": "tactics@example.com",
        "email_to": ["ops@example.com"],
        **settings,
    }
    return EmailChannel(AlertSettings.model_validate(facts), lambda: password)


def test_a_mail_says_what_the_message_says():
    """Subject, text, both addresses, and an id that stays the same."""
    with serve_mail() as box:
        send = channel(box, email_to=["ops@example.com", "cto@example.com"]).send
        assert send(message(notice(HALT), notice(number=2))) == ""
    [mail] = box.mails
    assert mail["Subject"] == "tactics: 1 critical, 1 warning"
    assert (mail["From"], mail["To"]) == ("tactics@example.com", "ops@example.com, cto@example.com")
    assert mail["Message-ID"] == "<0123456789abcdef@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "run: tactics validate" in mail.get_content()
    assert box.recipients == ["ops@example.com", "cto@example.com"]


def test_starttls_comes_before_the_password(trusted: Path):
    """With a user, the connection is encrypted first."""
    with serve_mail(trusted) as box:
        channel(box, smtp_security="starttls", smtp_user=USER).send(message())
    assert box.signed_in == [(USER, True)]
    assert box.verbs.index("STARTTLS") < box.verbs.index("AUTH")
    assert len(box.mails) == 1


def test_encrypted_from_the_start(trusted: Path):
    """Port 465 speaks TLS at once."""
    with serve_mail(trusted, implicit=True) as box:
        channel(box, smtp_security="ssl", smtp_user=USER).send(message())
    assert box.signed_in == [(USER, True)]
    assert "STARTTLS" not in box.verbs


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("ssl", True)])
def test_an_unknown_certificate_gets_no_password(
    certificate: Path,
    security: str,
    implicit: bool,  # noqa: FBT001
):
    """Whoever stands in the middle learns nothing."""
    with (
        serve_mail(certificate, implicit=implicit) as box,
        pytest.raises(UpstreamUnavailable, match="trustworthy"),
    ):
        channel(box, smtp_security=security, smtp_user=USER).send(message())
    assert (box.signed_in, box.mails) == ([], [])


def test_a_server_without_starttls_gets_no_password():
    """What it does not offer is not done without."""
    with (
        serve_mail(offers=("AUTH PLAIN",)) as box,
        pytest.raises(ConfigError, match="cannot do that") as caught,
    ):
        channel(box, smtp_security="starttls", smtp_user=USER).send(message())
    assert "smtp_security" in caught.value.hint
    assert box.signed_in == []


def test_an_open_connection_takes_no_password_to_another_host():
    """Only to this very machine."""
    with pytest.raises(ConfigError, match="open connection"):
        channel(Mailbox(port=25), smtp_host="mail.example.com", smtp_user=USER).send(message())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_this_machine_the_wire_is_short(host: str):
    """A relay beside us may be asked without encryption."""
    with serve_mail() as box:
        channel(box, smtp_host=host, smtp_user=USER).send(message())
    assert box.signed_in == [(USER, False)]


def test_a_refused_password_says_how_to_set_it_and_not_what_it_was():
    """Servers repeat what they were told; we do not."""
    register_secret("wrong-password-0123")
    try:
        with serve_mail() as box, pytest.raises(CredentialError) as caught:
            channel(box, "wrong-password-0123", smtp_user=USER).send(message())
    finally:
        forget_secret("wrong-password-0123")
    assert "said=535 5.7.8 *** is not it" in str(caught.value)
    assert "tactics auth set alerts smtp password" in caught.value.hint
    assert caught.value.__cause__ is None


def test_one_of_several_recipients_is_refused():
    """The others have the mail; whoever is left out is named."""
    refused = {"RCPT TO:<gone@example.com>": "550 no such user"}
    with serve_mail(answers=refused) as box:
        remark = channel(box, email_to=["gone@example.com", "ops@example.com"]).send(message())
    assert remark == "the server refuses gone@example.com"
    assert box.recipients == ["ops@example.com"]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 no such user"}, ConfigError),
        ({"RCPT": "450 try again later"}, UpstreamUnavailable),
        ({"MAIL": "550 not from you"}, ContractChanged),
        ({"MAIL": "451 busy"}, UpstreamUnavailable),
        ({"end": "554 spam"}, ContractChanged),
        ({"end": "452 full"}, UpstreamUnavailable),
        ({"connect": "421 closing"}, UpstreamUnavailable),
        ({"connect": "554 go away"}, ContractChanged),
        ({"connect": "what"}, UpstreamUnavailable),
    ],
)
def test_the_class_of_an_error_says_who_acts(answers: dict[str, str], error: type[Exception]):
    """4xx passes, 5xx does not; a recipient is a setting."""
    with serve_mail(answers=answers) as box, pytest.raises(error) as caught:
        channel(box).send(message())
    assert type(caught.value) is error


def test_a_farewell_that_fails_changes_nothing():
    """The mail was taken: it is not sent again because of a QUIT."""
    with serve_mail(answers={"QUIT": "421 too late"}) as box:
        assert channel(box).send(message()) == ""
    assert len(box.mails) == 1


def test_nobody_there_is_the_network():
    """The hint names the settings."""
    with pytest.raises(NetworkUnreachable) as caught:
        channel(Mailbox(port=closed_port())).send(message())
    assert "smtp_host" in caught.value.hint


def test_a_server_that_is_silent_is_left():
    """A message holds nobody up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box = Mailbox(port=silent.getsockname()[1])
        with pytest.raises(UpstreamUnavailable, match="timed out"):
            channel(box, timeout_seconds=0.05).send(message())


@pytest.mark.parametrize("missing", ["smtp_host", "email_from", "email_to"])
def test_what_is_not_set_is_named(missing: str):
    """A channel that is on and not set up says what it wants."""
    empty = () if missing == "email_to" else None
    with pytest.raises(ConfigError, match="not set up") as caught:
        channel(Mailbox(port=25), **{missing: empty}).send(message())
    assert caught.value.hint == f"set {missing} in [alerts]"


def test_a_missing_password_is_told_before_the_server_is_asked():
    """Nobody is bothered with half a sign-in."""

    def find() -> str:
        raise CredentialError("a credential is missing")

    facts = {"smtp_user": USER, "smtp_host": "127.0.0.1", "email_from": "a@b", "email_to": ["c@d"]}
    settings = AlertSettings.model_validate({**facts, "smtp_port": closed_port()})
    with pytest.raises(CredentialError, match="missing"):
        EmailChannel(settings, find).send(message())


def test_every_error_of_smtplib_is_ours():
    """Whatever the library raises has a class of ours."""
    kinds = [smtplib.SMTPException, *smtplib.SMTPException.__subclasses__()]
    kinds += smtplib.SMTPResponseException.__subclasses__()
    made = {
        smtplib.SMTPRecipientsRefused: ({},),
        smtplib.SMTPSenderRefused: (550, b"no", "a@b"),
    }
    responses = (smtplib.SMTPResponseException, *smtplib.SMTPResponseException.__subclasses__())
    for kind in kinds:
        arguments = made.get(kind, (550, b"no") if kind in responses else ("no",))
        assert map_errors(kind(*arguments)).code != "tactics_error"
    assert isinstance(map_errors(ssl.SSLError()), UpstreamUnavailable)
    assert "stopped answering" in str(map_errors(TimeoutError()))
    assert isinstance(map_errors(UnicodeError()), NetworkUnreachable)
