"""The facts of a recorded mail as they were when it was decided.

Rows hold the current state. The past state is derived from their times and from the audit trail:
whatever is as old as the mail itself, or younger, is left out, and with it all that the mail wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text

from rules.decision.reasons import Verdict
from rules.facts import EscalationFacts, Facts, Recent, ThreadTicket
from rules.mail import Mail
from rules.people import Participant, Presence
from rules.sender.pointers import thread_ids
from rules.service.limits import HOUR, REMEMBERED
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind
from storage.db.statements import bind_list, compiled, compiled_in, placeholders
from storage.db.tables import (
    TAKEN,
    AuditRow,
    JournalRow,
    MailRow,
    NoticeRow,
    ParticipantRow,
    TicketRow,
    table,
)
from storage.mail.recorded import RecordedMail

PRESENCE_EVENTS = (AuditEvent.PERSON_ADDED, AuditEvent.PRESENCE_CHANGED)

_journal, _mail, _notice = table(JournalRow), table(MailRow), table(NoticeRow)
_ticket, _participant, _audit = table(TicketRow), table(ParticipantRow), table(AuditRow)

_KNOWN_THEN = compiled_in(
    lambda count: select(_mail.c.message_id).where(
        _mail.c.mailbox_id == bindparam("mailbox"),
        _mail.c.message_id.in_(placeholders("id", count)),
        _mail.c.journal_id < bindparam("own"),
    )
)

_RECENT_THEN = compiled(
    select(_journal.c.received_at, _journal.c.verdict, _journal.c.ticket_id, _journal.c.network)
    .where(
        _journal.c.mailbox_id == bindparam("mailbox"),
        _journal.c.author == bindparam("address"),
        _journal.c.received_at > bindparam("since"),
        _journal.c.received_at < bindparam("until"),
        text(TAKEN),  # exactly the condition of the index
    )
    .order_by(_journal.c.received_at.desc())
    .limit(REMEMBERED)
)

_NOTIFIED_THEN = compiled(
    select(func.max(_notice.c.created_at).label("at")).where(
        _notice.c.mailbox_id == bindparam("mailbox"),
        _notice.c.address == bindparam("address"),
        _notice.c.kind == bindparam("kind"),
        _notice.c.created_at < bindparam("until"),
    )
)

_LIFETIMES = compiled_in(
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


def facts_at(connection: Connection, facts: Facts, mail: Mail, recorded: RecordedMail) -> Facts:
    """The facts as they were when a mail was decided, from those that `mail.facts` finds today.

    Registered people, staff, suppressed addresses and contacts have no history: they are as now.
    """
    until, address = recorded.decided_at, getattr(mail.author, "address", None)
    tickets = _tickets_then(connection, facts.tickets, recorded)
    recent = _RECENT_THEN.rows(
        connection, mailbox=recorded.mailbox.id, address=address, since=until - HOUR, until=until
    )
    acknowledged, invited, deferred = facts.acknowledged_at, facts.invited_at, facts.deferred_since
    if acknowledged is not None:
        acknowledged = _notified_then(connection, recorded, address, NoticeKind.ACKNOWLEDGEMENT)
    if invited is not None:
        invited = _notified_then(connection, recorded, address, NoticeKind.INVITATION)
    kept = facts.kept_at
    if kept is not None:
        kept = _notified_then(connection, recorded, address, NoticeKind.KEPT)
    return replace(
        facts,
        tickets=tickets,
        known_ids=_known_then(connection, facts.known_ids, mail, recorded),
        acknowledged_at=acknowledged,
        acknowledged_later=None,  # what waited then has been sent
        invited_at=invited,
        kept_at=kept,
        deferred_since=deferred if deferred is not None and deferred < until else None,
        recent=tuple(
            Recent(
                row.received_at, row.verdict == Verdict.OPENED.value, row.ticket_id, not row.network
            )
            for row in recent
        ),
        escalations={n: _then(each, until) for n, each in facts.escalations.items()},
        escalated_lately=tuple(each for each in facts.escalated_lately if each < until),
        of_domain=0,  # nothing is counted again: the mail was accepted
        bytes_of_domain=0,
        recorded_lately=0,
        recorded_bytes=0,
        recorded_of_domain=0,
        recorded_bytes_of_domain=0,
    )


def _then(escalation: EscalationFacts, until: datetime) -> EscalationFacts:
    return EscalationFacts(
        history=tuple(each for each in escalation.history if each.written_at < until),
        earlier=tuple(each for each in escalation.earlier if each.at < until),
    )


def _notified_then(
    connection: Connection, recorded: RecordedMail, address: str | None, kind: NoticeKind
) -> datetime | None:
    (row,) = _NOTIFIED_THEN.rows(
        connection,
        mailbox=recorded.mailbox.id,
        address=address,
        kind=kind.value,
        until=recorded.decided_at,
    )
    notified_at: datetime | None = row.at
    return notified_at


def _known_then(
    connection: Connection,
    known: Mapping[str, tuple[ThreadTicket, ...]],
    mail: Mail,
    recorded: RecordedMail,
) -> Mapping[str, tuple[ThreadTicket, ...]]:
    ids = [i for i in thread_ids(mail) if i in known]
    if not ids:
        return {}
    rows = _KNOWN_THEN(len(ids)).rows(
        connection, mailbox=recorded.mailbox.id, own=recorded.journal_id, **bind_list("id", ids)
    )
    return {row.message_id: known[row.message_id] for row in rows}


def _tickets_then(
    connection: Connection, tickets: Mapping[int, Ticket], recorded: RecordedMail
) -> Mapping[int, Ticket]:
    if not tickets:
        return {}
    until, count, in_tickets = recorded.decided_at, len(tickets), bind_list("ticket", list(tickets))
    # A released mail opens its ticket as of the time it came: before its line in the journal.
    own = recorded.ticket if recorded.verdict == Verdict.OPENED.value else None
    lifetimes = {
        row.id: row
        for row in _LIFETIMES(count).rows(connection, **in_tickets)
        if row.opened_at < until and row.id != own
    }
    audited: dict[int, list[Any]] = {number: [] for number in tickets}
    for row in _AUDITED(count).rows(connection, **in_tickets):
        audited[row.ticket_id].append(row)
    joined = {row.id: row.joined_at for row in _JOINED(count).rows(connection, **in_tickets)}
    sent: dict[int, dict[str, int]] = {}
    for row in _SENT_THEN(count).rows(connection, since=until - HOUR, until=until, **in_tickets):
        sent.setdefault(row.ticket_id, {})[row.address] = row.number
    return {
        number: replace(
            _ticket_then(ticket, audited[number], until),
            participants=tuple(
                _people_then(ticket.participants, joined, audited[number], recorded)
            ),
            staff_spoke=_before(lifetimes[number].first_answered_at, until),
            deleted=_before(lifetimes[number].deleted_at, until),
            follow_up=ticket.follow_up if ticket.follow_up in lifetimes else None,
            sent=sent.get(number, {}),
        )
        for number, ticket in tickets.items()
        if number in lifetimes
    }


def _ticket_then(ticket: Ticket, audited: Sequence[Any], until: datetime) -> Ticket:
    """The ticket as it was, by the audit trail: each later change names the value before it."""
    earlier = [row for row in audited if row.at < until]
    was = {row.event: row.was for row in reversed(audited) if row.at >= until}
    moves = [row for row in earlier if row.event == AuditEvent.STATUS_CHANGED]
    over = (Status.RESOLVED.value, Status.CLOSED.value)
    merged_later = any(row.event == AuditEvent.MERGED_INTO and row.at >= until for row in audited)
    status = ticket.status.value
    if merged_later:  # a merge closes a ticket without an audit entry for the status
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
    participants: Sequence[Participant],
    joined: Mapping[int, datetime],
    audited: Sequence[Any],
    recorded: RecordedMail,
) -> Iterator[Participant]:
    later = [row for row in audited if row.at >= recorded.decided_at]
    for member in participants:
        theirs = [row for row in later if row.subject == member.address]
        settled = next((row.was for row in theirs if row.event in PRESENCE_EVENTS), None)
        unmuted = any(row.event == AuditEvent.UNSUBSCRIBED for row in theirs)
        then = replace(member, muted=member.muted and not unmuted)
        if settled is None:
            if joined[member.id] < recorded.decided_at:
                yield then
            continue
        # Since when a person was pending is not recorded: either they wrote as a pending person, or
        # this mail adds them.
        waits = settled == Presence.PENDING.value and member.address != recorded.author
        if settled and not waits:
            yield replace(then, presence=Presence(settled))


def _before(at: datetime | None, until: datetime) -> bool:
    return at is not None and at < until
