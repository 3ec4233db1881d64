"""Contacts: people outside the staff who were notified of a ticket without being on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.statements import Pending, bind_list, compiled_in, placeholders
from storage.db.tables import NoticeRow, table

_notice = table(NoticeRow)
_TO_CONTACTS = [kind.value for kind in NoticeKind if kind.traits.to_contacts]

_NOTIFIED_OF = compiled_in(
    lambda count: (
        select(_notice.c.ticket_id)
        .where(
            _notice.c.mailbox_id == bindparam("mailbox"),
            _notice.c.address == bindparam("address"),
            _notice.c.kind.in_(placeholders("kind", len(_TO_CONTACTS))),
            # Also one that bounced since: who answers it was notified all the same.
            (_notice.c.state == NoticeState.SENT.value) | _notice.c.sent_at.is_not(None),
            _notice.c.created_at <= bindparam("until"),
            _notice.c.ticket_id.in_(placeholders("ticket", count)),
        )
        .distinct()
    )
)


def notified_of(
    connection: Connection,
    mailbox: int,
    address: str | None,
    tickets: Collection[int],
    until: datetime,
) -> Pending[frozenset[int]]:
    """Those of the tickets of which an address was notified as a contact by then."""
    if not tickets or address is None:
        return frozenset
    pending = _NOTIFIED_OF(len(tickets)).submit(
        connection,
        mailbox=mailbox,
        address=address,
        until=until,
        **bind_list("kind", _TO_CONTACTS),
        **bind_list("ticket", list(tickets)),
    )
    return lambda: frozenset(row.ticket_id for row in pending())
