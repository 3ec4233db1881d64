"""What the dashboard counts. Nothing reads more than `EXAMINED` rows of a kind: what is older is
left out, and the caller learns since when it was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    case,
    extract,
    func,
    select,
    text,
    type_coerce,
)

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
class Breach:
    """An answer that had been promised for an earlier time."""

    ticket: int
    at: datetime
    stage: str
    """`first` or `ongoing`."""


@dataclass(frozen=True, slots=True)
class OfTickets:
    """What is promised on the open tickets of some mailboxes, and how the last were answered."""

    open: Counter[tuple[str, int | None]]
    """How many open tickets each assignee (empty for nobody) has, by the first of the times before
    which the next answer is due: the number of times for later, None if nothing is promised."""
    answered: Sequence[int]
    """How many tickets were first answered within each of the spans, and last how many were."""
    is_cut: bool
    """There may be more tickets than were looked at."""


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


def of_tickets(
    connection: Connection,
    mailboxes: Iterable[int],
    dues: Sequence[datetime],
    spans: Sequence[timedelta],
) -> OfTickets:
    """The promises of open tickets, by these times, and the first answers of the tickets that
    changed last, by these spans. The store counts: to read each row would take ten times as long.
    """
    open_: Counter[tuple[str, int | None]] = Counter()
    answered, most = [0] * (len(spans) + 1), 0
    for mailbox in mailboxes:
        here = (_ticket.c.mailbox_id == mailbox) & _ticket.c.deleted_at.is_(None)
        latest = _ticket.c.updated_at.desc()
        is_open = _ticket.c.status == Status.OPEN.value
        open_ones = select(_ticket.c.assignee, _ticket.c.due_at).where(here, is_open)
        some = open_ones.order_by(latest).limit(TICKETS).subquery()
        steps = [(some.c.due_at <= time, number) for number, time in enumerate(dues)]
        due = case((some.c.due_at.is_(None), None), *steps, else_=len(dues))
        by_due = select(some.c.assignee, due, func.count()).group_by(some.c.assignee, due)
        listed = connection.execute(by_due).all()
        open_.update({(assignee, step): number for assignee, step, number in listed})
        changed = select(_ticket.c.opened_at, _ticket.c.first_answered_at).where(here)
        last = changed.order_by(latest).limit(TICKETS).subquery()
        took = _seconds(connection, last.c.opened_at, last.c.first_answered_at)
        within = [func.count().filter(took <= span.total_seconds()) for span in spans]
        counts = select(func.count(), *within, func.count(last.c.first_answered_at))
        every, *numbers = connection.execute(counts).one()
        answered = [sum(each) for each in zip(answered, numbers, strict=True)]
        most = max(most, every, sum(number for *_, number in listed))
    return OfTickets(open_, answered, is_cut=most >= TICKETS)


def _seconds(
    connection: Connection, begin: ColumnElement[datetime], end: ColumnElement[datetime]
) -> ColumnElement[Any]:
    """Between two times; NULL if one of them is."""
    if connection.dialect.name == "sqlite":
        return (type_coerce(end, Integer) - type_coerce(begin, Integer)) / 1_000_000.0
    return extract("epoch", end - begin)


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
