"""Promises that run out: found by one indexed query, and told once each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, update

from rules.mail import Mailbox
from rules.people import Presence
from rules.policy import Policy
from rules.service import notifications
from rules.service.escalation import on_duty
from rules.ticket import sla
from rules.ticket.notices import NoticeKind, NoticeOrder, SlaPayload
from rules.ticket.sla import SlaEvent, Stage
from storage.db.statements import compiled
from storage.db.tables import MailboxRow, ParticipantRow, TicketRow, table
from storage.registry import lookup
from storage.ticket import clocks, write
from storage.ticket.write import ChangeContext, Source

_ticket, _mailbox, _participant = table(TicketRow), table(MailboxRow), table(ParticipantRow)
_TELL = compiled(
    update(_ticket)
    .where(_ticket.c.id == bindparam("ticket"), _ticket.c.tell_at == bindparam("was"))
    .values(clock=bindparam("new_clock"), tell_at=bindparam("new_tell_at"))
    .returning(_ticket.c.id)
)


@dataclass(frozen=True, slots=True)
class DueTicket:
    """A ticket of which something has to be told now."""

    number: int
    mailbox: Mailbox
    notify_at: datetime
    clock: sla.Clock
    assignee: str
    requester: str


def due(connection: Connection, now: datetime, limit: int) -> Sequence[DueTicket]:
    """The tickets whose next word on the clock is due, the longest due first."""
    query = (
        select(
            _ticket.c.id,
            _ticket.c.tell_at,
            _ticket.c.clock,
            _ticket.c.assignee,
            _ticket.c.requester,
            _ticket.c.mailbox_id,
            _mailbox.c.address,
            _mailbox.c.policy,
        )
        .join_from(_ticket, _mailbox, _ticket.c.mailbox_id == _mailbox.c.id)
        .where(_ticket.c.tell_at <= now)
        .order_by(_ticket.c.tell_at)
        .limit(limit)
    )
    return [found for row in connection.execute(query) if (found := _due(row)) is not None]


def _due(row: Any) -> DueTicket | None:
    clock = clocks.read(row.clock)
    if clock is None:
        return None
    mailbox = Mailbox(row.mailbox_id, row.address, row.policy)
    return DueTicket(row.id, mailbox, row.tell_at, clock, row.assignee, row.requester)


def notify_overdue(
    connection: Connection,
    tickets: Sequence[DueTicket],
    policies: Mapping[str, Policy],
    now: datetime,
    new_id: Callable[[], UUID],
) -> int:
    """Order the warnings and breaches, each once however many nodes ask; returns how many."""
    ordered = 0
    for ticket in tickets:
        clock, told = sla.notified(ticket.clock, now)
        held = clocks.columns(clock)
        first = _TELL.rows(
            connection,
            ticket=ticket.number,
            was=ticket.notify_at,
            new_clock=held["clock"],
            new_tell_at=held["tell_at"],
        )
        if not first or told is None:
            continue
        hand = ChangeContext(ticket.mailbox, "", Source.SYSTEM, now, new_id)
        if told is SlaEvent.BREACH:
            write.audit(connection, hand, ticket.number, "sla", clock.stage.value, "breached", "")
        orders = _orders(connection, ticket, told, policies[ticket.mailbox.policy], now)
        write.queue_notices(connection, hand, orders, ticket.number)
        ordered += len(orders)
    return ordered


def _orders(
    connection: Connection, ticket: DueTicket, told: SlaEvent, policy: Policy, now: datetime
) -> tuple[NoticeOrder, ...]:
    """The owner is told, or all staff while there is none, and whoever is on duty."""
    kind = NoticeKind.SLA_BREACH if told is SlaEvent.BREACH else NoticeKind.SLA_WARNING
    payload = SlaPayload(ticket.clock.stage)
    staff = lookup.staff(connection, ticket.mailbox)()
    owners = [s for s in staff if s.address == ticket.assignee] or list(staff)
    to_owners = notifications.to_staff(kind, payload, staff=owners, policy=policy)
    orders = {o.address: o for o in to_owners}
    if policy.escalation.levels:
        contact = on_duty(policy.escalation.levels[0], now)
        if contact.address and contact.address not in orders:
            orders[contact.address] = NoticeOrder(kind, contact.address, payload=payload)
    reminded = policy.clock.remind_customer and ticket.clock.stage is Stage.ONGOING
    if reminded and told is SlaEvent.WARNING:
        orders |= _customer(connection, ticket)
    return tuple(orders.values())


def _customer(connection: Connection, ticket: DueTicket) -> dict[str, NoticeOrder]:
    query = select(_participant.c.language).where(
        _participant.c.ticket_id == ticket.number,
        _participant.c.address == ticket.requester,
        _participant.c.presence == Presence.ACTIVE.value,
        ~_participant.c.muted,
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return {}
    return {ticket.requester: NoticeOrder(NoticeKind.FOLLOW_UP, ticket.requester, found.language)}
