"""Rows that the store makes by itself: expressions of SQL for each column, in either dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, literal, literal_column, select, text
from sqlmodel import SQLModel

from storage.db.tables import table
from tests.bench import ticket_history

Values = Mapping[str, str]
"""Expressions by the names of their columns."""
TEXTS = 500
"""Different texts of comments."""
DAY = 86_400_000_000
"""In microseconds."""


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What SQLite and PostgreSQL write differently."""

    is_sqlite: bool

    def time(self, microseconds: str) -> str:
        """A time from the microseconds since 1970."""
        if self.is_sqlite:
            return microseconds
        return f"TIMESTAMPTZ 'epoch' + ({microseconds}) * INTERVAL '1 microsecond'"

    def later(self, time: str, seconds: str) -> str:
        if self.is_sqlite:
            return f"{time} + ({seconds}) * 1000000"
        return f"{time} + ({seconds}) * INTERVAL '1 second'"

    def id(self, kind: int, time: str, number: str) -> str:
        """A UUIDv7 of a time, which no other kind and number has."""
        if self.is_sqlite:
            return f"printf('%012x7%03x8%015x', {time} / 1000, {kind}, {number})"
        since = f"CAST(EXTRACT(EPOCH FROM {time}) * 1000 AS bigint)"
        parts = [(since, 12), (str(kind), 3), (number, 15)]
        at, of, last = (f"lpad(to_hex({value}), {length}, '0')" for value, length in parts)
        return f"CAST({at} || '7' || {of} || '8' || {last} AS uuid)"


@dataclass(frozen=True, slots=True)
class SqlRows:
    """Writes rows in one transaction, in which later ones may be made of earlier ones."""

    connection: Connection
    sql: Dialect
    now: datetime

    def run(self, statement: str) -> None:
        self.connection.exec_driver_sql(statement)

    @property
    def present(self) -> str:
        """In microseconds since 1970."""
        return str(int(self.now.timestamp()) * 1_000_000)

    def add(self, kind: type[SQLModel], source: str, values: Values) -> None:
        """A row for each of a source, which is what follows FROM in SQL. A column without an
        expression has the default of its row class."""
        columns = table(kind).c
        known = ticket_history.defaults(kind).items()
        row: dict[str, ColumnElement[Any]] = {
            name: literal(value, columns[name].type) for name, value in known
        }
        row |= {name: literal_column(value) for name, value in values.items()}
        rows = select(*row.values()).select_from(text(source))
        self.connection.execute(insert(table(kind)).from_select([*row], rows))
