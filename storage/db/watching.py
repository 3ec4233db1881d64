"""Notices that something was committed, at no cost while nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.db.database import Database

_SQLITE = "PRAGMA data_version"
"""Raised by the commits of all other connections; read from shared memory."""
_POSTGRES = "SELECT pg_current_snapshot()::text"
"""Differs once a transaction that writes has begun or ended; computed without a table."""


@contextmanager
def watched(database: Database) -> Iterator[Callable[[], bool]]:
    """A function that states whether anybody may have committed since it was last called.

    It is asked, and not notified: a NOTIFY takes a lock of the whole server during its commit, so
    that each mail would wait for the commit of the one before. It has a connection of its own, and
    no transaction is left open on it.
    """
    question = _SQLITE if database.is_sqlite else _POSTGRES
    options = {} if database.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
    with database.engine.connect().execution_options(**options) as connection:
        seen = connection.exec_driver_sql(question).scalar()

        def has_changed() -> bool:
            nonlocal seen
            before, seen = seen, connection.exec_driver_sql(question).scalar()
            return before != seen

        yield has_changed
