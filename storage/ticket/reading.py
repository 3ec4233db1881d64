"""What of a ticket was written to others, before a customer joined it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, cast, func, select

from rules.service.reading import Filed, TicketReader
from rules.ticket.audit import AuditEvent
from rules.ticket.visibility import Visibility
from storage.db.tables import AuditRow, CommentRow, JournalRow, ParticipantRow, table

_audit, _comment, _journal = table(AuditRow), table(CommentRow), table(JournalRow)
_participant = table(ParticipantRow)

FILED_AT = func.coalesce(_journal.c.received_at, _comment.c.written_at)
"""When a comment came to its ticket: later than it was written, for a mail that was held. It comes
first, since SQLite reads all of a text to get to `written_at` behind it."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """The public comments on a ticket that a reader is not shown."""

    comments: frozenset[int] = frozenset()
    since: datetime | None = None
    """When the reader joined; None where nothing is withheld."""
    reader: str = ""

    def quotes_of(self, author: str) -> bool:
        """Whether the reader sees what somebody's comments quote: that was written before them. Of
        their own comments they do."""
        return self.since is None or author == self.reader


NOTHING = Withheld()


def joined_at(connection: Connection, ticket: int, address: str) -> datetime | None:
    """When somebody joined a ticket, for the last time; None for somebody who is not on it."""
    here = (_participant.c.ticket_id == ticket) & (_participant.c.address == address)
    return connection.execute(select(_participant.c.joined_at).where(here)).scalar()


def withheld(connection: Connection, ticket: int, reader: TicketReader) -> Withheld:
    """What a reader of a ticket is not shown of it."""
    if reader.since is None:
        return NOTHING
    published = (
        select(_audit.c.subject, func.max(_audit.c.at).label("at"))
        .where(_audit.c.ticket_id == ticket, _audit.c.event == AuditEvent.COMMENT_PUBLISHED.value)
        .group_by(_audit.c.subject)
        .subquery()
    )
    query = (
        select(_comment.c.id, _comment.c.author, FILED_AT, published.c.at)
        .join_from(_comment, _journal, _journal.c.id == _comment.c.journal_id, isouter=True)
        .join(published, published.c.subject == cast(_comment.c.id, String), isouter=True)
        .where(
            _comment.c.ticket_id == ticket,
            _comment.c.visibility == Visibility.PUBLIC.value,
            reader.since > FILED_AT,
        )
    )
    found = frozenset(
        number for number, *filed in connection.execute(query) if reader.withholds(Filed(*filed))
    )
    return Withheld(found, reader.since, reader.address) if found else NOTHING
