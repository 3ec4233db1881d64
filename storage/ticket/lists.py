"""The lists of a customer's tickets in pages, the latest change first; `pages` has a desk's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from rules.mail import Mailbox
from rules.people import Presence
from storage.db.tables import ParticipantRow, TicketRow, table
from storage.ticket.summaries import TicketSummary, summaries_of

_ticket, _participant = table(TicketRow), table(ParticipantRow)
_ORDER = (_ticket.c.updated_at.desc(), _ticket.c.id.desc())
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class RequestedBy:
    address: str


@dataclass(frozen=True, slots=True)
class CopiedTo:
    """Tickets that a person is on without being their requester."""

    address: str


@dataclass(frozen=True, slots=True)
class OfCompany:
    company: int


Which = RequestedBy | CopiedTo | OfCompany


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a ticket in a list; the next page starts after it, whatever was added since."""

    updated_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Page:
    tickets: Sequence[TicketSummary]
    ends_at: Cursor | None
    """Of its last ticket; None if no more follow."""


@dataclass(frozen=True, slots=True)
class LargeCopies:
    """Of a person who is copied to many tickets, these are looked for among the latest of the
    mailbox first: no index has them in the order of the list, and to sort all takes long."""

    many: int = 2_000
    examined: int = 20_000


LARGE_COPIES = LargeCopies()


def page(
    connection: Connection,
    mailbox: Mailbox,
    which: Which,
    status: str | None,
    limit: int,
    before: Cursor | None,
    since: datetime | None = None,
    copies: LargeCopies = LARGE_COPIES,
) -> Page:
    """Up to `limit` tickets of a mailbox, after a place in the list; with `since` those that
    changed then or later."""
    conditions: list[Condition] = [_ticket.c.deleted_at.is_(None)]
    if status is not None:
        conditions.append(_ticket.c.status == status)
    if since is not None:
        conditions.append(_ticket.c.updated_at >= since)
    if before is not None:
        later = or_(_ticket.c.updated_at < before.updated_at, _ticket.c.id < before.number)
        conditions += [_ticket.c.updated_at <= before.updated_at, later]
    numbers = None
    if isinstance(which, CopiedTo) and _is_on_many(connection, mailbox, which.address, copies.many):
        numbers = _of_latest(connection, mailbox, which, conditions, limit + 1, copies.examined)
    if numbers is None:
        # In its order an index has all tickets of the mailbox: to find a customer's, all of the
        # others' would be read. An expression has no index.
        here = _ticket.c.mailbox_id + 0 == mailbox.id
        numbers = _first(connection, [here, _among(mailbox, which), *conditions], limit + 1)
    found = summaries_of(connection, numbers)
    shown = found[:limit]
    ends_at = Cursor(shown[-1].updated_at, shown[-1].number) if len(found) > limit else None
    return Page(shown, ends_at)


def _of_latest(
    connection: Connection,
    mailbox: Mailbox,
    which: CopiedTo,
    conditions: list[Condition],
    most: int,
    examined: int,
) -> Sequence[int] | None:
    """The first of a list by the latest tickets of the mailbox; None if these have too few."""
    behind: list[Condition] = [_ticket.c.mailbox_id == mailbox.id, *conditions]
    latest = select(_ticket.c.updated_at).where(*behind).order_by(*_ORDER)
    end = connection.execute(latest.offset(examined).limit(1)).scalar()
    if end is not None:
        behind.append(_ticket.c.updated_at >= end)
    copied = [_is_on(which.address), _ticket.c.requester != which.address]
    found = _first(connection, [*behind, *copied], most)
    return found if end is None or len(found) == most else None


def _first(connection: Connection, conditions: Sequence[Condition], most: int) -> Sequence[int]:
    query = select(_ticket.c.id).where(*conditions).order_by(*_ORDER).limit(most)
    return connection.execute(query).scalars().all()


def _is_on_many(connection: Connection, mailbox: Mailbox, address: str, many: int) -> bool:
    first = _tickets_of(mailbox, address).limit(many + 1).subquery()
    return connection.execute(select(func.count()).select_from(first)).scalar_one() > many


def _among(mailbox: Mailbox, which: Which) -> ColumnElement[bool]:
    match which:
        case RequestedBy(address=address):
            # An index has a requester's tickets in the order of the list.
            return (_ticket.c.requester == address) & _is_on(address)
        case CopiedTo(address=address):
            return _ticket.c.id.in_(_tickets_of(mailbox, address)) & (
                _ticket.c.requester != address
            )
        case OfCompany(company=company):
            return _ticket.c.company_id == company
        case _:
            assert_never(which)


def _is_on(address: str) -> Condition:
    return exists().where(
        _participant.c.ticket_id == _ticket.c.id,
        _participant.c.address == address,
        _participant.c.presence == Presence.ACTIVE.value,
    )


def _tickets_of(mailbox: Mailbox, address: str) -> Any:
    return select(_participant.c.ticket_id).where(
        _participant.c.mailbox_id == mailbox.id,
        _participant.c.address == address,
        _participant.c.presence == Presence.ACTIVE.value,
    )
