"""Tickets whose snooze is over: found by an indexed query, and woken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from rules.decision.effects import Effects
from rules.mail import Mailbox
from rules.policy import Policy
from rules.ticket.changes import Source, WakeUp
from storage.db.tables import MailboxRow, TicketRow, table
from storage.ticket.change import change_ticket
from storage.ticket.overdue import DueTicket
from storage.ticket.rows import ChangeContext

_ticket, _mailbox = table(TicketRow), table(MailboxRow)


def due(connection: Connection, now: datetime, limit: int) -> Sequence[DueTicket]:
    """The tickets to wake now, the longest due first."""
    query = (
        select(
            _ticket.c.id,
            _ticket.c.snooze_until,
            _ticket.c.mailbox_id,
            _mailbox.c.address,
            _mailbox.c.policy,
        )
        .join_from(_ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
        .where(_ticket.c.snooze_until <= now)
        .order_by(_ticket.c.snooze_until, _ticket.c.id)
        .limit(limit)
    )
    return [
        DueTicket(row.id, Mailbox(row.mailbox_id, row.address, row.policy), row.snooze_until)
        for row in connection.execute(query)
    ]


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
