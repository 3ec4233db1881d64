"""Tickets with their people, as the rules see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
)

from rules.facts import ThreadTicket
from rules.mail import Mailbox
from rules.people import Participant, ParticipantKind, Presence
from rules.sender.pointers import Pointer
from rules.service.more import SUMMARIES
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import CRITICAL_SOURCES, Source
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeState
from storage.db.ledger import must_lock
from storage.db.statements import bind_list, compiled_in, placeholders
from storage.db.tables import (
    FROM_INSIDE,
    AuditRow,
    BouncedRow,
    CompanyRow,
    NoticeRow,
    ParticipantRow,
    PersonRow,
    TicketRow,
    table,
)
from storage.ticket import clocks
from storage.ticket.summaries import TAGS, tags_of

_company, _person, _audit = table(CompanyRow), table(PersonRow), table(AuditRow)
_ticket, _participant = table(TicketRow), table(ParticipantRow)
_notice, _bounced = table(NoticeRow), table(BouncedRow)

HOPS = 10
"""A ticket may lead to another, and that to a third; at most so many steps are followed."""

_follow_up = _ticket.alias("follow_up")


def _select_tickets(count: int) -> Select[Any]:
    return (
        select(
            _ticket.c.id.label("ticket"),
            _ticket.c.mailbox_id,
            _ticket.c.company_id,
            _ticket.c.status,
            _ticket.c.status_at,
            _ticket.c.requester,
            _ticket.c.subject,
            _ticket.c.severity,
            _ticket.c.tier,
            _ticket.c.targets,
            _ticket.c.calendar,
            _ticket.c.door,
            _ticket.c.clock,
            _ticket.c.waiting,
            _ticket.c.missing,
            _ticket.c.fields,
            _ticket.c.critical,
            _ticket.c.severity_claimed,
            _ticket.c.critical_claimed,
            _ticket.c.severity_source,
            _ticket.c.escalation_level,
            _ticket.c.feedback_asked,
            _ticket.c.first_answered_at,
            _ticket.c.assignee,
            _ticket.c.merged_into,
            _ticket.c.deleted_at,
            _ticket.c.version,
            _ticket.c.snooze_until,
            TAGS,
            _follow_up.c.id.label("follow_up"),
            _company.c.success_manager,
            _company.c.updates_by,
        )
        .join_from(_ticket, _follow_up, _follow_up.c.follows == _ticket.c.id, isouter=True)
        .join(_company, _company.c.id == _ticket.c.company_id, isouter=True)
        .where(_ticket.c.id.in_(placeholders("ticket", count)))
    )


_TICKETS = compiled_in(_select_tickets)
_LOCKED_TICKETS = compiled_in(
    lambda count: _select_tickets(count).order_by(_ticket.c.id).with_for_update(of=_ticket)
)

_PARTICIPANTS = compiled_in(
    lambda count: (
        select(
            _participant.c.ticket_id,
            _participant.c.id,
            _participant.c.address,
            _participant.c.part,
            _participant.c.presence,
            _participant.c.muted,
            func.coalesce(func.nullif(_person.c.language, ""), _participant.c.language).label(
                "language"
            ),
            _person.c.active.label("person_active"),
            _company.c.active.label("company_active"),
            _bounced.c.suspended_at,
        )
        .join_from(
            _participant,
            _person,
            (_person.c.mailbox_id == _participant.c.mailbox_id)
            & (_person.c.address == _participant.c.address),
            isouter=True,
        )
        .join(_company, _company.c.id == _person.c.company_id, isouter=True)
        .join(
            _bounced,
            (_bounced.c.mailbox_id == _participant.c.mailbox_id)
            & (_bounced.c.address == _participant.c.address),
            isouter=True,
        )
        .where(_participant.c.ticket_id.in_(placeholders("ticket", count)))
        .order_by(_participant.c.id)
    )
)

_CRITICAL_CHANNEL: ColumnElement[str] = literal_column(f"'{NoticeKind.CRITICAL_CHANNEL.value}'")
# One that did not arrive has alerted nobody.
_ARRIVES = _notice.c.state != literal_column(f"'{NoticeState.DEAD.value}'")
_ALERTS_OF_CLAIM = _ARRIVES & (_notice.c.claim != literal_column("''"))
_ALERTS_FROM_WITHIN = _ARRIVES & (_notice.c.claim == literal_column(f"'{FROM_INSIDE}'"))
_SUMMARIES: list[ColumnElement[str]] = [literal_column(f"'{kind.value}'") for kind in SUMMARIES]
_SENT_LATELY = compiled_in(
    lambda count: (
        select(
            _notice.c.ticket_id,
            _notice.c.address,
            func.count().label("number"),
            func.min(_notice.c.created_at).label("first"),
            func.max(case((_notice.c.kind.in_(_SUMMARIES), _notice.c.created_at))).label("summary"),
            func.max(case((_notice.c.kind == _CRITICAL_CHANNEL, _notice.c.created_at))).label(
                "critical"
            ),
            func.max(case((_ALERTS_OF_CLAIM, _notice.c.created_at))).label("alerted"),
            func.max(case((_ALERTS_FROM_WITHIN, _notice.c.created_at))).label("within"),
        )
        .where(
            _notice.c.ticket_id.in_(placeholders("ticket", count)),
            _notice.c.created_at > bindparam("since"),
        )
        .group_by(_notice.c.ticket_id, _notice.c.address)
    )
)

_REOPENED_LATELY = compiled_in(
    lambda count: (
        select(_audit.c.ticket_id, func.count().label("number"))
        .where(
            _audit.c.ticket_id.in_(placeholders("ticket", count)),
            _audit.c.at > bindparam("since"),
            _audit.c.event == AuditEvent.STATUS_CHANGED.value,
            (_audit.c.was == Status.RESOLVED.value) | (_audit.c.was == Status.CLOSED.value),
            (_audit.c.became == Status.OPEN.value) | (_audit.c.became == Status.PENDING.value),
        )
        .group_by(_audit.c.ticket_id)
    )
)


def load_pointed_to(
    connection: Connection,
    mailbox: Mailbox,
    pointers: tuple[Pointer, ...],
    named_before: Mapping[str, tuple[ThreadTicket, ...]],
    known_ids: Mapping[str, tuple[ThreadTicket, ...]],
    since: datetime,
) -> dict[int, Ticket]:
    """The tickets that a mail points to, and those that they lead on to."""
    ids = {pointer.message_id for pointer in pointers}
    wanted = {pointer.ticket for pointer in pointers if pointer.ticket is not None}
    for tickets in (known_ids, named_before):
        wanted |= {each.number for message_id in ids for each in tickets.get(message_id, ())}
    return load_with_next(connection, mailbox, wanted, since)


def load_with_next(
    connection: Connection, mailbox: Mailbox, numbers: Iterable[int], since: datetime
) -> dict[int, Ticket]:
    """Tickets by number, and those that they lead on to: merged into, or followed by."""
    wanted = set(numbers)
    found: dict[int, Ticket] = {}
    for _ in range(HOPS):
        if not wanted:
            break
        found |= load(connection, mailbox, wanted, since)
        leads = {n for t in found.values() for n in (t.merged_into, t.follow_up) if n is not None}
        wanted = leads - found.keys()
    return found


def end_of_merges(
    connection: Connection, mailbox: Mailbox, ticket: Ticket, since: datetime
) -> Ticket:
    """The ticket that a merged one is part of in the end; any other ticket itself."""
    for _ in range(HOPS):
        if ticket.merged_into is None:
            break
        ticket = load(connection, mailbox, [ticket.merged_into], since)[ticket.merged_into]
    return ticket


def load(
    connection: Connection, mailbox: Mailbox, numbers: Iterable[int], since: datetime
) -> Mapping[int, Ticket]:
    """Tickets of a mailbox by number, with their people and what happened on them `since`."""
    wanted = bind_list("ticket", sorted(numbers))
    # The mailbox is compared here: with it in the query, SQLite would scan all tickets of the
    # mailbox to find these few.
    tickets = _LOCKED_TICKETS if must_lock(connection) else _TICKETS
    # Before their people: a transaction that changes those meanwhile raises the version.
    found = tickets(len(wanted)).rows(connection, **wanted)
    rows = [row for row in found if row.mailbox_id == mailbox.id]
    if not rows:
        return {}
    here = bind_list("ticket", [row.ticket for row in rows])
    participants = _PARTICIPANTS(len(rows)).submit(connection, **here)
    sent_lately = _SENT_LATELY(len(rows)).submit(connection, since=since, **here)
    any_over = any(Status(row.status).is_over for row in rows)
    reopened_lately = (
        _REOPENED_LATELY(len(rows)).submit(connection, since=since, **here) if any_over else list
    )
    members: dict[int, list[Participant]] = {}
    for row in participants():
        members.setdefault(row.ticket_id, []).append(_as_participant(row))
    lately: dict[int, list[Any]] = {}
    for row in sent_lately():
        lately.setdefault(row.ticket_id, []).append(row)
    reopened = {row.ticket_id: row.number for row in reopened_lately()}
    return {
        row.ticket: _as_ticket(
            row,
            members=members.get(row.ticket, ()),
            notices=lately.get(row.ticket, ()),
            reopened=reopened.get(row.ticket, 0),
        )
        for row in rows
    }


def _as_ticket(
    row: Any, *, members: Sequence[Participant], notices: Sequence[Any], reopened: int
) -> Ticket:
    """The ticket of a row; `notices` sums up what each address was sent lately."""
    return Ticket(
        id=row.ticket,
        company=row.company_id,
        participants=tuple(members),
        status=Status(row.status),
        status_at=row.status_at,
        requester=row.requester,
        subject=row.subject,
        severity=row.severity,
        tier=row.tier,
        targets=json.loads(row.targets),
        calendar=row.calendar,
        door=Source(row.door) if row.door else Source.MAIL,
        clock=clocks.read(row.clock),
        waiting=clocks.read_waiting(row.waiting),
        missing=tuple(json.loads(row.missing)),
        fields=json.loads(row.fields),
        tags=tags_of(row.tags),
        snooze_until=row.snooze_until,
        critical=row.critical,
        severity_claimed=row.severity_claimed or "",
        critical_claimed=row.critical_claimed,
        in_portal=row.severity_source in CRITICAL_SOURCES,
        escalation_level=row.escalation_level,
        feedback_asked=row.feedback_asked,
        success_manager=row.success_manager or "",
        updates_by=row.updates_by or "",
        staff_spoke=row.first_answered_at is not None,
        assignee=row.assignee,
        merged_into=row.merged_into,
        deleted=row.deleted_at is not None,
        follow_up=row.follow_up,
        reopened=reopened,
        critical_told_at={each.address: each.critical for each in notices if each.critical},
        critical_alerted_at=_latest(each.alerted for each in notices),
        alerted_from_within_at=_latest(each.within for each in notices),
        version=row.version,
        sent={each.address: each.number for each in notices},
        sent_since={each.address: each.first for each in notices},
        summary_at={each.address: each.summary for each in notices if each.summary},
    )


def _as_participant(row: Any) -> Participant:
    account_active = row.person_active is not False and row.company_active is not False
    return Participant(
        id=row.id,
        address=row.address,
        part=ParticipantKind(row.part),
        presence=Presence(row.presence),
        muted=row.muted,
        reachable=account_active and row.suspended_at is None,
        language=row.language,
    )


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
