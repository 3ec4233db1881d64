"""The only way to write: all or nothing for each job, whatever its neighbours do."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.exc import OperationalError

from storage.db.database import Connection, Database
from storage.db.group_commit import Job
from storage.db.ledger import TRIES, Conflict, Ledger, ServerWriters, SingleWriter, must_lock
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
def served(postgres_stores: PostgresStores) -> Iterator[tuple[Database, ServerWriters]]:
    """Only PostgreSQL: SQLite has a single writer, and no conflicts."""
    with postgres_stores.lent() as url:
        database = Database(url, connections=2)
        writers = ServerWriters(database.engine, connections=2)
        yield database, writers
        writers.close()
        database.close()


def test_a_job_with_a_conflict_is_run_again(served: tuple[Database, ServerWriters]) -> None:
    database, writers = served
    tries: list[int] = []

    def conflicts_once(connection: Connection) -> str:
        tries.append(1)
        a_mailbox(connection, "a")
        if len(tries) == 1:
            raise Conflict("somebody was first")
        return "done"

    assert writers.submit(conflicts_once).result() == "done"
    assert count(database) == 1


def test_a_permanent_conflict_is_raised_after_the_last_try(
    served: tuple[Database, ServerWriters],
) -> None:
    database, writers = served
    locking: list[bool] = []

    def always_conflicts(connection: Connection) -> None:
        locking.append(must_lock(connection))
        raise Conflict("somebody is always first")

    with pytest.raises(Conflict):
        writers.submit(always_conflicts).result()
    assert locking == [False, *[True] * TRIES], "once in a group, then on its own"
    assert count(database) == 0


def transaction(connection: Connection) -> int:
    """Its number, which it also writes."""
    number = int(connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())
    a_mailbox(connection, f"of-{number}-{threading.get_ident()}-{time.monotonic_ns()}")
    return number


def submitted_together(writers: ServerWriters, jobs: Sequence[Job[Any]]) -> list[Future[Any]]:
    """The jobs wait behind another one, so that they form a group."""
    started, gate = threading.Event(), threading.Event()

    def holds_the_others_back(_: Connection) -> None:
        started.set()
        gate.wait(10)

    writers.submit(holds_the_others_back)
    assert started.wait(10)
    submitted = [writers.submit(job) for job in jobs]
    gate.set()
    return submitted


def test_jobs_that_wait_together_share_a_transaction(
    served: tuple[Database, ServerWriters],
) -> None:
    database, writers = served

    together = submitted_together(writers, [transaction] * 4)

    assert len({job.result(10) for job in together}) == 1
    assert count(database) == 4


def test_a_job_that_waits_for_a_lock_keeps_its_group_only_shortly(
    served: tuple[Database, ServerWriters],
) -> None:
    database, writers = served
    writers.submit(partial(a_mailbox, name="held")).result(10)
    change = update(_mailbox).where(_mailbox.c.address == "held@help.example").values(active=False)

    with database.engine.connect() as other, other.begin():
        other.execute(change)
        waits, passes = submitted_together(
            writers, [lambda c: c.execute(change).rowcount, partial(a_mailbox, name="a")]
        )
        assert passes.result(10) == "a"
        assert not waits.done(), "the other session still has the row"

    assert waits.result(10) == 1


def test_a_group_whose_commit_broke_off_is_not_run_again(
    served: tuple[Database, ServerWriters],
) -> None:
    database, writers = served
    runs: list[int] = []

    def is_the_last_of_its_session(connection: Connection) -> None:
        runs.append(1)
        number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        end = f"SELECT pg_terminate_backend({number}, 10000)"
        assert database.read(lambda c: c.exec_driver_sql(end).scalar_one())

    before, last = submitted_together(writers, [transaction, is_the_last_of_its_session])

    assert isinstance(before.exception(10), OperationalError)
    assert isinstance(last.exception(10), OperationalError)
    assert (len(runs), count(database)) == (1, 0), "it might have been committed"


def test_several_write_at_the_same_time_once_one_mostly_waits(
    postgres_stores: PostgresStores,
) -> None:
    with postgres_stores.lent() as url:
        database = Database(url, connections=4)
        writers, both = ServerWriters(database.engine, 4), threading.Barrier(2, timeout=10)
        for _ in range(10):
            writers.submit(lambda c: c.exec_driver_sql("SELECT pg_sleep(0.02)").all()).result(10)

        meeting = [writers.submit(lambda _: both.wait()) for _ in range(2)]

        assert sorted(job.result(10) for job in meeting) == [0, 1]
        writers.close()
        database.close()
