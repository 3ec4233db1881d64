"""`python -m tests.bench.backtest`: how long it takes to try a policy on recorded mails.

The services of one Postern file the mails of the benchmark into a temporary store (SQLite, in
/tmp); then `gateway.backtest` decides them all again under a policy with a lower ceiling and more
questions. Exit code 1 if a mail was skipped.
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

from gateway import backtest, clock, log_output, policies
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Report
from gateway.cli.server import ensure_key
from gateway.config.model import Config
from gateway.config.sections import RelaySection, StoreSection, TrustSection
from gateway.services import Services, open_services
from rules.mail import Delivery, Envelope, as_sent
from rules.people import Role
from rules.policy import Policy, parse
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.registry.companies import add_company
from storage.registry.mailboxes import add_mailbox, mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.bench import load, machine
from tests.bench.load import Load, MailFile
from tests.bench.targets import MAILBOX

PEER = "127.0.0.1"
AT_ONCE = 20
TARGET_S = 60.0
"""For 10,000 mails on one core."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A back-test, and what it cost."""

    report: Report
    seconds: float
    cpu_s: float
    grew_mib: float
    """The growth of the process's peak memory."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--senders", type=int, default=2_000)
    given = options.parse_args(arguments)
    log_output.configure("error", "text")
    for name, value in machine.summary().items():
        print(f"{name}: {value}")
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        mails = load.write(Path(folder) / "mails", given.mails, given.senders, MAILBOX)
        config = enrolled(Path(folder), mails.senders)
        asyncio.run(file(config, mails))
        measurement = measured(config)
        print(summary(measurement, mails.octets / given.mails))
    return 0 if measurement.report.mails == given.mails else 1


def summary(measurement: Measurement, octets: float) -> str:
    """The line to print, for mails of this average size."""
    report, each = measurement.report, 1000 * measurement.cpu_s / max(measurement.report.mails, 1)
    return (
        f"{report.mails} mails of {octets / 1024:.1f} KiB, each decided twice, in "
        f"{measurement.seconds:.1f} s: {each:.2f} ms of CPU a mail "
        f"(aim: 10,000 in {TARGET_S:.0f} s); "
        f"{report.different} different, {report.moved_on.total()} moved on; "
        f"the process grew by {measurement.grew_mib:.0f} MiB"
    )


def enrolled(folder: Path, senders: Sequence[str]) -> Config:
    """A configuration with a new store in which all senders are registered."""
    config = Config(
        store=StoreSection(url=f"sqlite:///{folder}/postern.db"),
        relay=RelaySection(maildir=folder / "outbox"),
        trust=TrustSection.model_validate({"peers": ["127.0.0.0/8"]}),
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

    With several at once, a reply may be filed before its parent.
    """
    waiting = iter(mails.mails)
    async with open_services(config) as services:
        await asyncio.gather(*(_take(services, waiting) for _ in range(at_once)))


def measured(config: Config) -> Measurement:
    """Run the back-test on all mails of the last day."""
    now = clock.now() + timedelta(seconds=1)
    wanted = BacktestQuery(now - timedelta(days=1), now, None, 50)
    database = Database(config.store.url, connections=1)
    before, cpu, started = _peak_mib(), time.process_time(), time.perf_counter()
    report = asyncio.run(backtest.run_backtest(database, policies.load(None), _stricter(), wanted))
    elapsed = time.perf_counter() - started, time.process_time() - cpu
    database.close()
    return Measurement(report, *elapsed, _peak_mib() - before)


def _stricter() -> Policy:
    text = policies.find(None)["default"].text.replace('ceiling = "High"', 'ceiling = "Normal"')
    fact = '[[completeness.facts]]\nname = "version"\nask = "Which?"\npatterns = ["version"]\n'
    return parse(text + fact, "stricter.toml")


async def _take(services: Services, waiting: Iterator[MailFile]) -> None:
    for mail in waiting:
        envelope = Envelope(PEER, "client.example", False, mail.sender, (MAILBOX,))
        await services.ingest.take(Delivery(envelope, as_sent(mail.path.read_bytes())))


def _enrol(connection: Connection, senders: Sequence[str]) -> None:
    add_mailbox(connection, MAILBOX, "default")
    mailbox = mailbox_named(connection, MAILBOX)
    for domain in sorted({sender.partition("@")[2] for sender in senders}):
        add_company(connection, mailbox, domain, [domain])
    for sender in senders:
        company = sender.partition("@")[2]
        add_person(connection, mailbox, NewPerson(sender, "", Role.USER, company))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
