"""The rows of a conversation: tickets, people, words, notices, audit. Whoever writes them, here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, update

from rules.mail import Attachment, Mailbox
from rules.people import ParticipantKind, Presence
from rules.service.participants import Addition
from rules.ticket.notice_payloads import as_stored
from rules.ticket.notices import NoticeOrder, NoticeState, StaffSubscription
from rules.ticket.visibility import Visibility
from storage.db.statements import compiled, compiled_insert
from storage.db.tables import (
    AttachmentRow,
    AuditRow,
    CommentRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    table,
)

_JOIN = compiled_insert(table(ParticipantRow), ignore_existing=True)
_COMMENT = compiled_insert(table(CommentRow))
# A number is asked for only where it is needed: on PostgreSQL each one is a wait.
_NUMBERED_COMMENT = compiled_insert(table(CommentRow), "id")
_ATTACHMENT = compiled_insert(table(AttachmentRow))
_NOTICE = compiled_insert(table(NoticeRow))
_AUDIT = compiled_insert(table(AuditRow))
_ticket = table(TicketRow)
_TOUCH = compiled(
    update(_ticket).where(_ticket.c.id == bindparam("ticket")).values(updated_at=bindparam("now"))
)
_MOVE = compiled(
    update(_ticket)
    .where(_ticket.c.id == bindparam("ticket"), _ticket.c.status == bindparam("was"))
    .values(status=bindparam("became"), status_at=bindparam("now"), updated_at=bindparam("now"))
    .returning(_ticket.c.id)
)


_LACKS = compiled(
    update(_ticket)
    .where(_ticket.c.id == bindparam("ticket"))
    .values(missing=bindparam("still_missing"))
)
_FIELDS = compiled(
    select(_ticket.c.fields).where(_ticket.c.id == bindparam("ticket")).with_for_update()
)
_KEEP_FIELDS = compiled(
    update(_ticket).where(_ticket.c.id == bindparam("ticket")).values(fields=bindparam("kept"))
)


class Source(StrEnum):
    """Where a change comes from."""

    MAIL = "mail"
    STAFF_MAIL = "staff_mail"
    CONSOLE = "console"
    API = "api"
    WEB = "web"
    """A signed link in a notice."""
    SYSTEM = "system"
    """A clock of ours."""


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """Who writes, and when: what all rows of one act have in common."""

    mailbox: Mailbox
    actor: str
    """An address; empty for the system itself."""
    source: Source
    now: datetime
    new_id: Callable[[], UUID]
    journal_id: UUID | None = None
    """Of the mail that the act comes by."""


def add_participants(
    connection: Connection, hand: ChangeContext, ticket: int, additions: Iterable[Addition]
) -> None:
    """Put people on a ticket; whoever is on it already stays as he is."""
    rows = [
        {
            "mailbox_id": hand.mailbox.id,
            "ticket_id": ticket,
            "address": addition.address,
            "person_id": addition.person,
            "part": addition.part.value,
            "presence": addition.presence.value,
            "joined_at": hand.now,
            "muted": addition.muted,
            "language": addition.language,
        }
        for addition in additions
    ]
    if rows:
        _JOIN.run_many(connection, rows)


def add_comment(
    connection: Connection,
    hand: ChangeContext,
    ticket: int,
    visibility: Visibility,
    author: str,
    text: str,
    degraded: str | None,
    attachments: Iterable[Attachment],
    written_at: datetime,
    numbered: bool,
    charset_guessed: bool = False,
) -> int | None:
    """Write somebody's words; returns their number where it is asked for or needed."""
    row = {
        "mailbox_id": hand.mailbox.id,
        "ticket_id": ticket,
        "journal_id": hand.journal_id,
        "author": author,
        "visibility": visibility.value,
        "text": storable(text),
        "degraded": degraded[:200] if degraded is not None else None,
        "charset_guessed": charset_guessed,
        "written_at": written_at,
    }
    attached = list(attachments)
    if not numbered and not attached:
        _COMMENT.run(connection, row)
        return None
    number = int(_NUMBERED_COMMENT.rows(connection, **row)[0].id)
    if attached:
        _ATTACHMENT.run_many(connection, [_attachment(hand, number, a) for a in attached])
    return number


def queue_notices(
    connection: Connection,
    hand: ChangeContext,
    orders: Iterable[NoticeOrder],
    ticket: int | None,
    comment: int | None = None,
) -> None:
    """Queue the notices that a change causes; the dispatcher sends them later.

    `ticket` is what they are about, `comment` the one that those with `quotes` carry. Staff who are
    not yet on the ticket become participants of it.
    """
    orders = tuple(orders)
    if ticket is not None:
        _JOIN.run_many(
            connection,
            [
                _participant_row(hand, ticket, order, order.subscription)
                for order in orders
                if order.subscription is not None
            ],
        )
    rows = [
        {
            "id": hand.new_id(),
            "mailbox_id": hand.mailbox.id,
            "ticket_id": ticket,
            "kind": one.kind.value,
            "comment_id": comment if one.quotes else None,
            "detail": json.dumps(as_stored(one.payload), ensure_ascii=False),
            "language": one.language,
            "address": one.address,
            "cause": hand.journal_id,
            "state": NoticeState.DUE.value,
            "created_at": hand.now,
            "due_at": hand.now,
            "attempts": 0,
            "last_error": "",
            "sent_at": None,
        }
        for one in orders
    ]
    if rows:
        _NOTICE.run_many(connection, rows)


def change_status(
    connection: Connection, hand: ChangeContext, ticket: int, was: str, became: str, why: str
) -> bool:
    """Change a ticket's status, once; False where it was not `was` any more."""
    moved = _MOVE.rows(connection, ticket=ticket, was=was, became=became, now=hand.now)
    if moved:
        audit(connection, hand, ticket, "status", was, became, why)
    return bool(moved)


def touch(connection: Connection, hand: ChangeContext, ticket: int) -> None:
    _TOUCH.run(connection, {"ticket": ticket, "now": hand.now})


def set_missing(connection: Connection, ticket: int, names: Iterable[str]) -> None:
    """Keep which facts a request lacks after what was written last."""
    listed = json.dumps(list(names), ensure_ascii=False)
    _LACKS.run(connection, {"ticket": ticket, "still_missing": listed})


def keep_fields(connection: Connection, ticket: int, found: Mapping[str, str]) -> None:
    """Add what was lifted out of somebody's words; a field that has a value keeps it."""
    if not found:
        return
    (row,) = _FIELDS.rows(connection, ticket=ticket)
    kept = json.dumps({**found, **json.loads(row.fields)}, ensure_ascii=False)
    _KEEP_FIELDS.run(connection, {"ticket": ticket, "kept": kept})


def audit(
    connection: Connection,
    hand: ChangeContext,
    ticket: int,
    what: str,
    was: str,
    became: str,
    why: str,
) -> None:
    """Write down who changed what, and why."""
    _AUDIT.run(
        connection,
        {
            "mailbox_id": hand.mailbox.id,
            "ticket_id": ticket,
            "at": hand.now,
            "actor": hand.actor,
            "source": hand.source.value,
            "what": what,
            "was": storable(was),
            "became": storable(became),
            "why": storable(why, 1000),
            "journal_id": hand.journal_id,
        },
    )


def storable(value: str, limit: int | None = None) -> str:
    """Text that both databases take: no NUL (PostgreSQL refuses it), no lone surrogates."""
    if value.isascii() and "\0" not in value:
        return value[:limit]
    return value.encode("utf-8", "replace").decode().replace("\0", "")[:limit]


def _participant_row(
    hand: ChangeContext, ticket: int, order: NoticeOrder, subscription: StaffSubscription
) -> dict[str, Any]:
    return {
        "mailbox_id": hand.mailbox.id,
        "ticket_id": ticket,
        "address": order.address,
        "person_id": None,
        "part": ParticipantKind.FOLLOWER.value,
        "presence": Presence.ACTIVE.value,
        "joined_at": hand.now,
        "muted": subscription is StaffSubscription.ONLOOKER,
        "language": order.language,
    }


def _attachment(hand: ChangeContext, comment: int, attachment: Attachment) -> dict[str, Any]:
    return {
        "mailbox_id": hand.mailbox.id,
        "comment_id": comment,
        "part": attachment.part[:100],
        "name": storable(attachment.name, 255),
        "content_type": storable(attachment.content_type, 127),
        "size_bytes": attachment.size_bytes,
        "content_id": storable(attachment.content_id, 252),
        "inline": attachment.inline,
    }
