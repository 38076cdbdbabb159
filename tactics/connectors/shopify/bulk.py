"""The way for long histories: a bulk operation, looked for, started, polled and downloaded.

The operation's id goes into `Step.job`, so that a restart polls on and never starts a second one
for the same slice; before a start the instant does, so that an operation whose start was never
confirmed is known by its query. Source: contract sheet "Shopify Admin API (GraphQL)" section 5
(2026-11-21).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from tactics.connectors.base import Step
from tactics.connectors.carry import carried, carried_count, carry
from tactics.connectors.scrub import keep_declared
from tactics.connectors.shopify import queries
from tactics.connectors.shopify.answer import Answer, member, optional_member
from tactics.connectors.shopify.catalogue import Collection
from tactics.errors import (
    ContractChanged,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    SliceTooLarge,
    UpstreamUnavailable,
)
from tactics.model import Slice
from tactics.transport import Request, Response, get

MAX_RESTARTS = 2
MAX_DEAD_LINKS = 2
MAX_BUSY = 60  # with up to a minute between them: about an hour
MAX_FILE_BYTES = 32 * 2**20  # a guess: half of what the transport takes at once

_SINCE = "since "  # before the instant of a start that may not have been confirmed
_RUNNING = ("CREATED", "RUNNING", "CANCELING")
_LOST = ("FAILED", "CANCELED", "EXPIRED")
_BUSY = ("LIMIT_REACHED", "OPERATION_IN_PROGRESS")
_DEAD_LINK = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
)


class _UserError(msgspec.Struct):
    message: str = ""
    code: str | None = None


class _Id(msgspec.Struct):
    id: str


class _Started(msgspec.Struct, rename="camel"):
    bulk_operation: _Id | None = None
    user_errors: list[_UserError] = msgspec.field(default_factory=list)


class _Operation(msgspec.Struct, rename="camel"):
    id: str
    status: str
    error_code: str | None = None
    root_object_count: int = 0
    file_size: int | None = None
    url: str | None = None


class _Listed(msgspec.Struct, rename="camel"):
    id: str
    query: str
    created_at: dt.datetime


class _List(msgspec.Struct):
    nodes: list[_Listed]


@dataclass(frozen=True, slots=True)
class Bulk:
    """The bulk operation of one slice; `read` methods are pure, like the connector's."""

    collection: Collection
    work: Slice
    version: str

    def ask(self) -> Request:
        """Return the request that goes on with the operation, or looks whether there is one."""
        if self.work.job is None or self.work.job.startswith(_SINCE):
            return queries.find_bulk(self.version)
        return queries.poll_bulk(self.work.job, self.version)

    def looked(self, request: Request, answer: Answer, now: dt.datetime | None) -> Step:
        """Return the first poll of the slice's operation, or the start of one.

        One that runs is the slice's when its query is. One that has completed is only when it was
        created since a start that was not confirmed: an older file may lack what changed since.
        """
        ours = _words(self._query())
        for found in self._candidates(answer):
            if found.id != carried(request).get("lost") and _words(found.query) == ours:
                return self._poll(found.id, request, polls=0, own=1)
        start = carry(self._start(), **_counts(request))
        since = self._since() or now  # the earliest start that may have left one behind
        return Step(next=start, job=_SINCE + since.isoformat() if since else None)

    def started(self, request: Request, answer: Answer) -> Step:
        """Return the first poll, or another try after a while when the shop has no free place.

        Raises:
            UpstreamUnavailable: there was no free place for about an hour.
            ContractChanged: Shopify refuses the query.
        """
        result = member(answer, "bulkOperationRunQuery", _Started)
        if any(error.code in _BUSY for error in result.user_errors):
            return self._wait_for_place(request)
        if result.user_errors:
            raise ContractChanged(f"shopify says: {result.user_errors[0].message}")
        if result.bulk_operation is None:
            raise ContractChanged("shopify accepted a bulk operation but names none")
        return self._poll(result.bulk_operation.id, request, polls=0, own=1)

    def polled(self, request: Request, answer: Answer) -> Step:
        """Return the next poll, the download, an empty page, or a new operation for a lost one.

        Raises:
            SliceTooLarge: the file is too large, or such operations fail again and again.
            FieldRejected: something was denied, and an optional field may be what.
            PermissionDenied: something was denied, and no optional field is left.
        """
        operation = optional_member(answer, "bulkOperation", _Operation)
        if operation is None:
            return self._restart(request, "unknown", lost=queries.variables_of(request)["id"])
        if operation.status == "COMPLETED":
            return self._completed(request, operation)
        if operation.status not in _LOST:
            polls = carried_count(request, "polls") + 1
            step = self._poll(operation.id, request, polls=polls)
            known = operation.status in _RUNNING
            text = f"shopify: unknown state of a bulk operation: {operation.status}"
            return step if known else replace(step, warnings=(text,))
        if operation.error_code == "ACCESS_DENIED" and carried_count(request, "own"):
            error = self._denial()
            raise error
        reason = f"{operation.status} {operation.error_code or ''}".strip()
        return self._restart(request, reason, lost=operation.id)

    def downloaded(self, request: Request, response: Response) -> Step:
        """Return the page, or a poll for a new link when this one is dead.

        Raises:
            UpstreamUnavailable: the file is not all there.
            DecodeError: the file is not JSON lines.
            ContractChanged: the file cannot be had.
        """
        if response.status in _DEAD_LINK:
            return self._dead_link(request)
        if response.status != HTTPStatus.OK:
            broken = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            kind = UpstreamUnavailable if broken else ContractChanged
            raise kind("shopify's file cannot be downloaded", status=response.status)
        lines = [line for line in response.body.split(b"\n") if line.strip()]
        if len(lines) < carried_count(request, "objects"):
            raise UpstreamUnavailable(
                "shopify's file is cut off",
                lines=len(lines),
                announced=carried_count(request, "objects"),
            )
        return self._page(lines)

    def _start(self) -> Request:
        return queries.start_bulk(self.collection, self.work, self.version)

    def _query(self) -> str:
        return str(queries.variables_of(self._start())["query"])

    def _since(self) -> dt.datetime | None:
        """Return when an operation of this slice was to be started, but was not confirmed."""
        job = self.work.job or ""
        if not job.startswith(_SINCE):
            return None
        return dt.datetime.fromisoformat(job.removeprefix(_SINCE))

    def _candidates(self, answer: Answer) -> Iterator[_Listed]:
        """Yield the operations that may be the slice's."""
        for name in ("running", "created"):
            yield from member(answer, name, _List).nodes
        if since := self._since():
            ended = member(answer, "completed", _List).nodes
            yield from (found for found in ended if found.created_at >= since)

    def _poll(self, job: str, request: Request, *, polls: int, own: int = 0) -> Step:
        counts = _counts(request) | {"polls": polls}
        if own:  # started in this attempt, with the fields of this attempt
            counts["own"] = own
        poll = carry(queries.poll_bulk(job, self.version), **counts)
        return Step(next=poll, job=job, wait_seconds=_backoff(polls))

    def _wait_for_place(self, request: Request) -> Step:
        busy = carried_count(request, "busy") + 1
        if busy > MAX_BUSY:
            raise UpstreamUnavailable(
                "other bulk operations keep the shop busy", hint="the next sync tries again"
            )
        again = carry(self._start(), **(_counts(request) | {"busy": busy}))
        return Step(next=again, wait_seconds=_backoff(busy + 1))

    def _completed(self, request: Request, operation: _Operation) -> Step:
        objects = operation.root_object_count
        if operation.url is None:
            return (
                self._page([])
                if objects == 0
                else self._restart(request, "no link", lost=operation.id)
            )
        size = operation.file_size or 0
        if size > MAX_FILE_BYTES and len(self.work.window) > 1:
            raise SliceTooLarge("shopify's file is too large", size_bytes=size)
        download = replace(get(operation.url), auth=False)  # the host is not Shopify's
        counts = _counts(request) | {"objects": objects}
        return Step(next=carry(download, job=operation.id, **counts), job=operation.id)

    def _dead_link(self, request: Request) -> Step:
        dead = carried_count(request, "dead") + 1
        if dead > MAX_DEAD_LINKS:
            return self._restart(request, "dead link", lost=carried(request)["job"])
        counts = _counts(request) | {"dead": dead, "polls": 0}
        poll = queries.poll_bulk(carried(request)["job"], self.version)
        return Step(next=carry(poll, **counts), wait_seconds=_backoff(dead + 1))

    def _restart(self, request: Request, reason: str, *, lost: str) -> Step:
        """Return the way to a new operation; what the `lost` one left behind is not used.

        Raises:
            SliceTooLarge: that has happened too often.
        """
        restarts = carried_count(request, "restarts") + 1
        if restarts > MAX_RESTARTS:
            raise SliceTooLarge(
                "shopify's bulk operations fail",
                hint="asked again for a smaller window",
                reason=reason,
            )
        look = carry(queries.find_bulk(self.version), restarts=restarts, lost=lost)
        return Step(next=look, wait_seconds=_backoff(restarts))

    def _denial(self) -> FieldRejected | PermissionDenied:
        """Name one optional field after the other: the operation does not say which it was."""
        left = [name for name in self.collection.optional if name not in self.work.without]
        if left:
            return FieldRejected("shopify denies a field of the bulk operation", field=left[0])
        return PermissionDenied(
            "shopify denies the bulk operation",
            hint="give the app the scopes that docs/connectors/shopify.md names",
        )

    def _page(self, lines: list[bytes]) -> Step:
        root = self.collection.root.encode()
        page = b'{"data":{"%s":{"nodes":[%s]}}}' % (root, b",".join(lines))
        try:
            page.decode()
            kept = keep_declared(page, self.collection.shape(self.work.without))
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise DecodeError("shopify's file is not JSON lines", size_bytes=len(page)) from exc
        return Step(page=kept, pseudonyms=self.collection.hidden())


def _words(query: str) -> list[str]:
    """Return a query without its layout, which Shopify may change."""
    return query.split()


def _counts(request: Request) -> dict[str, str | int]:
    names = ("polls", "busy", "restarts", "dead", "own")
    return {name: carried_count(request, name) for name in names}


def _backoff(tries: int) -> float:
    return float(min(0.5 * 2**tries, 60.0))
