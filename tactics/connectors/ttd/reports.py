"""The way of a slice: find or make its schedule, wait for the execution, download, tidy up.

A sync that died goes on with its schedule: the pipeline remembers the id, and the schedule's name
says which slice it is for. So no slice ever has two. Decides which request follows; sends none.
Source: contract sheet "The Trade Desk" sections 4 and 6 (2026-11-21).
"""

import datetime as dt
from dataclasses import replace
from http import HTTPStatus

from tactics.connectors.base import Step
from tactics.connectors.ttd import place as at
from tactics.connectors.ttd.answers import (
    Execution,
    Executions,
    Schedule,
    Schedules,
    decode,
    is_blank,
    is_good,
    next_offset,
    vendor_day,
)
from tactics.connectors.ttd.faults import error_of
from tactics.connectors.ttd.options import TtdOptions, titles_of
from tactics.connectors.ttd.place import Place
from tactics.connectors.ttd.table import read_table
from tactics.errors import ContractChanged, DecodeError
from tactics.model import Slice
from tactics.transport import Response, retry_after_seconds

POLL_WAITS = (
    2.0,
    5.0,
    15.0,
    30.0,
    60.0,
)  # the last one again and again, until the pipeline's limit
MAX_FAILED, MAX_GONE, MAX_LINKS, MAX_TRIES = 1, 1, 2, 2
RECENT = dt.timedelta(days=1)  # an older schedule was made for numbers that have changed since

_GONE = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)  # unknown ids are masked as 403
_RUNNING = frozenset({"pending", "inqueue", "queued", "inprogress", "running"})
_LOST = frozenset({"failed", "canceled", "cancelled"})


def confirmed(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Go on with the remembered schedule, or look for another one if it is gone."""
    if response.status in _GONE:
        return Step(next=at.look_up(work, mine, Place()))
    found = decode(response, Schedule)
    if found is not None and not _is_for(work, mine, found):
        return Step(next=at.look_up(work, mine, Place()))
    return Step(next=at.poll(work, replace(place, adopted=1)))


def looked_up(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Adopt the schedule of this slice, or make one after those of dead syncs are deleted."""
    page = decode(response, Schedules) or Schedules([])
    today = vendor_day(response, work.account.timezone) or work.window.end
    ours = [one for one in page.result if _is_for(work, mine, one) and not _is_old(one, today)]
    if ours:
        found = max(ours, key=lambda one: one.report_schedule_id)
        place = replace(place, schedule=str(found.report_schedule_id), offset=0, adopted=1)
        return Step(next=at.poll(work, place), job=place.schedule)
    old = [
        str(one.report_schedule_id)
        for one in page.result
        if (one.report_schedule_name or "").startswith(at.prefix_of(work)) and _is_old(one, today)
    ]
    place = replace(place, made=today.isoformat(), old=" ".join([*place.old.split(), *old]))
    if (offset := next_offset(page, place.offset, at.PAGE_SIZE)) is not None:
        return Step(next=at.look_up(work, mine, replace(place, offset=offset)))
    return _sweep(work, mine, replace(place, offset=0))


def swept(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Delete the next old schedule, or make the new one."""
    return replace(_tidied(response), next=_sweep(work, mine, place).next)


def created(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Wait for the new schedule; where it is not certain that there is one, look first.

    Raises:
        TacticsError: the call failed, or stays without an answer.
        ContractChanged: the vendor names no id.
    """
    uncertain = (
        response.status == HTTPStatus.CONFLICT
        or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or is_blank(response)
    )
    if uncertain and place.tries < MAX_TRIES:
        again = replace(place, tries=place.tries + 1)
        return Step(next=at.look_up(work, mine, again), wait_seconds=POLL_WAITS[place.tries])
    made = decode(response, Schedule)
    if made is None:
        raise ContractChanged("the trade desk accepts a schedule but names no id")
    place = replace(place, schedule=str(made.report_schedule_id), adopted=0)
    return Step(next=at.poll(work, place), job=place.schedule, wait_seconds=POLL_WAITS[0])


def polled(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Return the download, the next poll, or a new schedule in place of a failed one.

    Raises:
        ContractChanged: the report covers other days than those asked for, or failed twice.
    """
    if response.status in _GONE and place.gone < MAX_GONE:
        again = Place(gone=place.gone + 1, failed=place.failed, tries=place.tries)
        return Step(next=at.look_up(work, mine, again))
    page = decode(response, Executions) or Executions([])
    mine_only = [one for one in page.result if str(one.report_schedule_id) == place.schedule]
    exact = [one for one in mine_only if _covers(work, one)]
    if exact:
        newest = max(exact, key=lambda one: one.report_execution_id)
        return _follow(work, mine, place, execution=newest)
    if strange := _find_other_days(work, mine_only):
        if place.adopted:
            return _renew(work, mine, place)
        raise strange
    if (offset := next_offset(page, place.offset, at.PAGE_SIZE)) is not None:
        return Step(next=at.poll(work, replace(place, offset=offset)), job=place.schedule)
    return _wait(work, place)


def downloaded(work: Slice, mine: TtdOptions, place: Place, response: Response) -> Step:
    """Return the page, and the request that deletes the schedule.

    Raises:
        TacticsError: the file cannot be had.
        ContractChanged: it lacks a column, or is not in the format that was asked for.
        DecodeError: it is no table.
    """
    if response.status in _GONE and place.links < MAX_LINKS:  # links run out: ask for a new one
        place = replace(place, links=place.links + 1)
        return Step(next=at.poll(work, place), wait_seconds=POLL_WAITS[place.links])
    if not is_good(response):
        error = error_of(response)
        raise error
    try:
        page = read_table(response.body, titles_of(mine))
    except (ContractChanged, DecodeError):
        if place.adopted:  # its template may have been mended since
            return _renew(work, mine, place)
        raise
    return Step(page=page, next=at.delete(place.schedule, place, last=True))


def finished(_work: Slice, _mine: TtdOptions, _place: Place, response: Response) -> Step:
    """End the slice, also when its schedule could not be deleted: the next sync tries again."""
    return _tidied(response)


def _follow(work: Slice, mine: TtdOptions, place: Place, *, execution: Execution) -> Step:
    state = execution.report_execution_state.lower()
    if state in _LOST:
        return _replace_failed(work, mine, place, state=state)
    if state == "complete" and execution.url:
        return Step(next=at.download(execution.url, place), job=place.schedule)
    step = _wait(work, place)
    if state == "complete" or state in _RUNNING:
        return step
    name = execution.report_execution_state
    return replace(step, warnings=(f"the trade desk reports an unknown state: {name}",))


def _replace_failed(work: Slice, mine: TtdOptions, place: Place, *, state: str) -> Step:
    if place.failed >= MAX_FAILED:
        raise ContractChanged(
            "the trade desk's reports fail",
            hint="open the template in MyReports: a column may have been retired",
            state=state,
            schedule=place.schedule,
        )
    return _renew(work, mine, place, failed=1)


def _find_other_days(work: Slice, executions: list[Execution]) -> ContractChanged | None:
    for one in executions:
        if one.report_execution_state.lower() == "complete":
            return ContractChanged(
                "the trade desk's report covers other days than those asked for",
                asked="..".join(at.days_of(work)),
                covered="..".join(one.days),
            )
    return None


def _renew(work: Slice, mine: TtdOptions, place: Place, *, failed: int = 0) -> Step:
    """Delete the schedule and make a new one."""
    made = place.made or work.window.end.isoformat()
    again = Place(old=place.schedule, made=made, failed=place.failed + failed, tries=place.tries)
    return _sweep(work, mine, again)


def _wait(work: Slice, place: Place) -> Step:
    seconds = POLL_WAITS[min(place.polls + 1, len(POLL_WAITS) - 1)]
    again = replace(place, polls=place.polls + 1, offset=0)
    return Step(next=at.poll(work, again), job=place.schedule, wait_seconds=seconds)


def _sweep(work: Slice, mine: TtdOptions, place: Place) -> Step:
    first, *others = [*place.old.split(), ""]
    place = replace(place, old=" ".join(others).strip())
    if first:
        return Step(next=at.delete(first, place, last=False))
    return Step(next=at.create(work, mine, place))


def _tidied(response: Response) -> Step:
    """Return what is to be said of a deletion; the data are safe, so it is no reason to stop.

    Raises:
        CredentialExpired: nothing else will work either.
    """
    if is_good(response) or response.status == HTTPStatus.NOT_FOUND:
        return Step()
    if response.status == HTTPStatus.UNAUTHORIZED:
        error = error_of(response)
        raise error
    return Step(
        pause_seconds=retry_after_seconds(response.headers) or 0.0,
        warnings=(f"the trade desk keeps a report schedule of ours (status {response.status})",),
    )


def _covers(work: Slice, execution: Execution) -> bool:
    """Return whether an execution is for the slice's days; one under way may not tell them yet."""
    told = execution.days != ("", "") or execution.report_execution_state.lower() == "complete"
    return execution.days == at.days_of(work) or not told


def _is_for(work: Slice, mine: TtdOptions, schedule: Schedule) -> bool:
    name = schedule.report_schedule_name or ""
    return name.startswith(at.tag_of(work, mine)) and at.made_on(name) is not None


def _is_old(schedule: Schedule, today: dt.date) -> bool:
    made = at.made_on(schedule.report_schedule_name or "")
    return made is not None and made < today - RECENT
