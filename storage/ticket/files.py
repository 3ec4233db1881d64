"""The files of a ticket: attachments, and mails as they arrived. Their sizes are known before
their bytes are read."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, case, exists, select

from rules.people import Role
from storage.db import raw_mail
from storage.db.tables import (
    AttachmentRow,
    CommentRow,
    MailRow,
    PersonRow,
    RawMailRow,
    TicketRow,
    table,
)

_attachment, _comment = table(AttachmentRow), table(CommentRow)
_mail, _raw, _person = table(MailRow), table(RawMailRow), table(PersonRow)
_ticket = table(TicketRow)

IS_AUTHOR = (_person.c.mailbox_id == _comment.c.mailbox_id) & (
    _person.c.address == _comment.c.author
)
IS_RAW_OF_MAIL = (_raw.c.mailbox_id == _mail.c.mailbox_id) & (_raw.c.digest == _mail.c.raw_digest)
HAS_FILES_OF_COMMENT = (_raw.c.mailbox_id == _comment.c.mailbox_id) & (
    _raw.c.digest
    == case((_comment.c.files_digest != "", _comment.c.files_digest), else_=_mail.c.raw_digest)
)
"""The mail that a comment came by, or the one that was made of what came with it over the API."""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """Where the bytes of a mail are."""

    mailbox_id: int
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    name: str
    content_type: str
    size_bytes: int
    part: str
    inline: bool
    """Its mail places it in its text, or may."""
    comment: int
    author: str
    """Of its comment."""
    visibility: str
    """Of its comment."""
    by_staff: bool
    """Its comment's author is a staff person."""
    mail: StoredMail | None
    """None if the mail is no longer stored with the ticket."""


def attachment(connection: Connection, number: int, wanted: int) -> StoredAttachment | None:
    """An attachment of a ticket; None if the ticket has none with this id, or was deleted."""
    row = connection.execute(
        select(
            _attachment.c.name,
            _attachment.c.content_type,
            _attachment.c.size_bytes,
            _attachment.c.part,
            _attachment.c.inline,
            _attachment.c.comment_id,
            _comment.c.author,
            _comment.c.visibility,
            _person.c.role,
            _raw.c.mailbox_id,
            _raw.c.digest,
            _raw.c.size_bytes.label("mail_bytes"),
        )
        .join_from(_attachment, _comment, _attachment.c.comment_id == _comment.c.id)
        .join(_person, IS_AUTHOR, isouter=True)
        .join(_mail, _mail.c.journal_id == _comment.c.journal_id, isouter=True)
        .join(_raw, HAS_FILES_OF_COMMENT, isouter=True)
        .join(_ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(_attachment.c.id == wanted, _ticket.c.id == number, _ticket.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    mail = None
    if row.digest is not None:
        mail = StoredMail(row.mailbox_id, row.digest, row.mail_bytes)
    return StoredAttachment(
        name=row.name,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        part=row.part,
        inline=row.inline,
        comment=row.comment_id,
        author=row.author,
        visibility=row.visibility,
        by_staff=row.role == Role.STAFF.value,
        mail=mail,
    )


def mail_of_ticket(connection: Connection, number: int, journal_id: UUID) -> StoredMail | None:
    """A mail of a ticket; None if the ticket has no such mail. A comment can have moved from the
    ticket that its mail was filed on."""
    here = exists().where(_comment.c.journal_id == journal_id, _comment.c.ticket_id == number)
    row = connection.execute(
        select(_raw.c.mailbox_id, _raw.c.digest, _raw.c.size_bytes)
        .join_from(_mail, _raw, IS_RAW_OF_MAIL)
        .where(_mail.c.journal_id == journal_id, (_mail.c.ticket_id == number) | here)
    ).one_or_none()
    return StoredMail(*row) if row is not None else None


def read_mail(connection: Connection, mail: StoredMail) -> bytes:
    """The mail as it arrived. Raises LookupError if it has been deleted since."""
    return raw_mail.load(connection, mail.mailbox_id, mail.digest)
