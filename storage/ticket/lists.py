"""The lists of a customer's tickets in pages, the latest change first; `pages` has a desk's.

As there, a page continues from the place of its last ticket, and examines a limited number of the
tickets that an index has in the order of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from rules.mail import Mailbox
from rules.people import ParticipantKind, Person, Presence
from storage.db.tables import ParticipantRow, TicketRow, table
from storage.ticket.summaries import NEWEST_FIRST, TicketSummary, summaries_of

_ticket, _participant = table(TicketRow), table(ParticipantRow)
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
    """Of its last ticket, or of the last that was examined; None if no more follow."""
    is_cut: bool = False
    """It has fewer tickets than it could have, since enough were examined for them."""


AT_FIRST = 1_000
"""Tickets that are examined first: see `pages`."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How many tickets are looked at for one page."""

    examined: int = 20_000
    copied: int = 2_000
    """Of a person who is copied to more, these are looked for among the latest of the mailbox: no
    index has them in the order of the list, and to sort all takes long."""


PAGE_LIMITS = PageLimits()


@dataclass(frozen=True, slots=True)
class _Source:
    """Tickets of which all of a list are."""

    conditions: Sequence[Condition]
    """Those of an index."""
    rest: Sequence[Condition]
    in_order: bool = True
    """The index has them in the order of the list; else they are few."""


def page(
    connection: Connection,
    mailbox: Mailbox,
    which: Which,
    status: str | None,
    limit: int,
    before: Cursor | None,
    since: datetime | None = None,
    limits: PageLimits = PAGE_LIMITS,
) -> Page:
    """Up to `limit` tickets of a mailbox, after a place in the list; with `since` those that
    changed then or later."""
    source = _source(connection, mailbox, which, status, limits)
    conditions, changed = [*source.conditions], _ticket.c.updated_at
    rest = [*source.rest, _ticket.c.deleted_at.is_(None)]
    if since is not None:
        conditions.append(changed >= since)
    if before is not None:
        at = before.updated_at
        conditions.append(changed <= at if before.number else changed < at)
        rest.append(or_(changed < at, _ticket.c.id < before.number))
    for examined in sorted({min(AT_FIRST, limits.examined), limits.examined}):
        end = _end(connection, conditions, examined) if source.in_order else None
        up_to = [changed >= end.updated_at] if end is not None else []
        query = select(_ticket.c.id).where(*conditions, *up_to, *rest).order_by(*NEWEST_FIRST)
        numbers = connection.execute(query.limit(limit + 1)).scalars().all()
        if end is None or len(numbers) > limit:
            break
    found = summaries_of(connection, numbers)
    shown = found[:limit]
    if len(found) > limit:
        return Page(shown, Cursor(shown[-1].updated_at, shown[-1].number))
    return Page(shown, end, is_cut=end is not None)


def as_guest(
    connection: Connection, person: Person | None, tickets: Sequence[TicketSummary]
) -> frozenset[int]:
    """The numbers of those tickets that a person is on as a guest of another company."""
    if person is None:
        return frozenset()
    company = person.company.id if person.company is not None else None
    query = (
        select(_participant.c.ticket_id)
        .join(_ticket, _ticket.c.id == _participant.c.ticket_id)
        .where(
            _participant.c.ticket_id.in_([each.number for each in tickets]),
            _participant.c.address == person.address,
            _participant.c.part == ParticipantKind.GUEST.value,
            _ticket.c.company_id.is_distinct_from(company),
        )
    )
    return frozenset(connection.execute(query).scalars())


def _source(
    connection: Connection, mailbox: Mailbox, which: Which, status: str | None, limits: PageLimits
) -> _Source:
    # In its order an index has all tickets of the mailbox: to find a customer's, all of the
    # others' would be read. An expression has no index.
    rest = [_ticket.c.mailbox_id + 0 == mailbox.id]
    of_status = [_ticket.c.status == status] if status is not None else []
    match which:
        case RequestedBy(address=address):
            mine = [_ticket.c.requester == address]
            return _Source(mine, [*rest, _is_on(address), *of_status])
        case OfCompany(company=company):
            return _Source([_ticket.c.company_id == company], [*rest, *of_status])
        case CopiedTo(address=address):
            copied = _ticket.c.requester != address
            if _is_on_many(connection, mailbox, address, limits.copied):
                latest = [_ticket.c.mailbox_id == mailbox.id, *of_status]
                return _Source(latest, [_is_on(address), copied])
            few = [_ticket.c.id.in_(_tickets_of(mailbox, address))]
            return _Source(few, [*rest, copied, *of_status], in_order=False)
        case _:
            assert_never(which)


def _end(connection: Connection, conditions: Sequence[Condition], examined: int) -> Cursor | None:
    """Behind the tickets of the last time that is examined; None where all are.

    By the time alone, which the index has: with their numbers PostgreSQL reads and sorts all.
    """
    changed = _ticket.c.updated_at
    query = select(changed).where(*conditions).order_by(changed.desc())
    last = connection.execute(query.offset(examined).limit(1)).scalar()
    return Cursor(last, 0) if last is not None else None


def _is_on_many(connection: Connection, mailbox: Mailbox, address: str, many: int) -> bool:
    first = _tickets_of(mailbox, address).limit(many + 1).subquery()
    return connection.execute(select(func.count()).select_from(first)).scalar_one() > many


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
