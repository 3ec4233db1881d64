"""`python -m tests.bench.filing`: file mails through the ledger, without SMTP and parsing.

Prints mails per second, the CPU time of this process and of PostgreSQL for each mail, and how many
statements a mail takes, most of them for mails that open a ticket. The store is durable.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.mail.apply import Entry
from storage.mail.filing import file
from storage.registry import companies, mailboxes, people, signing_keys
from storage.registry.people import NewPerson
from tests.bench import machine
from tests.bench.counting import compiled_statements
from tests.rules.building import NOON, a_mail
from tests.storage.shop import Shop
from tests.stores import SqliteStores, postgres

PEOPLE = 100
TEXT = "It does not print. " * 20


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.filing", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=20)
    given = parser.parse_args(arguments)
    with _store(given.store) as (url, server):
        database = Database(url)
        ledger = open_ledger(database)
        mails = _entries(database, ledger, given.mails * 2)
        _file(ledger, mails[: given.mails // 2], given.at_once)  # statements are prepared
        measured = mails[given.mails // 2 : given.mails // 2 + given.mails]
        own_s, roots = time.process_time(), [server] if server else []
        server_s, began_s = machine.cpu_s(roots), time.perf_counter()
        _file(ledger, measured, given.at_once)
        took_s, own_s = time.perf_counter() - began_s, time.process_time() - own_s
        server_s = machine.cpu_s(roots) - server_s
        counted = _statements_of(ledger, mails[-1])
        ledger.close()
        database.close()
    number = given.mails
    print(
        f"{given.store}: {number / took_s:.0f} mails/s, CPU ms per mail: "
        f"{own_s / number * 1000:.2f} here, {server_s / number * 1000:.2f} in PostgreSQL; "
        f"{counted} statements for a mail"
    )


@contextmanager
def _store(kind: str) -> Iterator[tuple[str, int | None]]:
    """The URL of a new store on a real disk, and the process of its server."""
    before, tempfile.tempdir = tempfile.tempdir, "/var/tmp"
    try:
        if kind == "postgres":
            with postgres(durable=True) as stores:
                yield stores.new(), stores.server.get_pid()
        else:
            with tempfile.TemporaryDirectory() as folder:
                yield SqliteStores(Path(folder)).new(), None
    finally:
        tempfile.tempdir = before


def _entries(database: Database, ledger: Ledger, number: int) -> list[Entry]:
    """Mails of people of ten companies, a minute apart."""

    def enrol(connection: Connection) -> Shop:
        signing_keys.add_key(connection, b"k" * 32, NOON)
        mailboxes.add_mailbox(connection, "support@help.example", "default")
        mailbox = mailboxes.mailbox_named(connection, None)
        for n in range(10):
            companies.add_company(connection, mailbox, f"Company {n}", [f"c{n}.example"])
        for n in range(PEOPLE):
            person = NewPerson(f"p{n}@c{n % 10}.example", "P", Role.USER, f"Company {n % 10}")
            people.add_person(connection, mailbox, person)
        staff = NewPerson("sam@help.example", "Sam", Role.STAFF, None)
        people.add_person(connection, mailbox, staff)
        return Shop(database, ledger, mailbox)

    shop = ledger.submit(enrol).result()
    return [
        shop.entry(
            a_mail(
                f"p{n % PEOPLE}@c{n % 10}.example",
                subject=f"Printer {n}",
                message_id=f"<{n}@client.example>",
                text=TEXT,
            ),
            at=NOON + timedelta(minutes=n),
        )
        for n in range(number)
    ]


def _file(ledger: Ledger, entries: Sequence[Entry], at_once: int) -> None:
    """File them all, at most so many at a time. Raises the first error."""
    places = threading.Semaphore(at_once)
    submitted: list[Future[Any]] = []
    for entry in entries:
        places.acquire()
        future = ledger.submit(partial(file, entries=[entry]))
        future.add_done_callback(lambda _: places.release())
        submitted.append(future)
    for future in submitted:
        future.result()


def _statements_of(ledger: Ledger, entry: Entry) -> int:
    """How many statements the driver runs for one mail, each row of an `executemany` counted."""
    with compiled_statements() as counted:
        ledger.submit(partial(file, entries=[entry])).result()
    return counted.statements


if __name__ == "__main__":
    main()
