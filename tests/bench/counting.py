"""Counts what can be compared on a busy machine: statements, commits, and calls."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from sqlalchemy import event

from storage.db import statements
from storage.db.database import Database


@dataclass
class StoreCounts:
    statements: int = 0
    """Each row of an `executemany` counts; BEGIN counts where it is a statement of its own."""
    commits: int = 0


class _CountingDriver:
    """A connection of the driver that counts what is executed."""

    def __init__(self, driver: Any, counts: StoreCounts) -> None:
        self._driver = driver
        self._counts = counts

    def execute(self, *arguments: Any) -> Any:
        self._counts.statements += 1
        return self._driver.execute(*arguments)

    def executemany(self, sql: str, rows: Sequence[Any]) -> Any:
        self._counts.statements += len(rows)
        return self._driver.executemany(sql, rows)

    def cursor(self) -> _CountingDriver:
        return _CountingDriver(self._driver.cursor(), self._counts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


@contextmanager
def compiled_statements() -> Iterator[StoreCounts]:
    """Count the statements of `storage.db.statements`, of all stores."""
    counts = StoreCounts()
    namespace = vars(statements)
    driver = namespace["_driver"]
    namespace["_driver"] = lambda connection: _CountingDriver(driver(connection), counts)
    try:
        yield counts
    finally:
        namespace["_driver"] = driver


@contextmanager
def of_store(database: Database) -> Iterator[StoreCounts]:
    """Count all statements of one store, and the transactions that are committed."""

    def executed(*_: Any) -> None:
        counts.statements += 1

    def committed(_: Any) -> None:
        counts.commits += 1

    with compiled_statements() as counts:
        event.listen(database.engine, "before_cursor_execute", executed)
        event.listen(database.engine, "commit", committed)
        try:
            yield counts
        finally:
            event.remove(database.engine, "before_cursor_execute", executed)
            event.remove(database.engine, "commit", committed)


@dataclass
class Calls:
    """Calls of functions, those of C included."""

    here: int = 0
    """In the thread that counts."""
    elsewhere: int = 0
    """In the threads that it or others started meanwhile."""
    _by_thread: Counter[int] = field(default_factory=Counter)

    def count(self, _frame: FrameType, what: str, _argument: Any) -> None:
        if what in ("call", "c_call"):
            self._by_thread[threading.get_ident()] += 1


@contextmanager
def calls() -> Iterator[Calls]:
    """Count calls; this is slow."""
    counts = Calls()
    threading.setprofile(counts.count)
    sys.setprofile(counts.count)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        counts.here = counts._by_thread.pop(threading.get_ident(), 0)
        counts.elsewhere = counts._by_thread.total()
