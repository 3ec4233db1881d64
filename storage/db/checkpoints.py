"""Moves committed pages from SQLite's write-ahead log into its file, in a separate thread.

By default SQLite's writer does this after a number of pages. In a full store the pages belong all
over the file, and waiting for the disk adds half as much again to the cost of each mail. Here a
thread of its own does it while the writer continues. No commit is less safe: it is in the log, and
on disk, before it returns.
"""

from __future__ import annotations

import threading

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

COMMITS = 16
"""Commits between two checkpoints. More of them cost less, but leave the writer more to do."""


class Checkpoints:
    """A thread that runs from the engine's first commits until it is closed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commits = 0
        self._thread: threading.Thread | None = None
        self._requested = threading.Event()
        self._closing = False
        event.listen(engine, "commit", self._committing)

    def close(self) -> None:
        """Wait until the thread has finished a requested checkpoint and has ended."""
        self._closing = True
        self._requested.set()
        if self._thread is not None:
            self._thread.join()

    def _committing(self, _: Connection) -> None:
        """Called by the writer, which holds the turn: no other commit is counted meanwhile."""
        self._commits += 1
        if self._commits % COMMITS:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()
        self._requested.set()

    def _run(self) -> None:
        while not self._closing:
            self._requested.wait()
            self._requested.clear()
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Move as many pages as possible without blocking anybody."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        except SQLAlchemyError:
            return  # nothing is lost: the next checkpoint continues, as does the writer's own
