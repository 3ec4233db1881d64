"""The hourly digests of staff who prefer them to single notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, func, select
from sqlalchemy import text as sql_text

from rules.mail import Mailbox
from rules.people import StaffNotices
from rules.policy import Policy
from rules.service.personal_digests import PAUSE, has_news, lines
from rules.ticket.changes import Source
from rules.ticket.notices import NoticeKind, NoticeOrder, NoticeState
from rules.ticket.payloads import MyDigestPayload
from storage.db.tables import BouncedRow, MailboxRow, NoticeRow, PersonRow, table
from storage.ticket.personal_digest import personal_digest
from storage.ticket.rows import ChangeContext, queue_notices

_person, _mailbox, _notice = table(PersonRow), table(MailboxRow), table(NoticeRow)
_bounced = table(BouncedRow)


@dataclass(frozen=True, slots=True)
class DigestReader:
    person: int
    address: str
    language: str
    mailbox: Mailbox


def readers(connection: Connection) -> Sequence[DigestReader]:
    """The active staff who prefer digests, and whose mail does not bounce; also of a mailbox that
    takes no mail, whose tickets change still."""
    is_suspended = exists().where(
        _bounced.c.mailbox_id == _person.c.mailbox_id,
        _bounced.c.address == _person.c.address,
        _bounced.c.suspended_at.is_not(None),
    )
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
            ~is_suspended,
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
    how many. The row of the person is locked: of several nodes one orders it.

    What has changed is counted from the last one that was not given up."""
    if reader.mailbox.policy not in policies:
        return 0
    lock = select(_person.c.id).where(_person.c.id == reader.person).with_for_update()
    connection.execute(lock)
    made = select(func.max(_notice.c.created_at), func.min(_notice.c.created_at)).where(
        _notice.c.mailbox_id == reader.mailbox.id,
        _notice.c.address == reader.address,
        _notice.c.kind == NoticeKind.MY_DIGEST.value,
    )
    last, first = connection.execute(made).one()
    if last is not None and now - last < PAUSE:
        return 0
    alive = made.where(_notice.c.state != NoticeState.DEAD.value)
    seen, _ = connection.execute(alive).one()
    since = seen or (first or now) - PAUSE
    found = personal_digest(connection, reader.mailbox, reader.address, now, since)
    if not has_news(found):
        return 0
    payload = MyDigestPayload(lines(found, again=last != seen))
    order = NoticeOrder(NoticeKind.MY_DIGEST, reader.address, reader.language, payload)
    context = ChangeContext(reader.mailbox, "", Source.SYSTEM, now, new_id)
    queue_notices(connection, context, (order,), ticket=None)
    return 1
