"""Turns a decision into rows, all in the transaction that it was made in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from rules.decision.considered import Attempt, Considered
from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
    Unsubscribe,
    Verdict,
)
from rules.decision.receipt import Receipt, reply_to
from rules.mail import Body, Delivery, Mail, Mailbox, Unreadable
from rules.mail.header import Author
from rules.people import ParticipantKind, Presence
from rules.policy import Policy
from rules.sender.authentication import as_dict
from rules.sender.pointers import thread_ids
from rules.service.participants import Addition
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind, NoticeOrder, ReceiptPayload
from rules.ticket.visibility import Visibility
from storage.db import raw_mail
from storage.db.ledger import Conflict
from storage.db.statements import compiled, compiled_insert, pipelined
from storage.db.tables import DeferralRow, JournalRow, MailRow, ThreadReferenceRow, TicketRow, table
from storage.notices import suppression
from storage.registry import people
from storage.ticket import changes, clocks, participants, write
from storage.ticket.write import ChangeContext, Source, storable

# A second follow-up to one ticket is refused by its unique index, and only that can be.
_TICKET = compiled_insert(table(TicketRow), "id", ignore_existing=True)
_REFERENCE = compiled_insert(table(ThreadReferenceRow), ignore_existing=True)
_JOURNAL = compiled_insert(table(JournalRow))
_DEFERRAL = compiled_insert(table(DeferralRow), ignore_existing=True)
_MAIL = compiled_insert(table(MailRow), "identity", ignore_existing=True)
_mail = table(MailRow)
_FILE_HELD = compiled(
    update(_mail)
    .where(
        _mail.c.mailbox_id == bindparam("mailbox"),
        _mail.c.journal_id == bindparam("held"),
        _mail.c.state == "held",
    )
    # `answer` stays: should the sender send it again, he is answered as the first time.
    .values(state="filed", journal_id=bindparam("filed"), ticket_id=bindparam("ticket"))
    .returning(_mail.c.identity)
)
_NEW = {
    "status": Status.OPEN.value,
    "severity_source": "mail",
    "status_at": None,
    "merged_into": None,
    "deleted_at": None,
    "assignee": "",
    "escalation_level": 0,
    "first_answered_at": None,
    "rating": "",
}
"""What every ticket begins with."""
LEAVES_QUARANTINE = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED)
"""With any other verdict a mail that was held and is decided again stays held."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail on its way into the store: all that is written of it beside the decision."""

    journal_id: UUID
    considered: Considered
    attempt: Attempt
    delivery: Delivery
    """With the recipients of this mailbox only."""
    compressed: bytes
    new_id: Callable[[], UUID]

    @property
    def mailbox(self) -> Mailbox:
        return self.considered.mailbox

    @property
    def mail(self) -> Mail:
        return self.considered.mail

    def with_refused(self, why: str) -> Entry:
        """The entry once its commands could not be done."""
        return replace(self, attempt=replace(self.attempt, refused=why))


def apply(connection: Connection, entry: Entry, decision: Decision, policy: Policy) -> Receipt:
    """Write a decision down.

    Raises Conflict where another transaction was first with this mail, and ChangeRefused where a
    command in it cannot be done: then nothing of the mail may be kept as it was decided.
    """
    person = _requester(connection, entry, decision)
    with pipelined(connection):
        receipt = _apply(connection, entry, decision, policy, person)
    match decision.action:
        case AddComment(changes=wanted) as adding if wanted:
            return replace(
                receipt, notices=receipt.notices + _change(connection, entry, adding, policy)
            )
        case _:
            return receipt


def _change(connection: Connection, entry: Entry, adding: AddComment, policy: Policy) -> int:
    """Do what the mail's commands ask for, and tell its author; returns how many mails at least."""
    hand = _hand(entry, Source.STAFF_MAIL if adding.by_staff else Source.MAIL)
    by_staff, said = adding.by_staff, adding.visibility is Visibility.PUBLIC
    effects = changes.make(connection, hand, adding.ticket, adding.changes, policy, by_staff, said)
    payload = ReceiptPayload(text="\n".join(effects))
    receipt = NoticeOrder(NoticeKind.RECEIPT, hand.actor, payload=payload)
    write.queue_notices(connection, hand, (receipt,), adding.ticket)
    return 1


def _requester(connection: Connection, entry: Entry, decision: Decision) -> int | None:
    """The person who opens a ticket, enrolled now where the decision says so."""
    match decision.action:
        case OpenTicket(enrol=True, company=int(company), requester=address):
            return people.enrol(connection, entry.mailbox, address, company)
        case OpenTicket(requester_id=person):
            return person
        case _:
            return None


def _apply(
    connection: Connection, entry: Entry, decision: Decision, policy: Policy, person: int | None
) -> Receipt:
    ticket: int | None
    hand = _hand(entry)
    match decision.action:
        case OpenTicket() as opening:
            ticket = _open(connection, entry, hand, opening, policy, person)
        case AddComment(ticket=ticket) as adding:
            _comment_on(connection, entry, hand, adding)
        case Record(ticket=ticket) as recording:
            _record(connection, entry, hand, recording)
        case Unsubscribe(ticket=ticket) as leaving:
            _unsubscribe(connection, entry, hand, leaving)
        case Hold(orders=orders):
            ticket = None
            write.queue_notices(connection, hand, orders, ticket=None)
        case Defer():
            ticket = None
            _defer(connection, entry)
        case Refuse():
            ticket = None
        case Repeat(ticket=ticket):
            pass
        case _:
            assert_never(decision.action)
    reply = reply_to(decision, entry.journal_id, ticket)
    receipt = Receipt(
        journal_id=entry.journal_id,
        mailbox=entry.mailbox.address,
        verdict=decision.verdict,
        reason=decision.reason,
        ticket=ticket,
        reply=reply,
        notices=len(decision.orders),
        proven=entry.considered.authentication.aligned,
    )
    _write_journal(connection, entry, decision, receipt)
    if entry.attempt.held is not None:
        _release(connection, entry, receipt)
    elif reply.accepted and decision.verdict is not Verdict.DUPLICATE:
        _remember(connection, entry, receipt)
    return receipt


def _hand(entry: Entry, source: Source = Source.MAIL) -> ChangeContext:
    author = _author(entry.mail)
    return ChangeContext(
        entry.mailbox, author, source, entry.attempt.decided_at, entry.new_id, entry.journal_id
    )


def _open(
    connection: Connection,
    entry: Entry,
    hand: ChangeContext,
    opening: OpenTicket,
    policy: Policy,
    person: int | None,
) -> int:
    claim = opening.severity.claim
    row = {
        **_NEW,
        "mailbox_id": entry.mailbox.id,
        "subject": storable(opening.subject),
        "severity": opening.severity.name,
        # Looked up, not written as a constant: so the database sees what it is to refuse.
        "critical": any(x.critical and x.name == opening.severity.name for x in policy.levels),
        "severity_claimed": claim.level if claim is not None else None,
        "critical_claimed": opening.severity.critical_claimed,
        "requester": opening.requester,
        "company_id": opening.company,
        "mentions": opening.mentions,
        "opened_at": entry.attempt.came_at,
        "updated_at": entry.attempt.came_at,
        "message_id": storable(entry.mail.message_id, 252),
        "follows": opening.follows,
        "tier": opening.tier,
        "targets": json.dumps(opening.targets),
        "fields": json.dumps(opening.fields, ensure_ascii=False),
        "missing": json.dumps(opening.missing, ensure_ascii=False),
        "first_due_at": opening.clock.due_at if opening.clock is not None else None,
        **clocks.columns(opening.clock),
    }
    opened = _TICKET.rows(connection, **row)
    if not opened:
        raise Conflict(f"#{opening.follows} got its follow-up meanwhile")
    ticket = int(opened[0].id)
    requester = Addition(
        opening.requester,
        person,
        ParticipantKind.REQUESTER,
        Presence.ACTIVE,
        opening.language,
        opening.muted,
    )
    write.add_participants(connection, hand, ticket, (requester, *opening.additions))
    comment = _write(connection, entry, hand, ticket, Visibility.PUBLIC, opening.author, opening)
    write.queue_notices(connection, hand, opening.orders, ticket, comment)
    _keep_unknown_references(connection, entry, ticket)
    return ticket


def _comment_on(
    connection: Connection, entry: Entry, hand: ChangeContext, adding: AddComment
) -> None:
    author = _author(entry.mail)
    comment = _write(connection, entry, hand, adding.ticket, adding.visibility, author, adding)
    write.add_participants(connection, hand, adding.ticket, adding.additions)
    if adding.moved is not None:
        moved = adding.moved
        if not write.change_status(
            connection, hand, adding.ticket, moved.was, moved.became, "a reply"
        ):
            raise Conflict(f"#{adding.ticket} is {moved.was} no more")
    elif adding.visibility is Visibility.PUBLIC:
        write.touch(connection, hand, adding.ticket)
    if adding.clock_change is not None:
        answered_at = hand.now if adding.answers else None
        clocks.save_clock(connection, hand, adding.ticket, adding.clock_change, answered_at)
    if adding.by_staff:
        participants.resubscribe(connection, adding.ticket, author)
    if adding.missing is not None:
        write.set_missing(connection, adding.ticket, adding.missing)
    write.keep_fields(connection, adding.ticket, adding.fields)
    write.queue_notices(connection, hand, adding.orders, adding.ticket, comment)


def _record(connection: Connection, entry: Entry, hand: ChangeContext, recording: Record) -> None:
    if recording.ticket is not None:
        folded = Visibility.FOLDED
        _write(connection, entry, hand, recording.ticket, folded, recording.author, recording)
    if recording.bounced is not None:
        suppression.record_bounce(connection, hand, recording.bounced)
    write.queue_notices(connection, hand, recording.orders, recording.ticket)


def _unsubscribe(
    connection: Connection, entry: Entry, hand: ChangeContext, leaving: Unsubscribe
) -> None:
    participants.unsubscribe(connection, hand, leaving.ticket, leaving.participant)
    folded = Visibility.FOLDED
    _write(connection, entry, hand, leaving.ticket, folded, leaving.author, leaving)
    write.queue_notices(connection, hand, leaving.orders, leaving.ticket)


def _write(
    connection: Connection,
    entry: Entry,
    hand: ChangeContext,
    ticket: int,
    visibility: Visibility,
    author: str,
    action: Record | Unsubscribe | AddComment | OpenTicket,
) -> int | None:
    """The mail's words on a ticket; numbered where a notice carries them."""
    body = entry.mail.body
    return write.add_comment(
        connection,
        hand,
        ticket,
        visibility,
        author,
        body.text if isinstance(body, Body) else "",
        body.why if isinstance(body, Unreadable) else None,
        body.attachments if isinstance(body, Body) else (),
        entry.attempt.came_at,
        numbered=any(order.quotes for order in action.orders),
        charset_guessed=isinstance(body, Body) and body.charset_guessed,
    )


def _keep_unknown_references(connection: Connection, entry: Entry, ticket: int) -> None:
    """Should an ancestor of the mail come late, it is known where it belongs."""
    _REFERENCE.run_many(
        connection,
        [
            {"mailbox_id": entry.mailbox.id, "message_id": one[:252], "ticket_id": ticket}
            for one in thread_ids(entry.mail)
        ],
    )


def _defer(connection: Connection, entry: Entry) -> None:
    """Remember when this mail was first told to come again."""
    row = {"mailbox_id": entry.mailbox.id, "identity": entry.mail.identity}
    _DEFERRAL.run(connection, row | {"since": entry.attempt.decided_at})


def _release(connection: Connection, entry: Entry, receipt: Receipt) -> None:
    """A held mail that was decided again leaves the quarantine, once."""
    if receipt.verdict not in LEAVES_QUARANTINE:
        return
    filed = _FILE_HELD.rows(
        connection,
        mailbox=entry.mailbox.id,
        held=entry.attempt.held,
        filed=entry.journal_id,
        ticket=receipt.ticket,
    )
    if not filed:
        raise Conflict(f"mail {entry.attempt.held} was released meanwhile")


def _remember(connection: Connection, entry: Entry, receipt: Receipt) -> None:
    """Keep the raw mail and its identity. The database says whether it is a repeat, not we."""
    digest = raw_mail.store(connection, entry.mailbox.id, entry.delivery.raw, entry.compressed)
    row = {
        "mailbox_id": entry.mailbox.id,
        "identity": entry.mail.identity,
        "journal_id": entry.journal_id,
        "message_id": storable(entry.mail.message_id, 252),
        "ticket_id": receipt.ticket,
        "answer": receipt.reply.text,
        "state": "held" if receipt.verdict is Verdict.HELD else "filed",
        "raw_digest": digest,
    }
    if not _MAIL.rows(connection, **row):
        raise Conflict(f"mail {entry.mail.identity} was filed meanwhile")


def _write_journal(
    connection: Connection, entry: Entry, decision: Decision, receipt: Receipt
) -> None:
    envelope, mail = entry.delivery.envelope, entry.mail
    trace = [(step.check, storable(step.saw), storable(step.outcome)) for step in decision.trace]
    _JOURNAL.run(
        connection,
        {
            "id": entry.journal_id,
            "mailbox_id": entry.mailbox.id,
            "received_at": entry.attempt.decided_at,
            "verdict": receipt.verdict.value,
            "reason": receipt.reason.value,
            "ticket_id": receipt.ticket,
            "peer": envelope.peer[:45],
            "helo": storable(envelope.helo, 255),
            "mail_from": storable(envelope.mail_from, 320),
            "rcpt_tos": storable(" ".join(envelope.rcpt_tos)),
            "author": _author(mail),
            "subject": storable(mail.subject, 998),
            "message_id": storable(mail.message_id, 252),
            "identity": mail.identity,
            "size_bytes": mail.size_bytes,
            "reply": str(receipt.reply),
            "trace": json.dumps(trace, ensure_ascii=False),
            "authentication": json.dumps(as_dict(entry.considered.measured), ensure_ascii=False),
        },
    )


def _author(mail: Mail) -> str:
    return mail.author.address if isinstance(mail.author, Author) else ""
