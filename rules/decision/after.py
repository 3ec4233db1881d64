"""The ticket as it is after effects: the next change is decided on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rules.decision.effects import (
    NOT_STORED,
    Assigned,
    ClockSaved,
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
    Resubscribed,
    SeverityChanged,
    StatusChanged,
    Unsubscribed,
)
from rules.people import Participant, ParticipantKind, Presence
from rules.service.more import SUMMARIES
from rules.service.participants import Addition
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeOrder, StaffSubscription


def after(ticket: Ticket, effects: Iterable[Effect], at: datetime) -> Ticket:
    """The ticket after the effects: the next change is decided on it."""
    for effect in effects:
        ticket = _after(ticket, effect, at)
    return ticket


def _after(ticket: Ticket, effect: Effect, at: datetime) -> Ticket:
    match effect:
        case StatusChanged(became=became):
            return replace(ticket, status=became, status_at=at)
        case SeverityChanged(became=became, critical_claimed=claimed):
            return replace(ticket, severity=became, critical_claimed=claimed)
        case Assigned(became=became):
            return replace(ticket, assignee=became)
        case Escalated(became=became):
            return replace(ticket, escalation_level=became)
        case ClockSaved(clock=clock, answered_at=answered_at):
            spoke = ticket.staff_spoke or answered_at is not None
            return replace(ticket, clock=clock, staff_spoke=spoke)
        case OverdueReported(clock=clock):
            return replace(ticket, clock=clock)
        case MissingChanged(names=names):
            return replace(ticket, missing=names)
        case FieldsFound(fields=found):
            return replace(ticket, fields={**found, **ticket.fields})
        case MergedInto(ticket=into):
            return replace(ticket, merged_into=into, status=Status.CLOSED, clock=None)
        case Deleted():
            return replace(ticket, deleted=True, clock=None)
        case Notified(orders=orders):
            return _after_notices(ticket, orders)
        case _:
            return replace(ticket, participants=_people_after(ticket.participants, effect))


def _after_notices(ticket: Ticket, orders: Iterable[NoticeOrder]) -> Ticket:
    sent, summary_at = dict(ticket.sent), dict(ticket.summary_at)
    people = ticket.participants
    there = {p.address for p in people}
    for order in orders:
        sent[order.address] = sent.get(order.address, 0) + 1
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
    return replace(ticket, sent=sent, summary_at=summary_at, participants=people)


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
