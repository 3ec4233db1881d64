"""The server with one defect: it answers 250 before the commit. Not part of the product.

The kill tests run it to prove that they detect lost mail.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import Any, TypeVar

import gateway.mail_services
from gateway import cli
from storage.db.database import Connection, Database
from storage.db.group_commit import CLOSE_S, Job
from storage.db.ledger import Ledger

GROUP_SIZE = 1000
"""The number of jobs that are committed together. It exceeds the number of mails between two kills,
so that each kill loses some."""

T = TypeVar("T")


class EarlyLedger:
    """Runs jobs one after another, returns each result at once, commits when a group is full."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._jobs: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def submit(self, job: Job[T], *, apart: bool = False) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Commit the remaining jobs."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        with self._engine.connect() as connection:
            while self._run_group(connection):
                pass

    def _run_group(self, connection: Connection) -> bool:
        """Run and commit one group; False if the ledger was closed meanwhile."""
        with connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            for _ in range(GROUP_SIZE):
                item = self._jobs.get()
                if item is None:
                    return False
                job, future = item
                try:
                    result = job(connection)
                except Exception as error:  # noqa: BLE001 - passed on to the submitter
                    future.set_exception(error)
                else:
                    future.set_result(result)
        return True


def open_early_ledger(database: Database, _: object) -> Ledger:
    return EarlyLedger(database)


if __name__ == "__main__":
    vars(gateway.mail_services)["open_ledger"] = open_early_ledger
    cli.main()
