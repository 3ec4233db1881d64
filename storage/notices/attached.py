"""The files of comments, as notices name them: the first of each, and how many more it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, union_all

from rules.mail.extent import FILES_NAMED
from storage.db.statements import Statement, bind_list, compiled, filled_up
from storage.db.tables import AttachmentRow, table

_attachment = table(AttachmentRow)
_FILE = (
    _attachment.c.id,
    _attachment.c.name,
    _attachment.c.content_type,
    _attachment.c.part,
    _attachment.c.size_bytes,
    _attachment.c.inline,
)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    id: int
    name: str
    content_type: str
    part: str
    size_bytes: int
    inline: bool
    """Its mail places it in its text."""


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    files: tuple[AttachedFile, ...] = ()
    left_out: int = 0
    """So many more are with the ticket."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(file.name for file in self.files)


NO_FILES = AttachedFiles()


def _names_query(comments: int) -> Statement:
    """The first names of each comment, and how many files it has: a comment may have thousands, and
    a claim names them while all other writers wait."""

    def first_of(number: int) -> Select[Any]:
        this = _attachment.c.comment_id == bindparam(f"comment_{number}")
        files = select(func.count()).where(this).scalar_subquery()
        first = select(_attachment.c.comment_id, *_FILE).where(this)
        read = first.order_by(_attachment.c.id).limit(FILES_NAMED).subquery()
        return select(*read.c, files.label("files"))

    return compiled(union_all(*map(first_of, range(comments))))


_NAMES = lru_cache(maxsize=8)(_names_query)
_COUNTS = (1, 4, 16)
"""For so many comments the statement is compiled; a shorter list is filled up."""
_NONE = 0
"""Is no comment's number."""


def attached_to(connection: Connection, comments: Sequence[int]) -> Mapping[int, AttachedFiles]:
    """The files of each comment; comments without files are left out."""
    found: dict[int, list[AttachedFile]] = {}
    counts: dict[int, int] = {}
    left = list(dict.fromkeys(comments))
    while left:
        some, left = filled_up(left[: _COUNTS[-1]], _COUNTS, _NONE), left[_COUNTS[-1] :]
        rows = _NAMES(len(some)).rows(connection, **bind_list("comment", some))
        for row in sorted(rows, key=lambda row: row.id):
            file = AttachedFile(*(getattr(row, column.name) for column in _FILE))
            found.setdefault(row.comment_id, []).append(file)
            counts[row.comment_id] = row.files
    return {
        comment: AttachedFiles(tuple(files), counts[comment] - len(files))
        for comment, files in found.items()
    }
