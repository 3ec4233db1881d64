"""People whom somebody asked to add to a ticket, and on whom nobody has decided yet.

Only on tickets that are not over: on the others nobody waits for an answer any more, and their
pages show them all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from rules.people import Presence
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from storage.db.tables import PROPOSED, AuditRow, MailboxRow, ParticipantRow, TicketRow, table

_participant, _ticket = table(ParticipantRow), table(TicketRow)
_audit, _mailbox = table(AuditRow), table(MailboxRow)


@dataclass(frozen=True, slots=True)
class ProposedPerson:
    """Somebody who waits to be added to a ticket."""

    ticket: int
    subject: str
    """Of the ticket."""
    mailbox: str
    address: str
    asked_by: str
    """Empty where it was not recorded, as of people whom a ticket brought with it."""
    since: datetime


def entries(mailboxes: Collection[int]) -> Select[Any]:
    """In which mailbox each of them waits, and since when."""
    columns = (_participant.c.mailbox_id, _participant.c.joined_at.label("at"))
    return _waiting(*columns, mailboxes=mailboxes)


def proposed_people(
    connection: Connection, mailboxes: Collection[int], limit: int
) -> Sequence[ProposedPerson]:
    """Those of some mailboxes who have waited the longest."""
    query = (
        _waiting(
            _ticket.c.id,
            _ticket.c.subject,
            _mailbox.c.address.label("mailbox"),
            _participant.c.address,
            func.coalesce(_ASKED_BY, "").label("asked_by"),
            _participant.c.joined_at,
            mailboxes=mailboxes,
        )
        .join(_mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
        .order_by(_participant.c.joined_at, _participant.c.id)
        .limit(limit)
    )
    return [ProposedPerson(*row) for row in connection.execute(query)]


def _waiting(*columns: Any, mailboxes: Collection[int]) -> Select[Any]:
    return (
        select(*columns)
        .join_from(_participant, _ticket, _participant.c.ticket_id == _ticket.c.id)
        .where(
            _participant.c.mailbox_id.in_(sorted(mailboxes)),
            text(f"participant.{PROPOSED}"),  # exactly the condition of the index
            _ticket.c.status.in_((Status.OPEN.value, Status.PENDING.value)),
            _ticket.c.deleted_at.is_(None),
        )
    )


_ASKED_BY = (
    select(_audit.c.actor)
    .where(
        _audit.c.ticket_id == _participant.c.ticket_id,
        _audit.c.subject == _participant.c.address,
        _audit.c.event == AuditEvent.PERSON_ADDED.value,
        _audit.c.became == Presence.PENDING.value,
    )
    .order_by(_audit.c.at.desc(), _audit.c.id.desc())
    .limit(1)
    .correlate(_participant)
    .scalar_subquery()
)
"""The person who named them last."""
