"""The only writer of tickets: turns the effects of a decision into rows, and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import Connection

from rules.decision.effects import (
    AskedAgain,
    Assigned,
    ClaimMade,
    ClockSaved,
    CommentPublished,
    CommentWritten,
    DeclaredComplete,
    Deleted,
    Effect,
    Effects,
    Escalated,
    FeedbackAsked,
    FieldSet,
    FieldsFound,
    MergedInto,
    MissingChanged,
    Notified,
    OverdueReported,
    PeopleNamed,
    PersonAdded,
    PresenceChanged,
    PromiseBegan,
    Rated,
    Resubscribed,
    SeverityChanged,
    SlaBreached,
    SplitOff,
    StatusChanged,
    Touched,
    Unsubscribed,
    WaitingChanged,
)
from rules.decision.staff_effects import (
    NoticesPreferred,
    RequesterChanged,
    Snoozed,
    TagAdded,
    TagRemoved,
)
from rules.people import Presence
from rules.ticket.audit import AuditEvent
from rules.ticket.lifecycle import Status
from rules.ticket.sla import Stage
from storage.db.statements import Pending
from storage.registry.people import set_notices
from storage.ticket import clocks
from storage.ticket import statements as sql
from storage.ticket.people import change_people, name_people, require
from storage.ticket.rows import (
    AuditEntry,
    ChangeContext,
    add_comment,
    add_participants,
    audit,
    queue_notices,
)
from storage.ticket.tags import change_tags
from storage.ticket.withheld import record_withheld

Versions = Mapping[int, int]
"""The tickets that a decision was made on, each with its version."""
NEW = None
"""In place of versions, for a ticket that this transaction has made: nobody else has seen it, and
all of its people are on it."""


def write(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effects: Iterable[Effect],
    versions: Versions | None,
    comment: int | None = None,
    *,
    numbered: bool = False,
) -> int | None:
    """Write effects on a ticket in their order, with their lines in the audit trail.

    All that they change in the ticket's row is one UPDATE, which names the version that was decided
    on. `comment` is what notices quote until an effect writes or publishes another comment. Raises
    Conflict if anything was written on the ticket since: the transaction must then be rolled back.

    Returns the number of the last comment, if notices quote it, or if it is to be `numbered`.
    """
    effects = tuple(effects)
    if not effects:
        return comment
    merges = [effect for effect in effects if isinstance(effect, MergedInto)]
    for merged in merges:
        _lock_for_merge(connection, ticket, merged, versions or {})
    changed = (
        None if versions is NEW else _change_row(connection, context, ticket, effects, versions)
    )
    quoted = numbered or any(
        order.quotes for each in effects if isinstance(each, Notified) for order in each.orders
    )
    for effect in effects:
        match effect:
            case CommentWritten(comment=new):
                comment = add_comment(connection, context, ticket, new, numbered=quoted)
            case CommentPublished(comment=number):
                _publish(connection, context, ticket, effect)
                comment = number
            case Notified(orders=orders):
                queue_notices(connection, context, orders, ticket, comment, joined=versions is NEW)
            case PeopleNamed(additions=additions):
                name_people(connection, context, ticket, additions)
            case MergedInto():
                _merge(connection, context, ticket, effect, versions or {})
            case _:
                _write(connection, context, ticket, effect)
    # Read last: on PostgreSQL the result has arrived with that of a later statement.
    if changed is not None:
        require(changed(), f"#{ticket} was changed meanwhile")
    return comment


def require_unchanged(connection: Connection, ticket: int, versions: Versions) -> None:
    """Require the version that was decided on, of a ticket that is not written. Raises Conflict."""
    rows = sql.UNCHANGED.rows(connection, ticket=ticket, version=versions[ticket])
    require(rows, f"#{ticket} was changed meanwhile")


def _change_row(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    effects: Iterable[Effect],
    versions: Versions,
) -> Pending[list[Any]]:
    """Submit the UPDATE of the ticket's row; it finds no row if the ticket was changed since.

    Of several changes of one column, the first names the value that was decided on, and the last
    the new one; of a time that is set once, the first that is one.
    """
    new: dict[str, Any] = {}
    was: dict[str, Any] = {}
    for effect in effects:
        columns = _columns(context, effect)
        for name, value in columns.was.items():
            was.setdefault(name, value)
        new |= {
            name: value
            for name, value in columns.new.items()
            if name not in sql.NOW_OR_NEVER or new.get(name) is None
        }
    of_fields = [each for each in effects if isinstance(each, FieldsFound | FieldSet)]
    new |= _fields(connection, ticket, of_fields)
    version = versions.get(ticket)
    statement = sql.change(frozenset(new), frozenset(was), version is not None)
    parameters = {f"new_{name}": value for name, value in new.items()}
    parameters |= {f"was_{name}": value for name, value in was.items()}
    if version is not None:
        parameters["version"] = version
    return statement.submit(connection, ticket=ticket, **parameters)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What an effect changes in the ticket's row, and what it found there."""

    new: Mapping[str, Any]
    was: Mapping[str, Any] = field(default_factory=dict)


_NONE = _Columns({})
_STOPPED = {**clocks.columns(None), "snooze_until": None}


def _columns(context: ChangeContext, effect: Effect) -> _Columns:
    now = {"updated_at": context.now}
    match effect:
        case StatusChanged(was=status, became=became):
            moved = {"status": became.value, "status_at": context.now}
            return _Columns(moved | now, {"status": status.value})
        case SeverityChanged(was=level, became=severity):
            levels = {"severity": severity, "severity_source": context.source.value}
            flags = {"critical": effect.critical, "critical_claimed": effect.critical_claimed}
            return _Columns(levels | flags | now, {"severity": level})
        case ClaimMade(was=level, became=claimed, critical_claimed=critical):
            claims = {"severity_claimed": claimed, "critical_claimed": critical}
            return _Columns(claims | now, {"severity_claimed": level or None})
        case Assigned(was=before, became=assignee):
            return _Columns({"assignee": assignee} | now, {"assignee": before})
        case Escalated(was=lower, became=higher):
            reached = {"escalation_level": higher, "escalated_at": context.now}
            return _Columns(reached | now, {"escalation_level": lower})
        case Deleted():
            return _Columns({"deleted_at": context.now} | _STOPPED, {"deleted_at": None})
        case MergedInto(ticket=into):
            closed = {"status": Status.CLOSED.value, "status_at": context.now}
            return _Columns({"merged_into": into} | closed | _STOPPED | now, {"merged_into": None})
        case ClockSaved(clock=clock, answered_at=answered_at, waiting=waiting):
            first_due = clock.due_at if clock and clock.stage is Stage.FIRST else None
            first = {"first_due_at": first_due, "first_answered_at": answered_at}
            return _Columns({**clocks.columns(clock, waiting), **first})
        case OverdueReported(was=notify_at, clock=clock):
            columns = clocks.columns(clock)
            return _Columns(
                {"clock": columns["clock"], "tell_at": columns["tell_at"]}, {"tell_at": notify_at}
            )
        case WaitingChanged(was=next_at, waiting=waiting):
            return _Columns(clocks.columns(None, waiting), {"tell_at": next_at})
        case MissingChanged(names=names):
            return _Columns({"missing": json.dumps(list(names), ensure_ascii=False)})
        case FeedbackAsked():
            return _Columns({"feedback_asked": True})
        case RequesterChanged(was=before, became=requester, company=company):
            belongs = {"company_id": company} if effect.gives_company else {}
            return _Columns({"requester": requester} | belongs | now, {"requester": before})
        case Snoozed(was=earlier, became=until):
            return _Columns({"snooze_until": until}, {"snooze_until": earlier})
        case Touched() | TagAdded() | TagRemoved() | SplitOff():
            return _Columns(now)
        case Rated(was=rating, became=rated):
            return _Columns({"rating": rated.value}, {"rating": rating.value if rating else ""})
        case (
            SlaBreached()
            | PromiseBegan()
            | AskedAgain()
            | DeclaredComplete()
            | FieldsFound()
            | FieldSet()
            | PersonAdded()
            | PresenceChanged()
            | Unsubscribed()
            | Resubscribed()
            | CommentWritten()
            | CommentPublished()
            | Notified()
            | PeopleNamed()
            | NoticesPreferred()
        ):
            return _NONE
        case _:
            assert_never(effect)


def _fields(
    connection: Connection, ticket: int, effects: Sequence[FieldsFound | FieldSet]
) -> Mapping[str, str]:
    """The column of a ticket's fields after these effects; nothing where there are none.

    What a text gives for a field changes no value that it has, unless it takes several.
    """
    if not effects:
        return {}
    (row,) = sql.FIELDS.rows(connection, ticket=ticket)
    fields: dict[str, str] = json.loads(row.fields)
    for effect in effects:
        match effect:
            case FieldsFound(fields=found):
                fields = dict(found.onto(fields))
            case FieldSet(name=name, was=was, became=became):
                require(fields.get(name, "") == was, f"{name} of #{ticket} was changed meanwhile")
                fields = {**fields, name: became}
    return {"fields": json.dumps({n: v for n, v in fields.items() if v}, ensure_ascii=False)}


def _write(connection: Connection, context: ChangeContext, ticket: int, effect: Effect) -> None:
    """The rows of an effect besides the ticket's."""
    entry: AuditEntry
    match effect:
        case PersonAdded() | PresenceChanged() | Unsubscribed() | Resubscribed():
            change_people(connection, context, ticket, effect)
            return
        case RequesterChanged():
            change_people(connection, context, ticket, effect)
            return
        case TagAdded() | TagRemoved():
            change_tags(connection, context, ticket, effect)
            return
        case MergedInto():
            raise AssertionError("write() writes these itself")
        case ClockSaved() | OverdueReported() | WaitingChanged() | MissingChanged():
            return
        case NoticesPreferred(address=address, became=notices):
            set_notices(connection, context.mailbox, address, notices)
            return
        case FieldsFound() | FeedbackAsked() | Touched() | SplitOff():
            return
        case StatusChanged(was=was, became=became, reason=reason):
            entry = AuditEntry(
                AuditEvent.STATUS_CHANGED, was=was.value, became=became.value, reason=reason
            )
        case SeverityChanged(was=level, became=new, reason=reason):
            entry = AuditEntry(AuditEvent.SEVERITY_CHANGED, was=level, became=new, reason=reason)
        case Assigned(was=before, became=assignee):
            entry = AuditEntry(AuditEvent.ASSIGNED, was=before, became=assignee)
        case Escalated():
            entry = escalation_entry(effect)
        case Deleted(reason=reason):
            entry = AuditEntry(AuditEvent.DELETED, reason=reason)
        case ClaimMade(author=author, was=level, became=claimed):
            entry = AuditEntry(AuditEvent.SEVERITY_CLAIMED, author, was=level, became=claimed)
        case FieldSet(name=name, was=value, became=became_value):
            entry = AuditEntry(AuditEvent.FIELD_CHANGED, name, was=value, became=became_value)
        case DeclaredComplete(missing=names, reason=reason):
            entry = AuditEntry(AuditEvent.COMPLETED, ", ".join(names), reason=reason)
        case PromiseBegan(why=why):
            entry = AuditEntry(AuditEvent.PROMISE_BEGAN, why.value)
        case AskedAgain(names=names):
            entry = AuditEntry(AuditEvent.ASKED_AGAIN, ", ".join(names))
        case Snoozed(was=earlier, became=until, why=why_ended):
            event = AuditEvent.SNOOZED if until is not None else AuditEvent.SNOOZE_ENDED
            entry = AuditEntry(event, was=_utc(earlier), became=_utc(until), reason=why_ended)
        case SlaBreached(stage=stage, passed=passed):
            named = _passed_over(passed)
            entry = AuditEntry(AuditEvent.SLA_BREACHED, subject=stage.value, reason=named)
        case Rated(audited=False):
            return
        case Rated(was=rating, became=rated):
            before = rating.value if rating is not None else ""
            entry = AuditEntry(AuditEvent.FEEDBACK_GIVEN, was=before, became=rated.value)
        case CommentWritten() | CommentPublished() | Notified() | PeopleNamed():
            raise AssertionError("write() writes these itself")
        case _:
            assert_never(effect)
    audit(connection, context, ticket, entry)


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else ""


def escalation_entry(effect: Escalated) -> AuditEntry:
    """The line of the audit trail on an escalation, with the people who were passed over."""
    passed = _passed_over(effect.passed)
    return AuditEntry(
        AuditEvent.ESCALATED,
        subject=effect.notified,
        was=str(effect.was),
        became=str(effect.became),
        reason="; ".join(filter(None, (effect.reason, passed))),
    )


def _passed_over(addresses: Sequence[str]) -> str:
    return f"passed over: {', '.join(addresses)}" if addresses else ""


def _lock_for_merge(
    connection: Connection, ticket: int, merged: MergedInto, versions: Versions
) -> None:
    """Lock both tickets, and require the versions that were decided on."""
    into = merged.ticket
    rows = sql.LOCK_FOR_MERGE.rows(connection, ticket=ticket, into=into)
    require(len(rows) == 2, f"#{ticket} or #{into} was merged or deleted meanwhile")
    same = all(row.version == versions.get(row.id, row.version) for row in rows)
    require(same, f"#{ticket} or #{into} was changed meanwhile")


def _merge(
    connection: Connection,
    context: ChangeContext,
    ticket: int,
    merged: MergedInto,
    versions: Versions,
) -> None:
    into = merged.ticket
    changed = _change_row(connection, context, into, merged.effects, versions)
    add_participants(connection, context, into, merged.carried)
    for address in merged.accepted:
        accepted = PresenceChanged(address, Presence.PENDING, Presence.ACTIVE)
        change_people(connection, context, into, accepted)
    audit(connection, context, ticket, AuditEntry(AuditEvent.MERGED_INTO, str(into)))
    audit(connection, context, into, AuditEntry(AuditEvent.MERGED_FROM, str(ticket)))
    for effect in merged.effects:
        match effect:
            case Notified(orders=orders):
                queue_notices(connection, context, orders, into, None)
            case _:
                _write(connection, context, into, effect)
    record_withheld(connection, context, into, Effects(merged.effects).withheld)
    require(changed(), f"#{into} was changed meanwhile")


def _publish(
    connection: Connection, context: ChangeContext, ticket: int, effect: CommentPublished
) -> None:
    comment, was, became = effect.comment, effect.was.value, effect.became.value
    on = effect.moved_from or ticket
    published = sql.PUBLISH.rows(
        connection, comment=comment, on=on, ticket=ticket, was=was, became=became
    )
    require(published, f"comment {comment} on #{on} is no longer {was}")
    entry = AuditEntry(AuditEvent.COMMENT_PUBLISHED, str(comment), was=was, became=became)
    if on != ticket:
        audit(connection, context, on, replace(entry, reason=f"moved to #{ticket}"))
        entry = replace(entry, reason=f"moved from #{on}")
    audit(connection, context, ticket, entry)
