"""Moves what was committed from SQLite's log into its file, beside the writer.

SQLite has its writer do this every so many pages. In a full store they come from all over the file,
and waiting for the disk to take them costs each mail half as much as all the rest of it. Here a
thread of its own does it while the writer goes on. No commit is less safe: it is in the log, and on
disk, before it returns.
"""

from __future__ import annotations

import threading

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

COMMITS = 16
"""After so many the thread looks. More in one go cost less, but leave the writer more to do."""


class Checkpoints:
    """A thread from the engine's first commits on, until it is closed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commits = 0
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._closing = False
        event.listen(engine, "commit", self._committing)

    def close(self) -> None:
        """Wait until the thread has done what it was asked for, and has ended."""
        self._closing = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _committing(self, _: Connection) -> None:
        """Called by the writer, whose turn it is: nobody else's commit is counted meanwhile."""
        self._commits += 1
        if self._commits % COMMITS:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        while not self._closing:
            self._wanted.wait()
            self._wanted.clear()
            self._checkpoint()

    def _checkpoint(self) -> None:
        """As far as it goes without anybody waiting for it."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        except SQLAlchemyError:
            return  # nothing is lost by it: the next one goes on, and so does the writer's own
