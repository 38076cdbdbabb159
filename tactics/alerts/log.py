"""The channel that is always there: `alerts.log`, one JSON line for each thing that is told.

Readable by its owner only, and kept small.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from tactics.alerts.message import Message, notice_json
from tactics.errors import SinkUnavailable

PRIVATE_FILE = 0o600
KEPT = 3


class LogChannel:
    """Appends to a file, on the disk when `send` returns. A line that comes again has its `id`."""

    name = "log"

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def send(self, message: Message) -> str:
        """Append the lines of the message.

        Raises:
            SinkUnavailable: the file cannot be written.
        """
        try:
            self._rotate()
            self._append("".join(_lines(message)).encode())
        except OSError as exc:
            raise SinkUnavailable(
                "the alert log cannot be written",
                hint="check free space and permissions of the home",
                path=self._path,
            ) from exc
        return ""

    def _append(self, data: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)

    def _rotate(self) -> None:
        """Move the file aside once it is full; the oldest of those kept goes."""
        if not self._path.exists() or self._path.stat().st_size < self._max_bytes:
            return
        for number in range(KEPT, 0, -1):
            older = self._path if number == 1 else self._numbered(number - 1)
            with suppress(FileNotFoundError):
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _lines(message: Message) -> list[str]:
    return [
        json.dumps({"id": message.message_id, **notice_json(notice)}, ensure_ascii=False) + "\n"
        for notice in message.notices
    ]
