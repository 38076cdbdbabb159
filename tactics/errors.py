"""The errors of tactics: the class says who acts next.

A caller catches a group (`TransientError`: try again; `RecordError`: park the record; …) and never
parses a message. Contains no behaviour beyond rendering itself.
"""

from typing import ClassVar


class TacticsError(Exception):
    """Something a person or the retry machinery has to act on.

    `str(error)` is `message: fact=value, …: cause`. `hint` says what to do and is printed on its
    own line. `facts` are small, printable and never secret.
    """

    code: ClassVar[str] = "tactics_error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")

    def __str__(self) -> str:
        parts = [self.message]
        if self.facts:
            parts.append(", ".join(f"{name}={value}" for name, value in self.facts.items()))
        cause = self.__cause__
        if cause is not None and str(cause):
            parts.append(str(cause))
        return ": ".join(parts)


class ConfigError(TacticsError):
    """The operator edits tactics.toml or the command line."""

    exit_code = 2


class CredentialError(TacticsError):
    """The operator signs in again; retrying cannot help."""

    exit_code = 3


class CredentialExpired(CredentialError):
    """The access token has run out; one refresh and one more try may help."""


class NotFoundError(TacticsError):
    """There is no such source, run, job or line."""

    exit_code = 4


class TransientError(TacticsError):
    """Try again later, not before `retry_after_seconds` when it is known."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after_seconds: float | None = None,
        **facts: object,
    ) -> None:
        super().__init__(message, hint=hint, **facts)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(TransientError):
    """The vendor says: too many calls."""


class UpstreamUnavailable(TransientError):
    """The vendor does not answer, or not sensibly."""


class NetworkUnreachable(UpstreamUnavailable):
    """This machine has no way to the vendor (refused, no route, no DNS): work offline."""


class CircuitOpen(TransientError):
    """A breaker is open: no attempt was made."""


class StoreBusy(TransientError):
    """Another process holds the SQLite file longer than we wait."""


class SinkUnavailable(TransientError):
    """The lake or gold cannot be written now: disk full, path unusable, catalog locked."""


class CommitConflict(TransientError):
    """Somebody else moved the table; load again and retry."""


class CommitUnknown(TransientError):
    """The commit may or may not have happened; look for the load id."""


class Interrupted(TransientError):
    """The run was asked to stop: the next one goes on from there."""


class RecordError(TacticsError):
    """This page or record becomes a dead letter; its neighbours go on."""


class DecodeError(RecordError):
    """The bytes are not what they claim to be (cut off JSON, HTML with status 200)."""


class SchemaViolation(RecordError):
    """A field breaks the contract of its table."""


class SizeViolation(RecordError):
    """A response is larger than the budget."""


class MappingError(RecordError):
    """A record cannot be mapped to its table."""


class StreamError(TacticsError):
    """This stream stops; the others go on."""


class ContractChanged(StreamError):
    """The vendor answers outside its contract, or says our request is wrong."""


class CursorRejected(StreamError):
    """The vendor refuses or repeats a cursor: the slice starts again next time."""


class PermissionDenied(StreamError):
    """The credential is good but may not read this account or stream."""


class SliceTooLarge(StreamError):
    """The vendor wants less data per request: ask for a smaller window."""


class FieldRejected(StreamError):
    """The vendor refuses one field (fact `field`): ask again without it."""


class IntegrityError(TacticsError):
    """Our own state is broken: stop the process and keep the evidence."""

    exit_code = 70


class SchemaVersionError(IntegrityError):
    """A database was written by a newer tactics, or is not ours."""


class StoreCorrupt(IntegrityError):
    """A database page or file is damaged."""


class CountMismatch(IntegrityError):
    """What went in is not what came out."""
