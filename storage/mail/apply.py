"""Turns a decision into rows, all in the transaction that it was made in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import Connection

from rules.decision.considered import Attempt, Considered
from rules.decision.content import body_of
from rules.decision.effects import CommentWritten, NewComment, Unsubscribed, notified
from rules.decision.model import (
    AddComment,
    Decision,
    Defer,
    EndSubscription,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
)
from rules.decision.reasons import Verdict
from rules.decision.receipt import Receipt, reply_to
from rules.mail import Body, BodyNeeded, Delivery, Mail, Mailbox, Unread, Unreadable
from rules.mail.header import Author
from rules.mail.subjects import bare_subject
from rules.policy import Policy
from rules.sender.pointers import thread_ids
from rules.ticket.changes import Source
from rules.ticket.severity import MailSeverity
from rules.ticket.visibility import Visibility
from storage.db import raw_mail
from storage.db.ledger import Conflict
from storage.db.statements import (
    Pending,
    bind_list,
    compiled_insert,
    compiled_inserts,
    pipelined,
)
from storage.db.tables import (
    DeferralRow,
    JournalRow,
    MailIdentityRow,
    MailRow,
    ThreadReferenceRow,
    table,
)
from storage.mail import refusal_counts
from storage.mail.journal_row import KEEPS_NOTHING, journal_values
from storage.mail.largeness import is_large
from storage.mail.releases import introducer, leave_quarantine
from storage.notices import named_tickets, suppression
from storage.registry import people
from storage.ticket.opening import NewTicketRow, open_ticket, write_changes
from storage.ticket.rows import ChangeContext, queue_notices, storable
from storage.ticket.withheld import record_withheld
from storage.ticket.write import require_unchanged, write

_REFERENCE = compiled_insert(table(ThreadReferenceRow), ignore_existing=True)
_JOURNAL = compiled_insert(table(JournalRow))
_DEFERRAL = compiled_insert(table(DeferralRow), ignore_existing=True)
_MAIL = compiled_insert(table(MailRow), "identity", ignore_existing=True)
_IDENTITIES = compiled_inserts(table(MailIdentityRow), "identity")
_mail = table(MailRow)
_FILED_IN_FULL = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail on its way into the store: all that is written of it besides the decision."""

    journal_id: UUID
    considered: Considered
    attempt: Attempt
    delivery: Delivery
    """With the recipients of this mailbox only."""
    compressed: bytes
    """The raw mail; empty if it is expected that the mail is not kept."""
    new_id: Callable[[], UUID]
    digest: str = ""
    """Of the raw mail; empty if it is not known yet."""

    @property
    def is_large(self) -> bool:
        return is_large(self.mail, len(self.delivery.raw), is_kept=bool(self.compressed))

    @property
    def mailbox(self) -> Mailbox:
        return self.considered.mailbox

    @property
    def mail(self) -> Mail:
        return self.considered.mail


def apply(connection: Connection, entry: Entry, decision: Decision, policy: Policy) -> Receipt:
    """Write a decision; returns the receipt.

    Raises Conflict if another transaction has filed this mail or changed its ticket meanwhile: the
    transaction must then be rolled back. Raises BodyNeeded for a decision that keeps a mail which
    was expected not to be kept, or a text which has not been read.
    """
    decision = _enrolled(connection, entry, decision)
    with pipelined(connection):
        return _apply(connection, entry, decision, policy)


def _enrolled(connection: Connection, entry: Entry, decision: Decision) -> Decision:
    """The decision; if it enrols the requester, they are enrolled now, and it has their id."""
    match decision.action:
        case OpenTicket(enrol=True, company=int(company), requester=address) as opening:
            person = people.enrol(connection, entry.mailbox, address, company)
            return replace(decision, action=replace(opening, requester_id=person))
        case _:
            return decision


def _apply(connection: Connection, entry: Entry, decision: Decision, policy: Policy) -> Receipt:
    ticket: int | None
    context = _context(entry)
    match decision.action:
        case OpenTicket() as opening:
            if opening.follows is not None:  # from where it takes its people
                require_unchanged(connection, opening.follows, decision.versions)
            ticket = _open(connection, entry, context, opening, policy, decision.proof)
        case AddComment(ticket=ticket) as adding:
            _comment_on(connection, entry, context, adding, decision)
        case Record(ticket=ticket) as recording:
            _record(connection, entry, context, recording, decision)
        case EndSubscription(ticket=ticket) as ending:
            _end_subscription(connection, entry, context, ending, decision)
        case Hold(orders=orders):
            ticket = None
            queue_notices(connection, context, orders, ticket=None)
        case Defer() | Refuse():
            ticket = None
        case Repeat(ticket=ticket):
            pass
        case _:
            assert_never(decision.action)
    if decision.withheld and ticket is not None:
        record_withheld(connection, context, ticket, decision.withheld)
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
        withheld=len(decision.withheld),
    )
    kept: _Kept | None = None
    if entry.attempt.held is not None:
        leave_quarantine(connection, entry.attempt, receipt, context, _author(entry.mail))
    elif reply.accepted and decision.verdict is not Verdict.DUPLICATE:
        kept = _keep(connection, entry, receipt, decision)
    at = entry.attempt.decided_at
    envelope, is_new = entry.considered.envelope, entry.attempt.held is None
    refused = is_new and receipt.verdict in KEEPS_NOTHING and not decision.unread
    if refused and (counted := refusal_counts.count(connection, envelope, policy, at)):
        return replace(receipt, counted=counted)
    if isinstance(decision.action, Defer) and decision.action.cause == "dns":
        _defer(connection, entry)
    values = journal_values(entry.considered, decision, receipt, kept.stored_bytes if kept else 0)
    _JOURNAL.run(connection, {"id": entry.journal_id, "received_at": at, **values})
    if kept is not None:
        kept.require_new()
    return receipt


def _context(entry: Entry) -> ChangeContext:
    return ChangeContext(
        mailbox=entry.mailbox,
        actor=_author(entry.mail),
        source=Source.MAIL,
        now=entry.attempt.decided_at,
        new_id=entry.new_id,
        journal_id=entry.journal_id,
    )


def _open(
    connection: Connection,
    entry: Entry,
    context: ChangeContext,
    opening: OpenTicket[MailSeverity],
    policy: Policy,
    proof: str,
) -> int:
    comment = _new_comment(entry, Visibility.PUBLIC, opening.author, proof)
    new = NewTicketRow(entry.attempt.came_at, entry.mail.message_id)
    if (customer := opening.for_customer) is not None and customer.note:
        new = replace(new, note=customer.with_note(comment))
    if customer is not None:
        comment = customer.request(comment)
    named_tickets.require_none_waits(connection, entry.mailbox, opening.orders, context.now)
    ticket = open_ticket(connection, context, opening, comment, new, policy)
    if opening.named_with is not None:
        item = storable(named_tickets.item(ticket, opening.subject))
        named_tickets.name_with(connection, entry.mailbox, opening.author, opening.named_with, item)
    _keep_unknown_references(connection, entry, ticket)
    return ticket


def _comment_on(
    connection: Connection,
    entry: Entry,
    context: ChangeContext,
    adding: AddComment,
    decision: Decision,
) -> None:
    comment = _new_comment(entry, adding.visibility, _author(entry.mail), decision.proof)
    number, versions, by_commands = adding.ticket, decision.versions, adding.command_effects
    quoted = any(order.quotes for order in by_commands.notices)
    effects = adding.effects(comment, context.now)
    written = write(connection, context, number, effects, versions, numbered=quoted)
    by = replace(context, source=Source.STAFF_MAIL if adding.by_staff else Source.MAIL)
    # The comment has locked this ticket, at the version that was decided on.
    others = {other: version for other, version in versions.items() if other != number}
    write_changes(connection, by, number, by_commands, others, entry.considered.policy, written)


def _record(
    connection: Connection,
    entry: Entry,
    context: ChangeContext,
    recording: Record,
    decision: Decision,
) -> None:
    if recording.ticket is not None:
        comment = (
            _comment_without_body(entry, recording, decision.proof)
            if recording.body_dropped
            else replace(
                _new_comment(entry, Visibility.FOLDED, recording.author, decision.proof),
                would_be=recording.would_be,
            )
        )
        receipts = notified(recording.orders if recording.would_be is not None else ())
        effects = (CommentWritten(comment), *receipts)
        write(connection, context, recording.ticket, effects, decision.versions)
    if recording.bounced is not None:
        suppression.record_bounce(connection, context, recording.bounced)
    if recording.would_be is None:
        queue_notices(connection, context, recording.orders, recording.ticket)


def _end_subscription(
    connection: Connection,
    entry: Entry,
    context: ChangeContext,
    ending: EndSubscription,
    decision: Decision,
) -> None:
    comment = _new_comment(entry, Visibility.FOLDED, ending.author, decision.proof)
    effects = (
        Unsubscribed(ending.participant, ending.author),
        CommentWritten(comment),
        *notified(ending.orders),
    )
    write(connection, context, ending.ticket, effects, decision.versions)


def _new_comment(entry: Entry, visibility: Visibility, author: str, proof: str) -> NewComment:
    """The mail's text as a comment."""
    body = body_of(entry.mail)
    return NewComment(
        author=author,
        visibility=visibility,
        text=body.text if isinstance(body, Body) else "",
        written_at=entry.attempt.came_at,
        subject=_subject(entry),
        proof=proof,
        degraded=body.why if isinstance(body, Unreadable) else None,
        charset_guessed=isinstance(body, Body) and body.charset_guessed,
        has_html=isinstance(body, Body) and bool(body.html),
        attachments=body.attachments if isinstance(body, Body) else (),
    )


def _comment_without_body(entry: Entry, recording: Record, proof: str) -> NewComment:
    return NewComment(
        author=recording.author,
        visibility=Visibility.FOLDED,
        text="",
        written_at=entry.attempt.came_at,
        subject=_subject(entry),
        degraded=recording.body_dropped,
        proof=proof,
    )


def _subject(entry: Entry) -> str:
    return bare_subject(entry.mail.subject, entry.considered.policy.subject_tag.format)


def _keep_unknown_references(connection: Connection, entry: Entry, ticket: int) -> None:
    """Record the ids that the mail refers to: an ancestor that comes late joins this ticket."""
    _REFERENCE.run_many(
        connection,
        [
            {
                "mailbox_id": entry.mailbox.id,
                "message_id": message_id[:252],
                "ticket_id": ticket,
                "author": _author(entry.mail),
            }
            for message_id in thread_ids(entry.mail)
        ],
    )


def _defer(connection: Connection, entry: Entry) -> None:
    """Record when this mail was first deferred."""
    row = {"mailbox_id": entry.mailbox.id, "identity": entry.considered.deferred_as}
    _DEFERRAL.run(connection, row | {"since": entry.attempt.decided_at})


@dataclass(frozen=True, slots=True)
class _Kept:
    """A mail whose rows are submitted. The database alone decides whether it is a repeat."""

    identity: str
    stored_bytes: int
    row: Pending[list[Any]]
    further: Sequence[str]
    further_rows: Pending[list[Any]]

    def require_new(self) -> None:
        """Raise Conflict for a repeat. Read last: on PostgreSQL each reading is a round trip, and
        what was submitted after these rows arrives with them."""
        if not self.row() or len(self.further_rows()) != len(self.further):
            raise Conflict(f"mail {self.identity} was filed meanwhile")


def _keep(connection: Connection, entry: Entry, receipt: Receipt, decision: Decision) -> _Kept:
    """Keep the raw mail and its identities."""
    raw, compressed, digest = entry.delivery.raw, entry.compressed, entry.digest
    match decision.action:
        case Record(body_dropped=str(why)) if why:
            raw = raw_mail.header_only(raw, entry.mail.header.body_at, why)
            compressed, digest = b"", ""
    if decision.keeps_mail and not compressed and isinstance(entry.mail.body, Unread):
        raise BodyNeeded  # it may be large
    compressed = compressed or raw_mail.compress(raw)
    digest = raw_mail.store(connection, entry.mailbox.id, raw, compressed, digest)
    row = {
        "mailbox_id": entry.mailbox.id,
        "identity": entry.mail.identity,
        "journal_id": entry.journal_id,
        "message_id": storable(entry.mail.message_id, 252),
        "ticket_id": receipt.ticket,
        "answer": receipt.reply.text,
        "state": "held" if receipt.verdict is Verdict.HELD else "filed",
        "raw_digest": digest,
        "author": introducer(_author(entry.mail), receipt),
        "content": entry.considered.content,
    }
    kept = _MAIL.submit(connection, **row)
    further = _further_identities(entry, receipt)
    kept_further = _keep_identities(connection, entry, further) if further else list
    return _Kept(entry.mail.identity, len(compressed), kept, further, kept_further)


def _further_identities(entry: Entry, receipt: Receipt) -> Sequence[str]:
    """The identities of the mail besides its own row's, in an order that no two nodes can block."""
    identities = set(entry.considered.identities)
    if receipt.verdict in _FILED_IN_FULL and receipt.proven:
        # A lesser copy that was filed like the mail itself, such as a registered machine's with the
        # null reverse-path, takes its place.
        identities.update(entry.considered.of_the_mail)
    return sorted(identities - {entry.mail.identity})


def _keep_identities(
    connection: Connection, entry: Entry, identities: Sequence[str]
) -> Pending[list[Any]]:
    return _IDENTITIES(len(identities)).submit(
        connection,
        **bind_list("mailbox_id", [entry.mailbox.id] * len(identities)),
        **bind_list("identity", identities),
        **bind_list("mail", [entry.mail.identity] * len(identities)),
    )


def _author(mail: Mail) -> str:
    return mail.author.address if isinstance(mail.author, Author) else ""
