"""What follows an answer or the end of a request: next steps, feedback, and a review."""

from __future__ import annotations

from rules.policy import Policy
from rules.sentence import Sentence, sentence
from rules.service.limits import NoticeBudget
from rules.service.next_steps import names_next_steps
from rules.service.notifications import to_requester, within_budget
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder

BY_MANAGER = "manager"
"""The value of a company's `updates_by` whose success manager gets updates too."""


def needs_next_steps(severity: str, policy: Policy) -> bool:
    """Whether an answer at this severity names the next steps and the next follow-up."""
    return severity in policy.follow_up.levels


def without_next_steps(ticket: Ticket, text: str, policy: Policy) -> Sentence | None:
    """For the author of a public answer by staff, on the ticket as the answer leaves it: that it
    names no next steps; None where it does, or needs none."""
    if ticket.status.is_over or not needs_next_steps(ticket.severity, policy):
        return None
    if names_next_steps(text):
        return None
    return sentence(
        "your answer on #{ticket} names no next steps, which customers expect at {severity}; "
        "write them in another answer",
        ticket=ticket.id,
        severity=ticket.severity,
    )


def after_answer(ticket: Ticket, author: str, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The mail that carries a public answer by staff to the success manager through whom the
    company gets its updates; none where the team alone sends them."""
    manager = ticket.success_manager
    applies = policy.follow_up.via_manager and needs_next_steps(ticket.severity, policy)
    if not applies or ticket.updates_by != BY_MANAGER or manager in ("", author):
        return ()
    member = ticket.participant(manager)
    if member is not None and member.is_notified:
        return ()  # they are sent the answer itself
    order = NoticeOrder(NoticeKind.NEXT_STEPS, manager, quotes=True)
    return within_budget((order,), ticket, policy, NoticeBudget.STAFF)


def asked_on_resolve(ticket: Ticket, policy: Policy) -> tuple[NoticeOrder, ...]:
    """The mail that asks for a review of a resolved ticket, or for feedback: one in all."""
    if ticket.feedback_asked:
        return ()
    if ticket.severity in policy.review.levels:
        kind = NoticeKind.REVIEW
    elif policy.feedback.ask:
        kind = NoticeKind.FEEDBACK
    else:
        return ()
    return to_requester(kind, ticket)
