"""Outgoing mail that was not sent, for a reader who sees some mailboxes: what failed, what is late,
what waits for its time, and what nobody is to get any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    TextClause,
    UnaryExpression,
    and_,
    case,
    func,
    or_,
    select,
    text,
)

from rules.service.digests import LATE_AFTER
from rules.ticket.notices import NoticeState
from storage.db.tables import DEAD, NoticeRow, table
from storage.notices.outbox import WITHDRAWN
from storage.notices.overview import (
    NEWEST_FIRST,
    NoticeFilter,
    NoticeSummary,
    newest_to,
    selected_by,
    summaries,
)

_notice = table(NoticeRow)

COUNTED = 1000
"""Mails of a view at most that are counted."""


class OutboxView(StrEnum):
    FAILED = "failed"
    """Given up, or refused for good."""
    LATE = "late"
    """The relay has not accepted them for an hour."""
    WAITING = "waiting"
    """Due now or later, the late ones included."""
    WITHDRAWN = "withdrawn"
    """Their recipients must not get them any more."""


@dataclass(frozen=True, slots=True)
class OutboxScope:
    """Whose outgoing mail is looked at, and when."""

    mailboxes: frozenset[int]
    now: datetime


def is_late(now: datetime) -> ColumnElement[bool]:
    """Tried, or should have been: some are ordered long before they are due."""
    before = now - LATE_AFTER
    tried = or_(_notice.c.attempts > 0, _notice.c.due_at < before)
    # As an expression, which has no index: few notices are due, and nearly all are that old.
    is_old = case((_notice.c.created_at < before, 1), else_=0) == 1
    return and_(_notice.c.state == NoticeState.DUE.value, is_old, tried)


class NoticeKey(NamedTuple):
    """The place of a mail in a view; the next page starts behind it."""

    at: datetime
    id: UUID


def listing(
    connection: Connection,
    view: OutboxView,
    scope: OutboxScope,
    limit: int,
    after: NoticeKey | None = None,
) -> Sequence[NoticeSummary]:
    """The mails of a view behind a place in it: dead ones from the newest on, others from the one
    that is due first."""
    conditions = (*_conditions(view, scope), *_behind(view, after))
    return summaries(connection, _order(view), limit, *conditions)


def about(
    connection: Connection,
    mailbox: int,
    wanted: NoticeFilter,
    limit: int,
    after: NoticeKey | None = None,
) -> Sequence[NoticeSummary]:
    """The mails of a mailbox in any state that a filter selects, behind a place: the newest
    first."""
    behind = _behind(OutboxView.FAILED, after)
    if wanted.is_address_alone:
        return newest_to(connection, wanted, [mailbox], limit, behind)
    conditions = (_notice.c.mailbox_id == mailbox, *behind, *selected_by(wanted))
    return summaries(connection, NEWEST_FIRST, limit, *conditions)


def key_of(view: OutboxView | None, notice: NoticeSummary) -> NoticeKey:
    """The place of a mail in a view; in a list by `about` for None."""
    is_by_age = view is None or view in _OVER
    return NoticeKey(notice.created_at if is_by_age else notice.due_at, notice.id)


def counts(connection: Connection, scope: OutboxScope) -> dict[OutboxView, int]:
    """How many mails each view has, up to `COUNTED`."""
    found = {}
    for view in OutboxView:
        some = select(_notice.c.id).where(*_conditions(view, scope)).limit(COUNTED).subquery()
        number = select(func.count()).select_from(some)
        found[view] = connection.execute(number).scalar_one()
    return found


def _order(view: OutboxView) -> tuple[ColumnElement[object] | UnaryExpression[object], ...]:
    if view in _OVER:
        return NEWEST_FIRST
    return (_notice.c.due_at, _notice.c.id)


def _behind(view: OutboxView, after: NoticeKey | None) -> Collection[ColumnElement[bool]]:
    if after is None:
        return ()
    row = _notice.c.id
    # With a limit of its own for the time, which the index has in this order.
    if view in _OVER:
        at = _notice.c.created_at
        return at <= after.at, or_(at < after.at, and_(at == after.at, row < after.id))
    at = _notice.c.due_at
    return at >= after.at, or_(at > after.at, and_(at == after.at, row > after.id))


_OVER = (OutboxView.FAILED, OutboxView.WITHDRAWN)
"""The views of what is not tried again, the newest first."""


def _conditions(
    view: OutboxView, scope: OutboxScope
) -> Collection[ColumnElement[bool] | TextClause]:
    # By no index: that of mailboxes has another order.
    here = (_notice.c.mailbox_id + 0).in_(sorted(scope.mailboxes))
    is_dead = text(f"notice.{DEAD}")  # exactly the condition of the index
    match view:
        case OutboxView.FAILED:
            return here, is_dead, _notice.c.last_error.not_in(WITHDRAWN)
        case OutboxView.WITHDRAWN:
            return here, is_dead, _notice.c.last_error.in_(WITHDRAWN)
        case OutboxView.LATE:
            return here, is_late(scope.now)
        case OutboxView.WAITING:
            return here, _notice.c.state == NoticeState.DUE.value
