"""The only way to write: a job is a function of a connection, and its result is committed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from storage.db.database import Database, store_down
from storage.db.group_commit import CLOSE_S, Group, GroupCommit, Job, Submitted
from storage.db.threads import Threads
from storage.db.writers_turn import WritersTurn

T = TypeVar("T")

TRIES = 5
GROUP_LIMITS = (
    "SELECT set_config('lock_timeout', '250ms', true), set_config('statement_timeout', '2s', true)"
)
"""How long PostgreSQL may keep a group: its other jobs wait for the same commit. A job that needs
longer is run again on its own, with the limits of its connection."""
BUSY_SHARE = 0.4
"""A writer that computes for this share of its time leaves another one no work: for about as long,
the server computes for it."""
LATEST = 0.2
"""The weight of the latest group in what a writer's share is taken to be."""
_LOST_RACE = ("40001", "40P01", "23503")
"""SQLSTATEs of a serialisation failure, of a deadlock, and of a reference to a row that was left
out because another transaction had just written the same: the transaction must be run again."""


_LOCKING = "postern_locking"


class Conflict(Exception):
    """A guarded write met a row that is not as it was when the facts were read: decide again."""


def must_lock(connection: Connection) -> bool:
    """Whether this job had a conflict before: it then locks the tickets that it reads.

    Many writers on one ticket would otherwise defeat each other until their tries run out.
    """
    return bool(connection.get_execution_options().get(_LOCKING))


class Ledger(Protocol):
    """Runs jobs in transactions: a job is committed or leaves no trace."""

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:
        """The job's result once committed, or the exception that rolled it back. Never blocks.

        `apart` is for a job of more than a few milliseconds: it never runs in the server's event
        loop, but in a thread of the ledger.
        """

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Wait for all jobs that were submitted, but not longer, then stop."""


Run = Callable[[Iterator[None]], None]
"""Runs all steps in some thread and waits for the end; raises what a step raised.

Between two steps that thread may do other work.
"""


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _limit_group(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    with driver.pipeline():  # in one round trip with BEGIN
        driver.execute(GROUP_LIMITS)


def _run_inline(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def open_ledger(database: Database, run: Run = _run_inline) -> Ledger:
    """`run` determines where SQLite's jobs run; PostgreSQL's run in threads of the ledger."""
    if database.is_sqlite:
        return SingleWriter(database.engine, database.lock_file, run)
    return ServerWriters(database.engine, database.connections)


class SingleWriter(GroupCommit):
    """SQLite: one thread writes.

    The jobs of a group that failed are run again in that thread. Savepoints would not help: an
    error such as a full disk can make SQLite roll back the whole transaction including its
    savepoints, while the driver continues as if it were still open. If the transaction cannot even
    begin, all jobs of the group fail: each alone would wait as long again.

    All waiting (for the turn, for the disk) happens in the writer's thread. Each job computes for a
    few hundred microseconds; a server runs them in its event loop's thread, since two computing
    threads only wait for each other's interpreter lock, at every statement. Each job is a step of
    its own, so that a group does not block the loop as a whole. A group with a job that runs apart
    runs in the writer's thread.
    """

    def __init__(self, engine: Engine, lock: Path | None = None, run: Run = _run_inline) -> None:
        """`lock` is a file by which the writers of several processes take turns."""
        super().__init__(engine, Threads(1, "ledger"), lambda: 1)
        self._turn = WritersTurn(lock)
        self._run_jobs = run

    def close(self, timeout_s: float = CLOSE_S) -> None:
        if self._threads.close(timeout_s):
            self._turn.close()

    def _commit(self, group: Group) -> None:
        with self._turn.taken():
            self._commit_together(group)

    def _commit_together(self, group: Group) -> None:
        run = _run_inline if any(each.apart for each in group.jobs) else self._run_jobs
        try:
            self._transact(group, _begin_immediate, run)
        except Exception:
            if not group.begun or len(group.jobs) == 1:
                raise
            for each in group.jobs:
                self._commit_alone(Group([each]))
        else:
            group.settle()

    def _commit_alone(self, group: Group) -> None:
        try:
            self._commit_together(group)
        except Exception as error:  # noqa: BLE001 - the submitter gets it
            group.fail(error)


class ServerWriters(GroupCommit):
    """PostgreSQL: as many writers as find something to compute.

    Next to an idle server the time of a mail is CPU time, and one writer does most. While it mostly
    waits, for a network or for a machine that others use, several wait at the same time.

    A job that runs apart has a transaction of its own, and so has each job of a group that failed:
    in threads next to the writer's, so that a job which waits for a lock keeps no other one. No
    more of them begin than there are connections; until then the writer waits, and a caller who
    gives up waiting for a job that has not begun withdraws it.
    """

    def __init__(self, engine: Engine, connections: int) -> None:
        def writers() -> int:
            return max(1, min(connections, int(BUSY_SHARE / self.computing)))

        # One more, so that writers without a pause keep no job that runs apart.
        super().__init__(engine, Threads(connections + 1, "ledger"), writers)
        self.computing = 1.0
        """The share of its time for which a writer computed lately."""
        self._alone = threading.Semaphore(connections)
        self._closing = False

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:
        return self._threads.submit(partial(self._retried, job)) if apart else super().submit(job)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        with self._lock:
            self._closing = True
        self._threads.close(timeout_s)

    def _commit(self, group: Group) -> None:
        try:
            with self._measured():
                self._transact(group, _limit_group, _run_inline)
        except Exception as error:
            if group.decided and not _is_retryable(error):
                raise  # it may be committed: the senders' retries find out
            of_the_store = isinstance(error, store_down(Conflict))
            if len(group.jobs) == 1 and not of_the_store:
                raise
            for each in group.jobs:
                self._submit_alone(each, must_lock=isinstance(error, Conflict))
        else:
            group.settle()

    @contextmanager
    def _measured(self) -> Iterator[None]:
        began_s, computed_s = time.perf_counter(), time.thread_time()
        yield
        took_s, computed_s = time.perf_counter() - began_s, time.thread_time() - computed_s
        self.computing += LATEST * (computed_s / took_s - self.computing)

    def _submit_alone(self, each: Submitted, *, must_lock: bool) -> None:
        def run() -> None:
            try:
                each.future.set_result(self._retried(each.job, must_lock=must_lock))
            except BaseException as error:  # noqa: BLE001 - the submitter gets it
                each.future.set_exception(error)
            finally:
                self._alone.release()

        self._alone.acquire()
        with self._lock:
            closing = self._closing
            if not closing:
                self._threads.submit(run)
        if closing:
            run()

    def _retried(self, job: Job[T], *, must_lock: bool = False) -> T:
        """The result of a job in a transaction of its own, which is run again after a conflict."""
        for tries_left in reversed(range(TRIES)):
            decided = False
            try:
                with self._engine.connect() as connection, connection.begin():
                    if must_lock or tries_left < TRIES - 1:
                        connection.execution_options(**{_LOCKING: True})
                    result = job(connection)
                    decided = True
                return result
            except store_down(Conflict) as error:
                # A connection that broke before the commit has changed nothing. One that broke
                # during the commit may have changed something: the sender's retry finds out.
                lost = not decided and _is_of_the_connection(error)
                if not tries_left or not (lost or _is_retryable(error)):
                    raise
        raise AssertionError("the last try returns or raises")


def _is_of_the_connection(error: Exception) -> bool:
    """Raised by PostgreSQL's driver itself, not by a statement of SQLAlchemy."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, driver.OperationalError)


def _is_retryable(error: Exception) -> bool:
    if isinstance(error, Conflict):
        return True
    cause = getattr(error, "orig", error)  # SQLAlchemy wraps the driver's errors
    return getattr(cause, "sqlstate", None) in _LOST_RACE
