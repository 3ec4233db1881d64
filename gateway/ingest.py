"""The way of one mail: parse → authenticate → consider → one transaction → reply.

Every ingress ends here, and so does every replay. `reception` makes the entries, one for each
mailbox; `storage.mail.filing` is the transaction: gather → decide → apply.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import log
from gateway.authentication.authenticator import Authenticator
from gateway.clock import Clock, NewId
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.parsing.parser import Parser
from gateway.policies import Policies
from gateway.reception import Reception
from rules import replies
from rules.decision.model import Decision
from rules.decision.receipt import Receipt
from rules.mail import Delivery
from rules.mail.header import Author
from rules.replies import Reply
from rules.sender.authentication import Authentication
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.mail import filing
from storage.mail.apply import Entry
from storage.mail.quarantine import HeldMail


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
    """An answer that must not be timed is given at a multiple of this time after DATA."""

    async def take(self, delivery: Delivery) -> Sequence[Reply]:
        """One reply for each recipient, in order. A mail accepted here is on disk."""
        started = asyncio.get_running_loop().time()
        recipients = delivery.envelope.rcpt_tos
        try:
            with self.metrics.filing():
                entries = await self._reception().entries(delivery)
                receipts = await self._file(entries)
        except Exception as error:  # noqa: BLE001 - a bug or a broken store loses no mail: 451
            reference, reply = log.failed(error, delivery), replies.TEMPORARY_FAILURE
            self.metrics.failed()
            return [reply.with_text(f"{reply.text} ({reference})")] * len(recipients)
        if any(receipt.is_delayed for receipt in receipts):
            taken_s = asyncio.get_running_loop().time() - started
            await asyncio.sleep(math.ceil(taken_s / self.refusal_s) * self.refusal_s - taken_s)
        answers = {
            recipient: receipt.reply
            for entry, receipt in zip(entries, receipts, strict=True)
            for recipient in entry.delivery.envelope.rcpt_tos
        }
        return [answers.get(recipient, replies.NO_SUCH_MAILBOX) for recipient in recipients]

    async def preview(self, delivery: Delivery) -> Sequence[tuple[Entry, Decision]]:
        """What would become of a mail, mailbox by mailbox; nothing is written."""
        entries = await self._reception().entries(delivery)
        job = partial(filing.preview, entries=entries)
        return await asyncio.to_thread(self.database.read, job)

    async def release(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        author: Author | None = None,
        as_new: bool = False,
    ) -> Receipt:
        """Decide a held mail again. It leaves the quarantine at most once.

        `author` states who wrote it where From does not; `as_new` ignores what it points to. One
        that was released before is a duplicate; Conflict is raised for one that was discarded.
        """
        entry = await self._reception().held_entry(held, delivery, authentication, author, as_new)
        (receipt,) = await self._file([entry])
        return receipt

    async def _file(self, entries: Sequence[Entry]) -> Sequence[Receipt]:
        """All mailboxes of a mail are written in one transaction."""
        if not entries:
            return []
        job = partial(filing.file, entries=entries)
        receipts = await asyncio.wrap_future(self.ledger.submit(job))
        for entry, receipt in zip(entries, receipts, strict=True):
            log.filed(receipt, entry.delivery)
            self.metrics.filed(receipt)
            if receipt.notices:
                self.on_notice()
        return receipts

    def _reception(self) -> Reception:
        return Reception(
            database=self.database,
            mailbox_cache=self.mailbox_cache,
            policies=self.policies,
            parser=self.parser,
            authenticator=self.authenticator,
            clock=self.clock,
            new_id=self.new_id,
        )
