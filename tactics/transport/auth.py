"""How a request shows who sends it.

An `Auth` adds the credential to a request at the last moment, so that nothing else ever holds both.
Knows no vendor and stores nothing.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Protocol

from tactics.errors import CredentialError
from tactics.transport.message import Request, Response
from tactics.transport.redaction import register_secret

Send = Callable[[Request], Response]

_HINT = "replace it with `tactics auth set`"


class Auth(Protocol):
    """A credential in use. Methods are safe to call from several threads at once.

    `send` sends a request to a token endpoint. `CredentialError` means that a person has to act;
    `TransientError` that the token endpoint does not answer now.
    """

    def sign(self, request: Request, send: Send) -> Request:
        """Return `request` with the credential."""
        ...

    def refresh(self, rejected: Request, send: Send) -> None:
        """Get a new token because the vendor refused the one in `rejected`, unless one is there."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Return what is sent, to be hidden should the vendor repeat it."""
        ...


class HeaderToken:
    """A token that never changes, in a header of the vendor's choice, behind `prefix`."""

    def __init__(self, header: str, token: str, *, prefix: str = "", hint: str = _HINT) -> None:
        register_secret(token)
        self._header, self._token, self._prefix, self._hint = header, token, prefix, hint

    def sign(self, request: Request, send: Send) -> Request:  # noqa: ARG002
        """Return `request` with the header."""
        value = f"{self._prefix}{self._token}"
        return request.with_headers(**{self._header.replace("-", "_"): value})

    def refresh(self, rejected: Request, send: Send) -> None:  # noqa: ARG002
        """Say that only a person can replace the token.

        Raises:
            CredentialError: always.
        """
        raise CredentialError("the vendor no longer accepts the token", hint=self._hint)

    def secrets(self) -> tuple[str, ...]:
        """Return the token."""
        return (self._token,)


class BearerToken(HeaderToken):
    """A token that never changes, as `Authorization: Bearer`."""

    def __init__(self, token: str, *, hint: str = _HINT) -> None:
        super().__init__("authorization", token, prefix="Bearer ", hint=hint)


class ExtraHeader:
    """Another credential and, beside it, a static token in a header of its own."""

    def __init__(self, auth: Auth, header: str, token: str) -> None:
        register_secret(token)
        self._auth, self._header, self._token = auth, header, token

    def sign(self, request: Request, send: Send) -> Request:
        """Return `request` with both."""
        signed = self._auth.sign(request, send)
        return signed.with_headers(**{self._header.replace("-", "_"): self._token})

    def refresh(self, rejected: Request, send: Send) -> None:
        """Renew the other credential."""
        self._auth.refresh(rejected, send)

    def secrets(self) -> tuple[str, ...]:
        """Return what both send."""
        return (*self._auth.secrets(), self._token)


class QueryToken:
    """A token in the query, with a proof that we also know the app's secret, if that is given.

    Source: contract sheet Meta Marketing API, section 2 (2026-11-21): `appsecret_proof` is the hex
    HMAC-SHA256 of the token under the app secret.
    """

    def __init__(
        self, name: str, token: str, *, app_secret: str | None = None, hint: str = _HINT
    ) -> None:
        register_secret(token)
        self._pairs = {name: token}
        self._hint = hint
        if app_secret:
            register_secret(app_secret)
            proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
            register_secret(proof)
            self._pairs["appsecret_proof"] = proof

    def sign(self, request: Request, send: Send) -> Request:  # noqa: ARG002
        """Return `request` with the query parameters."""
        return request.with_query(**self._pairs)

    def refresh(self, rejected: Request, send: Send) -> None:  # noqa: ARG002
        """Say that only a person can replace the token.

        Raises:
            CredentialError: always.
        """
        raise CredentialError("the vendor no longer accepts the token", hint=self._hint)

    def secrets(self) -> tuple[str, ...]:
        """Return the token and the proof."""
        return tuple(self._pairs.values())
