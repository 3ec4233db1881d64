"""A Postern without sockets: the real services on a real store, in the process of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.cli.server import enrol_demo, ensure_key
from gateway.config.model import Config
from gateway.config.sections import RelaySection, StoreSection, TrustSection
from gateway.services import Services, open_services
from rules.mail import Delivery, Envelope, StrangerHandling
from rules.replies import Reply
from storage.db.database import Connection, Database
from storage.db.ledger import open_ledger
from storage.mail import journal
from storage.mail.journal import JournalEntry, JournalFilter
from tests.filled import filled

SUPPORT = "support@help.example"
TRUSTED = "127.0.0.1"
ANYWHERE = "192.0.2.1"


def a_mail(
    sender: str = "ann@acme.example",
    subject: str = "Printer",
    text: str = "It does not print.",
    **header: str,
) -> bytes:
    """A raw mail to support; further keywords are header fields."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in header.items())
    return (
        f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\n{more}\r\n{text}\r\n"
    ).encode()


@dataclass(frozen=True)
class InProcessPostern:
    """The demo's mailbox and people, with methods for what a test does."""

    services: Services

    async def take(
        self, raw: bytes, peer: str = TRUSTED, *to: str, strangers: StrangerHandling | None = None
    ) -> Sequence[Reply]:
        """Take a mail as a listener does, with an arbitrary envelope sender."""
        sender, recipients = "x@client.example", to or (SUPPORT,)
        envelope = Envelope(peer, "client.example", False, sender, recipients, strangers)
        return await self.services.ingest.take(Delivery(envelope, raw))

    async def journal(self) -> list[JournalEntry]:
        return await self.services.runtime.read(lambda c: journal.newest(c, JournalFilter(), 100))

    async def last(self) -> JournalEntry:
        return (await self.journal())[-1]


def enrolled_store(url: str) -> str:
    """Enrol the demo in an empty store; returns the same URL."""
    database = Database(url, connections=2)
    ledger = open_ledger(database)
    ledger.submit(partial(filled, fill=_demo)).result()
    ledger.close()
    database.close()
    return url


def _demo(connection: Connection) -> None:
    ensure_key(connection)
    enrol_demo(connection)


TRUSTS_LOOPBACK = TrustSection.model_validate({"peers": ["127.0.0.0/8", "::1/128"]})


@asynccontextmanager
async def open_postern(
    store_url: str, folder: Path, trust: TrustSection
) -> AsyncIterator[InProcessPostern]:
    config = Config(
        store=StoreSection(url=store_url),
        relay=RelaySection(maildir=folder / "outbox"),
        trust=trust,
    )
    async with open_services(config) as services:
        yield InProcessPostern(services)
