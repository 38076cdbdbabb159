"""The asynchronous way: submit a report, poll it, read its rows.

A report is one POST, then polls until `Job Completed` at 100 %, then pages like the direct ones.
The run id goes into `Step.job`, so that a restart polls on and never submits a second report for
the same slice. Source: contract sheet "Meta Marketing API" section 5 (2026-11-21).
"""

from dataclasses import replace

from tactics.connectors.base import Step
from tactics.connectors.carry import carried_count, carry
from tactics.connectors.meta.answer import Answer
from tactics.errors import ContractChanged, SliceTooLarge, UpstreamUnavailable
from tactics.transport import Request, get, post_form

MAX_POLLS = 64  # 5, 10, 20, 40 and then 60 s: about an hour, the longest that a job may take
MAX_EARLY_READS = 8  # "not ready" after "completed"
MAX_RESUBMITS = 2

_COMPLETED, _ALL = "Job Completed", 100
_LOST = ("Job Failed", "Job Skipped")
_RUNNING = ("Job Not Started", "Job Started", "Job Running")
_STATUS_FIELDS = (
    "async_status,async_percent_completion,error_code,error_subcode,error_message,error_user_msg"
)


def submit(path: str, fields: dict[str, str], *, resubmits: int = 0) -> Request:
    """Return the request that starts a report; repeating it blindly would start a second one."""
    return carry(replace(post_form(path, *fields.items()), idempotent=False), resubmits=resubmits)


def poll(version: str, job: str, *, polls: int = 0, early: int = 0, resubmits: int = 0) -> Request:
    """Return the request for the state of report `job`."""
    request = get(f"/{version}/{job}", ("fields", _STATUS_FIELDS))
    return carry(request, polls=polls, early=early, resubmits=resubmits)


def submitted(version: str, request: Request, answer: Answer) -> Step:
    """Return the first poll of the report that was just accepted.

    Raises:
        ContractChanged: the answer names no report.
    """
    if not answer.report_run_id:
        raise ContractChanged("meta accepted a report but names no report_run_id")
    job = str(answer.report_run_id)
    first = poll(version, job, resubmits=carried_count(request, "resubmits"))
    return Step(next=first, job=job, wait_seconds=_backoff(0))


def polled(version: str, request: Request, answer: Answer, *, rows: Request) -> Step | None:
    """Return the next poll, or the first page of rows; None when the report is lost.

    100 % alone is not done: Meta shows it for a while on running jobs.

    Raises:
        UpstreamUnavailable: the report is still not ready after about an hour; it is polled on
            the next time.
    """
    job = job_of(request)
    if answer.async_status in _LOST:
        return None
    if answer.async_status == _COMPLETED and answer.async_percent_completion >= _ALL:
        return Step(next=carry(rows, **_counts(request)), job=job)
    polls = carried_count(request, "polls") + 1
    if polls >= MAX_POLLS:
        raise UpstreamUnavailable("the report is not ready", job=job, state=answer.async_status)
    known = answer.async_status in (*_RUNNING, _COMPLETED)
    return Step(
        next=poll(version, job, **{**_counts(request), "polls": polls}),
        job=job,
        wait_seconds=_backoff(polls),
        warnings=() if known else (f"meta reports an unknown state: {answer.async_status}",),
    )


def not_ready(version: str, request: Request) -> Step:
    """Return one more poll: the rows of a completed report were not there yet.

    Raises:
        UpstreamUnavailable: that has happened too often.
    """
    job = job_of(request)
    early = carried_count(request, "early") + 1
    if early > MAX_EARLY_READS:
        raise UpstreamUnavailable("the report says completed, its rows are not ready", job=job)
    again = poll(version, job, **{**_counts(request), "early": early})
    return Step(next=again, job=job, wait_seconds=_backoff(early))


def resubmit(request: Request, answer: Answer, *, path: str, fields: dict[str, str]) -> Step:
    """Return the request for a new report in place of a failed, skipped or expired one.

    Raises:
        SliceTooLarge: reports of this window fail again and again; a smaller one may not.
    """
    resubmits = carried_count(request, "resubmits") + 1
    if resubmits > MAX_RESUBMITS:
        raise SliceTooLarge(
            "meta's reports fail",
            hint="asked again for a smaller window; if one day fails too, try fewer fields",
            state=answer.async_status,
            code=answer.error_code,
            subcode=answer.error_subcode,
            reason=answer.error_message,
        )
    return Step(next=submit(path, fields, resubmits=resubmits), wait_seconds=_backoff(resubmits))


def is_report(request: Request) -> bool:
    """Return whether a page of rows belongs to a report (and not to the account directly)."""
    return not job_of(request).startswith("act_")


def job_of(request: Request) -> str:
    """Return the report that a poll or a page of rows is about."""
    return request.path.split("/")[2]


def _counts(request: Request) -> dict[str, int]:
    return {name: carried_count(request, name) for name in ("polls", "early", "resubmits")}


def _backoff(tries: int) -> float:
    return float(min(5 * 2**tries, 60))
