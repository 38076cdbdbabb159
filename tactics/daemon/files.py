"""The configuration file as it stands: read again when it was changed, so no restart is needed."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tactics.config import Settings, load_settings


class SettingsFile:
    """The settings; a change is heard by `changed`. Safe to share between threads."""

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str],
        *,
        changed: Callable[[Settings], object] = lambda _: None,
    ) -> None:
        self._path = path
        self._environment = environment
        self._changed = changed
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._settings: Settings | None = None

    def read(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigError: the file is missing or wrong, now.
        """
        with self._lock:
            stamp = self._stamp_now()
            if self._settings is None or stamp != self._stamp:
                self._settings = load_settings(self._path, self._environment)
                self._stamp = stamp
                self._changed(self._settings)
            return self._settings

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:  # what is wrong with it, loading tells
            self._settings = None
            return None
        return status.st_mtime_ns, status.st_size
