"""Simulates Google Drive v3 as far as change detection needs it: one file, and the change feed.

Source: the google_sheets contract sheet of 2026-11-21, sections 3 and 5. Serves no content.
"""

from typing import Any

from tactics.sandbox.api import Call, Refused, Reply, Route, Simulator, constant
from tactics.sandbox.faults import Fault
from tactics.sandbox.google import BEFORE, check_bearer, pick_fields
from tactics.sandbox.scene import Scene
from tactics.sandbox.workbook import XLSX, Workbook

_SCOPES = ("drive.metadata.readonly", "drive.metadata", "drive.readonly", "drive", "drive.file")


def simulator(scene: Scene) -> Simulator:
    """Return the Drive API over the workbooks of `scene`."""
    drive = _Drive(scene)
    return Simulator(
        name="drive",
        routes=(
            Route("GET", "/v3/changes/startPageToken", drive.get_start_token),
            Route("GET", "/v3/changes", drive.list_changes),
            Route("GET", "/v3/files/{account}", drive.get_file),
        ),
        not_found=lambda call: error_reply(404, f"No such endpoint: {call.path}", "notFound"),
        before=BEFORE
        | {
            "rate_limit": constant(
                error_reply(403, "User Rate Limit Exceeded", "userRateLimitExceeded")
            ),
            "permission": constant(
                error_reply(403, "The user does not have sufficient permissions", "forbidden")
            ),
            "http_500": constant(error_reply(500, "Internal Error", "internalError")),
            "http_503": constant(error_reply(503, "Backend Error", "backendError")),
        },
        after={"xlsx": _as_xlsx},
    )


def error_reply(status: int, message: str, reason: str) -> Reply:
    """Return Drive's error body, which still has the older form."""
    details = [{"domain": "global", "reason": reason, "message": message}]
    error = {"code": status, "message": message, "errors": details}
    return Reply({"error": error}, status=status)


class _Drive:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def get_file(self, call: Call) -> Reply:
        grant = check_bearer(self._scene, call, _SCOPES)
        file_id = call.match["account"]
        book = self._scene.workbooks.get(file_id)
        in_reach = book is not None and book.org_id == grant.org_id and book.shared
        if book is None or not in_reach or _needs_flag(book, call):
            raise Refused(error_reply(404, f"File not found: {file_id}.", "notFound"))
        mask = call.first("fields") or "kind,id,name,mimeType"
        return Reply(pick_fields(_file(book), mask))

    def get_start_token(self, call: Call) -> Reply:
        check_bearer(self._scene, call, _SCOPES)
        return Reply({"kind": "drive#startPageToken", "startPageToken": str(self._token())})

    def list_changes(self, call: Call) -> Reply:
        grant = check_bearer(self._scene, call, _SCOPES)
        text = call.first("pageToken")
        if not text.isdigit():
            raise Refused(error_reply(400, f"Invalid Value: {text}", "invalid"))
        moved = int(text) < self._token()
        changes = [
            {"kind": "drive#change", "changeType": "file", "fileId": book.file_id, "removed": False}
            for book in self._scene.workbooks.values()
            if moved and book.org_id == grant.org_id and book.shared
        ]
        document = {
            "kind": "drive#changeList",
            "newStartPageToken": str(self._token()),
            "changes": changes,
        }
        return Reply(pick_fields(document, call.first("fields")))

    def _token(self) -> int:
        return sum(book.version for book in self._scene.workbooks.values())


def _needs_flag(book: Workbook, call: Call) -> bool:
    return book.drive_id is not None and call.first("supportsAllDrives") != "true"


def _file(book: Workbook) -> dict[str, Any]:
    file = {
        "kind": "drive#file",
        "id": book.file_id,
        "name": book.title,
        "mimeType": book.mime_type,
        "modifiedTime": book.modified_at.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
        "version": str(book.version),
        "trashed": book.trashed,
        "size": "20480",
        "lastModifyingUser": {"emailAddress": f"planner@{book.org_id}.example"},
    }
    return file | ({"driveId": book.drive_id} if book.drive_id else {})


def _as_xlsx(call: Call, _fault: Fault, reply: Reply) -> Reply | None:
    if "/files/" not in call.path or not isinstance(reply.document, dict):
        return None
    return Reply({**reply.document, "mimeType": XLSX})
