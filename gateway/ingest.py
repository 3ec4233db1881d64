"""The way of one mail: parse → authenticate → one transaction (facts → decide → apply) → reply.

Every ingress ends here, and so does every replay.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway import log
from gateway.authentication.authenticator import Authenticator
from gateway.clock import Clock, NewId
from gateway.mailbox_cache import MailboxCache, Snapshot
from gateway.metrics import Metrics
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.policies import Policies, named
from rules import replies
from rules.decision.decide import decide
from rules.decision.model import Decision, Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Delivery, Mail, Mailbox
from rules.mail.header import Ambiguous, Author
from rules.policy import Policy
from rules.replies import Reply
from rules.sender.authentication import Authentication
from rules.sender.pointers import answers_something, find_pointers, is_looped, returned_notice
from rules.sender.signature_scope import apply_dkim_policy, restrict_to_signed, trusted_recipients
from storage.db import raw_mail
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger
from storage.mail.apply import Entry, apply
from storage.mail.facts import gather
from storage.mail.quarantine import HeldMail
from storage.registry.lookup import knows_domain_of
from storage.ticket.changes import ChangeRefused

TELLING = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)
"""Where a mail went by its sender's right there is nothing to hide from him."""
OF_STRANGERS = (Reason.STRANGER, Reason.STRANGER_HELD, Reason.STRANGER_RELAYED)
"""Proven or not, a stranger learns nothing of what his mail points to."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """Takes mails. Its parts are arguments; it has no state of its own."""

    database: Database
    ledger: Ledger
    mailbox_cache: MailboxCache
    policies: Policies
    parser: Parser
    authenticator: Authenticator
    metrics: Metrics
    clock: Clock
    new_id: NewId
    on_notice: Callable[[], None]
    """Called when a mail ordered an outgoing one: the dispatcher has something to send."""
    refusal_s: float = 1.0
    """What is answered to an unproven sender is answered at a multiple of this time after DATA:
    the work behind it cannot be timed."""

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        """One reply for each recipient, in order. A mail accepted here is on disk."""
        started = asyncio.get_running_loop().time()
        try:
            with self.metrics.filing():
                entries = await self._entries(delivery)
                receipts = await self._file(entries)
        except Exception as error:  # noqa: BLE001 - a bug or a broken store loses no mail: 451
            reference = log.failed(error, delivery)
            self.metrics.failed()
            reply = replies.TEMPORARY_FAILURE
            return [reply.with_text(f"{reply.text} ({reference})")] * len(
                delivery.envelope.rcpt_tos
            )
        if any(map(_is_told_late, receipts)):
            await self._wait_since(started)
        answers = {
            recipient: receipt.reply
            for entry, receipt in zip(entries, receipts, strict=True)
            for recipient in entry.delivery.envelope.rcpt_tos
        }
        return [answers.get(r, replies.NO_SUCH_MAILBOX) for r in delivery.envelope.rcpt_tos]

    async def preview(self, delivery: Delivery) -> Sequence[tuple[Entry, Decision]]:
        """What would become of a mail, mailbox by mailbox; nothing is written."""
        entries = await self._entries(delivery)
        snapshot = await self.mailbox_cache.current()

        def look(connection: Connection) -> list[tuple[Entry, Decision]]:
            return [(e, self._decide(connection, e, snapshot)) for e in entries]

        return await asyncio.to_thread(self.database.read, look)

    async def release(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        author: Author | None = None,
        as_new: bool = False,
    ) -> Receipt:
        """Decide a held mail again. It leaves the quarantine at most once, whoever asks how often.

        `author` says who wrote it where From does not; `as_new` ignores what it points to. One
        that was released before is a duplicate; Conflict is raised for one that was discarded.
        """
        mail = await self.parser.parse(delivery.raw)
        mail = restrict_to_signed(
            mail, held.envelope, self._counted(held.authentication, held.mailbox)
        )
        mail = replace(mail, author=author or mail.author)
        compressed = raw_mail.compress(delivery.raw)
        entry = replace(
            self._entry(delivery, compressed, mail, held.mailbox, authentication),
            came_at=held.came_at,
            held=held.journal_id,
            as_new=as_new,
        )
        (receipt,) = await self._file([entry])
        return receipt

    async def _file(self, entries: Sequence[Entry]) -> Sequence[Receipt]:
        """All mailboxes of a mail are written in one transaction."""
        snapshot = await self.mailbox_cache.current()

        def transact(entries: Sequence[Entry], connection: Connection) -> list[Receipt]:
            return [
                apply(
                    connection,
                    e,
                    self._decide(connection, e, snapshot),
                    self._policy(e.mailbox),
                )
                for e in entries
            ]

        try:
            receipts = await self._commit(partial(transact, entries)) if entries else []
        except ChangeRefused as error:  # all or nothing: decide again, without its commands
            entries = [replace(entry, refused=str(error)) for entry in entries]
            receipts = await self._commit(partial(transact, entries))
        for entry, receipt in zip(entries, receipts, strict=True):
            log.filed(receipt, entry.delivery)
            self.metrics.filed(receipt)
            if receipt.notices:
                self.on_notice()
        return receipts

    async def _commit(self, job: Callable[[Connection], list[Receipt]]) -> list[Receipt]:
        return await asyncio.wrap_future(self.ledger.submit(job))

    def _policy(self, mailbox: Mailbox) -> Policy:
        return named(self.policies, mailbox.policy, f"mailbox {mailbox.address}")

    async def _entries(self, delivery: Delivery) -> list[Entry]:
        """The mail, parsed and looked into, once for each of our mailboxes that it came to."""
        snapshot = await self.mailbox_cache.current()
        recipients: dict[Mailbox, list[str]] = {}
        for recipient in delivery.envelope.rcpt_tos:
            if (mailbox := snapshot.mailbox_for(recipient)) is not None:
                recipients.setdefault(mailbox, []).append(recipient)
        parsed = await self.parser.parse(delivery.raw)
        authentication = await self._authenticate(delivery, parsed, tuple(recipients))
        compressed = raw_mail.compress(delivery.raw) if recipients else b""
        entries = []
        for mailbox, addresses in recipients.items():
            envelope = replace(delivery.envelope, rcpt_tos=tuple(addresses))
            its_own = replace(delivery, envelope=envelope)
            mail = restrict_to_signed(parsed, envelope, self._counted(authentication, mailbox))
            if returned_notice(envelope, mailbox, snapshot.keys) is not None:
                mail = replace(mail, bounces=read_bounce(delivery.raw))
            entries.append(self._entry(its_own, compressed, mail, mailbox, authentication))
        return entries

    def _entry(
        self,
        delivery: Delivery,
        compressed: bytes,
        mail: Mail,
        mailbox: Mailbox,
        authentication: Authentication,
    ) -> Entry:
        now = self.clock()
        return Entry(
            journal_id=self.new_id(),
            mailbox=mailbox,
            delivery=delivery,
            compressed=compressed,
            mail=mail,
            authentication=authentication,
            proven=self._counted(authentication, mailbox),
            came_at=now,
            decided_at=now,
            new_id=self.new_id,
        )

    def _counted(self, found: Authentication, mailbox: Mailbox) -> Authentication:
        return apply_dkim_policy(found, self._policy(mailbox).proof.dkim_required)

    async def _authenticate(
        self, delivery: Delivery, mail: Mail, mailboxes: Sequence[Mailbox]
    ) -> Authentication:
        """A mail that will be refused whatever its proof costs no look-up in the DNS.

        Whether it is looked into hangs on what the mail itself says and on its author's domain, and
        never on his address or on what is filed here: the time of a look-up could be taken.
        """
        if isinstance(mail.author, Ambiguous):
            return Authentication.unchecked("no author to check")
        formats = {self._policy(mailbox).subject_tag.format for mailbox in mailboxes}
        known = partial(knows_domain_of, mailboxes=mailboxes, author=mail.author.address)

        async def worth_asking() -> bool:
            if answers_something(mail, delivery.envelope, formats):
                return True
            return await asyncio.to_thread(self.database.read, known)

        return await self.authenticator.authenticate(delivery, mail.author, worth_asking)

    def _decide(self, connection: Connection, entry: Entry, snapshot: Snapshot) -> Decision:
        mailbox, mail, envelope = entry.mailbox, entry.mail, entry.delivery.envelope
        policy = self._policy(mailbox)
        towards = trusted_recipients(mail, envelope, entry.proven)
        pointers = find_pointers(mail, towards, mailbox, snapshot.keys, policy.subject_tag.format)
        facts = gather(
            connection,
            mail=mail,
            envelope=envelope,
            authentication=entry.proven,
            pointers=() if entry.as_new else pointers,
            mailbox=mailbox,
            own_addresses=snapshot.own_addresses,
            decided_at=entry.decided_at,
            held=entry.held,
            returned=returned_notice(envelope, mailbox, snapshot.keys),
            looped=is_looped(mail, snapshot.keys),
            came_at=entry.came_at,
            refused=entry.refused,
        )
        return decide(mail, facts, policy)

    async def _wait_since(self, started: float) -> None:
        taken = asyncio.get_running_loop().time() - started
        await asyncio.sleep(math.ceil(taken / self.refusal_s) * self.refusal_s - taken)


def _is_told_late(receipt: Receipt) -> bool:
    """Whether the time of an answer could tell what its text does not."""
    if receipt.verdict in TELLING:
        return False
    return not receipt.proven or receipt.reason in OF_STRANGERS
