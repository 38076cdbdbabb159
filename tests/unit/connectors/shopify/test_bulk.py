"""The bulk operation as a state machine: started, polled, downloaded, and what goes wrong."""

import json

import pytest

from tactics.connectors import Step
from tactics.connectors.shopify import ShopifyOptions, connector
from tactics.connectors.shopify.bulk import MAX_BUSY, MAX_FILE_BYTES
from tactics.connectors.shopify.queries import operation_of, variables_of
from tactics.errors import (
    ContractChanged,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    SliceTooLarge,
    UpstreamUnavailable,
)
from tactics.model import Slice
from tactics.transport import Request, Response
from tests.unit.connectors.builders import respond, slice_of

OPTIONS = ShopifyOptions()
WORK = slice_of("orders", deep=True)
JOB = "gid://shopify/BulkOperation/720"
LINK = "https://storage.googleapis.com/files/1?X-Goog-Signature=abc"


def read(request: Request, value: object, status: int = 200, work: Slice = WORK) -> Step:
    """Return what an answer means."""
    return connector.read(work, OPTIONS, request, respond(value, status))


def started(*errors: dict[str, object], job: str | None = JOB) -> dict[str, object]:
    """Return the payload of the mutation."""
    operation = {"id": job, "status": "CREATED"} if job else None
    payload = {"bulkOperation": operation, "userErrors": list(errors)}
    return {"data": {"bulkOperationRunQuery": payload}}


def operation(status: str, **facts: object) -> dict[str, object]:
    """Return the state of the operation."""
    known = {"id": JOB, "status": status, "errorCode": None, "rootObjectCount": "2",
             "fileSize": "90", "url": LINK, "partialDataUrl": None}  # fmt: skip
    return {"data": {"bulkOperation": known | facts}}


def listed(**found: list[dict[str, object]]) -> dict[str, object]:
    """Return the operations of the app that run, or have completed."""
    return {"data": {n: {"nodes": found.get(n, [])} for n in ("created", "running", "completed")}}


def after(step: Step) -> Request:
    """Return the request that follows."""
    assert step.page is None
    assert step.next is not None
    return step.next


def starting(work: Slice = WORK) -> Request:
    """Return the start of an operation, none having been found."""
    return after(read(connector.ask(work, OPTIONS), listed(), work=work))


def polling(work: Slice = WORK) -> Request:
    """Return the first poll of an operation that was just started."""
    return after(read(starting(work), started(), work=work))


def look(work: Slice, *, at: str = "", **found: list[dict[str, object]]) -> Step:
    """Return what a look for the operation leads to."""
    response = respond(listed(**found), **({"date": at} if at else {}))
    return connector.read(work, OPTIONS, connector.ask(work, OPTIONS), response)


def mine(created_at: str = "2026-11-21T06:00:00Z", job: str = JOB) -> dict[str, object]:
    """Return an operation that reads what the slice does, laid out by Shopify."""
    query = variables_of(starting())["query"].replace("{", "{\n ")
    return {"id": job, "query": query, "createdAt": created_at}


def downloading() -> Request:
    """Return the download of a completed operation."""
    return after(read(polling(), operation("COMPLETED")))


def test_it_is_started_ungrouped_and_once() -> None:
    """One connection without nested ones, the window as text, and no blind repetition."""
    request = starting()
    assert operation_of(request) == "StartBulk"
    assert request.idempotent is False
    assert "groupObjects: false" in json.loads(request.body)["query"]
    text = variables_of(request)["query"]
    assert text.startswith("""{ orders(query: "updated_at:>='2026-10-31T23:00:00Z'""")
    assert (text.count("edges"), text.count("first:")) == (1, 0)


def test_it_is_looked_for_before_it_is_started() -> None:
    """The look moves nothing; the instant of the start is remembered before it leaves."""
    request = connector.ask(WORK, OPTIONS)
    assert (operation_of(request), request.idempotent) == ("FindBulk", True)
    step = look(WORK, at="Sat, 21 Nov 2026 06:00:00 GMT", running=[{**mine(), "query": "{ a }"}])
    assert operation_of(after(step)) == "StartBulk"
    assert step.job == "since 2026-11-21T06:00:00+00:00"
    assert look(WORK).job is None


@pytest.mark.parametrize("state", ["created", "running"])
def test_one_that_runs_is_adopted(state: str) -> None:
    """It is the slice's because its query is, whoever started it."""
    step = look(WORK, **{state: [{**mine(), "id": "other", "query": "{ a }"}, mine()]})
    assert (operation_of(after(step)), step.job) == ("PollBulk", JOB)
    assert variables_of(after(step)) == {"id": JOB}


@pytest.mark.parametrize(
    ("since", "adopted"),
    [(None, False), ("06:00:01", False), ("06:00:00", True), ("05:00:00", True)],
)
def test_one_that_has_completed_is_adopted_after_a_lost_start(
    since: str | None, *, adopted: bool
) -> None:
    """A file made before that start is old; without such a start every file is."""
    job = since and f"since 2026-11-21T{since}+00:00"
    step = look(slice_of("orders", deep=True, job=job), completed=[mine()])
    assert operation_of(after(step)) == ("PollBulk" if adopted else "StartBulk")
    assert step.job == (JOB if adopted else job)


def test_a_lost_operation_is_not_found_again() -> None:
    """What led nowhere is not adopted in place of itself, even if it says that it runs."""
    again = after(read(polling(), operation("COMPLETED", url=None)))
    found = read(again, listed(running=[mine()]))
    assert operation_of(after(found)) == "StartBulk"
    other = read(again, listed(running=[mine(job="gid://shopify/BulkOperation/721")]))
    assert operation_of(after(other)) == "PollBulk"


def test_refunds_are_not_cut_in_bulk() -> None:
    """The list of an order's refunds is as long as Shopify allows: 250."""
    request = starting(slice_of("refunds", deep=True))
    assert "refunds(first: 250)" in variables_of(request)["query"]


def test_its_id_is_remembered_and_polled() -> None:
    """Polls come at half a second, then twice as late each time, up to a minute."""
    step = read(starting(), started())
    assert (step.job, step.wait_seconds) == (JOB, 0.5)
    waits, request = [], after(step)
    for status in ("CREATED", "RUNNING", "RUNNING", "CANCELING", *["RUNNING"] * 6):
        assert operation_of(request) == "PollBulk"
        step = read(request, operation(status))
        waits.append(step.wait_seconds)
        assert step.warnings == ()
        request = after(step)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]


def test_the_file_is_fetched_without_the_token() -> None:
    """The link leads to a host that is not Shopify's."""
    request = downloading()
    assert (request.method, request.path, request.auth) == ("GET", LINK, False)


def test_the_file_becomes_a_page_like_any_other() -> None:
    """Lines in any order, only declared fields, amounts as they were written."""
    lines = b'{"id":"1","totalPriceSet":{"shopMoney":{"amount":"1.50"}},"email":"j"}\n{"id":"2"}\n'
    step = connector.read(WORK, OPTIONS, downloading(), Response(200, lines))
    assert step.next is None
    assert step.page == (
        b'{"data":{"orders":{"nodes":[{"id":"1","totalPriceSet":{"shopMoney":{"amount":"1.50"}}},'
        b'{"id":"2"}]}}}'
    )


def test_nothing_found_is_an_empty_page() -> None:
    """Then there is no link; the window is complete all the same."""
    step = read(polling(), operation("COMPLETED", url=None, rootObjectCount="0"))
    assert step.page == b'{"data":{"orders":{"nodes":[]}}}'
    assert step.next is None


@pytest.mark.parametrize("code", ["LIMIT_REACHED", "OPERATION_IN_PROGRESS"])
def test_a_busy_shop_is_waited_for(code: str) -> None:
    """Another operation occupies the place; after an hour the next sync tries again."""
    request, waited = starting(), 0.0
    busy = started({"message": "busy", "code": code}, job=None)
    for _ in range(MAX_BUSY):
        step = read(request, busy)
        waited += step.wait_seconds
        request = after(step)
        assert operation_of(request) == "StartBulk"
        assert request.idempotent is False
    assert 3000 < waited < 3700
    with pytest.raises(UpstreamUnavailable, match="busy"):
        read(request, busy)


def test_a_refused_query_ends_the_stream() -> None:
    """INVALID is our mistake."""
    with pytest.raises(ContractChanged, match="bad query"):
        read(starting(), started({"message": "bad query", "code": "INVALID"}))
    with pytest.raises(ContractChanged, match="names none"):
        read(starting(), started(job=None))


@pytest.mark.parametrize(
    "lost",
    [
        operation("FAILED", errorCode="INTERNAL_SERVER_ERROR", url=None, partialDataUrl=LINK),
        operation("FAILED", errorCode="TIMEOUT", url=None),
        operation("FAILED", url=None),
        operation("CANCELED", url=None),
        operation("EXPIRED", url=None),
        operation("COMPLETED", url=None),
        {"data": {"bulkOperation": None}},
    ],
)
def test_a_lost_operation_is_started_twice_more(lost: dict[str, object]) -> None:
    """A partial file is never used; the third loss asks for a smaller window."""
    request = polling()
    for _ in range(2):
        again = after(read(after(read(request, lost)), listed()))
        assert operation_of(again) == "StartBulk"
        request = after(read(again, started()))
    with pytest.raises(SliceTooLarge):
        read(request, lost)


def test_a_dead_link_is_asked_for_again() -> None:
    """Links live a week: the operation is polled for a new one, and then done again."""
    request = downloading()
    for _ in range(2):
        poll = after(read(request, b"<Error/>", 403))
        assert (operation_of(poll), variables_of(poll)) == ("PollBulk", {"id": JOB})
        request = after(read(poll, operation("COMPLETED")))
    again = after(read(request, b"<Error/>", 404))
    assert operation_of(after(read(again, listed()))) == "StartBulk"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"", UpstreamUnavailable),
        (503, b"", UpstreamUnavailable),
        (402, b"", ContractChanged),
        (200, b'{"id":"1"}\n', UpstreamUnavailable),
        (200, b"", UpstreamUnavailable),
        (200, b'{"id":"1"}\n{"id":', DecodeError),
        (200, b'{"id":"1"}\n{"id":"\xff"}\n', DecodeError),
    ],
)
def test_a_bad_file_is_refused(status: int, body: bytes, kind: type[Exception]) -> None:
    """One line less than was announced is no whole file."""
    with pytest.raises(kind):
        connector.read(WORK, OPTIONS, downloading(), Response(status, body))


def test_a_large_file_is_not_downloaded() -> None:
    """The window is cut; a single day cannot be, and is tried."""
    large = operation("COMPLETED", fileSize=str(MAX_FILE_BYTES + 1))
    with pytest.raises(SliceTooLarge):
        read(polling(), large)
    day = slice_of("orders", deep=True, window=type(WORK.window)(WORK.window.end, WORK.window.end))
    assert after(read(polling(day), large, work=day)).path == LINK


def test_a_denied_operation_leaves_out_one_field_after_the_other() -> None:
    """Nobody says which field it was; without any optional one left it is a matter of scopes."""
    denied = operation("FAILED", errorCode="ACCESS_DENIED", url=None)
    with pytest.raises(FieldRejected) as caught:
        read(polling(), denied)
    assert caught.value.facts["field"] == "customer"
    bare = slice_of("orders", deep=True, without=frozenset({"customer", "customerJourneySummary"}))
    with pytest.raises(PermissionDenied):
        read(polling(bare), denied, work=bare)


def test_a_denied_operation_of_before_is_started_anew() -> None:
    """The remembered one still had the field that is left out now."""
    work = slice_of("orders", deep=True, job=JOB, without=frozenset({"customer"}))
    denied = operation("FAILED", errorCode="ACCESS_DENIED", url=None)
    again = after(read(connector.ask(work, OPTIONS), denied, work=work))
    again = after(read(again, listed(), work=work))
    assert operation_of(again) == "StartBulk"
    assert "customer {" not in variables_of(again)["query"]


def test_an_unknown_state_is_waited_for_and_told() -> None:
    """A new state is more likely a kind of running than an end."""
    step = read(polling(), operation("SLEEPING", url=None))
    assert operation_of(after(step)) == "PollBulk"
    assert "SLEEPING" in step.warnings[0]
