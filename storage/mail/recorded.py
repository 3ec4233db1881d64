"""Recorded mails: the journal rows whose mail is kept, to be decided once more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text

from rules.decision.reasons import Verdict
from rules.mail import Envelope, Mailbox
from rules.sender.authentication import Authentication, from_dict
from storage.db import raw_mail
from storage.db.statements import compiled
from storage.db.tables import WITHOUT_COMMENT, JournalRow, MailRow, table
from storage.mail import journal

KEPT = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED, Verdict.HELD)
"""With these verdicts the bytes of a mail are kept."""
BATCH = 200

_journal, _mail = table(JournalRow), table(MailRow)

_MAILS = (
    select(
        _journal.c.id,
        _journal.c.mailbox_id,
        _journal.c.received_at,
        _journal.c.verdict,
        _journal.c.reason,
        _journal.c.ticket_id,
        _journal.c.peer,
        _journal.c.helo,
        _journal.c.mail_from,
        _journal.c.rcpt_tos,
        _journal.c.author,
        _journal.c.subject,
        _journal.c.message_id,
        _journal.c.identity,
        _journal.c.authentication,
        _mail.c.journal_id.label("kept_under"),
        _mail.c.raw_digest,
    )
    .join_from(
        _journal,
        _mail,
        (_mail.c.mailbox_id == _journal.c.mailbox_id) & (_mail.c.identity == _journal.c.identity),
    )
    .where(
        _journal.c.verdict.in_([verdict.value for verdict in KEPT]),
        _mail.c.raw_digest != "",  # discarded, and its bytes freed
    )
)

_HELD_BEFORE = compiled(
    select(_journal.c.received_at, _journal.c.authentication)
    .where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.message_id == bindparam("message_id"),
        _journal.c.identity == bindparam("identity"),
        _journal.c.verdict == Verdict.HELD.value,
        _journal.c.id < bindparam("own"),
        text(WITHOUT_COMMENT),  # exactly the condition of the index
    )
    .order_by(_journal.c.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class RecordedMail:
    """One row of the journal with its mail: how it was decided, and on which data."""

    journal_id: UUID
    kept_under: UUID
    """The journal row that the mail is kept under now: another one if it was held and released."""
    mailbox: Mailbox
    decided_at: datetime
    came_at: datetime
    """The same time, except for a mail that was held in between."""
    verdict: str
    reason: str
    ticket: int | None
    author: str
    """Empty where From names no single mailbox and staff did not state the author."""
    subject: str
    identity: str
    envelope: Envelope
    authentication: Authentication
    first_proof: Authentication
    """As measured when it came; `authentication` may be that of the staff who released it."""
    raw: bytes


def read_only(connection: Connection) -> None:
    """Make the transaction a single snapshot, and have the database refuse any write.

    SQLite needs no statement for it: its transaction is a snapshot, and `Database.read` never
    commits.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def by_verdict(
    connection: Connection,
    mailboxes: Mapping[int, Mailbox],
    since: datetime,
    until: datetime,
    first: UUID | None = None,
) -> Mapping[Verdict, int]:
    """The number of journal rows in [since, until) by verdict, those without a mail included; from
    the row `first` on, where it is given."""
    query = (
        select(_journal.c.verdict, func.count())
        .where(*_within(mailboxes, since, journal.first_id(until)))
        .group_by(_journal.c.verdict)
    )
    if first is not None:
        query = query.where(_journal.c.id >= first)
    return {Verdict(verdict): number for verdict, number in connection.execute(query)}


def recorded_mails(
    connection: Connection, mailboxes: Mapping[int, Mailbox], since: datetime, until: datetime
) -> Iterator[RecordedMail]:
    """The mails of [since, until) that are kept, the newest first, one in memory at a time."""
    below = journal.first_id(until)
    while True:
        batch = _MAILS.where(*_within(mailboxes, since, below)).order_by(_journal.c.id.desc())
        rows = connection.execute(batch.limit(BATCH)).all()
        for row in rows:
            yield _as_recorded(connection, row, mailboxes[row.mailbox_id])
        if len(rows) < BATCH:
            return
        below = rows[-1].id


def _within(mailboxes: Mapping[int, Mailbox], since: datetime, below: UUID) -> Sequence[Any]:
    """Journal ids are made as mails are decided, so they are ordered by time."""
    return (
        _journal.c.id >= journal.first_id(since),
        _journal.c.id < below,
        # The sum keeps SQLite from using the index on mailboxes, which is not ordered by time.
        (_journal.c.mailbox_id + 0).in_(mailboxes),
    )


def _as_recorded(connection: Connection, row: Any, mailbox: Mailbox) -> RecordedMail:
    proof = from_dict(json.loads(row.authentication))
    held = _held_before(connection, row) if row.message_id or row.id != row.kept_under else None
    return RecordedMail(
        journal_id=row.id,
        kept_under=row.kept_under,
        mailbox=mailbox,
        decided_at=row.received_at,
        came_at=held.received_at if held is not None else row.received_at,
        verdict=row.verdict,
        reason=row.reason,
        ticket=row.ticket_id,
        author=row.author,
        subject=row.subject,
        identity=row.identity,
        envelope=journal.envelope_of(row),
        authentication=proof,
        first_proof=from_dict(json.loads(held.authentication)) if held is not None else proof,
        raw=raw_mail.load(connection, mailbox.id, row.raw_digest),
    )


def _held_before(connection: Connection, row: Any) -> Any:
    """The row under which the same mail was held before it was decided again."""
    found = _HELD_BEFORE.rows(
        connection,
        mailbox=row.mailbox_id,
        message_id=row.message_id,
        identity=row.identity,
        own=row.id,
    )
    return found[0] if found else None
