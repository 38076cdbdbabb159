"""Dead letters that a person has mended: whether the pipeline can take the new payload, and its way.

A page that a stage refused is written in place of the one in the log (`delivery.py`). In the place of
an answer that ingest could not read, the connector must accept the new one as the vendor's whole
answer for that slice; it never replaces what was fetched since. Asks no vendor.
"""

import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tactics.connectors import (
    Connector,
    Options,
    Step,
    StreamSpec,
    find_connector,
    options_of,
    spec_of,
)
from tactics.errors import (
    ConfigError,
    IntegrityError,
    MappingError,
    NotFoundError,
    RecordError,
    TacticsError,
)
from tactics.model import Priority, Slice, StreamKey, Window
from tactics.pipeline.keep import PageKeeper
from tactics.pipeline.result import Problem, StageReport
from tactics.pipeline.scope import Scope
from tactics.pipeline.workspace import Workspace
from tactics.store import Author, Job, LetterChange
from tactics.transport import Request, Response, redact

STAGE = "mended"
LIMIT = 1000
_ASK_AGAIN = "`tactics sync` asks the vendor for all of it again"


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked when a letter died: the slice, and its first request."""

    connector: Connector
    options: Options
    spec: StreamSpec
    work: Slice
    request: Request


def edit_letter(workspace: Workspace, job_id: int, payload: bytes, author: Author) -> LetterChange:
    """Put `payload`, without secrets and people, in the place of what a dead letter carries.

    Raises:
        NotFoundError: there is no such dead letter.
        ConfigError: the pipeline could not take this payload.
    """
    store = workspace.store
    store.letters.payload(job_id)  # a dead letter, or not found
    given = redact(_text(payload)).encode()
    try:
        taken = _take(workspace, store.jobs.get(job_id), given)
    except RecordError as exc:
        hint = exc.hint or "correct the payload; nothing was changed"
        raise ConfigError("this payload cannot be taken", hint=hint, id=job_id) from exc
    return store.letters.edit(job_id, taken, author)


def replay_mended(workspace: Workspace, *, ignore_schedule: bool = False) -> list[StageReport]:
    """Bring home the answers that were edited and are due; no report if there are none.

    Raises:
        IntegrityError: our own state is broken.
    """
    jobs = workspace.store.jobs
    claimed = jobs.claim_due("ingest", LIMIT, ignore_schedule=ignore_schedule, edited_only=True)
    if not claimed:
        return []
    started, dead, problems = workspace.clock.monotonic(), 0, []
    for job in claimed:
        try:
            _replay(workspace, job)
        except IntegrityError:
            raise
        except TacticsError as error:
            dead += jobs.fail(job.job_id, error)
            problems.append(Problem.of(error))
    seconds = round(workspace.clock.monotonic() - started, 3)
    done = len(claimed) - len(problems)
    return [StageReport(STAGE, done, seconds, dead_lettered=dead, problems=tuple(problems))]


def _take(workspace: Workspace, job: Job, payload: bytes) -> bytes:
    """Return what may be stored of a payload that the pipeline can take.

    Raises:
        MappingError: the connector or the stage would refuse it.
    """
    match job.stage:
        case "ingest":
            return _read(workspace, job, payload)
        case "bronze":
            return _parsed(payload)
        case _:
            raise MappingError(
                f"a dead letter of {job.stage} has no payload of its own",
                hint="mend what it names, then `tactics dlq retry` it",
            )


def _replay(workspace: Workspace, job: Job) -> None:
    """Keep a mended page as if it had come when its letter was born, and heal the letter with it."""
    _refuse_part(workspace, job)
    asked, store = _ask_again(workspace, job), workspace.store
    work = asked.work
    with store.transaction():
        version = asked.connector.manifest.api_version
        request_id = store.fetches.begin(work, api_version=version)
        _keeper(workspace, job, asked).keep(work, request_id, asked.request, Step(page=job.payload))
        whole = asked.spec.slicing == "snapshot"
        store.jobs.complete_for_slice(work.key, work.window, snapshot=whole)


def _read(workspace: Workspace, job: Job, payload: bytes) -> bytes:
    """Return the page that the connector makes of `payload`, were it the vendor's answer.

    Raises:
        MappingError: it cannot stand for the whole slice.
    """
    _refuse_part(workspace, job)
    asked = _ask_again(workspace, job)
    try:
        step = asked.connector.read(
            asked.work, asked.options, asked.request, Response(200, payload)
        )
    except TacticsError as exc:
        raise MappingError("its connector cannot read it", hint=exc.hint) from exc
    page = _keeper(workspace, job, asked).storable(step)
    if page is None or step.next is not None:
        raise MappingError("it is not the whole answer for its slice", hint=_ASK_AGAIN)
    return page


def _keeper(workspace: Workspace, job: Job, asked: _Question) -> PageKeeper:
    zone = ZoneInfo(asked.work.account.timezone or "UTC")
    born = job.created_at.astimezone(zone).date()  # how final its days are, was seen then
    return PageKeeper(workspace, asked.options, asked.spec, born)


def _ask_again(workspace: Workspace, job: Job) -> _Question:
    """Return what was asked, from what is known of the letter.

    Raises:
        NotFoundError: the source or account is not known any more.
    """
    connector, options = _source_of(workspace, job)
    key, window = _slice_of(job)
    held = workspace.store.accounts.get(key.org_id, key.source, key.account_id)
    if held is None:
        raise NotFoundError("nothing is known of this account", hint=_ASK_AGAIN, key=key)
    work = Slice(key, window, Priority.LIVE, held[0])
    request = connector.ask(work, options)
    return _Question(connector, options, spec_of(connector, key.stream), work, request)


def _refuse_part(workspace: Workspace, job: Job) -> None:
    """Keep what was fetched since, and what only the vendor has.

    Raises:
        MappingError: days of the slice were fetched since, or it came in several answers.
    """
    key, window = _slice_of(job)
    days = workspace.store.coverage.days(key, window.start, window.end).values()
    if any(covered.fetched_at >= job.created_at for covered in days):
        raise MappingError(
            "days of its slice were fetched since", hint="`tactics dlq purge` it: it is not needed"
        )
    if workspace.store.letters.pages_before(job) != 0:
        raise MappingError("it is one of several answers for its slice", hint=_ASK_AGAIN)


def _slice_of(job: Job) -> tuple[StreamKey, Window]:
    if job.key is None or job.window is None:
        raise MappingError("nobody knows what was asked", hint=_ASK_AGAIN)
    return job.key, job.window


def _source_of(workspace: Workspace, job: Job) -> tuple[Connector, Options]:
    key, _ = _slice_of(job)
    scope = Scope(orgs=(key.org_id,), sources=(key.source,))
    for chosen in scope.chosen(workspace.settings):
        connector = find_connector(chosen.kind)
        return connector, options_of(chosen.settings, connector)
    raise NotFoundError(
        "this source is disabled", hint="enable it in tactics.toml", source=key.source
    )


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError("the payload is not UTF-8 text", hint="save it as UTF-8") from None


def _parsed(payload: bytes) -> bytes:
    try:
        json.loads(payload)
    except ValueError as exc:
        raise MappingError("the page is not JSON") from exc
    return payload
