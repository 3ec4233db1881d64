"""Turns of the processes that write to one SQLite file."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


class WritersTurn:
    """A lock on a file next to the store, by which the writers of several processes take turns.

    SQLite itself waits in growing sleeps, so that a busy writer starves the others. Without the
    file (no descriptor is free, the folder is read-only) SQLite's own lock still keeps the writers
    apart, though less fairly.
    """

    def __init__(self, path: Path | None) -> None:
        """None for a store that only this process writes to."""
        self._path = path
        self._file: IO[bytes] | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """This process's turn to write."""
        file = self._opened()
        if file is None:
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> IO[bytes] | None:
        """Kept open: a writer that is at work needs no further descriptor."""
        if self._file is None and self._path is not None:
            with suppress(OSError):
                self._file = self._path.open("ab")
        return self._file
