"""Nothing that is accepted of a proven, registered person is silent: somebody is notified of it, or
a digest will name it."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from sqlalchemy import select

from rules.decision.model import Decision, Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Mailbox
from rules.ticket.desk import Queue
from storage.db.tables import MailRow, NoticeRow, WithheldRow, table
from storage.desk import queues
from tests.properties.conversation.expectations import Expectations
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.pipeline import Pipeline
from tests.properties.conversation.registry import AccountState

_notice, _withheld, _mail = table(NoticeRow), table(WithheldRow), table(MailRow)
TRIGGERS_NOTHING = {Reason.AUTOMATIC, Reason.BOUNCE, Reason.UNSUBSCRIBED}
"""Kept where their sign is certain, or nothing else was asked for."""
IN_A_STORM = "storm: "
"""In the trace: an alert was raised when it began."""


def somebody_will_see_it(
    pipeline: Pipeline,
    expected: Expectations,
    mailbox: Mailbox,
    mail: WrittenMail,
    receipt: Receipt,
    decision: Decision,
) -> None:
    registered = expected.registry.account_state(mail.author) is AccountState.USER
    if mail.proof != "proven" or mail.second_author or not registered:
        return
    if not receipt.reply.accepted or receipt.verdict is Verdict.DUPLICATE:
        return
    if receipt.verdict is Verdict.HELD:
        again = not _is_kept_as(pipeline, receipt)  # it is in the queue as before
        assert again or receipt.journal_id in _named_by_a_digest(pipeline, mailbox)
    elif receipt.verdict is Verdict.RECORDED:
        assert receipt.reason in TRIGGERS_NOTHING
        assert mail.is_automatic or receipt.reason is Reason.UNSUBSCRIBED
    elif pipeline.policy.staff.notify != "none":
        stormy = any(IN_A_STORM in step.outcome for step in decision.trace)
        assert stormy or _reaches(pipeline, receipt) & set(expected.registry.people.staff)


def _named_by_a_digest(pipeline: Pipeline, mailbox: Mailbox) -> set[object]:
    look = partial(
        queues.states, mailbox=mailbox, policy=pipeline.policy, now=pipeline.now, named=10_000
    )
    (held,) = (state for state in pipeline.transact(look) if state.queue is Queue.HELD)
    assert held.more == 0
    return {UUID(line.item) for line in held.new}


def _is_kept_as(pipeline: Pipeline, receipt: Receipt) -> bool:
    """Whether the mail is kept under this row of the journal; else it was decided once more."""
    kept = select(_mail.c.identity).where(_mail.c.journal_id == receipt.journal_id)
    return bool(pipeline.transact(lambda c: c.execute(kept).all()))


def _reaches(pipeline: Pipeline, receipt: Receipt) -> set[str]:
    """Those who get a notice because of the mail, or of whom a digest says that they get none."""
    notified = select(_notice.c.address).where(_notice.c.cause == receipt.journal_id)
    withheld = select(_withheld.c.address).where(_withheld.c.ticket_id == receipt.ticket)
    found = pipeline.transact(lambda c: c.execute(notified.union(withheld)).scalars().all())
    return set(found)
