"""`python -m tests.bench.verification`: what it costs to prove the author of a mail.

The services of one Postern run in this process, without sockets, on SQLite; the DNS is a separate
process on the loopback. The same mails, 2 to 5 KB and signed with RSA-2048, are filed twice, in
turns: from a trusted peer, and proven by their signatures with cached DNS answers. Exit code 1 if a
mail was not filed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import uvloop

from gateway import log_output
from gateway.cli.server import ensure_key
from gateway.config.model import Config
from gateway.config.sections import DnsSection, RelaySection, StoreSection, TrustSection
from gateway.services import Services, open_services
from rules.mail import Delivery, Envelope
from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.bench import machine
from tests.bench.untrusted import name_server
from tests.gateway.senders import SigningKey, rsa_key, signed

SUPPORT = "support@help.example"
PEER = "192.0.2.7"
CUSTOMERS = [f"person{number}@acme.example" for number in range(50)]
SILENT_COUNT = 40
SILENT_AUTHORS = [f"x@d{number}.silent.example" for number in range(SILENT_COUNT)]
AT_ONCE = 20
TICK_S = 0.001
LONG_S = 0.005
TARGET_MS, TARGET_P99_S = 3.0, 1.0


@dataclass
class Gaps:
    """How long the event loop was blocked."""

    seconds: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Sample until cancelled."""
        before = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()  # the loop's own clock has millisecond resolution
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
class Variant:
    """One variant of the processing, and its cost so far."""

    name: str
    take: Callable[[bytes, str], Awaitable[bool]]
    """Takes a mail and its author; whether the mail was filed."""
    cpu_s: float = 0.0
    mails: int = 0
    concurrent: Gaps = field(default_factory=Gaps)
    """With many mails at once, all served by one turn of the loop."""
    sequential: Gaps = field(default_factory=Gaps)
    """With one mail at a time."""

    @property
    def ms(self) -> float:
        return 1000 * self.cpu_s / self.mails

    async def send(self, mails: Sequence[tuple[bytes, str]]) -> bool:
        """Send all mails, some at once, and count the CPU time of all threads of this process."""
        watching = asyncio.create_task(self.concurrent.watch())
        started = time.process_time()
        done = await _some_at_once([partial(self.take, *mail) for mail in mails], AT_ONCE)
        self.cpu_s += time.process_time() - started
        self.mails += len(mails)
        watching.cancel()
        return all(done)

    async def send_one_by_one(self, mails: Sequence[tuple[bytes, str]]) -> bool:
        """Send all mails one after another, and count only the gaps."""
        watching = asyncio.create_task(self.sequential.watch())
        done = await _some_at_once([partial(self.take, *mail) for mail in mails], 1)
        watching.cancel()
        return all(done)

    def forget_warm_up(self) -> None:
        """Discard the counts so far."""
        self.cpu_s, self.mails, self.concurrent = 0.0, 0, Gaps()


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.verification")
    parser.add_argument("--mails", type=int, default=200, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    given = options(arguments)
    log_output.configure("error", "text")
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    key = rsa_key(2048)
    rounds = [signed_mails(given.mails, key, number) for number in range(given.rounds + 3)]
    sizes = [len(raw) for mails in rounds for raw, _ in mails]
    print(f"mails: {len(rounds)} x {given.mails}, {min(sizes)} to {max(sizes)} octets, RSA-2048")
    with (
        tempfile.TemporaryDirectory(prefix="postern-bench-") as folder,
        name_server(_records(key), silent="silent.example") as port,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        good = runner.run(measure(Path(folder), port, rounds))
    return 0 if good else 1


async def measure(folder: Path, port: int, rounds: Sequence[Sequence[tuple[bytes, str]]]) -> bool:
    """Measure and print; whether every mail was filed. The first round only warms up."""
    async with AsyncExitStack() as stack:
        variants = []
        for name, peers in (("trusted peer", f"{PEER}/32"), ("verified", "")):
            config = enrolled(folder / name.replace(" ", "-"), port, peers)
            variants.append(_complete(name, await stack.enter_async_context(open_services(config))))
        trusted, verified = variants
        proof_only = _proof_only(
            await stack.enter_async_context(open_services(enrolled(folder / "p", port, "")))
        )
        good = True
        for warm, mails in enumerate(rounds[:-2]):
            for variant in (trusted, verified, proof_only):
                good &= await variant.send(mails)
                if not warm:
                    variant.forget_warm_up()
        added = verified.ms - trusted.ms
        for variant in (trusted, verified, proof_only):
            good &= await variant.send_one_by_one(rounds[-2])
            print(f"{variant.name}: {variant.ms:.2f} ms of CPU a mail")
            print(f"    the loop waited, one mail at a time: {variant.sequential}")
            print(f"    the loop waited, {AT_ONCE} at once: {variant.concurrent}")
        print(f"added by verification: {added:.2f} ms of CPU a mail (aim: at most {TARGET_MS:.0f})")
        filed, p50, p99 = await with_silent_servers(verified, rounds[-1])
        print(
            f"proven mails while {SILENT_COUNT} wait for silent name servers:"
            f" p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms"
            f" (aim: under {1000 * TARGET_P99_S:.0f})"
        )
        return good and filed


async def with_silent_servers(
    variant: Variant, mails: Sequence[tuple[bytes, str]]
) -> tuple[bool, float, float]:
    """Whether all proven mails were filed while the others waited; p50 and p99 in seconds."""
    loop = asyncio.get_running_loop()
    took: list[float] = []

    async def timed(raw: bytes, author: str) -> bool:
        started = loop.time()
        filed = await variant.take(raw, author)
        took.append(loop.time() - started)
        return filed

    started = loop.time()
    waiting = [asyncio.ensure_future(variant.take(_a_mail(a, 0, 2000), a)) for a in SILENT_AUTHORS]
    filed = await _some_at_once([partial(timed, *mail) for mail in mails], AT_ONCE)
    left = sum(not each.done() for each in waiting)
    print(f"{len(mails)} proven mails in {loop.time() - started:.2f} s; {left} were still waiting")
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


def _complete(name: str, services: Services) -> Variant:
    async def take(raw: bytes, author: str) -> bool:
        (reply,) = await services.ingest.take(_delivery(raw, author))
        return reply.code == 250

    return Variant(name, take)


def _proof_only(services: Services) -> Variant:
    async def take(raw: bytes, author: str) -> bool:
        ingest = services.ingest
        mail = await ingest.parser.parse(raw)
        assert not hasattr(mail.author, "why")
        found = await ingest.authenticator.authenticate(_delivery(raw, author), mail.author)
        return found.aligned

    return Variant("parsing and proof alone", take)


def _delivery(raw: bytes, author: str) -> Delivery:
    return Delivery(Envelope(PEER, "client.example", False, author, (SUPPORT,)), raw)


def signed_mails(count: int, key: SigningKey, seed: int) -> list[tuple[bytes, str]]:
    """Signed mails, each with its author."""
    made, rng = [], random.Random(seed)
    for number in range(count):
        author = CUSTOMERS[number % len(CUSTOMERS)]
        raw = _a_mail(author, seed * count + number, rng.randrange(1500, 3900))
        made.append((signed(raw, "acme.example", key), author))
    return made


def _a_mail(author: str, number: int, octets: int) -> bytes:
    text = base64.b64encode(random.Random(number).randbytes(3 * octets // 4)).decode()
    lines = [text[at : at + 70] for at in range(0, octets, 70)]
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
    """A configuration with a new store in which everybody is registered."""
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
    add_mailbox(connection, SUPPORT, "default")
    mailbox = mailbox_named(connection, SUPPORT)
    for company, customers in (("Acme", CUSTOMERS), ("Silent", SILENT_AUTHORS)):
        domains = dict.fromkeys(person.partition("@")[2] for person in customers)
        add_company(connection, mailbox, company, list(domains))
        for person in customers:
            add_person(connection, mailbox, NewPerson(person, "", Role.USER, company))


def _records(key: SigningKey) -> dict[str, str]:
    return {
        "acme.example": "v=spf1 ip4:192.0.2.1 -all",
        "_dmarc.acme.example": "v=DMARC1; p=reject",
        "s1._domainkey.acme.example": key.record,
    }


if __name__ == "__main__":
    sys.exit(main())
