"""Changes to what a ticket is: its status, its severity, whose it is."""

from __future__ import annotations

from sqlalchemy import select, update

from rules.mail.addresses import normalise
from rules.people import ParticipantKind, Presence, Role
from rules.sender.pointers import Pointer, PointerKind
from rules.service import notifications, sla_rules
from rules.service.participants import Addition
from rules.ticket.lifecycle import EVENT_TO, NEXT, Status
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder, StatusPayload
from rules.ticket.severity import Level
from rules.ticket.workaround import lowered
from storage.db.tables import CRITICAL_SOURCES, PersonRow, TicketRow, table
from storage.ticket import clocks, participants, write
from storage.ticket.changes.case import Case, ChangeRefused, load
from storage.ticket.load import load_pointed_to
from storage.ticket.write import Source

_ticket, _person = table(TicketRow), table(PersonRow)


def set_status(case: Case, ticket: Ticket, status: Status, why: str) -> str:
    became = NEXT.get((ticket.status, EVENT_TO[status]))
    if became is None:
        raise ChangeRefused(f"#{ticket.id} is {ticket.status}; reopen it before it is {status}")
    if became is ticket.status:
        return f"#{ticket.id} is {status} already"
    if not write.change_status(
        case.connection, case.hand, ticket.id, ticket.status.value, became.value, why
    ):
        raise ChangeRefused(f"#{ticket.id} is not {ticket.status} any more; look again")
    policy, now = case.policy, case.hand.now
    promised = sla_rules.target(policy, ticket.tier, ticket.targets, ticket.severity)
    ticking = sla_rules.status_changed(
        policy, promised, ticket.clock, was=ticket.status, became=became, at=now
    )
    clocks.save_clock(case.connection, case.hand, ticket.id, ticking)
    if policy.notices.status and not case.said:
        told = notifications.status_change(
            ticket, StatusPayload("status", ticket.status.value, became.value, why), policy
        )
        write.queue_notices(case.connection, case.hand, told, ticket.id)
    if became is Status.RESOLVED and policy.feedback.ask:
        write.queue_notices(case.connection, case.hand, _feedback(ticket), ticket.id)
    return f"#{ticket.id} is {became} now"


def _feedback(ticket: Ticket) -> tuple[NoticeOrder, ...]:
    requester = ticket.participant(ticket.requester)
    if requester is None or not requester.is_notified:
        return ()
    return (NoticeOrder(NoticeKind.FEEDBACK, requester.address, requester.language),)


def set_severity(case: Case, ticket: Ticket, wanted: str, why: str) -> str:
    levels = case.policy.levels
    level = next((one for one in levels if one.has_name(wanted)), None)
    if level is None:
        known = ", ".join(one.name for one in levels)
        raise ChangeRefused(f"there is no severity {wanted!r}; there are {known}")
    _refuse_critical(case, level)
    return _change_severity(case, ticket, level, why)


def _refuse_critical(case: Case, level: Level) -> None:
    if level.critical and case.hand.source.value not in CRITICAL_SOURCES:
        raise ChangeRefused(f"no mail makes a ticket {level.name}; use the API or the console")


def _change_severity(case: Case, ticket: Ticket, level: Level, why: str) -> str:
    if level.name == ticket.severity:
        return f"#{ticket.id} is {level.name} already"
    source = "staff_mail" if case.hand.source is Source.STAFF_MAIL else case.hand.source.value
    changed = case.connection.execute(
        update(_ticket)
        .where(_ticket.c.id == ticket.id, _ticket.c.severity == ticket.severity)
        .values(
            severity=level.name,
            severity_source=source,
            critical=level.critical,
            # A claim that is made good is none any more: what comes after it is not held up by it.
            critical_claimed=ticket.critical_claimed and not level.critical,
            updated_at=case.hand.now,
        )
    )
    if changed.rowcount != 1:
        raise ChangeRefused(f"#{ticket.id} is not {ticket.severity} any more; look again")
    audited = (ticket.id, "severity", ticket.severity, level.name, why)
    write.audit(case.connection, case.hand, *audited)
    policy = case.policy
    ticking = sla_rules.retargeted(policy, ticket, level.name, case.hand.now)
    clocks.save_clock(case.connection, case.hand, ticket.id, ticking)
    if level.critical:
        what = f"#{ticket.id} is {level.name} now: {why}"
        alert = notifications.on_call(policy, case.hand.now, what)
        write.queue_notices(case.connection, case.hand, alert, ticket.id)
    if policy.notices.severity:
        told = notifications.status_change(
            ticket, StatusPayload("severity", ticket.severity, level.name, why), policy
        )
        write.queue_notices(case.connection, case.hand, told, ticket.id)
    return f"#{ticket.id} is {level.name} now"


def lower_for_workaround(case: Case, ticket: Ticket, why: str) -> str:
    if not case.policy.severity.workaround_lowers:
        raise ChangeRefused("a workaround does not change the severity here (policy)")
    lower = lowered(ticket.severity, case.policy.levels)
    if lower is None:
        raise ChangeRefused(f"#{ticket.id} is {ticket.severity}: there is nothing lower")
    level = next(one for one in case.policy.levels if one.name == lower)
    _refuse_critical(case, level)
    return _change_severity(case, ticket, level, why or "a workaround exists")


def assign(case: Case, ticket: Ticket, wanted: str) -> str:
    address = _staff_address(case, wanted) if wanted else ""
    changed = case.connection.execute(
        update(_ticket)
        .where(_ticket.c.id == ticket.id, _ticket.c.assignee == ticket.assignee)
        .values(assignee=address, updated_at=case.hand.now)
    )
    if changed.rowcount != 1:
        raise ChangeRefused(f"#{ticket.id} was assigned by somebody else meanwhile; look again")
    write.audit(case.connection, case.hand, ticket.id, "assignee", ticket.assignee, address, "")
    return f"#{ticket.id} is {address}'s now" if address else f"#{ticket.id} is nobody's now"


def _staff_address(case: Case, wanted: str) -> str:
    """The staff person of an address, a name, or the part of an address before its @."""
    word, address = wanted.strip().casefold(), normalise(wanted)
    rows = case.connection.execute(
        select(_person.c.address, _person.c.name).where(
            _person.c.mailbox_id == case.hand.mailbox.id,
            _person.c.role == Role.STAFF.value,
            _person.c.active,
        )
    ).all()
    called = [
        row.address
        for row in rows
        if address == row.address
        or word in (row.name.casefold(), row.address.rpartition("@")[0].casefold())
    ]
    if len(called) == 1:
        return str(called[0])
    if called:
        raise ChangeRefused(f"{wanted} can be {' or '.join(called)}; write the address")
    raise ChangeRefused(f"{wanted} is no staff person of {case.hand.mailbox.address}")


def merge(case: Case, ticket: Ticket, into: int) -> str:
    if into == ticket.id:
        raise ChangeRefused(f"#{ticket.id} cannot be merged into itself")
    goal = load(case, into)
    if goal.merged_into is not None:
        raise ChangeRefused(f"#{into} was merged into #{goal.merged_into}; merge into that one")
    if goal.company != ticket.company:
        raise ChangeRefused(f"#{into} belongs to another company")
    if _leads_to(case, goal, ticket.id):
        raise ChangeRefused(
            f"#{ticket.id} goes on from #{into}; merge #{into} into #{ticket.id} instead"
        )
    if goal.status.is_over and not ticket.status.is_over:
        raise ChangeRefused(f"#{into} is {goal.status}; reopen it, or nobody sees #{ticket.id}")
    connection, hand = case.connection, case.hand
    there = {p.address for p in goal.participants}
    # Whoever is on the merged ticket sees the other from now on; its requester becomes one of many.
    carried = [
        Addition(
            p.address,
            None,
            ParticipantKind.USER if p.part is ParticipantKind.REQUESTER else p.part,
            p.presence,
            p.language,
            p.muted,
        )
        for p in ticket.participants
        if p.presence is not Presence.REMOVED and p.address not in there
    ]
    changed = connection.execute(
        update(_ticket)
        .where(_ticket.c.id == ticket.id, _ticket.c.merged_into.is_(None))
        .values(
            merged_into=into,
            status=Status.CLOSED.value,
            status_at=hand.now,
            updated_at=hand.now,
            **clocks.columns(None),
        )
    )
    if changed.rowcount != 1:
        raise ChangeRefused(f"#{ticket.id} was merged by somebody else meanwhile")
    write.add_participants(connection, hand, into, carried)
    # Whoever was on the one and only proposed for the other is on both by this act of staff.
    told = {p.address for p in ticket.participants if p.presence is Presence.ACTIVE and not p.muted}
    for p in goal.participants:
        if p.address in told and p.presence is Presence.PENDING:
            participants.set_presence(
                connection, hand, into, p.address, Presence.PENDING, Presence.ACTIVE
            )
    merged = StatusPayload("merged", became=f"into #{into}")
    orders = notifications.status_change(ticket, merged, case.policy)
    write.queue_notices(connection, hand, orders if case.policy.notices.status else (), ticket.id)
    write.audit(connection, hand, ticket.id, "merged", "", f"into #{into}", "")
    write.audit(connection, hand, into, "merged", "", f"took in #{ticket.id}", "")
    return f"#{ticket.id} is part of #{into} now"


def _leads_to(case: Case, ticket: Ticket, number: int) -> bool:
    """Whether replies to a ticket go on to another: merged, each would lead to the other."""
    pointer = (Pointer(PointerKind.SUBJECT_TAG, ticket.id),)
    found = load_pointed_to(case.connection, case.hand.mailbox, pointer, {}, {}, case.hand.now)
    return number in found


def delete(case: Case, ticket: Ticket, why: str) -> str:
    changed = case.connection.execute(
        update(_ticket)
        .where(_ticket.c.id == ticket.id, _ticket.c.deleted_at.is_(None))
        .values(deleted_at=case.hand.now, **clocks.columns(None))
    )
    if changed.rowcount != 1:
        raise ChangeRefused(f"there is no ticket #{ticket.id}")
    write.audit(case.connection, case.hand, ticket.id, "deleted", "", "", why)
    return f"#{ticket.id} is deleted"
