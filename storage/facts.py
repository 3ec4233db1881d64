"""Gathers what the rules need to know about one mail, in as few queries as possible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from rules.authentication import Authentication
from rules.budgets import HOUR, REMEMBERED
from rules.decision import Verdict
from rules.facts import (
    Earlier,
    Facts,
    Recent,
    Returned,
)
from rules.header import Author
from rules.mail import Envelope, Mail, Mailbox
from rules.notices import Kind, NoticeState
from rules.participants import named_addresses
from rules.threads import Signal, thread_ids
from storage import conversations, who
from storage.statements import always, by_count, filled, numbered
from storage.tables import (
    BouncedRow,
    DeferralRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ThreadReferenceRow,
    table,
)

_mail, _notice, _deferral = table(MailRow), table(NoticeRow), table(DeferralRow)
_journal, _bounced = table(JournalRow), table(BouncedRow)
_reference = table(ThreadReferenceRow)

_HERE = _mail.c.mailbox_id == bindparam("mailbox")
_TRACES = by_count(
    lambda count: select(
        _mail.c.identity,
        _mail.c.message_id,
        _mail.c.journal_id,
        _mail.c.answer,
        _mail.c.ticket_id,
    ).where(
        (_HERE & (_mail.c.identity == bindparam("identity")))
        | (_HERE & _mail.c.message_id.in_(numbered("id", count)))
    )
)
"""What we know of a mail and of the mails before it in its thread.

The mailbox stands in both halves: SQLite then looks each up in its own index, and does not go
through all mails of the mailbox.
"""

_NAMED_BEFORE = by_count(
    lambda count: select(_reference.c.message_id, _reference.c.ticket_id).where(
        _reference.c.mailbox_id == bindparam("mailbox"),
        _reference.c.message_id.in_(numbered("id", count)),
    )
)
"""Tickets whose mails named these ids before we had them."""

_RECENT = always(
    select(_journal.c.received_at, _journal.c.verdict, _journal.c.ticket_id)
    .where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.author == bindparam("address"),
        _journal.c.received_at > bindparam("since"),
        (_journal.c.verdict == Verdict.OPENED.value)
        | (_journal.c.verdict == Verdict.COMMENTED.value),
    )
    .order_by(_journal.c.received_at.desc())
    .limit(REMEMBERED)
)

_RETURNED = always(
    select(_notice.c.address, _notice.c.ticket_id, _notice.c.state, _bounced.c.hard)
    .join_from(
        _notice,
        _bounced,
        (_bounced.c.mailbox_id == _notice.c.mailbox_id) & (_bounced.c.address == _notice.c.address),
        isouter=True,
    )
    .where(_notice.c.mailbox_id == bindparam("mailbox"), _notice.c.id == bindparam("notice"))
)

_NOTIFIED_AT = always(
    select(func.max(_notice.c.created_at).label("moment")).where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("address"),
        _notice.c.kind == bindparam("kind"),
    )
)

_DEFERRED_SINCE = always(
    select(_deferral.c.since).where(
        _deferral.c.mailbox_id == bindparam("mailbox"),
        _deferral.c.identity == bindparam("identity"),
    )
)


def gather(
    connection: Connection,
    *,
    mail: Mail,
    envelope: Envelope,
    authentication: Authentication,
    signals: tuple[Signal, ...],
    mailbox: Mailbox,
    own_addresses: frozenset[str],
    received_at: datetime,
    held: UUID | None = None,
    returned: UUID | None = None,
    looped: bool = False,
    came_at: datetime | None = None,
    refused: str = "",
) -> Facts:
    """The facts of one mail in one mailbox; no row of another mailbox is ever among them.

    `held` is the journal row under which the mail is in quarantine: that is no earlier copy.
    `returned` is the notice to whose return path it came; `looped`: it carries our loop mark.
    """
    author = mail.author.address if isinstance(mail.author, Author) else None
    earlier, known_ids, id_seen = _traces(connection, mailbox, mail, held)
    named = named_addresses(mail)
    people = who.people(connection, mailbox, (author, *named), received_at)
    enrolled = author in people
    company = (
        None
        if author is None or enrolled
        else who.company_of(connection, mailbox, author, received_at)
    )
    domain_known = (
        enrolled
        or company is not None
        or (author is not None and who.has_people(connection, mailbox, author))
    )
    before = _named_before(connection, mailbox, mail)
    tickets = conversations.pointed_to(
        connection, mailbox, signals, {**before, **known_ids}, received_at - HOUR
    )
    may_tell = enrolled or company is not None or bool(tickets) or returned is not None
    return Facts(
        received_at=received_at,
        mailbox=mailbox,
        own_addresses=own_addresses,
        envelope=envelope,
        authentication=authentication,
        signals=signals,
        people=people,
        author_company=company,
        domain_known=domain_known,
        author_known=domain_known
        or (author is not None and who.is_on_a_ticket(connection, mailbox, author)),
        tickets=tickets,
        known_ids=known_ids,
        named_before=before,
        earlier=earlier,
        id_seen=id_seen,
        acknowledged_at=_notified_at(connection, mailbox, author, Kind.ACKNOWLEDGEMENT)
        if enrolled
        else None,
        invited_at=_notified_at(connection, mailbox, author, Kind.INVITATION)
        if company is not None
        else None,
        deferred_since=_deferred_since(connection, mailbox, mail)
        if authentication.temporary
        else None,
        staff=who.staff(connection, mailbox) if may_tell else (),
        bounced=who.bounced_of(connection, mailbox, named) if may_tell else frozenset(),
        recent=_recent(connection, mailbox, author, received_at - HOUR) if may_tell else (),
        returned=_returned(connection, mailbox, returned),
        looped=looped,
        came_at=came_at,
        refused=refused,
    )


def _recent(
    connection: Connection, mailbox: Mailbox, author: str | None, since: datetime
) -> tuple[Recent, ...]:
    rows = _RECENT.rows(connection, mailbox=mailbox.id, address=author, since=since)
    return tuple(
        Recent(row.received_at, row.verdict == Verdict.OPENED.value, row.ticket_id) for row in rows
    )


def _returned(connection: Connection, mailbox: Mailbox, notice: UUID | None) -> Returned | None:
    if notice is None:
        return None
    rows = _RETURNED.rows(connection, mailbox=mailbox.id, notice=notice)
    if not rows:
        return None
    (row,) = rows
    counted = row.state != NoticeState.SENT.value
    return Returned(notice, row.address, row.ticket_id, row.hard or 0, counted)


def _notified_at(
    connection: Connection, mailbox: Mailbox, author: str | None, kind: Kind
) -> datetime | None:
    (row,) = _NOTIFIED_AT.rows(connection, mailbox=mailbox.id, address=author, kind=kind.value)
    moment: datetime | None = row.moment
    return moment


def _deferred_since(connection: Connection, mailbox: Mailbox, mail: Mail) -> datetime | None:
    rows = _DEFERRED_SINCE.rows(connection, mailbox=mailbox.id, identity=mail.identity)
    return rows[0].since if rows else None


def _traces(
    connection: Connection, mailbox: Mailbox, mail: Mail, held: UUID | None
) -> tuple[Earlier | None, Mapping[str, int], bool]:
    """The same mail before; the tickets of its thread's ids; whether its own id came before."""
    # "<>" is nobody's id: a list must not be empty, and "" is what mails without an id have.
    ids = [i for i in (mail.message_id, *thread_ids(mail)) if i] or ["<>"]
    rows = _TRACES(len(ids)).rows(
        connection, mailbox=mailbox.id, identity=mail.identity, **filled("id", ids)
    )
    earlier = None
    known: dict[str, int] = {}
    id_seen = False
    for row in rows:
        if row.identity == mail.identity:
            if row.journal_id != held:
                earlier = Earlier(row.journal_id, row.answer, row.ticket_id)
            continue
        id_seen = id_seen or (bool(mail.message_id) and row.message_id == mail.message_id)
        if row.ticket_id is not None and row.message_id != mail.message_id:
            known[row.message_id] = row.ticket_id
    return earlier, known, id_seen


def _named_before(connection: Connection, mailbox: Mailbox, mail: Mail) -> Mapping[str, int]:
    ids = [i for i in (mail.message_id, *thread_ids(mail)) if i]
    if not ids:
        return {}
    rows = _NAMED_BEFORE(len(ids)).rows(connection, mailbox=mailbox.id, **filled("id", ids))
    return {row.message_id: row.ticket_id for row in rows}
