"""One engine for SQLite and PostgreSQL: how it is opened and upgraded."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from storage.db.checkpoints import Checkpoints
from storage.db.threads import Threads

SQLITE_BUSY_S = 5
"""How long a writer waits for another process that writes to the same file."""
POSTGRES_LIMITS = {
    "lock_timeout": "5s",  # a row or table that somebody else holds
    "statement_timeout": "30s",
    # Ends the transaction of a node that was stopped or cut off while it held rows.
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""How long the server waits for us, or works for us; an upgrade has no such limits."""
PREPARED = 400
"""Statements that stay prepared on a connection to PostgreSQL: more than the hot path has."""
READERS = 4
"""Threads that read, in addition to the ledger's connections."""
READERS_CLOSE_S = 5.0
SQLITE_LOG_PAGES = 16_000
"""At this size of the log (64 MiB) the writer itself moves pages into the file that `Checkpoints`
has not moved: while mail arrives without a pause, only the writer can restart the log."""
MIGRATIONS = Path(__file__).parent / "migrations"


__all__ = ["Connection", "Database", "FolderNotMade", "NotUpgraded", "StoreTimeout", "store_down"]

T = TypeVar("T")


class StoreTimeout(RuntimeError):
    """The store did not respond in time; whether the job is done yet is not known."""


def store_down(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What a store that does not respond raises: through SQLAlchemy, or from the driver itself;
    and `others`, for an `except` of both."""
    postgres = sys.modules.get("psycopg")  # loaded only where the store is on PostgreSQL
    driver = (sqlite3.Error,) if postgres is None else (sqlite3.Error, postgres.Error)
    return (*others, DBAPIError, PoolTimeout, StoreTimeout, *driver)


class NotUpgraded(RuntimeError):
    """The database does not have the tables that this version of the program needs."""


class FolderNotMade(RuntimeError):
    """The folder of an embedded store does not exist, and cannot be made."""


class Database:
    """An open database for reading; writes go through a ledger."""

    def __init__(self, url: str, connections: int = 8) -> None:
        """Open `sqlite:///path` or `postgresql://…`; it connects at first use."""
        self.engine = _open_engine(url, connections)
        self.connections = connections
        self._checkpoints = Checkpoints(self.engine) if self.is_sqlite else None
        self._readers = Threads(READERS, "reader")

    @property
    def lock_file(self) -> Path | None:
        """A file next to an embedded store by which its writers take turns; None on PostgreSQL."""
        return self._file.with_name(f"{self._file.name}-turn") if self._file else None

    @property
    def _file(self) -> Path | None:
        path = self.engine.url.database
        return Path(path) if self.is_sqlite and path else None

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def read(self, query: Callable[[Connection], T]) -> T:
        """The query's result from one consistent view of the data; its writes are discarded."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            return query(connection)

    def submit_read(self, query: Callable[[Connection], T]) -> Future[T]:
        """The same in a thread of its own; never blocks."""
        return self._readers.submit(partial(self.read, query))

    def server_time(self, connection: Connection) -> datetime | None:
        """By the database server's clock; None on SQLite, whose nodes share this machine's."""
        if self.is_sqlite:
            return None
        found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return found.astimezone(UTC)

    def upgrade(self) -> None:
        """Bring the tables to the newest version; does nothing if they have it.

        Raises NotUpgraded for a version that only a newer program knows, FolderNotMade where there
        is no folder for the store.
        """
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FolderNotMade(
                    f"the folder {self._file.parent} cannot be made: {error.strerror} "
                    "(see store.url)"
                ) from error
        with self.engine.connect() as connection:
            if self.is_sqlite:
                # SQLite alters a table by recreating it: references must not be checked meanwhile.
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                for limit in ("lock_timeout", "statement_timeout"):
                    connection.exec_driver_sql(f"SET {limit} = 0")
            _require_known(_current(connection))
            # A third of a start's imports, and only this needs it.
            from storage.db.upgrading import run_migrations  # noqa: PLC0415

            run_migrations(connection)
            if self.is_sqlite:
                _check_references(connection)
            connection.commit()
            connection.invalidate()  # the next connection checks references, and has limits

    def check_version(self) -> None:
        """Raise NotUpgraded unless the tables have the version that this program needs."""
        missing = self._file is not None and not self._file.exists()
        if missing:
            _require_newest(None, self.engine.url)
        self.read(self.require_version)

    def require_version(self, connection: Connection) -> None:
        """The same as a query."""
        _require_newest(_current(connection), self.engine.url)

    def close(self) -> None:
        self._readers.close(READERS_CLOSE_S)
        if self._checkpoints is not None:
            self._checkpoints.close()
        self.engine.dispose()


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"the upgrade would leave dangling references: {broken[:5]}")


def _current(connection: Connection) -> str | None:
    """The version of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql(
        "SELECT version_num FROM alembic_version"
    ).scalar()
    return found


def _versions() -> list[str]:
    """The versions that this program knows, the newest last: migrations begin with theirs."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _require_newest(found: str | None, url: URL) -> None:
    if found is None:
        raise NotUpgraded(f"no store exists at {url.render_as_string()}: run `postern init`")
    _require_known(found)
    if found != (wanted := _versions()[-1]):
        raise NotUpgraded(
            f"the database has version {found}, but this program needs {wanted}: "
            "run `postern db upgrade`"
        )


def _require_known(version: str | None) -> None:
    """Raises NotUpgraded for a version that none of this program's migrations makes."""
    if version is not None and version not in _versions():
        raise NotUpgraded(
            f"the database has version {version}, which this program does not know: "
            "run a newer version of Postern"
        )


def _open_engine(url: str, connections: int) -> Engine:
    """Every commit is on disk when it returns. Errors do not show what a statement was to write:
    they are logged, and texts of mails are not.

    SQLite runs in WAL mode with synchronous=FULL (NORMAL acknowledges before the fsync),
    PostgreSQL as it is configured.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed, connect_args={"check_same_thread": False}, hide_parameters=True
        )
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=connections,
        max_overflow=READERS,
        pool_timeout=5,  # after that, a 451 is better than an endless queue
        connect_args={
            "connect_timeout": 5,
            # A server that has vanished is noticed, although nothing refuses our packets.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )
    event.listen(engine, "connect", _limit_postgres)
    return engine


def _limit_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    settings = ", ".join(
        f"set_config('{name}', '{limit}', false)" for name, limit in POSTGRES_LIMITS.items()
    )
    driver: Any = connection
    driver.prepared_max = PREPARED
    cursor = connection.cursor()
    cursor.execute(f"SELECT {settings}")
    cursor.close()
    connection.commit()


def _configure_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # we issue BEGIN, which states whether it will write
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_S * 1000}")
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        # Only a new file takes it, before anything is written; an old one at `postern db compact`.
        # On an old one it would wait for the writer, and a reader never waits.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "journal_size_limit = 67108864",
        f"wal_autocheckpoint = {SQLITE_LOG_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
