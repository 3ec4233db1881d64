"""What a budget withheld and no summary has: counted by ticket and recipient, until a digest names
it to staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, or_, select
from sqlalchemy.sql.expression import ClauseElement

from rules.service.more import SUMMARIES
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import ReceiptOutcome, ReceiptPayload
from storage.db.statements import Statement, compiled, insert_into
from storage.db.tables import NoticeRow, WithheldRow, table
from storage.ticket.rows import ChangeContext

_withheld, _notice = table(WithheldRow), table(NoticeRow)


def _count(dialect: str) -> ClauseElement:
    insert = insert_into(_withheld, dialect)
    statement: ClauseElement = insert.on_conflict_do_update(
        index_elements=["mailbox_id", "ticket_id", "address"],
        set_={"number": _withheld.c.number + insert.excluded.number},
    )
    return statement


_COUNT = Statement(_count, [column.name for column in _withheld.columns])


# With the time and the state, since one that is due now may have been read before this comment.
_SUMMARISED = compiled(
    select(_notice.c.address).where(
        _notice.c.ticket_id == bindparam("ticket"),
        _notice.c.created_at > bindparam("now"),
        or_(*(_notice.c.kind == kind.value for kind in SUMMARIES)),
        _notice.c.state == NoticeState.DUE.value,
    )
)
IN_SUMMARY = (
    NoticeKind.COMMENT,
    NoticeKind.NEW_COMMENT,
    NoticeKind.STATUS,
    NoticeKind.NEXT_STEPS,
)
"""What a summary has: the comments, and the status of the ticket."""


def record_withheld(
    connection: Connection, context: ChangeContext, ticket: int, orders: Iterable[NoticeOrder]
) -> None:
    """Count what is withheld about a ticket, once its notices are queued. Receipts do not count,
    since nobody else misses them, unless they say that something was not done; nor does what a
    summary to the same reader will have.

    Addresses are written in one order: two transactions cannot block each other.
    """
    left = [order for order in orders if not _is_of_effects(order)]
    if not left:
        return
    waiting = _SUMMARISED.rows(connection, ticket=ticket, now=context.now)
    readers = {row.address for row in waiting}
    missed = Counter(
        o.address for o in left if o.kind not in IN_SUMMARY or o.address not in readers
    )
    rows = [
        {
            "mailbox_id": context.mailbox.id,
            "ticket_id": ticket,
            "address": address,
            "number": number,
            "since": context.now,
        }
        for address, number in sorted(missed.items())
    ]
    count_withheld(connection, rows)


def _is_of_effects(order: NoticeOrder) -> bool:
    """Whether it is a receipt for what was done, or a list: its reader believes nothing wrong."""
    payload = order.payload
    return isinstance(payload, ReceiptPayload) and payload.said is not ReceiptOutcome.NOT_DONE


def count_withheld(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add to what is counted of tickets and recipients."""
    if rows:
        _COUNT.run_many(connection, rows)
