"""The hourly digests of staff who prefer them to single notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy import text as sql_text

from rules.mail import Mailbox
from rules.people import StaffNotices
from rules.policy import Policy
from rules.service.personal_digests import PAUSE, has_news, lines
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import MyDigestPayload
from storage.db.tables import MailboxRow, NoticeRow, PersonRow, table
from storage.ticket.personal_digest import personal_digest
from storage.ticket.rows import ChangeContext, queue_notices

_person, _mailbox, _notice = table(PersonRow), table(MailboxRow), table(NoticeRow)


@dataclass(frozen=True, slots=True)
class DigestReader:
    person: int
    address: str
    language: str
    mailbox: Mailbox


def readers(connection: Connection) -> Sequence[DigestReader]:
    """The active staff who prefer digests."""
    query = (
        select(
            _person.c.id,
            _person.c.address,
            _person.c.language,
            _person.c.mailbox_id,
            _mailbox.c.address.label("mailbox"),
            _mailbox.c.policy,
        )
        .join_from(_person, _mailbox, _person.c.mailbox_id == _mailbox.c.id)
        .where(
            sql_text("person.role = 'staff'"),  # has an index
            _person.c.notices == StaffNotices.DIGEST.value,
            _person.c.active,
            _mailbox.c.active,
        )
    )
    return [
        DigestReader(
            row.id,
            row.address,
            row.language,
            Mailbox(row.mailbox_id, row.mailbox, row.policy),
        )
        for row in connection.execute(query)
    ]


def order_personal_digest(
    connection: Connection,
    reader: DigestReader,
    policies: Mapping[str, Policy],
    now: datetime,
    new_id: Callable[[], UUID],
) -> int:
    """Order the digest of a person if their last one is an hour old and anything is new; returns
    how many. The row of the person is locked: of several nodes one orders it."""
    if reader.mailbox.policy not in policies:
        return 0
    lock = select(_person.c.id).where(_person.c.id == reader.person).with_for_update()
    connection.execute(lock)
    last = connection.execute(
        select(func.max(_notice.c.created_at)).where(
            _notice.c.mailbox_id == reader.mailbox.id,
            _notice.c.address == reader.address,
            _notice.c.kind == NoticeKind.MY_DIGEST.value,
        )
    ).scalar()
    if last is not None and now - last < PAUSE:
        return 0
    found = personal_digest(connection, reader.mailbox, reader.address, now, last or now - PAUSE)
    if not has_news(found):
        return 0
    payload = MyDigestPayload(lines(found))
    order = NoticeOrder(NoticeKind.MY_DIGEST, reader.address, reader.language, payload)
    context = ChangeContext(reader.mailbox, "", Source.SYSTEM, now, new_id)
    queue_notices(connection, context, (order,), ticket=None)
    return 1
