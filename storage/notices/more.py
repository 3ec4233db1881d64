"""Summaries of what a budget withheld, and late acknowledgements: what they name is read when they
are sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, String, cast, func, or_, select

from rules.identity import UNPROVEN
from rules.people import Role
from rules.service.more import EXAMINED, SHOWN, SUMMARIES, answers_as_it_is_sent
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import AcknowledgementPayload, MorePayload
from rules.ticket.visibility import Visibility
from storage.db.tables import (
    AuditRow,
    CommentRow,
    JournalRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    table,
)
from storage.notices import named_tickets
from storage.notices.attached import NO_FILES, attached_to
from storage.notices.comments import MoreComments, NoticeComment, as_comment
from storage.notices.namesakes import staff_names
from storage.notices.outbox import Notice
from storage.ticket.reading import FILED_AT, joined_at

_comment, _notice, _person = table(CommentRow), table(NoticeRow), table(PersonRow)
_journal, _audit, _place = table(JournalRow), table(AuditRow), table(ParticipantRow)
LIKE_A_MACHINE = "the recipient writes as often on the ticket as a machine"
LONGEST_SUBJECT = 1000


QUOTE_THE_LAST = (
    NoticeKind.ALERT,
    NoticeKind.SLA_WARNING,
    NoticeKind.SLA_BREACH,
    NoticeKind.SNOOZE_OVER,
    NoticeKind.ASSIGNMENT,
)
"""They are about what a customer wrote last: they show its beginning. An assignment does where no
comment comes with it."""


def as_it_is_sent(connection: Connection, notice: Notice) -> Notice | None:
    """A summary with its comments, a late acknowledgement with what became of the tickets that it
    names, an alert with the words that it is about, any other notice as it is; None for a summary
    to somebody who writes like a machine."""
    if may_quote_the_last(notice):
        return _with_the_last(connection, notice)
    if may_name_others(notice):
        return _with_tickets(connection, notice)
    if notice.kind in SUMMARIES and answers_as_it_is_sent(_own_comments(connection, notice)):
        return None
    return with_comments(connection, notice)


def may_quote_the_last(notice: Notice) -> bool:
    """Whether it shows what a customer wrote last."""
    return notice.kind in QUOTE_THE_LAST and notice.comment is None and notice.about is not None


def without_the_last(notice: Notice) -> Notice:
    """The notice itself, or without what a customer wrote last, if it only shows that."""
    quotes = notice.comment is not None and notice.comment.is_the_last
    return replace(notice, comment=None) if quotes else notice


def _with_the_last(connection: Connection, notice: Notice) -> Notice:
    """The notice with the last comment by a customer; for contacts who are no staff of the mailbox,
    of those that are public."""
    readable = [Visibility.PUBLIC]
    if notice.is_staff:
        readable += [Visibility.PRIVATE, Visibility.NOTE]
    here = _person.c.mailbox_id == notice.mailbox.id
    staff = select(_person.c.address).where(here, _person.c.role == Role.STAFF.value)
    query = (
        select(_comment.c.id)
        .join_from(_comment, _journal, _journal.c.id == _comment.c.journal_id, isouter=True)
        .where(
            _comment.c.ticket_id == notice.ticket,
            _comment.c.author.not_in(staff),
            _comment.c.author.not_like("console:%"),
            _comment.c.visibility.in_([each.value for each in readable]),
        )
        .order_by(FILED_AT.desc(), _comment.c.id.desc())
        .limit(1)
    )
    latest = connection.execute(query).scalars().all()
    found = _read(connection, notice, list(latest))
    return replace(notice, comment=replace(found[0], is_the_last=True)) if found else notice


def may_name_others(notice: Notice) -> bool:
    """Whether it acknowledges several tickets, or one that may have become part of another."""
    if not isinstance(notice.payload, AcknowledgementPayload):
        return False
    return bool(notice.payload.also) or _is_closed(notice)


def _with_tickets(connection: Connection, notice: Notice) -> Notice:
    payload, about = notice.payload, notice.about
    assert isinstance(payload, AcknowledgementPayload)
    if about is not None and _is_closed(notice):
        own = named_tickets.item(about.ticket, about.subject)
        now = named_tickets.as_they_are(connection, (own, *payload.also))
        also = now[1:] if now[:1] == (own,) else now  # itself is named above
    else:
        also = named_tickets.as_they_are(connection, payload.also)
    return replace(notice, payload=replace(payload, also=also))


def _is_closed(notice: Notice) -> bool:
    return notice.about is not None and notice.about.status == Status.CLOSED.value


def with_comments(connection: Connection, notice: Notice) -> Notice:
    """A summary with what its reader was not sent; any other notice as it is."""
    since = _since(notice)
    if since is None:
        return notice
    since = max(since, _joined(connection, notice) or since)
    latest = connection.execute(_missed(notice, since)).all()  # no text is sorted
    comments = _read(connection, notice, [row.id for row in latest])
    return notice.with_more(MoreComments(latest[0].number if latest else 0, comments))


def _since(notice: Notice) -> datetime | None:
    if notice.kind not in SUMMARIES or not isinstance(notice.payload, MorePayload):
        return None
    try:
        return datetime.fromisoformat(notice.payload.since)
    except ValueError:  # of another version
        return notice.created_at - timedelta(hours=1)


def _joined(connection: Connection, notice: Notice) -> datetime | None:
    """Since when a customer reads the ticket: what was written before was written to others. Staff
    read all of it."""
    if notice.kind is not NoticeKind.MORE or notice.ticket is None:
        return None
    return joined_at(connection, notice.ticket, notice.address)


def _missed(notice: Notice, since: datetime) -> Select[tuple[int, int]]:
    """The latest comments of others that the reader may read, and that no notice carried to them;
    and how many there are."""
    readable = [Visibility.PUBLIC]
    if notice.kind.traits.for_staff:
        readable += [Visibility.PRIVATE, Visibility.NOTE]
    carried = select(_notice.c.comment_id).where(
        _notice.c.ticket_id == notice.ticket,
        _notice.c.address == notice.address,
        _notice.c.comment_id.is_not(None),
    )
    published = select(_audit.c.subject).where(
        _audit.c.ticket_id == notice.ticket,
        _audit.c.event == AuditEvent.COMMENT_PUBLISHED.value,
        _audit.c.at >= since,
    )
    query = (
        select(_comment.c.id, func.count().over().label("number"))
        .join_from(_comment, _journal, _journal.c.id == _comment.c.journal_id, isouter=True)
        .where(
            _comment.c.ticket_id == notice.ticket,
            _comment.c.author != notice.address,
            _comment.c.visibility.in_([each.value for each in readable]),
            or_(since <= FILED_AT, cast(_comment.c.id, String).in_(published)),
            _comment.c.id.not_in(carried),
        )
        .order_by(FILED_AT.desc(), _comment.c.id.desc())
        .limit(SHOWN)
    )
    if notice.kind is NoticeKind.MANAGER_MORE:  # only what they pass on
        here = _person.c.mailbox_id == notice.mailbox.id
        staff = select(_person.c.address).where(here, _person.c.role == Role.STAFF.value)
        query = query.where(_comment.c.author.in_(staff))
    return query


def _read(connection: Connection, notice: Notice, ids: list[int]) -> tuple[NoticeComment, ...]:
    """These comments, the last first; of each text one character more than is examined."""
    query: Select[Any] = select(
        _comment.c.id.label("comment_id"),
        _comment.c.author,
        _comment.c.visibility,
        _comment.c.written_at,
        func.substr(_comment.c.subject, 1, LONGEST_SUBJECT).label("comment_subject"),
        func.substr(_comment.c.text, 1, EXAMINED + 1).label("text"),
        _comment.c.degraded,
        _comment.c.proof,
        _person.c.name.label("author_name"),
        _person.c.role.label("author_role"),
        _place.c.id.label("author_place"),
        _comment.c.journal_id.label("comment_mail"),
    ).join_from(
        _comment,
        _person,
        (_person.c.mailbox_id == _comment.c.mailbox_id) & (_person.c.address == _comment.c.author),
        isouter=True,
    )
    query = query.join(
        _place,
        (_place.c.ticket_id == _comment.c.ticket_id) & (_place.c.address == _comment.c.author),
        isouter=True,
    )
    found = {row.comment_id: row for row in connection.execute(query.where(_comment.c.id.in_(ids)))}
    files = attached_to(connection, ids)
    ticket = notice.about.subject if notice.about is not None else ""
    of_staff = staff_names(connection, notice.mailbox.id)
    return tuple(
        as_comment(found[number], files.get(number, NO_FILES), ticket, of_staff)
        for number in reversed(ids)
        if number in found
    )


def _own_comments(connection: Connection, notice: Notice) -> int:
    """How many comments the reader wrote on the ticket in the hour before something was withheld
    from them. Those that others may have written in their name do not count, nor automatic ones."""
    since = _since(notice) or notice.created_at
    own = select(func.count()).where(
        _comment.c.ticket_id == notice.ticket,
        _comment.c.author == notice.address,
        _comment.c.visibility != Visibility.FOLDED.value,
        _comment.c.proof.not_in(UNPROVEN),
        _comment.c.written_at > since - timedelta(hours=1),
        _comment.c.written_at <= since,
    )
    return int(connection.execute(own).scalar_one())
