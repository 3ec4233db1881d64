"""The only way to write: a job is a function of a connection, and its result is committed."""

from __future__ import annotations

import fcntl
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from storage.db.database import Database, store_down
from storage.db.threads import Threads

T = TypeVar("T")
Job = Callable[[Connection], T]
_Submitted = tuple[Job[Any], Future[Any], bool]
"""A job, its result, and whether it runs apart."""

GROUP_SIZE = 16
"""At most this many jobs share one commit on SQLite: more would only lengthen each one's wait."""
TRIES = 5
CLOSE_S = 20.0
"""How long a stop waits for jobs; a store that does not respond must not keep the process."""
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


def _run_inline(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def open_ledger(database: Database, run: Run = _run_inline) -> Ledger:
    """`run` determines where SQLite's jobs run; PostgreSQL's run in a thread per connection."""
    if database.is_sqlite:
        return SingleWriter(database.engine, database.lock_file, run)
    return Pool(database.engine, database.connections)


class SingleWriter:
    """SQLite: one thread writes; jobs that wait together are committed together (group commit).

    The fsync dominates the cost of a commit, and one serves all jobs of the group. If a job fails,
    the group is rolled back, and each job is run again in a transaction of its own. Savepoints
    would not help: an error such as a full disk can make SQLite roll back the whole transaction
    including its savepoints, while the driver continues as if it were still open. If the
    transaction cannot even begin, all jobs of the group fail: each alone would wait as long again.

    Nothing ends the thread: whatever happens to a group, each of its jobs gets a result or an
    exception, and the next group follows.

    All waiting (for the turn, for the disk) happens in the writer's thread. Each job computes for a
    few hundred microseconds; a server runs them in its event loop's thread, since two computing
    threads only wait for each other's interpreter lock, at every statement. Each job is a step of
    its own, so that a group does not block the loop as a whole. A group with a job that runs apart
    runs in the writer's thread.
    """

    def __init__(self, engine: Engine, lock: Path | None = None, run: Run = _run_inline) -> None:
        """`lock` is a file by which the writers of several processes take turns.

        SQLite itself waits in growing sleeps, so that a busy writer starves the others.
        """
        self._engine = engine
        self._lock = lock
        self._turn_file: IO[bytes] | None = None
        self._run_jobs = run
        self._jobs: queue.SimpleQueue[_Submitted | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((job, future, apart))
        return future

    def close(self, timeout_s: float = CLOSE_S) -> None:
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        last = False
        while not last and (first := self._jobs.get()) is not None:
            group = [first]
            while len(group) < GROUP_SIZE and not self._jobs.empty():
                item = self._jobs.get()
                if item is None:
                    last = True
                    break
                group.append(item)
            self._commit_group([w for w in group if w[1].set_running_or_notify_cancel()])
        if self._turn_file is not None:
            self._turn_file.close()

    def _commit_group(self, group: list[_Submitted]) -> None:
        """Every job of the group has a result or an exception when this returns."""
        try:
            with self._turn():
                self._commit_together(group)
        except BaseException as error:  # noqa: BLE001 - the thread must outlive any fault
            for _, future, _ in group:
                if not future.done():
                    future.set_exception(error)

    def _commit_together(self, group: list[_Submitted]) -> None:
        results: list[Any] = []
        begun = False
        try:
            with self._engine.connect() as connection, connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                begun = True
                run = _run_inline if any(apart for _, _, apart in group) else self._run_jobs
                run(_one_by_one([job for job, _, _ in group], connection, results))
        except Exception as error:
            if not begun:
                raise
            if len(group) == 1:
                group[0][1].set_exception(error)
            for submitted in group if len(group) > 1 else ():
                self._commit_together([submitted])
            return
        for (_, future, _), result in zip(group, results, strict=True):
            future.set_result(result)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """This process's turn to write.

        Without the file (no descriptor is free, the folder is read-only) SQLite's own lock still
        keeps the writers apart, though less fairly.
        """
        file = self._open_turn_file()
        if file is None:
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _open_turn_file(self) -> IO[bytes] | None:
        """Kept open: a writer that is at work needs no further descriptor."""
        if self._turn_file is None and self._lock is not None:
            with suppress(OSError):
                self._turn_file = self._lock.open("ab")
        return self._turn_file


def _one_by_one(
    jobs: Iterable[Job[Any]], connection: Connection, results: list[Any]
) -> Iterator[None]:
    """Run the jobs and append their results; yields between two of them."""
    for job in jobs:
        if results:
            yield
        results.append(job(connection))


class Pool:
    """PostgreSQL: one transaction for each job, in a pool of threads with a connection each."""

    def __init__(self, engine: Engine, connections: int) -> None:
        self._engine = engine
        self._threads = Threads(connections, "ledger")

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:  # noqa: ARG002 - all do
        return self._threads.submit(partial(self._transact, job))

    def close(self, timeout_s: float = CLOSE_S) -> None:
        self._threads.close(timeout_s)

    def _transact(self, job: Job[T]) -> T:
        for tries_left in reversed(range(TRIES)):
            decided = False
            try:
                with self._engine.connect() as connection, connection.begin():
                    if tries_left < TRIES - 1:
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
