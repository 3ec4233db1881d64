"""The lists of a customer's tickets in pages, the latest change first; `pages` has a desk's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from rules.mail import Mailbox
from rules.people import Presence
from storage.db.tables import ParticipantRow, TicketRow, table
from storage.ticket.summaries import SUMMARY, TicketSummary, summary

_ticket, _participant = table(TicketRow), table(ParticipantRow)


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


def page(
    connection: Connection,
    mailbox: Mailbox,
    which: Which,
    status: str | None,
    limit: int,
    before: Cursor | None,
    since: datetime | None = None,
) -> Page:
    """Up to `limit` tickets of a mailbox, after a place in the list; with `since` those that
    changed then or later."""
    # In its order an index has all tickets of the mailbox: to find a customer's, all of the others'
    # would be read. An expression has no index.
    here = _ticket.c.mailbox_id + 0
    query = SUMMARY.where(
        here == mailbox.id, _ticket.c.deleted_at.is_(None), _among(mailbox, which)
    )
    if status is not None:
        query = query.where(_ticket.c.status == status)
    if since is not None:
        query = query.where(_ticket.c.updated_at >= since)
    if before is not None:
        query = query.where(
            _ticket.c.updated_at <= before.updated_at,
            or_(_ticket.c.updated_at < before.updated_at, _ticket.c.id < before.number),
        )
    ordered = query.order_by(_ticket.c.updated_at.desc(), _ticket.c.id.desc())
    found = [summary(row) for row in connection.execute(ordered.limit(limit + 1))]
    shown = found[:limit]
    ends_at = Cursor(shown[-1].updated_at, shown[-1].number) if len(found) > limit else None
    return Page(shown, ends_at)


def _among(mailbox: Mailbox, which: Which) -> ColumnElement[bool]:
    match which:
        case RequestedBy(address=address):
            # An index has a requester's tickets in the order of the list.
            return (_ticket.c.requester == address) & exists().where(
                _participant.c.ticket_id == _ticket.c.id,
                _participant.c.address == address,
                _participant.c.presence == Presence.ACTIVE.value,
            )
        case CopiedTo(address=address):
            return _ticket.c.id.in_(_tickets_of(mailbox, address)) & (
                _ticket.c.requester != address
            )
        case OfCompany(company=company):
            return _ticket.c.company_id == company
        case _:
            assert_never(which)


def _tickets_of(mailbox: Mailbox, address: str) -> Any:
    return select(_participant.c.ticket_id).where(
        _participant.c.mailbox_id == mailbox.id,
        _participant.c.address == address,
        _participant.c.presence == Presence.ACTIVE.value,
    )
