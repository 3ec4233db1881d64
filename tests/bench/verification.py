"""`python -m tests.bench.verification`: what it costs to prove who sent a mail.

The parts of one Postern in this process, without sockets, on SQLite; the DNS is a process of its
own on loopback. The same mails, 2 to 5 KB and signed with RSA-2048, go through twice, in turns:
once from a trusted peer, once proven by their signatures with the answers of the DNS at hand.
Exit code 1 where a mail was not filed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvloop

from gateway import log
from gateway.app import Parts, parts
from gateway.cli.server import ensure_key
from gateway.config.model import Config, DnsSection, RelaySection, StoreSection, TrustSection
from rules.mail import Delivery, Envelope
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import companies, mailboxes
from storage.registry.people import NewPerson, add_person
from tests.bench import machine
from tests.gateway.senders import SigningKey, rsa_key, signed
from tests.nameserver import NameServer

SUPPORT = "support@help.example"
PEER = "192.0.2.7"
PEOPLE = [f"person{number}@acme.example" for number in range(50)]
WAITING = 40
SILENT = [f"x@d{number}.silent.example" for number in range(WAITING)]
AT_ONCE = 20
TICK_S = 0.001
LONG_S = 0.005
TARGET_MS, TARGET_P99_S = 3.0, 1.0


@dataclass
class Gaps:
    """How long the event loop kept others waiting."""

    seconds: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Sample until cancelled."""
        before = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()  # the loop's own clock counts whole milliseconds
            self.seconds.append(now - before - TICK_S)
            before = now

    def __str__(self) -> str:
        long = sum(gap > LONG_S for gap in self.seconds)
        p99 = statistics.quantiles(self.seconds, n=100)[98]
        return (
            f"p99 {1000 * p99:.1f} ms, longest {1000 * max(self.seconds):.1f} ms,"
            f" {long} of {len(self.seconds)} over {1000 * LONG_S:.0f} ms"
        )


@dataclass
class Way:
    """One way for the mails: its parts, and what they cost so far."""

    name: str
    take: Callable[[bytes, str], Awaitable[bool]]
    """Whether the mail was filed."""
    cpu_s: float = 0.0
    mails: int = 0
    crowded: Gaps = field(default_factory=Gaps)
    """With many mails at once, when a turn of the loop serves them all."""
    calm: Gaps = field(default_factory=Gaps)
    """With one mail at a time: what a single one keeps others waiting."""

    @property
    def ms(self) -> float:
        return 1000 * self.cpu_s / self.mails

    async def send(self, mails: Sequence[tuple[bytes, str]]) -> bool:
        """All of them, some at once; the CPU time of every thread here is counted."""
        watching = asyncio.create_task(self.crowded.watch())
        started = time.process_time()
        done = await _some_at_once([partial(self.take, *mail) for mail in mails], AT_ONCE)
        self.cpu_s += time.process_time() - started
        self.mails += len(mails)
        watching.cancel()
        return all(done)

    async def send_calmly(self, mails: Sequence[tuple[bytes, str]]) -> bool:
        """One after another; nothing but the gaps is counted."""
        watching = asyncio.create_task(self.calm.watch())
        done = await _some_at_once([partial(self.take, *mail) for mail in mails], 1)
        watching.cancel()
        return all(done)

    def warmed_up(self) -> None:
        """Forget what was counted so far."""
        self.cpu_s, self.mails, self.crowded = 0.0, 0, Gaps()


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.verification")
    parser.add_argument("--mails", type=int, default=200, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    log.configure("error", "text")
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    key = rsa_key(2048)
    rounds = [written(given.mails, key, number) for number in range(given.rounds + 3)]
    sizes = [len(raw) for mails in rounds for raw, _ in mails]
    print(f"mails: {len(rounds)} x {given.mails}, {min(sizes)} to {max(sizes)} octets, RSA-2048")
    with (
        tempfile.TemporaryDirectory(prefix="postern-bench-") as folder,
        name_server(key) as port,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        good = runner.run(measure(Path(folder), port, rounds))
    return 0 if good else 1


async def measure(folder: Path, port: int, rounds: Sequence[Sequence[tuple[bytes, str]]]) -> bool:
    """The figures, printed; whether every mail was filed. The first round only warms up."""
    async with AsyncExitStack() as stack:
        ways = []
        for name, peers in (("trusted peer", f"{PEER}/32"), ("verified", "")):
            config = enrolled(folder / name.replace(" ", "-"), port, peers)
            ways.append(_through(name, await stack.enter_async_context(parts(config))))
        trusted, verified = ways
        proving = _proving(await stack.enter_async_context(parts(enrolled(folder / "p", port, ""))))
        good = True
        for warm, mails in enumerate(rounds[:-2]):
            for way in (trusted, verified, proving):
                good &= await way.send(mails)
                if not warm:
                    way.warmed_up()
        added = verified.ms - trusted.ms
        for way in (trusted, verified, proving):
            good &= await way.send_calmly(rounds[-2])
            print(f"{way.name}: {way.ms:.2f} ms of CPU a mail")
            print(f"    the loop waited, one mail at a time: {way.calm}")
            print(f"    the loop waited, {AT_ONCE} at once: {way.crowded}")
        print(f"added by verification: {added:.2f} ms of CPU a mail (aim: at most {TARGET_MS:.0f})")
        filed, p50, p99 = await beside_silence(verified, rounds[-1])
        print(
            f"good mails while {WAITING} wait for silent name servers: p50 {1000 * p50:.0f} ms,"
            f" p99 {1000 * p99:.0f} ms (aim: under {1000 * TARGET_P99_S:.0f})"
        )
        return good and filed


async def beside_silence(way: Way, mails: Sequence[tuple[bytes, str]]) -> tuple[bool, float, float]:
    """Whether all good mails were filed while the others waited, and p50 and p99 in seconds."""
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def timed(raw: bytes, author: str) -> bool:
        started = loop.time()
        filed = await way.take(raw, author)
        took.append(loop.time() - started)
        return filed

    started = loop.time()
    waiting = [asyncio.ensure_future(way.take(_a_mail(a, 0, 2000), a)) for a in SILENT]
    filed = await _some_at_once([partial(timed, *mail) for mail in mails], AT_ONCE)
    left = sum(not each.done() for each in waiting)
    print(f"{len(mails)} good mails in {loop.time() - started:.2f} s; {left} still waited then")
    await asyncio.gather(*waiting)
    cuts = statistics.quantiles(took, n=100)
    return all(filed), cuts[49], cuts[98]


async def _some_at_once(calls: Sequence[Callable[[], Awaitable[bool]]], at_once: int) -> list[bool]:
    waiting = iter(calls)
    done: list[bool] = []

    async def worker() -> None:
        for call in waiting:
            answer = await call()
            done.append(answer)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return done


def _through(name: str, joined: Parts) -> Way:
    async def take(raw: bytes, author: str) -> bool:
        (reply,) = await joined.ingest.take(_delivery(raw, author))
        return reply.code == 250

    return Way(name, take)


def _proving(joined: Parts) -> Way:
    async def take(raw: bytes, author: str) -> bool:
        ingest = joined.ingest
        mail = await ingest.parser.parse(raw)
        assert not hasattr(mail.author, "why")
        found = await ingest.authenticator.authenticate(_delivery(raw, author), mail.author)
        return found.aligned

    return Way("parsing and proof alone", take)


def _delivery(raw: bytes, author: str) -> Delivery:
    return Delivery(Envelope(PEER, "client.example", False, author, (SUPPORT,)), raw)


def written(count: int, key: SigningKey, seed: int) -> list[tuple[bytes, str]]:
    """Signed mails, each with its author."""
    made, chance = [], random.Random(seed)
    for number in range(count):
        author = PEOPLE[number % len(PEOPLE)]
        raw = _a_mail(author, seed * count + number, chance.randrange(1500, 3900))
        made.append((signed(raw, "acme.example", key), author))
    return made


def _a_mail(author: str, number: int, octets: int) -> bytes:
    words = base64.b64encode(random.Random(number).randbytes(3 * octets // 4)).decode()
    lines = [words[at : at + 70] for at in range(0, octets, 70)]
    head = (
        f"From: Somebody <{author}>",
        f"To: {SUPPORT}",
        f"Subject: pump {number}",
        f"Message-ID: <{number}.{octets}@{author.partition('@')[2]}>",
        "Date: Sat, 21 Nov 2026 06:00:00 +0000",
        "",
    )
    return "\r\n".join([*head, *lines, ""]).encode()


def enrolled(folder: Path, port: int, peers: str) -> Config:
    """A configuration with a store of its own, in which everybody is registered."""
    folder.mkdir()
    config = Config(
        store=StoreSection(url=f"sqlite:///{folder}/postern.db"),
        relay=RelaySection(maildir=folder / "outbox"),
        trust=TrustSection.model_validate({"peers": [peers] if peers else []}),
        dns=DnsSection(servers=(IPv4Address("127.0.0.1"),), port=port),
    )
    database = Database(config.store.url)
    database.upgrade()
    ledger = open_ledger(database)
    ledger.submit(ensure_key).result()
    ledger.submit(_enrol).result()
    ledger.close()
    database.close()
    return config


def _enrol(connection: Connection) -> None:
    mailboxes.add_mailbox(connection, SUPPORT, "default")
    mailbox = mailboxes.mailbox_named(connection, SUPPORT)
    for company, people in (("Acme", PEOPLE), ("Silent", SILENT)):
        domains = dict.fromkeys(person.partition("@")[2] for person in people)
        companies.add_company(connection, mailbox, company, list(domains))
        for person in people:
            add_person(connection, mailbox, NewPerson(person, "", Role.USER, company))


@contextmanager
def name_server(key: SigningKey) -> Iterator[int]:
    """A DNS in a process of its own; gives its port."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve_names, args=(its, key.record), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        ours.send("stop")
        process.join(10)


def _serve_names(pipe: Pipe, record: str) -> None:
    texts = {
        "acme.example": "v=spf1 ip4:192.0.2.1 -all",
        "_dmarc.acme.example": "v=DMARC1; p=reject",
        "s1._domainkey.acme.example": record,
    }
    with NameServer({(name, "TXT"): [text] for name, text in texts.items()}) as server:
        server.silent.add("silent.example")
        pipe.send(server.port)
        pipe.recv()


if __name__ == "__main__":
    sys.exit(main())
