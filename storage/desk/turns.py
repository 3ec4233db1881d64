"""What is done for a mailbox once an hour at most, by all nodes together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table

from rules.mail import Mailbox
from rules.service.digests import PAUSE
from storage.db.statements import insert_into


def take(connection: Connection, turns: Table, mailbox: Mailbox, now: datetime) -> bool:
    """Record that it is done now; False if another node has done it within the hour. `turns` has
    the time of each mailbox.

    Of several nodes at once one writes the row first, and the others find its time in it.
    """
    insert = insert_into(turns, connection.dialect.name)
    turn = (
        insert.values(mailbox_id=mailbox.id, last_at=now)
        .on_conflict_do_update(
            index_elements=["mailbox_id"],
            set_={"last_at": insert.excluded.last_at},
            where=turns.c.last_at <= now - PAUSE,
        )
        .returning(turns.c.mailbox_id)
    )
    return connection.execute(turn).first() is not None
