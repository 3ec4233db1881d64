"""What the links of a digest show: a held mail, to the staff person that the link was made for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from rules.mail import Mailbox
from rules.people import Role
from rules.sender.tokens import HeldLink
from storage.db.tables import PersonRow, table
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail

_person = table(PersonRow)


@dataclass(frozen=True, slots=True)
class HeldView:
    """A held mail with the person who may decide about it."""

    owner: str
    """The address of the staff person."""
    language: str
    """Theirs; empty if it is not known."""
    mail: HeldMail | None
    """None if it is held no longer."""


def held_view(connection: Connection, mailbox: Mailbox, link: HeldLink) -> HeldView | None:
    """None unless the link's owner is still on the staff of the mailbox."""
    owner = select(_person.c.address, _person.c.language).where(
        _person.c.id == link.person,
        _person.c.mailbox_id == mailbox.id,
        _person.c.role == Role.STAFF.value,
        _person.c.active,
    )
    row = connection.execute(owner).one_or_none()
    if row is None:
        return None
    mail = quarantine.find(connection, link.journal_id)
    if mail is not None and mail.mailbox.id != mailbox.id:
        return None
    return HeldView(row.address, row.language, mail)
