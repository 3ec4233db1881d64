"""A job that fails in the middle of a result leaves connections that read and write as before.

What was raised keeps its frames, and they keep the statement. SQLite ends no transaction before
each of its statements was read to the end, or closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.db.statements import compiled_insert
from storage.db.tables import NodeRow, table

_node = table(NodeRow)
_INSERT = compiled_insert(_node, "id")
BEFORE = [UUID(int=number) for number in range(1, 4)]
FAILING = UUID(int=4)
LATER = [UUID(int=number) for number in range(5, 20)]


def arrive(connection: Connection, nodes: Sequence[UUID]) -> None:
    connection.execute(insert(_node), [{"id": node, "beats": 1} for node in nodes])


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(_node)).scalar_one()


def fails_while_it_reads(connection: Connection) -> None:
    rows = connection.execute(select(_node))
    for row in rows:
        raise OSError(f"no descriptor is left for {row.id}")


def fails_before_it_reads_what_it_wrote(connection: Connection) -> None:
    written = _INSERT.submit(connection, id=FAILING, beats=1)
    raise OSError(f"no descriptor is left for {written}")


@pytest.mark.parametrize("fails", [fails_while_it_reads, fails_before_it_reads_what_it_wrote])
def test_after_a_failure_in_a_write_every_connection_writes(
    database: Database, ledger: Ledger, fails: Callable[[Connection], None]
) -> None:
    ledger.submit(lambda c: arrive(c, BEFORE)).result()

    failed = [ledger.submit(fails).exception() for _ in range(8)]
    assert {type(each) for each in failed} == {OSError}

    for node in LATER:  # the pool gives its connections in turn
        ledger.submit(partial(arrive, nodes=[node])).result()
    assert database.read(count) == len(BEFORE) + len(LATER)


def test_after_a_failure_in_a_read_every_connection_sees_what_is_written(
    database: Database, ledger: Ledger
) -> None:
    ledger.submit(lambda c: arrive(c, BEFORE)).result()

    failed = [database.submit_read(fails_while_it_reads).exception() for _ in range(8)]
    assert {type(each) for each in failed} == {OSError}

    for seen, node in enumerate(LATER, start=1 + len(BEFORE)):
        ledger.submit(partial(arrive, nodes=[node])).result()
        assert {database.submit_read(count).result() for _ in range(6)} == {seen}
