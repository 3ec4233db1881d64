"""What a test enrols first, written by the program once in a process and then copied.

To enrol a mailbox with its people takes a dozen statements and as many checks, and more than a
thousand tests begin with the same people. The first of them runs the program; the others insert the
rows that it wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, insert, select

from storage.db.tables import MailboxRow, SigningKeyRow, metadata, table

T = TypeVar("T")


@dataclass(frozen=True)
class Written:
    """What a function wrote into an empty store, and what it returned."""

    result: object
    rows: Mapping[str, Sequence[dict[str, Any]]]
    sequences: Sequence[tuple[str, int]]
    """Of PostgreSQL: the last number that each has given."""


_ENROLLED = (table(SigningKeyRow), table(MailboxRow))
_written: dict[tuple[Hashable, str], Written] = {}


def filled(connection: Connection, fill: Callable[[Connection], T]) -> T:
    """Fills an empty store as `fill` did when it was first called, and returns what it returned.

    `fill` may write nothing but rows that suit every test: times and keys are those of the first.
    In a store that has a key or a mailbox already, the program itself fills what is missing.
    """
    if any(connection.execute(select(each).limit(1)).first() for each in _ENROLLED):
        return fill(connection)
    key = (fill, connection.dialect.name)
    if key not in _written:
        before = _rows(connection)
        result = fill(connection)
        added = {
            name: [row for row in rows if row not in before[name]]
            for name, rows in _rows(connection).items()
        }
        _written[key] = Written(result, added, _sequences(connection))
        return result
    written = _written[key]
    for name, rows in written.rows.items():
        if rows:
            connection.execute(insert(metadata.tables[name]), rows)
    for name, last in written.sequences:
        connection.exec_driver_sql(f"SELECT setval('{name}', {last})")
    return cast("T", written.result)


def _rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Those of each table, the tables in the order in which they refer to each other."""
    return {
        each.name: [dict(row) for row in connection.execute(select(each)).mappings()]
        for each in metadata.sorted_tables
    }


def _sequences(connection: Connection) -> list[tuple[str, int]]:
    if connection.dialect.name == "sqlite":
        return []
    found = connection.exec_driver_sql(
        "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
    )
    return [(name, last) for name, last in found]
