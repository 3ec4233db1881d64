"""`python -m tests.bench.growth`: whether a full store takes mail as fast as a new one.

Two stores of a kind are filled by bulk SQL, one with few tickets and one with many, each behind a
real server. Both servers run and get mails in turn (few, many, few, many, …). Half of the mails
open tickets, the others answer open ones from anywhere in the history. Exit code 1 if the full
store's median rate is below 0.90 of the other's, or a mail was not filed as expected.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from gateway.cli.server import ensure_key
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.db.tables import JournalRow, MailRow, TicketRow, table
from storage.notices import outbox
from storage.registry.mailboxes import add_mailbox, mailbox_named
from tests.bench import machine, ticket_history
from tests.bench.__main__ import NOT_A_DISK
from tests.bench.client import Sent
from tests.bench.load import MANIFEST
from tests.bench.postern import STORES
from tests.bench.processes import Failed
from tests.bench.targets import MAILBOX
from tests.running import Postern, generous, serving, write_config

GOAL = 0.90
CLIENT_S = 600.0
SETTLE_S = 120.0
STEP_S = 0.05
BLOCK_BYTES = 2**20
QUERIED_AT_ONCE = 500
_READ_BYTES = re.compile(r"^read_bytes: (\d+)", re.MULTILINE)
LEGEND = f"""\
Medians of the rounds; CPU and disk reads are means per mail, including acknowledgement and
PostgreSQL. A store that is read from the disk does not fit into the page cache.
Goal: a ratio of at least {GOAL:.2f}.
"""
_ticket, _mail, _journal = table(TicketRow), table(MailRow), table(JournalRow)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the processes of a server and its store have used."""

    cpu_s: float
    read_bytes: int
    """Read from the disk, because it was not in the page cache."""

    @classmethod
    def of(cls, roots: Sequence[int]) -> Cost:
        """The total so far."""
        io = [(machine.PROC / str(pid) / "io").read_text() for pid in machine.tree(roots)]
        read = sum(int(found[1]) for text in io if (found := _READ_BYTES.search(text)))
        return cls(machine.cpu_s(roots), read)


@dataclass
class FilledServer:
    """A server with a filled store, and the results of its rounds."""

    name: str
    tickets: int
    database: Database
    server: Postern
    roots: tuple[int, ...]
    began: datetime
    sent: list[Sent] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    """Before the first round that counts, and after each round."""

    @property
    def mails_per_s(self) -> float:
        """The median of the rounds, without the first, which only warms up."""
        return median(len(sent.accepted) / sent.wall_s for sent in self.sent[1:])

    def latency_ms(self, percent: int) -> float:
        """The median over the rounds of this percentile of their latencies."""
        return median(
            sent.latencies_ms[len(sent.latencies_ms) * percent // 100] for sent in self.sent[1:]
        )

    def take(self, mails: Path, sessions: int) -> None:
        """Send a folder of mails, and wait until their acknowledgements are sent."""
        command = [sys.executable, "-m", "tests.bench.client", "127.0.0.1"]
        command += [str(self.server.smtp[1]), str(mails), MAILBOX, "--sessions", str(sessions)]
        done = subprocess.run(command, capture_output=True, timeout=CLIENT_S, check=False)
        if done.returncode:
            raise Failed(f"the client ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        sent = Sent(**json.loads(done.stdout))
        if set(sent.replies) != {"250"}:
            raise Failed(f"{self.name}: replies {sent.replies} {sent.refusals}")
        self.sent.append(sent)
        self._settle()
        self.costs.append(Cost.of(self.roots))

    def line(self) -> str:
        """A line of the table: medians of mails/s and latency, means of CPU and reads."""
        mails = sum(len(sent.accepted) for sent in self.sent[1:])
        cpu_ms = 1000 * (self.costs[-1].cpu_s - self.costs[0].cpu_s) / mails
        read_kib = (self.costs[-1].read_bytes - self.costs[0].read_bytes) / mails / 1024
        speed = f"{self.mails_per_s:9.0f}{self.latency_ms(50):9.1f}{self.latency_ms(99):9.1f}"
        return f"{self.name:28}{speed}{cpu_ms:9.2f}{read_kib:10.1f}"

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_S
        while self.database.read(outbox.next_due) is not None:
            if self.server.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name}: acknowledgements are not sent")
            time.sleep(STEP_S)

    def verdicts(self) -> Counter[str]:
        """The number of the sent mails by verdict."""
        query = select(_journal.c.verdict, func.count()).group_by(_journal.c.verdict)
        recent = query.where(_journal.c.received_at >= self.began)
        rows = self.database.read(lambda c: c.execute(recent).all())
        return Counter({str(verdict): int(count) for verdict, count in rows})


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000, help="in the full store")
    parser.add_argument("--few", type=int, default=1_000, help="in the other store")
    parser.add_argument("--mails", type=int, default=1_000, help="to each store in each round")
    parser.add_argument("--rounds", type=int, default=7, help="after one that only warms up")
    parser.add_argument("--sessions", type=int, default=20, help="connections, kept open")
    parser.add_argument("--stores", nargs="+", choices=list(STORES), default=list(STORES))
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a real disk")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    if (kind := machine.filesystem(given.folder)) in NOT_A_DISK:
        print(f"{given.folder} is on {kind}, where fsync has no effect: choose another --folder")
        return 2
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    print(f"disk: {kind}, append and fsync {machine.fsync_ms(given.folder):.2f} ms")
    base = Path(tempfile.mkdtemp(prefix="postern-growth-", dir=given.folder))
    good = True
    try:
        for store in given.stores:
            try:
                good &= compare(store, given, base)
            except (Failed, OSError, subprocess.SubprocessError) as error:
                print(f"{store}: {error}")
                good = False
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 0 if good else 1


def compare(store: str, given: argparse.Namespace, base: Path) -> bool:
    """Compare few and many tickets in one kind of store; whether the goal is met."""
    with (
        filled_server(store, given.few, base / f"{store}-few") as few,
        filled_server(store, given.tickets, base / f"{store}-many") as many,
    ):
        _read_once(base)
        for number in range(given.rounds + 1):
            for each in (few, many):
                mails = base / f"{store}-{each.tickets}-{number}"
                write_mails(each, mails, number, given.mails)
                each.take(mails, given.sessions)
                shutil.rmtree(mails)
            rates = [len(each.sent[-1].accepted) / each.sent[-1].wall_s for each in (few, many)]
            print(f"  round {number}: {rates[0]:.0f} and {rates[1]:.0f} mails/s", flush=True)
        answers = given.mails // 2 * (given.rounds + 1)
        opened = given.mails * (given.rounds + 1) - answers
        good = True
        for each in (few, many):
            if (found := each.verdicts()) != Counter(opened=opened, commented=answers):
                print(f"FAULT: {each.name}: {dict(found)}; {opened} should open, {answers} comment")
                good = False
    ratio = many.mails_per_s / few.mails_per_s
    heads = f"{'mails/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'read KiB':>10}{'ratio':>8}"
    print(f"\n{'store':28}{heads}\n{few.line()}\n{many.line()}{ratio:8.2f}\n{LEGEND}", flush=True)
    return good and ratio >= GOAL


def _read_once(folder: Path) -> None:
    """Read all files into the page cache, as after weeks of service."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(BLOCK_BYTES):
                    pass


@contextmanager
def filled_server(store: str, tickets: int, folder: Path) -> Iterator[FilledServer]:
    """Make and serve a store with this number of tickets."""
    name = f"{store}, {tickets:,} tickets"
    folder.mkdir()
    with STORES[store](folder) as made:
        config = write_config(folder, made.url, f'[policies]\nfolder = "{_policies(folder)}"\n')
        started = time.monotonic()
        database = Database(made.url, connections=2)
        try:
            rows = ticket_history.fill(database, _prepared(database), tickets)
            took = time.monotonic() - started
            print(f"{name}: {rows:,} rows, built in {took:.0f} s", flush=True)
            with serving(config) as server:
                roots = (server.process.pid, *made.helpers)
                yield FilledServer(name, tickets, database, server, roots, datetime.now(UTC))
                if code := server.stop():
                    raise Failed(f"{name}: postern ended with {code}")
        finally:
            database.close()


def _policies(folder: Path) -> Path:
    """The folder of a default policy that acknowledges every request, in both stores."""
    generous(folder, pause_minutes="0")
    return folder / "policies"


def _prepared(database: Database) -> int:
    """Prepare an empty store; the id of its mailbox."""
    database.upgrade()
    ledger = open_ledger(database)
    ledger.submit(ensure_key).result()
    ledger.submit(lambda c: add_mailbox(c, MAILBOX, "default")).result()
    ledger.close()
    return database.read(lambda c: mailbox_named(c, MAILBOX)).id


def write_mails(server: FilledServer, folder: Path, number: int, count: int) -> None:
    """A folder of mails in the format of `tests.bench.load`: requests and answers alternate."""
    folder.mkdir()
    rng = random.Random(number)
    still_open = [n for n in range(1, server.tickets + 1) if ticket_history.is_open(n)]
    answered = rng.choices(still_open, k=count // 2)
    parents = server.database.read(lambda c: _first_mails(c, answered))
    requests = rng.sample(ticket_history.customers(server.tickets), count - len(answered))
    rows = ["file,sender"]
    for nth in range(count):
        message_id = f"{number}.{nth}.{rng.getrandbits(48):x}@bench.example"
        if nth % 2:
            sender, parent = parents[answered[nth // 2]]
            subject, more = "Re: your answer", f"In-Reply-To: {parent}\r\nReferences: {parent}\r\n"
        else:
            sender, more = requests[nth // 2].address, ""
            subject = ticket_history.random_text(rng, 5)
        text = "\r\n\r\n".join(ticket_history.random_text(rng, 60) for _ in range(8))
        head = f"From: {sender}\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n"
        head += f"Message-ID: <{message_id}>\r\n"
        (folder / f"{nth:05d}.eml").write_bytes(f"{head}{more}\r\n{text}\r\n".encode())
        rows.append(f"{nth:05d}.eml,{sender}")
    (folder / MANIFEST).write_text("\n".join(rows) + "\n")


def _first_mails(connection: Connection, tickets: Sequence[int]) -> Mapping[int, tuple[str, str]]:
    """For each ticket, the requester and the Message-ID of one of their mails on it."""
    found: dict[int, tuple[str, str]] = {}
    for start in range(0, len(tickets), QUERIED_AT_ONCE):
        some = tickets[start : start + QUERIED_AT_ONCE]
        query = select(_ticket.c.id, _ticket.c.requester, _mail.c.message_id)
        joined = query.join_from(_ticket, _mail, _mail.c.ticket_id == _ticket.c.id)
        for row in connection.execute(joined.where(_ticket.c.id.in_(some))):
            found.setdefault(row.id, (row.requester, row.message_id))
    return found


if __name__ == "__main__":
    sys.exit(main())
