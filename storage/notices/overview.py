"""Outgoing mails as operators see them: found and counted; `by_hand` has what they do with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    TextClause,
    func,
    select,
    text,
)

from rules.ticket.notice_states import NoticeState
from storage.db import short_ids
from storage.db.tables import DEAD, MailboxRow, NoticeRow, table

_notice, _mailbox = table(NoticeRow), table(MailboxRow)


@dataclass(frozen=True, slots=True)
class NoticeSummary:
    """A notice as operators see it."""

    id: UUID
    mailbox: str
    ticket: int | None
    kind: str
    address: str
    state: NoticeState
    created_at: datetime
    due_at: datetime
    attempts: int
    last_error: str
    sent_at: datetime | None = None
    cause: UUID | None = None
    """The journal row of the mail that caused it; None where no mail did."""
    source: str = ""
    """The door of the change that caused it; empty for a row of before this was stored."""
    actor: str = ""
    """Who made that change; empty for the system itself."""
    is_being_sent: bool = False
    """A node has claimed it."""


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Selects notices: every condition that is not None must hold."""

    state: NoticeState | None = None
    ticket: int | None = None
    address: str | None = None

    @property
    def is_address_alone(self) -> bool:
        return self.address is not None and self.state is None and self.ticket is None


EVERY_NOTICE = NoticeFilter()

NEWEST_FIRST = (_notice.c.created_at.desc(), _notice.c.id.desc())
_LISTED = select(_notice, _mailbox.c.address.label("mailbox")).join_from(
    _notice, _mailbox, _notice.c.mailbox_id == _mailbox.c.id
)


def listing(
    connection: Connection, wanted: NoticeFilter = EVERY_NOTICE, limit: int = 1000
) -> Sequence[NoticeSummary]:
    """Notices, the newest first."""
    if wanted.is_address_alone:
        mailboxes = connection.execute(select(_mailbox.c.id)).scalars()
        return newest_to(connection, wanted, mailboxes.all(), limit)
    return summaries(connection, NEWEST_FIRST, limit, *selected_by(wanted))


def newest_to(
    connection: Connection,
    wanted: NoticeFilter,
    mailboxes: Iterable[int],
    limit: int,
    behind: Collection[ColumnElement[bool]] = (),
) -> Sequence[NoticeSummary]:
    """The newest mails to an address. An index has those of each mailbox and kind in this order: of
    each the first are read, and of these the first."""
    found: list[NoticeSummary] = []
    for mailbox in mailboxes:
        here = (_notice.c.mailbox_id == mailbox, *selected_by(wanted))
        for kind in _kinds(connection, here):
            conditions = (*here, _notice.c.kind == kind, *behind)
            found += summaries(connection, NEWEST_FIRST, limit, *conditions)
    return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]


def _kinds(
    connection: Connection, here: Collection[ColumnElement[bool] | TextClause]
) -> Iterator[str]:
    """Those that the index has, each by one step in it."""
    following: str | None = ""
    while following is not None:
        later = select(_notice.c.kind).where(*here, _notice.c.kind > following)
        following = connection.execute(later.order_by(_notice.c.kind).limit(1)).scalar()
        if following is not None:
            yield following


def selected_by(wanted: NoticeFilter) -> Iterator[ColumnElement[bool] | TextClause]:
    """The conditions of a filter."""
    if wanted.state is NoticeState.DEAD:
        yield text(f"notice.{DEAD}")  # exactly the condition of the index
    elif wanted.state is not None:
        yield _notice.c.state == wanted.state.value
    if wanted.ticket is not None:
        yield _notice.c.ticket_id == wanted.ticket
    if wanted.address is not None:
        yield _notice.c.address == wanted.address.lower()


def summaries(
    connection: Connection,
    order: Sequence[Any],
    limit: int,
    *conditions: ColumnElement[bool] | TextClause,
) -> Sequence[NoticeSummary]:
    """The first notices for which all conditions hold, in an order."""
    return _all(connection, _LISTED.where(*conditions).order_by(*order).limit(limit))


def caused_by(connection: Connection, mails: Sequence[UUID]) -> Sequence[NoticeSummary]:
    """The notices that mails have caused, by their journal rows, in the order they were queued."""
    query = _LISTED.where(_notice.c.cause.in_(mails))
    return _all(connection, query.order_by(_notice.c.cause, _notice.c.id))


def find(connection: Connection, notice: UUID) -> NoticeSummary | None:
    """One notice; None where there is none."""
    return next(iter(_all(connection, _LISTED.where(_notice.c.id == notice))), None)


def ids_named(connection: Connection, text: str) -> Sequence[UUID] | None:
    """Up to two ids that begin with a text; None if it is no beginning of an id."""
    return short_ids.named(connection, _notice.c.id, text)


def counts(connection: Connection) -> dict[str, int]:
    """How many notices are due, and how many dead. Those that were sent are not counted: all of
    them would be read."""
    return {
        state.value: connection.execute(
            select(func.count()).select_from(_notice).where(_notice.c.state == state.value)
        ).scalar_one()
        for state in (NoticeState.DUE, NoticeState.DEAD)
    }


def _all(connection: Connection, query: Select[Any]) -> list[NoticeSummary]:
    return [_listed(row) for row in connection.execute(query)]


def _listed(row: Row[Any]) -> NoticeSummary:
    return NoticeSummary(
        id=row.id,
        mailbox=row.mailbox,
        ticket=row.ticket_id,
        kind=row.kind,
        address=row.address,
        state=NoticeState(row.state),
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        last_error=row.last_error,
        sent_at=row.sent_at,
        cause=row.cause,
        source=row.source,
        actor=row.actor,
        is_being_sent=row.claimed_by is not None,
    )
