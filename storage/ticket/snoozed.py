"""Tickets whose snooze is over: found by an indexed query, and woken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from rules.decision.effects import Effects
from rules.policy import Policy
from rules.ticket.changes import Source, WakeUp
from storage.db.tables import TicketRow, table
from storage.ticket.change import change_ticket
from storage.ticket.overdue import DueTicket, due_by
from storage.ticket.rows import ChangeContext


def due(
    connection: Connection, now: datetime, limit: int, after: DueTicket | None = None
) -> Sequence[DueTicket]:
    """The tickets to wake now, the longest due first; with `after`, those behind it."""
    return due_by(connection, table(TicketRow).c.snooze_until, now, limit, after)


def wake(
    connection: Connection,
    ticket: DueTicket,
    policies: Mapping[str, Policy],
    now: datetime,
    new_id: Callable[[], UUID],
) -> int:
    """Wake one ticket, once on all nodes; returns the number of notices. One of a mailbox whose
    policy is unknown is left as it is."""
    policy = policies.get(ticket.mailbox.policy)
    if policy is None:
        return 0
    context = ChangeContext(
        mailbox=ticket.mailbox, actor="", source=Source.SYSTEM, now=now, new_id=new_id
    )
    done = change_ticket(connection, context, ticket.number, [WakeUp()], policy, by_staff=True)
    return len(done.notices) if isinstance(done, Effects) else 0
