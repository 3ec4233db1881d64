"""How many tickets of a mailbox wait for something, and since when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, text

from storage.db.tables import CLAIMED, TicketRow, table
from storage.ticket.conditions import ACTIVE, ANSWERED, CLAIMED_AT, Condition, assigned_to, due
from storage.ticket.pages import EXAMINED

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
    return _by_mailbox(connection, _ticket.c.due_at, *due(mailboxes, now))


def unanswered_claims(
    connection: Connection, mailboxes: Collection[int]
) -> Mapping[int, WaitingTickets]:
    """The same of the tickets that are claimed as critical, without an answer since."""
    return _by_mailbox(
        connection,
        CLAIMED_AT,
        _ticket.c.mailbox_id.in_(sorted(mailboxes)),
        _ticket.c.status.in_(sorted(ACTIVE)),
        and_(text(f"ticket.{CLAIMED}")),
        _ticket.c.deleted_at.is_(None),
        ~ANSWERED,
    )


def _by_mailbox(
    connection: Connection, since: ColumnElement[datetime], *conditions: Condition
) -> Mapping[int, WaitingTickets]:
    here = _ticket.c.mailbox_id
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

    def counted(status: str, most: int) -> WaitingTickets:
        theirs = select(_ticket.c.updated_at).where(
            *assigned_to(mailbox, address),  # the index has all that is read, in this order
            _ticket.c.status == status,
            _ticket.c.deleted_at.is_(None),
        )
        return _counted(connection, theirs.order_by(_ticket.c.updated_at), most)

    return _active(counted, most)


def unassigned(
    connection: Connection, mailbox: int, examined: int = EXAMINED, most: int = COUNTED
) -> WaitingTickets:
    """The tickets of a mailbox that nobody works on, `most` at most, of each status among the
    `examined` that have waited the longest for a change, and when the first of them last
    changed."""

    def counted(status: str, most: int) -> WaitingTickets:
        here = (_ticket.c.mailbox_id == mailbox, _ticket.c.status == status)
        columns = (_ticket.c.assignee, _ticket.c.deleted_at, _ticket.c.updated_at)
        oldest = select(*columns).where(*here).order_by(_ticket.c.updated_at)
        some = oldest.limit(examined).subquery()
        is_nobodys = (some.c.assignee == "") & some.c.deleted_at.is_(None)
        found = _counted(connection, select(some.c.updated_at).where(is_nobodys), most)
        if found.is_cut:
            return found
        rest = oldest.with_only_columns(_ticket.c.updated_at).offset(examined).limit(1)
        return found._replace(is_cut=connection.execute(rest).first() is not None)

    return _active(counted, most)


def _active(counted: Callable[[str, int], WaitingTickets], most: int) -> WaitingTickets:
    """Those of each status that is not over, together: of the second as many as are still missing,
    and of each the one that has waited the longest."""
    total = NONE
    for status in sorted(ACTIVE):
        found = counted(status, most - total.number)
        sinces = (each.since for each in (total, found) if each.since is not None)
        number, since = total.number + found.number, min(sinces, default=None)
        total = WaitingTickets(number, since, total.is_cut or found.is_cut)
    return total


def _counted(connection: Connection, oldest_first: Select[Any], most: int) -> WaitingTickets:
    some = oldest_first.limit(most + 1).subquery()
    number, since = connection.execute(select(func.count(), func.min(some.c.updated_at))).one()
    return WaitingTickets(min(number, most), since, number > most)
