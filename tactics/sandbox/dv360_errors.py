"""How Bid Manager and its storage say no, and the faults of report files.

Source: the dv360 contract sheet of 2026-11-21, sections 5 and 7. Knows no query.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from tactics.sandbox import google
from tactics.sandbox.api import After, Before, Call, Reply, constant
from tactics.sandbox.dv360_csv import NO_DATA
from tactics.sandbox.faults import Fault
from tactics.sandbox.google import error_reply

_PER_MINUTE = (
    "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service"
    " 'doubleclickbidmanager.googleapis.com'"
)
_HTML = b"<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title></html>"


def storage_error(status: int, code: str) -> Reply:
    """Return an error of the storage, which speaks XML."""
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>"
    return Reply(body=text.encode(), status=status, media_type="application/xml; charset=UTF-8")


def _limit(reason: str, message: str) -> Reply:
    reply = error_reply(403, message)
    reasons = [{"message": message, "domain": "usageLimits", "reason": reason}]
    return replace(reply, document={"error": {**reply.document["error"], "errors": reasons}})


def _only(chosen: Callable[[Call], bool], reply: Reply) -> Before:
    """Return a fault that concerns some calls only."""
    return lambda call, _fault: reply if chosen(call) else None


def _stale_link(call: Call, fault: Fault) -> Reply | None:
    if not _is_download(call):
        return None
    return storage_error(fault.option("status", 403), "AccessDenied")


def _is_download(call: Call) -> bool:
    return call.path.startswith("/storage/")


def _on_file(change: Callable[[str], str]) -> After:
    """Return a fault that spoils the text of a report's file."""

    def effect(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
        if not _is_download(call) or reply.status != HTTPStatus.OK:
            return None
        text = reply.content().decode()
        changed = change(text)
        return replace(reply, body=changed.encode()) if changed != text else None

    return effect


def _cut_off(text: str) -> str:
    """Return the file without its last rows, its totals and its trailer, broken within a row."""
    rows = text.partition("\n\n")[0]
    return rows[: len(rows) * 2 // 3]


def _without_totals(text: str) -> str:
    return re.sub(r"(?m)^,.*\n", "", text)


def _without_data(text: str) -> str:
    header, _, _ = text.partition("\n")
    return f"{header}\n{NO_DATA}\n{text[text.index(chr(10) * 2) + 1 :]}"


def _on_first_row(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        header, first, rest = text.split("\n", 2)
        return "\n".join([header, ",".join(change(first.split(","))), rest])

    return changed


BEFORE: dict[str, Before] = google.BEFORE | {
    "http_502": constant(Reply(body=_HTML, status=502, media_type="text/html; charset=UTF-8")),
    "http_504": constant(error_reply(504, "Deadline expired.", name="DEADLINE_EXCEEDED")),
    "daily_limit": constant(_limit("dailyLimitExceeded", "Daily Limit Exceeded")),
    "user_rate_limit": constant(_limit("userRateLimitExceeded", "User Rate Limit Exceeded")),
    "rate_limit": constant(error_reply(429, _PER_MINUTE)),
    "run_exhausted": _only(
        lambda call: call.path.endswith(":run"),
        error_reply(429, "Too many simultaneous reports. Please try again later."),
    ),
    "invalid_argument": _only(
        lambda call: call.method == "POST",
        error_reply(400, "Invalid combination of dimensions, filters and metrics."),
    ),
    "not_found": _only(
        lambda call: "query" in call.match, error_reply(404, "Requested entity was not found.")
    ),
    "link_stale": _stale_link,
}
FILE_FAULTS: dict[str, After] = {
    "file_cut_off": _on_file(_cut_off),
    "file_without_totals": _on_file(_without_totals),
    "file_without_data": _on_file(_without_data),
    "file_with_bom": _on_file(lambda text: f"\ufeff{text}"),
    "header_drift": _on_file(lambda text: text.replace("(Adv Currency)", "(Advertiser Currency)")),
    "other_columns": _on_file(
        lambda text: text.replace("Impressions,Clicks", "Clicks,Impressions")
    ),
    "not_a_number": _on_file(_on_first_row(lambda row: [*row[:7], "N/A", *row[8:]])),
    "negative_spend": _on_file(_on_first_row(lambda row: [*row[:7], f"-{row[7]}", *row[8:]])),
    "small_numbers": _on_file(_on_first_row(lambda row: [*row[:5], "< 1000", *row[6:]])),
    "nulls": _on_file(
        _on_first_row(lambda row: [*row[:8], "Unknown", "-", *("" for _ in row[10:])])
    ),
}
