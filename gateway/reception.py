"""What happens to a mail before its transaction: parsed, authenticated, considered by mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from gateway import policies
from gateway.authentication.authenticator import Authenticator
from gateway.clock import Clock, NewId
from gateway.mailbox_cache import MailboxCache, Snapshot
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.policies import Policies
from rules.decision.considered import Attempt, Received, consider
from rules.mail import Delivery, Mail, Mailbox
from rules.mail.header import Ambiguous, Author
from rules.sender.authentication import Authentication
from rules.sender.pointers import answers_something
from storage.db import raw_mail
from storage.db.database import Database
from storage.mail.apply import Entry
from storage.mail.quarantine import HeldMail
from storage.registry.lookup import knows_domain_of


@dataclass(frozen=True, slots=True)
class Reception:
    """Makes the entries of a mail: all that the transaction needs of it besides the decision."""

    database: Database
    mailbox_cache: MailboxCache
    policies: Policies
    parser: Parser
    authenticator: Authenticator
    clock: Clock
    new_id: NewId

    async def entries(self, delivery: Delivery) -> list[Entry]:
        """The mail, once for each of our mailboxes that it came to; empty where it came to none."""
        snapshot = await self.mailbox_cache.current()
        deliveries = _by_mailbox(delivery, snapshot)
        mail = await self.parser.parse(delivery.raw)
        authentication = await self._authenticate(delivery, mail, deliveries)
        compressed = raw_mail.compress(delivery.raw) if deliveries else b""
        entries = []
        for mailbox, delivered in deliveries.items():
            received = Received(
                mail=mail,
                envelope=delivered.envelope,
                mailbox=mailbox,
                authentication=authentication,
                first_authentication=authentication,
                read_bounces=partial(read_bounce, delivery.raw),
            )
            now = self.clock()
            entries.append(
                self._entry(received, Attempt(now, now), delivered.raw, compressed, snapshot)
            )
        return entries

    async def held_entry(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        author: Author | None,
        as_new: bool,
    ) -> Entry:
        """A held mail that is decided again, with what staff state about it."""
        received = Received(
            mail=await self.parser.parse(delivery.raw),
            envelope=held.envelope,
            mailbox=held.mailbox,
            authentication=authentication,
            first_authentication=held.authentication,
            read_bounces=partial(read_bounce, delivery.raw),
            stated_author=author,
            as_new=as_new,
        )
        attempt = Attempt(self.clock(), held.came_at, held.journal_id)
        snapshot = await self.mailbox_cache.current()
        compressed = raw_mail.compress(delivery.raw)
        return self._entry(received, attempt, delivery.raw, compressed, snapshot)

    def _entry(
        self,
        received: Received,
        attempt: Attempt,
        raw: bytes,
        compressed: bytes,
        snapshot: Snapshot,
    ) -> Entry:
        considered = consider(
            received,
            keys=snapshot.keys,
            own_addresses=snapshot.own_addresses,
            policy=policies.of_mailbox(self.policies, received.mailbox),
        )
        return Entry(
            journal_id=self.new_id(),
            considered=considered,
            attempt=attempt,
            delivery=Delivery(received.envelope, raw),
            compressed=compressed,
            new_id=self.new_id,
        )

    async def _authenticate(
        self, delivery: Delivery, mail: Mail, mailboxes: Iterable[Mailbox]
    ) -> Authentication:
        """A mail that will be refused whatever its proof costs no look-up in the DNS.

        Whether it is authenticated depends on what the mail itself contains and on its author's
        domain, and never on their address or on what is filed here: a look-up can be timed.
        """
        if isinstance(mail.author, Ambiguous):
            return Authentication.unchecked("no author to check")
        ours = tuple(mailboxes)
        formats = {policies.of_mailbox(self.policies, m).subject_tag.format for m in ours}
        known = partial(knows_domain_of, mailboxes=ours, author=mail.author.address)

        async def worth_asking() -> bool:
            if answers_something(mail, delivery.envelope, formats):
                return True
            return await asyncio.to_thread(self.database.read, known)

        return await self.authenticator.authenticate(delivery, mail.author, worth_asking)


def _by_mailbox(delivery: Delivery, snapshot: Snapshot) -> dict[Mailbox, Delivery]:
    """The delivery for each of our mailboxes, with the recipients that are that mailbox's."""
    recipients: dict[Mailbox, list[str]] = {}
    for recipient in delivery.envelope.rcpt_tos:
        if (mailbox := snapshot.mailbox_for(recipient)) is not None:
            recipients.setdefault(mailbox, []).append(recipient)
    return {
        mailbox: replace(delivery, envelope=replace(delivery.envelope, rcpt_tos=tuple(addresses)))
        for mailbox, addresses in recipients.items()
    }
