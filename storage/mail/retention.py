"""What ends after its time: mail that was held too long is discarded, and journal rows of mails
that nobody kept are forgotten, with their content and their identities.

Forgotten are mails that were refused, deferred or repeated, those discarded from quarantine, and
automatic mail on no ticket, with its bytes. Whatever is on a ticket or still held stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, exists, or_, select, update

from rules.decision.reasons import Verdict
from rules.mail import Mailbox
from rules.ticket.desk import Queue
from storage.db import raw_mail
from storage.db.tables import AnnouncedRow, JournalRow, MailRow, table
from storage.mail import quarantine
from storage.mail.journal import first_id
from storage.mail.journal_row import UNPROVEN

ROWS_AT_ONCE = 1000
FORGOTTEN_AT_ONCE = 100
DISCARDED_AT_ONCE = 50
FREED_BYTES = 8 * 2**20
"""About so much is deleted in one transaction: no mail waits long for the writer."""
BEGINNING = UUID(int=0)

_journal, _mail = table(JournalRow), table(MailRow)
_announced = table(AnnouncedRow)
_NOTHING_KEPT = (Verdict.REFUSED.value, Verdict.DEFERRED.value, Verdict.DUPLICATE.value)


@dataclass(frozen=True, slots=True)
class Swept:
    """One step through the journal, from the oldest row on."""

    up_to: UUID | None
    """The next step begins after this row; None if this was the last step."""
    expired: tuple[tuple[UUID, int], ...]
    """The rows that are not to be kept, with the number of octets that were stored with each."""


def discard_before(
    connection: Connection, mailbox: Mailbox, before: datetime, *, unseen_too: bool = True
) -> int:
    """Discard some of the mails that a mailbox has held since before a time; returns how many.
    Without `unseen_too`, none that no digest has named, though it names such mails.

    To be called until it returns 0: at most `DISCARDED_AT_ONCE` mails and about `FREED_BYTES` are
    deleted in one transaction, so that no mail waits long for the writer.
    """
    old = (
        select(_journal.c.id, _journal.c.kept_bytes)
        .join_from(_mail, _journal, _mail.c.journal_id == _journal.c.id)
        .where(
            _mail.c.mailbox_id == mailbox.id,
            _mail.c.state == "held",
            _journal.c.received_at < before,
        )
        .order_by(_journal.c.received_at)
        .limit(DISCARDED_AT_ONCE)
    )
    if not unseen_too:
        was_named = exists().where(
            _announced.c.mailbox_id == mailbox.id,
            _announced.c.queue == Queue.HELD.value,
            _announced.c.item == _journal.c.id,
        )
        old = old.where(or_(was_named, _journal.c.reason.in_(quarantine.OF_STRANGERS)))
    discarded = size = 0
    for row in connection.execute(old).all():
        discarded += quarantine.discard(connection, row.id)
        size += row.kept_bytes
        if size >= FREED_BYTES:
            break
    return discarded


def sweep(
    connection: Connection, after: UUID, before: datetime, refused_before: datetime | None = None
) -> Swept:
    """Look at the next rows that are older than a time, `ROWS_AT_ONCE` at most.

    Mails that nothing proved and of which nothing is kept expire at `refused_before`, which is
    later.
    """
    expire, refused_expire = first_id(before), first_id(refused_before or before)
    rows = connection.execute(
        select(
            _journal.c.id,
            _journal.c.verdict,
            _journal.c.ticket_id,
            _journal.c.kept_bytes,
            _mail.c.state,
            _journal.c.authentication.startswith(UNPROVEN).label("unproven"),
        )
        .join_from(_journal, _mail, _mail.c.journal_id == _journal.c.id, isouter=True)
        # Ids are made as mails are decided, so they are ordered by time.
        .where(_journal.c.id > after, _journal.c.id < refused_expire)
        .order_by(_journal.c.id)
        .limit(ROWS_AT_ONCE)
    ).all()
    expired = tuple(
        (row.id, row.kept_bytes)
        for row in rows
        if (row.verdict in _NOTHING_KEPT and (row.unproven or row.id < expire))
        or (
            row.id < expire
            and (
                (row.verdict == Verdict.RECORDED.value and row.ticket_id is None)
                or (row.verdict == Verdict.HELD.value and row.state == "discarded")
            )
        )
    )
    return Swept(rows[-1].id if len(rows) == ROWS_AT_ONCE else None, expired)


def in_portions(expired: Sequence[tuple[UUID, int]]) -> Iterator[Sequence[UUID]]:
    """The rows in portions that one transaction each deletes."""
    portion: list[UUID] = []
    size = 0
    for row, kept_bytes in expired:
        if portion and (len(portion) == FORGOTTEN_AT_ONCE or size + kept_bytes > FREED_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += kept_bytes
    if portion:
        yield portion


def forget(connection: Connection, rows: Sequence[UUID]) -> int:
    """Delete expired rows, with the bytes and the identities of their mails; returns how many rows.

    A repeat is recognised as long as the journal has the mail. What another node has freed
    meanwhile is left out.
    """
    kept = select(_mail.c.mailbox_id, _mail.c.journal_id, _mail.c.raw_digest).where(
        _mail.c.journal_id.in_(rows), _mail.c.raw_digest != ""
    )
    for mail in connection.execute(kept).all():
        guard = (_mail.c.journal_id == mail.journal_id) & (_mail.c.raw_digest == mail.raw_digest)
        if connection.execute(update(_mail).where(guard).values(raw_digest="")).rowcount == 1:
            raw_mail.free(connection, mail.mailbox_id, mail.raw_digest)
    unfiled = _mail.c.ticket_id.is_(None) & (_mail.c.state != "held")
    connection.execute(delete(_mail).where(_mail.c.journal_id.in_(rows), unfiled))
    return connection.execute(delete(_journal).where(_journal.c.id.in_(rows))).rowcount
