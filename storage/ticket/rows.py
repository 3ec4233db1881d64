"""The rows of a ticket: people, comments, outgoing mails and lines of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from rules.decision.effects import NewComment
from rules.mail import Attachment, Mailbox
from rules.people import ParticipantKind, Presence
from rules.service.participants import Addition
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.notice_payloads import Payload, as_stored
from rules.ticket.notices import NoticeOrder, NoticeState, StaffSubscription
from rules.ticket.payloads import AlertPayload
from storage.db.tables import FROM_INSIDE, FROM_OUTSIDE
from storage.ticket import statements as sql


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """Who changes a ticket, and when: what all rows of one decision have in common."""

    mailbox: Mailbox
    actor: str
    """An address; empty for the system itself."""
    source: Source
    now: datetime
    new_id: Callable[[], UUID]
    journal_id: UUID | None = None
    """Of the mail that the change comes by."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail; `AuditEvent` documents what each value holds."""

    event: AuditEvent
    subject: str = ""
    was: str = ""
    became: str = ""
    reason: str = ""


def add_participants(
    connection: Connection, context: ChangeContext, ticket: int, additions: Iterable[Addition]
) -> None:
    """Add people to a ticket; those already on it stay as they are."""
    rows = (participant_row(context, ticket, addition) for addition in additions)
    sql.JOIN.run_many(connection, rows)


def participant_row(context: ChangeContext, ticket: int, addition: Addition) -> dict[str, Any]:
    return {
        "mailbox_id": context.mailbox.id,
        "ticket_id": ticket,
        "address": addition.address,
        "person_id": addition.person,
        "part": addition.part.value,
        "presence": addition.presence.value,
        "joined_at": context.now,
        "muted": addition.muted,
        "language": addition.language,
    }


def add_comment(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    comment: NewComment,
    numbered: bool,
) -> int | None:
    """Write a comment; returns its number if `numbered` or if it has attachments, else None."""
    row = {
        "mailbox_id": context.mailbox.id,
        "ticket_id": ticket,
        "journal_id": context.journal_id,
        "author": comment.author,
        "visibility": comment.visibility.value,
        "subject": storable(comment.subject),
        "text": storable(comment.text),
        "proof": storable(comment.proof, 300),
        "degraded": comment.degraded[:200] if comment.degraded is not None else None,
        "charset_guessed": comment.charset_guessed,
        "has_html": comment.has_html,
        "folded_as": comment.would_be.value if comment.would_be is not None else None,
        "meant_as_note": comment.meant_as_note,
        "files_digest": comment.files_digest,
        "written_at": comment.written_at,
    }
    if not numbered and not comment.attachments:
        sql.COMMENT.run(connection, row)
        return None
    number = int(sql.NUMBERED_COMMENT.rows(connection, **row)[0].id)
    if comment.attachments:
        attachments = [_attachment(context, number, each) for each in comment.attachments]
        sql.ATTACHMENT.run_many(connection, attachments)
    return number


def queue_notices(
    connection: Connection,
    context: ChangeContext,
    orders: Iterable[NoticeOrder],
    ticket: int | None,
    comment: int | None = None,
    *,
    joined: bool = False,
) -> None:
    """Queue the notices that a decision causes; the dispatcher sends them later.

    `ticket` is the one that they are about, `comment` the one that notices with `quotes` carry.
    Staff who are not yet on the ticket become participants of it, unless they have `joined` it.
    """
    orders = tuple(orders)
    if ticket is not None and not joined:
        add_participants(connection, context, ticket, followers(orders))
    rows = [
        {
            "id": context.new_id(),
            "mailbox_id": context.mailbox.id,
            "ticket_id": ticket,
            "kind": order.kind.value,
            "comment_id": comment if order.quotes else None,
            "detail": json.dumps(as_stored(order.payload), ensure_ascii=False),
            "language": order.language,
            "address": order.address,
            "cause": context.journal_id,
            "source": context.source.value,
            "actor": context.actor,
            "state": NoticeState.DUE.value,
            "created_at": order.due_at or context.now,
            "due_at": order.due_at or context.now,
            "attempts": 0,
            "last_error": "",
            "sent_at": None,
            "claim": _claim(order.payload),
            "claimed_by": None,
        }
        for order in orders
    ]
    sql.NOTICE.run_many(connection, rows)


def _claim(payload: Payload) -> str:
    """What is stored of the alert of a reply that claims to be critical; empty for any other."""
    if not isinstance(payload, AlertPayload) or not payload.claimed:
        return ""
    return FROM_OUTSIDE if payload.outside else FROM_INSIDE


def audit(connection: Connection, context: ChangeContext, ticket: int, entry: AuditEntry) -> None:
    """Record who changed what, and why."""
    sql.AUDIT.run(
        connection,
        {
            "mailbox_id": context.mailbox.id,
            "ticket_id": ticket,
            "at": context.now,
            "actor": context.actor,
            "source": context.source.value,
            "event": entry.event.value,
            "subject": storable(entry.subject),
            "was": storable(entry.was),
            "became": storable(entry.became),
            "reason": storable(entry.reason, 1000),
            "journal_id": context.journal_id,
        },
    )


def storable(value: str, limit: int | None = None) -> str:
    """Text that both databases accept: without NUL (PostgreSQL refuses it) and lone surrogates."""
    if value.isascii() and "\0" not in value:
        return value[:limit]
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:limit]


def followers(orders: Iterable[NoticeOrder]) -> list[Addition]:
    """The staff who become participants by these notices."""
    return [_follower(order, order.subscription) for order in orders if order.subscription]


def _follower(order: NoticeOrder, subscription: StaffSubscription) -> Addition:
    return Addition(
        address=order.address,
        person=None,
        part=ParticipantKind.FOLLOWER,
        presence=Presence.ACTIVE,
        language=order.language,
        muted=subscription is StaffSubscription.ONLOOKER,
    )


def _attachment(context: ChangeContext, comment: int, attachment: Attachment) -> dict[str, Any]:
    return {
        "mailbox_id": context.mailbox.id,
        "comment_id": comment,
        "part": attachment.part[:100],
        "name": storable(attachment.name, 255),
        "content_type": storable(attachment.content_type, 127),
        "size_bytes": attachment.size_bytes,
        "content_id": storable(attachment.content_id, 252),
        "inline": attachment.inline,
    }
