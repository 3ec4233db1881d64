"""Turns a decision into rows, all in the transaction that it was made in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from rules.authentication import Authentication, as_dict
from rules.decision import (
    AddComment,
    Decision,
    Defer,
    Hold,
    OpenTicket,
    Record,
    Refuse,
    Repeat,
    Verdict,
    Visibility,
)
from rules.facts import Part, Presence
from rules.header import Author
from rules.mail import Body, Delivery, Mail, Mailbox, Unreadable
from rules.notices import Kind, NoticeState
from rules.participants import Addition
from rules.receipt import Receipt, reply_to
from storage import blobs, registry
from storage.ledger import Conflict
from storage.statements import always, insertion, pipelined
from storage.tables import (
    AttachmentRow,
    CommentRow,
    DeferralRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    table,
)

_TICKET = insertion(table(TicketRow), "id")
# A number is asked for only where it is needed: on PostgreSQL each one is a wait.
_PARTICIPANT = insertion(table(ParticipantRow))
_NUMBERED_PARTICIPANT = insertion(table(ParticipantRow), "id")
_JOIN = insertion(table(ParticipantRow), unless_there=True)
_COMMENT = insertion(table(CommentRow))
_NUMBERED_COMMENT = insertion(table(CommentRow), "id")
_ATTACHMENT = insertion(table(AttachmentRow))
_NOTICE = insertion(table(NoticeRow))
_JOURNAL = insertion(table(JournalRow))
_DEFERRAL = insertion(table(DeferralRow), unless_there=True)
_MAIL = insertion(table(MailRow), "identity", unless_there=True)
_ticket, _mail = table(TicketRow), table(MailRow)
_TOUCH = always(
    update(_ticket).where(_ticket.c.id == bindparam("ticket")).values(updated_at=bindparam("now"))
)
_FILE_HELD = always(
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
LEAVES_QUARANTINE = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED)
"""With any other verdict a mail that was held and is decided again stays held."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail on its way into the store: all that is written of it beside the decision."""

    journal_id: UUID
    mailbox: Mailbox
    delivery: Delivery
    """With the recipients of this mailbox only."""
    compressed: bytes
    mail: Mail
    authentication: Authentication
    received_at: datetime
    """When the mail came: its ticket and its clocks start then."""
    decided_at: datetime
    """The same, but for a mail that was held in between."""
    new_id: Callable[[], UUID]
    held: UUID | None = None
    """The journal row under which this mail was held, where it is decided again."""
    as_new: bool = False
    """Ignore whatever ticket it points to."""


def apply(connection: Connection, entry: Entry, decision: Decision) -> Receipt:
    """Write a decision down. Raises Conflict where another transaction was first with this mail."""
    person = _requester(connection, entry, decision)
    with pipelined(connection):
        return _apply(connection, entry, decision, person)


def _requester(connection: Connection, entry: Entry, decision: Decision) -> int | None:
    """The person who opens a ticket, enrolled now where the decision says so."""
    match decision.action:
        case OpenTicket(enrol=True, company=int(company), requester=address):
            return registry.enrol(connection, entry.mailbox, address, company)
        case OpenTicket(requester_id=person):
            return person
        case _:
            return None


def _apply(connection: Connection, entry: Entry, decision: Decision, person: int | None) -> Receipt:
    ticket: int | None
    match decision.action:
        case OpenTicket() as opening:
            ticket = _open(connection, entry, opening, person)
        case AddComment(ticket=ticket, visibility=visibility, additions=additions):
            _comment_on(connection, entry, ticket, visibility)
            _join(connection, entry, ticket, additions)
        case Record(ticket=ticket, author=author):
            if ticket is not None:
                _write_comment(connection, entry, ticket, Visibility.FOLDED, author)
        case Hold(invite=address):
            ticket = None
            if address:
                _order(connection, entry, Kind.INVITATION, address)
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
        notices=_notices(decision),
        proven=entry.authentication.aligned,
    )
    _write_journal(connection, entry, decision, receipt)
    if entry.held is not None:
        _release(connection, entry, receipt)
    elif reply.accepted and decision.verdict is not Verdict.DUPLICATE:
        _remember(connection, entry, receipt)
    return receipt


def _open(connection: Connection, entry: Entry, opening: OpenTicket, person: int | None) -> int:
    claim = opening.severity.claim
    row = {
        "mailbox_id": entry.mailbox.id,
        "subject": _text(opening.subject),
        "status": "open",
        "severity": opening.severity.name,
        "severity_source": "mail",
        "critical": False,
        "severity_claimed": claim.level if claim is not None else None,
        "critical_claimed": opening.severity.critical_claimed,
        "requester": opening.requester,
        "company_id": opening.company,
        "mentions": opening.mentions,
        "opened_at": entry.received_at,
        "updated_at": entry.received_at,
    }
    ticket = int(_TICKET.rows(connection, **row)[0].id)
    requester = {
        "mailbox_id": entry.mailbox.id,
        "ticket_id": ticket,
        "address": opening.requester,
        "person_id": person,
        "part": Part.REQUESTER.value,
        "presence": Presence.ACTIVE.value,
        "joined_at": entry.received_at,
    }
    if opening.acknowledge:
        participant = int(_NUMBERED_PARTICIPANT.rows(connection, **requester)[0].id)
        address = opening.requester
        _order(connection, entry, Kind.ACKNOWLEDGEMENT, address, ticket, participant)
    else:
        _PARTICIPANT.run(connection, requester)
    _write_comment(connection, entry, ticket, Visibility.PUBLIC, opening.requester)
    _join(connection, entry, ticket, opening.additions)
    return ticket


def _comment_on(connection: Connection, entry: Entry, ticket: int, visibility: Visibility) -> None:
    _write_comment(connection, entry, ticket, visibility, _author(entry.mail))
    if visibility is Visibility.PUBLIC:
        _TOUCH.run(connection, {"ticket": ticket, "now": entry.received_at})


def _write_comment(
    connection: Connection, entry: Entry, ticket: int, visibility: Visibility, author: str
) -> None:
    body = entry.mail.body
    row = {
        "mailbox_id": entry.mailbox.id,
        "ticket_id": ticket,
        "journal_id": entry.journal_id,
        "author": author,
        "visibility": visibility.value,
        "text": _text(body.text) if isinstance(body, Body) else "",
        "degraded": body.why[:200] if isinstance(body, Unreadable) else None,
        "written_at": entry.received_at,
    }
    if not isinstance(body, Body) or not body.attachments:
        _COMMENT.run(connection, row)
    else:
        comment = int(_NUMBERED_COMMENT.rows(connection, **row)[0].id)
        _ATTACHMENT.run_many(
            connection,
            [
                {
                    "mailbox_id": entry.mailbox.id,
                    "comment_id": comment,
                    "part": attachment.part[:100],
                    "name": _text(attachment.name, 255),
                    "content_type": _text(attachment.content_type, 127),
                    "size_bytes": attachment.size_bytes,
                    "content_id": _text(attachment.content_id, 252),
                    "inline": attachment.inline,
                }
                for attachment in body.attachments
            ],
        )


def _join(
    connection: Connection, entry: Entry, ticket: int, additions: tuple[Addition, ...]
) -> None:
    if additions:
        _JOIN.run_many(
            connection,
            [
                {
                    "mailbox_id": entry.mailbox.id,
                    "ticket_id": ticket,
                    "address": addition.address,
                    "person_id": addition.person,
                    "part": addition.part.value,
                    "presence": addition.presence.value,
                    "joined_at": entry.received_at,
                }
                for addition in additions
            ],
        )


def _notices(decision: Decision) -> int:
    match decision.action:
        case OpenTicket(acknowledge=True):
            return 1
        case Hold(invite=address) if address:
            return 1
        case _:
            return 0


def _order(
    connection: Connection,
    entry: Entry,
    kind: Kind,
    address: str,
    ticket: int | None = None,
    participant: int | None = None,
) -> None:
    _NOTICE.run(
        connection,
        {
            "id": entry.new_id(),
            "mailbox_id": entry.mailbox.id,
            "ticket_id": ticket,
            "kind": kind.value,
            "participant_id": participant,
            "address": address,
            "cause": entry.journal_id,
            "state": NoticeState.DUE.value,
            "created_at": entry.decided_at,
            "due_at": entry.decided_at,
            "attempts": 0,
            "last_error": "",
            "sent_at": None,
        },
    )


def _defer(connection: Connection, entry: Entry) -> None:
    """Remember when this mail was first told to come again."""
    row = {"mailbox_id": entry.mailbox.id, "identity": entry.mail.identity}
    _DEFERRAL.run(connection, row | {"since": entry.decided_at})


def _release(connection: Connection, entry: Entry, receipt: Receipt) -> None:
    """A held mail that was decided again leaves the quarantine, once."""
    if receipt.verdict not in LEAVES_QUARANTINE:
        return
    filed = _FILE_HELD.rows(
        connection,
        mailbox=entry.mailbox.id,
        held=entry.held,
        filed=entry.journal_id,
        ticket=receipt.ticket,
    )
    if not filed:
        raise Conflict(f"mail {entry.held} was released meanwhile")


def _remember(connection: Connection, entry: Entry, receipt: Receipt) -> None:
    """Keep the raw mail and its identity. The database says whether it is a repeat, not we."""
    digest = blobs.store(connection, entry.mailbox.id, entry.delivery.raw, entry.compressed)
    row = {
        "mailbox_id": entry.mailbox.id,
        "identity": entry.mail.identity,
        "journal_id": entry.journal_id,
        "message_id": _text(entry.mail.message_id, 252),
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
    trace = [(step.check, _text(step.saw), _text(step.outcome)) for step in decision.trace]
    _JOURNAL.run(
        connection,
        {
            "id": entry.journal_id,
            "mailbox_id": entry.mailbox.id,
            "received_at": entry.decided_at,
            "verdict": receipt.verdict.value,
            "reason": receipt.reason.value,
            "ticket_id": receipt.ticket,
            "peer": envelope.peer[:45],
            "helo": _text(envelope.helo, 255),
            "mail_from": _text(envelope.mail_from, 320),
            "rcpt_tos": _text(" ".join(envelope.rcpt_tos)),
            "author": _author(mail),
            "subject": _text(mail.subject, 998),
            "message_id": _text(mail.message_id, 252),
            "identity": mail.identity,
            "size_bytes": mail.size_bytes,
            "reply": str(receipt.reply),
            "trace": json.dumps(trace, ensure_ascii=False),
            "authentication": json.dumps(as_dict(entry.authentication), ensure_ascii=False),
        },
    )


def _author(mail: Mail) -> str:
    return mail.author.address if isinstance(mail.author, Author) else ""


def _text(value: str, limit: int | None = None) -> str:
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogates."""
    if value.isascii() and "\0" not in value:
        return value[:limit]
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:limit]
