"""`python -m tests.bench.sending`: send the notices of a desk, without any mail that arrives.

The notices that `tests.bench.desk` describes are ordered in a new store, then sent by one
dispatcher to a relay on the loopback. Prints notices per second, the CPU time of this process and
of PostgreSQL for each, and the statements that each takes. The store is durable. Exit code 1 if a
notice was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import uvloop

from gateway import log_output
from gateway.cli.server import ensure_key
from gateway.config.model import Config
from gateway.config.sections import DkimSection, RelaySection, StoreSection
from gateway.services import open_services
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.mail.filing import file
from storage.notices import outbox
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.bench import machine
from tests.bench.counting import Calls, StoreCounts, calls, of_store
from tests.bench.desk import STAFF
from tests.bench.outbox import counting_relay
from tests.bench.targets import MAILBOX
from tests.gateway.senders import rsa_key
from tests.rules.building import a_mail
from tests.storage.shop import Shop
from tests.stores import SqliteStores, postgres

PER_TICKET = 1 + len(STAFF)
"""Its acknowledgement, and one notice for each of the staff."""
TEXT = "It does not print. The tray is full, and the display shows the error 49.\n" * 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sending", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--notices", type=int, default=500)
    parser.add_argument("--unsigned", action="store_true", help="without signatures of DKIM")
    parser.add_argument("--calls", action="store_true", help="count calls, which is slow")
    given = parser.parse_args(arguments)
    log_output.configure("error", "text")
    tickets = -(-given.notices // PER_TICKET)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        url, server = stack.enter_context(_store(given.store, folder))
        relay = stack.enter_context(counting_relay(folder))
        key = folder / "dkim.pem"
        key.write_bytes(rsa_key(2048).private)
        signing = DkimSection(domain=MAILBOX.partition("@")[2], selector="bench", key=key)
        config = Config(
            store=StoreSection(url=url),
            relay=RelaySection(url=f"smtp://127.0.0.1:{relay.port}"),
            dkim=() if given.unsigned else (signing,),
        )
        _order(url, tickets)
        counting = stack.enter_context(calls()) if given.calls else Calls()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            taken = runner.run(_send(config, [server] if server else []))
        received, different = relay.received()
    number = tickets * PER_TICKET
    print(f"{given.store}: {taken.summary(number)}; the relay received {received}")
    if given.calls:
        here, elsewhere = counting.here / number, counting.elsewhere / number
        print(f"calls per notice, start and end included: {here:.0f} in the thread of the event")
        print(f"loop, {elsewhere:.0f} in others")
    return 0 if received == different == number else 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What it took to send all notices."""

    wall_s: float
    cpu_s: float
    server_cpu_s: float
    store: StoreCounts

    def summary(self, number: int) -> str:
        return (
            f"{number / self.wall_s:.0f} notices/s, CPU ms per notice: "
            f"{self.cpu_s / number * 1000:.2f} here, "
            f"{self.server_cpu_s / number * 1000:.2f} in PostgreSQL; per notice "
            f"{self.store.statements / number:.2f} statements, "
            f"{self.store.commits / number:.2f} commits"
        )


async def _send(config: Config, servers: Sequence[int]) -> Sent:
    """Send all that is due."""
    async with open_services(config) as services:
        dispatcher, database = services.dispatcher, services.runtime.database
        with of_store(database) as counts:
            server_s = machine.cpu_s(servers)
            cpu_s, began_s = time.process_time(), time.perf_counter()
            while await dispatcher.send_due():
                pass
            wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
            server_s = machine.cpu_s(servers) - server_s
        assert database.read(outbox.next_due) is None, "a notice was put off"
        await dispatcher.relay.close()
    return Sent(wall_s, cpu_s, server_s, counts)


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The URL of a new store on a real disk, and the process of its server."""
    if kind == "sqlite":
        yield SqliteStores(folder).new(), None
        return
    before, tempfile.tempdir = tempfile.tempdir, "/var/tmp"
    try:
        with postgres(durable=True) as stores:
            yield stores.new(), stores.server.get_pid()
    finally:
        tempfile.tempdir = before


def _order(url: str, tickets: int) -> None:
    """File so many mails, each of another person: their notices are due."""
    database = Database(url, connections=1)
    ledger = open_ledger(database)
    ledger.submit(ensure_key).result()
    shop = ledger.submit(partial(_enrol, database=database, ledger=ledger, number=tickets)).result()
    start = datetime.now(UTC) - timedelta(hours=1)
    for n in range(tickets):
        mail = a_mail(
            f"p{n}@acme.example",
            subject=f"Printer {n}",
            message_id=f"<{n}@client.example>",
            text=TEXT,
        )
        entry = shop.entry(mail, at=start + timedelta(seconds=n))
        ledger.submit(partial(file, entries=[entry])).result()
    ledger.close()
    database.close()


def _enrol(connection: Connection, database: Database, ledger: Ledger, number: int) -> Shop:
    mailboxes.add_mailbox(connection, MAILBOX, "default")
    mailbox = mailboxes.mailbox_named(connection, None)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    for n in range(number):
        person = NewPerson(f"p{n}@acme.example", f"Person {n}", Role.USER, "Acme")
        people.add_person(connection, mailbox, person)
    for name in STAFF:
        address = f"{name}@{MAILBOX.partition('@')[2]}"
        people.add_person(connection, mailbox, NewPerson(address, name.title(), Role.STAFF, None))
    return Shop(database, ledger, mailbox)


if __name__ == "__main__":
    sys.exit(main())
