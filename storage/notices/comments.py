"""The comments that notices carry, as they are read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from rules.mail.invisible import as_compared
from rules.mail.subjects import subject_besides
from rules.people import Role
from rules.ticket.visibility import Visibility
from storage.notices.attached import AttachedFile, AttachedFiles


@dataclass(frozen=True, slots=True)
class NoticeComment:
    """The comment that a notice carries."""

    author: str
    name: str
    """The author's; empty where they have none."""
    by_staff: bool
    visibility: Visibility
    text: str
    degraded: bool
    """The text could not be read; the raw mail is with the ticket."""
    attachments: tuple[str, ...]
    """The names of the first."""
    proof: str = ""
    """How its author is proven."""
    subject: str = ""
    """Of its mail, where it says something besides the ticket's subject."""
    number: int = 0
    files_left_out: int = 0
    """So many more are attached than are named."""
    outside: bool = False
    """Its author is not staff, and not on the ticket."""
    files: tuple[AttachedFile, ...] = ()
    """The first."""
    at: datetime | None = None
    """When it was written."""
    by_mail: bool = True
    """Rather than in the console or over the API, where a marked line is meant to be read."""
    is_the_last: bool = False
    """The last of a customer, in a notice that is about something else."""


@dataclass(frozen=True, slots=True)
class MoreComments:
    """What a budget withheld from the reader of a summary."""

    number: int = 0
    latest: tuple[NoticeComment, ...] = ()
    """The last of them, the oldest first."""


NOTHING_WITHHELD = MoreComments()


def as_comment(
    row: Row[Any], files: AttachedFiles, ticket: str, of_staff: frozenset[str]
) -> NoticeComment:
    """The comment in a row, with its files; its subject where that is not the ticket's, and its
    author's name unless it is one of those of the mailbox's staff."""
    by_staff = row.author_role == Role.STAFF.value
    name = row.author_name or ""
    if not by_staff and as_compared(name) in of_staff:
        name = ""
    return NoticeComment(
        author=row.author,
        name=name,
        by_staff=by_staff,
        visibility=Visibility(row.visibility),
        text=row.text,
        degraded=row.degraded is not None,
        attachments=files.names,
        files=files.files,
        files_left_out=files.left_out,
        proof=row.proof,
        subject=subject_besides(row.comment_subject, ticket, by_staff=by_staff),
        number=row.comment_id,
        outside=not by_staff and row.author_place is None,
        at=row.written_at,
        by_mail=row.comment_mail is not None,
    )
