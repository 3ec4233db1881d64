"""The registered person on whose behalf an API program acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from rules.mail import Mailbox
from rules.people import Person, Role
from storage.db.tables import MailboxRow, PersonRow, table
from storage.registry import lookup

_person, _mailbox = table(PersonRow), table(MailboxRow)


def find_caller(
    connection: Connection, address: str, role: Role, now: datetime
) -> Mapping[Mailbox, Person]:
    """The mailboxes where an address is an active person of a role, each with that person.

    A user counts only while their company is active.
    """
    # The index on people begins with the mailbox: a condition on every mailbox lets it be used.
    every_mailbox = select(_mailbox.c.id)
    rows = connection.execute(
        select(_mailbox.c.id, _mailbox.c.address, _mailbox.c.policy)
        .join_from(_mailbox, _person, _person.c.mailbox_id == _mailbox.c.id)
        .where(_person.c.mailbox_id.in_(every_mailbox), _person.c.address == address)
        .order_by(_mailbox.c.address)
    )
    found: dict[Mailbox, Person] = {}
    for row in rows.all():
        mailbox = Mailbox(*row)
        person = lookup.people(connection, mailbox, [address], now)()[address]
        suspended = person.company is not None and not person.company.active
        if person.role is role and person.active and not suspended:
            found[mailbox] = person
    return found
