"""Who is notified when a ticket is assigned to somebody else."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rules.people import StaffNotices
from rules.policy import Policy
from rules.service.limits import NoticeBudget
from rules.service.notifications import WhoActs, to_staff, within_budget
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AssignmentPayload


def of_assignment(
    was: str, ticket: Ticket, facts: WhoActs, policy: Policy, *, quotes: bool
) -> tuple[NoticeOrder, ...]:
    """The mails to the staff person whom a ticket is assigned to, and to the one before them, whose
    address is `was`. Nobody is notified of what they did themselves; readers of digests find it
    there. `quotes`: they carry the comment that was written with it."""
    now = ticket.assignee
    if now == was:
        return ()
    names = {each.address: each.name or each.address for each in facts.staff}
    to, by = names.get(now, now), names.get(facts.actor, "")
    readers = [
        each
        for each in facts.staff
        if each.address in (now, was)
        and each.address != facts.actor
        and each.notices is not StaffNotices.DIGEST
    ]
    orders = [
        order
        for each in readers
        for order in to_staff(
            NoticeKind.ASSIGNMENT,
            AssignmentPayload(to, by, yours=each.address == now),
            staff=[each],
            policy=policy,
            quotes=quotes,
        )
    ]
    return within_budget(orders, ticket, policy, NoticeBudget.STAFF)


def readers_of(orders: Iterable[NoticeOrder]) -> frozenset[str]:
    """The addresses to which the mails about an assignment go."""
    sent = (o for o in orders if o.kind is NoticeKind.ASSIGNMENT and not o.withheld)
    return frozenset(order.address for order in sent)


def without_comment(
    orders: Iterable[NoticeOrder], readers: Collection[str]
) -> tuple[NoticeOrder, ...]:
    """The orders without those of the comment to these readers, whose mail about the assignment
    carries it."""
    return tuple(
        order
        for order in orders
        if order.kind is not NoticeKind.NEW_COMMENT or order.address not in readers
    )
