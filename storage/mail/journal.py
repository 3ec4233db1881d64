"""Reads of the journal, for the live tail and to explain a mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, text

from rules.decision.reasons import Reason, Verdict
from rules.decision.trace import Step
from rules.mail import Envelope, StrangerHandling
from rules.sender.authentication import as_dict, from_dict
from storage.db import short_ids
from storage.db.tables import (
    WAITING_OR_REFUSED,
    WITHOUT_COMMENT,
    CommentRow,
    JournalRow,
    MailboxRow,
    MailRow,
    table,
)

_journal, _mailbox = table(JournalRow), table(MailboxRow)
_mail, _comment = table(MailRow), table(CommentRow)
_COLUMNS = select(_journal, _mailbox.c.address.label("mailbox")).join_from(
    _journal, _mailbox, _journal.c.mailbox_id == _mailbox.c.id
)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One mail that was offered, and what became of it."""

    id: UUID
    mailbox: str
    received_at: datetime
    """When this line was decided; a mail that was held and released has two lines."""
    verdict: str
    reason: str
    ticket: int | None
    peer: str
    helo: str
    mail_from: str
    rcpt_tos: tuple[str, ...]
    author: str
    subject: str
    message_id: str
    size_bytes: int
    reply: str
    trace: tuple[Step, ...]
    authentication: dict[str, Any]
    unread: bool
    """It was refused, and its sender did not see that, since another mailbox took the mail."""


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Selects rows: every condition that is not None must hold."""

    verdict: str | None = None
    sender: str | None = None
    ticket: int | None = None
    reason: str | None = None
    mailbox: str | None = None


def newest(connection: Connection, wanted: JournalFilter, limit: int) -> list[JournalEntry]:
    """The last `limit` rows, oldest first."""
    if wanted.ticket is None and (wanted.verdict is not None or wanted.reason is not None):
        ids = _newest_ids(connection, wanted, limit)
        rows = connection.execute(_COLUMNS.where(_journal.c.id.in_(ids)))
        return sorted((_entry(row) for row in rows), key=lambda each: (each.received_at, each.id))
    ordered = _where(wanted).order_by(_journal.c.received_at.desc(), _journal.c.id.desc())
    return [_entry(row) for row in connection.execute(ordered.limit(limit))][::-1]


def _newest_ids(connection: Connection, wanted: JournalFilter, limit: int) -> list[UUID]:
    """The last ones of each verdict and reason that are wanted: the index has each in its order,
    so that none of the others is read."""
    last: list[tuple[datetime, UUID]] = []
    for verdict, reason in kinds(connection, wanted.verdict, wanted.reason):
        rows = connection.execute(
            _where(wanted)
            .with_only_columns(_journal.c.received_at, _journal.c.id)
            .where(_journal.c.verdict == verdict, _journal.c.reason == reason)
            .order_by(_journal.c.received_at.desc())
            .limit(limit)
        )
        last.extend((row.received_at, row.id) for row in rows)
    return [each for _, each in sorted(last)[-limit:]]


def kinds(
    connection: Connection, verdict: str | None, reason: str | None
) -> Iterator[tuple[str, str]]:
    """Each verdict that is wanted, with its reasons: those that the index has. It has the rows of
    each of them in the order of a list."""
    for each in [verdict] if verdict is not None else [*Verdict]:
        if reason is not None:
            yield each, reason
            continue
        following: str | None = ""
        while following is not None:
            reasons = select(_journal.c.reason).where(
                _journal.c.verdict == each, _journal.c.reason > following
            )
            found = connection.execute(reasons.order_by(_journal.c.reason).limit(1))
            if (following := found.scalar()) is not None:
                yield each, following


def since(connection: Connection, wanted: JournalFilter, start: datetime) -> list[JournalEntry]:
    """The rows received at or after `start`, oldest first."""
    query = _where(wanted).where(_journal.c.received_at >= start)
    rows = connection.execute(query.order_by(_journal.c.received_at, _journal.c.id))
    return [_entry(row) for row in rows]


def find(connection: Connection, name: str) -> Sequence[JournalEntry]:
    """The rows of a Message-ID (brackets optional), oldest first, or the row whose id this is, or
    begins with this; up to two if it is the beginning of several."""
    ids = short_ids.named(connection, _journal.c.id, name)
    if not ids:
        bare = name.strip().strip("<>")
        query = _COLUMNS.where(_journal.c.id.in_(_with_message_id(f"<{bare}>")))
    else:
        query = _COLUMNS.where(_journal.c.id.in_(ids))
    rows = connection.execute(query.order_by(_journal.c.received_at, _journal.c.id))
    return [_entry(row) for row in rows]


def has_unread(connection: Connection, mailbox: int, identity: str) -> bool:
    """Whether the staff of a mailbox are named a refusal of this mail already: it came again."""
    found = select(_journal.c.id).where(
        _journal.c.mailbox_id == mailbox,
        _journal.c.identity == identity,
        text(f"journal.{WAITING_OR_REFUSED}"),  # exactly the condition of the index
        _journal.c.unread,
    )
    return connection.execute(found.limit(1)).one_or_none() is not None


def first_id(at: datetime) -> UUID:
    """The lowest UUIDv7 of that millisecond (RFC 9562 §5.7): ids are ordered by time."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def envelope_of(row: Any) -> Envelope:
    """The envelope of a journal row, as far as it is kept. The listener's setting for strangers is
    known if a stranger's mail was held because of it; refused mails are not kept."""
    strangers: StrangerHandling | None = None
    if row.reason == Reason.STRANGER_RELAYED.value:
        strangers = "hold"
    recipients = tuple(row.rcpt_tos.split())
    return Envelope(
        peer=row.peer,
        helo=row.helo,
        tls=False,
        mail_from=row.mail_from,
        rcpt_tos=recipients,
        strangers=strangers,
    )


def _where(wanted: JournalFilter) -> Any:
    query = _COLUMNS
    if wanted.verdict is not None:
        query = query.where(_journal.c.verdict == wanted.verdict)
    if wanted.reason is not None:
        query = query.where(_journal.c.reason == wanted.reason)
    if wanted.mailbox is not None:
        query = query.where(_mailbox.c.address == wanted.mailbox)
    if wanted.sender is not None:
        query = query.where(_journal.c.author == wanted.sender)
    if wanted.ticket is not None:
        query = query.where(_journal.c.id.in_(_of_ticket(wanted.ticket)))
    return query


def _with_message_id(message_id: str) -> Any:
    """Ids of the rows: by the mails that were filed, and by all that left no comment."""
    mailboxes = select(_mailbox.c.id)  # every index begins with it
    filed = select(_mail.c.journal_id).where(
        _mail.c.mailbox_id.in_(mailboxes), _mail.c.message_id == message_id
    )
    others = _left_no_comment().where(
        _journal.c.mailbox_id.in_(mailboxes), _journal.c.message_id == message_id
    )
    return filed.union_all(others)


def _of_ticket(number: int) -> Any:
    """Ids of the rows: by the ticket's comments, and by all that left none."""
    comments = select(_comment.c.journal_id).where(
        _comment.c.ticket_id == number, _comment.c.journal_id.is_not(None)
    )
    return comments.union_all(_left_no_comment().where(_journal.c.ticket_id == number))


def _left_no_comment() -> Select[Any]:
    return select(_journal.c.id).where(text(WITHOUT_COMMENT))


def _entry(row: Row[Any]) -> JournalEntry:
    return JournalEntry(
        id=row.id,
        mailbox=row.mailbox,
        received_at=row.received_at,
        verdict=row.verdict,
        reason=row.reason,
        ticket=row.ticket_id,
        peer=row.peer,
        helo=row.helo,
        mail_from=row.mail_from,
        rcpt_tos=tuple(row.rcpt_tos.split()),
        author=row.author,
        subject=row.subject,
        message_id=row.message_id,
        size_bytes=row.size_bytes,
        reply=row.reply,
        trace=tuple(Step(*step) for step in json.loads(row.trace)),
        authentication=_whole(json.loads(row.authentication)),
        unread=row.unread,
    )


def _whole(stored: dict[str, Any]) -> dict[str, Any]:
    """With what was left out of the row, since it was not found."""
    return as_dict(from_dict(stored)) if stored else {}
