"""Storms: what looks like two machines that answer each other reaches nobody but staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules.facts import Facts
from rules.mail import Mail
from rules.policy import Policy
from rules.sentence import sentence
from rules.service import notifications
from rules.service.limits import (
    QUICK_ANSWERS,
    QUICK_ANSWERS_OF_STAFF,
    NoticeBudget,
    mails_before_instant_answer,
    storm,
)
from rules.service.staff_notices import is_alone
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import AlertTopic, NewCommentPayload


def apply_storm_breaker(
    orders: tuple[NoticeOrder, ...],
    *,
    mail: Mail,
    facts: Facts,
    ticket: Ticket,
    author: str,
    policy: Policy,
    certain: bool,
    by_staff: bool = False,
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The orders, or only one alert in a storm; and the notes on that for the trace.

    If the author is `certain`, what others may have written in their name makes no storm. Whatever
    does not reach the customers is said to staff: a person may have been quick.
    """
    recent = [each for each in facts.recent if each.proven or not certain]
    found = storm(recent, ticket.id, facts.decided_at)
    if found is None:
        answered_at = _answered_at(mail, facts)
        most = QUICK_ANSWERS_OF_STAFF if by_staff else QUICK_ANSWERS
        before = mails_before_instant_answer(recent, ticket.id, answered_at, facts.decided_at)
        if before < most:
            return orders, ()
        kept, left_out = _to_staff_alone(orders)
        unheard = bool(left_out) if by_staff else is_alone(facts.staff, author)
        # Once: a machine that writes in a staff person's name answers alerts, too.
        if unheard and before == most:
            what = sentence(
                "{author} answers on #{ticket} within seconds, again and again: not sent on",
                author=author,
                ticket=ticket.id,
            )
            alerts = notifications.alert(AlertTopic.LOOP, (what,), facts.staff, policy)
            kept += notifications.within_budget(alerts, ticket, policy, NoticeBudget.WAITING)
        notes = ("answers at once, again: only staff are notified",)
        return kept, notes + ((f"not sent to {', '.join(left_out)}",) if left_out else ())
    if not found.begins_now:
        return (), ("storm: nobody is notified",)
    what = sentence(
        "{author} and #{ticket} write to each other like machines; muted for an hour",
        author=author,
        ticket=ticket.id,
    )
    others = [s for s in facts.staff if s.address != author]
    if is_alone(facts.staff, author):
        others = list(facts.staff)
    # Who has a reply address can invent authors, each with a storm of their own.
    budget = NoticeBudget.STAFF if certain else NoticeBudget.STORM
    alerts = notifications.alert(AlertTopic.LOOP, (what,), others, policy)
    alerts = notifications.within_budget(alerts, ticket, policy, budget)
    return alerts, ("storm: one alert, then no notifications",)


def _to_staff_alone(
    orders: tuple[NoticeOrder, ...],
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...]]:
    """The orders without the comment for customers, of which those to staff say it; and the
    customers who are left out."""
    left_out = tuple(o.address for o in orders if o.kind is NoticeKind.COMMENT and not o.withheld)
    others = (o for o in orders if o.kind is not NoticeKind.COMMENT or o.withheld)
    return tuple(_saying(o, len(left_out)) for o in others), left_out


def _saying(order: NoticeOrder, withheld: int) -> NoticeOrder:
    payload = order.payload
    if not isinstance(payload, NewCommentPayload) or not withheld:
        return order
    return replace(order, payload=replace(payload, withheld=withheld))


def _answered_at(mail: Mail, facts: Facts) -> datetime | None:
    """When the notice was ordered that a mail replies to; None where it replies to none."""
    replied = (s.made_at for s in facts.pointers if s.message_id in mail.in_reply_to)
    return next((at for at in replied if at is not None), None)
