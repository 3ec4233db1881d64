"""Nothing that was accepted is silent: a mail is on a ticket where staff were notified, or in a
queue whose digest names it.

It holds for everybody's mail, proven or not. Exceptions: the mail of strangers in quarantine, what
is certainly a machine's, a storm, and a budget that is used up, of which a digest has the ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from rules.decision.model import Decision
from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.service.digests import FOLDED_FOR
from rules.ticket.desk import Queue
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import DigestPayload
from storage.desk import digests, queues, received_entries
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.pipeline import Pipeline, ProcessedMail, SentNotice
from tests.properties.conversation.registry import AccountState

OF_STRANGERS = (Reason.STRANGER_HELD, Reason.STRANGER_RELAYED)
"""Held mail that no digest names."""
_HELD_MAIL = (Queue.HELD.value, Queue.LEAVING.value)


@dataclass
class DeskView:
    """What the staff of one mailbox have been shown, and what they have yet to be."""

    expected: Expectations
    named: set[UUID] = field(default_factory=set)
    """The held mails that a digest named, by journal id."""
    folded: set[UUID] = field(default_factory=set)
    """The folded mails that a digest named, and that wait still."""
    has_folded: bool = False
    """Any was folded."""
    ordered: dict[str, int] = field(default_factory=dict)
    """The tickets of filed mails whose notices to staff are not sent yet, by Message-ID."""

    def _readers(self, but: str = "") -> list[str]:
        """The staff who receive mail."""
        registry = self.expected.registry
        return [s for s in registry.people.staff if s != but and registry.receives_mail(s)]

    def mail_was_announced(
        self, pipeline: Pipeline, mail: WrittenMail, result: ProcessedMail
    ) -> None:
        """Staff are notified of a mail that is on a ticket."""
        receipt, registry = result.receipt, self.expected.registry
        self.has_folded |= receipt.reason is Reason.AUTOMATIC_FOLDED
        if receipt.verdict is Verdict.RECORDED:
            assert self._triggers_nothing(mail, receipt)
        if receipt.verdict not in (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED):
            return
        readers = self._readers(but=mail.author)
        if registry.is_staff(mail.author):
            if receipt.verdict is Verdict.COMMENTED:
                return  # staff know what they wrote, and customers are notified of it
            if receipt.verdict is Verdict.FLAGGED:
                readers = self._readers()  # the receipt of a draft is for its author
        notified = pipeline.notified(receipt.journal_id)
        if notified & set(readers):
            assert receipt.ticket is not None
            self.ordered[mail.message_id] = receipt.ticket
        elif readers and "storm" not in result.decision.trace[-1].outcome:
            withheld = self._withheld(result.decision)
            assert withheld, f"of {mail} staff are not notified, only {notified}"
            assert withheld <= pipeline.withheld(receipt.ticket), "withheld, and in no queue"

    def _triggers_nothing(self, mail: WrittenMail, receipt: Receipt) -> bool:
        """Whether nobody need see a recorded mail: its effect answers it, or it counts as certainly
        a machine's. What may be a registered person's is folded on their ticket, and named."""
        if receipt.reason is Reason.UNSUBSCRIBED:
            return True
        state = self.expected.registry.account_state(mail.author)
        if not mail.is_automatic or mail.released:
            return False
        if mail.proof != "proven" or state not in (AccountState.USER, AccountState.STAFF):
            return True
        if mail.may_be_a_machines:
            return receipt.reason is Reason.AUTOMATIC_FOLDED
        return not mail.may_be_a_persons

    def _withheld(self, decision: Decision) -> set[str]:
        """The staff of whom a budget withholds the notice of a mail."""
        orders = (o for o in decision.withheld if o.kind is not NoticeKind.RECEIPT)
        return {o.address for o in orders if self.expected.registry.is_staff(o.address)}

    def held_mail_is_named(self, pipeline: Pipeline) -> None:
        """Each held mail was named by a digest, or is among those that the next one names."""
        waiting = {
            journal_id
            for journal_id, held in self.expected.held.items()
            if held.reason not in OF_STRANGERS
        }
        if waiting <= self.named:
            return
        mailbox = pipeline.mailboxes[self.expected.mailbox].id
        query = queues.not_named(received_entries.held_entries([mailbox]), mailbox, Queue.HELD)
        new = pipeline.transact(lambda c: {row.item for row in c.execute(query)})
        assert waiting <= self.named | new, "held, and no digest names it"

    def folded_mail_is_named(self, pipeline: Pipeline) -> None:
        """Each folded mail that a person may have written is in the queue, and was named by a
        digest or is among those that the next one names, until staff accept it."""
        if not self.has_folded:
            return
        mailbox = pipeline.mailboxes[self.expected.mailbox].id
        entries = received_entries.folded_entries([mailbox], pipeline.now)
        query = queues.not_named(entries, mailbox, Queue.FOLDED)
        new = pipeline.transact(lambda c: {row.item for row in c.execute(query)})
        waiting = pipeline.transact(lambda c: {row.item for row in c.execute(entries)})
        self.folded &= waiting
        recent = pipeline.folded_since(mailbox, pipeline.now - FOLDED_FOR)
        assert recent <= waiting, "folded, and in no queue"
        assert waiting <= self.folded | new, "folded, and no digest names it"

    def order_digest(self, pipeline: Pipeline, every_queue: bool = False) -> None:
        """What the scheduler does for a newly held mail, and now and then for every queue."""
        mailbox = pipeline.mailboxes[self.expected.mailbox]
        is_due = pipeline.transact(
            lambda c: (
                digests.may_be_ordered(c, mailbox, pipeline.now)
                and (every_queue or digests.has_new_held(c, mailbox))
            )
        )
        if not is_due:
            return
        ordered = pipeline.transact(
            lambda c: digests.order_digest(
                c, mailbox, pipeline.policy, pipeline.now, pipeline.new_id
            )
        )
        # What nobody would get is named to nobody, and waits.
        assert ordered or every_queue or not self._readers()

    def was_sent(self, sent: SentNotice) -> None:
        """Check a digest; note of any notice to staff what they know by it."""
        if not self.expected.registry.is_staff(sent.recipient):
            assert sent.notice.kind is not NoticeKind.DIGEST
            return
        self.ordered.pop(sent.notice.answers, None)
        if isinstance(payload := sent.notice.payload, DigestPayload):
            for line in payload.lines:
                if line.queue in _HELD_MAIL:
                    assert line.sender in sent.texts[0]
                    assert line.subject in sent.texts[0]
                    self.named.add(UUID(line.item))
                if line.queue == Queue.FOLDED.value:
                    assert line.sender in sent.texts[0]
                    self.folded.add(UUID(line.item))

    def nothing_is_left(self) -> None:
        """After all notices were sent: staff got one of each mail, unless its ticket is deleted."""
        for message_id, ticket in self.ordered.items():
            gone = ticket in self.expected.deleted
            assert gone or not self._readers(), (
                f"{message_id} on #{ticket}: no notice reached anybody of the staff"
            )
        self.ordered.clear()
