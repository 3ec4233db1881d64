"""Summaries of what a budget withheld: their comments are read when they are sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, func, select

from rules.mail.extent import READ_CHARACTERS
from rules.people import Role
from rules.service.more import SHOWN, SUMMARIES, answers_as_it_is_sent
from rules.ticket.notices import MorePayload
from rules.ticket.visibility import Visibility
from storage.db.tables import CommentRow, NoticeRow, PersonRow, table
from storage.notices import outbox
from storage.notices.outbox import Claimed, Dropped, MoreComments, Notice, NoticeComment

_comment, _notice, _person = table(CommentRow), table(NoticeRow), table(PersonRow)
LIKE_A_MACHINE = "the recipient writes as often on the ticket as a machine"


def complete(connection: Connection, claimed: Claimed, now: datetime) -> Claimed:
    """The claimed notices, summaries with their comments. One to somebody who writes like a machine
    is given up."""
    for number, notice in reversed(list(enumerate(claimed))):
        if notice.kind not in SUMMARIES:
            continue
        if answers_as_it_is_sent(_own_comments(connection, notice)):
            outbox.give_up(connection, notice.id, LIKE_A_MACHINE, hard=False, now=now)
            del claimed[number]
            named = (notice.mailbox, notice.address, notice.ticket)
            claimed.dropped.append(Dropped(notice.id, notice.kind, *named, LIKE_A_MACHINE))
        else:
            claimed[number] = with_comments(connection, notice)
    return claimed


def with_comments(connection: Connection, notice: Notice) -> Notice:
    """A summary with what its reader was not sent; any other notice as it is."""
    since = _since(notice)
    if since is None:
        return notice
    missed = _missed(notice, since)
    number = connection.execute(select(func.count()).select_from(missed.subquery())).scalar_one()
    latest = missed.order_by(_comment.c.written_at.desc(), _comment.c.id.desc()).limit(SHOWN)
    rows = list(connection.execute(latest))
    files = outbox.attachments_of(connection, [row.id for row in rows])
    comments = tuple(
        NoticeComment(
            author=row.author,
            name=row.author_name or "",
            by_staff=row.author_role == Role.STAFF.value,
            visibility=Visibility(row.visibility),
            text=row.text,
            degraded=row.degraded is not None,
            attachments=files.get(row.id, ()),
            proof=row.proof,
        )
        for row in reversed(rows)
    )
    return notice.with_more(MoreComments(number, comments))


def _since(notice: Notice) -> datetime | None:
    if notice.kind not in SUMMARIES or not isinstance(notice.payload, MorePayload):
        return None
    try:
        return datetime.fromisoformat(notice.payload.since)
    except ValueError:  # of another version
        return notice.created_at - timedelta(hours=1)


def _missed(notice: Notice, since: datetime) -> Select[tuple[object, ...]]:
    """The comments of others that the reader may read, and that no notice carried to them."""
    readable = [Visibility.PUBLIC]
    if notice.kind.traits.for_staff:
        readable += [Visibility.PRIVATE, Visibility.NOTE]
    carried = (
        select(_notice.c.id)
        .where(
            _notice.c.ticket_id == _comment.c.ticket_id,
            _notice.c.comment_id == _comment.c.id,
            _notice.c.address == notice.address,
        )
        .exists()
    )
    return (
        select(
            _comment.c.id,
            _comment.c.author,
            _comment.c.visibility,
            func.substr(_comment.c.text, 1, READ_CHARACTERS + 1).label("text"),
            _comment.c.degraded,
            _comment.c.proof,
            _person.c.name.label("author_name"),
            _person.c.role.label("author_role"),
        )
        .join_from(
            _comment,
            _person,
            (_person.c.mailbox_id == _comment.c.mailbox_id)
            & (_person.c.address == _comment.c.author),
            isouter=True,
        )
        .where(
            _comment.c.ticket_id == notice.ticket,
            _comment.c.written_at >= since,
            _comment.c.author != notice.address,
            _comment.c.visibility.in_([each.value for each in readable]),
            ~carried,
        )
    )


def _own_comments(connection: Connection, notice: Notice) -> int:
    """How many comments the reader wrote on the ticket in the hour before something was withheld
    from them."""
    since = _since(notice) or notice.created_at
    own = select(func.count()).where(
        _comment.c.ticket_id == notice.ticket,
        _comment.c.author == notice.address,
        _comment.c.written_at > since - timedelta(hours=1),
        _comment.c.written_at <= since,
    )
    return int(connection.execute(own).scalar_one())
