"""The files of comments, as notices name them: the first of each, and how many more it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from rules.mail.extent import FILES_NAMED
from storage.db.tables import AttachmentRow, table

_attachment = table(AttachmentRow)


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    names: tuple[str, ...] = ()
    left_out: int = 0
    """So many more are with the ticket."""


NO_FILES = AttachedFiles()


def attached_to(connection: Connection, comments: Sequence[int]) -> Mapping[int, AttachedFiles]:
    """The files of each comment; comments without files are left out."""
    if not comments:
        return {}
    here = _attachment.c.comment_id
    place = func.row_number().over(partition_by=here, order_by=_attachment.c.id)
    numbered = (
        select(
            here,
            _attachment.c.name,
            place.label("place"),
            func.count().over(partition_by=here).label("files"),
        )
        .where(here.in_(comments))
        .subquery()
    )
    first = select(numbered).where(numbered.c.place <= FILES_NAMED).order_by(numbered.c.place)
    names: dict[int, list[str]] = {}
    files: dict[int, int] = {}
    for row in connection.execute(first):
        names.setdefault(row.comment_id, []).append(row.name)
        files[row.comment_id] = row.files
    return {
        comment: AttachedFiles(tuple(named), files[comment] - len(named))
        for comment, named in names.items()
    }
