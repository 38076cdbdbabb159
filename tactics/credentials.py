"""Where secrets come from, in a fixed order, and the one place they can be put.

systemd credentials, then a file named in the environment, then the keyring, then the environment.
Shows no secret, asks nobody anything, and writes only to the keyring.
"""

import os
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from tactics.errors import CredentialError

T = TypeVar("T")

SERVICE = "tactics"
FOLDER_VARIABLE = "TACTICS_CREDENTIALS_FOLDER"  # what a service passes on comes from there
_KEYRING_SECONDS = 3.0
_LARGEST_BYTES = 2**20  # systemd's own limit; a longer one is the wrong file
_OTHERS_MAY_READ = 0o044


class Keyring(Protocol):
    """What we use of a keyring back-end."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret, if it is held."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the secret."""
        ...


@dataclass(frozen=True, slots=True)
class Location:
    """Where one credential comes from; `place` None: nowhere. Holds no secret."""

    org_id: str
    source: str
    name: str
    place: Literal["systemd", "file", "keyring", "environment"] | None
    detail: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    location: Location
    value: str


class Credentials:
    """Looks secrets up; each one found is handed to `register`, so that it is hidden everywhere."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        register: Callable[[str], None],
        find_keyring: Callable[[], Keyring] | None = None,
        keyring_seconds: float = _KEYRING_SECONDS,
    ) -> None:
        self._environment = environment
        self._register = register
        self._find_keyring = find_keyring or system_keyring
        self._seconds = keyring_seconds
        self._without_keyring = ""

    def find(self, org_id: str, source: str, name: str) -> str | None:
        """Return the secret, or None when it is nowhere.

        Raises:
            CredentialError: a place that was named explicitly cannot be read.
        """
        found = self._look_up(org_id, source, name)
        return found.value if found else None

    def require(self, org_id: str, source: str, name: str) -> str:
        """Return the secret.

        Raises:
            CredentialError: it is nowhere; the hint says how to supply it.
        """
        found = self._look_up(org_id, source, name)
        if found is None:
            raise CredentialError(
                "a credential is missing",
                hint=self._how_to_supply(org_id, source, name),
                credential=f"{org_id}/{source}/{name}",
            )
        return found.value

    def locate(self, org_id: str, source: str, name: str) -> Location:
        """Return where the secret comes from, and what is wrong with that place, without it."""
        try:
            found = self._look_up(org_id, source, name)
        except CredentialError as exc:
            return Location(org_id, source, name, None, warning=str(exc))
        return found.location if found else Location(org_id, source, name, None)

    def listing(self, wanted: Iterable[tuple[str, str, str]]) -> list[Location]:
        """Return where each of the (org, source, name) comes from."""
        return [self.locate(*one) for one in wanted]

    def store(self, org_id: str, source: str, name: str, value: str) -> Location:
        """Put the secret into the keyring.

        Raises:
            CredentialError: this machine has no keyring that can be used.
        """
        self._register(value)
        user = f"{org_id}/{source}/{name}"
        self._in_keyring(lambda keyring: keyring.set_password(SERVICE, user, value))
        if self._without_keyring:
            raise CredentialError(
                f"this machine has no usable keyring: {self._without_keyring}",
                hint=how_to_supply(org_id, source, name, keyring=False),
            )
        return Location(org_id, source, name, "keyring", user)

    def how_to_renew(self, org_id: str, source: str, name: str) -> str:
        """Return the command that replaces a secret where it is read from; reads none itself."""
        written = "install -m 600 /dev/stdin"
        if folder := self._environment.get(FOLDER_VARIABLE):
            file = Path(folder) / f"{org_id}.{source}.{name}"
            return f"sudo {written} {shlex.quote(str(file))} && sudo tactics service install"
        if named := self._environment.get(variable_of(org_id, source, name) + "_FILE"):
            return f"{written} {shlex.quote(named)}"
        return how_to_set(org_id, source, name)

    def _how_to_supply(self, org_id: str, source: str, name: str) -> str:
        if folder := self._environment.get(FOLDER_VARIABLE):
            file = Path(folder) / f"{org_id}.{source}.{name}"
            return f"write it to {file} with mode 0600, then run `tactics service install`"
        return how_to_supply(org_id, source, name, keyring=not self._without_keyring)

    def _look_up(self, org_id: str, source: str, name: str) -> _Found | None:
        found = (
            self._from_systemd(org_id, source, name)
            or self._from_file(org_id, source, name)
            or self._from_keyring(org_id, source, name)
            or self._from_environment(org_id, source, name)
        )
        if found is not None:
            self._register(found.value)
        return found

    def _from_systemd(self, org_id: str, source: str, name: str) -> _Found | None:
        folder = self._environment.get("CREDENTIALS_DIRECTORY")
        if not folder:
            return None
        path = Path(folder) / f"{org_id}.{source}.{name}"
        try:
            value = _read_secret(path, "CREDENTIALS_DIRECTORY")
        except FileNotFoundError:
            return None  # systemd passes on only what the unit names
        return _Found(Location(org_id, source, name, "systemd", str(path)), value)

    def _from_file(self, org_id: str, source: str, name: str) -> _Found | None:
        variable = variable_of(org_id, source, name) + "_FILE"
        text = self._environment.get(variable)
        if not text:
            return None
        path = Path(text).expanduser()
        try:
            value = _read_secret(path, variable)
        except FileNotFoundError:
            raise CredentialError(
                "the file of a credential is missing", hint=f"{variable} names it", path=path
            ) from None
        location = Location(org_id, source, name, "file", str(path), _open_to_others(path))
        return _Found(location, value)

    def _from_keyring(self, org_id: str, source: str, name: str) -> _Found | None:
        user = f"{org_id}/{source}/{name}"
        value = self._in_keyring(lambda keyring: keyring.get_password(SERVICE, user))
        if not value:
            return None
        return _Found(Location(org_id, source, name, "keyring", user), value)

    def _from_environment(self, org_id: str, source: str, name: str) -> _Found | None:
        variable = variable_of(org_id, source, name)
        value = self._environment.get(variable)
        if not value:
            return None
        return _Found(Location(org_id, source, name, "environment", variable), value)

    def _in_keyring(self, work: Callable[[Keyring], T]) -> T | None:
        """Return what `work` returns, or None and remember why there is no keyring."""
        if self._without_keyring:
            return None
        future: Future[T] = Future()
        # A back-end may wait for a password dialogue for ever, so it does so in a thread of its own.
        threading.Thread(
            target=_run, args=(future, lambda: work(self._find_keyring())), daemon=True
        ).start()
        try:
            return future.result(self._seconds)
        except TimeoutError:
            self._without_keyring = f"it did not answer within {self._seconds:g} s"
        except Exception as exc:  # noqa: BLE001  back-ends raise whatever their bus raises
            self._without_keyring = str(exc) or type(exc).__name__
        return None


def variable_of(org_id: str, source: str, name: str) -> str:
    """Return the environment variable of a credential; with `_FILE` added, the one of its file."""
    return f"TACTICS_{org_id}_{source}_{name}".upper()


def how_to_set(org_id: str, source: str, name: str) -> str:
    """Return the command that stores a credential."""
    return f"tactics auth set {org_id} {source} {name}"


def how_to_supply(org_id: str, source: str, name: str, *, keyring: bool = True) -> str:
    """Return every way to supply a credential on this machine, the best one first."""
    variable = variable_of(org_id, source, name)
    ways = [f"set {variable}_FILE to a file with mode 0600", f"set {variable}"]
    if keyring:
        ways.insert(0, f"run `{how_to_set(org_id, source, name)}`")
    return ", or ".join(ways)


def refusal(module: str, name: str) -> str:
    """Return why a keyring back-end cannot be used, or nothing.

    Some ask for a password on the terminal, which a service cannot answer, or keep secrets in the
    clear. Source: keyring 25.7.0, keyring.backends; keyrings.alt 5.0, keyrings.alt.file.
    """
    if module in {"keyring.backends.fail", "keyring.backends.null"}:
        return "no back-end is installed or it is turned off"
    if module.startswith("keyrings.alt"):
        return f"{module}.{name} asks for a password or keeps secrets in the clear"
    return ""


def system_keyring() -> Keyring:
    """Return the keyring of this machine.

    Raises:
        CredentialError: there is none, or it is of a kind that is refused.
    """
    import keyring  # noqa: PLC0415  looks through every installed package

    backend = keyring.get_keyring()
    members = getattr(backend, "backends", None) or [backend]
    for member in members:
        if reason := refusal(type(member).__module__, type(member).__name__):
            raise CredentialError(reason)
    return backend


def _run(future: "Future[T]", work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except Exception as exc:  # noqa: BLE001  the top of a thread: whoever waits raises it
        future.set_exception(exc)


def _read_secret(path: Path, variable: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
        text = data.decode("utf-8-sig").strip("\r\n")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as exc:
        raise CredentialError(
            "the file of a credential cannot be read",
            hint=f"{variable} names it",
            path=path,
            reason=getattr(exc, "strerror", None) or "it is not UTF-8 text",
        ) from None
    if not text or len(data) > _LARGEST_BYTES:
        raise CredentialError(
            "the file of a credential is empty or larger than 1 MiB", hint=f"{variable} names it"
        )
    return text


def _open_to_others(path: Path) -> str:
    mode = path.stat().st_mode
    if not mode & _OTHERS_MAY_READ:
        return ""
    return f"others can read {path}: chmod 600 {path}"
