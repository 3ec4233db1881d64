"""Addresses that get no more mail, since it came back, though they are on open tickets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from rules.people import Presence
from rules.ticket.lifecycle import Status
from storage.db.tables import BouncedRow, ParticipantRow, TicketRow, table

_bounced, _participant, _ticket = table(BouncedRow), table(ParticipantRow), table(TicketRow)

AT_ONCE = 500
"""Addresses whose tickets are looked for by one statement."""


@dataclass(frozen=True, slots=True)
class SuspendedPerson:
    address: str
    why: str
    since: datetime
    tickets: Sequence[int]
    """The open and pending ones that they are on."""


def suspended_people(connection: Connection, mailbox: int) -> Iterator[SuspendedPerson]:
    """Those of a mailbox, the longest suspended first.

    Their tickets are read by a statement of its own: of one with the suspended addresses SQLite
    would read all participants of the mailbox first.
    """
    query = (
        select(_bounced.c.address, _bounced.c.why, _bounced.c.suspended_at)
        .where(_bounced.c.mailbox_id == mailbox, _bounced.c.suspended_at.is_not(None))
        .order_by(_bounced.c.suspended_at, _bounced.c.address)
    )
    rows = connection.execute(query).all()
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        tickets = _open_tickets(connection, mailbox, [row.address for row in some])
        for address, why, since in some:
            if address in tickets:
                yield SuspendedPerson(address, why, since, tickets[address])


def _open_tickets(
    connection: Connection, mailbox: int, addresses: Sequence[str]
) -> Mapping[str, Sequence[int]]:
    query = (
        select(_participant.c.address, _ticket.c.id)
        .join_from(_participant, _ticket, _participant.c.ticket_id == _ticket.c.id)
        .where(
            _participant.c.mailbox_id == mailbox,
            _participant.c.address.in_(addresses),
            _participant.c.presence == Presence.ACTIVE.value,
            # By no index: it has the open tickets of everybody.
            _ticket.c.status.concat("").in_((Status.OPEN.value, Status.PENDING.value)),
            _ticket.c.deleted_at.is_(None),
        )
        .order_by(_ticket.c.id)
    )
    found: dict[str, list[int]] = {}
    for address, number in connection.execute(query):
        found.setdefault(address, []).append(number)
    return found
