"""The one way to write. A job is a function of a connection; its result comes back committed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.database import Database

T = TypeVar("T")
Job = Callable[[Connection], T]

GROUP_SIZE = 64
"""At most so many jobs share one commit on SQLite: more would only lengthen each one's wait."""
TRIES = 5
_SERIALIZATION_FAILURE = ("40001", "40P01")
"""SQLSTATEs of a serialisation failure and a deadlock: the transaction is to be run again."""


class Conflict(Exception):
    """A guarded write met a row that was not there when the facts were read: decide again."""


class Ledger(Protocol):
    """Runs jobs, each in a transaction of its own or in a savepoint of a shared one."""

    def submit(self, job: Job[T]) -> Future[T]:
        """The job's result once it is committed, or the exception that undid it. Never blocks."""

    def close(self) -> None:
        """Wait for all jobs that were submitted, then stop."""


def open_ledger(database: Database) -> Ledger:
    if database.is_sqlite:
        return SingleWriter(database.engine)
    return Pool(database.engine, database.connections)


class SingleWriter:
    """SQLite: one thread writes; jobs that wait together are committed together (group commit).

    The fsync is what a commit costs, and one serves all jobs of the group. A savepoint for each
    keeps a failing job from touching its neighbours.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T]) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = [first], False
            while len(group) < GROUP_SIZE and not self._jobs.empty():
                item = self._jobs.get()
                if item is None:
                    last = True
                    break
                group.append(item)
            self._commit_together(group)
            if last:
                return

    def _commit_together(self, group: list[tuple[Job[Any], Future[Any]]]) -> None:
        group = [waiting for waiting in group if waiting[1].set_running_or_notify_cancel()]
        outcomes: list[_Outcome] = []
        try:
            with (
                self._engine.connect().execution_options(writes=True) as connection,
                connection.begin(),
            ):
                outcomes = [_attempt(connection, job) for job, _ in group]
        except Exception as error:  # noqa: BLE001 - all are undone: a full disk, a lock held too long
            outcomes = [(None, error)] * len(group)
        for (_, future), (result, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


_Outcome = tuple[Any, Exception | None]


def _attempt(connection: Connection, job: Job[Any]) -> _Outcome:
    """A job in a savepoint of its own: one that fails leaves its neighbours alone."""
    try:
        with connection.begin_nested():
            return job(connection), None
    except Exception as error:  # noqa: BLE001 - the submitter gets it through his future
        return None, error


class Pool:
    """PostgreSQL: a transaction for each job, on as many connections as there are threads."""

    def __init__(self, engine: Engine, connections: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="ledger")

    def submit(self, job: Job[T]) -> Future[T]:
        return self._threads.submit(self._transact, job)

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    def _transact(self, job: Job[T]) -> T:
        for tries_left in reversed(range(TRIES)):
            try:
                with self._engine.begin() as connection:
                    return job(connection)
            except (Conflict, DBAPIError) as error:
                if not tries_left or not _may_be_tried_again(error):
                    raise
        raise AssertionError("the last try returns or raises")


def _may_be_tried_again(error: Exception) -> bool:
    if isinstance(error, Conflict):
        return True
    # psycopg's errors name their SQLSTATE; a lost connection has none and is not tried again here,
    # since its commit may have happened: the sender's retry finds out.
    return getattr(getattr(error, "orig", None), "sqlstate", None) in _SERIALIZATION_FAILURE
