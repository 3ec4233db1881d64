"""One comment with the mail that it came by, for those who show its HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from rules.mail.extent import CUT_MARGIN, READ_CHARACTERS
from rules.people import Role
from storage.db.tables import (
    CommentRow,
    MailRow,
    ParticipantRow,
    PersonRow,
    RawMailRow,
    table,
)
from storage.ticket.files import HAS_FILES_OF_COMMENT, IS_AUTHOR, StoredMail

_comment, _participant, _person = table(CommentRow), table(ParticipantRow), table(PersonRow)
_mail, _raw = table(MailRow), table(RawMailRow)


@dataclass(frozen=True, slots=True)
class CommentWithMail:
    id: int
    author: str
    by_staff: bool
    outside: bool
    """Its author is not on the ticket."""
    visibility: str
    text: str
    """Its beginning."""
    size: int
    """Characters of the whole text."""
    degraded: str | None
    charset_guessed: bool
    written_at: datetime
    by_mail: bool
    mail: StoredMail | None
    """With its files; None where it came by no mail and without files, and where the mail is no
    longer stored."""


def comment_with_mail(connection: Connection, number: int, comment: int) -> CommentWithMail | None:
    """A comment of a ticket; None where the ticket has none with this id."""
    on_ticket = exists().where(
        _participant.c.ticket_id == _comment.c.ticket_id,
        _participant.c.address == _comment.c.author,
    )
    row = connection.execute(
        select(
            _comment.c.id,
            _comment.c.author,
            _comment.c.visibility,
            func.substr(_comment.c.text, 1, READ_CHARACTERS + CUT_MARGIN).label("beginning"),
            func.length(_comment.c.text).label("size"),
            _comment.c.degraded,
            _comment.c.charset_guessed,
            _comment.c.written_at,
            _comment.c.journal_id,
            _person.c.role,
            on_ticket.label("on_ticket"),
            _raw.c.mailbox_id,
            _raw.c.digest,
            _raw.c.size_bytes,
        )
        .join_from(_comment, _person, IS_AUTHOR, isouter=True)
        .join(_mail, _mail.c.journal_id == _comment.c.journal_id, isouter=True)
        .join(_raw, HAS_FILES_OF_COMMENT, isouter=True)
        .where(_comment.c.id == comment, _comment.c.ticket_id == number)
    ).one_or_none()
    if row is None:
        return None
    by_staff = row.role == Role.STAFF.value
    return CommentWithMail(
        id=row.id,
        author=row.author,
        by_staff=by_staff,
        outside=not by_staff and not row.on_ticket,
        visibility=row.visibility,
        text=row.beginning,
        size=row.size,
        degraded=row.degraded,
        charset_guessed=row.charset_guessed,
        written_at=row.written_at,
        by_mail=row.journal_id is not None,
        mail=StoredMail(row.mailbox_id, row.digest, row.size_bytes) if row.digest else None,
    )
