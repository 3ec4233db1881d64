"""Group commit: jobs that wait together share a transaction, and so its commit."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from storage.db.threads import Threads

T = TypeVar("T")
Job = Callable[[Connection], T]

GROUP_SIZE = 16
"""At most this many jobs share one commit: more would only lengthen each one's wait."""
CLOSE_S = 20.0
"""How long a stop waits for jobs; a store that does not respond must not keep the process."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job, and the future that gets its result."""

    job: Job[Any]
    future: Future[Any]
    apart: bool = False
    """It may take more than a few milliseconds."""


@dataclass(slots=True)
class Group:
    """The jobs of one transaction, and how far it came."""

    jobs: Sequence[Submitted]
    begun: bool = False
    results: list[Any] = field(default_factory=list)

    @property
    def decided(self) -> bool:
        """All jobs have run: a failure since then is one of the commit, which may have happened."""
        return len(self.results) == len(self.jobs)

    def steps(self, connection: Connection) -> Iterator[None]:
        """Run the jobs; yields between two of them."""
        for each in self.jobs:
            if self.results:
                yield
            self.results.append(each.job(connection))

    def settle(self) -> None:
        """Hand over the results of a committed transaction."""
        for each, result in zip(self.jobs, self.results, strict=True):
            each.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Hand over the error to each job that has no result yet."""
        for each in self.jobs:
            if not each.future.done():
                each.future.set_exception(error)


class GroupCommit(ABC):
    """Takes the jobs that wait, up to `GROUP_SIZE`, and commits them together.

    The round trips and the fsync of a commit serve all jobs of the group. If a job fails, the group
    is rolled back, and each job is run again in a transaction of its own, so that none takes its
    neighbours with it.

    Whatever happens to a group, each of its jobs gets a result or an exception, and the next group
    follows.
    """

    def __init__(self, engine: Engine, threads: Threads, writers: Callable[[], int]) -> None:
        """`writers` is how many groups may be written at the same time, each in a thread."""
        self._engine = engine
        self._threads = threads
        self._writers = writers
        self._waiting: deque[Submitted] = deque()
        self._writing = 0
        """Writers that run."""
        self._free = 0
        """Those of them that have no group."""
        self._lock = threading.Lock()

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._writing < self._writers():
                self._threads.submit(self._write)
                self._writing += 1
                self._free += 1
            self._waiting.append(Submitted(job, future, apart))
        return future

    def _write(self) -> None:
        """Write groups until no job waits."""
        while jobs := self._take():
            group = Group([each for each in jobs if each.future.set_running_or_notify_cancel()])
            try:
                if group.jobs:
                    self._commit(group)
            except BaseException as error:  # noqa: BLE001 - the submitters get it
                group.fail(error)
            with self._lock:
                self._free += 1

    def _take(self) -> Sequence[Submitted]:
        """What this writer writes next: its share of what waits. If that is nothing, it ends."""
        with self._lock:
            free = self._free + max(0, self._writers() - self._writing)
            number = min(GROUP_SIZE, math.ceil(len(self._waiting) / free))
            self._free -= 1
            if not number:
                self._writing -= 1
            return [self._waiting.popleft() for _ in range(number)]

    @abstractmethod
    def _commit(self, group: Group) -> None:
        """Write a group. Each of its jobs has a result or an exception afterwards; what is raised
        is that of those that have none."""

    def _transact(
        self,
        group: Group,
        begin: Callable[[Connection], None],
        run: Callable[[Iterator[None]], None],
    ) -> None:
        """Run all jobs in one transaction, and commit it."""
        with self._engine.connect() as connection, connection.begin():
            begin(connection)
            group.begun = True
            run(group.steps(connection))
