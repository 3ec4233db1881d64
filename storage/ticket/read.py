"""Reads of one ticket, for the command line and the API; `summaries` and `lists` read many."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, func, select

from rules.decision.reasons import Reason
from rules.mail import Mailbox
from rules.mail.extent import CUT_MARGIN, READ_CHARACTERS
from rules.mail.subjects import subject_besides
from rules.people import Role
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    AttachmentRow,
    AuditRow,
    BouncedRow,
    CommentRow,
    CompanyRow,
    JournalRow,
    MailboxRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    table,
)
from storage.ticket import clocks
from storage.ticket.summaries import SUMMARY, summary
from storage.ticket.views import (
    AttachmentView,
    AuditView,
    CommentView,
    ParticipantView,
    TicketDetails,
    TicketView,
)

_ticket, _mailbox, _comment = table(TicketRow), table(MailboxRow), table(CommentRow)
_attachment, _participant = table(AttachmentRow), table(ParticipantRow)
_bounced, _journal = table(BouncedRow), table(JournalRow)
_company, _person, _audit = table(CompanyRow), table(PersonRow), table(AuditRow)

TEXTS_READ = 4 * 1024 * 1024
"""Characters of all comments that one view has: the texts of a ticket may be larger than memory."""
TEXTS_AT_ONCE = 16
"""Comments whose texts one query reads."""
FILES_READ = 500
"""Files of all comments that one view has: a mail may have 2,000, and each name is searched for
what must be masked."""
HISTORY_READ = 10_000
"""Entries of the audit trail, the latest."""


def mailbox_of(connection: Connection, number: int) -> Mailbox | None:
    """The mailbox of a ticket; None where there is no such ticket."""
    row = connection.execute(
        select(_mailbox.c.id, _mailbox.c.address, _mailbox.c.policy)
        .join_from(_ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
        .where(_ticket.c.id == number)
    ).one_or_none()
    return Mailbox(*row) if row is not None else None


def newest_of_others(connection: Connection, number: int, author: str) -> int:
    """The number of the last comment on a ticket that somebody else wrote; 0 without one."""
    query = select(func.max(_comment.c.id)).where(
        _comment.c.ticket_id == number,
        _comment.c.author != author,
        _comment.c.visibility != Visibility.FOLDED.value,
    )
    return int(connection.execute(query).scalar() or 0)


def ticket_view(
    connection: Connection,
    number: int,
    *,
    public: bool = False,
    withheld: Collection[int] = (),
    before: int | None = None,
    texts: int | None = None,
) -> TicketView | None:
    """The ticket, oldest entries first; None if there is no such ticket.

    The latest comments have their texts and files, as far as `TEXTS_READ` and `FILES_READ` go; of
    these only the public ones if `public`, only those before the comment `before`, and no more than
    `texts`. What is `withheld` is left out.
    """
    row = connection.execute(SUMMARY.where(_ticket.c.id == number)).one_or_none()
    if row is None:
        return None
    bounces = exists().where(
        _bounced.c.mailbox_id == _participant.c.mailbox_id,
        _bounced.c.address == _participant.c.address,
        _bounced.c.suspended_at.is_not(None),
    )
    members = connection.execute(
        select(
            _participant.c.id,
            _participant.c.address,
            _participant.c.part,
            _participant.c.presence,
            bounces.label("suspended"),
            _participant.c.muted,
        )
        .where(_participant.c.ticket_id == number)
        .order_by(_participant.c.id)
    )
    return TicketView(
        summary(row),
        _details(row),
        tuple(ParticipantView(*member) for member in members),
        _comments(connection, number, row.subject, public, withheld, before, texts),
        _history(connection, number),
    )


def _comments(
    connection: Connection,
    number: int,
    subject: str,
    public: bool,
    withheld: Collection[int],
    before: int | None,
    most: int | None,
) -> tuple[CommentView, ...]:
    """The comments of a ticket with this subject."""
    of_author = (_person.c.mailbox_id == _comment.c.mailbox_id) & (
        _person.c.address == _comment.c.author
    )
    columns = (column for column in _comment.c if column is not _comment.c.text)
    every = connection.execute(
        select(*columns, _person.c.role, _journal.c.reason)
        .join_from(_comment, _person, of_author, isouter=True)
        .join(_journal, _journal.c.id == _comment.c.journal_id, isouter=True)
        .where(_comment.c.ticket_id == number)
        .order_by(_comment.c.written_at, _comment.c.id)
    ).all()
    rows = [row for row in every if row.id not in withheld]
    until = takewhile(lambda row: row.id != before, rows)
    wanted = (r for r in until if not public or r.visibility == Visibility.PUBLIC.value)
    latest = [row.id for row in wanted][::-1][:most]
    texts, files = _texts(connection, latest), _files(connection, number, latest)
    return tuple(
        CommentView(
            id=row.id,
            journal_id=row.journal_id,
            author=row.author,
            by_staff=row.role == Role.STAFF.value,
            visibility=row.visibility,
            subject=subject_besides(row.subject, subject, by_staff=row.role == Role.STAFF.value),
            text=texts.get(row.id, ""),
            text_left_out=row.id not in texts,
            degraded=row.degraded,
            charset_guessed=row.charset_guessed,
            has_html=row.has_html is not False,
            written_at=row.written_at,
            proof=row.proof,
            reason=row.reason or "",
            folded_as=row.folded_as,
            is_feedback=_is_feedback(
                row.visibility, row.role, row.journal_id, row.proof, row.reason
            ),
            attachments=tuple(files[row.id].attachments) if row.id in files else (),
            files_left_out=row.id in files and files[row.id].left_out,
        )
        for row in rows
    )


def _is_feedback(
    visibility: str, role: str | None, mail: UUID | None, proof: str, reason: str | None
) -> bool:
    """By a mail that answers a request for feedback, or with a rating by a link."""
    if visibility != Visibility.NOTE.value or role == Role.STAFF.value:
        return False
    by_link = mail is None and proof == Source.WEB.value
    return by_link or reason == Reason.FEEDBACK.value


def _texts(connection: Connection, comments: Sequence[int]) -> Mapping[int, str]:
    """The beginnings of the texts of comments, in this order, as far as `TEXTS_READ` goes."""
    found: dict[int, str] = {}
    left = TEXTS_READ
    beginning = func.substr(_comment.c.text, 1, READ_CHARACTERS + CUT_MARGIN).label("beginning")
    for start in range(0, len(comments), TEXTS_AT_ONCE):
        some = comments[start : start + TEXTS_AT_ONCE]
        query = select(_comment.c.id, beginning).where(_comment.c.id.in_(some))
        texts = {row.id: row.beginning for row in connection.execute(query)}
        for comment in some:
            text = texts.get(comment, "")
            left -= len(text)
            if left < 0:
                return found
            found[comment] = text
    return found


@dataclass(slots=True)
class _Files:
    """Those of one comment."""

    most: int
    left_out: bool
    attachments: list[AttachmentView]


def _files(connection: Connection, number: int, comments: Sequence[int]) -> Mapping[int, _Files]:
    """The files of comments that have any, in this order, as far as `FILES_READ` goes."""
    counts = dict[int, int]()
    for row in connection.execute(
        select(_attachment.c.comment_id, func.count().label("files"))
        .join_from(_attachment, _comment, _attachment.c.comment_id == _comment.c.id)
        .where(_comment.c.ticket_id == number)
        .group_by(_attachment.c.comment_id)
    ):
        counts[row.comment_id] = row.files
    found: dict[int, _Files] = {}
    left = FILES_READ
    for comment in comments:
        if count := counts.get(comment, 0):
            found[comment] = _Files(min(count, left), count > left, [])
            left -= found[comment].most
    read = [comment for comment, files in found.items() if files.most]
    for row in connection.execute(
        select(_attachment).where(_attachment.c.comment_id.in_(read)).order_by(_attachment.c.id)
    ):
        files = found[row.comment_id]
        if len(files.attachments) < files.most:
            files.attachments.append(
                AttachmentView(row.id, row.name, row.content_type, row.size_bytes, row.part)
            )
    return found


def _history(connection: Connection, number: int) -> tuple[AuditView, ...]:
    rows = connection.execute(
        select(
            _audit.c.event,
            _audit.c.at,
            _audit.c.actor,
            _audit.c.source,
            _audit.c.subject,
            _audit.c.was,
            _audit.c.became,
            _audit.c.reason,
            _audit.c.journal_id,
        )
        .where(_audit.c.ticket_id == number)
        .order_by(_audit.c.at.desc(), _audit.c.id.desc())
        .limit(HISTORY_READ)
    ).all()
    return tuple(AuditView(AuditEvent(row.event), *row[1:]) for row in reversed(rows))


def _details(row: Row[Any]) -> TicketDetails:
    waiting = clocks.read_waiting(row.waiting)
    return TicketDetails(
        tier=row.tier,
        calendar=row.calendar,
        targets=json.loads(row.targets),
        channel=row.channel or "",
        fields=json.loads(row.fields),
        missing=tuple(json.loads(row.missing)),
        waits_for=waiting.waits_for if waiting is not None else "",
        escalation_level=row.escalation_level,
        first_due_at=row.first_due_at,
        first_answered_at=row.first_answered_at,
        clock=clocks.read(row.clock),
        status_at=row.status_at,
        follows=row.follows,
        split_from=row.split_from,
        rating=row.rating,
        deleted=row.deleted_at is not None,
        version=row.version,
    )
