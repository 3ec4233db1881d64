"""The only writer of tickets: turns the effects of a decision into rows, and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from sqlalchemy import Connection

from rules.decision.effects import (
    Assigned,
    ClockSaved,
    CommentPublished,
    CommentWritten,
    Deleted,
    Effect,
    Escalated,
    FieldsFound,
    MergedInto,
    MissingChanged,
    Notified,
    OverdueReported,
    PeopleNamed,
    PersonAdded,
    PresenceChanged,
    Rated,
    Resubscribed,
    SeverityChanged,
    SlaBreached,
    StatusChanged,
    Touched,
    Unsubscribed,
)
from rules.people import Presence
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Stage
from rules.ticket.visibility import Visibility
from storage.db.ledger import Conflict
from storage.ticket import clocks
from storage.ticket import statements as sql
from storage.ticket.rows import (
    AuditEntry,
    ChangeContext,
    add_comment,
    add_participants,
    audit,
    participant_row,
    queue_notices,
)


def write(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effects: Iterable[Effect],
    comment: int | None = None,
) -> None:
    """Write effects on a ticket in their order, with their lines in the audit trail.

    `comment` is what notices quote until an effect writes or publishes another comment. Raises
    Conflict if the ticket is no longer in the state that was decided on: the transaction must then
    be rolled back.
    """
    effects = tuple(effects)
    quoted = any(
        order.quotes for each in effects if isinstance(each, Notified) for order in each.orders
    )
    for effect in effects:
        match effect:
            case CommentWritten(comment=new):
                comment = add_comment(connection, context, ticket, new, numbered=quoted)
            case CommentPublished(comment=number):
                _publish(connection, context, ticket, number)
                comment = number
            case Notified(orders=orders):
                queue_notices(connection, context, orders, ticket, comment)
            case PeopleNamed(additions=additions):
                add_participants(connection, context, ticket, additions)
            case _:
                _write(connection, context, ticket, effect)


def _write(connection: Connection, context: ChangeContext, ticket: int, effect: Effect) -> None:
    match effect:
        case StatusChanged() | SeverityChanged() | Assigned() | Escalated() | Deleted():
            _change_state(connection, context, ticket, effect)
        case PersonAdded() | PresenceChanged() | Unsubscribed() | Resubscribed():
            _change_people(connection, context, ticket, effect)
        case MergedInto():
            _merge(connection, context, ticket, effect)
        case ClockSaved():
            _save_clock(connection, ticket, effect)
        case OverdueReported():
            _report_overdue(connection, ticket, effect)
        case SlaBreached(stage=stage):
            breach = AuditEntry(AuditEvent.SLA_BREACHED, subject=stage.value)
            audit(connection, context, ticket, breach)
        case MissingChanged(names=names):
            missing = json.dumps(list(names), ensure_ascii=False)
            sql.SET_MISSING.run(connection, {"ticket": ticket, "still_missing": missing})
        case FieldsFound(fields=fields):
            _keep_fields(connection, ticket, fields)
        case Touched():
            sql.TOUCH.run(connection, {"ticket": ticket, "now": context.now})
        case Rated(was=was, became=became):
            before = was.value if was is not None else ""
            rated = sql.RATE.rows(connection, ticket=ticket, was=before, became=became.value)
            _require(rated, f"#{ticket} was rated meanwhile")
            given = AuditEntry(AuditEvent.FEEDBACK_GIVEN, was=before, became=became.value)
            audit(connection, context, ticket, given)
        case CommentWritten() | CommentPublished() | Notified() | PeopleNamed():
            raise AssertionError("write() writes these itself")
        case _:
            assert_never(effect)


def _change_state(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effect: StatusChanged | SeverityChanged | Assigned | Escalated | Deleted,
) -> None:
    now = context.now
    match effect:
        case StatusChanged(was=was, became=became, reason=reason):
            values = {"ticket": ticket, "was": was.value, "became": became.value, "now": now}
            _require(sql.CHANGE_STATUS.rows(connection, **values), f"#{ticket} is no longer {was}")
            entry = AuditEntry(
                AuditEvent.STATUS_CHANGED, was=was.value, became=became.value, reason=reason
            )
        case SeverityChanged(was=level, became=new, reason=reason):
            changed = sql.CHANGE_SEVERITY.rows(
                connection,
                ticket=ticket,
                was=level,
                became=new,
                source=context.source.value,
                is_critical=effect.critical,
                is_claimed=effect.critical_claimed,
                now=now,
            )
            _require(changed, f"#{ticket} is no longer {level}")
            entry = AuditEntry(AuditEvent.SEVERITY_CHANGED, was=level, became=new, reason=reason)
        case Assigned(was=before, became=assignee):
            values = {"ticket": ticket, "was": before, "became": assignee, "now": now}
            _require(sql.ASSIGN.rows(connection, **values), f"#{ticket} was assigned meanwhile")
            entry = AuditEntry(AuditEvent.ASSIGNED, was=before, became=assignee)
        case Escalated(was=lower, became=higher, reason=reason):
            levels = {"ticket": ticket, "was": lower, "became": higher, "now": now}
            _require(sql.ESCALATE.rows(connection, **levels), f"#{ticket} was escalated meanwhile")
            entry = AuditEntry(
                AuditEvent.ESCALATED, was=str(lower), became=str(higher), reason=reason
            )
        case Deleted(reason=reason):
            gone = sql.DELETE.rows(connection, ticket=ticket, now=now)
            _require(gone, f"#{ticket} was deleted meanwhile")
            entry = AuditEntry(AuditEvent.DELETED, reason=reason)
        case _:
            assert_never(effect)
    audit(connection, context, ticket, entry)


def _change_people(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effect: PersonAdded | PresenceChanged | Unsubscribed | Resubscribed,
) -> None:
    match effect:
        case PersonAdded(addition=addition):
            added = sql.ADD.rows(connection, **participant_row(context, ticket, addition))
            _require(added, f"{addition.address} was added to #{ticket} meanwhile")
            became = addition.presence.value
            entry = AuditEntry(AuditEvent.PERSON_ADDED, addition.address, became=became)
        case PresenceChanged(address=address, was=was, became=presence):
            _set_presence(connection, context, ticket, effect)
            entry = AuditEntry(
                AuditEvent.PRESENCE_CHANGED, address, was=was.value, became=presence.value
            )
        case Unsubscribed(participant=participant, address=address):
            rows = sql.UNSUBSCRIBE.rows(connection, participant=participant, ticket=ticket)
            if not rows:
                return  # they have unsubscribed meanwhile: nothing is left to do
            entry = AuditEntry(AuditEvent.UNSUBSCRIBED, address)
        case Resubscribed(address=address, audited=audited):
            rows = sql.RESUBSCRIBE.rows(connection, ticket=ticket, address=address)
            if not rows or not audited:
                return
            entry = AuditEntry(AuditEvent.RESUBSCRIBED, address)
        case _:
            assert_never(effect)
    audit(connection, context, ticket, entry)


def _set_presence(
    connection: Connection, context: ChangeContext, ticket: int, change: PresenceChanged
) -> None:
    changed = sql.SET_PRESENCE.rows(
        connection,
        ticket=ticket,
        address=change.address,
        was=change.was.value,
        became=change.became.value,
        now=context.now,
    )
    _require(changed, f"{change.address} is no longer {change.was} on #{ticket}")


def _merge(connection: Connection, context: ChangeContext, ticket: int, merged: MergedInto) -> None:
    into = merged.ticket
    unmerged = sql.LOCK_FOR_MERGE.rows(connection, ticket=ticket, into=into)
    _require(len(unmerged) == 2, f"#{ticket} or #{into} was merged or deleted meanwhile")
    changed = sql.MERGE.rows(
        connection, ticket=ticket, into=into, closed=Status.CLOSED.value, now=context.now
    )
    _require(changed, f"#{ticket} was merged meanwhile")
    add_participants(connection, context, into, merged.carried)
    for address in merged.accepted:
        accepted = PresenceChanged(address, Presence.PENDING, Presence.ACTIVE)
        _change_people(connection, context, into, accepted)
    audit(connection, context, ticket, AuditEntry(AuditEvent.MERGED_INTO, str(into)))
    audit(connection, context, into, AuditEntry(AuditEvent.MERGED_FROM, str(ticket)))


def _publish(connection: Connection, context: ChangeContext, ticket: int, comment: int) -> None:
    published = sql.PUBLISH.rows(connection, comment=comment, ticket=ticket)
    _require(published, f"comment {comment} on #{ticket} is no longer flagged")
    entry = AuditEntry(
        AuditEvent.COMMENT_PUBLISHED,
        str(comment),
        was=Visibility.PRIVATE.value,
        became=Visibility.PUBLIC.value,
    )
    audit(connection, context, ticket, entry)


def _save_clock(connection: Connection, ticket: int, saved: ClockSaved) -> None:
    clock = saved.clock
    columns = clocks.columns(clock)
    sql.SAVE_CLOCK.run(
        connection,
        {
            "ticket": ticket,
            "new_clock": columns["clock"],
            "new_due_at": columns["due_at"],
            "new_tell_at": columns["tell_at"],
            "first_due": clock.due_at if clock and clock.stage is Stage.FIRST else None,
            "first_answer": saved.answered_at,
        },
    )


def _report_overdue(connection: Connection, ticket: int, reported: OverdueReported) -> None:
    columns = clocks.columns(reported.clock)
    changed = sql.REPORT_OVERDUE.rows(
        connection,
        ticket=ticket,
        was=reported.was,
        new_clock=columns["clock"],
        new_tell_at=columns["tell_at"],
    )
    _require(changed, f"the clock of #{ticket} was reported meanwhile")


def _keep_fields(connection: Connection, ticket: int, found: Mapping[str, str]) -> None:
    """A field that has a value keeps it."""
    (row,) = sql.FIELDS.rows(connection, ticket=ticket)
    kept = json.dumps({**found, **json.loads(row.fields)}, ensure_ascii=False)
    sql.KEEP_FIELDS.run(connection, {"ticket": ticket, "kept": kept})


def _require(changed: Any, why: str) -> None:
    if not changed:
        raise Conflict(why)
