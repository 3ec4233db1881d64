"""The name of a comment's author, for mails: a customer's own, unless staff have it too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, exists, func, literal_column

from rules.mail.invisible import JOINERS
from storage.db.tables import PersonRow, table

_staff = table(PersonRow).alias("namesake")


def author_name(author: FromClause) -> ColumnElement[str]:
    """Empty for a customer whose name is, in any case, that of an active staff person of their
    mailbox: From would show it as it shows an answer of that person (`Sam via Support`)."""
    is_namesake = exists().where(
        _staff.c.mailbox_id == author.c.mailbox_id,
        _staff.c.role == literal_column("'staff'"),  # exactly the condition of the index
        _staff.c.active,
        func.lower(_staff.c.name) == _bare(author.c.name),
        author.c.role != _staff.c.role,
    )
    return case((is_namesake, ""), else_=author.c.name).label("author_name")


def _bare(name: ColumnElement[Any]) -> ColumnElement[str]:
    """In lower case, without the characters that nobody sees and that names may have."""
    bare: ColumnElement[str] = func.trim(name)
    for each in JOINERS:
        bare = func.replace(bare, each, "")
    return func.lower(bare)
