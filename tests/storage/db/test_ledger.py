"""The only way to write: all or nothing for each job, whatever its neighbours do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import OperationalError

from storage.db.database import Connection, Database
from storage.db.ledger import TRIES, Conflict, Ledger, Pool, SingleWriter
from storage.db.tables import MailboxRow, table
from tests.stores import PostgresStores, SqliteStores

_mailbox = table(MailboxRow)


def a_mailbox(connection: Connection, name: str) -> str:
    row = {"address": f"{name}@help.example", "policy": "default", "active": True}
    connection.execute(insert(_mailbox), row)
    return name


def count(database: Database) -> int:
    return database.read(
        lambda c: c.execute(select(func.count()).select_from(_mailbox)).scalar_one()
    )


def test_a_result_is_committed_when_it_returns(database: Database, ledger: Ledger) -> None:
    assert ledger.submit(lambda c: a_mailbox(c, "a")).result() == "a"
    assert count(database) == 1


def test_a_failing_job_leaves_no_trace_and_its_neighbours_unharmed(
    database: Database, ledger: Ledger
) -> None:
    started = threading.Event()
    gate = threading.Event()

    def holds_the_others_back(connection: Connection) -> None:
        started.set()
        gate.wait(10)

    def fails_halfway(connection: Connection) -> None:
        a_mailbox(connection, "half")
        raise ValueError("no")

    first = ledger.submit(holds_the_others_back)
    started.wait(10)
    before = ledger.submit(partial(a_mailbox, name="a"))
    failing = ledger.submit(fails_halfway)
    after = ledger.submit(partial(a_mailbox, name="b"))
    gate.set()

    assert (first.result(), before.result(), after.result()) == (None, "a", "b")
    assert isinstance(failing.exception(), ValueError)
    assert count(database) == 2


def test_a_cancelled_job_is_not_run(database: Database, ledger: Ledger) -> None:
    started, gate = threading.Event(), threading.Event()

    def holds_the_others_back(connection: Connection) -> None:
        started.set()
        gate.wait(10)

    holding = [ledger.submit(holds_the_others_back) for _ in range(4)]
    started.wait(10)
    waiting = ledger.submit(lambda c: a_mailbox(c, "a"))
    cancelled = waiting.cancel()
    gate.set()
    wait(holding)
    ledger.submit(lambda c: a_mailbox(c, "b")).result()

    assert cancelled
    assert count(database) == 1


def test_closing_waits_for_the_submitted_jobs(database: Database, ledger: Ledger) -> None:
    jobs = [ledger.submit(partial(a_mailbox, name=f"m{n}")) for n in range(20)]
    ledger.close()

    assert all(job.done() for job in jobs)
    assert count(database) == 20


@pytest.fixture
def embedded(sqlite_stores: SqliteStores) -> Iterator[Database]:
    """Only SQLite: PostgreSQL's jobs have no steps."""
    database = Database(sqlite_stores.new())
    yield database
    database.close()


def test_between_the_jobs_of_a_group_their_writes_are_not_visible(embedded: Database) -> None:
    started, gate = threading.Event(), threading.Event()
    seen: list[int] = []

    def run(steps: Iterator[None]) -> None:
        started.set()
        gate.wait(10)
        seen.extend(count(embedded) for _ in steps)

    writer = SingleWriter(embedded.engine, run=run)
    first = writer.submit(partial(a_mailbox, name="first"))
    started.wait(10)
    rest = [writer.submit(partial(a_mailbox, name=f"m{n}")) for n in range(3)]
    gate.set()

    assert [job.result() for job in (first, *rest)] == ["first", "m0", "m1", "m2"]
    assert seen == [1, 1], "twice between three jobs, when only the first is committed"
    writer.close()


def test_a_group_aborted_between_two_jobs_leaves_no_trace(embedded: Database) -> None:
    started, gate = threading.Event(), threading.Event()

    def run(steps: Iterator[None]) -> None:
        started.set()
        gate.wait(10)
        for _ in steps:
            raise RuntimeError("the event loop is closed")
        raise RuntimeError("the event loop is closed")

    writer = SingleWriter(embedded.engine, run=run)
    first = writer.submit(partial(a_mailbox, name="first"))
    started.wait(10)
    rest = [writer.submit(partial(a_mailbox, name=f"m{n}")) for n in range(3)]
    gate.set()

    assert all(isinstance(job.exception(), RuntimeError) for job in (first, *rest))
    assert count(embedded) == 0
    writer.close()


def test_a_writer_that_cannot_open_its_turn_file_still_writes(
    embedded: Database, tmp_path: Path
) -> None:
    turn = tmp_path / "turn"
    turn.mkdir()  # a folder cannot be opened for writing
    writer = SingleWriter(embedded.engine, turn)

    assert writer.submit(partial(a_mailbox, name="a")).result(10) == "a"
    assert count(embedded) == 1
    writer.close()


def test_a_writer_at_work_needs_no_further_descriptor(embedded: Database, tmp_path: Path) -> None:
    turn = tmp_path / "turn"
    writer = SingleWriter(embedded.engine, turn)
    writer.submit(partial(a_mailbox, name="a")).result(10)
    turn.unlink()

    writer.submit(partial(a_mailbox, name="b")).result(10)

    assert not turn.exists(), "it was opened once, and stays open"
    writer.close()


def test_no_fault_of_a_job_ends_the_writer(database: Database, ledger: Ledger) -> None:
    def exits(_: Connection) -> None:
        raise SystemExit(1)

    assert isinstance(ledger.submit(exits).exception(10), SystemExit)
    assert ledger.submit(partial(a_mailbox, name="a")).result(10) == "a"
    assert count(database) == 1


def test_a_transaction_that_cannot_begin_fails_its_whole_group_at_once(
    embedded: Database,
) -> None:
    begun: list[int] = []

    def refuse(_: Connection, *arguments: object) -> None:
        if "BEGIN IMMEDIATE" in str(arguments[1]):
            begun.append(1)
            if len(begun) > 1:
                raise sqlite3.OperationalError("database is locked")

    gate, started = threading.Event(), threading.Event()

    def holds_the_others_back(_: Connection) -> None:
        started.set()
        gate.wait(10)

    event.listen(embedded.engine, "before_cursor_execute", refuse)
    writer = SingleWriter(embedded.engine)
    writer.submit(holds_the_others_back)
    started.wait(10)
    group = [writer.submit(partial(a_mailbox, name=f"m{n}")) for n in range(5)]
    gate.set()

    assert {type(job.exception(10)) for job in group} == {OperationalError}
    assert len(begun) == 2, "each job alone would have waited for the lock again"
    writer.close()


def test_closing_does_not_wait_for_a_store_that_never_responds(
    database: Database, ledger: Ledger
) -> None:
    gate = threading.Event()
    stuck = ledger.submit(lambda _: gate.wait(30))

    ledger.close(timeout_s=0.1)

    assert not stuck.done()
    gate.set()


@pytest.fixture
def pooled(postgres_stores: PostgresStores) -> Iterator[tuple[Database, Pool]]:
    """Only PostgreSQL: on SQLite, with its single writer, there are no conflicts."""
    database = Database(postgres_stores.new(), connections=2)
    pool = Pool(database.engine, 2)
    yield database, pool
    pool.close()
    database.close()


def test_a_job_with_a_conflict_is_run_again(pooled: tuple[Database, Pool]) -> None:
    database, pool = pooled
    tries: list[int] = []

    def conflicts_once(connection: Connection) -> str:
        tries.append(1)
        a_mailbox(connection, "a")
        if len(tries) == 1:
            raise Conflict("somebody was first")
        return "done"

    assert pool.submit(conflicts_once).result() == "done"
    assert count(database) == 1


def test_a_permanent_conflict_is_raised_after_the_last_try(pooled: tuple[Database, Pool]) -> None:
    database, pool = pooled
    tries: list[int] = []

    def always_conflicts(connection: Connection) -> None:
        tries.append(1)
        raise Conflict("somebody is always first")

    with pytest.raises(Conflict):
        pool.submit(always_conflicts).result()
    assert len(tries) == TRIES
    assert count(database) == 0
