"""Postern as a target: the real command on a new store, on SQLite or PostgreSQL."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from tests import running
from tests.bench import profile
from tests.bench.client import Sent
from tests.bench.load import Load
from tests.bench.outbox import OutboxWatch
from tests.bench.processes import STOP_S, Failed, free_ports, program, until
from tests.bench.surroundings import LoadKind, Surroundings
from tests.bench.targets import MAILBOX, START_S, OutboxFigures, RunningTarget
from tests.stores import postgres

DURABILITY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")
"""The settings of PostgreSQL on which the durability of a commit depends."""
_FILED = """
SELECT mail.message_id FROM mail
JOIN ticket ON ticket.id = mail.ticket_id
JOIN comment ON comment.ticket_id = ticket.id AND comment.journal_id = mail.journal_id
"""
_VERDICTS = "SELECT verdict, count(*) FROM journal GROUP BY verdict"

Query = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Store:
    """An empty store: its URL, a way to query it, and the processes that serve it."""

    url: str
    query: Query
    helpers: tuple[int, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


@dataclass
class RunningPostern(RunningTarget):
    """A running Postern, whose store is checked at the end."""

    load: Load = field(kw_only=True)
    query: Query = field(kw_only=True)
    watch: OutboxWatch | None = field(kw_only=True)
    """Of the notices; None if nobody looks at them."""

    def delivered_s(self, sent: Sent, /) -> float | None:
        if self.watch is None:
            return None
        self.watch.wait_until_empty()
        return time.time() - sent.started_at

    def outbox(self) -> OutboxFigures:
        return OutboxFigures() if self.watch is None else self.watch.figures()

    def finish(self, sent: Sent, /) -> list[str]:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S)
        faults = [f"postern ended with {code}"] if code else []
        if self.watch is not None:
            faults += self.watch.faults()
        return faults + audit(self.query, self.load, sent)


@dataclass(frozen=True, slots=True)
class PosternTarget:
    """`postern serve` on one kind of store with a number of workers."""

    kind: str
    """`sqlite` or `postgres`."""
    load_kind: LoadKind
    workers: int
    profiles: Path | None = None
    """A folder for profiles of the server, which slow it down."""

    @property
    def name(self) -> str:
        return f"postern-{self.kind} -w{self.workers}"

    def missing(self) -> str | None:
        return None

    @contextmanager
    def running(self, folder: Path, load: Load, /) -> Iterator[RunningTarget]:
        with STORES[self.kind](folder) as store, self.load_kind.around(folder) as around:
            config = _configure(folder, store.url, around)
            enrol(config, load.senders)
            _enrol_staff(store.url, around.staff)
            smtp = choose_ports(config)
            log = folder / "postern.log"
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
            with program([*command, "--workers", str(self.workers)], log) as process:
                until(process, lambda: _started(log, self.workers), START_S, "postern serve")
                with (
                    profile.of([process.pid], self.profiles, self.name),
                    _watching(store, around) as watch,
                ):
                    yield RunningPostern(
                        process,
                        smtp,
                        store.helpers,
                        store.notes,
                        load=load,
                        query=store.query,
                        watch=watch,
                    )


@contextmanager
def _watching(store: Store, around: Surroundings) -> Iterator[OutboxWatch | None]:
    """The watch of the notices; None if no relay takes them."""
    if around.relay is None:
        yield None
        return
    watch = OutboxWatch(store.url, around.relay)
    try:
        yield watch
    finally:
        watch.stop()


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """A SQLite file in the folder."""
    path = folder / "postern.db"

    def query(sql: str) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(sql).fetchall()

    yield Store(f"sqlite:///{path}", query)


@contextmanager
def postgresql(folder: Path) -> Iterator[Store]:
    """A new PostgreSQL server. Raises Failed if its commits are not durable."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder.parent)
    try:
        server = postgres(durable=True)
        stores = server.__enter__()
    finally:
        tempfile.tempdir = before
    try:
        url = stores.empty()

        def query(sql: str) -> Sequence[Sequence[Any]]:
            with psycopg.connect(url) as connection:
                return connection.execute(sql.encode()).fetchall()

        notes = {name: query(f"SHOW {name}")[0][0] for name in DURABILITY_SETTINGS}
        if lax := [name for name in DURABILITY_SETTINGS[:3] if notes[name] != "on"]:
            raise Failed(f"PostgreSQL runs with {', '.join(lax)} not on")
        yield Store(url, query, (stores.server.get_pid(),), notes)
    finally:
        server.__exit__(None, None, None)


STORES = {"sqlite": sqlite, "postgres": postgresql}


def _configure(folder: Path, url: str, around: Surroundings) -> Path:
    path = folder / "postern.toml"
    path.write_text(
        '[smtp]\nlisten = "127.0.0.1:0"\n'
        '[http]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
        f'[store]\nurl = "{url}"\n{around.settings}' + running.generous(folder, **around.policy)
    )
    return path


def choose_ports(config: Path) -> int:
    """Replace the ports 0 of a configuration, which several workers cannot share, by free ones; the
    port of SMTP.

    To be called just before the start, so that no other program takes one until then.
    """
    smtp, http = free_ports(2)
    text = config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{smtp}", 1)
    config.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{http}"))
    return smtp


def enrol(config: Path, senders: Sequence[str]) -> None:
    """Prepare the store and register every sender with the operator's commands.

    Each domain of the senders becomes a company of that name.
    """
    users = config.parent / "users.csv"
    with users.open("w", newline="") as file:
        rows = [(address, address.partition("@")[2], address) for address in senders]
        csv.writer(file).writerows([("address", "company", "name"), *rows])
    _command(config, "init")
    _command(config, "mailbox", "add", MAILBOX)
    for domain in sorted({address.partition("@")[2] for address in senders}):
        _command(config, "company", "add", domain, "--domain", domain)
    _command(config, "users", "import", str(users))


def _enrol_staff(store_url: str, staff: Sequence[str]) -> None:
    """As `postern staff add` does, which takes a process for each."""

    def add(connection: Connection) -> None:
        mailbox = mailbox_named(connection, MAILBOX)
        for address in staff:
            add_person(connection, mailbox, NewPerson(address, "", Role.STAFF, None))

    database = Database(store_url, connections=1)
    ledger = open_ledger(database)
    try:
        ledger.submit(add).result()
    finally:
        ledger.close()
        database.close()


def _command(config: Path, *arguments: str) -> None:
    done = running.postern(*arguments, "--config", str(config))
    if done.returncode:
        raise Failed(f"postern {' '.join(arguments)}: {done.returncode}\n{done.stderr}")


def _started(log: Path, workers: int) -> bool | None:
    """True once each worker has logged that its sockets are open, until then None."""
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]
    events = Counter(json.loads(line).get("event") for line in lines)
    return True if events["started"] >= workers else None


def audit(query: Query, load: Load, sent: Sent) -> list[str]:
    """Compare the mails that were answered 250 with the store; a text for each difference."""
    verdicts = {str(verdict): int(count) for verdict, count in query(_VERDICTS)}
    filed = Counter(str(row[0]).strip("<>") for row in query(_FILED))
    accepted = set(sent.accepted)
    wanted = {mail.message_id() for mail in load.mails if mail.path.name in accepted}
    missing = wanted - filed.keys()
    faults = [f"{len(missing)} mails answered 250 are on no ticket"] if missing else []
    if twice := [name for name, times in filed.items() if times > 1]:
        faults.append(f"{len(twice)} mails are on tickets more than once")
    if sum(verdicts.values()) != len(sent.accepted):
        faults.append(f"{len(sent.accepted)} mails were answered 250, the journal has {verdicts}")
    return faults
