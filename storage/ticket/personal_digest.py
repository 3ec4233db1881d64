"""Reads what waits for one staff person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select
from sqlalchemy import text as sql_text

from rules.mail import Mailbox
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.personal_digest import COUNTED, PersonalDigest, WaitingTicket
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    FLAGGED,
    AuditRow,
    CommentRow,
    JournalRow,
    TicketRow,
    WithheldRow,
    table,
)

_ticket, _comment, _withheld = table(TicketRow), table(CommentRow), table(WithheldRow)
_audit, _journal = table(AuditRow), table(JournalRow)
_was, _became = _audit.c.was, _audit.c.became
LOOKED_BACK = timedelta(days=90)
"""What has not changed for so long is in no digest: the newest are found by an index."""
UNOVER = (Status.OPEN.value, Status.PENDING.value)


def personal_digest(
    connection: Connection, mailbox: Mailbox, address: str, now: datetime, since: datetime | None
) -> PersonalDigest:
    """`since` is when the last one was made; without it what changed is left out. A snoozed ticket
    is listed if something was written on it: a note does not wake it."""
    own = _ticket.c.assignee == address
    assigned = _waiting(connection, mailbox, now, own, _ticket.c.due_at.is_(None), _ticket.c.due_at)
    nobodys = (_ticket.c.assignee == "") & (_ticket.c.status == Status.OPEN.value)
    unassigned = _waiting(connection, mailbox, now, nobodys, _ticket.c.updated_at)
    changed: tuple[WaitingTicket, ...] = ()
    received: tuple[WaitingTicket, ...] = ()
    taken: tuple[WaitingTicket, ...] = ()
    if since is not None:
        latest = _ticket.c.updated_at.desc()
        fresh = _ticket.c.updated_at > since
        to_them, from_them = (_assigned_since(since, p == address) for p in (_became, _was))
        received = _waiting(connection, mailbox, now, fresh & own & to_them, latest, over_too=True)
        taken = _waiting(connection, mailbox, now, fresh & ~own & from_them, latest, over_too=True)
        newer = fresh & ~own & ~nobodys
        changed = _waiting(
            connection, mailbox, now, newer, latest, over_too=True, written_since=since
        )
        ours = fresh & (own | nobodys)
        again = _waiting(connection, mailbox, now, ours, latest, written_since=since)
        named = {each.number for each in (*received, *taken)}
        changed = tuple(e for e in (*again, *changed) if e.number not in named)[: COUNTED + 1]
    withheld = connection.execute(
        select(_withheld.c.ticket_id, _withheld.c.number)
        .join(_ticket, _ticket.c.id == _withheld.c.ticket_id)
        .where(
            _withheld.c.mailbox_id == mailbox.id,
            _withheld.c.address == address,
            _ticket.c.deleted_at.is_(None),
        )
        .order_by(_withheld.c.ticket_id.desc())
        .limit(COUNTED + 1)
    )
    flagged = connection.execute(
        select(func.count())
        .select_from(_comment)
        .where(_comment.c.mailbox_id == mailbox.id, sql_text(FLAGGED))
    ).scalar_one()
    missed = tuple((row.ticket_id, row.number) for row in withheld)
    return PersonalDigest(
        assigned, unassigned, changed, missed, int(flagged), received=received, taken=taken
    )


def _assigned_since(since: datetime, whom: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a ticket's audit trail has an assignment of this kind since then."""
    return exists().where(
        _audit.c.ticket_id == _ticket.c.id,
        _audit.c.at > since,
        _audit.c.event == AuditEvent.ASSIGNED.value,
        _audit.c.was != _audit.c.became,
        whom,
    )


def _has_words_since(since: datetime) -> ColumnElement[bool]:
    """Whether something came since then, besides the request itself."""
    came_at = func.coalesce(_journal.c.received_at, _comment.c.written_at)
    return (
        select(_comment.c.id)
        .join_from(_comment, _journal, _journal.c.id == _comment.c.journal_id, isouter=True)
        .where(
            _comment.c.ticket_id == _ticket.c.id,
            came_at > since,
            came_at > _ticket.c.opened_at,
            _comment.c.visibility != Visibility.FOLDED.value,
        )
        .correlate(_ticket)
        .exists()
    )


def _waiting(
    connection: Connection,
    mailbox: Mailbox,
    now: datetime,
    which: ColumnElement[bool],
    *order: Any,
    over_too: bool = False,
    written_since: datetime | None = None,
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
            which,
        )
        .order_by(*order, _ticket.c.id)
        .limit(COUNTED + 1)
    )
    awake: ColumnElement[bool] = _ticket.c.snooze_until.is_(None)
    if written_since is not None:
        awake = or_(awake, _has_words_since(written_since))
    query = query.where(awake)
    if not over_too:
        query = query.where(_ticket.c.status.in_(UNOVER))
    return tuple(
        WaitingTicket(row.id, row.subject, row.status, row.updated_at, row.due_at)
        for row in connection.execute(query)
    )
