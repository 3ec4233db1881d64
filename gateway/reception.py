"""What happens to a mail before its transaction: parsed, authenticated, considered by mailbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.authentication.authenticator import Authenticator
from gateway.mailbox_cache import Snapshot
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.runtime import Runtime
from rules.decision.considered import Attempt, Received, consider
from rules.mail import Delivery, Mail, Mailbox
from rules.mail.header import Ambiguous, Author
from rules.sender.authentication import Authentication
from rules.sender.pointers import answers_something
from storage.db import raw_mail
from storage.mail.apply import Entry
from storage.mail.quarantine import HeldMail
from storage.registry.lookup import company_domains_among, knows_domain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Makes the entries of a mail: the input of its transaction."""

    runtime: Runtime
    parser: Parser
    authenticator: Authenticator

    async def entries(self, delivery: Delivery) -> list[Entry]:
        """The mail, once for each of our mailboxes that it came to; empty where it came to none."""
        snapshot = await self.runtime.mailbox_cache.current()
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
            now = self.runtime.clock()
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
        attempt = Attempt(self.runtime.clock(), held.came_at, held.journal_id)
        snapshot = await self.runtime.mailbox_cache.current()
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
            policy=self.runtime.policy_of(received.mailbox),
        )
        return Entry(
            journal_id=self.runtime.new_id(),
            considered=considered,
            attempt=attempt,
            delivery=Delivery(received.envelope, raw),
            compressed=compressed,
            new_id=self.runtime.new_id,
        )

    async def _authenticate(
        self, delivery: Delivery, mail: Mail, mailboxes: Iterable[Mailbox]
    ) -> Authentication:
        """A mail that will be refused whatever its proof costs no look-up in the DNS.

        Whether it is authenticated depends on what the mail itself contains and on its author's
        domain, and never on their address or on what is filed here: a look-up can be timed.
        """
        ours = tuple(mailboxes)
        if isinstance(mail.author, Ambiguous):
            return await self._vouch(delivery, ours)
        formats = {self.runtime.policy_of(m).subject_tag.format for m in ours}
        known = partial(knows_domain_of, mailboxes=ours, author=mail.author.address)

        async def worth_asking() -> bool:
            if answers_something(mail, delivery.envelope, formats):
                return True
            return await self.runtime.read(known)

        return await self.authenticator.authenticate(delivery, mail.author, worth_asking)

    async def _vouch(self, delivery: Delivery, mailboxes: Sequence[Mailbox]) -> Authentication:
        """What stands behind a mail without a single author; no query unless it is signed."""

        async def registered_among(domains: Collection[str]) -> Collection[str]:
            query = partial(company_domains_among, mailboxes=mailboxes, domains=domains)
            return await self.runtime.read(query)

        return await self.authenticator.vouch(delivery, registered_among)


def _by_mailbox(delivery: Delivery, snapshot: Snapshot) -> dict[Mailbox, Delivery]:
    """The delivery for each of our mailboxes, with that mailbox's recipients."""
    recipients: dict[Mailbox, list[str]] = {}
    for recipient in delivery.envelope.rcpt_tos:
        if (mailbox := snapshot.mailbox_for(recipient)) is not None:
            recipients.setdefault(mailbox, []).append(recipient)
    return {
        mailbox: replace(delivery, envelope=replace(delivery.envelope, rcpt_tos=tuple(addresses)))
        for mailbox, addresses in recipients.items()
    }
