"""Outgoing mails as rows: claimed for a while, then sent, put off or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, update

from rules.mail import Mailbox
from rules.notices import Kind, NoticeState
from storage.tables import JournalRow, MailboxRow, NoticeRow, PersonRow, TicketRow, table

_notice, _ticket, _mailbox = table(NoticeRow), table(TicketRow), table(MailboxRow)
_journal, _person = table(JournalRow), table(PersonRow)

LEASE = timedelta(minutes=10)
"""A claimed notice is nobody else's for so long; a sender that dies leaves it to the next then."""


@dataclass(frozen=True, slots=True)
class About:
    """The ticket that a notice is about, and the recipient's place on it."""

    ticket: int
    participant: int
    subject: str
    severity: str
    critical_claimed: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """All that is needed to write and send one outgoing mail."""

    id: UUID
    kind: Kind
    mailbox: Mailbox
    about: About | None
    """None for an invitation, which is about no ticket."""
    address: str
    name: str
    answers: str
    """The Message-ID of the mail that caused it; empty where there was none."""
    created_at: datetime
    attempts: int
    """This one included."""


def claim(connection: Connection, now: datetime, limit: int) -> Sequence[Notice]:
    """Take up to `limit` due notices, the longest due first. Two senders never get the same one."""
    due = (
        select(_notice.c.id)
        .where(_notice.c.state == NoticeState.DUE.value, _notice.c.due_at <= now)
        .order_by(_notice.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite, with its one writer, needs and has none
    )
    claimed = (
        update(_notice)
        .where(_notice.c.id.in_(due))
        .values(due_at=now + LEASE, attempts=_notice.c.attempts + 1)
        .returning(_notice.c.id)
    )
    ids = connection.execute(claimed).scalars().all()
    if not ids:
        return ()
    query = (
        select(
            _notice,
            _ticket.c.subject,
            _ticket.c.severity,
            _ticket.c.critical_claimed,
            _mailbox.c.address.label("mailbox"),
            _mailbox.c.policy,
            _journal.c.message_id,
            _person.c.name,
        )
        .join_from(_notice, _mailbox, _notice.c.mailbox_id == _mailbox.c.id)
        .join(_ticket, _notice.c.ticket_id == _ticket.c.id, isouter=True)
        .join(_journal, _notice.c.cause == _journal.c.id, isouter=True)
        .join(
            _person,
            (_person.c.mailbox_id == _notice.c.mailbox_id)
            & (_person.c.address == _notice.c.address),
            isouter=True,
        )
        .where(_notice.c.id.in_(ids))
        .order_by(_notice.c.created_at, _notice.c.id)
    )
    return [_as_notice(row) for row in connection.execute(query)]


def order_invitation(
    connection: Connection, mailbox: Mailbox, address: str, notice: UUID, now: datetime
) -> None:
    """Order a sign-up link for an address, at no mail's request."""
    row = {"id": notice, "mailbox_id": mailbox.id, "kind": Kind.INVITATION.value}
    row |= {"address": address, "state": NoticeState.DUE.value, "created_at": now, "due_at": now}
    connection.execute(insert(_notice), row | {"attempts": 0, "last_error": ""})


def next_due(connection: Connection) -> datetime | None:
    """When the next notice is due; None while there is none."""
    query = select(func.min(_notice.c.due_at)).where(_notice.c.state == NoticeState.DUE.value)
    return connection.execute(query).scalar()


def sent(connection: Connection, notice: UUID, now: datetime) -> None:
    _settle(connection, notice, state=NoticeState.SENT.value, sent_at=now, last_error="")


def put_off(connection: Connection, notice: UUID, due_at: datetime, error: str) -> None:
    _settle(connection, notice, due_at=due_at, last_error=error)


def give_up(connection: Connection, notice: UUID, error: str) -> None:
    _settle(connection, notice, state=NoticeState.DEAD.value, last_error=error)


def counts(connection: Connection) -> dict[str, int]:
    """How many notices are in each state."""
    query = select(_notice.c.state, func.count().label("number")).group_by(_notice.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def _settle(connection: Connection, notice: UUID, **values: Any) -> None:
    guard = (_notice.c.id == notice) & (_notice.c.state == NoticeState.DUE.value)
    connection.execute(update(_notice).where(guard).values(**values))


def _as_notice(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        kind=Kind(row.kind),
        mailbox=Mailbox(row.mailbox_id, row.mailbox, row.policy),
        about=About(
            row.ticket_id, row.participant_id, row.subject, row.severity, row.critical_claimed
        )
        if row.ticket_id is not None
        else None,
        address=row.address,
        name=row.name or "",
        answers=row.message_id or "",
        created_at=row.created_at,
        attempts=row.attempts,
    )
