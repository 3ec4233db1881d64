"""Turns a decision into rows, all in the transaction that it was made in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection, Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite

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

_ticket, _participant, _comment = table(TicketRow), table(ParticipantRow), table(CommentRow)
_attachment, _notice, _journal = table(AttachmentRow), table(NoticeRow), table(JournalRow)
_mail, _deferral = table(MailRow), table(DeferralRow)

_REMEMBER = {
    name: statement.execution_options(preserve_rowcount=True)
    for name, statement in {
        "sqlite": sqlite.insert(_mail).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(_mail).on_conflict_do_nothing(),
    }.items()
}
_DEFER = {
    "sqlite": sqlite.insert(_deferral).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_deferral).on_conflict_do_nothing(),
}
LEAVES_QUARANTINE = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED)
"""With any other verdict a mail that was held and is decided again stays held."""
_JOIN = {
    "sqlite": sqlite.insert(_participant).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_participant).on_conflict_do_nothing(),
}


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
    ticket: int | None
    match decision.action:
        case OpenTicket() as opening:
            ticket = _open(connection, entry, opening)
        case AddComment(ticket=ticket, visibility=visibility, additions=additions):
            _comment_on(connection, entry, ticket, visibility)
            _join(connection, entry, ticket, additions)
        case Record(ticket=ticket):
            if ticket is not None:
                _comment_on(connection, entry, ticket, Visibility.FOLDED)
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
    if entry.held is not None:
        _release(connection, entry, receipt)
    elif reply.accepted and decision.verdict is not Verdict.DUPLICATE:
        _remember(connection, entry, receipt)
    _write_journal(connection, entry, decision, receipt)
    return receipt


def _open(connection: Connection, entry: Entry, opening: OpenTicket) -> int:
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
    ticket = _insert(connection, _ticket, row)
    person = opening.requester_id
    if opening.enrol and opening.company is not None:
        person = registry.enrol(connection, entry.mailbox, opening.requester, opening.company)
    requester = _insert(
        connection,
        _participant,
        {
            "mailbox_id": entry.mailbox.id,
            "ticket_id": ticket,
            "address": opening.requester,
            "person_id": person,
            "part": Part.REQUESTER.value,
            "presence": Presence.ACTIVE.value,
            "joined_at": entry.received_at,
        },
    )
    _write_comment(connection, entry, ticket, Visibility.PUBLIC)
    _join(connection, entry, ticket, opening.additions)
    if opening.acknowledge:
        address = opening.requester
        _order(connection, entry, Kind.ACKNOWLEDGEMENT, address, ticket, requester)
    return ticket


def _comment_on(connection: Connection, entry: Entry, ticket: int, visibility: Visibility) -> None:
    _write_comment(connection, entry, ticket, visibility)
    if visibility is Visibility.PUBLIC:
        touched = update(_ticket).where(_ticket.c.id == ticket).values(updated_at=entry.received_at)
        connection.execute(touched)


def _write_comment(
    connection: Connection, entry: Entry, ticket: int, visibility: Visibility
) -> None:
    body = entry.mail.body
    row = {
        "mailbox_id": entry.mailbox.id,
        "ticket_id": ticket,
        "journal_id": entry.journal_id,
        "author": _author(entry.mail),
        "visibility": visibility.value,
        "text": _text(body.text) if isinstance(body, Body) else "",
        "degraded": body.why[:200] if isinstance(body, Unreadable) else None,
        "written_at": entry.received_at,
    }
    comment = _insert(connection, _comment, row)
    if isinstance(body, Body) and body.attachments:
        connection.execute(
            insert(_attachment),
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
        connection.execute(
            _JOIN[connection.dialect.name],
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
    connection.execute(
        insert(_notice),
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
        },
    )


def _defer(connection: Connection, entry: Entry) -> None:
    """Remember when this mail was first told to come again."""
    row = {"mailbox_id": entry.mailbox.id, "identity": entry.mail.identity}
    connection.execute(_DEFER[connection.dialect.name], row | {"since": entry.decided_at})


def _release(connection: Connection, entry: Entry, receipt: Receipt) -> None:
    """A held mail that was decided again leaves the quarantine, once."""
    if receipt.verdict not in LEAVES_QUARANTINE:
        return
    held = (
        (_mail.c.mailbox_id == entry.mailbox.id)
        & (_mail.c.journal_id == entry.held)
        & (_mail.c.state == "held")
    )
    # `answer` stays: should the sender send it again, he is answered as the first time.
    filed = {"state": "filed", "journal_id": entry.journal_id, "ticket_id": receipt.ticket}
    if connection.execute(update(_mail).where(held).values(**filed)).rowcount != 1:
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
    if connection.execute(_REMEMBER[connection.dialect.name], row).rowcount != 1:
        raise Conflict(f"mail {entry.mail.identity} was filed meanwhile")


def _write_journal(
    connection: Connection, entry: Entry, decision: Decision, receipt: Receipt
) -> None:
    envelope, mail = entry.delivery.envelope, entry.mail
    trace = [(step.check, _text(step.saw), _text(step.outcome)) for step in decision.trace]
    connection.execute(
        insert(_journal),
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


def _insert(connection: Connection, into: Table, row: dict[str, object]) -> int:
    """The number that the database gave the new row."""
    key = connection.execute(insert(into), row).inserted_primary_key
    assert key is not None, "every table here numbers its rows"
    return int(key[0])


def _author(mail: Mail) -> str:
    return mail.author.address if isinstance(mail.author, Author) else ""


def _text(value: str, limit: int | None = None) -> str:
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogates."""
    if value.isascii() and "\0" not in value:
        return value[:limit]
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:limit]
