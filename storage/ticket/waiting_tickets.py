"""How many tickets of a mailbox wait for something, and since when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select, text

from storage.db.tables import CLAIMED, TicketRow, table
from storage.ticket import conditions
from storage.ticket.conditions import ACTIVE, CLAIMED_AT, Condition, answered, assigned_to, due

_ticket = table(TicketRow)

COUNTED = 1_000
"""Tickets that wait for somebody to work on them, at most; of more it is said that there are."""


class WaitingTickets(NamedTuple):
    """How many tickets wait for something, and since when the first of them does."""

    number: int
    since: datetime | None
    is_cut: bool = False
    """There may be more."""


NONE = WaitingTickets(0, None)


def overdue(
    connection: Connection, mailboxes: Collection[int], now: datetime
) -> Mapping[int, WaitingTickets]:
    """The tickets of each mailbox whose answer is overdue, and since when the first is; without
    those mailboxes that have none."""
    # The index has all that is read: nothing is due on a deleted ticket.
    return _by_mailbox(connection, _ticket.c.mailbox_id, _ticket.c.due_at, *due(mailboxes, now))


def unanswered_claims(
    connection: Connection, mailboxes: Collection[int]
) -> Mapping[int, WaitingTickets]:
    """The same of the tickets that are claimed as critical, without an answer since."""
    claimed = (
        select(_ticket.c.id, _ticket.c.mailbox_id, CLAIMED_AT.label("at"))
        .where(
            _ticket.c.mailbox_id.in_(sorted(mailboxes)),
            _ticket.c.status.in_(sorted(ACTIVE)),
            and_(text(f"ticket.{CLAIMED}")),
            _ticket.c.deleted_at.is_(None),
        )
        .cte("claimed")
        # Else PostgreSQL looks for the time of a claim twice.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    unanswered = ~answered(claimed.c.id, claimed.c.at)
    return _by_mailbox(connection, claimed.c.mailbox_id, claimed.c.at, unanswered)


def _by_mailbox(
    connection: Connection,
    here: ColumnElement[int],
    since: ColumnElement[datetime],
    *conditions: Condition,
) -> Mapping[int, WaitingTickets]:
    query = select(here, func.count(), func.min(since)).where(*conditions).group_by(here)
    return {
        mailbox: WaitingTickets(number, first)
        for mailbox, number, first in connection.execute(query)
    }


def assigned(
    connection: Connection, mailbox: int, address: str, most: int = COUNTED
) -> WaitingTickets:
    """The tickets of a mailbox that a person works on, `most` at most, and when the first of them
    last changed."""
    return _active(connection, assigned_to(mailbox, address), most)


def unassigned(connection: Connection, mailbox: int, most: int = COUNTED) -> WaitingTickets:
    """The same of those that nobody works on."""
    return _active(connection, conditions.unassigned(mailbox), most)


def _active(connection: Connection, which: tuple[Condition, ...], most: int) -> WaitingTickets:
    """Those of each status that is not over, together: of the second as many as are still missing,
    and of each the one that has waited the longest."""
    total = NONE
    for status in sorted(ACTIVE):
        # An index has all that is read, in this order.
        theirs = select(_ticket.c.updated_at).where(*which, _ticket.c.status == status)
        some = theirs.order_by(_ticket.c.updated_at).limit(most - total.number + 1).subquery()
        counted = select(func.count(), func.min(some.c.updated_at))
        number, since = connection.execute(counted).one()
        sinces = (each for each in (total.since, since) if each is not None)
        number += total.number
        total = WaitingTickets(
            min(number, most), min(sinces, default=None), total.is_cut or number > most
        )
    return total
