"""Addresses that get no more mail, since it came back, though they are on open tickets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, func, literal_column, select

from rules.people import Presence
from rules.ticket.lifecycle import Status
from storage.db.tables import BouncedRow, ParticipantRow, TicketRow, table

_bounced, _participant, _ticket = table(BouncedRow), table(ParticipantRow), table(TicketRow)
_COMMA: Any = literal_column("','")


@dataclass(frozen=True, slots=True)
class SuspendedPerson:
    mailbox: int
    address: str
    why: str
    since: datetime
    tickets: Sequence[int]
    """The open and pending ones that they are on."""


def suspended_people(
    connection: Connection, mailboxes: Collection[int]
) -> Iterator[SuspendedPerson]:
    """Those of some mailboxes, the longest suspended first."""
    query = (
        select(
            _bounced.c.mailbox_id,
            _bounced.c.address,
            _bounced.c.why,
            _bounced.c.suspended_at,
            _OPEN_TICKETS,
        )
        .where(_bounced.c.mailbox_id.in_(sorted(mailboxes)), _bounced.c.suspended_at.is_not(None))
        .order_by(_bounced.c.suspended_at, _bounced.c.address)
    )
    for mailbox, address, why, since, tickets in connection.execute(query):
        if tickets:
            numbers = sorted(map(int, tickets.split(",")))
            yield SuspendedPerson(mailbox, address, why, since, numbers)


_OPEN_TICKETS = (
    # For each address by itself: else SQLite would read all participants of the mailbox first.
    select(func.aggregate_strings(cast(_ticket.c.id, Text), _COMMA))
    .join_from(_participant, _ticket, _participant.c.ticket_id == _ticket.c.id)
    .where(
        _participant.c.mailbox_id == _bounced.c.mailbox_id,
        _participant.c.address == _bounced.c.address,
        _participant.c.presence == Presence.ACTIVE.value,
        # By no index: it has the open tickets of everybody.
        _ticket.c.status.concat("").in_((Status.OPEN.value, Status.PENDING.value)),
        _ticket.c.deleted_at.is_(None),
    )
    .correlate(_bounced)
    .scalar_subquery()
)
