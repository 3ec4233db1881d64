"""The queries that claim notices and read everything that they need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    TextClause,
    bindparam,
    func,
    select,
    text,
    update,
)

from rules.mail.extent import CUT_MARGIN, READ_CHARACTERS
from rules.ticket.notices import NoticeState
from storage.db.statements import Statement, bind_list, compiled, compiled_in, filled_up
from storage.db.tables import (
    URGENT,
    BouncedRow,
    CommentRow,
    CompanyRow,
    JournalRow,
    MailboxRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    table,
)

_notice, _ticket, _mailbox = table(NoticeRow), table(TicketRow), table(MailboxRow)
_journal, _person = table(JournalRow), table(PersonRow)
_company, _ticket_company = table(CompanyRow), table(CompanyRow).alias("ticket_company")
_participant, _bounced = table(ParticipantRow), table(BouncedRow)
_comment = table(CommentRow)
_author, _author_place = _person.alias("author"), _participant.alias("author_place")

NOTICES = (
    select(
        _notice,
        _ticket.c.deleted_at,
        _ticket.c.subject,
        _ticket.c.status,
        _ticket.c.severity,
        _ticket.c.severity_claimed,
        _ticket.c.critical_claimed,
        _ticket.c.requester,
        _ticket.c.tier,
        _ticket.c.fields,
        _ticket.c.missing,
        _ticket.c.message_id.label("opened_by"),
        _ticket.c.due_at.label("ticket_due_at"),
        _ticket.c.follows,
        _ticket.c.waiting,
        _ticket.c.door,
        _ticket.c.calendar,
        _ticket_company.c.name.label("ticket_company"),
        _ticket_company.c.channel,
        _ticket_company.c.visibility.label("company_visibility"),
        _mailbox.c.address.label("mailbox"),
        _mailbox.c.policy,
        _journal.c.message_id.label("answers"),
        _person.c.id.label("person_id"),
        _person.c.name,
        _person.c.active.label("person_active"),
        _person.c.role.label("person_role"),
        (_person.c.company_id == _ticket.c.company_id).label("is_colleague"),
        _company.c.active.label("company_active"),
        _participant.c.id.label("participant_id"),
        _participant.c.part,
        _participant.c.presence,
        _participant.c.muted,
        _bounced.c.suspended_at,
        _comment.c.author,
        _comment.c.visibility,
        _comment.c.written_at,
        _comment.c.subject.label("comment_subject"),
        # More than is shown, which is cut once it is masked. A claim has many rows, and the
        # text of one mail may have the size of the mail.
        func.substr(_comment.c.text, 1, READ_CHARACTERS + CUT_MARGIN).label("text"),
        _comment.c.degraded,
        _comment.c.proof,
        _author.c.name.label("author_name"),
        _author.c.role.label("author_role"),
        _author_place.c.id.label("author_place"),
        _comment.c.journal_id.label("comment_mail"),
    )
    .join_from(_notice, _mailbox, _notice.c.mailbox_id == _mailbox.c.id)
    .join(_ticket, _notice.c.ticket_id == _ticket.c.id, isouter=True)
    .join(_ticket_company, _ticket.c.company_id == _ticket_company.c.id, isouter=True)
    .join(_journal, _notice.c.cause == _journal.c.id, isouter=True)
    .join(
        _person,
        (_person.c.mailbox_id == _notice.c.mailbox_id) & (_person.c.address == _notice.c.address),
        isouter=True,
    )
    .join(_company, _person.c.company_id == _company.c.id, isouter=True)
    .join(
        _participant,
        (_participant.c.ticket_id == _notice.c.ticket_id)
        & (_participant.c.address == _notice.c.address),
        isouter=True,
    )
    .join(
        _bounced,
        (_bounced.c.mailbox_id == _notice.c.mailbox_id) & (_bounced.c.address == _notice.c.address),
        isouter=True,
    )
    .join(_comment, _notice.c.comment_id == _comment.c.id, isouter=True)
    .join(
        _author,
        (_author.c.mailbox_id == _comment.c.mailbox_id) & (_author.c.address == _comment.c.author),
        isouter=True,
    )
    .join(
        _author_place,
        (_author_place.c.ticket_id == _comment.c.ticket_id)
        & (_author_place.c.address == _comment.c.author),
        isouter=True,
    )
)
"""All that is needed to write a notice, and to decide whether it may still be sent."""


def _claim(condition: ColumnElement[bool] | TextClause) -> Statement:
    due = (
        select(_notice.c.id)
        .where(
            condition,
            _notice.c.due_at <= bindparam("now"),
            _notice.c.claimed_by.is_(None),
        )
        .order_by(_notice.c.due_at)
        .limit(bindparam("number", type_=Integer))
        .with_for_update(skip_locked=True)  # SQLite has one writer, and no such clause
        .cte("due")  # is executed once: PostgreSQL may do so with a subquery for each row
    )
    return compiled(
        update(_notice)
        .where(_notice.c.id.in_(select(due.c.id)))
        .values(claimed_by=bindparam("node"), attempts=_notice.c.attempts + 1)
        .returning(_notice.c.id)
    )


_URGENT = _claim(text(f"notice.{URGENT}"))
_ANY = _claim(_notice.c.state == NoticeState.DUE.value)


def claimed_ids(connection: Connection, now: datetime, number: int, node: UUID) -> Sequence[UUID]:
    """Takes a number of due notices for a node: urgent ones first, then the longest due. Else
    those of a flood, or of an outage, would keep an alert waiting."""
    ids = [row.id for row in _URGENT.rows(connection, now=now, number=number, node=node)]
    if len(ids) < number:
        others = _ANY.rows(connection, now=now, number=number - len(ids), node=node)
        ids += [row.id for row in others]
    return ids


_ROWS = compiled_in(
    lambda count: NOTICES.where(
        _notice.c.id.in_(bindparam(f"notice_{n}", type_=_notice.c.id.type) for n in range(count))
    )
)
_NO_NOTICE = UUID(int=0)
_COUNTS = (1, 2, 4, 8, 16, 32, 64)
"""For so many notices the statement is compiled; a shorter list is filled up."""


def claimed_rows(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """What each notice needs, the longest due first. Where only a few are begun at a time, those
    that were ordered first would be begun again and again."""
    most = _COUNTS[-1]
    read: list[Any] = []
    for first in range(0, len(ids), most):
        some = filled_up(ids[first : first + most], _COUNTS, _NO_NOTICE)
        read += _ROWS(len(some)).rows(connection, **bind_list("notice", some))
    return sorted(read, key=lambda row: (row.due_at, row.created_at, row.id))
