"""What operators do with outgoing mails: read one, and try dead ones again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, update

from rules.mail import Mailbox
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.tables import NoticeRow, table
from storage.notices.attached import NO_FILES, attached_to
from storage.notices.claimed_rows import NOTICES
from storage.notices.more import with_comments
from storage.notices.outbox import Notice, as_notice
from storage.ticket.rows import AuditEntry, ChangeContext, audit

_notice = table(NoticeRow)


def load_notice(connection: Connection, notice: UUID) -> Notice | None:
    """One notice with all that is needed to write it, whatever its state; None where there is none.

    ValueError for one that this version cannot read.
    """
    row = connection.execute(NOTICES.where(_notice.c.id == notice)).one_or_none()
    if row is None:
        return None
    files = attached_to(connection, [row.comment_id] if row.comment_id else [])
    found = as_notice(row, NoticeKind(row.kind), files.get(row.comment_id, NO_FILES))
    return with_comments(connection, found)


def retry(
    connection: Connection,
    ids: Sequence[UUID] | None,
    now: datetime,
    by: str,
    mailboxes: Collection[int] | None = None,
    source: Source = Source.CONSOLE,
) -> int:
    """Queue dead notices again with no attempts counted, all of them for None; returns how many.
    `mailboxes` are those whose notices may be; None for every one.

    Only a dead one is: of two who retry it, one does. The audit trail of its ticket names them.
    """
    dead = _notice.c.state == NoticeState.DEAD.value
    chosen = dead if ids is None else dead & _notice.c.id.in_(ids)
    if mailboxes is not None:
        chosen &= _notice.c.mailbox_id.in_(mailboxes)
    again = {"state": NoticeState.DUE.value, "created_at": now, "due_at": now, "attempts": 0}
    changed = (
        update(_notice)
        .where(chosen)
        .values(**again)
        .returning(_notice.c.mailbox_id, _notice.c.ticket_id, _notice.c.address, _notice.c.kind)
    )
    rows = connection.execute(changed).all()
    for row in rows:
        if row.ticket_id is not None:
            here = Mailbox(row.mailbox_id, "", "")
            context = ChangeContext(here, by, source, now, uuid4)
            entry = AuditEntry(AuditEvent.MAIL_RETRIED, row.address, became=row.kind)
            audit(connection, context, row.ticket_id, entry)
    return len(rows)
