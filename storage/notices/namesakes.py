"""The names of staff: From would show a customer with one of them as it shows an answer of that
person (`Sam via Support`)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, literal_column, select

from rules.mail.invisible import as_compared
from storage.db.statements import compiled
from storage.db.tables import PersonRow, table

_person = table(PersonRow)
_NAMES = compiled(
    select(_person.c.name).where(
        _person.c.mailbox_id == bindparam("mailbox"),
        _person.c.role == literal_column("'staff'"),  # exactly the condition of the index
        _person.c.active,
    )
)


def staff_names(connection: Connection, mailbox: int) -> frozenset[str]:
    """The names of the active staff of a mailbox, as they are compared: a customer chooses their
    own, and no database compares all letters in any case."""
    names = (as_compared(row.name) for row in _NAMES.rows(connection, mailbox=mailbox))
    return frozenset(name for name in names if name)
