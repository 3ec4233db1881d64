"""The outgoing mails that queues name: what was not delivered, is late, or led to nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, or_, select

from rules.service.digests import IGNORED_AFTER, INVITATION_NAMED_FOR, RECENT
from rules.ticket.desk import Queue
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.tables import NoticeRow, PersonRow, table
from storage.desk.announced import is_announced, still_waits
from storage.notices.outbox import CLOSED, DISCONTINUED, WITHDRAWN
from storage.notices.outbox_pages import is_late

_notice, _person = table(NoticeRow), table(PersonRow)
_other = _notice.alias("other")
_CALL_SOMEBODY = sorted(kind.value for kind in NoticeKind if kind.traits.calls_somebody)


def _outgoing(mailboxes: Collection[int], state: NoticeState) -> Select[Any]:
    # What the sign-up page was asked for, by anybody and for any address, comes last.
    is_of_page = (_notice.c.kind == NoticeKind.INVITATION.value) & _notice.c.cause.is_(None)
    return select(
        _notice.c.mailbox_id,
        _notice.c.id.label("item"),
        _notice.c.created_at.label("at"),
        case((is_of_page, 1), else_=0).label("by_anybody"),
        _notice.c.address.label("sender"),
        _notice.c.last_error.label("subject"),
        _notice.c.kind.label("reason"),
        _notice.c.ticket_id.label("ticket"),
    ).where(
        _notice.c.mailbox_id.in_(sorted(mailboxes)),
        _notice.c.state == state.value,
        # A digest that does not arrive is no news for the next one.
        _notice.c.kind != NoticeKind.DIGEST.value,
    )


def _is_named(queue: Queue) -> ColumnElement[bool]:
    return is_announced(_notice.c.mailbox_id, queue, _notice.c.id)


def late(mailboxes: Collection[int], now: datetime) -> Select[Any]:
    """What the relay has not accepted for an hour."""
    return _outgoing(mailboxes, NoticeState.DUE).where(is_late(now))


def dead(mailboxes: Collection[int], now: datetime) -> Select[Any]:
    """What was given up or came back lately; of what its reader must not have, or cannot get any
    more, what calls somebody, and nobody else was sent."""
    # By the index for each: with `exists` PostgreSQL may read all notices.
    sent_to_another = select(_other.c.id).where(
        _other.c.ticket_id == _notice.c.ticket_id,
        _other.c.created_at == _notice.c.created_at,
        _other.c.kind == _notice.c.kind,
        _other.c.state != NoticeState.DEAD.value,
    )
    is_of_one_reader = _notice.c.ticket_id.is_(None)  # their own digest, a login of theirs
    unseen = and_(
        _notice.c.last_error.in_((CLOSED, DISCONTINUED)),
        _notice.c.kind.in_(_CALL_SOMEBODY),
        or_(is_of_one_reader, sent_to_another.limit(1).scalar_subquery().is_(None)),
    )
    return _outgoing(mailboxes, NoticeState.DEAD).where(
        still_waits(_notice.c.due_at, RECENT, now, _is_named(Queue.DEAD)),
        or_(_notice.c.last_error.not_in(WITHDRAWN), unseen),
    )


def invited(mailboxes: Collection[int], now: datetime) -> Select[Any]:
    """Invitations of colleagues of customers, who have not registered since."""
    registered = exists().where(
        _person.c.mailbox_id == _notice.c.mailbox_id, _person.c.address == _notice.c.address
    )
    return _outgoing(mailboxes, NoticeState.SENT).where(
        _notice.c.ticket_id.is_(None),  # has an index with the time
        still_waits(_notice.c.created_at, INVITATION_NAMED_FOR, now, _is_named(Queue.INVITED)),
        _notice.c.created_at < now - IGNORED_AFTER,
        _notice.c.kind == NoticeKind.INVITATION.value,
        _notice.c.cause.is_not(None),  # a proven colleague's mail, not the sign-up page
        ~registered,
    )
