"""Reads what waits for one staff person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy import text as sql_text

from rules.mail import Mailbox
from rules.ticket.lifecycle import Status
from rules.ticket.personal_digest import LISTED, PersonalDigest, WaitingTicket
from storage.db.tables import FLAGGED, CommentRow, TicketRow, WithheldRow, table

_ticket, _comment, _withheld = table(TicketRow), table(CommentRow), table(WithheldRow)
LOOKED_BACK = timedelta(days=90)
"""What has not changed for so long is in no digest: the newest are found by an index."""
UNOVER = (Status.OPEN.value, Status.PENDING.value)


def personal_digest(
    connection: Connection, mailbox: Mailbox, address: str, now: datetime, since: datetime | None
) -> PersonalDigest:
    """`since` is when the last one was made; without it what changed is left out."""
    own = _ticket.c.assignee == address
    assigned = _waiting(connection, mailbox, now, own, _ticket.c.due_at.is_(None), _ticket.c.due_at)
    nobodys = (_ticket.c.assignee == "") & (_ticket.c.status == Status.OPEN.value)
    unassigned = _waiting(connection, mailbox, now, nobodys, _ticket.c.updated_at)
    changed: tuple[WaitingTicket, ...] = ()
    if since is not None:
        newer = (_ticket.c.updated_at > since) & ~own & ~nobodys
        changed = _waiting(
            connection, mailbox, now, newer, _ticket.c.updated_at.desc(), over_too=True
        )
        fresh = (_ticket.c.updated_at > since) & (own | nobodys)
        again = _waiting(connection, mailbox, now, fresh, _ticket.c.updated_at.desc())
        changed = (*again, *changed)[: LISTED + 1]
    withheld = connection.execute(
        select(_withheld.c.ticket_id, _withheld.c.number)
        .where(_withheld.c.mailbox_id == mailbox.id, _withheld.c.address == address)
        .order_by(_withheld.c.ticket_id.desc())
        .limit(LISTED + 1)
    )
    flagged = connection.execute(
        select(func.count())
        .select_from(_comment)
        .where(_comment.c.mailbox_id == mailbox.id, sql_text(FLAGGED))
    ).scalar_one()
    missed = tuple((row.ticket_id, row.number) for row in withheld)
    return PersonalDigest(assigned, unassigned, changed, missed, int(flagged))


def _waiting(
    connection: Connection,
    mailbox: Mailbox,
    now: datetime,
    which: ColumnElement[bool],
    *order: Any,
    over_too: bool = False,
) -> tuple[WaitingTicket, ...]:
    query = (
        select(
            _ticket.c.id,
            _ticket.c.subject,
            _ticket.c.status,
            _ticket.c.updated_at,
            _ticket.c.due_at,
        )
        .where(
            _ticket.c.mailbox_id == mailbox.id,
            _ticket.c.updated_at > now - LOOKED_BACK,  # has an index
            _ticket.c.deleted_at.is_(None),
            _ticket.c.merged_into.is_(None),
            _ticket.c.snooze_until.is_(None),
            which,
        )
        .order_by(*order, _ticket.c.id)
        .limit(LISTED + 1)
    )
    if not over_too:
        query = query.where(_ticket.c.status.in_(UNOVER))
    return tuple(
        WaitingTicket(row.id, row.subject, row.status, row.updated_at, row.due_at)
        for row in connection.execute(query)
    )
