"""SLA clocks that reached their warning or due time: found by an indexed query, reported once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select, tuple_

from rules.decision.effects import Effects
from rules.mail import Mailbox
from rules.policy import Policy
from rules.ticket.changes import ReportOverdue, Source
from storage.db.tables import MailboxRow, TicketRow, table
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext

_ticket, _mailbox = table(TicketRow), table(MailboxRow)


@dataclass(frozen=True, slots=True)
class DueTicket:
    """A ticket whose clock has something to report now."""

    number: int
    mailbox: Mailbox
    notify_at: datetime


def due(
    connection: Connection, now: datetime, limit: int, after: DueTicket | None = None
) -> Sequence[DueTicket]:
    """The tickets whose clock has something to report, the longest overdue first; with `after`,
    those behind it in this order."""
    return due_by(connection, _ticket.c.tell_at, now, limit, after)


def due_by(
    connection: Connection,
    due_at: ColumnElement[datetime],
    now: datetime,
    limit: int,
    after: DueTicket | None = None,
) -> Sequence[DueTicket]:
    """The tickets for which a column of theirs names a time that has come; as `due`."""
    query = (
        select(
            _ticket.c.id,
            due_at.label("notify_at"),
            _ticket.c.mailbox_id,
            _mailbox.c.address,
            _mailbox.c.policy,
        )
        .join_from(_ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
        .where(due_at <= now)
        .order_by(due_at, _ticket.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(due_at, _ticket.c.id) > (after.notify_at, after.number))
    return [
        DueTicket(row.id, Mailbox(row.mailbox_id, row.address, row.policy), row.notify_at)
        for row in connection.execute(query)
    ]


def notify_overdue(
    connection: Connection,
    tickets: Sequence[DueTicket],
    policies: Mapping[str, Policy],
    now: datetime,
    new_id: Callable[[], UUID],
) -> int:
    """Queue the notices of warnings and breaches, each once on all nodes; returns how many. Tickets
    of a mailbox whose policy is unknown are left as they are."""
    queued = 0
    for ticket in tickets:
        policy = policies.get(ticket.mailbox.policy)
        if policy is None or not _still_due(connection, ticket):
            continue
        context = ChangeContext(
            mailbox=ticket.mailbox, actor="", source=Source.SYSTEM, now=now, new_id=new_id
        )
        done = change_ticket(
            connection, context, ticket.number, [ReportOverdue()], policy, by_staff=True
        )
        queued += len(done.notices) if isinstance(done, Effects) else 0
    return queued


def _still_due(connection: Connection, ticket: DueTicket) -> bool:
    """Lock the ticket, so that one node reports it and the others find it reported."""
    same = select(_ticket.c.id).where(
        _ticket.c.id == ticket.number, _ticket.c.tell_at == ticket.notify_at
    )
    return connection.execute(same.with_for_update()).first() is not None
