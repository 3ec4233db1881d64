"""The mails to the requester of an incomplete request: what is missing, and when work begins."""

from __future__ import annotations

from rules.policy import Policy
from rules.service import notifications
from rules.service.limits import NoticeBudget
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import CompletedPayload, QuestionsPayload


def asked_again(ticket: Ticket, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The questions that the request still leaves open, and when work begins without answers."""
    facts = policy.in_language(ticket.language_of(ticket.requester)).completeness.facts
    asks = {fact.name: " ".join(fact.ask.split()) for fact in facts}
    questions = tuple(asks.get(name, name) for name in ticket.missing)
    until = ticket.waiting.until if ticket.waiting is not None else None
    by = until.isoformat() if until is not None else ""
    order = notifications.to_requester(
        NoticeKind.QUESTIONS, ticket, QuestionsPayload(questions, by)
    )
    return notifications.within_budget(order, ticket, policy)


def completed(
    ticket: Ticket,
    missing: tuple[str, ...],
    policy: Policy,
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
) -> tuple[NoticeOrder, ...]:
    """That the request is complete, or what it is begun without; and when the answer is due."""
    order = notifications.to_requester(NoticeKind.COMPLETED, ticket, CompletedPayload(missing))
    return notifications.within_budget(order, ticket, policy, budget)


def once_answered(
    ticket: Ticket,
    missing: tuple[str, ...] | None,
    policy: Policy,
    budget: NoticeBudget = NoticeBudget.CUSTOMERS,
) -> tuple[NoticeOrder, ...]:
    """The same once a customer has stated the last missing fact; nothing if they have not, or if
    the request waits for the portal, or if staff have answered or resolved it meanwhile."""
    if missing != () or ticket.waits_for_portal or ticket.staff_spoke or ticket.status.is_over:
        return ()
    return completed(ticket, (), policy, budget)
