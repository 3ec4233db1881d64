"""What operators do with outgoing mails: read one, and have some tried again at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, update

from rules.mail import Mailbox
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.tables import NoticeRow, table
from storage.notices.attached import NO_FILES, attached_to
from storage.notices.claimed_rows import NOTICES
from storage.notices.more import with_comments
from storage.notices.namesakes import staff_names
from storage.notices.outbox import Notice, as_notice
from storage.notices.overview import NoticeSummary
from storage.ticket.rows import AuditEntry, ChangeContext, audit

_notice = table(NoticeRow)


def load_notice(connection: Connection, notice: UUID) -> Notice | None:
    """One notice with all that is needed to write it, whatever its state; None where there is none.

    ValueError for one that this version cannot read, and where its ticket was deleted: nothing that
    was written there is shown any more.
    """
    row = connection.execute(NOTICES.where(_notice.c.id == notice)).one_or_none()
    if row is None:
        return None
    if row.deleted_at is not None:
        raise ValueError(f"#{row.ticket_id} was deleted")
    files = attached_to(connection, [row.comment_id] if row.comment_id else [])
    of_staff = staff_names(connection, row.mailbox_id)
    found = as_notice(row, NoticeKind(row.kind), files.get(row.comment_id, NO_FILES), of_staff)
    return with_comments(connection, found)


def retry(
    connection: Connection,
    ids: Sequence[UUID] | None,
    now: datetime,
    by: str,
    mailboxes: Collection[int] | None = None,
    source: Source = Source.CONSOLE,
) -> int:
    """Have notices tried again at once; returns how many. Dead ones are queued with no attempts
    counted, all of them for None. Of those that are named, one that waits for a further attempt is
    due now; what was not tried yet keeps its time, which a budget may have set. `mailboxes` are
    those whose notices may be; None for every one.

    Of two who retry one, one does. The audit trail of its ticket names them.
    """
    dead = _notice.c.state == NoticeState.DEAD.value
    again = {"state": NoticeState.DUE.value, "created_at": now, "due_at": now, "attempts": 0}
    if ids is None:
        rows = _changed(connection, dead, again, mailboxes)
    else:
        named = _notice.c.id.in_(ids)
        rows = [
            *_changed(connection, named & _waits_for_retry(now), {"due_at": now}, mailboxes),
            *_changed(connection, named & dead, again, mailboxes),
        ]
    for row in rows:
        if row.ticket_id is not None:
            here = Mailbox(row.mailbox_id, "", "")
            context = ChangeContext(here, by, source, now, uuid4)
            entry = AuditEntry(AuditEvent.MAIL_RETRIED, row.address, became=row.kind)
            audit(connection, context, row.ticket_id, entry)
    return len(rows)


def is_retried(notice: NoticeSummary, now: datetime) -> bool:
    """Whether `retry` would have this mail tried again."""
    was_tried = notice.state is NoticeState.DUE and notice.attempts > 0
    waits = was_tried and notice.due_at > now and not notice.is_being_sent
    return waits or notice.state is NoticeState.DEAD


def _waits_for_retry(now: datetime) -> ColumnElement[bool]:
    """Tried before, and not being sent now; `is_retried` says the same of a mail."""
    return and_(
        _notice.c.state == NoticeState.DUE.value,
        _notice.c.attempts > 0,
        _notice.c.due_at > now,
        _notice.c.claimed_by.is_(None),
    )


def _changed(
    connection: Connection,
    which: ColumnElement[bool],
    values: Mapping[str, object],
    mailboxes: Collection[int] | None,
) -> Sequence[Row[Any]]:
    if mailboxes is not None:
        which &= _notice.c.mailbox_id.in_(mailboxes)
    columns = (_notice.c.mailbox_id, _notice.c.ticket_id, _notice.c.address, _notice.c.kind)
    return connection.execute(update(_notice).where(which).values(values).returning(*columns)).all()
