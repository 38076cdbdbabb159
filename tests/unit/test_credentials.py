"""Where secrets come from."""

import importlib
import subprocess
import sys
import threading

import keyring
import pytest
from keyring.backend import KeyringBackend

from tactics.credentials import (
    Credentials,
    Location,
    how_to_set,
    refusal,
    system_keyring,
    variable_of,
)
from tactics.errors import CredentialError

WHO = ("acme", "meta", "access_token")
VARIABLE = "TACTICS_ACME_META_ACCESS_TOKEN"


class Box:
    """A keyring in memory."""

    def __init__(self, **held: str) -> None:
        self.held = {key.replace("__", "/"): value for key, value in held.items()}
        self.asked = 0

    def get_password(self, service, username):
        assert service == "tactics"
        self.asked += 1
        return self.held.get(username)

    def set_password(self, service, username, password):
        assert service == "tactics"
        self.held[username] = password


class Locked(Box):
    """A keyring that cannot be opened."""

    def get_password(self, service, username):
        self.asked += 1
        raise RuntimeError("Failed to unlock the collection!")

    def set_password(self, service, username, password):
        raise RuntimeError


def make(environment=None, box=None, **options):
    seen = []
    box = box or Box()
    credentials = Credentials(
        environment or {}, register=seen.append, find_keyring=lambda: box, **options
    )
    return credentials, seen


def secret_file(path, text="from-file", mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.fixture
def everywhere(tmp_path):
    """Return an environment in which every place holds the secret."""
    secret_file(tmp_path / "acme.meta.access_token", "from-systemd\n")
    return {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        f"{VARIABLE}_FILE": secret_file(tmp_path / "token", "from-file\r\n"),
        VARIABLE: "from-environment",
    }


@pytest.mark.parametrize(
    ("missing", "value", "place"),
    [
        (0, "from-systemd", "systemd"),
        (1, "from-file", "file"),
        (2, "from-keyring", "keyring"),
        (3, "from-environment", "environment"),
        (4, None, None),
    ],
)
def test_places_are_asked_in_order(everywhere, missing, value, place):
    """systemd, a named file, the keyring, the environment: the first that has it wins."""
    box = Box(acme__meta__access_token="from-keyring")
    for name in ["CREDENTIALS_DIRECTORY", f"{VARIABLE}_FILE", None, VARIABLE][:missing]:
        if name is None:
            box.held.clear()
        else:
            del everywhere[name]
    credentials, seen = make(everywhere, box)
    assert credentials.find(*WHO) == value
    assert credentials.locate(*WHO).place == place
    assert set(seen) == ({value} if value else set())


def test_location_names_the_place_and_not_the_secret(everywhere, tmp_path):
    """Where a secret is can be shown to anybody."""
    credentials, _ = make(everywhere)
    (location,) = credentials.listing([WHO])
    assert location == Location(*WHO, "systemd", str(tmp_path / "acme.meta.access_token"))
    assert "from-" not in repr(location)


def test_file_that_others_can_read_is_a_warning(tmp_path):
    """An open file works, and the listing says what to do."""
    path = secret_file(tmp_path / "token", mode=0o644)
    credentials, _ = make({f"{VARIABLE}_FILE": path})
    location = credentials.locate(*WHO)
    assert (location.place, location.detail) == ("file", path)
    assert location.warning == f"others can read {path}: chmod 600 {path}"
    assert credentials.find(*WHO) == "from-file"


def test_systemd_passes_on_only_some(tmp_path):
    """A credential that systemd does not hand over may be somewhere else."""
    credentials, _ = make({"CREDENTIALS_DIRECTORY": str(tmp_path), VARIABLE: "from-environment"})
    assert credentials.find(*WHO) == "from-environment"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is missing"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"planted\xff", "not UTF-8"),
        (b"x" * (2**20 + 1), "larger than 1 MiB"),
    ],
)
def test_named_file_must_be_good(tmp_path, content, words):
    """A file that was named explicitly is never skipped in silence, nor quoted."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    credentials, _ = make({f"{VARIABLE}_FILE": str(path), VARIABLE: "from-environment"})
    with pytest.raises(CredentialError, match=words) as caught:
        credentials.find(*WHO)
    assert f"{VARIABLE}_FILE" in caught.value.hint
    assert "planted" not in str(caught.value)
    assert words in credentials.locate(*WHO).warning


def test_folder_instead_of_a_file(tmp_path):
    """What the system says about an unreadable file is passed on."""
    credentials, _ = make({f"{VARIABLE}_FILE": str(tmp_path)})
    with pytest.raises(CredentialError, match="reason=Is a directory"):
        credentials.find(*WHO)


def test_byte_order_mark_is_not_part_of_the_secret(tmp_path):
    """A file saved by an editor on Windows works."""
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbffrom-file\r\n")
    assert make({f"{VARIABLE}_FILE": str(path)})[0].find(*WHO) == "from-file"


def test_missing_credential_says_how_to_supply_it():
    """The hint names the command and both variables."""
    credentials, _ = make()
    with pytest.raises(CredentialError, match="credential=acme/meta/access_token") as caught:
        credentials.require(*WHO)
    assert caught.value.hint == (
        "run `tactics auth set acme meta access_token`, "
        f"or set {VARIABLE}_FILE to a file with mode 0600, or set {VARIABLE}"
    )


def test_in_a_service_the_hint_names_the_file_it_reads():
    """A service reads the keyring of no person: the hint names the file and the next command."""
    credentials, _ = make({"TACTICS_CREDENTIALS_FOLDER": "/etc/tactics/credentials"})
    with pytest.raises(CredentialError) as caught:
        credentials.require(*WHO)
    assert caught.value.hint == (
        "write it to /etc/tactics/credentials/acme.meta.access_token with mode 0600, "
        "then run `tactics service install`"
    )


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, "tactics auth set acme meta access_token"),
        ({VARIABLE: "in the environment"}, "tactics auth set acme meta access_token"),
        (
            {f"{VARIABLE}_FILE": "/run/my secrets/meta"},
            "install -m 600 /dev/stdin '/run/my secrets/meta'",
        ),
        (
            {"TACTICS_CREDENTIALS_FOLDER": "/etc/tactics/credentials"},
            (
                "sudo install -m 600 /dev/stdin /etc/tactics/credentials/acme.meta.access_token"
                " && sudo tactics service install"
            ),
        ),
    ],
)
def test_a_secret_is_renewed_where_it_is_read_from(environment: dict[str, str], command: str):
    """What systemd or a file hands over comes before the keyring: there `auth set` changes nothing."""
    credentials, _ = make(environment)
    assert credentials.how_to_renew(*WHO) == command


def test_required_credential_is_returned():
    """What is there is returned and registered."""
    credentials, seen = make({VARIABLE: "from-environment"})
    assert credentials.require(*WHO) == "from-environment"
    assert seen == ["from-environment"]


def test_stored_secret_is_found_again():
    """What is stored goes into the keyring under org/source/name."""
    box = Box()
    credentials, seen = make(box=box)
    location = credentials.store(*WHO, "planted")
    assert (location.place, location.detail) == ("keyring", "acme/meta/access_token")
    assert box.held == {"acme/meta/access_token": "planted"}
    assert credentials.find(*WHO) == "planted"
    assert set(seen) == {"planted"}


def test_machine_without_keyring_says_what_to_do():
    """Storing fails with the variables to set; the error holds no secret."""
    credentials, _ = make(box=Locked())
    with pytest.raises(CredentialError, match="no usable keyring: RuntimeError") as caught:
        credentials.store(*WHO, "planted")
    assert caught.value.hint.startswith(f"set {VARIABLE}_FILE")
    assert "planted" not in str(caught.value)


def test_broken_keyring_is_asked_once_and_passed_over():
    """A keyring that fails costs one attempt; the environment is asked all the same."""
    box = Locked()
    credentials, _ = make({VARIABLE: "from-environment"}, box)
    assert [credentials.find(*WHO) for _ in range(3)] == ["from-environment"] * 3
    assert box.asked == 1
    with pytest.raises(CredentialError) as caught:
        credentials.require("acme", "stripe", "api_key")
    assert "tactics auth set" not in caught.value.hint


def test_keyring_that_asks_somebody_is_left_alone():
    """A back-end that waits for a dialogue is given up after the bound, once."""
    answered = threading.Event()

    class Asking(Box):
        def get_password(self, service, username):
            answered.wait(5)

    credentials, _ = make({VARIABLE: "from-environment"}, Asking(), keyring_seconds=0.05)
    assert credentials.find(*WHO) == "from-environment"
    assert credentials.find(*WHO) == "from-environment"
    with pytest.raises(CredentialError, match=r"did not answer within 0\.05 s"):
        credentials.store(*WHO, "planted")
    answered.set()


@pytest.mark.parametrize(
    ("module", "refused"),
    [
        ("keyring.backends.fail", True),
        ("keyring.backends.null", True),
        ("keyrings.alt.file", True),
        ("keyring.backends.SecretService", False),
        ("keyring.backends.macOS", False),
    ],
)
def test_backends_that_ask_or_keep_nothing_are_refused(module, refused):
    """Only a keyring that works unattended is one."""
    assert bool(refusal(module, "Keyring")) is refused


@pytest.mark.parametrize("backend", ["keyring.backends.null", "keyring.backends.fail"])
def test_system_without_keyring(backend):
    """On a headless machine the keyring library finds nothing that counts."""
    before = keyring.get_keyring()
    keyring.set_keyring(importlib.import_module(backend).Keyring())
    try:
        with pytest.raises(CredentialError, match="no back-end is installed"):
            system_keyring()
    finally:
        keyring.set_keyring(before)


def test_system_keyring_is_returned():
    """A usable back-end is taken as it is."""

    class Usable(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return None

        def set_password(self, service, username, password):
            raise NotImplementedError

        def delete_password(self, service, username):
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(Usable())
    try:
        assert isinstance(system_keyring(), Usable)
    finally:
        keyring.set_keyring(before)


def test_names():
    """Variables are upper case; the command has three words."""
    assert variable_of("acme", "google_ads", "developer_token") == (
        "TACTICS_ACME_GOOGLE_ADS_DEVELOPER_TOKEN"
    )
    assert how_to_set(*WHO) == "tactics auth set acme meta access_token"


def test_importing_loads_no_keyring():
    """The keyring library is looked for only when it is asked."""
    program = "import sys, tactics.credentials; print('keyring' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
