"""One mail of the journal, with where its bytes are and what else became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from storage.db.tables import JournalRow, MailRow, RawMailRow, table
from storage.mail import journal
from storage.mail.journal import JournalEntry
from storage.ticket.files import IS_RAW_OF_MAIL, StoredMail

_journal, _mail, _raw = table(JournalRow), table(MailRow), table(RawMailRow)


@dataclass(frozen=True, slots=True)
class OneMail:
    entry: JournalEntry
    state: str
    """`filed`, `held` or `discarded`; empty for a row whose mail is stored with another row."""
    stored: StoredMail | None
    """None if nothing of it is stored with this row."""
    elsewhere: UUID | None
    """The row with which the same mail is stored: it was released, or came again."""


def find(connection: Connection, journal_id: UUID, mailboxes: Collection[int]) -> OneMail | None:
    """A mail of these mailboxes; None if they have no such mail."""
    of = select(_journal.c.mailbox_id, _journal.c.identity).where(
        _journal.c.id == journal_id, _journal.c.mailbox_id.in_(sorted(mailboxes))
    )
    row = connection.execute(of).one_or_none()
    if row is None:
        return None
    (entry,) = journal.find(connection, str(journal_id))
    query = (
        select(_mail.c.journal_id, _mail.c.state, _raw.c.mailbox_id, _raw.c.digest)
        .add_columns(_raw.c.size_bytes)
        .join_from(_mail, _raw, IS_RAW_OF_MAIL, isouter=True)
        .where(_mail.c.mailbox_id == row.mailbox_id, _mail.c.identity == row.identity)
    )
    mail = connection.execute(query).one_or_none()
    if mail is None:
        return OneMail(entry, "", None, None)
    if mail.journal_id != journal_id:
        return OneMail(entry, "", None, mail.journal_id)
    stored = None
    if mail.digest is not None:
        stored = StoredMail(mail.mailbox_id, mail.digest, mail.size_bytes)
    return OneMail(entry, mail.state, stored, None)
