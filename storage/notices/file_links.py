"""The file that a signed link in a notice leads to.

A link names its owner, never their rights: those are looked up at each use. It ends after its time,
or with the owner's place on the ticket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from rules.mail import Mailbox
from rules.people import Role
from rules.sender.tokens import FileLink, FileUse, Link, read_file_link
from rules.ticket.visibility import Visibility
from storage.db.tables import PersonRow, TicketRow, table
from storage.notices import links
from storage.ticket import files
from storage.ticket.files import StoredAttachment

_person, _ticket = table(PersonRow), table(TicketRow)


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file, and the person whom the link was made for."""

    ticket: int
    subject: str
    owner: str
    language: str
    """Of the owner; empty where it is not known."""
    is_staff: bool
    until: datetime
    file: StoredAttachment


@dataclass(frozen=True, slots=True)
class _Place:
    tickets: tuple[int, ...]
    """The ticket where the owner reads it now, and those that became part of it."""
    subject: str
    owner: str
    language: str
    is_staff: bool


def linked_file(
    connection: Connection, mailbox: Mailbox, use: FileUse, link: Link, now: datetime
) -> LinkedFile | None:
    """None for a link that has ended, and where its owner may not read the file."""
    named = read_file_link(link)
    if now >= named.until:
        return None
    find = _staff_place if use is FileUse.STAFF_FILE else _place
    place = find(connection, mailbox, link, now)
    return _found(connection, place, named) if place is not None else None


def _found(connection: Connection, place: _Place, named: FileLink) -> LinkedFile | None:
    for number in place.tickets:
        file = files.attachment(connection, number, named.attachment)
        if file is not None and (place.is_staff or file.visibility == Visibility.PUBLIC.value):
            return LinkedFile(
                number,
                place.subject,
                place.owner,
                place.language,
                place.is_staff,
                named.until,
                file,
            )
    return None


def _place(connection: Connection, mailbox: Mailbox, link: Link, now: datetime) -> _Place | None:
    found = links.place(connection, mailbox, link, now)
    if found is None:
        return None
    ticket, owner, path = found
    tickets = tuple(dict.fromkeys((ticket.id, *path)))
    return _Place(tickets, ticket.subject, owner.address, owner.language, owner.is_staff)


def _staff_place(
    connection: Connection, mailbox: Mailbox, link: Link, _: datetime
) -> _Place | None:
    """Staff need no place on the ticket."""
    row = connection.execute(
        select(_person.c.address, _person.c.language, _ticket.c.subject)
        .join_from(_person, _ticket, _ticket.c.mailbox_id == _person.c.mailbox_id)
        .where(
            _person.c.id == link.participant,
            _person.c.mailbox_id == mailbox.id,
            _person.c.role == Role.STAFF.value,
            _person.c.active,
            _ticket.c.id == link.ticket,
            _ticket.c.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    return _Place((link.ticket,), row.subject, row.address, row.language or "", is_staff=True)
