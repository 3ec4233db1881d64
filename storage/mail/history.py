"""Recorded mails, to be decided once more: which there are, and what was known as each came.

Rows say how things are now. What a mail met is found by the times in them: what is as old as the
mail itself, or younger, is taken out, and with it all that the mail left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text

from rules.decision.model import Verdict
from rules.facts import Facts, Recent
from rules.mail import Envelope, Mail, Mailbox
from rules.people import Participant, Presence
from rules.sender.authentication import Authentication, from_dict
from rules.sender.pointers import thread_ids
from rules.service.limits import HOUR, REMEMBERED
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from storage.db import raw_mail
from storage.db.statements import bind_list, compiled, compiled_in, placeholders
from storage.db.tables import (
    WITHOUT_COMMENT,
    AuditRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    table,
)
from storage.mail import journal
from storage.mail.journal import TAKEN

KEPT = (Verdict.OPENED, Verdict.COMMENTED, Verdict.FLAGGED, Verdict.RECORDED, Verdict.HELD)
"""With these verdicts the bytes of a mail are kept."""
BATCH = 200
PRESENCE_EVENTS = (AuditEvent.PERSON_ADDED, AuditEvent.PRESENCE_CHANGED)

_journal, _mail, _notice = table(JournalRow), table(MailRow), table(NoticeRow)
_ticket, _participant, _audit = table(TicketRow), table(ParticipantRow), table(AuditRow)

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
    .where(_journal.c.verdict.in_([verdict.value for verdict in KEPT]))
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

_KNOWN_THEN = compiled_in(
    lambda count: select(_mail.c.message_id).where(
        _mail.c.mailbox_id == bindparam("mailbox"),
        _mail.c.message_id.in_(placeholders("id", count)),
        _mail.c.journal_id < bindparam("own"),
    )
)

_RECENT_THEN = compiled(
    select(_journal.c.received_at, _journal.c.verdict, _journal.c.ticket_id)
    .where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.author == bindparam("address"),
        _journal.c.received_at > bindparam("since"),
        _journal.c.received_at < bindparam("until"),
        TAKEN,
    )
    .order_by(_journal.c.received_at.desc())
    .limit(REMEMBERED)
)

_NOTIFIED_THEN = compiled(
    select(func.max(_notice.c.created_at).label("moment")).where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("address"),
        _notice.c.kind == bindparam("kind"),
        _notice.c.created_at < bindparam("until"),
    )
)

_LIVES = compiled_in(
    lambda count: select(
        _ticket.c.id, _ticket.c.opened_at, _ticket.c.first_answered_at, _ticket.c.deleted_at
    ).where(_ticket.c.id.in_(placeholders("ticket", count)))
)

_AUDITED = compiled_in(
    lambda count: (
        select(
            _audit.c.ticket_id,
            _audit.c.at,
            _audit.c.event,
            _audit.c.subject,
            _audit.c.was,
            _audit.c.became,
        )
        .where(_audit.c.ticket_id.in_(placeholders("ticket", count)))
        .order_by(_audit.c.at, _audit.c.id)
    )
)

_JOINED = compiled_in(
    lambda count: select(_participant.c.id, _participant.c.joined_at).where(
        _participant.c.ticket_id.in_(placeholders("ticket", count))
    )
)

_SENT_THEN = compiled_in(
    lambda count: (
        select(_notice.c.ticket_id, _notice.c.address, func.count().label("number"))
        .where(
            _notice.c.ticket_id.in_(placeholders("ticket", count)),
            _notice.c.created_at > bindparam("since"),
            _notice.c.created_at < bindparam("until"),
        )
        .group_by(_notice.c.ticket_id, _notice.c.address)
    )
)


@dataclass(frozen=True, slots=True)
class RecordedMail:
    """One line of the journal with its mail: how it was decided, and what it was decided from."""

    journal_id: UUID
    kept_under: UUID
    """The journal row that the mail is kept under now: another one where it was held and went."""
    mailbox: Mailbox
    decided_at: datetime
    came_at: datetime
    """The same, but for a mail that was held in between."""
    verdict: str
    reason: str
    ticket: int | None
    author: str
    """Empty where From names no single mailbox and nobody said who wrote it."""
    subject: str
    identity: str
    envelope: Envelope
    authentication: Authentication
    first_proof: Authentication
    """What was found as it came; `authentication` may be the word of staff who released it."""
    raw: bytes


def read_only(connection: Connection) -> None:
    """Make all that follows one view of the data, and let the database refuse any writing.

    SQLite needs no word for it: its transaction is one view, and `Database.read` keeps nothing.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def by_verdict(
    connection: Connection, mailboxes: Mapping[int, Mailbox], since: datetime, until: datetime
) -> Mapping[Verdict, int]:
    """How many lines of the journal there are in [since, until), those without a mail too."""
    query = (
        select(_journal.c.verdict, func.count())
        .where(*_within(mailboxes, since, _first_id(until)))
        .group_by(_journal.c.verdict)
    )
    return {Verdict(verdict): number for verdict, number in connection.execute(query)}


def recorded_mails(
    connection: Connection, mailboxes: Mapping[int, Mailbox], since: datetime, until: datetime
) -> Iterator[RecordedMail]:
    """The mails of [since, until) that are kept, the newest first, one in memory at a time."""
    below = _first_id(until)
    while True:
        batch = _MAILS.where(*_within(mailboxes, since, below)).order_by(_journal.c.id.desc())
        rows = connection.execute(batch.limit(BATCH)).all()
        for row in rows:
            yield _as_recorded(connection, row, mailboxes[row.mailbox_id])
        if len(rows) < BATCH:
            return
        below = rows[-1].id


def facts_at(connection: Connection, facts: Facts, mail: Mail, one: RecordedMail) -> Facts:
    """The facts as they were when a mail was decided, of those that `mail.facts` finds today.

    Who is registered, who is staff and whose mail comes back is not kept by time: that is as now.
    """
    until, address = one.decided_at, getattr(mail.author, "address", None)
    tickets = _tickets_then(connection, facts.tickets, one)
    recent = _RECENT_THEN.rows(
        connection, mailbox=one.mailbox.id, address=address, since=until - HOUR, until=until
    )
    acknowledged, invited, deferred = facts.acknowledged_at, facts.invited_at, facts.deferred_since
    if acknowledged is not None:
        acknowledged = _notified_then(connection, one, address, NoticeKind.ACKNOWLEDGEMENT)
    if invited is not None:
        invited = _notified_then(connection, one, address, NoticeKind.INVITATION)
    return replace(
        facts,
        tickets=tickets,
        known_ids=_known_then(connection, facts.known_ids, mail, one),
        acknowledged_at=acknowledged,
        invited_at=invited,
        deferred_since=deferred if deferred is not None and deferred < until else None,
        recent=tuple(
            Recent(row.received_at, row.verdict == Verdict.OPENED.value, row.ticket_id)
            for row in recent
        ),
    )


def _within(mailboxes: Mapping[int, Mailbox], since: datetime, below: UUID) -> Sequence[Any]:
    """Journal ids are made as mails are decided, so their order is that of time."""
    return (
        _journal.c.id >= _first_id(since),
        _journal.c.id < below,
        # The sum keeps SQLite from an index on mailboxes, which has no order of time.
        (_journal.c.mailbox_id + 0).in_(mailboxes),
    )


def _first_id(moment: datetime) -> UUID:
    """No UUIDv7 of that millisecond or later is smaller (RFC 9562 §5.7)."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


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
    """The line under which the same mail was held before it was decided again."""
    found = _HELD_BEFORE.rows(
        connection,
        mailbox=row.mailbox_id,
        message_id=row.message_id,
        identity=row.identity,
        own=row.id,
    )
    return found[0] if found else None


def _notified_then(
    connection: Connection, one: RecordedMail, address: str | None, kind: NoticeKind
) -> datetime | None:
    (row,) = _NOTIFIED_THEN.rows(
        connection,
        mailbox=one.mailbox.id,
        address=address,
        kind=kind.value,
        until=one.decided_at,
    )
    moment: datetime | None = row.moment
    return moment


def _known_then(
    connection: Connection, known: Mapping[str, int], mail: Mail, one: RecordedMail
) -> Mapping[str, int]:
    ids = [i for i in thread_ids(mail) if i in known]
    if not ids:
        return {}
    rows = _KNOWN_THEN(len(ids)).rows(
        connection, mailbox=one.mailbox.id, own=one.journal_id, **bind_list("id", ids)
    )
    return {row.message_id: known[row.message_id] for row in rows}


def _tickets_then(
    connection: Connection, tickets: Mapping[int, Ticket], one: RecordedMail
) -> Mapping[int, Ticket]:
    if not tickets:
        return {}
    until, count, these = one.decided_at, len(tickets), bind_list("ticket", list(tickets))
    # A released mail opens its ticket as of the day it came: older than its line in the journal.
    own = one.ticket if one.verdict == Verdict.OPENED.value else None
    lives = {
        row.id: row
        for row in _LIVES(count).rows(connection, **these)
        if row.opened_at < until and row.id != own
    }
    audited: dict[int, list[Any]] = {number: [] for number in tickets}
    for row in _AUDITED(count).rows(connection, **these):
        audited[row.ticket_id].append(row)
    joined = {row.id: row.joined_at for row in _JOINED(count).rows(connection, **these)}
    sent: dict[int, dict[str, int]] = {}
    for row in _SENT_THEN(count).rows(connection, since=until - HOUR, until=until, **these):
        sent.setdefault(row.ticket_id, {})[row.address] = row.number
    return {
        number: replace(
            _ticket_then(ticket, audited[number], until),
            participants=tuple(_people_then(ticket.participants, joined, audited[number], one)),
            staff_spoke=_before(lives[number].first_answered_at, until),
            deleted=_before(lives[number].deleted_at, until),
            follow_up=ticket.follow_up if ticket.follow_up in lives else None,
            sent=sent.get(number, {}),
        )
        for number, ticket in tickets.items()
        if number in lives
    }


def _ticket_then(ticket: Ticket, audited: Sequence[Any], until: datetime) -> Ticket:
    """What the audit trail tells of a ticket's state: later changes say what was before them."""
    earlier = [row for row in audited if row.at < until]
    was = {row.event: row.was for row in reversed(audited) if row.at >= until}
    moves = [row for row in earlier if row.event == AuditEvent.STATUS_CHANGED]
    over = (Status.RESOLVED.value, Status.CLOSED.value)
    merged_later = any(row.event == AuditEvent.MERGED_INTO and row.at >= until for row in audited)
    status = ticket.status.value
    if merged_later:  # it closes a ticket without a line of its own for that
        status = moves[-1].became if moves else Status.OPEN.value
    status = was.get(AuditEvent.STATUS_CHANGED, status)
    return replace(
        ticket,
        status=Status(status),
        status_at=moves[-1].at if moves else None,
        severity=was.get(AuditEvent.SEVERITY_CHANGED, ticket.severity),
        assignee=was.get(AuditEvent.ASSIGNED, ticket.assignee),
        escalation_level=int(was.get(AuditEvent.ESCALATED, ticket.escalation_level)),
        merged_into=None if merged_later else ticket.merged_into,
        reopened=sum(row.was in over and row.at > until - HOUR for row in moves),
    )


def _people_then(
    now: Sequence[Participant],
    joined: Mapping[int, datetime],
    audited: Sequence[Any],
    one: RecordedMail,
) -> Iterator[Participant]:
    later = [row for row in audited if row.at >= one.decided_at]
    for member in now:
        theirs = [row for row in later if row.subject == member.address]
        settled = next((row.was for row in theirs if row.event in PRESENCE_EVENTS), None)
        unmuted = any(row.event == AuditEvent.UNSUBSCRIBED for row in theirs)
        then = replace(member, muted=member.muted and not unmuted)
        if settled is None:
            if joined[member.id] < one.decided_at:
                yield then
            continue
        # Since when somebody was pending is not kept: they wrote as one, or join by this mail.
        waits = settled == Presence.PENDING.value and member.address != one.author
        if settled and not waits:
            yield replace(then, presence=Presence(settled))


def _before(moment: datetime | None, until: datetime) -> bool:
    return moment is not None and moment < until
