"""Reads of tickets, for the command line and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from storage.tables import (
    AttachmentRow,
    CommentRow,
    MailboxRow,
    ParticipantRow,
    TicketRow,
    table,
)

_ticket, _mailbox, _comment = table(TicketRow), table(MailboxRow), table(CommentRow)
_attachment, _participant = table(AttachmentRow), table(ParticipantRow)


@dataclass(frozen=True, slots=True)
class Summary:
    number: int
    mailbox: str
    subject: str
    status: str
    severity: str
    severity_claimed: str | None
    critical_claimed: bool
    requester: str
    mentions: int | None
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    name: str
    content_type: str
    size_bytes: int
    part: str


@dataclass(frozen=True, slots=True)
class Said:
    """One comment on a ticket."""

    journal_id: UUID
    author: str
    visibility: str
    text: str
    degraded: str | None
    written_at: datetime
    attachments: tuple[Attached, ...]


@dataclass(frozen=True, slots=True)
class Member:
    id: int
    address: str
    part: str
    presence: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A ticket with all that is on it."""

    summary: Summary
    members: tuple[Member, ...]
    comments: tuple[Said, ...]


_SUMMARY = select(_ticket, _mailbox.c.address.label("mailbox")).join_from(
    _ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id
)


def newest(connection: Connection, limit: int, status: str | None = None) -> Sequence[Summary]:
    """The tickets that changed last, newest first."""
    query = _SUMMARY if status is None else _SUMMARY.where(_ticket.c.status == status)
    rows = connection.execute(query.order_by(_ticket.c.updated_at.desc()).limit(limit))
    return [_summary(row) for row in rows]


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(_ticket)).scalar_one())


def whole(connection: Connection, number: int) -> Whole | None:
    """The ticket with its participants and comments, oldest first; None where there is none."""
    row = connection.execute(_SUMMARY.where(_ticket.c.id == number)).one_or_none()
    if row is None:
        return None
    members = connection.execute(
        select(
            _participant.c.id, _participant.c.address, _participant.c.part, _participant.c.presence
        )
        .where(_participant.c.ticket_id == number)
        .order_by(_participant.c.id)
    )
    return Whole(
        _summary(row), tuple(Member(*member) for member in members), _comments(connection, number)
    )


def _comments(connection: Connection, number: int) -> tuple[Said, ...]:
    attached: dict[int, list[Attached]] = {}
    for row in connection.execute(
        select(_attachment)
        .join_from(_attachment, _comment, _attachment.c.comment_id == _comment.c.id)
        .where(_comment.c.ticket_id == number)
        .order_by(_attachment.c.id)
    ):
        attached.setdefault(row.comment_id, []).append(
            Attached(row.name, row.content_type, row.size_bytes, row.part)
        )
    rows = connection.execute(
        select(_comment)
        .where(_comment.c.ticket_id == number)
        .order_by(_comment.c.written_at, _comment.c.id)
    )
    return tuple(
        Said(
            row.journal_id,
            row.author,
            row.visibility,
            row.text,
            row.degraded,
            row.written_at,
            tuple(attached.get(row.id, ())),
        )
        for row in rows
    )


def _summary(row: Row[Any]) -> Summary:
    return Summary(
        number=row.id,
        mailbox=row.mailbox,
        subject=row.subject,
        status=row.status,
        severity=row.severity,
        severity_claimed=row.severity_claimed,
        critical_claimed=row.critical_claimed,
        requester=row.requester,
        mentions=row.mentions,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
    )
