"""A mailbox of whose staff nobody gets mail: the administrators of the console are notified."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from rules.mail import Mailbox
from rules.service.console_roles import ConsoleRole
from rules.service.digests import WITHOUT_STAFF
from rules.ticket.notices import NoticeKind
from storage.db.tables import EmptyDeskRow, NoticeRow, table
from storage.desk import turns
from storage.notices import direct
from storage.registry import console_users, lookup, mailboxes

_empty_desk, _notice = table(EmptyDeskRow), table(NoticeRow)


def take_turn(connection: Connection, mailbox: Mailbox, now: datetime) -> bool:
    """Record that it is said now; False if another node has said it within the hour. Apart from
    the turns of the digests: somebody who is registered meanwhile waits for none of these."""
    return turns.take(connection, _empty_desk, mailbox, now)


def notify_administrators(
    connection: Connection, mailbox: Mailbox, now: datetime, new_id: Callable[[], UUID]
) -> int:
    """Order a mail to each administrator whom mail from here reaches, once a day at most; returns
    how many. For the node alone that has taken the turn. A mailbox of ours is never notified: it
    would file the mail."""
    every = console_users.users_with(connection, ConsoleRole.ADMIN)
    addresses = [each.address for each in every]
    lately = select(_notice.c.address).where(
        _notice.c.mailbox_id == mailbox.id,
        _notice.c.address.in_(addresses),
        _notice.c.kind == NoticeKind.EMPTY_DESK.value,
        _notice.c.created_at > now - WITHOUT_STAFF,
    )
    left_out = lookup.suppressed_among(connection, mailbox, addresses)()
    left_out |= mailboxes.own_addresses(connection)
    left_out |= frozenset(connection.execute(lately).scalars())
    reached = [each for each in every if each.address not in left_out]
    for each in reached:
        direct.order(
            connection,
            mailbox,
            NoticeKind.EMPTY_DESK,
            each.address,
            each.language,
            {},
            notice=new_id(),
            now=now,
        )
    return len(reached)
