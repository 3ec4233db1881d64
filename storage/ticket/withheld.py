"""What a budget withheld: counted by ticket and recipient, until a digest names it to staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.sql.expression import ClauseElement

from rules.ticket.notices import NoticeOrder
from storage.db.statements import Statement, insert_into
from storage.db.tables import WithheldRow, table
from storage.ticket.rows import ChangeContext

_withheld = table(WithheldRow)


def _count(dialect: str) -> ClauseElement:
    insert = insert_into(_withheld, dialect)
    statement: ClauseElement = insert.on_conflict_do_update(
        index_elements=["mailbox_id", "ticket_id", "address"],
        set_={"number": _withheld.c.number + insert.excluded.number},
    )
    return statement


_COUNT = Statement(_count, [column.name for column in _withheld.columns])


def record_withheld(
    connection: Connection, context: ChangeContext, ticket: int, orders: Iterable[NoticeOrder]
) -> None:
    """Count what is withheld about a ticket; receipts do not count, since nobody else misses them.

    Addresses are written in one order: two transactions cannot block each other.
    """
    missed = Counter(order.address for order in orders if not order.kind.traits.answers_mail)
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
    if rows:
        _COUNT.run_many(connection, rows)
