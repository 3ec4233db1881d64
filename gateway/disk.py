"""The floor of free disk space, below which no mail is taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway import log

FRESH_S = 1.0
"""For this long a measurement is good."""


class DiskFloor:
    """Measures the file systems that mail is written to, at most once a second."""

    def __init__(
        self, folders: Sequence[Path], floor_bytes: int, monotonic: Callable[[], float]
    ) -> None:
        self._folders = tuple(_existing(folder) for folder in folders)
        self._floor_bytes = floor_bytes
        self._monotonic = monotonic
        self._measured_at = float("-inf")
        self._free_bytes: int | None = None
        self._low = False

    def free_bytes(self) -> int | None:
        """The free space of the fullest of the file systems; None if there is none to watch."""
        now = self._monotonic()
        if self._folders and now - self._measured_at >= FRESH_S:
            self._measured_at = now
            self._free_bytes = min(_free_bytes(folder) for folder in self._folders)
        return self._free_bytes

    def has_room(self, size_bytes: int = 0) -> bool:
        """Whether a mail of this size leaves the floor free; a change is logged once."""
        free = self.free_bytes()
        if free is None:
            return True
        low = free < self._floor_bytes
        if low != self._low:
            self._low = low
            log.disk_low(free, self._floor_bytes) if low else log.disk_free(free)
        return free - size_bytes >= self._floor_bytes


def _free_bytes(folder: Path) -> int:
    """What an ordinary user may still write; 0 if the file system does not respond."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), folder)
