"""The store hangs: each mail is answered 451 in time, readiness reports it, and all of it recovers.

A store that is down refuses at once (test_store_down.py). Here it does not respond at all, or the
server can open no file.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.launch import preloaded
from tests.faults.load_mails import load_mail
from tests.faults.node import Node, is_in_time, running
from tests.faults.reconciliation import enrol, reconcile
from tests.faults.retrying_senders import RetryingSenders, Session, running_senders
from tests.stores import PostgresStores, SqliteStores, postgres

ANSWERED_WITHIN_S = 10 + 5
"""The promise, and an allowance for a busy machine."""


@pytest.fixture
def own_postgres() -> Iterator[PostgresStores]:
    """A PostgreSQL server that no other test uses."""
    with postgres() as stores:
        yield stores


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def stopped(stores: PostgresStores) -> Iterator[None]:
    """All processes of the PostgreSQL server are stopped, as if the network were cut."""
    postmaster = int((Path(stores.server.pgdata) / "postmaster.pid").read_text().split()[0])
    processes = [postmaster, *children(postmaster)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)


@contextmanager
def locked_table(store_url: str) -> Iterator[None]:
    """Another session holds a lock on PostgreSQL that no mail can do without."""
    with psycopg.connect(store_url) as holder:
        holder.execute("LOCK TABLE ticket IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


@contextmanager
def locked_file(store_url: str) -> Iterator[None]:
    """Another process holds SQLite's write lock."""
    path = store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def answers_while_stuck(
    node: Node, store_url: str, stuck: Callable[[], AbstractContextManager[None]]
) -> None:
    """Under load: 451 in time and 503 while it lasts; afterwards nothing is lost."""
    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        senders.wait_for_more(30)
        with stuck():
            seconds = [refusal_s(node, number) for number in (900_001, 900_002)]
            ready = node.readiness()
        senders.wait_for_more(30)
        senders.finish()
        recovered = node.readiness()
        node.terminate()

    assert is_in_time(max(seconds), ANSWERED_WITHIN_S)
    assert (ready, recovered) == (503, 200)
    assert {code for code, _ in senders.refusals} <= {451}
    assert senders.cut_after_dot == 0
    assert reconcile(store_url, senders.acknowledged).faults() == {}


def refusal_s(node: Node, number: int) -> float:
    """Offer one mail, which must be refused for now; the number of seconds that this took."""
    began = time.monotonic()
    with closing(Session(node.smtp)) as session:
        code, text = session.deliver(load_mail(number))
    assert code == 451, text
    return time.monotonic() - began


def test_a_postgresql_that_does_not_respond_is_answered_451_in_time(
    own_postgres: PostgresStores, tmp_path: Path
) -> None:
    store_url = enrol(own_postgres.new())
    node = Node(tmp_path, store_url, launch=preloaded)

    answers_while_stuck(node, store_url, lambda: stopped(own_postgres))


def test_a_lock_that_somebody_holds_is_answered_451_in_time(
    postgres_stores: PostgresStores, tmp_path: Path
) -> None:
    store_url = enrol(postgres_stores.new())
    node = Node(tmp_path, store_url, launch=preloaded)

    answers_while_stuck(node, store_url, lambda: locked_table(store_url))


def test_a_locked_sqlite_file_is_answered_451_in_time(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    store_url = enrol(sqlite_stores.new())
    node = Node(tmp_path, store_url, launch=preloaded)

    answers_while_stuck(node, store_url, lambda: locked_file(store_url))


def test_a_server_that_waits_for_its_store_still_stops(
    own_postgres: PostgresStores, tmp_path: Path
) -> None:
    store_url = enrol(own_postgres.new())
    node = Node(tmp_path, store_url, launch=preloaded, extra="[limits]\ngrace_s = 1\n")

    with running(node), stopped(own_postgres):
        refusal_s(node, 1)
        code, _ = node.terminate()

    assert code == 0


@pytest.mark.parametrize("spare", [0, 2])
def test_a_server_without_descriptors_recovers(enrolled: str, tmp_path: Path, spare: int) -> None:
    node = Node(tmp_path, enrolled, launch=preloaded)

    with running(node), running_senders(RetryingSenders([node.smtp])) as senders:
        senders.wait_for_more(20)
        with descriptors(node, len(os.listdir(f"/proc/{node.pid}/fd")) + spare):
            for number in range(4):
                attempt(node, number)
        senders.wait_for_more(30)
        senders.finish()
        recovered = node.readiness()
        code, _ = node.terminate()

    assert (recovered, code) == (200, 0)
    assert senders.cut_after_dot == 0, "a client that waits after its dot gets an answer"
    assert reconcile(enrolled, senders.acknowledged).faults() == {}


def attempt(node: Node, number: int) -> None:
    """Try one mail on a new connection, whatever the answer."""
    try:
        with closing(Session(node.smtp, timeout_s=1)) as session:
            session.deliver(load_mail(800_000 + number))
    except OSError:
        pass


@contextmanager
def descriptors(node: Node, number: int) -> Iterator[None]:
    """Limit the number of files that the node may have open."""
    before = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (number, before[1]))
    try:
        yield
    finally:
        resource.prlimit(node.pid, resource.RLIMIT_NOFILE, before)
