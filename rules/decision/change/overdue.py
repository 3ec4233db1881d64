"""The SLA clock reached its warning or its due time: who is notified, once for each; and what is
due on a request whose clock waits."""

from __future__ import annotations

from dataclasses import replace

from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import (
    AskedAgain,
    Effect,
    Effects,
    OverdueReported,
    SlaBreached,
    WaitingChanged,
    clock_effects,
    notified,
)
from rules.people import Presence
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import asking, notifications, sla_rules
from rules.service.escalation import Reached, passed_over, reach
from rules.service.waiting import WaitingEvent, event
from rules.ticket import sla
from rules.ticket.lifecycle import Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import SlaPayload
from rules.ticket.sla import SlaEvent, Stage
from rules.ticket.waiting import Beginning, Waiting


def report_overdue(ticket: Ticket, facts: ChangeFacts, policy: Policy) -> Effects:
    """No effects if the clock has nothing to report at this time."""
    if ticket.waiting is not None:
        return _while_waiting(ticket, ticket.waiting, facts, policy)
    if ticket.clock is None or ticket.clock.notify_at is None:
        return Effects()
    due_at = ticket.clock.notify_at
    clock, event = sla.notified(ticket.clock, facts.at)
    if event is None:
        return Effects()
    on_call = reach(policy.on_call, facts.at, facts.unreachable) if policy.on_call else None
    assigned = (ticket.assignee,) if ticket.assignee in facts.unreachable else ()
    passed = (*assigned, *(on_call.passed if on_call is not None else ()))
    rows: tuple[Effect, ...] = (OverdueReported(due_at, clock),)
    if event is SlaEvent.BREACH:
        rows = (*rows, SlaBreached(clock.stage, passed))
    payload = SlaPayload(clock.stage, passed_over(passed))
    rows = (*rows, *notified(_notices(ticket, payload, event, on_call, facts, policy)))
    done = sentence("{event} reported on #{ticket}", event=event, ticket=ticket.id)
    return Effects(rows, (done,))


def _while_waiting(ticket: Ticket, waiting: Waiting, facts: ChangeFacts, policy: Policy) -> Effects:
    """The requester is asked once more for what is missing; or the promise begins without it. While
    the ticket waits for the customer, neither is a mail to them: what staff asked counts."""
    pending = ticket.status is Status.PENDING
    match event(waiting, facts.at):
        case None:
            return Effects()
        case WaitingEvent.ASK:
            asked = replace(waiting, ask_at=None)
            orders = () if pending else asking.asked_again(ticket, policy)
            sent = any(not order.withheld for order in orders)
            rows: tuple[Effect, ...] = (WaitingChanged(waiting.next_at, asked),)
            if sent:
                rows = (*rows, AskedAgain(ticket.missing))
            done = sentence("what is missing on #{ticket} is asked again", ticket=ticket.id)
            return Effects((*rows, *notified(orders)), (done,) if sent else ())
        case WaitingEvent.BEGIN:
            begins = sla_rules.begun(policy, ticket, Beginning.WAITED, waiting.until or facts.at)
            orders = () if pending else asking.completed(ticket, ticket.missing, policy)
            rows = (WaitingChanged(waiting.next_at, None), *clock_effects(begins))
            done = sentence("the clock of #{ticket} begins", ticket=ticket.id)
            return Effects((*rows, *notified(orders)), (done,))


def _notices(
    ticket: Ticket,
    payload: SlaPayload,
    event: SlaEvent,
    on_call: Reached | None,
    facts: ChangeFacts,
    policy: Policy,
) -> tuple[NoticeOrder, ...]:
    """The assignee is notified, or all staff while there is none, and the person on call."""
    kind = NoticeKind.SLA_BREACH if event is SlaEvent.BREACH else NoticeKind.SLA_WARNING
    assigned = {ticket.assignee} - facts.unreachable
    owners = [s for s in facts.staff if s.address in assigned] or list(facts.staff)
    orders = {
        o.address: o for o in notifications.to_staff(kind, payload, staff=owners, policy=policy)
    }
    if on_call is not None:
        for order in notifications.to_reached(
            kind,
            payload,
            on_call,
            unreachable=facts.unreachable,
            staff=facts.staff,
            policy=policy,
        ):
            orders.setdefault(order.address, order)
    reminded = policy.clock.remind_customer and payload.stage is Stage.ONGOING
    if reminded and event is SlaEvent.WARNING:
        orders |= _reminder(ticket)
    return tuple(orders.values())


def _reminder(ticket: Ticket) -> dict[str, NoticeOrder]:
    requester = ticket.participant(ticket.requester)
    active = requester is not None and requester.presence is Presence.ACTIVE
    if requester is None or not active or requester.muted:
        return {}
    order = NoticeOrder(NoticeKind.FOLLOW_UP, requester.address, requester.language)
    return {requester.address: order}
