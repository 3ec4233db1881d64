"""Statements of the hot path: built with SQLAlchemy, compiled once, run directly by the driver.

SQLAlchemy's execution layer costs several times what SQLite needs to run a statement. This module
uses its compiler and its types, and bypasses that layer.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Column, Connection, Dialect, Table, bindparam
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any] | None
T = TypeVar("T")
Pending = Callable[[], T]
"""A pending result: call it once, when it is needed. Inside `pipelined`, all statements submitted
before that travel together."""


MOST_ROWS = 16
"""So many rows are inserted in one statement: each number of them is compiled and prepared."""


class Statement:
    """A statement with named parameters that runs on any connection of either dialect."""

    def __init__(
        self, build: Callable[[str], ClauseElement], columns: Sequence[str] | None = None
    ) -> None:
        """`build` returns the statement for a dialect's name; `columns` are those of an INSERT."""
        self._build = build
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **parameters: Any) -> list[Any]:
        """The rows, as named tuples of Python values."""
        return self.submit(connection, **parameters)()

    def submit(self, connection: Connection, **parameters: Any) -> Pending[list[Any]]:
        """The same as a pending result; inside `pipelined`, this does not wait.

        On SQLite the result is read at once. If the job failed before it called what is pending, an
        open statement would stay on the connection after the rollback, for as long as somebody has
        the exception: later jobs could not commit, or not begin.
        """
        compiled = self._for(connection)
        cursor = _driver(connection).execute(compiled.sql, compiled.bound(parameters))
        if connection.dialect.name == "sqlite":
            found = cursor.fetchall()
            return lambda: compiled.read(found)
        return lambda: compiled.read(cursor.fetchall())

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> None:
        """Run the statement; inside `pipelined`, without waiting for its result."""
        compiled = self._for(connection)
        _driver(connection).execute(compiled.sql, compiled.bound(parameters))

    def run_many(self, connection: Connection, many: Iterable[Mapping[str, Any]]) -> None:
        """The same for several rows; nothing for none."""
        compiled = self._for(connection)
        if bound := [compiled.bound(parameters) for parameters in many]:
            _driver(connection).cursor().executemany(compiled.sql, bound)

    def plan(self, connection: Connection) -> list[str]:
        """SQLite's query plan, one line for each step."""
        compiled = self._for(connection)
        nothing: Any = dict.fromkeys(compiled.defaults)
        bound = [None] * len(compiled.order) if compiled.order else nothing
        rows = _driver(connection).execute(f"EXPLAIN QUERY PLAN {compiled.sql}", bound)
        return [detail for *_, detail in rows]

    def _for(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = _compile(self._build(dialect.name), dialect, self._columns)
            self._compiled[dialect.name] = compiled
        return compiled


def compiled(statement: ClauseElement) -> Statement:
    """A statement that is the same on both dialects."""
    return Statement(lambda _: statement)


def placeholders(name: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{name}_{n}") for n in range(count)]


def bind_list(name: str, values: Sequence[object]) -> dict[str, object]:
    return {f"{name}_{n}": value for n, value in enumerate(values)}


def filled_up(values: Sequence[T], sizes: Sequence[int], nothing: T) -> list[T]:
    """The values, and after them as much of what is none as the next of the sizes for which a
    statement is compiled has places. The last size is the largest list there is."""
    count = next(size for size in sizes if size >= len(values))
    return [*values, *[nothing] * (count - len(values))]


def compiled_in(build: Callable[[int], ClauseElement]) -> Callable[[int], Statement]:
    """A statement with an IN list, compiled once for each length that occurs."""
    return lru_cache(maxsize=256)(lambda count: compiled(build(count)))


def insert_into(table: Table, dialect: str) -> Any:
    """An INSERT that may have ON CONFLICT. Its SQL is the same on both stores, but each dialect has
    a class of its own for it."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)  # of the store in use


class Insertion(Statement):
    """An INSERT of one row, or of several."""

    def __init__(self, build: Callable[[str], Any], columns: Sequence[Column[Any]]) -> None:
        super().__init__(build, [column.name for column in columns])
        self._of_one = build, columns
        self._of_rows: dict[int, Statement] = {}

    def run_many(self, connection: Connection, many: Iterable[Mapping[str, Any]]) -> None:
        """Several rows in one statement: `executemany` is one statement for each row, and with
        PostgreSQL several more calls of the driver."""
        rows = list(many)
        for first in range(0, len(rows), MOST_ROWS):
            some = rows[first : first + MOST_ROWS]
            if len(some) == 1:
                self.run(connection, some[0])
                continue
            bound = {
                f"{name}_{n}": value for n, row in enumerate(some) for name, value in row.items()
            }
            self._inserting(len(some)).run(connection, bound)

    def _inserting(self, count: int) -> Statement:
        statement = self._of_rows.get(count)
        if statement is None:
            build, columns = self._of_one

            def build_several(dialect: str) -> ClauseElement:
                rows = [
                    {each.name: bindparam(f"{each.name}_{n}", type_=each.type) for each in columns}
                    for n in range(count)
                ]
                several: ClauseElement = build(dialect).values(rows)
                return several

            statement = self._of_rows[count] = Statement(build_several)
        return statement


def compiled_insert(table: Table, *returning: str, ignore_existing: bool = False) -> Insertion:
    """An INSERT of a whole row, except for a number that the database assigns.

    With `ignore_existing`, a row whose key exists is left unchanged (and returns nothing).
    """
    numbered = table.autoincrement_column
    columns = [column for column in table.columns if column is not numbered]

    def build(dialect: str) -> ClauseElement:
        insert = insert_into(table, dialect)
        if ignore_existing:
            insert = insert.on_conflict_do_nothing()
        if returning:
            insert = insert.returning(*(table.c[name] for name in returning))
        statement: ClauseElement = insert
        return statement

    return Insertion(build, columns)


def compiled_inserts(table: Table, *returning: str) -> Callable[[int], Statement]:
    """An INSERT of several rows in one statement, which leaves existing rows unchanged. The
    parameters are those of `bind_list` for each column."""

    def build(count: int, dialect: str) -> ClauseElement:
        insert = insert_into(table, dialect)
        lists = {column.name: placeholders(column.name, count) for column in table.columns}
        rows = [{name: params[n] for name, params in lists.items()} for n in range(count)]
        statement: ClauseElement = (
            insert.values(rows)
            .on_conflict_do_nothing()
            .returning(*(table.c[name] for name in returning))
        )
        return statement

    return lru_cache(maxsize=64)(lambda count: Statement(partial(build, count)))


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """On PostgreSQL, send statements without waiting for each result (libpq's pipeline mode).

    An error is raised at the next statement that reads, or at the end.
    """
    with _driver(connection).pipeline() if connection.dialect.name != "sqlite" else nullcontext():
        yield


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    order: tuple[tuple[str, Processor], ...]
    """The parameters by position, with what converts each; empty where the driver expects them by
    name."""
    defaults: Mapping[str, Any]
    bind_processors: Mapping[str, Processor]
    """By parameter: converts a Python value to the driver's."""
    result_processors: tuple[Processor, ...]
    make_row: Callable[[Iterable[Any]], Any]

    def bound(self, parameters: Mapping[str, Any]) -> Any:
        values = {**self.defaults, **parameters}
        if self.order:
            return [
                values[name] if process is None else process(values[name])
                for name, process in self.order
            ]
        for name, process in self.bind_processors.items():
            if process is not None:
                values[name] = process(values[name])
        return values

    def read(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        return [
            self.make_row(
                [
                    value if process is None else process(value)
                    for value, process in zip(values, self.result_processors, strict=True)
                ]
            )
            for values in found
        ]


def _compile(
    statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None
) -> _Compiled:
    # The compiler's attributes are not in its public types.
    compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
    processors = {
        name: _dialect_type(bind.type, dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
    }
    results: Sequence[Any] = getattr(statement, "exported_columns", ())
    names = [column.key for column in results]
    return _Compiled(
        sql=compiled.string,
        order=tuple((name, processors[name]) for name in compiled.positiontup or ()),
        defaults={
            name: None if bind.required else bind.value for name, bind in compiled.binds.items()
        },
        bind_processors={
            name: process for name, process in processors.items() if process is not None
        },
        result_processors=tuple(
            _dialect_type(c.type, dialect).result_processor(dialect, None) for c in results
        ),
        make_row=_row_of(names),
    )


def _row_of(names: Sequence[str]) -> Callable[[Iterable[Any]], Any]:
    if not names:
        return tuple
    row_type: Any = namedtuple("Row", names)  # type: ignore[misc]  # names are known at run time
    make: Callable[[Iterable[Any]], Any] = row_type._make
    return make


def _dialect_type(type_: TypeEngine[Any], dialect: Dialect) -> Any:
    return type_.dialect_impl(dialect)


def _driver(connection: Connection) -> Any:
    """sqlite3's or psycopg's own connection; both run a statement with `execute`."""
    return connection.connection.dbapi_connection
