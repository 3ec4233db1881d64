"""What the dashboard counts. Nothing reads more than `EXAMINED` rows of a kind: what is older is
left out, and the caller learns since when it was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, func, select, text

from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeState
from storage.db.tables import AuditRow, JournalRow, MailRow, NoticeRow, TicketRow, table
from storage.mail import journal

_journal, _mail = table(JournalRow), table(MailRow)
_notice, _ticket, _audit = table(NoticeRow), table(TicketRow), table(AuditRow)

EXAMINED = 20_000
"""Rows of the journal, the newest."""
TICKETS = 2_000
"""Tickets of a mailbox, and outgoing mails: the newest."""


@dataclass(frozen=True, slots=True)
class DecidedMails:
    """What became of the mails of some mailboxes."""

    since: datetime | None
    """No earlier mail is counted, since there were enough; None if all of them are."""
    by_time: Sequence[Mapping[str, int]]
    """The verdicts of each step of time."""
    reasons: Counter[tuple[str, str]]
    """How often each verdict had which reason."""


@dataclass(frozen=True, slots=True)
class TicketOfStaff:
    assignee: str
    """Empty for nobody."""
    due_at: datetime | None
    """When the next answer is due; None if nothing is promised."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An answer that had been promised for an earlier time."""

    ticket: int
    at: datetime
    stage: str
    """`first` or `ongoing`."""


@dataclass(slots=True)
class OfTickets:
    """What is promised on the open tickets of some mailboxes, and how the last were answered."""

    open: list[TicketOfStaff] = field(default_factory=list)
    first_answers: list[timedelta] = field(default_factory=list)
    """How long the first answer took, of tickets that have one."""
    is_cut: bool = False
    """There are more tickets than were looked at."""


def decided(
    connection: Connection, mailboxes: Collection[int], times: Sequence[datetime]
) -> DecidedMails:
    """What became of the mails between each of these times and the next one."""
    received, begins = _journal.c.received_at, times[0]
    newest = select(received).where(received >= begins).order_by(received.desc())
    cut = connection.execute(newest.offset(EXAMINED).limit(1)).scalar()
    by_time: list[Counter[str]] = []
    reasons: Counter[tuple[str, str]] = Counter()
    for begin, end in pairwise(times):
        counted: Counter[str] = Counter()
        by_time.append(counted)
        if cut is not None and end <= cut:
            continue
        query = (
            select(_journal.c.verdict, _journal.c.reason, func.count().label("number"))
            .where(received >= begin, received < end, *([received > cut] if cut else []))
            # By no index: the times choose the rows.
            .where((_journal.c.mailbox_id + 0).in_(sorted(mailboxes)))
            .group_by(_journal.c.verdict, _journal.c.reason)
        )
        for row in connection.execute(query):
            counted[row.verdict] += row.number
            reasons[row.verdict, row.reason] += row.number
    return DecidedMails(cut, by_time, reasons)


def held_before(
    connection: Connection, mailboxes: Collection[int], times: Sequence[datetime]
) -> Sequence[int]:
    """How many held mails are older than each of these times; ids are ordered by time."""
    counted = [func.count().filter(_mail.c.journal_id < journal.first_id(each)) for each in times]
    query = select(*counted).where(
        _mail.c.mailbox_id.in_(sorted(mailboxes)), text("mail.state = 'held'")
    )
    return list(connection.execute(query).one())


def of_tickets(connection: Connection, mailboxes: Iterable[int]) -> OfTickets:
    """The promises of open tickets, and the first answers of the tickets that changed last."""
    found = OfTickets()
    for mailbox in mailboxes:
        here = (_ticket.c.mailbox_id == mailbox) & _ticket.c.deleted_at.is_(None)
        latest = _ticket.c.updated_at.desc()
        open_ones = select(_ticket.c.assignee, _ticket.c.due_at).where(
            here, _ticket.c.status == Status.OPEN.value
        )
        listed = connection.execute(open_ones.order_by(latest).limit(TICKETS + 1)).all()
        found.open += [TicketOfStaff(row.assignee, row.due_at) for row in listed[:TICKETS]]
        answered = select(_ticket.c.opened_at, _ticket.c.first_answered_at).where(here)
        rows = connection.execute(answered.order_by(latest).limit(TICKETS + 1)).all()
        found.first_answers += [
            row.first_answered_at - row.opened_at
            for row in rows[:TICKETS]
            if row.first_answered_at is not None
        ]
        found.is_cut = found.is_cut or len(listed) > TICKETS or len(rows) > TICKETS
    return found


def breaches(connection: Connection, mailboxes: Iterable[int], since: datetime) -> Sequence[Breach]:
    """The promises that were broken since a time on the tickets that changed last, the newest
    first."""
    found: list[Breach] = []
    for mailbox in mailboxes:
        here = (_ticket.c.mailbox_id == mailbox) & _ticket.c.deleted_at.is_(None)
        latest = select(_ticket.c.id).where(here).order_by(_ticket.c.updated_at.desc())
        query = select(_audit.c.ticket_id, _audit.c.at, _audit.c.subject).where(
            _audit.c.ticket_id.in_(latest.limit(TICKETS)),
            _audit.c.event == AuditEvent.SLA_BREACHED.value,
            _audit.c.at >= since,
        )
        found += [Breach(row.ticket_id, row.at, row.subject) for row in connection.execute(query)]
    return sorted(found, key=lambda each: each.at, reverse=True)


def sending_times(
    connection: Connection, mailboxes: Collection[int], since: datetime
) -> Sequence[timedelta]:
    """How long the last outgoing mails took from when they were ordered until they were sent."""
    newest = (
        select(_notice.c.mailbox_id, _notice.c.state, _notice.c.created_at, _notice.c.sent_at)
        .where(_notice.c.created_at >= since)
        .order_by(_notice.c.created_at.desc())
        .limit(TICKETS)
    )
    here = frozenset(mailboxes)
    return [
        max(timedelta(), row.sent_at - row.created_at)
        for row in connection.execute(newest)
        if row.mailbox_id in here and row.state == NoticeState.SENT.value and row.sent_at
    ]
