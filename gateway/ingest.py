"""The way of one mail: parse → authenticate → one transaction (facts → decide → apply) → reply.

Every ingress ends here, and so does every replay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway import log
from gateway.authentication.authenticator import Authenticator
from gateway.directory import Directory, Snapshot
from gateway.ids import Clock, NewId
from gateway.metrics import Metrics
from gateway.parsing.parser import Parser
from gateway.policies import Policies
from rules import replies
from rules.authentication import Authentication
from rules.decide import decide
from rules.decision import Decision
from rules.facts import Mailbox
from rules.header import Ambiguous
from rules.mail import Delivery, Mail
from rules.policy import Policy
from rules.receipt import Receipt
from rules.replies import Reply
from rules.threads import signals
from storage import blobs
from storage.apply import Entry, apply
from storage.database import Connection, Database
from storage.facts import gather, knows_author
from storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Ingest:
    """Takes mails. Its parts are arguments; it has no state of its own."""

    database: Database
    ledger: Ledger
    directory: Directory
    policies: Policies
    parser: Parser
    authenticator: Authenticator
    metrics: Metrics
    clock: Clock
    new_id: NewId
    on_notice: Callable[[], None]
    """Called when a mail ordered an outgoing one: the dispatcher has something to send."""

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        """One reply for each recipient, in order. A mail accepted here is on disk."""
        try:
            with self.metrics.filing():
                receipts = await self._file(delivery)
        except Exception as error:  # noqa: BLE001 - whatever a bug or a broken store does, no mail is lost: 451
            reference = log.failed(error, delivery)
            self.metrics.failed()
            reply = replies.TEMPORARY_FAILURE
            return [reply.saying(f"{reply.text} ({reference})")] * len(delivery.envelope.rcpt_tos)
        for receipt in receipts.values():
            log.filed(receipt, delivery)
            self.metrics.filed(receipt)
            if receipt.notices:
                self.on_notice()
        return [
            receipts[recipient].reply if recipient in receipts else replies.NO_SUCH_MAILBOX
            for recipient in delivery.envelope.rcpt_tos
        ]

    async def _file(self, delivery: Delivery) -> dict[str, Receipt]:
        """The receipt of each recipient. All mailboxes of a mail are written in one transaction."""
        entries, snapshot = await self._entries(delivery)

        def transact(connection: Connection) -> list[Receipt]:
            return [
                apply(connection, entry, self._decide(connection, entry, snapshot))
                for entry in entries
            ]

        filed = await asyncio.wrap_future(self.ledger.submit(transact)) if entries else []
        return {
            recipient: receipt
            for entry, receipt in zip(entries, filed, strict=True)
            for recipient in entry.delivery.envelope.rcpt_tos
        }

    async def preview(self, delivery: Delivery) -> Sequence[tuple[Entry, Decision]]:
        """What would become of a mail, mailbox by mailbox; nothing is written."""
        entries, snapshot = await self._entries(delivery)
        return await asyncio.to_thread(
            self.database.read,
            lambda connection: [(e, self._decide(connection, e, snapshot)) for e in entries],
        )

    async def _entries(self, delivery: Delivery) -> tuple[list[Entry], Snapshot]:
        received_at = self.clock()
        snapshot = await self.directory.current()
        mail = await self.parser.parse(delivery.raw)
        recipients: dict[Mailbox, list[str]] = {}
        for recipient in delivery.envelope.rcpt_tos:
            if (mailbox := snapshot.mailbox_for(recipient)) is not None:
                recipients.setdefault(mailbox, []).append(recipient)
        authentication = await self._authenticate(delivery, mail, tuple(recipients))
        compressed = blobs.compress(delivery.raw)
        entries = [
            Entry(
                journal_id=self.new_id(),
                mailbox=mailbox,
                delivery=replace(
                    delivery, envelope=replace(delivery.envelope, rcpt_tos=tuple(addresses))
                ),
                compressed=compressed,
                mail=mail,
                authentication=authentication,
                received_at=received_at,
                new_id=self.new_id,
            )
            for mailbox, addresses in recipients.items()
        ]
        return entries, snapshot

    async def _authenticate(
        self, delivery: Delivery, mail: Mail, mailboxes: Sequence[Mailbox]
    ) -> Authentication:
        """A mail that will be refused whatever its proof costs no look-up in the DNS."""
        if isinstance(mail.author, Ambiguous):
            return Authentication.unchecked("no author to check")
        known = partial(knows_author, mailboxes=mailboxes, author=mail.author.address)
        return await self.authenticator.authenticate(
            delivery, mail.author, lambda: asyncio.to_thread(self.database.read, known)
        )

    def _decide(self, connection: Connection, entry: Entry, snapshot: Snapshot) -> Decision:
        mailbox, envelope = entry.mailbox, entry.delivery.envelope
        policy: Policy = self.policies[mailbox.policy]
        facts = gather(
            connection,
            mail=entry.mail,
            envelope=envelope,
            authentication=entry.authentication,
            signals=signals(
                entry.mail,
                envelope,
                mailbox.id,
                mailbox.address,
                snapshot.keys,
                policy.subject_tag.format,
            ),
            mailbox=mailbox,
            own_addresses=snapshot.own_addresses,
            received_at=entry.received_at,
        )
        return decide(entry.mail, facts, policy)
