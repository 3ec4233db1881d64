"""Addresses from which our mail bounces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, delete, func, select, update
from sqlalchemy.sql.expression import ClauseElement

from rules.decision.model import Bounced
from rules.mail.bounces import HARD_BOUNCES, Failure
from rules.ticket.notices import NoticeState
from storage.db.statements import Statement, compiled, insert_into
from storage.db.tables import BouncedRow, NoticeRow, table
from storage.ticket.rows import ChangeContext, storable

_bounced, _notice = table(BouncedRow), table(NoticeRow)

_MARK_BOUNCED = compiled(
    update(_notice)
    .where(_notice.c.id == bindparam("notice"), _notice.c.state == NoticeState.SENT.value)
    .values(state=NoticeState.DEAD.value, last_error=bindparam("error"))
    .returning(_notice.c.id)
)


def _count_failure(dialect: str) -> ClauseElement:
    insert = insert_into(_bounced, dialect)
    is_enough = _bounced.c.hard + 1 >= HARD_BOUNCES
    statement: ClauseElement = insert.on_conflict_do_update(
        index_elements=["mailbox_id", "address"],
        set_={
            "hard": _bounced.c.hard + 1,
            "last_at": insert.excluded.last_at,
            "why": insert.excluded.why,
            "suspended_at": func.coalesce(
                _bounced.c.suspended_at, case((is_enough, insert.excluded.last_at))
            ),
        },
    )
    return statement


_COUNT_FAILURE = Statement(_count_failure, [column.name for column in _bounced.columns])


def record_bounce(connection: Connection, context: ChangeContext, bounced: Bounced) -> None:
    """Record that a notice bounced; a permanent failure counts against its address.

    A notice counts once, however many reports of it arrive.
    """
    if bounced.failure is Failure.DELAYED:
        return
    error = storable(f"bounced: {bounced.why}", 500)
    first = _MARK_BOUNCED.rows(connection, notice=bounced.notice, error=error)
    if first and bounced.failure is Failure.HARD:
        record_hard_failure(
            connection, context.mailbox.id, bounced.address, bounced.why, context.now
        )


def record_hard_failure(
    connection: Connection, mailbox: int, address: str, why: str, now: datetime
) -> None:
    """Count one more permanent failure; with the second the address is suspended."""
    row = {"mailbox_id": mailbox, "address": address, "hard": 1, "last_at": now}
    _COUNT_FAILURE.run(connection, row | {"why": storable(why, 500), "suspended_at": None})


def take_back(connection: Connection, mailbox: int, address: str) -> bool:
    """Count one permanent failure less, which the address was not to blame for. Returns whether it
    was suspended for it, and gets mail again."""
    here = (_bounced.c.mailbox_id == mailbox, _bounced.c.address == address)
    less = update(_bounced).where(*here).values(hard=_bounced.c.hard - 1)
    connection.execute(less)
    too_few = (_bounced.c.hard < HARD_BOUNCES) & _bounced.c.suspended_at.is_not(None)
    lifted = connection.execute(update(_bounced).where(*here, too_few).values(suspended_at=None))
    connection.execute(delete(_bounced).where(*here, _bounced.c.hard <= 0))
    return lifted.rowcount == 1


def remove(connection: Connection, mailbox: int, address: str) -> bool:
    """Allow mail to an address again; False if none of our mail to it has bounced."""
    found = connection.execute(
        delete(_bounced).where(_bounced.c.mailbox_id == mailbox, _bounced.c.address == address)
    )
    return found.rowcount == 1


@dataclass(frozen=True, slots=True)
class BouncingAddress:
    """An address from which our mail bounces."""

    address: str
    hard: int
    last_at: datetime
    why: str
    suspended_at: datetime | None
    """Since when no mail is sent to it; None while mail is sent."""


_LISTED = select(
    _bounced.c.address,
    _bounced.c.hard,
    _bounced.c.last_at,
    _bounced.c.why,
    _bounced.c.suspended_at,
)


def listing(connection: Connection, mailbox: int) -> Sequence[BouncingAddress]:
    """Every such address of a mailbox, the latest failure first."""
    rows = connection.execute(
        _LISTED.where(_bounced.c.mailbox_id == mailbox).order_by(
            _bounced.c.last_at.desc(), _bounced.c.address
        )
    )
    return [BouncingAddress(*row) for row in rows]


def page(
    connection: Connection, mailbox: int, limit: int, after: str = ""
) -> Sequence[BouncingAddress]:
    """Some of them by address, those behind one."""
    behind = (_bounced.c.mailbox_id == mailbox) & (_bounced.c.address > after)
    rows = connection.execute(_LISTED.where(behind).order_by(_bounced.c.address).limit(limit))
    return [BouncingAddress(*row) for row in rows]
