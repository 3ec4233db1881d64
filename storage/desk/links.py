"""What the links of a digest show and do: a held or folded mail, for the staff person that the link
was made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from rules.decision.effects import Effects
from rules.mail import Mailbox
from rules.people import Role
from rules.policy import Policy
from rules.sender.tokens import HeldLink
from rules.ticket.changes import PublishComment
from rules.ticket.visibility import Visibility
from storage.db.tables import AttachmentRow, CommentRow, PersonRow, TicketRow, table
from storage.mail import quarantine
from storage.mail.quarantine import HeldMail
from storage.ticket import load
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext

_person, _comment, _ticket = table(PersonRow), table(CommentRow), table(TicketRow)
_attachment = table(AttachmentRow)


@dataclass(frozen=True, slots=True)
class HeldView:
    """A held mail with the person who may decide about it."""

    owner: str
    """The address of the staff person."""
    language: str
    """Theirs; empty if it is not known."""
    mail: HeldMail | None
    """None if it is held no longer."""


@dataclass(frozen=True, slots=True)
class FoldedComment:
    """A folded mail on its ticket, as staff may read it."""

    number: int
    """Of the comment."""
    ticket: int
    subject: str
    """Of the ticket."""
    said: str
    """The subject of the mail."""
    author: str
    text: str
    written_at: datetime
    files: tuple[str, ...]
    """Their names; all who read the comment get them as well."""
    would_be: Visibility | None
    """None if staff have accepted it, or may not."""
    merged_into: int | None = None
    """The ticket that its ticket is part of now, on which it becomes a comment."""

    @property
    def shown(self) -> str:
        """What it would become, as a form carries it."""
        return f"{self.merged_into or self.ticket} {self.would_be or ''}"


@dataclass(frozen=True, slots=True)
class FoldedView:
    """A folded mail with the person who may accept it."""

    owner: str
    """The address of the staff person."""
    language: str
    """Theirs; empty if it is not known."""
    comment: FoldedComment


def held_view(connection: Connection, mailbox: Mailbox, link: HeldLink) -> HeldView | None:
    """None unless the link's owner is still on the staff of the mailbox."""
    row = _owner(connection, mailbox, link)
    if row is None:
        return None
    mail = quarantine.find(connection, link.journal_id)
    if mail is not None and mail.mailbox.id != mailbox.id:
        return None
    return HeldView(row.address, row.language, mail)


def folded_view(
    connection: Connection, mailbox: Mailbox, link: HeldLink, now: datetime
) -> FoldedView | None:
    """The same of a folded mail; None also if its ticket is deleted."""
    row = _owner(connection, mailbox, link)
    found = connection.execute(
        select(_comment, _ticket.c.subject.label("about"), _ticket.c.merged_into)
        .join_from(_comment, _ticket, _comment.c.ticket_id == _ticket.c.id)
        .where(
            _comment.c.mailbox_id == mailbox.id,
            _comment.c.journal_id == link.journal_id,
            _ticket.c.deleted_at.is_(None),
        )
    ).first()
    if row is None or found is None:
        return None
    would_be = Visibility(found.folded_as) if found.folded_as else None
    merged_into = None
    if would_be is not None and found.merged_into is not None:
        into = load.load(connection, mailbox, [found.merged_into], now)[found.merged_into]
        end = load.end_of_merges(connection, mailbox, into, now)
        merged_into, would_be = end.id, None if end.deleted else would_be
    comment = FoldedComment(
        number=found.id,
        ticket=found.ticket_id,
        subject=found.about,
        said=found.subject,
        author=found.author,
        text=found.text,
        written_at=found.written_at,
        files=_files(connection, found.id),
        would_be=would_be,
        merged_into=merged_into,
    )
    return FoldedView(row.address, row.language, comment)


def _files(connection: Connection, comment: int) -> tuple[str, ...]:
    query = select(_attachment.c.name).where(_attachment.c.comment_id == comment)
    names: Sequence[str] = connection.execute(query.order_by(_attachment.c.id)).scalars().all()
    return tuple(names)


class Accepted(StrEnum):
    NOW = "now"
    BEFORE = "before"
    """By anybody, or it cannot be; nothing was changed."""
    OUTDATED = "outdated"
    """It would become something else now than was shown; nothing was changed."""


def accept_folded(
    connection: Connection, context: ChangeContext, link: HeldLink, shown: str, policy: Policy
) -> tuple[FoldedView, Accepted] | None:
    """Make a folded mail the comment that it would have been, as it was shown, in the name of the
    link's owner; and whether this did it. None as for `folded_view`."""
    view = folded_view(connection, context.mailbox, link, context.now)
    if view is None or view.comment.would_be is None:
        return None if view is None else (view, Accepted.BEFORE)
    if view.comment.shown != shown:
        return view, Accepted.OUTDATED
    by = replace(context, actor=view.owner)
    accepted = [PublishComment(view.comment.number, seen=Visibility.FOLDED)]
    done = change_ticket(connection, by, view.comment.ticket, accepted, policy, by_staff=True)
    return view, Accepted.NOW if isinstance(done, Effects) else Accepted.BEFORE


def _owner(connection: Connection, mailbox: Mailbox, link: HeldLink) -> Any:
    """The staff person that the link was made for; None if they are that no longer."""
    owner = select(_person.c.address, _person.c.language).where(
        _person.c.id == link.person,
        _person.c.mailbox_id == mailbox.id,
        _person.c.role == Role.STAFF.value,
        _person.c.active,
    )
    return connection.execute(owner).one_or_none()
