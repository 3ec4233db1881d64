"""`python -m tests.bench.simulation`: how long it takes to try a policy on recorded mails.

The mails of the benchmark are filed into a scratch store (SQLite, in /tmp) by the parts of one
Postern; then `gateway.backtest` decides them all again by a policy with a lower ceiling and more
questions. Exit code 1 where a mail was not looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gateway import backtest, clock, log, policies
from gateway.app import Parts, parts
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Report
from gateway.cli.server import ensure_key
from gateway.config.model import Config, RelaySection, StoreSection, TrustSection
from rules.mail import Delivery, Envelope, as_sent
from rules.people import Role
from rules.policy import Policy, parse
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.bench import load, machine
from tests.bench.load import Load, MailFile
from tests.bench.targets import MAILBOX

PEER = "127.0.0.1"
AT_ONCE = 20
TARGET_S = 60.0
"""For 10,000 mails on one core."""


@dataclass(frozen=True, slots=True)
class Took:
    """A simulation, and what it took."""

    report: Report
    seconds: float
    cpu_s: float
    grew_mib: float
    """By how much the process grew at its peak."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--senders", type=int, default=2_000)
    given = options.parse_args(arguments)
    log.configure("error", "text")
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        mails = load.write(Path(folder) / "mails", given.mails, given.senders, MAILBOX)
        config = enrolled(Path(folder), mails.senders)
        asyncio.run(file(config, mails))
        took = measured(config)
        print(in_words(took, mails.octets / given.mails))
    return 0 if took.report.mails == given.mails else 1


def in_words(took: Took, octets: float) -> str:
    """The line to print, for mails of so many octets."""
    report, each = took.report, 1000 * took.cpu_s / max(took.report.mails, 1)
    return (
        f"{report.mails} mails of {octets / 1024:.1f} KiB, each decided twice, in "
        f"{took.seconds:.1f} s: {each:.2f} ms of CPU a mail (aim: 10,000 in {TARGET_S:.0f} s); "
        f"{report.different} different, {report.moved_on.total()} moved on; "
        f"the process grew by {took.grew_mib:.0f} MiB"
    )


def enrolled(folder: Path, senders: Sequence[str]) -> Config:
    """A configuration with a store of its own, in which all senders are registered."""
    config = Config(
        store=StoreSection(url=f"sqlite:///{folder}/postern.db"),
        relay=RelaySection(maildir=folder / "outbox"),
        trust=TrustSection(),
    )
    database = Database(config.store.url)
    database.upgrade()
    ledger = open_ledger(database)
    ledger.submit(ensure_key).result()
    ledger.submit(lambda connection: _enrol(connection, senders)).result()
    ledger.close()
    database.close()
    return config


async def file(config: Config, mails: Load, at_once: int = AT_ONCE) -> None:
    """Take every mail, in order, from a trusted peer.

    Of those that come at once a reply may be taken in before its parent has its number.
    """
    waiting = iter(mails.mails)
    async with parts(config) as joined:
        await asyncio.gather(*(_take(joined, waiting) for _ in range(at_once)))


def measured(config: Config) -> Took:
    """Try the policy on all mails of the last day."""
    now = clock.now() + timedelta(seconds=1)
    wanted = BacktestQuery(now - timedelta(days=1), now, None, 50)
    database = Database(config.store.url, connections=1)
    before, cpu, started = _peak_mib(), time.process_time(), time.perf_counter()
    report = asyncio.run(backtest.run_backtest(database, policies.load(None), _stricter(), wanted))
    took = time.perf_counter() - started, time.process_time() - cpu
    database.close()
    return Took(report, *took, _peak_mib() - before)


def _stricter() -> Policy:
    text = policies.find(None)["default"].text.replace('ceiling = "High"', 'ceiling = "Normal"')
    fact = '[[completeness.facts]]\nname = "version"\nask = "Which?"\npatterns = ["version"]\n'
    return parse(text + fact, "stricter.toml")


async def _take(joined: Parts, waiting: Iterator[MailFile]) -> None:
    for mail in waiting:
        envelope = Envelope(PEER, "client.example", False, mail.sender, (MAILBOX,))
        await joined.ingest.take(Delivery(envelope, as_sent(mail.path.read_bytes())))


def _enrol(connection: Connection, senders: Sequence[str]) -> None:
    mailboxes.add_mailbox(connection, MAILBOX, "default")
    mailbox = mailboxes.mailbox_named(connection, MAILBOX)
    for domain in sorted({sender.partition("@")[2] for sender in senders}):
        companies.add_company(connection, mailbox, domain, [domain])
    for sender in senders:
        company = sender.partition("@")[2]
        people.add_person(connection, mailbox, NewPerson(sender, "", Role.USER, company))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
