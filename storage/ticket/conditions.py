"""What tickets are listed and counted by, as the indexes have it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, text

from rules.people import Role
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    ASSIGNED,
    DUE,
    UNASSIGNED,
    AuditRow,
    CommentRow,
    PersonRow,
    TicketRow,
    table,
)

_ticket, _comment = table(TicketRow), table(CommentRow)
_person, _audit = table(PersonRow), table(AuditRow)

ACTIVE = frozenset((Status.OPEN.value, Status.PENDING.value))

Condition = ColumnElement[bool]

CLAIMED_AT: ColumnElement[datetime] = func.coalesce(
    select(func.max(_audit.c.at))
    .where(
        _audit.c.ticket_id == _ticket.c.id,
        _audit.c.event == AuditEvent.SEVERITY_CLAIMED.value,
    )
    .correlate(_ticket)
    .scalar_subquery(),
    _ticket.c.opened_at,
    type_=_ticket.c.opened_at.type,
)
"""When the last claim was made: the first one is in the mail that opened the ticket."""


def answered(ticket: ColumnElement[int], since: ColumnElement[datetime]) -> Condition:
    """Whether staff have written on a ticket since a time."""
    return exists().where(
        _comment.c.ticket_id == ticket,
        _comment.c.visibility == Visibility.PUBLIC.value,
        _comment.c.written_at > since,
        _person.c.mailbox_id == _comment.c.mailbox_id,
        _person.c.address == _comment.c.author,
        _person.c.role == Role.STAFF.value,
    )


ANSWERED = answered(_ticket.c.id, CLAIMED_AT)
"""Staff have written on a ticket since its last claim."""


def due(mailboxes: Collection[int], before: datetime) -> tuple[Condition, ...]:
    """Tickets of these mailboxes that are due before a time."""
    is_due = and_(text(f"ticket.{DUE}"))  # exactly the condition of the index
    return _ticket.c.mailbox_id.in_(sorted(mailboxes)), is_due, _ticket.c.due_at < before


def unassigned(mailbox: int) -> tuple[Condition, ...]:
    """Tickets of a mailbox that nobody works on, and that are not over."""
    is_nobodys = and_(text(UNASSIGNED))  # exactly the condition of the index
    return _ticket.c.mailbox_id == mailbox, is_nobodys


def assigned_to(mailbox: int, address: str) -> tuple[Condition, ...]:
    """Tickets of a mailbox that a person works on."""
    is_assigned = and_(text(ASSIGNED))  # exactly the condition of the index
    return _ticket.c.mailbox_id == mailbox, is_assigned, _ticket.c.assignee == address
