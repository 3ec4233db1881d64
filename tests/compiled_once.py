"""Statements are compiled once in a process, and not once in each store that a test opens.

A server opens one store and compiles a statement when it first runs it. The tests open thousands,
and half of the time of a short one was for statements that the test before had compiled.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import CompiledCacheType
from sqlalchemy.util import LRUCache

_compiled: CompiledCacheType = LRUCache(5000)


class _Equal:
    """A dialect is part of the key of a statement; those of all stores of one kind are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Sqlite(_Equal, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class Postgres(_Equal, PGDialect_psycopg):
    supports_statement_cache = True


def compile_once() -> None:
    """From now on, in this process."""
    registry.register("sqlite", __name__, Sqlite.__name__)
    registry.register("postgresql.psycopg", __name__, Postgres.__name__)
    event.listen(Engine, "engine_connect", _use_the_shared)


def _use_the_shared(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_compiled)
