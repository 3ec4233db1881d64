"""Opens tickets, for mails and for requests alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from rules.decision.effects import (
    CommentWritten,
    Effect,
    Effects,
    Escalated,
    NewComment,
    Notified,
    notified,
)
from rules.decision.model import OpenTicket
from rules.people import ParticipantKind, Presence
from rules.policy import Policy
from rules.service.participants import Addition
from rules.ticket.audit import AuditEvent
from storage.db.ledger import Conflict
from storage.db.tables import TicketRow
from storage.ticket import clocks
from storage.ticket import statements as sql
from storage.ticket.people import name_people
from storage.ticket.rows import (
    AuditEntry,
    ChangeContext,
    add_participants,
    audit,
    followers,
    storable,
)
from storage.ticket.write import NEW, Versions, escalation_entry, write

_NEW = {
    column: value.default
    for column, value in TicketRow.model_fields.items()
    if column != "id" and not value.is_required()
}
"""What every ticket begins with: the defaults of its row; what has none is NULL."""


@dataclass(frozen=True, slots=True)
class NewTicketRow:
    """The values of a new ticket's row that the decision does not give."""

    opened_at: datetime
    message_id: str = ""
    """Of the mail that opens it; empty if there is none."""
    split_from: int | None = None
    """The ticket out of whose text it is made."""
    note: NewComment | None = None
    """A second comment, for staff."""


def open_ticket(
    connection: Connection,
    context: ChangeContext,
    opening: OpenTicket[Any],
    comment: NewComment,
    new: NewTicketRow,
    policy: Policy,
) -> int:
    """Write a new ticket with its people, its first comment and its notices; returns its number.

    Raises Conflict if the ticket that it follows has got another follow-up meanwhile.
    """
    severity = opening.severity
    row = {
        **_NEW,
        "mailbox_id": context.mailbox.id,
        "subject": storable(opening.subject),
        "severity": severity.name,
        "severity_source": context.source.value,
        # Looked up instead of a constant, so that the database can refuse a critical mail ticket.
        "critical": any(x.critical and x.name == severity.name for x in policy.levels),
        "severity_claimed": severity.claimed_level,
        "critical_claimed": severity.critical_claimed,
        "requester": opening.requester,
        "company_id": opening.company,
        "mentions": opening.mentions,
        "opened_at": new.opened_at,
        "updated_at": context.now,  # later, for a mail that was held
        "message_id": storable(new.message_id, 252),
        "follows": opening.follows,
        "split_from": new.split_from,
        "tier": opening.tier,
        "targets": json.dumps(opening.targets),
        "fields": json.dumps(opening.fields, ensure_ascii=False),
        "missing": json.dumps(opening.missing, ensure_ascii=False),
        "first_due_at": opening.clock.due_at if opening.clock is not None else None,
        "calendar": opening.calendar,
        "door": context.source.value,
        **clocks.columns(opening.clock, opening.waiting),
        **_escalation(opening.escalated, context),
    }
    opened = sql.OPEN.rows(connection, **row)
    if not opened:
        raise Conflict(f"#{opening.follows} got its follow-up meanwhile")
    number = int(opened[0].id)
    requester = Addition(
        address=opening.requester,
        person=opening.requester_id,
        part=ParticipantKind.REQUESTER,
        presence=Presence.ACTIVE,
        language=opening.language,
        muted=opening.muted,
    )
    effects: tuple[Effect, ...] = (CommentWritten(comment), *notified(opening.orders))
    if new.note is not None and opening.for_customer is not None:
        of_note = notified(opening.for_customer.note_orders)
        effects = (*effects, CommentWritten(new.note), *of_note)
    if opening.audited:
        entry = AuditEntry(AuditEvent.OPENED, became=severity.name)
        audit(connection, context, number, entry)
    carried = [each for each in opening.additions if each.address in opening.carried]
    named = [each for each in opening.additions if each.address not in opening.carried]
    orders = chain.from_iterable(each.orders for each in effects if isinstance(each, Notified))
    people = (requester, *carried, *named, *followers(orders))  # of nearly every ticket, two
    add_participants(connection, context, number, people)
    name_people(connection, context, number, named)
    if (escalated := opening.escalated) is not None:
        audit(connection, context, number, escalation_entry(escalated))
    write(connection, context, number, effects, NEW)
    return number


def write_changes(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effects: Effects,
    versions: Versions,
    policy: Policy,
    comment: int | None = None,
) -> None:
    """Write the effects of changes, as `write` does, and the tickets that are split off."""
    write(connection, context, ticket, effects.rows, versions, comment)
    for split in effects.splits:
        opening = OpenTicket(
            subject=split.subject,
            requester=split.requester,
            requester_id=None,
            company=split.company,
            severity=split.severity,
            additions=(),
            orders=split.orders,
            enrol=False,
            mentions=None,
            author=split.comment.author,
            tier=split.tier,
            targets=split.targets,
            language=split.language,
            clock=split.clock,
            calendar=split.calendar,
        )
        new = NewTicketRow(context.now, split_from=ticket)
        number = open_ticket(connection, context, opening, split.comment, new, policy)
        audit(connection, context, ticket, AuditEntry(AuditEvent.SPLIT_INTO, str(number)))
        audit(connection, context, number, AuditEntry(AuditEvent.SPLIT_FROM, str(ticket)))


def _escalation(escalated: Escalated | None, context: ChangeContext) -> Mapping[str, Any]:
    """The columns of the level that a new ticket is at."""
    if escalated is None:
        return {}
    now = {"escalated_at": context.now, "updated_at": context.now}
    return {"escalation_level": escalated.became} | now
