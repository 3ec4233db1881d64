"""The ticket as it is after effects: the next change is decided on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rules.decision.effects import (
    NOT_STORED,
    Assigned,
    ClaimMade,
    ClockSaved,
    Deleted,
    Effect,
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
    Resubscribed,
    SeverityChanged,
    StatusChanged,
    Unsubscribed,
    WaitingChanged,
)
from rules.decision.staff_effects import RequesterChanged, Snoozed, TagAdded, TagRemoved
from rules.people import Participant, ParticipantKind, Presence
from rules.service.more import SUMMARIES
from rules.service.participants import Addition
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, StaffSubscription
from rules.ticket.payloads import AlertPayload


def after(ticket: Ticket, effects: Iterable[Effect], at: datetime) -> Ticket:
    """The ticket after the effects: the next change is decided on it."""
    for effect in effects:
        ticket = _after(ticket, effect, at)
    return ticket


def _after(ticket: Ticket, effect: Effect, at: datetime) -> Ticket:
    match effect:
        case StatusChanged(became=became):
            return replace(ticket, status=became, status_at=at)
        case SeverityChanged(became=became, critical=critical, critical_claimed=claimed):
            return replace(ticket, severity=became, critical=critical, critical_claimed=claimed)
        case ClaimMade(became=level, critical_claimed=claimed):
            return replace(ticket, severity_claimed=level, critical_claimed=claimed)
        case RequesterChanged():
            return _after_requester(ticket, effect)
        case Assigned(became=became):
            return replace(ticket, assignee=became)
        case Escalated(became=became):
            return replace(ticket, escalation_level=became)
        case ClockSaved(clock=clock, answered_at=answered_at, waiting=waiting):
            spoke = ticket.staff_spoke or answered_at is not None
            return replace(ticket, clock=clock, waiting=waiting, staff_spoke=spoke)
        case WaitingChanged(waiting=waiting):
            return replace(ticket, waiting=waiting)
        case OverdueReported(clock=clock):
            return replace(ticket, clock=clock)
        case MissingChanged(names=names):
            return replace(ticket, missing=names)
        case FieldsFound(fields=found):
            return replace(ticket, fields=found.onto(ticket.fields))
        case FieldSet(name=name, became=value):
            kept = {n: v for n, v in ticket.fields.items() if n != name}
            return replace(ticket, fields={**kept, name: value} if value else kept)
        case TagAdded(tag=tag):
            return replace(ticket, tags=(*ticket.tags, tag))
        case TagRemoved(tag=tag):
            return replace(ticket, tags=tuple(each for each in ticket.tags if each != tag))
        case Snoozed(became=until):
            return replace(ticket, snooze_until=until)
        case FeedbackAsked():
            return replace(ticket, feedback_asked=True)
        case MergedInto(ticket=into):
            closed = Status.CLOSED
            return replace(ticket, merged_into=into, status=closed).stopped()
        case Deleted():
            return replace(ticket, deleted=True).stopped()
        case Notified(orders=orders):
            return _after_notices(ticket, orders, at)
        case _:
            return replace(ticket, participants=_people_after(ticket.participants, effect))


def _after_requester(ticket: Ticket, changed: RequesterChanged) -> Ticket:
    parts = {changed.was: changed.left_as, changed.became: ParticipantKind.REQUESTER}
    people = tuple(replace(p, part=parts.get(p.address, p.part)) for p in ticket.participants)
    company = changed.company if changed.gives_company else ticket.company
    return replace(ticket, requester=changed.became, participants=people, company=company)


def _after_notices(ticket: Ticket, orders: Iterable[NoticeOrder], at: datetime) -> Ticket:
    sent, summary_at = dict(ticket.sent), dict(ticket.summary_at)
    told_at, alerted_at = dict(ticket.critical_told_at), ticket.critical_alerted_at
    within_at = ticket.alerted_from_within_at
    people = ticket.participants
    there = {p.address for p in people}
    for order in orders:
        sent[order.address] = sent.get(order.address, 0) + 1
        if order.kind is NoticeKind.CRITICAL_CHANNEL:
            told_at[order.address] = at
        if isinstance(order.payload, AlertPayload) and order.payload.claimed:
            alerted_at = at
            within_at = within_at if order.payload.outside else at
        if order.kind in SUMMARIES and order.due_at is not None:
            summary_at[order.address] = order.due_at
        if order.subscription is not None and order.address not in there:
            muted = order.subscription is StaffSubscription.ONLOOKER
            kind = ParticipantKind.FOLLOWER
            new = Participant(
                id=NOT_STORED,
                address=order.address,
                part=kind,
                presence=Presence.ACTIVE,
                muted=muted,
            )
            people, there = (*people, new), {*there, order.address}
    return replace(
        ticket,
        sent=sent,
        summary_at=summary_at,
        critical_told_at=told_at,
        critical_alerted_at=alerted_at,
        alerted_from_within_at=within_at,
        participants=people,
    )


def _people_after(people: tuple[Participant, ...], effect: Effect) -> tuple[Participant, ...]:
    match effect:
        case PeopleNamed(additions=additions):
            return _with(people, additions)
        case PersonAdded(addition=addition):
            return _with(people, (addition,))
        case PresenceChanged(address=address, became=became):
            return tuple(
                replace(p, presence=became, muted=False) if p.address == address else p
                for p in people
            )
        case Unsubscribed(address=address):
            return tuple(replace(p, muted=True) if p.address == address else p for p in people)
        case Resubscribed(address=address):
            return tuple(replace(p, muted=False) if p.address == address else p for p in people)
        case _:
            return people


def _with(
    people: tuple[Participant, ...], additions: Iterable[Addition]
) -> tuple[Participant, ...]:
    there = {p.address for p in people}
    new = (
        Participant(
            id=NOT_STORED,
            address=a.address,
            part=a.part,
            presence=a.presence,
            muted=a.muted,
            language=a.language,
        )
        for a in additions
        if a.address not in there
    )
    return (*people, *new)
